#include "core/kernels/quantized_binary.h"

#include <bit>

#include "core/kernels/reciprocal.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

// An operand of kAdd and its like before it is scaled: half of a power of two is but a shift, since
// what is shifted out is 0. Of two operands at least one is scaled so.
struct ScaledOperand {
  ScaleBy4 scale;
  int left;
  bool is_half;

  ScaledOperand(FixedPointFactor factor, int left_shift)
      : scale(factor),
        left(left_shift),
        is_half(factor.multiplier == 1 << 30 && factor.shift == 0 && left_shift > 0) {}

  v128_t operator()(v128_t x) const {
    return is_half ? wasm_i32x4_shl(x, left - 1) : scale(wasm_i32x4_shl(x, left));
  }
};

template <class Function>
void on_lanes(const IntegerBlock& a, const IntegerBlock& b, int64_t count, IntegerBlock* result,
              const Function& function) {
  for (int64_t i = 0; i < count; i += 4) {
    wasm_v128_store(result->values + i,
                    function(wasm_v128_load(a.values + i), wasm_v128_load(b.values + i)));
  }
}

// The quotient in fixed point: the divisor's reciprocal as a multiplier, with the dividend moved up
// as far as it goes.
int32_t divide(int32_t a, int32_t b, FixedPointFactor factor) {
  if (b < 0) {
    a = -a;
    b = -b;
  }
  const Reciprocal inverse = fixed_point_reciprocal(b);
  const int headroom = a >= 0 ? std::countl_zero(static_cast<uint32_t>(a)) - 1
                              : std::countl_one(static_cast<uint32_t>(a)) - 1;
  const auto moved = static_cast<int32_t>(static_cast<uint32_t>(a) << headroom);
  const int32_t quotient = rounding_high_mul(moved, inverse.multiplier);
  const int shift = factor.shift - inverse.exponent - headroom;
  const int32_t product = rounding_high_mul(quotient, factor.multiplier);
  if (shift < -31) return 0;
  if (shift > 0) return static_cast<int32_t>(static_cast<uint32_t>(product) << std::min(shift, 31));
  return rounding_shift_right(product, -shift);
}

void compute(const QuantizedBinaryParameters& p, const IntegerBlock& a, const IntegerBlock& b,
             int64_t count, IntegerBlock* result) {
  const ScaledOperand scale_a(p.a_factor, p.left_shift);
  const ScaledOperand scale_b(p.b_factor, p.left_shift);
  const ScaleBy4 scale(p.factor);
  const auto apply = [&](auto function) { on_lanes(a, b, count, result, function); };
  const v128_t one = wasm_i32x4_splat(1);
  const auto compare = [&](auto function) {
    apply([&](v128_t x, v128_t y) {
      return wasm_v128_and(function(scale_a(x), scale_b(y)), one);
    });
  };
  switch (p.function) {
    case QuantizedBinary::kAdd:
      apply([&](v128_t x, v128_t y) { return scale(wasm_i32x4_add(scale_a(x), scale_b(y))); });
      break;
    case QuantizedBinary::kSub:
      apply([&](v128_t x, v128_t y) { return scale(wasm_i32x4_sub(scale_a(x), scale_b(y))); });
      break;
    case QuantizedBinary::kMul:
      apply([&](v128_t x, v128_t y) { return scale(wasm_i32x4_mul(x, y)); });
      break;
    case QuantizedBinary::kDiv:
      for (int64_t i = 0; i < count; ++i) {
        result->values[i] = divide(a.values[i], b.values[i], p.factor);
      }
      break;
    case QuantizedBinary::kSquaredDifference:
      apply([&](v128_t x, v128_t y) {
        const v128_t difference = wasm_i32x4_sub(scale_a(x), scale_b(y));
        return scale(wasm_i32x4_mul(difference, difference));
      });
      break;
    case QuantizedBinary::kShiftedAdd:
    case QuantizedBinary::kShiftedSub: {
      const RoundingShift4 shift_a(p.a_right_shift);
      const RoundingShift4 shift_b(p.b_right_shift);
      const bool adds = p.function == QuantizedBinary::kShiftedAdd;
      const v128_t low = wasm_i32x4_splat(-32768);
      const v128_t high = wasm_i32x4_splat(32767);
      apply([&](v128_t x, v128_t y) {
        x = shift_a(x);
        y = shift_b(y);
        const v128_t sum = adds ? wasm_i32x4_add(x, y) : wasm_i32x4_sub(x, y);
        return wasm_i32x4_min(wasm_i32x4_max(sum, low), high);
      });
      break;
    }
    case QuantizedBinary::kPrelu:
      apply([&](v128_t x, v128_t y) {
        return wasm_v128_bitselect(scale(wasm_i32x4_mul(x, y)), scale_a(x), wasm_i32x4_shr(x, 31));
      });
      break;
    case QuantizedBinary::kEqual:
      compare([](v128_t x, v128_t y) { return wasm_i32x4_eq(x, y); });
      break;
    case QuantizedBinary::kNotEqual:
      compare([](v128_t x, v128_t y) { return wasm_i32x4_ne(x, y); });
      break;
    case QuantizedBinary::kLess:
      compare([](v128_t x, v128_t y) { return wasm_i32x4_lt(x, y); });
      break;
    case QuantizedBinary::kLessEqual:
      compare([](v128_t x, v128_t y) { return wasm_i32x4_le(x, y); });
      break;
    case QuantizedBinary::kGreater:
      compare([](v128_t x, v128_t y) { return wasm_i32x4_gt(x, y); });
      break;
    case QuantizedBinary::kGreaterEqual:
      compare([](v128_t x, v128_t y) { return wasm_i32x4_ge(x, y); });
      break;
  }
}

// ADD, SUB and MUL of 16 neighbouring bytes in registers. uint8 is taken for int8 with the top bit
// turned over, which is 128 less, in zero points and bounds too.
class ByteArithmetic {
 public:
  explicit ByteArithmetic(const QuantizedBinaryParameters& p)
      : ByteArithmetic(p, p.input == SmallInteger::kUint8 ? 128 : 0) {}

  static bool knows(const QuantizedBinaryParameters& p) {
    return p.input != SmallInteger::kInt16 &&
           (p.function == QuantizedBinary::kAdd || p.function == QuantizedBinary::kSub ||
            p.function == QuantizedBinary::kMul);
  }

  // The first (count / 16) * 16 elements; strides are 0 or 1. Gives how many they are.
  int64_t run(const uint8_t* a, int64_t a_stride, const uint8_t* b, int64_t b_stride,
              int64_t count, uint8_t* output) const {
    switch (function_) {
      case QuantizedBinary::kMul:
        return loop(a, a_stride, b, b_stride, count, output, [&](v128_t x, v128_t y, bool high) {
          return scale_(high ? wasm_i32x4_extmul_high_i16x8(x, y)
                             : wasm_i32x4_extmul_low_i16x8(x, y));
        });
      case QuantizedBinary::kAdd:
        return loop(a, a_stride, b, b_stride, count, output, [&](v128_t x, v128_t y, bool high) {
          return scale_(wasm_i32x4_add(a_.bytes(x, high), b_.bytes(y, high)));
        });
      default:
        return loop(a, a_stride, b, b_stride, count, output, [&](v128_t x, v128_t y, bool high) {
          return scale_(wasm_i32x4_sub(a_.bytes(x, high), b_.bytes(y, high)));
        });
    }
  }

 private:
  ByteArithmetic(const QuantizedBinaryParameters& p, int32_t less)
      : function_(p.function),
        a_(p.a_factor),
        b_(p.b_factor),
        scale_(p.factor),
        flip_(wasm_i8x16_splat(static_cast<int8_t>(less))),
        a_zero_(wasm_i16x8_splat(static_cast<int16_t>(p.a_zero_point - less))),
        b_zero_(wasm_i16x8_splat(static_cast<int16_t>(p.b_zero_point - less))),
        zero_(wasm_i32x4_splat(p.zero_point - less)),
        low_(wasm_i32x4_splat(p.min - less)),
        high_(wasm_i32x4_splat(p.max - less)) {}

  template <class Function>
  [[gnu::noinline]] int64_t loop(const uint8_t* a, int64_t a_stride, const uint8_t* b,
                                 int64_t b_stride, int64_t count, uint8_t* output,
                                 const Function& function) const {
    const auto load = [&](const uint8_t* from, int64_t stride) {
      return wasm_v128_xor(stride == 0 ? wasm_v128_load8_splat(from) : wasm_v128_load(from), flip_);
    };
    const auto wide = [](v128_t x, bool high) {
      return high ? wasm_i16x8_extend_high_i8x16(x) : wasm_i16x8_extend_low_i8x16(x);
    };
    int64_t i = 0;
    for (; i + 16 <= count; i += 16) {
      const v128_t x = load(a + i * a_stride, a_stride);
      const v128_t y = load(b + i * b_stride, b_stride);
      const auto eight = [&](bool upper) {
        const v128_t x8 = wasm_i16x8_sub(wide(x, upper), a_zero_);
        const v128_t y8 = wasm_i16x8_sub(wide(y, upper), b_zero_);
        const auto four = [&](bool high) {
          const v128_t sum = wasm_i32x4_add(function(x8, y8, high), zero_);
          return wasm_i32x4_min(wasm_i32x4_max(sum, low_), high_);
        };
        return wasm_i16x8_narrow_i32x4(four(false), four(true));
      };
      const v128_t low = eight(false);
      const v128_t high = eight(true);
      wasm_v128_store(output + i, wasm_v128_xor(wasm_i8x16_narrow_i16x8(low, high), flip_));
    }
    return i;
  }

  // (x << left) * factor of numbers of 9 bits: their product with the multiplier in two halves, of
  // which the lower one is rounded, in 32 bits each.
  struct ScaledBytes {
    static constexpr int kLeft = 20;
    v128_t upper;  // Upper 15 bits of the multiplier, moved to their place.
    v128_t lower;  // Lower 16 bits.
    RoundingShift4 shift;
    int plain_left;  // Of a factor of one half; else -1.

    explicit ScaledBytes(FixedPointFactor factor)
        : upper(wasm_i32x4_splat(factor.multiplier >> 16 << 5)),
          lower(wasm_i32x4_splat(factor.multiplier & 0xffff)),
          shift(factor.shift > 0 ? 0 : -factor.shift),
          plain_left(factor.multiplier == 1 << 30 && factor.shift == 0 ? kLeft - 1 : -1) {}

    [[gnu::always_inline]] v128_t bytes(v128_t eight, bool high) const {
      const v128_t x =
          high ? wasm_i32x4_extend_high_i16x8(eight) : wasm_i32x4_extend_low_i16x8(eight);
      if (plain_left >= 0) return wasm_i32x4_shl(x, plain_left);
      const v128_t rounded =
          wasm_i32x4_add(wasm_i32x4_mul(x, lower), wasm_i32x4_splat(1 << (31 - kLeft - 1)));
      return shift(wasm_i32x4_add(wasm_i32x4_mul(x, upper), wasm_i32x4_shr(rounded, 31 - kLeft)));
    }
  };

  QuantizedBinary function_;
  ScaledBytes a_;
  ScaledBytes b_;
  ScaleBy4 scale_;
  v128_t flip_;
  v128_t a_zero_;
  v128_t b_zero_;
  v128_t zero_;
  v128_t low_;
  v128_t high_;
};

}  // namespace

void quantized_binary(const QuantizedBinaryParameters& parameters, const BroadcastPlan& plan,
                      const void* a, const void* b, void* output, ThreadPool* pool) {
  const int64_t rows = broadcast_row_count(plan);
  if (rows == 0) return;
  const int64_t row_count = plan.rank == 0 ? 1 : plan.dimensions[plan.rank - 1];
  const auto run = [&](int64_t first, int64_t last, int64_t from, int64_t to) {
    IntegerBlock block_a;
    IntegerBlock block_b;
    IntegerBlock result;
    const ByteArithmetic bytes(parameters);
    const bool has_bytes = ByteArithmetic::knows(parameters);
    for_each_broadcast_row(plan, first, last, [&](int64_t out, int64_t at_a, int64_t at_b,
                                                  int64_t, int64_t a_stride, int64_t b_stride) {
      int64_t i = from;
      if (has_bytes) {
        i += bytes.run(static_cast<const uint8_t*>(a) + at_a + i * a_stride, a_stride,
                       static_cast<const uint8_t*>(b) + at_b + i * b_stride, b_stride, to - i,
                       static_cast<uint8_t*>(output) + out + i);
      }
      for (; i < to; i += kIntegerBlock) {
        const int64_t size = std::min(kIntegerBlock, to - i);
        load_integers(parameters.input, a, at_a + i * a_stride, a_stride, size,
                      parameters.a_zero_point, &block_a);
        load_integers(parameters.input, b, at_b + i * b_stride, b_stride, size,
                      parameters.b_zero_point, &block_b);
        compute(parameters, block_a, block_b, size, &result);
        store_integers(parameters.output, result, size, parameters.zero_point, parameters.min,
                       parameters.max, output, out + i);
      }
    });
  };
  if (rows == 1) {
    const EvenSplit split(row_count, kIntegerBlock, 8, pool);
    parallel_for(split.pool, split.tasks(),
                 [&](int64_t task) { run(0, 1, split.begin(task), split.end(task)); });
    return;
  }
  const EvenSplit split(rows, 1, 8 * row_count, pool);
  parallel_for(split.pool, split.tasks(),
               [&](int64_t task) { run(split.begin(task), split.end(task), 0, row_count); });
}

}  // namespace zeolite
