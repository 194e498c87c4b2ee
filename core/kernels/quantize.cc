#include "core/kernels/quantize.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/kernels/split.h"

namespace zeolite {
namespace {

// Calls body(at, size) for blocks of [0, count).
template <class Body>
void for_each_block(int64_t count, ThreadPool* pool, const Body& body) {
  const EvenSplit split(count, kIntegerBlock, 4, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t at = split.begin(task); at < split.end(task); at += kIntegerBlock) {
      body(at, std::min(kIntegerBlock, split.end(task) - at));
    }
  });
}

}  // namespace

namespace {

// Bytes, 16 at a time in registers.
template <class T>
void dequantize_bytes(const T* input, int64_t count, Affine affine, float* output) {
  const F32x4 scale = wasm_f32x4_splat(affine.scale);
  const v128_t zero = wasm_i16x8_splat(static_cast<int16_t>(affine.zero_point));
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const v128_t x = wasm_v128_load(input + i);
    const auto store = [&](v128_t eight, float* to) {
      eight = wasm_i16x8_sub(eight, zero);
      const v128_t low = wasm_i32x4_extend_low_i16x8(eight);
      const v128_t high = wasm_i32x4_extend_high_i16x8(eight);
      wasm_v128_store(to, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(low), scale));
      wasm_v128_store(to + 4, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(high), scale));
    };
    if constexpr (std::is_signed_v<T>) {
      store(wasm_i16x8_extend_low_i8x16(x), output + i);
      store(wasm_i16x8_extend_high_i8x16(x), output + i + 8);
    } else {
      store(wasm_u16x8_extend_low_u8x16(x), output + i);
      store(wasm_u16x8_extend_high_u8x16(x), output + i + 8);
    }
  }
  for (; i < count; ++i) {
    output[i] = affine.scale * static_cast<float>(input[i] - affine.zero_point);
  }
}

}  // namespace

void dequantize(SmallInteger type, const void* input, int64_t count, Affine affine, float* output,
                ThreadPool* pool) {
  if (type != SmallInteger::kInt16) {
    const EvenSplit split(count, kIntegerBlock, 4, pool);
    parallel_for(split.pool, split.tasks(), [&](int64_t task) {
      const int64_t at = split.begin(task);
      const int64_t size = split.end(task) - at;
      if (type == SmallInteger::kInt8) {
        dequantize_bytes(static_cast<const int8_t*>(input) + at, size, affine, output + at);
      } else {
        dequantize_bytes(static_cast<const uint8_t*>(input) + at, size, affine, output + at);
      }
    });
    return;
  }
  const F32x4 scale = wasm_f32x4_splat(affine.scale);
  for_each_block(count, pool, [&](int64_t at, int64_t size) {
    IntegerBlock block;
    load_integers(type, input, at, 1, size, affine.zero_point, &block);
    int64_t i = 0;
    for (; i + 4 <= size; i += 4) {
      const v128_t x = wasm_v128_load(block.values + i);
      wasm_v128_store(output + at + i, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(x), scale));
    }
    for (; i < size; ++i) output[at + i] = affine.scale * static_cast<float>(block.values[i]);
  });
}

namespace {

// Real: float or double, whose quotient is rounded.
template <class Real>
int32_t stored_number(Real x, Affine affine, int32_t min, int32_t max) {
  const Real real = std::round(x / static_cast<Real>(affine.scale));
  // Bounds before the zero point is added, so that nothing overflows.
  const Real low = static_cast<Real>(min - affine.zero_point);
  const Real high = static_cast<Real>(max - affine.zero_point);
  if (!(std::abs(real) < Real{2147483648.0})) return affine.zero_point < 0 ? max : min;
  return static_cast<int32_t>(std::clamp(real, low, high)) + affine.zero_point;
}

// Writes one number, or eight of 16 bits, as numbers of `type`.
void store_one(SmallInteger type, int32_t value, void* output, int64_t at) {
  if (type == SmallInteger::kInt16) {
    static_cast<int16_t*>(output)[at] = static_cast<int16_t>(value);
  } else {
    static_cast<uint8_t*>(output)[at] = static_cast<uint8_t>(value);
  }
}
void store_eight(SmallInteger type, v128_t eight, void* output, int64_t at) {
  if (type == SmallInteger::kInt16) {
    wasm_v128_store(static_cast<int16_t*>(output) + at, eight);
  } else {
    const v128_t bytes = type == SmallInteger::kInt8 ? wasm_i8x16_narrow_i16x8(eight, eight)
                                                     : wasm_u8x16_narrow_i16x8(eight, eight);
    wasm_v128_store64_lane(static_cast<uint8_t*>(output) + at, bytes, 0);
  }
}

}  // namespace

int32_t quantize_one(float x, Affine affine, int32_t min, int32_t max) {
  return stored_number(x, affine, min, max);
}

void quantize(const float* input, int64_t count, Affine affine, int32_t min, int32_t max,
              SmallInteger type, void* output, ThreadPool* pool) {
  const F32x4 inverse = wasm_f32x4_splat(1.0f / affine.scale);
  const F32x4 low = wasm_f32x4_splat(static_cast<float>(min - affine.zero_point));
  const F32x4 high = wasm_f32x4_splat(static_cast<float>(max - affine.zero_point));
  const F32x4 limit = wasm_f32x4_splat(2147483648.0f);
  const F32x4 lost = affine.zero_point < 0 ? high : low;
  const F32x4 magic = wasm_f32x4_splat(kRoundingMagic);
  const v128_t magic_bits = wasm_i32x4_splat(kRoundingBits - affine.zero_point);
  const auto quantize_four = [&](const float* from) {
    F32x4 x = wasm_f32x4_mul(wasm_v128_load(from), inverse);
    x = wasm_v128_bitselect(x, lost, wasm_f32x4_lt(wasm_f32x4_abs(x), limit));
    x = wasm_f32x4_pmin(wasm_f32x4_pmax(low, x), high);
    return wasm_i32x4_sub(wasm_f32x4_add(x, magic), magic_bits);
  };
  const EvenSplit split(count, kIntegerBlock, 4, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    int64_t i = split.begin(task);
    const int64_t end = split.end(task);
    for (; i + 8 <= end; i += 8) {
      store_eight(type,
                  wasm_i16x8_narrow_i32x4(quantize_four(input + i), quantize_four(input + i + 4)),
                  output, i);
    }
    for (; i < end; ++i) {
      store_one(type, stored_number<double>(input[i], affine, min, max), output, i);
    }
  });
}

void quantize_one_by_one(const float* input, int64_t count, Affine affine, int32_t min,
                         int32_t max, SmallInteger type, void* output) {
  for (int64_t i = 0; i < count; ++i) {
    store_one(type, quantize_one(input[i], affine, min, max), output, i);
  }
}

void requantize(SmallInteger input_type, const void* input, int64_t count,
                int32_t input_zero_point, FixedPointFactor factor, int32_t output_zero_point,
                int32_t min, int32_t max, SmallInteger output_type, void* output,
                ThreadPool* pool) {
  const ScaleBy4 scale(factor);
  for_each_block(count, pool, [&](int64_t at, int64_t size) {
    IntegerBlock block;
    load_integers(input_type, input, at, 1, size, input_zero_point, &block);
    for (int64_t i = 0; i < size; i += 4) {
      wasm_v128_store(block.values + i, scale(wasm_v128_load(block.values + i)));
    }
    store_integers(output_type, block, size, output_zero_point, min, max, output, at);
  });
}

}  // namespace zeolite
