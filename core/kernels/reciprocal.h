// The divisor of quantized DIV, as gemmlowp's fixed-point numbers of 32 bits make it.
#pragma once

#include <cstdint>

namespace zeolite {

// 1 / x for x > 0 as multiplier * 2^-(exponent + 31), the multiplier in [2^30, 2^31).
struct Reciprocal {
  int32_t multiplier = 0;
  int exponent = 0;
};
Reciprocal fixed_point_reciprocal(int32_t x);

}  // namespace zeolite
