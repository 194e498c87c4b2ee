#include "core/kernels/quick_bytes.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/kernels/integer_blocks.h"
#include "core/kernels/simd.h"

namespace zeolite {
namespace {

// Sums: 20 bits behind the point leave 12 before it; weights are split 7 bits from their end.
constexpr int kFraction = 20;
constexpr int kSplit = 7;
constexpr int kSquaresShift = 7;

double real_of(FixedPointFactor factor) {
  return std::ldexp(static_cast<double>(factor.multiplier), factor.shift - 31);
}

constexpr float kMagic = 12582912.0f;
constexpr int32_t kMagicBits = 0x4b400000;

// As Product computes it.
int32_t quick_result(QuickProduct product, int64_t x) {
  const float y = static_cast<float>(static_cast<int32_t>(x)) * product.scale;
  const float moved = y + std::copysign(product.away, y);
  return std::bit_cast<int32_t>(moved + kMagic) - kMagicBits;
}

v128_t low_half(v128_t x) { return wasm_u16x8_extend_low_u8x16(x); }
v128_t high_half(v128_t x) { return wasm_u16x8_extend_high_u8x16(x); }

// Sixteen sums; pairs of a and b make one product with both weights each.
struct Sum {
  v128_t upper_weights;
  v128_t lower_weights;
  v128_t offset;
  v128_t unsure;
  v128_t nearest;  // The least distance of a sum above a whole number, moved up.

  void start() { nearest = wasm_i32x4_splat(-1); }

  [[gnu::always_inline]] v128_t four(v128_t pairs) {
    const v128_t upper = wasm_i32x4_shl(wasm_i32x4_dot_i16x8(pairs, upper_weights), kSplit);
    const v128_t sum = wasm_i32x4_add(
        wasm_i32x4_add(upper, wasm_i32x4_dot_i16x8(pairs, lower_weights)), offset);
    nearest = wasm_u32x4_min(nearest, wasm_i32x4_shl(sum, 32 - kFraction));
    return wasm_i32x4_shr(sum, kFraction);
  }

  [[gnu::always_inline]] v128_t operator()(v128_t x, v128_t y) {
    const v128_t first = wasm_i8x16_shuffle(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22,
                                            7, 23);
    const v128_t second = wasm_i8x16_shuffle(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                             14, 30, 15, 31);
    const auto eight = [&](v128_t bytes) {
      return wasm_i16x8_narrow_i32x4(four(low_half(bytes)), four(high_half(bytes)));
    };
    const v128_t low = eight(first);
    return wasm_i8x16_narrow_i16x8(low, eight(second));
  }

  bool are_sure() const { return !wasm_v128_any_true(wasm_u32x4_lt(nearest, unsure)); }
};

// Sixteen products of 16-bit numbers.
template <bool IsSigned>
struct Product {
  F32x4 scale;
  F32x4 away;
  F32x4 magic;  // 1.5 * 2^23: adding it rounds to a whole number and leaves that in the low bits.
  v128_t magic_bits;
  F32x4 sign;

  Product(QuickProduct product, int32_t zero_point)
      : scale(wasm_f32x4_splat(product.scale)),
        away(wasm_f32x4_splat(product.away)),
        magic(f32x4_kept(kMagic)),
        magic_bits(wasm_i32x4_splat(kMagicBits - zero_point)),
        sign(i32x4_kept(INT32_MIN)) {}

  void start() {}
  bool are_sure() const { return true; }

  [[gnu::always_inline]] v128_t four(v128_t x) const {
    const F32x4 y = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(x), scale);
    const F32x4 moved =
        wasm_f32x4_add(y, IsSigned ? wasm_v128_or(wasm_v128_and(y, sign), away) : away);
    return wasm_i32x4_sub(wasm_f32x4_add(moved, magic), magic_bits);
  }
  [[gnu::always_inline]] v128_t eight(v128_t x, v128_t y) const {
    return wasm_i16x8_narrow_i32x4(four(wasm_i32x4_extmul_low_i16x8(x, y)),
                                   four(wasm_i32x4_extmul_high_i16x8(x, y)));
  }
};

struct Multiply : Product<true> {
  v128_t a_zero;
  v128_t b_zero;

  Multiply(const Product& product, int16_t a, int16_t b)
      : Product(product), a_zero(wasm_i16x8_splat(a)), b_zero(wasm_i16x8_splat(b)) {}

  [[gnu::always_inline]] v128_t operator()(v128_t x, v128_t y) {
    const v128_t low = eight(wasm_i16x8_sub(low_half(x), a_zero),
                             wasm_i16x8_sub(low_half(y), b_zero));
    return wasm_i8x16_narrow_i16x8(low, eight(wasm_i16x8_sub(high_half(x), a_zero),
                                              wasm_i16x8_sub(high_half(y), b_zero)));
  }
};

// (x << kSquaresShift) * factor of numbers of 9 bits; 16 bits hold it: the factor is at most 1/2.
struct ScaledBytes {
  v128_t zero;
  v128_t upper;
  v128_t lower;
  RoundingShift4 shift;
  bool is_half;

  ScaledBytes(int16_t zero_point, FixedPointFactor factor)
      : zero(wasm_i16x8_splat(zero_point)),
        upper(wasm_i32x4_splat(factor.multiplier >> 16)),
        lower(wasm_i32x4_splat(factor.multiplier & 0xffff)),
        shift(-factor.shift),
        is_half(factor.multiplier == 1 << 30 && factor.shift == 0) {}

  [[gnu::always_inline]] v128_t four(v128_t x) const {
    const v128_t product = wasm_i32x4_add(wasm_i32x4_mul(x, upper),
                                          wasm_i32x4_shr(wasm_i32x4_mul(x, lower), 16));
    constexpr int kRight = 15 - kSquaresShift;
    return shift(wasm_i32x4_shr(wasm_i32x4_add(product, wasm_i32x4_splat(1 << (kRight - 1))),
                                kRight));
  }

  [[gnu::always_inline]] v128_t operator()(v128_t x) const {
    x = wasm_i16x8_sub(x, zero);
    if (is_half) return wasm_i16x8_shl(x, kSquaresShift - 1);
    return wasm_i16x8_narrow_i32x4(four(wasm_i32x4_extend_low_i16x8(x)),
                                   four(wasm_i32x4_extend_high_i16x8(x)));
  }
};

struct SquareDifference : Product<false> {
  ScaledBytes a;
  ScaledBytes b;
  bool has_one_b;
  v128_t one_b;  // Of a row with one b only.

  SquareDifference(const Product& product, const ScaledBytes& a, const ScaledBytes& b)
      : Product(product), a(a), b(b), has_one_b(false) {}

  void set_one_b(v128_t y) {
    has_one_b = true;
    one_b = b(low_half(y));
  }

  [[gnu::always_inline]] v128_t operator()(v128_t x, v128_t y) const {
    const v128_t low = wasm_i16x8_sub(a(low_half(x)), has_one_b ? one_b : b(low_half(y)));
    const v128_t high = wasm_i16x8_sub(a(high_half(x)), has_one_b ? one_b : b(high_half(y)));
    const v128_t first = eight(low, low);
    return wasm_i8x16_narrow_i16x8(first, eight(high, high));
  }
};

struct Bytes {
  const uint8_t* at;
  int64_t stride;
};

struct Ends {
  v128_t flip_input;
  v128_t flip_output;
  v128_t low;
  v128_t high;
};

template <class Function>
[[gnu::noinline]] int64_t loop(Function function, const Ends& ends, Bytes a, Bytes b,
                               int64_t count, uint8_t* output) {
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
  if (factor.shift > 0 || scale <= 0 || largest * scale > 1 << 21) return {};
  QuickProduct product;
  // Rounding twice is rounding once what has been moved by half of the second rounding's last bit.
  if (factor.shift < 0) product.away = std::ldexp(1.0f, factor.shift - 1);
  const auto exact = [&](int64_t x) { return scale_by(static_cast<int32_t>(value(x)), factor); };
  const auto quick = [&](int64_t x) { return quick_result(product, value(x)); };
  // Both never fall, so they agree when they pass each result at the same x.
  const auto agrees = [&] {
    for (int32_t result = min; result < max; ++result) {
      double at = (result + 0.5) / scale;
      if (input == QuickInput::kSquares) at = std::sqrt(std::max(at, 0.0));
      auto x = static_cast<int64_t>(
          std::clamp(at, static_cast<double>(least), static_cast<double>(most)));
      while (x <= most && exact(x) <= result) ++x;
      while (x > least && exact(x - 1) > result) --x;
      if (x <= most && quick(x) <= result) return false;
      if (x > least && quick(x - 1) > result) return false;
    }
    return true;
  };
  // Where a number lies so near to a half that float32 fails, a neighbouring scale may do.
  for (int step : {0, 1, -1, 2, -2, 3, -3}) {
    product.scale = static_cast<float>(scale);
    product.scale += static_cast<float>(step) * std::ldexp(product.scale, -24);
    if (agrees()) return product;
  }
  return {};
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
    quick = quick_product(factor, QuickInput::kIntegers, low, high, from, to);
  } else if (function == QuantizedBinary::kSquaredDifference && left_shift == kSquaresShift &&
             real_of(a_factor) <= 0.5 && real_of(b_factor) <= 0.5) {
    const auto scaled = [](int64_t x, FixedPointFactor by) {
      return int64_t{scale_by(static_cast<int32_t>(x << kSquaresShift), by)};
    };
    const int64_t one = scaled(a_range[1], a_factor) - scaled(b_range[0], b_factor);
    const int64_t other = scaled(b_range[1], b_factor) - scaled(a_range[0], a_factor);
    const int64_t farthest = std::max(one, other);
    quick = quick_product(factor, QuickInput::kSquares, 0, farthest, from, to);
  }
}

QuickBytes::QuickBytes(const QuantizedBinaryParameters& p)
    : function_(p.function), a_factor_(p.a_factor), b_factor_(p.b_factor) {
  if (p.input == SmallInteger::kInt16 || p.output != p.input) return;
  const bool is_signed = p.input == SmallInteger::kInt8;
  const int more = is_signed ? 128 : 0;
  const int less = is_signed ? 0 : 128;
  flip_input_ = is_signed ? 0x80 : 0;
  flip_output_ = is_signed ? 0 : 0x80;
  low_ = static_cast<int8_t>(p.min - less);
  high_ = static_cast<int8_t>(p.max - less);
  a_zero_ = static_cast<int16_t>(p.a_zero_point + more);
  b_zero_ = static_cast<int16_t>(p.b_zero_point + more);
  zero_point_ = p.zero_point - less;
  product_ = p.quick;
  is_usable_ = product_.scale != 0;
  if (p.function == QuantizedBinary::kAdd || p.function == QuantizedBinary::kSub) set_sum(p);
}

void QuickBytes::set_sum(const QuantizedBinaryParameters& p) {
  const double unit = std::ldexp(real_of(p.factor), p.left_shift);
  const double a = unit * real_of(p.a_factor);
  const double b = unit * real_of(p.b_factor) * (p.function == QuantizedBinary::kSub ? -1 : 1);
  // A weight's upper part has 16 bits, a sum 12 before the point.
  if (p.factor.shift > 0 || p.a_factor.shift > 0 || p.b_factor.shift > 0) return;
  const double limit = 32767 << kSplit >> kFraction;
  if (a >= limit || std::abs(b) >= limit || 256 * (a + std::abs(b)) + 256 >= 2047) return;
  const double one = 1 << kFraction;
  const int64_t a_weight = std::llround(a * one);
  const int64_t b_weight = std::llround(b * one);
  const auto pair = [](int64_t low, int64_t high) {
    return (static_cast<uint32_t>(low) & 0xffff) | static_cast<uint32_t>(high) << 16;
  };
  const int64_t a_upper = (a_weight + (1 << (kSplit - 1))) >> kSplit;
  const int64_t b_upper = (b_weight + (1 << (kSplit - 1))) >> kSplit;
  upper_weights_ = pair(a_upper, b_upper);
  lower_weights_ = pair(a_weight - (a_upper << kSplit), b_weight - (b_upper << kSplit));
  // Weights are off by half a bit: right in the middle of the bytes, by 64 at their ends. The terms
  // are rounded to a whole `unit` twice, their sum once more.
  const double error = 2 * 64 + 2 + 4 * unit * (one / std::ldexp(1.0, p.left_shift));
  const double middle = (128 - a_zero_) * a + (128 - b_zero_) * b + p.zero_point -
                        (p.output == SmallInteger::kUint8 ? 128 : 0);
  offset_ = static_cast<uint32_t>(std::llround((middle + 0.5) * one + error) -
                                  128 * (a_weight + b_weight));
  unsure_ = static_cast<uint32_t>(std::ceil(2 * error)) << (32 - kFraction);
  is_usable_ = true;
}

int64_t QuickBytes::run(const uint8_t* a, int64_t a_stride, const uint8_t* b, int64_t b_stride,
                        int64_t count, uint8_t* output) const {
  const Ends ends = {wasm_i8x16_splat(static_cast<int8_t>(flip_input_)),
                     wasm_i8x16_splat(static_cast<int8_t>(flip_output_)), wasm_i8x16_splat(low_),
                     wasm_i8x16_splat(high_)};
  const auto go = [&](auto function) {
    return loop(function, ends, {a, a_stride}, {b, b_stride}, count, output);
  };
  const auto splat = [](uint32_t x) { return wasm_i32x4_splat(static_cast<int32_t>(x)); };
  if (function_ == QuantizedBinary::kMul) {
    return go(Multiply(Product<true>(product_, zero_point_), a_zero_, b_zero_));
  }
  if (function_ == QuantizedBinary::kSquaredDifference) {
    SquareDifference function(Product<false>(product_, zero_point_),
                              ScaledBytes(a_zero_, a_factor_), ScaledBytes(b_zero_, b_factor_));
    if (b_stride == 0) {
      function.set_one_b(wasm_v128_xor(wasm_v128_load8_splat(b), ends.flip_input));
    }
    return go(function);
  }
  return go(Sum{splat(upper_weights_), splat(lower_weights_), splat(offset_), splat(unsure_),
                splat(0)});
}

}  // namespace zeolite
