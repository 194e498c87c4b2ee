#include "core/kernels/integer_blocks.h"

namespace zeolite {
namespace {

template <class T>
void load_rest(const T* from, int64_t stride, int64_t first, int64_t count, int32_t zero_point,
               int32_t* to) {
  for (int64_t i = first; i < count; ++i) to[i] = int32_t{from[i * stride]} - zero_point;
}

template <class T>
void store_rest(const int32_t* from, int64_t first, int64_t count, int32_t zero_point, int32_t min,
                int32_t max, T* to) {
  for (int64_t i = first; i < count; ++i) {
    to[i] = static_cast<T>(std::clamp(wrapping_add(from[i], zero_point), min, max));
  }
}

// Eight numbers of 16 bits to 32.
void store_wide(v128_t eight, v128_t zero, int32_t* to) {
  wasm_v128_store(to, wasm_i32x4_sub(wasm_i32x4_extend_low_i16x8(eight), zero));
  wasm_v128_store(to + 4, wasm_i32x4_sub(wasm_i32x4_extend_high_i16x8(eight), zero));
}

}  // namespace

void load_integers(SmallInteger type, const void* from, int64_t at, int64_t stride, int64_t count,
                   int32_t zero_point, IntegerBlock* block) {
  int32_t* const to = block->values;
  for (int64_t i = count; i < (count + 3) / 4 * 4; ++i) to[i] = 0;
  int64_t i = 0;
  const v128_t zero = wasm_i32x4_splat(zero_point);
  if (type == SmallInteger::kInt16) {
    const int16_t* source = static_cast<const int16_t*>(from) + at;
    for (; stride == 1 && i + 8 <= count; i += 8) {
      store_wide(wasm_v128_load(source + i), zero, to + i);
    }
    load_rest(source, stride, i, count, zero_point, to);
  } else if (type == SmallInteger::kInt8) {
    const int8_t* source = static_cast<const int8_t*>(from) + at;
    for (; stride == 1 && i + 16 <= count; i += 16) {
      const v128_t x = wasm_v128_load(source + i);
      store_wide(wasm_i16x8_extend_low_i8x16(x), zero, to + i);
      store_wide(wasm_i16x8_extend_high_i8x16(x), zero, to + i + 8);
    }
    load_rest(source, stride, i, count, zero_point, to);
  } else {
    const uint8_t* source = static_cast<const uint8_t*>(from) + at;
    for (; stride == 1 && i + 16 <= count; i += 16) {
      const v128_t x = wasm_v128_load(source + i);
      store_wide(wasm_u16x8_extend_low_u8x16(x), zero, to + i);
      store_wide(wasm_u16x8_extend_high_u8x16(x), zero, to + i + 8);
    }
    load_rest(source, stride, i, count, zero_point, to);
  }
}

void store_integers(SmallInteger type, const IntegerBlock& block, int64_t count,
                    int32_t zero_point, int32_t min, int32_t max, void* to, int64_t at) {
  const int32_t* const from = block.values;
  const v128_t zero = wasm_i32x4_splat(zero_point);
  const v128_t low = wasm_i32x4_splat(min);
  const v128_t high = wasm_i32x4_splat(max);
  const auto four = [&](int64_t i) {
    const v128_t sum = wasm_i32x4_add(wasm_v128_load(from + i), zero);
    return wasm_i32x4_min(wasm_i32x4_max(sum, low), high);
  };
  const auto eight = [&](int64_t i) { return wasm_i16x8_narrow_i32x4(four(i), four(i + 4)); };
  int64_t i = 0;
  if (type == SmallInteger::kInt16) {
    int16_t* target = static_cast<int16_t*>(to) + at;
    for (; i + 8 <= count; i += 8) wasm_v128_store(target + i, eight(i));
    store_rest(from, i, count, zero_point, min, max, target);
  } else if (type == SmallInteger::kInt8) {
    int8_t* target = static_cast<int8_t*>(to) + at;
    for (; i + 16 <= count; i += 16) {
      wasm_v128_store(target + i, wasm_i8x16_narrow_i16x8(eight(i), eight(i + 8)));
    }
    store_rest(from, i, count, zero_point, min, max, target);
  } else {
    uint8_t* target = static_cast<uint8_t*>(to) + at;
    for (; i + 16 <= count; i += 16) {
      wasm_v128_store(target + i, wasm_u8x16_narrow_i16x8(eight(i), eight(i + 8)));
    }
    store_rest(from, i, count, zero_point, min, max, target);
  }
}

}  // namespace zeolite
