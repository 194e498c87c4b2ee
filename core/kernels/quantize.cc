#include "core/kernels/quantize.h"

#include <cstring>
#include <limits>
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

// Four numbers to integers without their zero point.
struct Quantize4 {
  F32x4 scale;
  F32x4 low;  // Bounds before the zero point is added, so that nothing overflows.
  F32x4 high;
  F32x4 limit;
  F32x4 sign;
  F32x4 half;   // The number before 1/2: adding that and cutting off rounds halves away from zero.
  F32x4 magic;  // 1.5 * 2^23: adding it leaves a whole number in the low bits.

  [[gnu::always_inline]] v128_t operator()(const float* from) const {
    F32x4 x = wasm_f32x4_div(wasm_v128_load(from), scale);
    // What is too large becomes NaN, and NaN the lower bound.
    x = wasm_v128_or(x, wasm_f32x4_ge(x, limit));
    x = wasm_f32x4_pmin(wasm_f32x4_pmax(low, x), high);
    x = wasm_f32x4_trunc(wasm_f32x4_add(x, wasm_v128_or(wasm_v128_and(x, sign), half)));
    return wasm_f32x4_add(x, magic);
  }
};

}  // namespace

void quantize(const float* input, int64_t count, Affine affine, int32_t min, int32_t max,
              SmallInteger type, void* output, ThreadPool* pool) {
  const Quantize4 four = {wasm_f32x4_splat(affine.scale),
                          wasm_f32x4_splat(static_cast<float>(min - affine.zero_point)),
                          wasm_f32x4_splat(static_cast<float>(max - affine.zero_point)),
                          wasm_f32x4_splat(2147483648.0f),
                          wasm_i32x4_splat(std::numeric_limits<int32_t>::min()),
                          wasm_f32x4_splat(0.49999997f),
                          wasm_f32x4_splat(12582912.0f)};
  const v128_t base = wasm_i32x4_splat(0x4b400000 - affine.zero_point);
  const int bytes = bytes_of(type);
  const auto sixteen = [&](const float* from, void* to) {
    const auto eight = [&](const float* x) {
      return wasm_i16x8_narrow_i32x4(wasm_i32x4_sub(four(x), base),
                                     wasm_i32x4_sub(four(x + 4), base));
    };
    const v128_t low = eight(from);
    const v128_t high = eight(from + 8);
    switch (type) {
      case SmallInteger::kInt8: return wasm_v128_store(to, wasm_i8x16_narrow_i16x8(low, high));
      case SmallInteger::kUint8: return wasm_v128_store(to, wasm_u8x16_narrow_i16x8(low, high));
      case SmallInteger::kInt16: break;
    }
    wasm_v128_store(to, low);
    wasm_v128_store(static_cast<int16_t*>(to) + 8, high);
  };
  const EvenSplit split(count, 16, 4, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    int64_t i = split.begin(task);
    const int64_t end = split.end(task);
    auto* const to = static_cast<uint8_t*>(output);
    for (; i + 16 <= end; i += 16) sixteen(input + i, to + i * bytes);
    if (i == end) return;
    float from[16] = {};
    std::copy(input + i, input + end, from);
    int16_t rest[16];
    sixteen(from, rest);
    std::memcpy(to + i * bytes, rest, static_cast<size_t>((end - i) * bytes));
  });
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
