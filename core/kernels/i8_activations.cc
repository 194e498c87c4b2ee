#include "core/kernels/i8_activations.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/kernels/simd.h"

namespace zeolite {
namespace {

struct Range {
  float low = 0;
  float high = 0;
};

// The range of the values and 0.
Range range_of(const float* values, int64_t count) {
  v128_t low[4] = {};
  v128_t high[4] = {};
  int64_t i = 0;
  // Four at once do not wait for each other.
  for (; i + 16 <= count; i += 16) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const v128_t x = wasm_v128_load(values + i + 4 * j);
      low[j] = wasm_f32x4_pmin(low[j], x);
      high[j] = wasm_f32x4_pmax(high[j], x);
    }
  }
  float lows[4];
  float highs[4];
  wasm_v128_store(lows, wasm_f32x4_pmin(wasm_f32x4_pmin(low[0], low[1]),
                                        wasm_f32x4_pmin(low[2], low[3])));
  wasm_v128_store(highs, wasm_f32x4_pmax(wasm_f32x4_pmax(high[0], high[1]),
                                         wasm_f32x4_pmax(high[2], high[3])));
  Range range;
  for (int lane = 0; lane < 4; ++lane) {
    range.low = std::min(range.low, lows[lane]);
    range.high = std::max(range.high, highs[lane]);
  }
  for (; i < count; ++i) {
    range.low = std::min(range.low, values[i]);
    range.high = std::max(range.high, values[i]);
  }
  return range;
}

template <class T>
void widen(const T* source, int64_t count, int32_t zero_point, int16_t* target) {
  const v128_t zero = wasm_i16x8_splat(static_cast<int16_t>(zero_point));
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const v128_t x = sizeof(T) == 2 ? wasm_v128_load(source + i)
                     : T(-1) < 0    ? wasm_i16x8_load8x8(source + i)
                                    : wasm_u16x8_load8x8(source + i);
    wasm_v128_store(target + i, wasm_i16x8_sub(x, zero));
  }
  for (; i < count; ++i) target[i] = static_cast<int16_t>(source[i] - zero_point);
}

// Four floats below 2^22 as numbers of 32 bits, rounded to the nearest, halves away from zero: half
// less the smallest step is what takes all from a half on, and nothing else, over the next number.
inline v128_t rounded(v128_t x) {
  const v128_t half = wasm_v128_or(wasm_v128_and(x, wasm_f32x4_splat(-0.0f)),
                                   wasm_f32x4_splat(0.49999997f));
  const v128_t whole = wasm_f32x4_trunc(wasm_f32x4_add(x, half));
  return wasm_i32x4_sub(wasm_f32x4_add(whole, wasm_f32x4_splat(kRoundingMagic)),
                        wasm_i32x4_splat(kRoundingBits));
}

// Eight floats as numbers of 16 bits, minus the zero point.
struct Quantize8 {
  v128_t inverse;
  v128_t low;
  v128_t high;

  explicit Quantize8(const BatchScale& scale)
      : inverse(wasm_f32x4_splat(scale.inverse)),
        low(wasm_i16x8_splat(static_cast<int16_t>(scale.min - scale.zero_point))),
        high(wasm_i16x8_splat(static_cast<int16_t>(127 - scale.zero_point))) {}

  v128_t four(const float* from) const {
    return rounded(wasm_f32x4_mul(wasm_v128_load(from), inverse));
  }
  v128_t operator()(const float* from) const {
    const v128_t whole = wasm_i16x8_narrow_i32x4(four(from), four(from + 4));
    return wasm_i16x8_min(wasm_i16x8_max(whole, low), high);
  }
  // The first `count`, which are fewer.
  v128_t operator()(const float* from, int64_t count) const {
    float rest[8] = {};
    std::copy_n(from, count, rest);
    return (*this)(rest);
  }
};

void quantize(const float* source, int64_t count, const BatchScale& scale, int16_t* target) {
  const Quantize8 eight(scale);
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) wasm_v128_store(target + i, eight(source + i));
  if (i < count) {
    int16_t stored[8];
    wasm_v128_store(stored, eight(source + i, count - i));
    std::copy_n(stored, count - i, target + i);
  }
}

}  // namespace

BatchScale batch_scale_of(const float* values, int64_t count, bool asymmetric) {
  const Range range = range_of(values, count);
  BatchScale result;
  if (!asymmetric) {
    const float largest = std::max(-range.low, range.high);
    if (largest == 0) return result;
    result.scale = largest / 127;
    result.inverse = 127.0f / largest;
    return result;
  }
  if (range.low == range.high) return result;
  const double low = range.low;
  const double high = range.high;
  const double scale = (high - low) / 255.0;
  // Of the two ends the one gives the zero point whose own error is smaller.
  const double from_low = -128 - low / scale;
  const double from_high = 127 - high / scale;
  const bool low_is_better = 128 + std::abs(low / scale) < 127 + std::abs(high / scale);
  const double zero_point = low_is_better ? from_low : from_high;
  result.min = -128;
  // Of an infinite range it is NaN.
  result.zero_point = !(zero_point > -128) ? -128
                      : zero_point >= 127  ? 127
                                           : static_cast<int32_t>(std::round(zero_point));
  result.scale = static_cast<float>(scale);
  result.inverse = 1.0f / result.scale;
  return result;
}

void widen_activations(const ActivationForm& form, const BatchScale& scale, const void* source,
                       int64_t count, int16_t* target) {
  switch (form.type) {
    case ActivationType::kInt8:
      return widen(static_cast<const int8_t*>(source), count, form.zero_point, target);
    case ActivationType::kUint8:
      return widen(static_cast<const uint8_t*>(source), count, form.zero_point, target);
    case ActivationType::kInt16:
      std::memcpy(target, source, static_cast<size_t>(count) * sizeof(int16_t));
      return;
    case ActivationType::kFloat32:
      return quantize(static_cast<const float*>(source), count, scale, target);
  }
}

void quantize_activations(const BatchScale& scale, const float* source, int64_t count,
                          uint8_t* target) {
  const Quantize8 eight(scale);
  const v128_t offset = wasm_i16x8_splat(static_cast<int16_t>(scale.zero_point + 128));
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const v128_t x = wasm_i16x8_add(eight(source + i), offset);
    wasm_v128_store64_lane(target + i, wasm_u8x16_narrow_i16x8(x, x), 0);
  }
  if (i < count) {
    uint8_t stored[16];
    const v128_t x = wasm_i16x8_add(eight(source + i, count - i), offset);
    wasm_v128_store(stored, wasm_u8x16_narrow_i16x8(x, x));
    std::copy_n(stored, count - i, target + i);
  }
}

void flip_activations(const ActivationForm& form, const uint8_t* source, int64_t count,
                      uint8_t* target) {
  const uint8_t flip = form.type == ActivationType::kInt8 ? 0x80 : 0;
  const v128_t flips = wasm_i8x16_splat(static_cast<int8_t>(flip));
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    wasm_v128_store(target + i, wasm_v128_xor(wasm_v128_load(source + i), flips));
  }
  for (; i < count; ++i) target[i] = source[i] ^ flip;
}

}  // namespace zeolite
