// Integer arithmetic of quantized operators: the fixed-point multiplier of Jacob et al.,
// "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference"
// (CVPR 2018), section 2.2, with the roundings of TFLite's kernels, to the bit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/base/wrapping.h"

namespace zeolite {

// real = scale * (stored - zero_point), for a whole tensor.
struct Affine {
  float scale = 1;
  int32_t zero_point = 0;
};

// A factor of 0 or more as multiplier * 2^(shift - 31); the multiplier is in [2^30, 2^31) or 0.
struct FixedPointFactor {
  int32_t multiplier = 0;
  int32_t shift = 0;
};

inline FixedPointFactor fixed_point_factor(double factor) {
  if (factor == 0 || !std::isfinite(factor)) return {};
  int exponent;
  const double fraction = std::frexp(factor, &exponent);
  auto multiplier = static_cast<int64_t>(std::round(fraction * (int64_t{1} << 31)));
  if (multiplier == int64_t{1} << 31) {
    multiplier /= 2;
    ++exponent;
  }
  if (exponent < -31) return {};
  return {static_cast<int32_t>(multiplier), exponent};
}

// The factor as a number.
inline double real_of(FixedPointFactor factor) {
  return std::ldexp(static_cast<double>(factor.multiplier), factor.shift - 31);
}

// a * b / 2^31, rounded to the nearest (halves away from zero); only -2^31 * -2^31 saturates.
inline int32_t rounding_high_mul(int32_t a, int32_t b) {
  constexpr int32_t kLowest = std::numeric_limits<int32_t>::min();
  if (a == kLowest && b == kLowest) return std::numeric_limits<int32_t>::max();
  const int64_t product = static_cast<int64_t>(a) * b;
  const int64_t nudge = product >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
  return static_cast<int32_t>((product + nudge) / (int64_t{1} << 31));
}

// x / 2^exponent, rounded to the nearest (halves away from zero). exponent is in [0, 31].
inline int32_t rounding_shift_right(int32_t x, int exponent) {
  const auto mask = static_cast<int32_t>((int64_t{1} << exponent) - 1);
  const int32_t remainder = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

// x * factor as TFLite's kernels round it: twice, in the product and in the shift. What leaves 32
// bits on the way wraps around.
inline int32_t scale_by(int32_t x, FixedPointFactor factor) {
  const int left = factor.shift > 0 ? factor.shift : 0;
  const int right = factor.shift > 0 ? 0 : -factor.shift;
  const auto shifted = left > 31 ? 0 : static_cast<int32_t>(static_cast<uint32_t>(x) << left);
  return rounding_shift_right(rounding_high_mul(shifted, factor.multiplier), right);
}

// The same, where halves of the shift go up, as the vector instructions of the runtime's matrix
// products round them.
inline int32_t scale_sum_by(int32_t x, FixedPointFactor factor) {
  const int left = std::clamp(factor.shift, 0, 31);
  const int right = std::clamp(-factor.shift, 0, 31);
  const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(x) << left);
  const int64_t product = rounding_high_mul(shifted, factor.multiplier);
  return static_cast<int32_t>((product + ((int64_t{1} << right) >> 1)) >> right);
}

// The same for sums of 48 bits (16-bit activations): with a multiplier of 16 bits, rounded once.
inline int32_t scale_by(int64_t x, FixedPointFactor factor) {
  const int32_t multiplier =
      factor.multiplier < 0x7fff0000 ? (factor.multiplier + (1 << 15)) >> 16 : 0x7fff;
  const int shift = 15 - factor.shift;
  if (shift < 1 || shift > 62) return 0;
  const auto product = static_cast<int64_t>(
      static_cast<uint64_t>(x) * static_cast<uint64_t>(static_cast<int64_t>(multiplier)));
  return static_cast<int32_t>((product + (int64_t{1} << (shift - 1))) >> shift);
}

}  // namespace zeolite
