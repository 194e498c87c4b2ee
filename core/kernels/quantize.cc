#include "core/kernels/quantize.h"

#include <type_traits>

#include "core/kernels/split.h"

namespace zeolite {
namespace {

// To the nearest integer, halves away from zero.
F32x4 round_away(F32x4 x) {
  const F32x4 whole = wasm_f32x4_trunc(x);
  const F32x4 rest = wasm_f32x4_abs(wasm_f32x4_sub(x, whole));
  const F32x4 sign = wasm_v128_and(x, wasm_i32x4_splat(INT32_MIN));
  const F32x4 step = wasm_v128_or(wasm_f32x4_splat(1.0f), sign);
  return wasm_f32x4_add(whole,
                        wasm_v128_and(step, wasm_f32x4_ge(rest, wasm_f32x4_splat(0.5f))));
}

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

void quantize(const float* input, int64_t count, Affine affine, int32_t min, int32_t max,
              SmallInteger type, void* output, ThreadPool* pool) {
  const F32x4 scale = wasm_f32x4_splat(affine.scale);
  // Bounds before the zero point is added, so that nothing overflows.
  const F32x4 low = wasm_f32x4_splat(static_cast<float>(min - affine.zero_point));
  const F32x4 high = wasm_f32x4_splat(static_cast<float>(max - affine.zero_point));
  const F32x4 limit = wasm_f32x4_splat(2147483648.0f);
  for_each_block(count, pool, [&](int64_t at, int64_t size) {
    IntegerBlock block;
    for (int64_t i = 0; i < size; i += 4) {
      const int rest = static_cast<int>(std::min<int64_t>(4, size - i));
      const F32x4 four = rest == 4 ? wasm_v128_load(input + at + i)
                                   : f32x4_load_partial(input + at + i, rest);
      const F32x4 x = round_away(wasm_f32x4_div(four, scale));
      const F32x4 inside = wasm_v128_bitselect(wasm_f32x4_pmin(high, wasm_f32x4_pmax(low, x)), low,
                                               wasm_f32x4_lt(x, limit));
      wasm_v128_store(block.values + i, wasm_i32x4_trunc_sat_f32x4(inside));
    }
    store_integers(type, block, size, affine.zero_point, min, max, output, at);
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
