// Arithmetic on numbers that come from a file: every step says whether it overflowed.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <span>

namespace zeolite {

template <std::integral T>
[[nodiscard]] inline bool checked_add(T a, T b, T* sum) {
  return !__builtin_add_overflow(a, b, sum);
}

template <std::integral T>
[[nodiscard]] inline bool checked_mul(T a, T b, T* product) {
  return !__builtin_mul_overflow(a, b, product);
}

// Whether [offset, offset + size) lies inside [0, total).
[[nodiscard]] inline bool range_within(uint64_t offset, uint64_t size, uint64_t total) {
  return offset <= total && size <= total - offset;
}

// The product of `dimensions`, none of them negative; false when it does not fit 63 bits.
[[nodiscard]] inline bool checked_product(std::span<const int32_t> dimensions, int64_t* product) {
  int64_t result = 1;
  for (int32_t dimension : dimensions) {
    if (dimension < 0 || !checked_mul<int64_t>(result, dimension, &result)) return false;
  }
  *product = result;
  return true;
}

}  // namespace zeolite
