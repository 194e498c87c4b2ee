#include "core/kernels/quick_bytes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "core/kernels/quick_rounding.h"

namespace zeolite {
namespace {

using namespace quick_bytes;

bool is_half(FixedPointFactor factor) {
  return factor.multiplier == 1 << 30 && factor.shift == 0;
}

// As Product computes it.
int32_t quick_result(QuickProduct product, int64_t x) {
  const float y = static_cast<float>(static_cast<int32_t>(x)) * product.scale;
  const float moved = y + std::copysign(product.away, y);
  return std::bit_cast<int32_t>(moved + kRoundingMagic) - kRoundingBits;
}

// Whether the product makes the same of 256 numbers from `first` on as scale_by of them moved up by
// kSquaresShift, as SquareDifference computes it.
[[gnu::noinline]] bool scales_bytes(QuickProduct product, FixedPointFactor factor, int32_t first) {
  const ScaleBy4 scale(factor);
  const quick_bytes::Product<true> quick(product, 0);
  v128_t x = wasm_i32x4_make(first, first + 1, first + 2, first + 3);
  v128_t differs = wasm_i32x4_splat(0);
  for (int i = 0; i < 256; i += 4) {
    const v128_t exact = scale(wasm_i32x4_shl(x, kSquaresShift));
    differs = wasm_v128_or(differs, wasm_v128_xor(exact, quick.four(x)));
    x = wasm_i32x4_add(x, wasm_i32x4_splat(4));
  }
  return !wasm_v128_any_true(differs);
}

// False when sums may leave 12 bits before the point. Zero points are those of uint8 inputs and of
// an int8 output.
bool set_sum(const QuantizedBinaryParameters& p, int a_zero, int b_zero, int zero_point, Sum* sum) {
  if (p.factor.shift > 0 || p.a_factor.shift > 0 || p.b_factor.shift > 0) return false;
  const double unit = std::ldexp(real_of(p.factor), p.left_shift);
  const double a = unit * real_of(p.a_factor);
  const double b = unit * real_of(p.b_factor) * (p.function == QuantizedBinary::kSub ? -1 : 1);
  // A weight's upper part has 16 bits.
  const double limit = 32767 << kSplit >> kFraction;
  if (a >= limit || std::abs(b) >= limit || 256 * (a + std::abs(b)) + 256 >= 2047) return false;
  const double one = 1 << kFraction;
  const int64_t a_weight = std::llround(a * one);
  const int64_t b_weight = std::llround(b * one);
  const auto pair = [](int64_t low, int64_t high) {
    return wasm_i32x4_splat(static_cast<int32_t>((static_cast<uint32_t>(low) & 0xffff) |
                                                 static_cast<uint32_t>(high) << 16));
  };
  const int64_t a_upper = (a_weight + (1 << (kSplit - 1))) >> kSplit;
  const int64_t b_upper = (b_weight + (1 << (kSplit - 1))) >> kSplit;
  sum->upper_weights = pair(a_upper, b_upper);
  sum->lower_weights = pair(a_weight - (a_upper << kSplit), b_weight - (b_upper << kSplit));
  // Weights are off by half a bit: right in the middle of the bytes, by 64 at their ends. The terms
  // are rounded to the nearest `unit` and down to one, their sum once more.
  const double error = 2 * 64 + 2 + 5 * unit * (one / std::ldexp(1.0, p.left_shift));
  const double middle = (128 - a_zero) * a + (128 - b_zero) * b + zero_point;
  sum->offset = wasm_i32x4_splat(static_cast<int32_t>(static_cast<uint32_t>(
      std::llround((middle + 0.5) * one + error) - 128 * (a_weight + b_weight))));
  sum->unsure = wasm_i32x4_splat(
      static_cast<int32_t>(static_cast<uint32_t>(std::ceil(2 * error)) << (32 - kFraction)));
  return true;
}

struct Bytes {
  const uint8_t* at;
  int64_t stride;
};

template <class Function>
[[gnu::noinline]] int64_t loop(const Function& constants, const Ends& ends, Bytes a, Bytes b,
                               int64_t count, uint8_t* output) {
  Function function = constants;
  const v128_t flip_input = ends.flip_input;
  const v128_t flip_output = ends.flip_output;
  const v128_t low = ends.low;
  const v128_t high = ends.high;
  const auto load = [&](const Bytes& from, int64_t i) {
    return wasm_v128_xor(from.stride == 0 ? wasm_v128_load8_splat(from.at)
                                          : wasm_v128_load(from.at + i),
                         flip_input);
  };
  const auto sixteen = [&](int64_t i) {
    const v128_t y = function(load(a, i), load(b, i));
    return wasm_v128_xor(wasm_i8x16_min(wasm_i8x16_max(y, low), high), flip_output);
  };
  for (int64_t i = 0; i < count; i += QuickBytes::kBlock) {
    function.start();
    const v128_t first = sixteen(i);
    const v128_t second = sixteen(i + 16);
    if (!function.are_sure()) return i;
    wasm_v128_store(output + i, first);
    wasm_v128_store(output + i + 16, second);
  }
  return count;
}

}  // namespace

QuickProduct quick_product(FixedPointFactor factor, QuickInput input, int64_t least, int64_t most,
                           int32_t min, int32_t max) {
  const double scale = real_of(factor);
  const auto value = [&](int64_t x) { return input == QuickInput::kSquares ? x * x : x; };
  const auto largest = static_cast<double>(std::max(std::abs(value(least)), std::abs(value(most))));
  if (scale <= 0 || largest * scale > 1 << 21) return {};
  if (factor.shift < FirstOfResult::kLeastShift) return {};
  if (factor.shift > 0 && std::ldexp(largest, factor.shift) > 1 << 30) return {};
  QuickProduct product;
  // Rounding twice is rounding once what has been moved by half of the second rounding's last bit.
  if (factor.shift < 0) product.away = std::ldexp(1.0f, factor.shift - 1);
  const FirstOfResult first(factor, Halves::kAway);
  product.scale = agreeing_scale(scale, [&](float candidate) {
    product.scale = candidate;
    for (int32_t result = min + 1; result <= max; ++result) {
      int64_t begin = first(result);
      if (input == QuickInput::kSquares) {
        begin = static_cast<int64_t>(std::ceil(std::sqrt(std::max<double>(begin, 0))));
      }
      begin = std::clamp(begin, least, most + 1);
      if (begin > least && quick_result(product, value(begin - 1)) >= result) return false;
      if (begin <= most && quick_result(product, value(begin)) < result) return false;
    }
    return true;
  });
  return product.scale == 0 ? QuickProduct() : product;
}

void QuantizedBinaryParameters::set_quick() {
  quick = {};
  if (input == SmallInteger::kInt16 || output != input) return;
  const int32_t least = input == SmallInteger::kInt8 ? -128 : 0;
  const int64_t a_range[] = {least - a_zero_point, least + 255 - a_zero_point};
  const int64_t b_range[] = {least - b_zero_point, least + 255 - b_zero_point};
  const int32_t from = min - zero_point;
  const int32_t to = max - zero_point;
  if (function == QuantizedBinary::kMul) {
    const auto [low, high] = std::minmax({a_range[0] * b_range[0], a_range[0] * b_range[1],
                                          a_range[1] * b_range[0], a_range[1] * b_range[1]});
    // Larger results wrap around in part.
    if (static_cast<double>(std::max(-low, high)) * real_of(factor) > 32000) return;
    quick = quick_product(factor, QuickInput::kIntegers, low, high, from, to);
  } else if (function == QuantizedBinary::kPrelu && left_shift == 0) {
    const int64_t lowest = std::min<int64_t>(a_range[0], 0);
    const auto [low, high] = std::minmax({lowest * b_range[0], lowest * b_range[1]});
    quick_positive = quick_product(a_factor, QuickInput::kIntegers, 0,
                                   std::max<int64_t>(a_range[1], 0), from, to);
    if (quick_positive.scale == 0) return;
    quick = quick_product(factor, QuickInput::kIntegers, std::min<int64_t>(low, 0),
                          std::max<int64_t>(high, 0), from, to);
  } else if (function == QuantizedBinary::kSquaredDifference && left_shift == kSquaresShift &&
             real_of(a_factor) <= 0.5 && real_of(b_factor) <= 0.5) {
    const bool halves_a = is_half(a_factor);
    if (!halves_a && !is_half(b_factor)) return;
    const auto scaled = [](int64_t x, FixedPointFactor by) {
      return int64_t{scale_by(static_cast<int32_t>(x << kSquaresShift), by)};
    };
    const FixedPointFactor other = halves_a ? b_factor : a_factor;
    const auto first = static_cast<int32_t>(halves_a ? b_range[0] : a_range[0]);
    if (other.shift < 0) quick_operand.away = std::ldexp(1.0f, other.shift - 1);
    quick_operand.scale =
        agreeing_scale(std::ldexp(real_of(other), kSquaresShift), [&](float candidate) {
          quick_operand.scale = candidate;
          return scales_bytes(quick_operand, other, first);
        });
    if (quick_operand.scale == 0) return;
    const int64_t farthest =
        std::max(scaled(a_range[1], a_factor) - scaled(b_range[0], b_factor),
                 scaled(b_range[1], b_factor) - scaled(a_range[0], a_factor));
    quick = quick_product(factor, QuickInput::kSquares, 0, farthest, from, to);
  }
}

QuickBytes::QuickBytes(const QuantizedBinaryParameters& p) : function_(p.function) {
  if (p.input == SmallInteger::kInt16 || p.output != p.input) return;
  // int8 is taken for uint8 with the top bit turned over, uint8 results for int8.
  const bool is_signed = p.input == SmallInteger::kInt8;
  const int more = is_signed ? 128 : 0;
  const int less = is_signed ? 0 : 128;
  ends_ = {wasm_i8x16_splat(static_cast<int8_t>(more)),
           wasm_i8x16_splat(static_cast<int8_t>(less)),
           wasm_i8x16_splat(static_cast<int8_t>(p.min - less)),
           wasm_i8x16_splat(static_cast<int8_t>(p.max - less))};
  const auto a_zero = static_cast<int16_t>(p.a_zero_point + more);
  const auto b_zero = static_cast<int16_t>(p.b_zero_point + more);
  const int32_t zero_point = p.zero_point - less;
  if (p.function == QuantizedBinary::kAdd || p.function == QuantizedBinary::kSub) {
    is_usable_ = set_sum(p, a_zero, b_zero, zero_point, &sum_);
  } else if (p.quick.scale != 0) {
    is_usable_ = true;
    if (p.function == QuantizedBinary::kMul) {
      multiply_ = Multiply(Product<true>(p.quick, zero_point), a_zero, b_zero);
    } else if (p.function == QuantizedBinary::kPrelu) {
      prelu_ = Prelu(Multiply(Product<true>(p.quick, zero_point), a_zero, b_zero),
                     p.quick_positive);
    } else {
      halves_b_ = !is_half(p.a_factor);
      square_ = SquareDifference(p.quick, p.quick_operand, halves_b_ ? b_zero : a_zero,
                                 halves_b_ ? a_zero : b_zero, zero_point);
    }
  }
}

int64_t QuickBytes::run(const uint8_t* a, int64_t a_stride, const uint8_t* b, int64_t b_stride,
                        int64_t count, uint8_t* output) const {
  Bytes x = {a, a_stride};
  Bytes y = {b, b_stride};
  if (function_ == QuantizedBinary::kSquaredDifference && halves_b_) std::swap(x, y);
  const auto go = [&](const auto& function) {
    return loop(function, ends_, x, y, count, output);
  };
  if (function_ == QuantizedBinary::kMul) return go(multiply_);
  if (function_ == QuantizedBinary::kPrelu) return go(prelu_);
  if (function_ != QuantizedBinary::kSquaredDifference) return go(sum_);
  if (y.stride != 0) return go(square_);
  return go(DifferenceFromOne(square_,
                              wasm_v128_xor(wasm_v128_load8_splat(y.at), ends_.flip_input)));
}

}  // namespace zeolite
