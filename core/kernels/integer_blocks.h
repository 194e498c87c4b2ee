// Quantized numbers of 8 and 16 bits pass through blocks of int32, so that arithmetic on them is
// written once for all types. All of it is exact: no result depends on the build.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/kernels/quantized.h"
#include "core/kernels/simd.h"

namespace zeolite {

enum class SmallInteger : uint8_t { kInt8, kUint8, kInt16 };

inline int bytes_of(SmallInteger type) { return type == SmallInteger::kInt16 ? 2 : 1; }

// Elements of a block; a multiple of 16.
inline constexpr int64_t kIntegerBlock = 128;

struct alignas(16) IntegerBlock {
  int32_t values[kIntegerBlock];
};

// values[i] = element at + i * stride of `from`, minus zero_point, for i < count <= kIntegerBlock;
// stride is 0 or 1. The lanes up to the next multiple of 4 become 0.
void load_integers(SmallInteger type, const void* from, int64_t at, int64_t stride, int64_t count,
                   int32_t zero_point, IntegerBlock* block);

// Element at + i of `to` = values[i] + zero_point (which may wrap around) between min and max,
// which the type can hold.
void store_integers(SmallInteger type, const IntegerBlock& block, int64_t count,
                    int32_t zero_point, int32_t min, int32_t max, void* to, int64_t at);

// rounding_shift_right on four lanes: the last bit that goes decides, after negative numbers have
// been moved down by one. Not for the lowest and the highest number.
class RoundingShift4 {
 public:
  explicit RoundingShift4(int exponent) : exponent_(exponent) {}

  [[gnu::always_inline]] v128_t operator()(v128_t x) const {
    if (exponent_ == 0) return x;
    const v128_t moved = wasm_i32x4_add(x, wasm_i32x4_shr(x, 31));
    return wasm_i32x4_shr(wasm_i32x4_add(wasm_i32x4_shr(moved, exponent_ - 1), wasm_i32x4_splat(1)),
                          1);
  }

 private:
  int exponent_;
};

// scale_by on four lanes, to the bit.
class ScaleBy4 {
 public:
  explicit ScaleBy4(FixedPointFactor factor)
      : multiplier_(wasm_i32x4_splat(factor.shift > 31 ? 0 : factor.multiplier)),
        left_(factor.shift > 0 && factor.shift <= 31 ? factor.shift : 0),
        shift_(factor.shift > 0 ? 0 : -factor.shift) {}

  [[gnu::always_inline]] v128_t operator()(v128_t x) const {
    const v128_t nudge = wasm_i64x2_splat(int64_t{1} << 30);
    x = wasm_i32x4_shl(x, left_);
    const v128_t low = wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(x, multiplier_), nudge);
    const v128_t high = wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(x, multiplier_), nudge);
    return shift_(wasm_i32x4_shuffle(wasm_u64x2_shr(low, 31), wasm_u64x2_shr(high, 31), 0, 2, 4,
                                     6));
  }

 private:
  v128_t multiplier_;
  int left_;
  RoundingShift4 shift_;
};

}  // namespace zeolite
