// Boxes of detectors, and how much two of them overlap.
#pragma once

#include <algorithm>

namespace zeolite {

// Edges; top <= bottom and left <= right.
struct Box {
  float top;
  float left;
  float bottom;
  float right;

  float area() const { return (bottom - top) * (right - left); }
};

// The area that both have in common as a part of that which they cover together; 0 where a box has
// no area.
inline float overlap(const Box& a, const Box& b) {
  if (a.area() <= 0 || b.area() <= 0) return 0;
  const float height = std::max(0.0f, std::min(a.bottom, b.bottom) - std::max(a.top, b.top));
  const float width = std::max(0.0f, std::min(a.right, b.right) - std::max(a.left, b.left));
  const float common = height * width;
  return common / (a.area() + b.area() - common);
}

}  // namespace zeolite
