#include "core/kernels/quantized_binary.h"

#include <bit>
#include <cstring>

#include "core/kernels/data_movement.h"
#include "core/kernels/lookup.h"
#include "core/kernels/quick_bytes.h"
#include "core/kernels/quick_shorts.h"
#include "core/kernels/reciprocal.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

// How (x << left) * factor is rounded.
enum class OperandRounding : uint8_t {
  kTwice,  // As scale_by does.
  kOnce,   // All shifts come first, then the product is rounded.
  kDown,   // The product is rounded, then shifted down without.
};

// The vector loops of TFLite's default ADD and MUL, which are made for ARM and the same elsewhere,
// take whole blocks of a row; there the results differ in part from those of the definition, to
// which the elements behind the last whole block of each row keep.
struct VectorForm {
  int64_t block = 0;  // 0: no such loop.
  OperandRounding rounding = OperandRounding::kTwice;
  bool is_16_bits = false;  // The result wraps around at 16 bits where the zero point is added.
  bool saturates = false;   // And before it saturates there.
};

// An operand of kAdd and its like before it is scaled: half of a power of two is but a shift, since
// what is shifted out is 0. Of two operands at least one is scaled so.
struct ScaledOperand {
  ScaleBy4 scale;
  int left;
  int right = 0;
  int down = 0;
  bool is_half;

  ScaledOperand(FixedPointFactor factor, int left_shift, OperandRounding rounding)
      : scale(rounding == OperandRounding::kTwice ? factor
                                                  : FixedPointFactor{factor.multiplier, 0}),
        left(left_shift),
        is_half(factor.multiplier == 1 << 30 && factor.shift == 0 && left_shift > 0) {
    if (rounding == OperandRounding::kDown) down = -factor.shift;
    if (rounding == OperandRounding::kOnce) {
      left = std::max(left_shift + factor.shift, 0);
      right = std::max(-left_shift - factor.shift, 0);
    }
  }

  v128_t operator()(v128_t x) const {
    if (is_half) return wasm_i32x4_shl(x, left - 1);
    return wasm_i32x4_shr(scale(wasm_i32x4_shr(wasm_i32x4_shl(x, left), right)), down);
  }
};

// Whether the loops of the default kernels' five levels can run through the plan: from the
// innermost dimension out elements of both operands, repetitions of one, both, repetitions of the
// other, both.
bool has_five_levels(const BroadcastPlan& plan) {
  int axis = plan.rank - 1;
  bool repeats_a = false;
  for (int repeated = 0; axis >= 0; --axis) {
    if (plan.a_strides[axis] != 0 && plan.b_strides[axis] != 0) continue;
    const bool is_a = plan.a_strides[axis] == 0;
    if (++repeated > 2 || (repeated == 2 && is_a == repeats_a)) return false;
    repeats_a = is_a;
  }
  return true;
}

VectorForm vector_form(const QuantizedBinaryParameters& p, const BroadcastPlan& plan) {
  const bool adds = p.function == QuantizedBinary::kAdd;
  if (plan.rank == 0 || (!adds && p.function != QuantizedBinary::kMul)) return {};
  const int inner = plan.rank - 1;
  const bool are_pairs = plan.a_strides[inner] != 0 && plan.b_strides[inner] != 0;
  if (p.input == SmallInteger::kInt16) {
    if (!adds || plan.rank > 1 || !are_pairs) return {};
    return {16, OperandRounding::kOnce};
  }
  if (!has_five_levels(plan)) return {};
  const bool is_signed = p.input == SmallInteger::kInt8;
  if (!adds) return {is_signed ? 16 : 8, OperandRounding::kTwice, true, is_signed || are_pairs};
  if (is_signed && are_pairs) return {16, OperandRounding::kOnce, true};
  return {8, OperandRounding::kDown, true};
}

template <class Function>
void on_lanes(const IntegerBlock& a, const IntegerBlock& b, int64_t count, IntegerBlock* result,
              const Function& function) {
  for (int64_t i = 0; i < count; i += 4) {
    wasm_v128_store(result->values + i,
                    function(wasm_v128_load(a.values + i), wasm_v128_load(b.values + i)));
  }
}

// Shifts to the right by 0 or more, halves away from zero. By more than 31 as the real runtime's
// C++ does on all machines: shifts take their number's low bits. So a quotient that is too small
// for the output, 0 among them, is not 0 there.
int32_t rounding_shift_any(int32_t x, int right) {
  const auto mask = static_cast<int32_t>((uint64_t{1} << (right & 63)) - 1);
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return wrapping_add(x >> (right & 31), (x & mask) > threshold ? 1 : 0);
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
  if (shift > 0) return static_cast<int32_t>(static_cast<uint32_t>(product) << std::min(shift, 31));
  return rounding_shift_any(product, -shift);
}

void compute(const QuantizedBinaryParameters& p, const VectorForm& form, const IntegerBlock& a,
             const IntegerBlock& b, int64_t count, IntegerBlock* result) {
  const ScaledOperand scale_a(p.a_factor, p.left_shift, form.rounding);
  const ScaledOperand scale_b(p.b_factor, p.left_shift, form.rounding);
  const ScaleBy4 scale(p.factor);
  const v128_t lowest = wasm_i32x4_splat(-32768);
  const v128_t highest = wasm_i32x4_splat(32767);
  const v128_t zero = wasm_i32x4_splat(p.zero_point);
  const auto finish = [&](v128_t x) {
    if (!form.is_16_bits) return x;
    if (form.saturates) x = wasm_i32x4_min(wasm_i32x4_max(x, lowest), highest);
    x = wasm_i32x4_add(x, zero);
    return wasm_i32x4_sub(wasm_i32x4_shr(wasm_i32x4_shl(x, 16), 16), zero);
  };
  const auto apply = [&](auto function) { on_lanes(a, b, count, result, function); };
  const v128_t one = wasm_i32x4_splat(1);
  const auto compare = [&](auto function) {
    apply([&](v128_t x, v128_t y) {
      return wasm_v128_and(function(scale_a(x), scale_b(y)), one);
    });
  };
  switch (p.function) {
    case QuantizedBinary::kAdd:
      apply([&](v128_t x, v128_t y) {
        return finish(scale(wasm_i32x4_add(scale_a(x), scale_b(y))));
      });
      break;
    case QuantizedBinary::kSub:
      apply([&](v128_t x, v128_t y) { return scale(wasm_i32x4_sub(scale_a(x), scale_b(y))); });
      break;
    case QuantizedBinary::kMul:
      apply([&](v128_t x, v128_t y) { return finish(scale(wasm_i32x4_mul(x, y))); });
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
      apply([&](v128_t x, v128_t y) {
        x = shift_a(x);
        y = shift_b(y);
        const v128_t sum = adds ? wasm_i32x4_add(x, y) : wasm_i32x4_sub(x, y);
        return wasm_i32x4_min(wasm_i32x4_max(sum, lowest), highest);
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

// Rows of neighbouring elements; strides are 0 or 1.
class Rows {
 public:
  // `row`: elements of one.
  Rows(const QuantizedBinaryParameters& parameters, const VectorForm& form, int64_t row)
      : parameters_(parameters),
        form_(form),
        row_(row),
        whole_blocks_(form.block == 0 ? row : row / form.block * form.block),
        bytes_(parameters),
        shorts_(parameters) {}

  bool is_quick() const { return bytes_.is_usable() || shorts_.is_usable(); }

  // `first`: the place of the first element in its row; `count` may pass the row's end.
  void run(const uint8_t* a, int64_t a_stride, const uint8_t* b, int64_t b_stride, int64_t first,
           int64_t count, uint8_t* output) {
    const int64_t size = bytes_of(parameters_.input);
    int64_t i = 0;
    const auto slow = [&](int64_t to) {
      for (; i < to; i += kIntegerBlock) {
        block(a, i * a_stride, a_stride, b, i * b_stride, b_stride, first + i,
              std::min(kIntegerBlock, to - i), output, i);
      }
      i = to;
    };
    if (!is_quick()) return slow(count);
    // Scales whose sums all lie between two numbers are not worth trying on.
    int64_t unsure = 0;
    while (i + kBlock <= count) {
      if (kBlock * unsure > kBlock * kTries + i / 4) return slow(count);
      i += quick(a + i * a_stride * size, a_stride, b + i * b_stride * size, b_stride,
                 (count - i) / kBlock * kBlock, output + i * size);
      if (i + kBlock > count) break;
      slow(i + kBlock);
      ++unsure;
    }
    if (i == count) return;
    // The rest by way of a whole block.
    alignas(16) uint8_t rest[3][2 * kBlock] = {};
    const int64_t bytes = (count - i) * size;
    const auto bytes_of_row = [&](int64_t stride) {
      return static_cast<size_t>(stride == 0 ? size : bytes);
    };
    std::memcpy(rest[0], a + i * a_stride * size, bytes_of_row(a_stride));
    std::memcpy(rest[1], b + i * b_stride * size, bytes_of_row(b_stride));
    if (quick(rest[0], a_stride, rest[1], b_stride, kBlock, rest[2]) == 0) return slow(count);
    std::memcpy(output + i * size, rest[2], static_cast<size_t>(bytes));
  }

 private:
  static constexpr int64_t kBlock = QuickBytes::kBlock;
  static_assert(kBlock == QuickShorts::kBlock);
  static constexpr int64_t kTries = 8;

  int64_t quick(const uint8_t* a, int64_t a_stride, const uint8_t* b, int64_t b_stride,
                int64_t count, uint8_t* output) const {
    if (bytes_.is_usable()) return bytes_.run(a, a_stride, b, b_stride, count, output);
    return shorts_.run(reinterpret_cast<const int16_t*>(a), a_stride,
                       reinterpret_cast<const int16_t*>(b), b_stride, count,
                       reinterpret_cast<int16_t*>(output));
  }

  void block(const void* a, int64_t at_a, int64_t a_stride, const void* b, int64_t at_b,
             int64_t b_stride, int64_t first, int64_t count, void* output, int64_t out) {
    const QuantizedBinaryParameters& p = parameters_;
    load_integers(p.input, a, at_a, a_stride, count, p.a_zero_point, &a_);
    load_integers(p.input, b, at_b, b_stride, count, p.b_zero_point, &b_);
    compute(p, form_, a_, b_, count, &result_);
    bool has_defined = false;
    for (int64_t i = 0; whole_blocks_ < row_ && i < count; ++i) {
      if ((first + i) % row_ < whole_blocks_) continue;
      if (!has_defined) compute(p, {}, a_, b_, count, &defined_);
      has_defined = true;
      result_.values[i] = defined_.values[i];
    }
    store_integers(p.output, result_, count, p.zero_point, p.min, p.max, output, out);
  }

  const QuantizedBinaryParameters& parameters_;
  const VectorForm form_;
  const int64_t row_;
  const int64_t whole_blocks_;  // Their elements.
  const QuickBytes bytes_;
  const QuickShorts shorts_;
  IntegerBlock a_;
  IntegerBlock b_;
  IntegerBlock result_;
  IntegerBlock defined_;
};

// One byte beside all others makes a function of a byte, which a table or a line gives faster.
constexpr int64_t kWorthATable = 1 << 14;

// The slope of the function of a (`is_b_one`) or b where the other is `one`; 0: no line.
double slope_of(const QuantizedBinaryParameters& p, bool is_b_one, uint8_t one) {
  const double factor = real_of(p.factor);
  const double unit = std::ldexp(factor, p.left_shift);
  switch (p.function) {
    case QuantizedBinary::kAdd: return unit * real_of(is_b_one ? p.a_factor : p.b_factor);
    case QuantizedBinary::kSub:
      return is_b_one ? unit * real_of(p.a_factor) : -unit * real_of(p.b_factor);
    case QuantizedBinary::kMul: {
      const int32_t stored = p.input == SmallInteger::kInt8 ? static_cast<int8_t>(one) : one;
      return factor * (stored - (is_b_one ? p.b_zero_point : p.a_zero_point));
    }
    default: return 0;
  }
}

void binary_with_one(const QuantizedBinaryParameters& p, const VectorForm& form, bool is_b_one,
                     const uint8_t* many, uint8_t one, int64_t count, uint8_t* output,
                     ThreadPool* pool) {
  constexpr int64_t kBytes = 256;
  ByteFunction function;
  uint8_t all[kBytes];
  for (int64_t i = 0; i < kBytes; ++i) all[i] = static_cast<uint8_t>(i);
  const auto run = [&](const uint8_t* from, int64_t first, int64_t row, int64_t size, uint8_t* to) {
    Rows rows(p, form, row);
    is_b_one ? rows.run(from, 1, &one, 0, first, size, to)
             : rows.run(&one, 0, from, 1, first, size, to);
  };
  run(all, 0, kBytes, kBytes, function.results.data());
  function.find_line(slope_of(p, is_b_one, one), p.input == SmallInteger::kInt8,
                     p.output == SmallInteger::kInt8);
  const int64_t whole = form.block == 0 ? count : count / form.block * form.block;
  // What is behind the whole blocks is kept: the output may lie on the input.
  uint8_t rest[kBytes];
  std::memcpy(rest, many + whole, static_cast<size_t>(count - whole));
  lookup(function, many, whole, output, pool);
  if (whole < count) run(rest, whole, count, count - whole, output + whole);
}

}  // namespace

void quantized_binary(const QuantizedBinaryParameters& parameters, const BroadcastPlan& plan,
                      const void* a, const void* b, void* output, ThreadPool* pool) {
  const int64_t rows = broadcast_row_count(plan);
  if (rows == 0) return;
  const int64_t row_count = plan.rank == 0 ? 1 : plan.dimensions[plan.rank - 1];
  const int bytes = bytes_of(parameters.input);
  const auto* const from_a = static_cast<const uint8_t*>(a);
  const auto* const from_b = static_cast<const uint8_t*>(b);
  auto* const target = static_cast<uint8_t*>(output);
  const int target_bytes = bytes_of(parameters.output);
  const VectorForm form = vector_form(parameters, plan);
  if (rows == 1) {
    const int64_t a_stride = plan.rank == 0 ? 0 : plan.a_strides[0];
    const int64_t b_stride = plan.rank == 0 ? 0 : plan.b_strides[0];
    if (bytes == 1 && row_count >= kWorthATable && a_stride + b_stride == 1) {
      const bool is_b_one = b_stride == 0;
      return binary_with_one(parameters, form, is_b_one, is_b_one ? from_a : from_b,
                             is_b_one ? *from_b : *from_a, row_count, target, pool);
    }
    const EvenSplit split(row_count, kIntegerBlock, 8, pool);
    parallel_for(split.pool, split.tasks(), [&](int64_t task) {
      const int64_t i = split.begin(task);
      Rows(parameters, form, row_count)
          .run(from_a + i * a_stride * bytes, a_stride, from_b + i * b_stride * bytes, b_stride, i,
               split.end(task) - i, target + i * target_bytes);
    });
    return;
  }
  // One short row beside each of the others: several copies of it, so that rows are longer.
  constexpr int64_t kCopiedBytes = 2048;
  const bool copies_a = plan.a_strides[0] == 0 && plan.a_strides[1] == 1 && plan.b_strides[1] == 1;
  const bool copies_b = plan.b_strides[0] == 0 && plan.b_strides[1] == 1 && plan.a_strides[1] == 1;
  const bool copies =
      plan.rank == 2 && (copies_a || copies_b) && 2 * row_count * bytes <= kCopiedBytes;
  const EvenSplit split(rows, 1, 8 * row_count, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    Rows all(parameters, form, row_count);
    const int64_t end = split.end(task);
    if (!all.is_quick() || !copies) {
      for_each_broadcast_row(plan, split.begin(task), end,
                             [&](int64_t out, int64_t at_a, int64_t at_b, int64_t count,
                                 int64_t a_stride, int64_t b_stride) {
                               all.run(from_a + at_a * bytes, a_stride, from_b + at_b * bytes,
                                       b_stride, 0, count, target + out * target_bytes);
                             });
      return;
    }
    alignas(16) uint8_t copied[kCopiedBytes];
    const int64_t row_bytes = row_count * bytes;
    const int64_t count = kCopiedBytes / row_bytes;
    copy_blocks(std::min(count, end - split.begin(task)), row_bytes, copies_a ? from_a : from_b, 0,
                copied, row_bytes);
    for (int64_t row = split.begin(task); row < end; row += count) {
      const int64_t at = row * row_bytes;
      all.run(copies_a ? copied : from_a + at, 1, copies_a ? from_b + at : copied, 1, 0,
              std::min(count, end - row) * row_count, target + at);
    }
  });
}

}  // namespace zeolite
