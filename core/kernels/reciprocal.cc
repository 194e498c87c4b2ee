#include "core/kernels/reciprocal.h"

#include <bit>
#include <limits>

#include "core/kernels/quantized.h"

namespace zeolite {
namespace {

constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();

// A number with kBits bits before the point: raw / 2^(31 - kBits).
template <int kBits>
struct Fixed {
  int32_t raw;
};

// 2^31 doesn't fit: 1 with no bit before the point is a little less.
template <int kBits>
constexpr Fixed<kBits> one() {
  return {kBits == 0 ? kMost : static_cast<int32_t>(int64_t{1} << (31 - kBits))};
}

template <int kA, int kB>
Fixed<kA + kB> operator*(Fixed<kA> a, Fixed<kB> b) {
  return {rounding_high_mul(a.raw, b.raw)};
}

template <int kBits>
Fixed<kBits> operator+(Fixed<kBits> a, Fixed<kBits> b) {
  return {static_cast<int32_t>(static_cast<uint32_t>(a.raw) + static_cast<uint32_t>(b.raw))};
}

template <int kBits>
Fixed<kBits> operator-(Fixed<kBits> a, Fixed<kBits> b) {
  return {static_cast<int32_t>(static_cast<uint32_t>(a.raw) - static_cast<uint32_t>(b.raw))};
}

// The same number with fewer bits before the point.
template <int kTo, int kFrom>
Fixed<kTo> rescale(Fixed<kFrom> x) {
  static_assert(kFrom >= kTo);
  const int64_t moved = int64_t{x.raw} << (kFrom - kTo);
  return {moved > kMost ? kMost : moved < kLeast ? kLeast : static_cast<int32_t>(moved)};
}

// (a + b) / 2, halves away from zero.
template <int kBits>
Fixed<kBits> half_sum(Fixed<kBits> a, Fixed<kBits> b) {
  const int64_t sum = int64_t{a.raw} + b.raw;
  return {static_cast<int32_t>((sum + (sum >= 0 ? 1 : -1)) / 2)};
}

// 1 / (1 + x) for x in [0, 1): three steps of Newton's method for 2 / (1 + x) from the best line.
Fixed<0> inverse_of_one_plus(Fixed<0> x) {
  const Fixed<0> half_denominator = half_sum(x, one<0>());
  constexpr Fixed<2> k48Over17 = {1515870810};
  constexpr Fixed<2> kMinus32Over17 = {-1010580540};
  Fixed<2> y = k48Over17 + half_denominator * kMinus32Over17;
  for (int i = 0; i < 3; ++i) {
    const Fixed<2> rest = one<2>() - half_denominator * y;
    y = y + rescale<2>(y * rest);
  }
  return rescale<0>(Fixed<1>{y.raw});  // Half of it: the same digits, the point one place further.
}

}  // namespace

Reciprocal fixed_point_reciprocal(int32_t x) {
  const auto value = static_cast<uint32_t>(x);
  const int headroom = std::countl_zero(value);
  const auto fraction = static_cast<int32_t>((value << headroom) - (uint32_t{1} << 31));
  return {inverse_of_one_plus({fraction}).raw, 31 - headroom};
}

}  // namespace zeolite
