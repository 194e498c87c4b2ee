// Functions of int16 by lines between 513 points, as TFLite's kernels make and read them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace zeolite {

inline constexpr int kInterpolatedPoints = 513;

// Points of function(x) * factor at 513 places from first to last, each moved by half of what the
// line to the next one is off in the middle. Real is float or double: it is part of the result.
template <class Real, class Function>
void fill_points(Real first, Real last, Real factor, const Function& function, int16_t* points) {
  constexpr int kSteps = kInterpolatedPoints - 1;
  const Real step = (last - first) / kSteps;
  const Real half_step = step / 2;
  const auto stored = [](Real x) {
    return static_cast<int16_t>(std::min(std::max(x, Real{-32768}), Real{32767}));
  };
  for (int i = 0; i < kSteps; ++i) {
    const Real at = first + static_cast<Real>(i) * step;
    const Real here = std::round(function(at) * factor);
    const Real next = function(first + static_cast<Real>(i + 1) * step) * factor;
    const Real on_line = std::round((next + here) / 2);
    const Real middle = std::round(function(at + half_step) * factor);
    points[i] = stored(here - std::round((on_line - middle) / 2));
  }
  points[kSteps] = stored(std::round(function(last) * factor));
}

// The result for x in [-32768, 32767], which runs from the first point to the last.
inline int16_t interpolate(const int16_t* points, int32_t x) {
  const int32_t place = 256 + (x >> 7);
  const int32_t here = points[place];
  const int32_t rise = static_cast<int16_t>(points[place + 1] - here);
  return static_cast<int16_t>(here + ((rise * (x & 0x7f) + 64) >> 7));
}

}  // namespace zeolite
