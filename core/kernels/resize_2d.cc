// RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR. An output position comes from the input position
//   align_corners:       out * (input - 1) / (output - 1)
//   half_pixel_centers:  (out + 1/2) * input / output - 1/2
//   neither:             out * input / output
// as in TensorFlow's definition of the options; nearest takes half_pixel_centers without the -1/2.
#include "core/kernels/resize_2d.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

float scale_of(int32_t input, int32_t output, bool align_corners) {
  return align_corners && output > 1
             ? static_cast<float>(input - 1) / static_cast<float>(output - 1)
             : static_cast<float>(input) / static_cast<float>(output);
}

// The two input positions around that of an output, and the weight of the second.
struct Between {
  int64_t low;
  int64_t high;
  float fraction;

  Between(int64_t out, int32_t input, float scale, bool half_pixel_centers) {
    const float at = half_pixel_centers ? (static_cast<float>(out) + 0.5f) * scale - 0.5f
                                        : static_cast<float>(out) * scale;
    low = std::max<int64_t>(static_cast<int64_t>(std::floor(at)), 0);
    high = std::min<int64_t>(static_cast<int64_t>(std::ceil(at)), input - 1);
    low = std::min<int64_t>(low, input - 1);
    fraction = at - static_cast<float>(low);
  }
};

// Mixes four pixels: weights in the order top left, top right, bottom left, bottom right.
[[gnu::noinline]] void mix_pixels(const float* const (&pixels)[4], const float (&weights)[4],
                                  size_t channels, float* out) {
  const F32x4 w0 = wasm_f32x4_splat(weights[0]);
  const F32x4 w1 = wasm_f32x4_splat(weights[1]);
  const F32x4 w2 = wasm_f32x4_splat(weights[2]);
  const F32x4 w3 = wasm_f32x4_splat(weights[3]);
  size_t c = 0;
  for (; c + 4 <= channels; c += 4) {
    F32x4 y = wasm_f32x4_mul(wasm_v128_load(pixels[0] + c), w0);
    y = f32x4_madd(wasm_v128_load(pixels[1] + c), w1, y);
    y = f32x4_madd(wasm_v128_load(pixels[2] + c), w2, y);
    y = f32x4_madd(wasm_v128_load(pixels[3] + c), w3, y);
    wasm_v128_store(out + c, y);
  }
  for (; c < channels; ++c) {
    out[c] = pixels[0][c] * weights[0] + pixels[1][c] * weights[1] + pixels[2][c] * weights[2] +
             pixels[3][c] * weights[3];
  }
}

int64_t nearest(int64_t out, int32_t input, float scale, const Resize2DShape& shape) {
  const float at =
      (static_cast<float>(out) + (shape.half_pixel_centers ? 0.5f : 0.0f)) * scale;
  // Half away from zero; positions are not negative.
  const int64_t index = static_cast<int64_t>(shape.align_corners ? std::round(at) : std::floor(at));
  return std::clamp<int64_t>(index, 0, input - 1);
}

}  // namespace

void f32_resize_bilinear(const Resize2DShape& shape, const float* input, float* output,
                         ThreadPool* pool) {
  const int64_t channels = shape.channels;
  const int64_t input_row = shape.input_width * channels;
  const int64_t output_row = shape.output_width * channels;
  const float y_scale = scale_of(shape.input_height, shape.output_height, shape.align_corners);
  const float x_scale = scale_of(shape.input_width, shape.output_width, shape.align_corners);
  const EvenSplit split(int64_t{shape.batch} * shape.output_height, 1, 4 * output_row, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) {
      const Between y(row % shape.output_height, shape.input_height, y_scale,
                      shape.half_pixel_centers);
      const float* const image = input + row / shape.output_height * shape.input_height * input_row;
      const float* const top = image + y.low * input_row;
      const float* const bottom = image + y.high * input_row;
      float* out = output + row * output_row;
      for (int64_t ox = 0; ox < shape.output_width; ++ox, out += channels) {
        const Between x(ox, shape.input_width, x_scale, shape.half_pixel_centers);
        const float* const pixels[4] = {top + x.low * channels, top + x.high * channels,
                                        bottom + x.low * channels, bottom + x.high * channels};
        const float weights[4] = {(1.0f - y.fraction) * (1.0f - x.fraction),
                                  (1.0f - y.fraction) * x.fraction,
                                  y.fraction * (1.0f - x.fraction), y.fraction * x.fraction};
        mix_pixels(pixels, weights, channels, out);
      }
    }
  });
}

void resize_nearest(const Resize2DShape& shape, int64_t element_bytes, const void* input,
                    void* output, ThreadPool* pool) {
  const int64_t pixel_bytes = shape.channels * element_bytes;
  const int64_t input_row = shape.input_width * pixel_bytes;
  const int64_t output_row = shape.output_width * pixel_bytes;
  const float y_scale = scale_of(shape.input_height, shape.output_height, shape.align_corners);
  const float x_scale = scale_of(shape.input_width, shape.output_width, shape.align_corners);
  const uint8_t* const source = static_cast<const uint8_t*>(input);
  uint8_t* const target = static_cast<uint8_t*>(output);
  const EvenSplit split(int64_t{shape.batch} * shape.output_height, 1, output_row / 2, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) {
      const int64_t y =
          nearest(row % shape.output_height, shape.input_height, y_scale, shape);
      const uint8_t* const from =
          source + (row / shape.output_height * shape.input_height + y) * input_row;
      uint8_t* const to = target + row * output_row;
      for (int64_t ox = 0; ox < shape.output_width; ++ox) {
        const int64_t x = nearest(ox, shape.input_width, x_scale, shape);
        std::memcpy(to + ox * pixel_bytes, from + x * pixel_bytes, pixel_bytes);
      }
    }
  });
}

}  // namespace zeolite
