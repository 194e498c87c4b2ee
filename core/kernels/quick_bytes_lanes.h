// What QuickBytes does with sixteen pairs of bytes in registers. Each struct holds constants that
// are made before a loop; operator() takes uint8 and gives int8.
#pragma once

#include <cstdint>

#include "core/kernels/integer_blocks.h"
#include "core/kernels/quantized_binary.h"
#include "core/kernels/simd.h"

namespace zeolite::quick_bytes {

// Sums: 20 bits behind the point leave 12 before it; weights are split 7 bits from their end.
inline constexpr int kFraction = 20;
inline constexpr int kSplit = 7;
inline constexpr int kSquaresShift = 7;

inline v128_t low_half(v128_t x) { return wasm_u16x8_extend_low_u8x16(x); }
inline v128_t high_half(v128_t x) { return wasm_u16x8_extend_high_u8x16(x); }

// Sixteen sums; pairs of a and b make one product with both weights each.
struct Sum {
  v128_t upper_weights;
  v128_t lower_weights;
  v128_t offset;
  v128_t unsure;
  v128_t nearest;  // The least distance of a sum above a whole number, moved up.

  void start() { nearest = wasm_i32x4_splat(-1); }

  [[gnu::always_inline]] v128_t four(v128_t pairs) {
    const v128_t upper = wasm_i32x4_shl(wasm_i32x4_dot_i16x8(pairs, upper_weights), kSplit);
    const v128_t sum = wasm_i32x4_add(
        wasm_i32x4_add(upper, wasm_i32x4_dot_i16x8(pairs, lower_weights)), offset);
    nearest = wasm_u32x4_min(nearest, wasm_i32x4_shl(sum, 32 - kFraction));
    return wasm_i32x4_shr(sum, kFraction);
  }

  [[gnu::always_inline]] v128_t operator()(v128_t x, v128_t y) {
    const v128_t first = wasm_i8x16_shuffle(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22,
                                            7, 23);
    const v128_t second = wasm_i8x16_shuffle(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                             14, 30, 15, 31);
    const auto eight = [&](v128_t bytes) {
      return wasm_i16x8_narrow_i32x4(four(low_half(bytes)), four(high_half(bytes)));
    };
    const v128_t low = eight(first);
    return wasm_i8x16_narrow_i16x8(low, eight(second));
  }

  bool are_sure() const { return !wasm_v128_any_true(wasm_u32x4_lt(nearest, unsure)); }
};

// Sixteen products of 16-bit numbers.
template <bool IsSigned>
struct Product {
  F32x4 scale;
  F32x4 away;
  F32x4 magic;  // kRoundingMagic.
  v128_t magic_bits;
  F32x4 sign;

  Product() = default;
  Product(QuickProduct product, int32_t zero_point)
      : scale(wasm_f32x4_splat(product.scale)),
        away(wasm_f32x4_splat(product.away)),
        magic(f32x4_kept(kRoundingMagic)),
        magic_bits(wasm_i32x4_splat(kRoundingBits - zero_point)),
        sign(i32x4_kept(INT32_MIN)) {}

  void start() {}
  bool are_sure() const { return true; }

  [[gnu::always_inline]] v128_t four(v128_t x) const {
    return round(wasm_f32x4_mul(wasm_f32x4_convert_i32x4(x), scale), away);
  }
  [[gnu::always_inline]] v128_t round(F32x4 y, F32x4 by) const {
    const F32x4 moved =
        wasm_f32x4_add(y, IsSigned ? wasm_v128_or(wasm_v128_and(y, sign), by) : by);
    return wasm_i32x4_sub(wasm_f32x4_add(moved, magic), magic_bits);
  }
  // Beside zeros a product of pairs is one of numbers, in fewer instructions than extmul is on x64.
  [[gnu::always_inline]] v128_t eight(v128_t x, v128_t y) const {
    const v128_t low = wasm_i32x4_dot_i16x8(wasm_u32x4_extend_low_u16x8(x),
                                            wasm_u32x4_extend_low_u16x8(y));
    const v128_t high = wasm_i32x4_dot_i16x8(wasm_u32x4_extend_high_u16x8(x),
                                             wasm_u32x4_extend_high_u16x8(y));
    return wasm_i16x8_narrow_i32x4(four(low), four(high));
  }
};

struct Multiply : Product<true> {
  v128_t a_zero;
  v128_t b_zero;

  Multiply() = default;
  Multiply(const Product& product, int16_t a, int16_t b)
      : Product(product), a_zero(wasm_i16x8_splat(a)), b_zero(wasm_i16x8_splat(b)) {}

  [[gnu::always_inline]] v128_t operator()(v128_t x, v128_t y) {
    const v128_t low = eight(wasm_i16x8_sub(low_half(x), a_zero),
                             wasm_i16x8_sub(low_half(y), b_zero));
    return wasm_i8x16_narrow_i16x8(low, eight(wasm_i16x8_sub(high_half(x), a_zero),
                                              wasm_i16x8_sub(high_half(y), b_zero)));
  }
};

// Where x is negative its product with y, else x, each with its own factor.
struct Prelu : Multiply {
  F32x4 positive_scale;
  F32x4 positive_away;

  Prelu() = default;
  Prelu(const Multiply& negative, QuickProduct positive)
      : Multiply(negative),
        positive_scale(wasm_f32x4_splat(positive.scale)),
        positive_away(wasm_f32x4_splat(positive.away)) {}

  [[gnu::always_inline]] v128_t choose(v128_t x, v128_t product) const {
    const v128_t negative = wasm_i32x4_shr(x, 31);
    const F32x4 y = wasm_f32x4_mul(
        wasm_f32x4_convert_i32x4(wasm_v128_bitselect(product, x, negative)),
        wasm_v128_bitselect(scale, positive_scale, negative));
    return round(y, wasm_v128_bitselect(away, positive_away, negative));
  }
  [[gnu::always_inline]] v128_t eight_of(v128_t x, v128_t y) const {
    return wasm_i16x8_narrow_i32x4(
        choose(wasm_i32x4_extend_low_i16x8(x), wasm_i32x4_extmul_low_i16x8(x, y)),
        choose(wasm_i32x4_extend_high_i16x8(x), wasm_i32x4_extmul_high_i16x8(x, y)));
  }
  [[gnu::always_inline]] v128_t operator()(v128_t x, v128_t y) const {
    const v128_t low = eight_of(wasm_i16x8_sub(low_half(x), a_zero),
                                wasm_i16x8_sub(low_half(y), b_zero));
    return wasm_i8x16_narrow_i16x8(low, eight_of(wasm_i16x8_sub(high_half(x), a_zero),
                                                 wasm_i16x8_sub(high_half(y), b_zero)));
  }
};

// Squares of the difference of two scaled operands, one of which is but halved. They are kOne times
// less than the integers that they stand for; float32 holds them all.
struct SquareDifference : Product<false> {
  v128_t half_zero;
  v128_t other_zero;
  F32x4 other_scale;
  F32x4 other_away;
  F32x4 fine_magic;  // Rounds to parts of 2^-(kSquaresShift - 1).

  SquareDifference() = default;
  // `other`: of the operand that is not halved; QuickProducts are of the integers.
  SquareDifference(QuickProduct product, QuickProduct other, int16_t half_zero_point,
                   int16_t other_zero_point, int32_t zero_point)
      : Product({product.scale * (kOne * kOne), product.away}, zero_point),
        half_zero(wasm_i16x8_splat(half_zero_point)),
        other_zero(wasm_i16x8_splat(other_zero_point)),
        other_scale(wasm_f32x4_splat(other.scale / kOne)),
        other_away(wasm_f32x4_splat(other.away / kOne)),
        fine_magic(f32x4_kept(kRoundingMagic / kOne)) {}

  [[gnu::always_inline]] F32x4 scaled(v128_t other) const {
    const F32x4 y = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(other), other_scale);
    const F32x4 moved =
        wasm_f32x4_add(y, wasm_v128_or(wasm_v128_and(y, sign), other_away));
    return wasm_f32x4_sub(wasm_f32x4_add(moved, fine_magic), fine_magic);
  }
  [[gnu::always_inline]] v128_t square(v128_t half, F32x4 other) const {
    const F32x4 difference = wasm_f32x4_sub(wasm_f32x4_convert_i32x4(half), other);
    return round(wasm_f32x4_mul(wasm_f32x4_mul(difference, difference), scale), away);
  }
  [[gnu::always_inline]] v128_t four(v128_t half, v128_t other) const {
    return square(half, scaled(other));
  }
  [[gnu::always_inline]] v128_t eight(v128_t half, v128_t other) const {
    half = wasm_i16x8_sub(half, half_zero);
    other = wasm_i16x8_sub(other, other_zero);
    const v128_t low =
        four(wasm_i32x4_extend_low_i16x8(half), wasm_i32x4_extend_low_i16x8(other));
    return wasm_i16x8_narrow_i32x4(
        low, four(wasm_i32x4_extend_high_i16x8(half), wasm_i32x4_extend_high_i16x8(other)));
  }
  // x is halved.
  [[gnu::always_inline]] v128_t operator()(v128_t x, v128_t y) const {
    const v128_t low = eight(low_half(x), low_half(y));
    return wasm_i8x16_narrow_i16x8(low, eight(high_half(x), high_half(y)));
  }

 private:
  // What the integers of a halved operand are for each step of a stored number.
  static constexpr float kOne = 1 << (kSquaresShift - 1);
};

// Of a row with one operand that is not halved, `one` of all its lanes.
struct DifferenceFromOne : SquareDifference {
  F32x4 other;

  DifferenceFromOne(const SquareDifference& of, v128_t one)
      : SquareDifference(of),
        other(scaled(wasm_i32x4_extend_low_i16x8(wasm_i16x8_sub(low_half(one), of.other_zero)))) {}

  [[gnu::always_inline]] v128_t eight_of(v128_t half) const {
    half = wasm_i16x8_sub(half, half_zero);
    const v128_t low = square(wasm_i32x4_extend_low_i16x8(half), other);
    return wasm_i16x8_narrow_i32x4(low, square(wasm_i32x4_extend_high_i16x8(half), other));
  }
  [[gnu::always_inline]] v128_t operator()(v128_t x, v128_t) const {
    const v128_t low = eight_of(low_half(x));
    return wasm_i8x16_narrow_i16x8(low, eight_of(high_half(x)));
  }
};

struct Ends {
  v128_t flip_input;
  v128_t flip_output;
  v128_t low;
  v128_t high;
};

}  // namespace zeolite::quick_bytes
