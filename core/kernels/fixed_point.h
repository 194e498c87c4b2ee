// Functions of fixed-point numbers with the roundings of gemmlowp's fixedpoint.h, to the bit: a
// number of b integer bits is stored * 2^(b - 15), in 16 bits.
#pragma once

#include <algorithm>
#include <bit>

#include "core/kernels/quantized.h"

namespace zeolite {

inline int16_t saturate_i16(int32_t x) {
  return static_cast<int16_t>(std::clamp<int32_t>(x, -32768, 32767));
}

inline int8_t saturate_i8(int32_t x) {
  return static_cast<int8_t>(std::clamp<int32_t>(x, -128, 127));
}

// a * b / 2^15, rounded to the nearest (halves away from zero); -2^15 * -2^15 saturates.
inline int16_t rounding_high_mul_16(int16_t a, int16_t b) {
  if (a == -32768 && b == -32768) return 32767;
  const int32_t product = int32_t{a} * b;
  const int32_t nudge = product >= 0 ? 1 << 14 : 1 - (1 << 14);
  return static_cast<int16_t>((product + nudge) / (1 << 15));
}

namespace fixed_point_detail {

// e^a for a <= 0 of `integer_bits` (1 to 7); the result has none.
inline int16_t exp_of_negative(int16_t a, int integer_bits) {
  const int fraction = 15 - integer_bits;
  // a = rest - remainder, where rest is in [-1/4, 0) and the remainder a multiple of 1/4.
  const int32_t quarter = 1 << (fraction - 2);
  const int32_t rest = (a & (quarter - 1)) - quarter;
  const int32_t remainder = rest - a;
  // e^-1/8 times the series of e^x around it.
  constexpr int16_t kExpOfEighth = 28918;
  constexpr int16_t kThird = 10923;
  const auto x = static_cast<int16_t>((rest << integer_bits) + (1 << 12));
  const int16_t x2 = rounding_high_mul_16(x, x);
  const int16_t x3 = rounding_high_mul_16(x2, x);
  const int16_t x4 = rounding_high_mul_16(x2, x2);
  const auto sum = static_cast<int16_t>(rounding_shift_right(x4, 2) + x3);
  const int32_t tail = rounding_shift_right(rounding_high_mul_16(sum, kThird) + x2, 1);
  int16_t result = saturate_i16(
      kExpOfEighth + rounding_high_mul_16(kExpOfEighth, static_cast<int16_t>(x + tail)));
  // e^-(1/4), e^-(1/2), e^-1 ... e^-16 where the remainder has that part.
  constexpr int16_t kFactors[] = {25520, 19875, 12055, 4435, 600, 11, 0};
  for (int exponent = -2; exponent < integer_bits && exponent <= 4; ++exponent) {
    if ((remainder & (1 << (fraction + exponent))) != 0) {
      result = rounding_high_mul_16(result, kFactors[exponent + 2]);
    }
  }
  if (integer_bits > 5 && a < -(1 << (fraction + 5))) return 0;
  return a == 0 ? int16_t{32767} : result;
}

// 1 / ((1 + a) / 2) for a in (0, 1), with 2 integer bits: three of Newton's steps.
inline int16_t inverse_of_half_sum(int16_t a) {
  const auto half = static_cast<int16_t>((int32_t{a} + 32767 + 1) / 2);
  constexpr int16_t k48Over17 = 23130;
  constexpr int16_t kMinus32Over17 = -15420;
  constexpr int16_t kOne = 1 << 13;
  auto x = static_cast<int16_t>(k48Over17 + rounding_high_mul_16(half, kMinus32Over17));
  for (int i = 0; i < 3; ++i) {
    const auto error = static_cast<int16_t>(kOne - rounding_high_mul_16(half, x));
    x = static_cast<int16_t>(x + saturate_i16(int32_t{rounding_high_mul_16(x, error)} * 4));
  }
  return x;
}

}  // namespace fixed_point_detail

// 1 / (1 + e^-x) for x with 3 integer bits; the result has none.
inline int16_t fixed_logistic(int16_t x) {
  if (x == 0) return 1 << 14;
  const auto negative = static_cast<int16_t>(x > 0 ? -x : x);
  const int16_t e = fixed_point_detail::exp_of_negative(negative, 3);
  const int16_t y = saturate_i16(int32_t{fixed_point_detail::inverse_of_half_sum(e)} * 2);
  return static_cast<int16_t>(x > 0 ? y : 32767 - y);
}

// tanh(x) for x with `integer_bits` (0 to 6); the result has none.
inline int16_t fixed_tanh(int16_t x, int integer_bits) {
  if (x == 0) return 0;
  const auto negative = static_cast<int16_t>(x < 0 ? x : -x);
  // The same bits with one integer bit more are 2 x.
  const int16_t e = fixed_point_detail::exp_of_negative(negative, integer_bits + 1);
  const int32_t over_one = fixed_point_detail::inverse_of_half_sum(e) - (1 << 13);
  const int16_t y = saturate_i16(over_one * 4);
  return static_cast<int16_t>(x < 0 ? -y : y);
}

// 1 / sqrt(x) for x of 0 or more, as a factor (0 counts as 1).
inline FixedPointFactor fixed_inverse_sqrt(int32_t x) {
  if (x <= 1) return {std::numeric_limits<int32_t>::max(), 0};
  int shift = 11;
  while (x >= 1 << 29) {
    x /= 4;
    ++shift;
  }
  const int pairs = (std::countl_zero(static_cast<uint32_t>(x)) - 1) / 2 - 1;
  shift -= pairs;
  x <<= 2 * pairs;
  // Newton's steps with 3 integer bits.
  const auto rescale = [](int32_t value, int exponent) {
    const int64_t wide = int64_t{value} << exponent;
    return static_cast<int32_t>(
        std::clamp<int64_t>(wide, std::numeric_limits<int32_t>::min(),
                            std::numeric_limits<int32_t>::max()));
  };
  const int32_t half_input = rounding_shift_right(x >> 1, 1);
  constexpr int32_t kHalfThree = (1 << 28) + (1 << 27);
  constexpr int32_t kHalfSqrt2 = 1518500250;
  int32_t y = 1 << 28;
  for (int i = 0; i < 5; ++i) {
    const int32_t cube = rescale(rounding_high_mul(rounding_high_mul(y, y), y), 6);
    y = rescale(rounding_high_mul(kHalfThree, y) - rounding_high_mul(half_input, cube), 3);
  }
  y = rounding_high_mul(y, kHalfSqrt2);
  if (shift < 0) {
    y = static_cast<int32_t>(static_cast<uint32_t>(y) << -shift);
    shift = 0;
  }
  return {y, -shift};
}

}  // namespace zeolite
