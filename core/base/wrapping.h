// Sums, differences and products of integers that wrap around, as those of the file's operators do
// and as sizes do that only a hostile file has; of other types, what the operators of C++ give.
#pragma once

#include <type_traits>

namespace zeolite {

namespace internal {

// An unsigned type in which T's arithmetic wraps: at least as wide as int, since C++ computes
// narrower types as int, where a product of two uint16 may overflow.
template <class T>
using Wrapping = std::make_unsigned_t<std::common_type_t<T, int>>;

}  // namespace internal

template <class T>
constexpr T wrapping_add(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using W = internal::Wrapping<T>;
    return static_cast<T>(static_cast<W>(a) + static_cast<W>(b));
  } else {
    return static_cast<T>(a + b);
  }
}

template <class T>
constexpr T wrapping_sub(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using W = internal::Wrapping<T>;
    return static_cast<T>(static_cast<W>(a) - static_cast<W>(b));
  } else {
    return static_cast<T>(a - b);
  }
}

template <class T>
constexpr T wrapping_mul(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using W = internal::Wrapping<T>;
    return static_cast<T>(static_cast<W>(a) * static_cast<W>(b));
  } else {
    return static_cast<T>(a * b);
  }
}

}  // namespace zeolite
