#include "core/kernels/quick_bytes.h"

#include <cmath>

#include "core/kernels/i8_requantize.h"
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
struct Product {
  const PanelHead& head;
  QuickRequantize4 quick;

  explicit Product(const PanelHead& head) : head(head), quick(head, 0) {}
  void start() { quick.farthest = f32x4_zero(); }

  [[gnu::always_inline]] v128_t eight(v128_t x, v128_t y) {
    const v128_t low = wasm_f32x4_convert_i32x4(wasm_i32x4_extmul_low_i16x8(x, y));
    const v128_t high = wasm_f32x4_convert_i32x4(wasm_i32x4_extmul_high_i16x8(x, y));
    return wasm_i16x8_narrow_i32x4(quick(low), quick(high));
  }
  bool are_sure() const { return QuickRequantize4::are_sure(head, quick, quick); }
};

struct Multiply : Product {
  v128_t a_zero;
  v128_t b_zero;

  Multiply(const PanelHead& head, int16_t a, int16_t b)
      : Product(head), a_zero(wasm_i16x8_splat(a)), b_zero(wasm_i16x8_splat(b)) {}

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

struct SquareDifference : Product {
  ScaledBytes a;
  ScaledBytes b;

  SquareDifference(const PanelHead& head, const ScaledBytes& a, const ScaledBytes& b)
      : Product(head), a(a), b(b) {}

  [[gnu::always_inline]] v128_t operator()(v128_t x, v128_t y) {
    const v128_t low = wasm_i16x8_sub(a(low_half(x)), b(low_half(y)));
    const v128_t high = wasm_i16x8_sub(a(high_half(x)), b(high_half(y)));
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
  if (p.factor.shift > 0) return;
  int64_t largest = 255 * 255;
  switch (p.function) {
    case QuantizedBinary::kAdd:
    case QuantizedBinary::kSub:
      if (p.a_factor.shift <= 0 && p.b_factor.shift <= 0) set_sum(p);
      return;
    case QuantizedBinary::kMul:
      break;
    case QuantizedBinary::kSquaredDifference: {
      const double a = real_of(p.a_factor);
      const double b = real_of(p.b_factor);
      if (p.left_shift != kSquaresShift || a > 0.5 || b > 0.5) return;
      largest = 255 * 128 * 255 * 128;
      break;
    }
    default:
      return;
  }
  SumStage stage;
  stage.output = is_signed ? SumOutput::kInt8 : SumOutput::kUint8;
  stage.zero_point = p.zero_point;
  const FixedPointFactor factors[4] = {p.factor, p.factor, p.factor, p.factor};
  SumColumns columns;
  columns.factors = factors;
  i8_panel_head(stage, columns, 0, 4, largest, &head_);
  is_usable_ = head_.is_quick != 0;
}

void QuickBytes::set_sum(const QuantizedBinaryParameters& p) {
  const double unit = std::ldexp(real_of(p.factor), p.left_shift);
  const double a = unit * real_of(p.a_factor);
  const double b = unit * real_of(p.b_factor) * (p.function == QuantizedBinary::kSub ? -1 : 1);
  // A weight's upper part has 16 bits, a sum 12 before the point.
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
  if (function_ == QuantizedBinary::kMul) return go(Multiply(head_, a_zero_, b_zero_));
  if (function_ == QuantizedBinary::kSquaredDifference) {
    return go(SquareDifference(head_, ScaledBytes(a_zero_, a_factor_),
                               ScaledBytes(b_zero_, b_factor_)));
  }
  return go(Sum{splat(upper_weights_), splat(lower_weights_), splat(offset_), splat(unsure_),
                splat(0)});
}

}  // namespace zeolite
