// When numbers may be scaled and rounded in float32 though the result is that of the fixed-point
// multiplier to the bit. Both never fall as the number grows, so they are the same for all numbers
// if each result begins at the same one.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/kernels/quantized.h"

namespace zeolite {

enum class Halves : uint8_t {
  kAway,  // From zero, as scale_by rounds the shift.
  kUp,    // As scale_sum_by does.
};

// The least x whose scaled and rounded number is `result` or more, without any bound of x.
class FirstOfResult {
 public:
  static constexpr int kLeastShift = -22;

  // The multiplier must not be 0, the shift at least kLeastShift.
  FirstOfResult(FixedPointFactor factor, Halves halves)
      : multiplier_(static_cast<int64_t>(factor.multiplier) << std::max(factor.shift, 0)),
        inverse_(1.0 / static_cast<double>(multiplier_)),
        right_(std::max(-factor.shift, 0)),
        goes_away_(halves == Halves::kAway && right_ > 0 ? 1 : 0) {}

  // |result| < 2^9. The product with the multiplier, rounded to whole 2^31 (halves up), must reach
  // the half below `result` * 2^right, and pass it where halves of negative numbers go down.
  int64_t operator()(int32_t result) const {
    const int64_t half = right_ == 0 ? 0 : int64_t{1} << (right_ - 1);
    const int64_t least = (int64_t{result} << right_) - half + (result <= 0 ? goes_away_ : 0);
    const int64_t wanted = (least * 2 - 1) * (int64_t{1} << 30);
    auto first = static_cast<int64_t>(std::ceil(static_cast<double>(wanted) * inverse_));
    if (first * multiplier_ < wanted) ++first;
    if ((first - 1) * multiplier_ >= wanted) --first;
    return first;
  }

 private:
  int64_t multiplier_;
  double inverse_;
  int right_;
  int goes_away_;
};

// The float32 nearest to `scale` for which `agrees` says so: where a number lies so near to a half
// that the nearest one fails a neighbour may do. 0: none of a few.
template <class Agrees>
float agreeing_scale(double scale, const Agrees& agrees) {
  constexpr double kStep = 6e-8;  // Of the last place.
  for (int i = 0; i < 7; ++i) {
    const int steps = (i % 2 ? 1 : -1) * ((i + 1) / 2);
    const auto candidate = static_cast<float>(scale * (1 + steps * kStep));
    if (agrees(candidate)) return candidate;
  }
  return 0;
}

}  // namespace zeolite
