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

// Calls eight(c) for eight channels at a time, of which the last ones may overlap those before;
// with fewer than eight, one(c) for each.
template <class Eight, class One>
[[gnu::always_inline]] inline void for_channels(int64_t channels, const Eight& eight,
                                                const One& one) {
  if (channels >= 8) {
    for (int64_t c = 0; c < channels; c += 8) eight(std::min(c, channels - 8));
  } else {
    for (int64_t c = 0; c < channels; ++c) one(c);
  }
}

// Mixes four pixels of uint8 whose weights are whole 128ths, as at 2 or 4 times the size: float32
// is exact then, and so are 16 bits. Sums may wrap around on their way. For 16 channels and more.
[[gnu::noinline]] void mix_bytes_by_128ths(const uint8_t* const (&pixels)[4],
                                           const std::array<float, 4>& weights, int64_t channels,
                                           uint8_t* output) {
  const auto weight = [&](int k) {
    return wasm_i16x8_splat(static_cast<int16_t>(weights[k] * 128));
  };
  const v128_t all[4] = {weight(0), weight(1), weight(2), weight(3)};
  const uint8_t* const p0 = pixels[0];
  const uint8_t* const p1 = pixels[1];
  const uint8_t* const p2 = pixels[2];
  const uint8_t* const p3 = pixels[3];
  const v128_t half = wasm_i16x8_splat(64);
  const auto eight = [&](v128_t x0, v128_t x1, v128_t x2, v128_t x3) {
    const v128_t upper =
        wasm_i16x8_add(wasm_i16x8_mul(x0, all[0]), wasm_i16x8_mul(x1, all[1]));
    const v128_t lower =
        wasm_i16x8_add(wasm_i16x8_mul(x2, all[2]), wasm_i16x8_mul(x3, all[3]));
    return wasm_u16x8_shr(wasm_i16x8_add(wasm_i16x8_add(upper, lower), half), 7);
  };
  for (int64_t at = 0; at < channels; at += 16) {
    const int64_t c = std::min(at, channels - 16);
    const v128_t x0 = wasm_v128_load(p0 + c);
    const v128_t x1 = wasm_v128_load(p1 + c);
    const v128_t x2 = wasm_v128_load(p2 + c);
    const v128_t x3 = wasm_v128_load(p3 + c);
    const v128_t low = eight(wasm_u16x8_extend_low_u8x16(x0), wasm_u16x8_extend_low_u8x16(x1),
                             wasm_u16x8_extend_low_u8x16(x2), wasm_u16x8_extend_low_u8x16(x3));
    const v128_t high = eight(wasm_u16x8_extend_high_u8x16(x0), wasm_u16x8_extend_high_u8x16(x1),
                              wasm_u16x8_extend_high_u8x16(x2), wasm_u16x8_extend_high_u8x16(x3));
    wasm_v128_store(output + c, wasm_u8x16_narrow_i16x8(low, high));
  }
}

// Mixes four pixels of uint8 in float32, rounded at the end.
[[gnu::noinline]] void mix_bytes(const uint8_t* const (&pixels)[4],
                                 const std::array<float, 4>& weights, int64_t channels,
                                 uint8_t* output) {
  const F32x4 w0 = wasm_f32x4_splat(weights[0]);
  const F32x4 w1 = wasm_f32x4_splat(weights[1]);
  const F32x4 w2 = wasm_f32x4_splat(weights[2]);
  const F32x4 w3 = wasm_f32x4_splat(weights[3]);
  const uint8_t* const p0 = pixels[0];
  const uint8_t* const p1 = pixels[1];
  const uint8_t* const p2 = pixels[2];
  const uint8_t* const p3 = pixels[3];
  // Adding 2^23 leaves a whole number in the low bits.
  const F32x4 magic = f32x4_kept(8388608.0f);
  const F32x4 half = f32x4_kept(0.5f);
  const auto four = [&](v128_t x0, v128_t x1, v128_t x2, v128_t x3) {
    F32x4 sum = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(x0), w0);
    sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(x1), w1));
    sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(x2), w2));
    sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(x3), w3));
    const F32x4 whole = wasm_f32x4_add(wasm_f32x4_trunc(wasm_f32x4_add(sum, half)), magic);
    return wasm_i32x4_sub(whole, magic);
  };
  for_channels(
      channels,
      [&](int64_t c) {
        const v128_t x0 = wasm_u16x8_load8x8(p0 + c);
        const v128_t x1 = wasm_u16x8_load8x8(p1 + c);
        const v128_t x2 = wasm_u16x8_load8x8(p2 + c);
        const v128_t x3 = wasm_u16x8_load8x8(p3 + c);
        const v128_t low =
            four(wasm_u32x4_extend_low_u16x8(x0), wasm_u32x4_extend_low_u16x8(x1),
                 wasm_u32x4_extend_low_u16x8(x2), wasm_u32x4_extend_low_u16x8(x3));
        const v128_t high =
            four(wasm_u32x4_extend_high_u16x8(x0), wasm_u32x4_extend_high_u16x8(x1),
                 wasm_u32x4_extend_high_u16x8(x2), wasm_u32x4_extend_high_u16x8(x3));
        const v128_t eight = wasm_i16x8_narrow_i32x4(low, high);
        wasm_v128_store64_lane(output + c, wasm_u8x16_narrow_i16x8(eight, eight), 0);
      },
      [&](int64_t c) {
        float sum = pixels[0][c] * weights[0];
        for (int k = 1; k < 4; ++k) sum += pixels[k][c] * weights[k];
        output[c] = static_cast<uint8_t>(std::clamp(sum + 0.5f, 0.0f, 255.0f));
      });
}

// Mixes four pixels of int8: the two of a column first, whose mix serves all output pixels of a row
// between them and the next ones. One for each task.
class Int8Mix {
 public:
  Int8Mix(int64_t channels, const int8_t* input, int8_t* output)
      : channels_(channels), input_(input), output_(output) {}

  void operator()(const int64_t (&at)[4], int32_t x, int32_t y, int64_t out) {
    for (int64_t c = 0; c < channels_; c += kMostChannels) {
      const int64_t count = std::min(channels_ - c, kMostChannels);
      const int left = column(at[0] + c, at[2] + c, y, count, -1);
      const int right = column(at[1] + c, at[3] + c, y, count, left);
      mix(columns_[left].values, columns_[right].values, x, count, output_ + out + c);
    }
  }

 private:
  static constexpr int64_t kMostChannels = 512;
  static constexpr int32_t kOne = FixedBetween::kOne;
  struct Column {
    int64_t top = -1;
    int64_t bottom = -1;
    int32_t y = 0;
    alignas(16) int32_t values[kMostChannels];
  };

  // Where the column is, made in place of one that is not `kept` if need be.
  int column(int64_t top, int64_t bottom, int32_t y, int64_t count, int kept) {
    for (int i = 0; i < 2; ++i) {
      const Column& known = columns_[i];
      if (known.top == top && known.bottom == bottom && known.y == y) return i;
    }
    const int place = kept == 0 ? 1 : 0;
    Column& made = columns_[place];
    made.top = top;
    made.bottom = bottom;
    made.y = y;
    const int8_t* const upper = input_ + top;
    const int8_t* const lower = input_ + bottom;
    const v128_t weights = wasm_i32x4_splat(
        static_cast<int32_t>((static_cast<uint32_t>(kOne - y) & 0xffff) |
                             static_cast<uint32_t>(y) << 16));
    for_channels(
        count,
        [&](int64_t c) {
          const v128_t a = wasm_i16x8_load8x8(upper + c);
          const v128_t b = wasm_i16x8_load8x8(lower + c);
          const v128_t low = wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
          const v128_t high = wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
          wasm_v128_store(made.values + c, wasm_i32x4_dot_i16x8(low, weights));
          wasm_v128_store(made.values + c + 4, wasm_i32x4_dot_i16x8(high, weights));
        },
        [&](int64_t c) { made.values[c] = upper[c] * (kOne - y) + lower[c] * y; });
    return place;
  }

  [[gnu::noinline]] static void mix(const int32_t* left, const int32_t* right, int32_t x,
                                    int64_t count, int8_t* output) {
    constexpr int kBits = 20;
    constexpr int32_t kHalf = 1 << (kBits - 1);
    const v128_t left_weight = wasm_i32x4_splat(kOne - x);
    const v128_t right_weight = wasm_i32x4_splat(x);
    const v128_t half = i32x4_kept(kHalf);
    const auto four = [&](int64_t c) {
      const v128_t sum =
          wasm_i32x4_add(wasm_i32x4_mul(wasm_v128_load(left + c), left_weight),
                         wasm_i32x4_mul(wasm_v128_load(right + c), right_weight));
      // Halves away from zero.
      const v128_t nudge = wasm_i32x4_add(wasm_i32x4_shr(sum, 31), half);
      return wasm_i32x4_shr(wasm_i32x4_add(sum, nudge), kBits);
    };
    for_channels(
        count,
        [&](int64_t c) {
          const v128_t eight = wasm_i16x8_narrow_i32x4(four(c), four(c + 4));
          wasm_v128_store64_lane(output + c, wasm_i8x16_narrow_i16x8(eight, eight), 0);
        },
        [&](int64_t c) {
          const int32_t sum = left[c] * (kOne - x) + right[c] * x;
          output[c] = static_cast<int8_t>((sum + (sum >> 31) + kHalf) >> kBits);
        });
  }

  int64_t channels_;
  const int8_t* input_;
  int8_t* output_;
  Column columns_[2];
};

// Mixes four pixels of int16; weights have 20 bits behind the point.
void mix_int16(const int16_t* input, const int64_t (&pixels)[4],
               const std::array<int32_t, 4>& weights, int64_t channels, int16_t* output) {
  constexpr int kBits = 20;
  constexpr int64_t kHalf = int64_t{1} << (kBits - 1);
  for (int64_t c = 0; c < channels; ++c) {
    int64_t sum = 0;
    for (int k = 0; k < 4; ++k) sum += int64_t{input[pixels[k] + c]} * weights[k];
    output[c] = static_cast<int16_t>((sum + (sum >> 63) + kHalf) >> kBits);
  }
}

// Mixes four pixels: weights in the order top left, top right, bottom left, bottom right.
[[gnu::noinline]] void mix_pixels(const float* const (&pixels)[4],
                                  const std::array<float, 4>& weights, size_t channels,
                                  float* out) {
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

// Calls mix(pixels, x, y, output) for each output pixel: pixels are offsets of elements, in the
// order top left, top right, bottom left, bottom right, x and y the weights of the right and of the
// bottom.
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
    Mix mix_of_task = mix;
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
        mix_of_task(pixels, x.fraction, y.fraction, out);
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
    const std::array<float, 4> weights = weights_of<Between>(x, y);
    const auto is_128ths = [](float weight) { return std::trunc(weight * 128) == weight * 128; };
    if (shape.channels >= 16 && std::ranges::all_of(weights, is_128ths)) {
      mix_bytes_by_128ths(pixels, weights, shape.channels, output + out);
    } else {
      mix_bytes(pixels, weights, shape.channels, output + out);
    }
  });
}

void integer_resize_bilinear(const Resize2DShape& shape, SmallInteger type, const void* input,
                             void* output, ThreadPool* pool) {
  const int64_t channels = shape.channels;
  if (type == SmallInteger::kInt8) {
    for_each_mix<FixedBetween>(shape, pool, Int8Mix(channels, static_cast<const int8_t*>(input),
                                                    static_cast<int8_t*>(output)));
    return;
  }
  const auto* from = static_cast<const int16_t*>(input);
  auto* const to = static_cast<int16_t*>(output);
  for_each_mix<FixedBetween>(shape, pool, [=](const auto& at, int32_t x, int32_t y, int64_t out) {
    mix_int16(from, at, weights_of<FixedBetween>(x, y), channels, to + out);
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
