#include "core/kernels/quick_shorts.h"

#include <algorithm>
#include <cmath>

namespace zeolite {
namespace {

v128_t pair(int64_t low, int64_t high) {
  return wasm_i32x4_splat(static_cast<int32_t>((static_cast<uint32_t>(low) & 0xffff) |
                                               static_cast<uint32_t>(high) << 16));
}

// The upper 15 bits of a weight, rounded, and what is left.
constexpr int kSplit = 15;
int64_t upper_of(int64_t weight) { return (weight + (1 << (kSplit - 1))) >> kSplit; }
int64_t lower_of(int64_t weight) { return weight - upper_of(weight) * (1 << kSplit); }

// Four sums with the point's bits, of pairs of a and b.
struct Sum {
  v128_t upper_weights;
  v128_t lower_weights;

  [[gnu::always_inline]] v128_t four(v128_t pairs) const {
    return wasm_i32x4_add(wasm_i32x4_dot_i16x8(pairs, upper_weights),
                          wasm_i32x4_shr(wasm_i32x4_dot_i16x8(pairs, lower_weights), kSplit));
  }
  [[gnu::always_inline]] v128_t low(v128_t x, v128_t y) const {
    return four(wasm_i16x8_shuffle(x, y, 0, 8, 1, 9, 2, 10, 3, 11));
  }
  [[gnu::always_inline]] v128_t high(v128_t x, v128_t y) const {
    return four(wasm_i16x8_shuffle(x, y, 4, 12, 5, 13, 6, 14, 7, 15));
  }
};

// Four products a * b * weight: that of the upper halves, and the two of a lower with an upper one.
struct Product {
  v128_t upper_weights;
  v128_t lower_weights;
  v128_t middle = i32x4_kept(1 << 15);

  [[gnu::always_inline]] v128_t four(v128_t product) const {
    // Both halves signed: the upper one rounded, the lower one as far below it as above.
    const v128_t halves = wasm_v128_xor(wasm_i32x4_add(product, middle), middle);
    return wasm_i32x4_add(wasm_i32x4_dot_i16x8(halves, upper_weights),
                          wasm_i32x4_shr(wasm_i32x4_dot_i16x8(halves, lower_weights), 16));
  }
  [[gnu::always_inline]] v128_t low(v128_t x, v128_t y) const {
    return four(wasm_i32x4_extmul_low_i16x8(x, y));
  }
  [[gnu::always_inline]] v128_t high(v128_t x, v128_t y) const {
    return four(wasm_i32x4_extmul_high_i16x8(x, y));
  }
};

struct Shorts {
  const int16_t* at;
  int64_t stride;
};

template <class Function>
[[gnu::noinline]] int64_t loop(const Function& constants, const QuickShorts::Ends& ends, Shorts a,
                               Shorts b, int64_t count, int16_t* output) {
  const Function function = constants;
  const int fraction = ends.fraction;
  const int rest = 32 - fraction;
  const v128_t offset = ends.offset;
  const v128_t unsure = ends.unsure;
  const v128_t low = ends.low;
  const v128_t high = ends.high;
  const auto load = [](const Shorts& from, int64_t i) {
    return from.stride == 0 ? wasm_v128_load16_splat(from.at) : wasm_v128_load(from.at + i);
  };
  v128_t nearest;
  const auto rounded = [&](v128_t sum) {
    sum = wasm_i32x4_add(sum, offset);
    nearest = wasm_u32x4_min(nearest, wasm_i32x4_shl(sum, rest));
    return wasm_i32x4_shr(sum, fraction);
  };
  const auto eight = [&](int64_t i) {
    const v128_t x = load(a, i);
    const v128_t y = load(b, i);
    const v128_t first = rounded(function.low(x, y));
    const v128_t result = wasm_i16x8_narrow_i32x4(first, rounded(function.high(x, y)));
    return wasm_i16x8_min(wasm_i16x8_max(result, low), high);
  };
  for (int64_t i = 0; i < count; i += QuickShorts::kBlock) {
    nearest = wasm_i32x4_splat(-1);
    v128_t results[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) results[k] = eight(i + 8 * k);
    if (wasm_v128_any_true(wasm_u32x4_lt(nearest, unsure))) return i;
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) wasm_v128_store(output + i + 8 * k, results[k]);
  }
  return count;
}

// The most bits behind the point with which a factor stays below `limit`; no more than make sense.
int fraction_below(double factor, double limit) {
  constexpr int kMost = 20;
  return std::min(kMost, std::ilogb(limit / factor));
}

// With fewer bits too many results are not sure.
constexpr int kLeastFraction = 10;

}  // namespace

void QuickShorts::set_ends(int fraction, double error) {
  ends_.fraction = fraction;
  ends_.offset = wasm_i32x4_splat((1 << (fraction - 1)) + static_cast<int32_t>(std::ceil(error)));
  ends_.unsure = wasm_i32x4_splat(static_cast<int32_t>(2 * std::ceil(error) + 1)
                                  << (32 - fraction));
}

bool QuickShorts::set_sum(const QuantizedBinaryParameters& p) {
  if (p.factor.shift > 0 || p.a_factor.shift > 0 || p.b_factor.shift > 0) return false;
  const double unit = std::ldexp(real_of(p.factor), p.left_shift);
  const double a = unit * real_of(p.a_factor);
  const double b = unit * real_of(p.b_factor) * (p.function == QuantizedBinary::kSub ? -1 : 1);
  if (!(a + std::abs(b) > 0)) return false;
  // Weights have 16 bits and sums 32, the half and the error among them.
  const int fraction =
      std::min(fraction_below(std::max(a, std::abs(b)), 32700),
               fraction_below(a + std::abs(b), 64000));
  if (fraction < kLeastFraction) return false;
  const int64_t a_weight = std::llround(std::ldexp(a, fraction + kSplit));
  const int64_t b_weight = std::llround(std::ldexp(b, fraction + kSplit));
  upper_weights_ = pair(upper_of(a_weight), upper_of(b_weight));
  lower_weights_ = pair(lower_of(a_weight), lower_of(b_weight));
  // Weights are off by half a bit, the lower products lose another; the operands are rounded to the
  // nearest and down to what is one before `factor`, their sum once more.
  set_ends(fraction, 2 + 5 * std::ldexp(real_of(p.factor), fraction));
  return true;
}

bool QuickShorts::set_product(const QuantizedBinaryParameters& p) {
  const double scale = real_of(p.factor);
  if (!(scale > 0) || p.factor.shift > 0) return false;
  // Weights of 15 bits before and behind their own point.
  const int fraction = fraction_below(scale, 0.49);
  if (fraction < kLeastFraction) return false;
  const int64_t weight = std::llround(std::ldexp(scale, fraction + 16 + kSplit));
  // A lower half counts for 2^16 of an upper one, a weight's lower part for 2^kSplit of its upper
  // one.
  upper_weights_ = pair(0, upper_of(weight));
  lower_weights_ = pair(upper_of(weight), 2 * lower_of(weight));
  // Lost: the product of both lower halves and half a bit of the weight, a quarter each, what is
  // below the point, and the first of two roundings.
  set_ends(fraction, 1.5 + std::ldexp(1.0, fraction + p.factor.shift));
  return true;
}

QuickShorts::QuickShorts(const QuantizedBinaryParameters& p)
    : multiplies_(p.function == QuantizedBinary::kMul) {
  if (p.input != SmallInteger::kInt16 || p.output != p.input) return;
  if (p.a_zero_point != 0 || p.b_zero_point != 0 || p.zero_point != 0) return;
  const bool adds = p.function == QuantizedBinary::kAdd || p.function == QuantizedBinary::kSub;
  is_usable_ = multiplies_ ? set_product(p) : adds && set_sum(p);
  ends_.low = wasm_i16x8_splat(static_cast<int16_t>(p.min));
  ends_.high = wasm_i16x8_splat(static_cast<int16_t>(p.max));
}

int64_t QuickShorts::run(const int16_t* a, int64_t a_stride, const int16_t* b, int64_t b_stride,
                         int64_t count, int16_t* output) const {
  const Shorts x = {a, a_stride};
  const Shorts y = {b, b_stride};
  if (multiplies_) {
    return loop(Product{upper_weights_, lower_weights_}, ends_, x, y, count, output);
  }
  return loop(Sum{upper_weights_, lower_weights_}, ends_, x, y, count, output);
}

}  // namespace zeolite
