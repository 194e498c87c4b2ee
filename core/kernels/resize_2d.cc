// RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR. An output position comes from the input position
//   align_corners:       out * (input - 1) / (output - 1)
//   half_pixel_centers:  (out + 1/2) * input / output - 1/2
//   neither:             out * input / output
// as in TensorFlow's definition of the options; nearest takes half_pixel_centers without the -1/2.
#include "core/kernels/resize_2d.h"

#include <algorithm>
#include <array>
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

// The two input positions around that of an output, and the weight of the second: a part of kOne.
struct Between {
  static constexpr float kOne = 1;
  int64_t low;
  int64_t high;
  float fraction;

  static float scale_of(int32_t input, int32_t output, bool align_corners) {
    return zeolite::scale_of(input, output, align_corners);
  }

  Between(int64_t out, int32_t input, float scale, bool half_pixel_centers) {
    const float at = half_pixel_centers ? (static_cast<float>(out) + 0.5f) * scale - 0.5f
                                        : static_cast<float>(out) * scale;
    low = std::max<int64_t>(static_cast<int64_t>(std::floor(at)), 0);
    high = std::min<int64_t>(static_cast<int64_t>(std::ceil(at)), input - 1);
    low = std::min<int64_t>(low, input - 1);
    fraction = at - static_cast<float>(low);
  }
};

// The same with 10 bits behind the point.
struct FixedBetween {
  static constexpr int32_t kOne = 1 << 10;
  int64_t low;
  int64_t high;
  int32_t fraction;

  static int64_t scale_of(int32_t input, int32_t output, bool align_corners) {
    if (align_corners && output > 1) {
      return (int64_t{kOne} * (input - 1) + (output - 1) / 2) / (output - 1);
    }
    return (int64_t{kOne} * input + output / 2) / output;
  }

  FixedBetween(int64_t out, int32_t input, int64_t scale, bool half_pixel_centers) {
    const int64_t at = half_pixel_centers ? out * scale + scale / 2 - kOne / 2 : out * scale;
    low = std::clamp<int64_t>(at / kOne, 0, input - 1);
    high = std::clamp<int64_t>((at + kOne - 1) / kOne, 0, input - 1);
    fraction = static_cast<int32_t>(at - low * kOne);
  }
};

// Mixes four pixels of uint8 in float32, rounded at the end.
void mix_bytes(const uint8_t* const (&pixels)[4], const std::array<float, 4>& weights, int64_t channels,
               uint8_t* output) {
  for (int64_t c = 0; c < channels; c += kIntegerBlock) {
    const int64_t size = std::min(kIntegerBlock, channels - c);
    IntegerBlock sums;
    IntegerBlock block;
    for (int k = 0; k < 4; ++k) {
      const F32x4 weight = wasm_f32x4_splat(weights[k]);
      load_integers(SmallInteger::kUint8, pixels[k], c, 1, size, 0, &block);
      for (int64_t i = 0; i < size; i += 4) {
        const F32x4 term =
            wasm_f32x4_mul(wasm_f32x4_convert_i32x4(wasm_v128_load(block.values + i)), weight);
        wasm_v128_store(sums.values + i,
                        k == 0 ? term : wasm_f32x4_add(wasm_v128_load(sums.values + i), term));
      }
    }
    for (int64_t i = 0; i < size; i += 4) {
      const F32x4 rounded = wasm_f32x4_add(wasm_v128_load(sums.values + i), wasm_f32x4_splat(0.5f));
      wasm_v128_store(sums.values + i, wasm_i32x4_trunc_sat_f32x4(rounded));
    }
    store_integers(SmallInteger::kUint8, sums, size, 0, 0, 255, output, c);
  }
}

// Mixes four pixels of int8 with at least 8 channels, so many at a time: pairs of pixels in 16 bits,
// then the two rows in 32.
void mix_int8(const int8_t* const (&pixels)[4], int32_t x, int32_t y, int64_t channels,
                 int8_t* output) {
  constexpr int32_t kOne = FixedBetween::kOne;
  const v128_t across = wasm_i32x4_splat((kOne - x) | static_cast<int32_t>(uint32_t(x) << 16));
  const v128_t top = wasm_i32x4_splat(kOne - y);
  const v128_t bottom = wasm_i32x4_splat(y);
  const RoundingShift4 shift(20);
  for (int64_t next = 0; next < channels; next += 8) {
    const int64_t c = std::min(next, channels - 8);  // The last ones overlap those before.
    v128_t row[4];
    for (int k = 0; k < 4; ++k) row[k] = wasm_i16x8_load8x8(pixels[k] + c);
    const auto low = [&](v128_t a, v128_t b) {
      return wasm_i32x4_dot_i16x8(wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11), across);
    };
    const auto high = [&](v128_t a, v128_t b) {
      return wasm_i32x4_dot_i16x8(wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15), across);
    };
    const auto mix = [&](v128_t upper, v128_t lower) {
      return shift(wasm_i32x4_add(wasm_i32x4_mul(upper, top), wasm_i32x4_mul(lower, bottom)));
    };
    const v128_t eight =
        wasm_i16x8_narrow_i32x4(mix(low(row[0], row[1]), low(row[2], row[3])),
                                mix(high(row[0], row[1]), high(row[2], row[3])));
    wasm_v128_store64_lane(output + c, wasm_i8x16_narrow_i16x8(eight, eight), 0);
  }
}

// Mixes four pixels of int8 or int16; weights have 20 bits behind the point.
void mix_stored(SmallInteger type, const void* input, const int64_t (&pixels)[4],
                const std::array<int32_t, 4>& weights, int64_t channels, void* output, int64_t at) {
  constexpr int kBits = 20;
  const RoundingShift4 shift(kBits);
  for (int64_t c = 0; c < channels; c += kIntegerBlock) {
    const int64_t size = std::min(kIntegerBlock, channels - c);
    IntegerBlock block[4];
    for (int k = 0; k < 4; ++k) {
      load_integers(type, input, pixels[k] + c, 1, size, 0, &block[k]);
    }
    if (type == SmallInteger::kInt16) {
      for (int64_t i = 0; i < size; ++i) {
        int64_t sum = 0;
        for (int k = 0; k < 4; ++k) sum += int64_t{block[k].values[i]} * weights[k];
        const int64_t half = int64_t{1} << (kBits - 1);
        block[0].values[i] =
            static_cast<int32_t>((sum + (sum > 0 ? half : -half)) / (int64_t{1} << kBits));
      }
    } else {
      for (int64_t i = 0; i < size; i += 4) {
        v128_t sum = wasm_i32x4_splat(0);
        for (int k = 0; k < 4; ++k) {
          sum = wasm_i32x4_add(sum, wasm_i32x4_mul(wasm_v128_load(block[k].values + i),
                                                   wasm_i32x4_splat(weights[k])));
        }
        wasm_v128_store(block[0].values + i, shift(sum));
      }
    }
    const int32_t max = type == SmallInteger::kInt8 ? 127 : 32767;
    store_integers(type, block[0], size, 0, -max - 1, max, output, at + c);
  }
}

// Mixes four pixels: weights in the order top left, top right, bottom left, bottom right.
[[gnu::noinline]] void mix_pixels(const float* const (&pixels)[4], const std::array<float, 4>& weights,
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

// Calls mix(pixels, x, y, output) for each output pixel: pixels are offsets of elements, in the order
// top left, top right, bottom left, bottom right, x and y the weights of the right and of the bottom.
template <class Place, class Mix>
void for_each_mix(const Resize2DShape& shape, ThreadPool* pool, const Mix& mix) {
  const int64_t channels = shape.channels;
  const int64_t input_row = shape.input_width * channels;
  const int64_t output_row = shape.output_width * channels;
  const auto y_scale =
      Place::scale_of(shape.input_height, shape.output_height, shape.align_corners);
  const auto x_scale = Place::scale_of(shape.input_width, shape.output_width, shape.align_corners);
  const EvenSplit split(int64_t{shape.batch} * shape.output_height, 1, 4 * output_row, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) {
      const Place y(row % shape.output_height, shape.input_height, y_scale,
                    shape.half_pixel_centers);
      const int64_t image = row / shape.output_height * shape.input_height * input_row;
      const int64_t top = image + y.low * input_row;
      const int64_t bottom = image + y.high * input_row;
      int64_t out = row * output_row;
      for (int64_t ox = 0; ox < shape.output_width; ++ox, out += channels) {
        const Place x(ox, shape.input_width, x_scale, shape.half_pixel_centers);
        const int64_t pixels[4] = {top + x.low * channels, top + x.high * channels,
                                   bottom + x.low * channels, bottom + x.high * channels};
        mix(pixels, x.fraction, y.fraction, out);
      }
    }
  });
}

// The weights of four pixels, in for_each_mix's order.
template <class Place, class T>
std::array<T, 4> weights_of(T x, T y) {
  constexpr T kOne = Place::kOne;
  return {(kOne - y) * (kOne - x), (kOne - y) * x, y * (kOne - x), y * x};
}

}  // namespace

void f32_resize_bilinear(const Resize2DShape& shape, const float* input, float* output,
                         ThreadPool* pool) {
  for_each_mix<Between>(shape, pool, [&](const auto& at, float x, float y, int64_t out) {
    const float* const pixels[4] = {input + at[0], input + at[1], input + at[2], input + at[3]};
    mix_pixels(pixels, weights_of<Between>(x, y), shape.channels, output + out);
  });
}

void u8_resize_bilinear(const Resize2DShape& shape, const uint8_t* input, uint8_t* output,
                        ThreadPool* pool) {
  for_each_mix<Between>(shape, pool, [&](const auto& at, float x, float y, int64_t out) {
    const uint8_t* const pixels[4] = {input + at[0], input + at[1], input + at[2], input + at[3]};
    mix_bytes(pixels, weights_of<Between>(x, y), shape.channels, output + out);
  });
}

void integer_resize_bilinear(const Resize2DShape& shape, SmallInteger type, const void* input,
                             void* output, ThreadPool* pool) {
  const int64_t channels = shape.channels;
  for_each_mix<FixedBetween>(shape, pool, [&](const auto& at, int32_t x, int32_t y, int64_t out) {
    // Positions before the first pixel make fractions below 0, which 16 bits don't hold beside the
    // other weight.
    if (type == SmallInteger::kInt8 && x >= 0 && channels >= 8) {
      const int8_t* from = static_cast<const int8_t*>(input);
      const int8_t* const pixels[4] = {from + at[0], from + at[1], from + at[2], from + at[3]};
      mix_int8(pixels, x, y, channels, static_cast<int8_t*>(output) + out);
    } else {
      mix_stored(type, input, at, weights_of<FixedBetween>(x, y), channels, output, out);
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
