// Chains of operators that one operator computes.
#include <cmath>
#include <optional>

#include "core/passes/linear.h"
#include "core/passes/passes.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

// The one element of a float32 constant.
std::optional<float> scalar(const Editor& editor, int32_t tensor) {
  if (tensor == kNoTensor || !editor.is_float_constant(tensor)) return std::nullopt;
  const std::vector<float> values = editor.floats(tensor);
  return values.size() == 1 ? std::optional(values[0]) : std::nullopt;
}

// An operator of two operands of which one is a constant scalar.
struct ByScalar {
  int32_t data = kNoTensor;
  float value = 0;
};

std::optional<ByScalar> by_scalar(const Editor& editor, int index, Op code) {
  if (index < 0 || editor.op(index).code != code || editor.op(index).inputs.size() != 2) {
    return std::nullopt;
  }
  const Operator& op = editor.op(index);
  for (size_t constant : {1, 0}) {
    const std::optional<float> value = scalar(editor, op.inputs[constant]);
    const int32_t data = op.inputs[1 - constant];
    // The constant may have more dimensions than the data: then the result has, too.
    if (value && editor.is_float(data) && editor.shape(data) == editor.shape(op.outputs[0])) {
      return ByScalar{data, *value};
    }
  }
  return std::nullopt;
}

// Makes operator `index` a `code` of one operand.
void become(Editor* editor, int index, Op code, int32_t data) {
  Operator& op = editor->op(index);
  op.code = code;
  op.options = Options();
  editor->set_inputs(index, {data});
}

// MAXIMUM and MINIMUM by the bounds of a RELU, in any order.
void recognize_clamp(Editor* editor, int index) {
  if (const auto lower = by_scalar(*editor, index, Op::kMaximum); lower && lower->value == 0) {
    // min(max(x, 0), 6) where the minimum came first.
    const int earlier = editor->producer(lower->data);
    const auto upper = by_scalar(*editor, earlier, Op::kMinimum);
    if (upper && upper->value == 6 && editor->is_only_use(lower->data, index)) {
      editor->join_sources(index, earlier);
      become(editor, index, Op::kRelu6, upper->data);
    } else {
      become(editor, index, Op::kRelu, lower->data);
    }
    return;
  }
  const auto bound = [&](Op code, Op inner, float value, float inner_value) -> int32_t {
    const auto outer = by_scalar(*editor, index, code);
    if (!outer || outer->value != value) return kNoTensor;
    const int earlier = editor->producer(outer->data);
    if (earlier < 0 || !editor->is_only_use(outer->data, index)) return kNoTensor;
    if (inner == Op::kRelu) {
      return editor->op(earlier).code == Op::kRelu ? editor->op(earlier).inputs[0] : kNoTensor;
    }
    const auto other = by_scalar(*editor, earlier, inner);
    return other && other->value == inner_value ? other->data : kNoTensor;
  };
  const auto replace = [&](Op code, int32_t data) {
    if (data == kNoTensor || !editor->is_float(data)) return false;
    editor->join_sources(index, editor->producer(editor->op(index).inputs[0]) >= 0
                                    ? editor->producer(editor->op(index).inputs[0])
                                    : editor->producer(editor->op(index).inputs[1]));
    become(editor, index, code, data);
    return true;
  };
  if (replace(Op::kRelu6, bound(Op::kMinimum, Op::kRelu, 6, 0))) return;
  if (replace(Op::kReluN1To1, bound(Op::kMinimum, Op::kMaximum, 1, -1))) return;
  replace(Op::kReluN1To1, bound(Op::kMaximum, Op::kMinimum, -1, 1));
}

bool is_sixth(float value) { return std::abs(value - 1.0f / 6.0f) < 1e-6f; }

// The x of relu6(x + 3), however the activation is written.
int32_t shifted_relu6(const Editor& editor, int32_t tensor) {
  int index = editor.producer(tensor);
  if (index < 0) return kNoTensor;
  bool has_relu6 = false;
  if (editor.op(index).code == Op::kRelu6) {
    const int32_t input = editor.op(index).inputs[0];
    index = editor.producer(input);
    has_relu6 = true;
  }
  const auto sum = by_scalar(editor, index, Op::kAdd);
  if (!sum || sum->value != 3) return kNoTensor;
  const ActivationFunctionType activation = activation_of(editor.op(index));
  const bool is_right = has_relu6 ? activation == ActivationFunctionType::kNone
                                  : activation == ActivationFunctionType::kRelu6;
  return is_right ? sum->data : kNoTensor;
}

// The x of relu6(x + 3) / 6.
int32_t hard_sigmoid_input(const Editor& editor, int32_t tensor) {
  const int index = editor.producer(tensor);
  if (index < 0 || activation_of(editor.op(index)) != ActivationFunctionType::kNone) {
    return kNoTensor;
  }
  const auto product = by_scalar(editor, index, Op::kMul);
  if (product && is_sixth(product->value)) return shifted_relu6(editor, product->data);
  const auto quotient = by_scalar(editor, index, Op::kDiv);
  const bool divides = quotient && quotient->value == 6 && quotient->data == editor.input(index, 0);
  return divides ? shifted_relu6(editor, quotient->data) : kNoTensor;
}

// x * relu6(x + 3) / 6, with the division at either place.
void recognize_hard_swish(Editor* editor, int index) {
  const Operator& op = editor->op(index);
  if ((op.code != Op::kMul && op.code != Op::kDiv) || op.inputs.size() != 2 ||
      activation_of(op) != ActivationFunctionType::kNone) {
    return;
  }
  for (size_t slot : {0, 1}) {
    if (op.code != Op::kMul) break;
    const int32_t x = op.inputs[1 - slot];
    if (editor->is_float(x) && !editor->is_constant(x) &&
        hard_sigmoid_input(*editor, op.inputs[slot]) == x) {
      editor->join_sources(index, editor->producer(op.inputs[slot]));
      become(editor, index, Op::kHardSwish, x);
      return;
    }
  }
  auto outer = by_scalar(*editor, index, Op::kMul);
  if (outer && !is_sixth(outer->value)) outer = std::nullopt;
  if (!outer) {
    outer = by_scalar(*editor, index, Op::kDiv);
    if (outer && (outer->value != 6 || outer->data != editor->input(index, 0))) return;
  }
  if (!outer || !editor->is_only_use(outer->data, index)) return;
  const int inner = editor->producer(outer->data);
  if (inner < 0 || editor->op(inner).code != Op::kMul || editor->op(inner).inputs.size() != 2 ||
      activation_of(editor->op(inner)) != ActivationFunctionType::kNone) {
    return;
  }
  for (size_t slot : {0, 1}) {
    const int32_t x = editor->op(inner).inputs[1 - slot];
    if (!editor->is_constant(x) && shifted_relu6(*editor, editor->op(inner).inputs[slot]) == x) {
      editor->join_sources(index, inner);
      become(editor, index, Op::kHardSwish, x);
      return;
    }
  }
}

}  // namespace

Status recognize_patterns(Editor* editor) {
  for (int i = 0; i < editor->operator_count(); ++i) {
    if (!editor->is_live(i)) continue;
    recognize_clamp(editor, i);
    recognize_hard_swish(editor, i);
  }
  return {};
}

}  // namespace zeolite
