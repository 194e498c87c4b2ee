// real = scale * (stored - zero point). Which products of scales are made in float32 and which in
// float64 is part of the result, and as in TFLite's kernels.
#include "core/ops/quantized_binary.h"

#include <algorithm>
#include <cmath>

namespace zeolite {
namespace {

using Code = BuiltinOperator;

// Bits that sums and differences of inputs are moved up by before they are scaled.
constexpr int kShiftOf8Bits = 20;
constexpr int kShiftOf16Bits = 15;
constexpr int kShiftOfSquares = 7;
constexpr int kShiftOfComparisons = 8;

// Both inputs to the scale 2 * max, then their sum to that of the output.
void set_sum(const Affine& a, const Affine& b, const Affine& output, QuantizedBinaryParameters* p) {
  const double unit = 2.0f * std::max(a.scale, b.scale);
  p->a_factor = fixed_point_factor(a.scale / unit);
  p->b_factor = fixed_point_factor(b.scale / unit);
  p->factor =
      fixed_point_factor(unit / (static_cast<float>(1 << p->left_shift) * output.scale));
}

// ADD and SUB of int16 whose scales are powers of two and whose zero points are 0: one input has
// the output's scale, the other is shifted to it.
bool set_shifts(const Affine& a, const Affine& b, const Affine& output,
                QuantizedBinaryParameters* p) {
  int exponent_a;
  int exponent_b;
  int exponent_output;
  if (a.zero_point != 0 || b.zero_point != 0 || output.zero_point != 0 ||
      !is_power_of_two(a.scale, &exponent_a) || !is_power_of_two(b.scale, &exponent_b) ||
      !is_power_of_two(output.scale, &exponent_output)) {
    return false;
  }
  p->a_right_shift = exponent_output - exponent_a;
  p->b_right_shift = exponent_output - exponent_b;
  return std::min(p->a_right_shift, p->b_right_shift) == 0 &&
         std::max(p->a_right_shift, p->b_right_shift) <= 31;
}

bool comparison_of(Code code, QuantizedBinary* function) {
  switch (code) {
    case Code::kEqual: *function = QuantizedBinary::kEqual; return true;
    case Code::kNotEqual: *function = QuantizedBinary::kNotEqual; return true;
    case Code::kLess: *function = QuantizedBinary::kLess; return true;
    case Code::kLessEqual: *function = QuantizedBinary::kLessEqual; return true;
    case Code::kGreater: *function = QuantizedBinary::kGreater; return true;
    case Code::kGreaterEqual: *function = QuantizedBinary::kGreaterEqual; return true;
    default: return false;
  }
}

}  // namespace

SmallInteger small_integer(TensorType type) {
  switch (type) {
    case TensorType::kUint8: return SmallInteger::kUint8;
    case TensorType::kInt16: return SmallInteger::kInt16;
    default: return SmallInteger::kInt8;
  }
}

Result<QuantizedBinaryParameters> quantized_binary_parameters(const OpContext& context,
                                                              ActivationFunctionType activation) {
  QuantizedBinaryParameters p;
  const TensorType type = context.input(0).type;
  const bool is_16_bits = type == TensorType::kInt16;
  ZEOLITE_ASSIGN(const Affine a, input_affine(context, 0));
  ZEOLITE_ASSIGN(const Affine b, input_affine(context, 1));
  p.input = small_integer(type);
  p.a_zero_point = a.zero_point;
  p.b_zero_point = b.zero_point;
  if (comparison_of(context.code(), &p.function)) {
    p.left_shift = kShiftOfComparisons;
    p.a_factor = fixed_point_factor(a.scale);
    p.b_factor = fixed_point_factor(b.scale);
    p.output = SmallInteger::kUint8;
    p.max = 1;
    return p;
  }
  ZEOLITE_ASSIGN(const Affine output, output_affine(context, 0));
  ZEOLITE_ASSIGN(const StoredRange range, fused_range(activation, type, output));
  p.output = p.input;
  p.zero_point = output.zero_point;
  p.min = range.min;
  p.max = range.max;
  switch (context.code()) {
    case Code::kAdd:
    case Code::kSub: {
      const bool adds = context.code() == Code::kAdd;
      if (is_16_bits && set_shifts(a, b, output, &p)) {
        p.function = adds ? QuantizedBinary::kShiftedAdd : QuantizedBinary::kShiftedSub;
        return p;
      }
      p.function = adds ? QuantizedBinary::kAdd : QuantizedBinary::kSub;
      p.left_shift = is_16_bits ? kShiftOf16Bits : kShiftOf8Bits;
      set_sum(a, b, output, &p);
      return p;
    }
    case Code::kMul:
      if (is_16_bits && (a.zero_point != 0 || b.zero_point != 0 || output.zero_point != 0)) {
        return bad_input("int16 operands have zero points other than 0");
      }
      p.function = QuantizedBinary::kMul;
      p.factor = fixed_point_factor(a.scale * b.scale / output.scale);
      p.set_quick();
      return p;
    case Code::kDiv:
      p.function = QuantizedBinary::kDiv;
      p.factor = fixed_point_factor(a.scale / (b.scale * output.scale));
      return p;
    case Code::kSquaredDifference: {
      p.function = QuantizedBinary::kSquaredDifference;
      p.left_shift = kShiftOfSquares;
      const double unit = 2.0 * std::max(a.scale, b.scale);
      p.a_factor = fixed_point_factor(a.scale / unit);
      p.b_factor = fixed_point_factor(b.scale / unit);
      p.factor = fixed_point_factor(
          unit * unit / (static_cast<float>(1 << (2 * kShiftOfSquares)) * output.scale));
      p.set_quick();
      return p;
    }
    case Code::kPrelu:
      p.function = QuantizedBinary::kPrelu;
      p.a_factor = fixed_point_factor(a.scale / output.scale);
      p.factor = fixed_point_factor(a.scale * b.scale / output.scale);
      p.set_quick();
      return p;
    default: return unsupported("no such function of quantized numbers");
  }
}

}  // namespace zeolite
