// Constant folding, identities, dead operators.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/ops/evaluate.h"
#include "core/ops/table.h"
#include "core/passes/linear.h"
#include "core/passes/passes.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

// Folding must not blow the file up: results beyond this are only kept up to the inputs' size.
constexpr uint64_t kSmallConstantBytes = 16 * 1024;

bool may_be_folded(const Editor& editor, const Operator& op, const OpEntry& entry) {
  // They keep constants small in the file.
  if (op.code == Op::kDequantize || op.code == Op::kDensify) return false;
  if ((entry.traits & kStateful) != 0 || op.outputs.empty()) return false;
  const bool is_shape_only = (entry.traits & kShapeOnly) != 0;
  for (int32_t tensor : op.inputs) {
    if (tensor == kNoTensor || editor.is_constant(tensor)) continue;
    const Tensor& input = editor.tensor(tensor);
    if (is_shape_only && input.has_rank && is_static(input.shape)) continue;
    return false;
  }
  for (int32_t tensor : op.outputs) {
    // A constant can't take the place of what the graph gives out, and quantized results would
    // need their scales checked.
    if (editor.is_output(tensor) || editor.tensor(tensor).quantization != nullptr) return false;
    if (editor.tensor(tensor).type == TensorType::kString) return false;
  }
  return !op.inputs.empty();
}

Status fold_operator(Editor* editor, int index) {
  const Operator& op = editor->op(index);
  std::vector<Operand> operands;
  operands.reserve(op.inputs.size());
  std::vector<const Operand*> inputs;
  uint64_t limit = kSmallConstantBytes;
  for (int32_t tensor : op.inputs) {
    if (tensor == kNoTensor) {
      inputs.push_back(nullptr);
      continue;
    }
    operands.push_back(operand_of(editor->model(), editor->tensor(tensor)));
    inputs.push_back(&operands.back());
    limit = std::max(limit, operands.back().bytes);
  }
  std::vector<TensorType> types;
  for (int32_t tensor : op.outputs) {
    const Tensor& output = editor->tensor(tensor);
    types.push_back(output.type);
    if (!output.has_rank || !is_static(output.shape)) continue;
    Result<uint64_t> bytes = byte_size(output.type, output.shape);
    if (!bytes.ok() || bytes.value() > limit) return {};
  }
  Result<std::vector<ConstantTensor>> results = evaluate_constant(op, inputs, types);
  if (!results.ok()) {
    // What can't be evaluated here stays for the runtime.
    return results.error().code == ErrorCode::kOutOfMemory ? results.take_status() : Status();
  }
  const std::vector<int32_t> outputs = op.outputs;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (results.value()[i].data.size() > limit || results.value()[i].data.empty()) return {};
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    ConstantTensor& result = results.value()[i];
    const int32_t constant =
        editor->add_constant(editor->tensor(outputs[i]).name, result.type,
                             std::move(result.shape), std::move(result.data));
    editor->replace_uses(outputs[i], constant);
  }
  editor->remove(index);
  return {};
}

// Whether both tensors hold the same elements in the same order whenever their counts agree.
bool is_same_shape(const Editor& editor, int32_t a, int32_t b) {
  const Tensor& x = editor.tensor(a);
  const Tensor& y = editor.tensor(b);
  return x.has_rank && y.has_rank && x.shape == y.shape;
}

bool has_at_most_one_free(const Shape& shape) {
  return std::count(shape.begin(), shape.end(), -1) <= 1;
}

// Every element of the constant is `value`.
bool is_all(const Editor& editor, int32_t tensor, float value) {
  if (!editor.is_float_constant(tensor)) return false;
  const std::vector<float> values = editor.floats(tensor);
  return std::all_of(values.begin(), values.end(), [&](float each) { return each == value; });
}

template <class T>
bool has_activation(const Operator& op) {
  return op.options.value_or_default<T>().fused_activation_function !=
         ActivationFunctionType::kNone;
}

// The input that is not the constant `neutral`, where the operator gives it again; or kNoTensor.
int32_t unchanged_operand(const Editor& editor, int index) {
  const Operator& op = editor.op(index);
  const auto other_is = [&](size_t constant, float neutral) {
    const int32_t kept = editor.input(index, 1 - constant);
    return editor.is_float(kept) && is_all(editor, editor.input(index, constant), neutral) &&
           is_same_shape(editor, kept, op.outputs[0]);
  };
  switch (op.code) {
    case Op::kAdd:
      if (has_activation<AddOptions>(op)) return kNoTensor;
      return other_is(1, 0) ? op.inputs[0] : other_is(0, 0) ? op.inputs[1] : kNoTensor;
    case Op::kMul:
      if (has_activation<MulOptions>(op)) return kNoTensor;
      return other_is(1, 1) ? op.inputs[0] : other_is(0, 1) ? op.inputs[1] : kNoTensor;
    case Op::kSub:
      return !has_activation<SubOptions>(op) && other_is(1, 0) ? op.inputs[0] : kNoTensor;
    case Op::kDiv:
      return !has_activation<DivOptions>(op) && other_is(1, 1) ? op.inputs[0] : kNoTensor;
    default: return kNoTensor;
  }
}

bool is_identity_permutation(const std::vector<int32_t>& order) {
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<int32_t>(i)) return false;
  }
  return !order.empty();
}

bool is_all_zero(const std::vector<int32_t>& values) {
  return !values.empty() && std::all_of(values.begin(), values.end(), [](int v) { return v == 0; });
}

// How far back a question about values goes.
constexpr int kMaxLookBack = 8;

// Whether the tensor's values are certainly in [0, upper]; upper may be infinite.
bool is_within(const Editor& editor, int32_t tensor, float upper, int depth = kMaxLookBack) {
  const int maker = editor.producer(tensor);
  if (maker < 0 || depth == 0 || !editor.is_float(tensor)) return false;
  const Operator& op = editor.op(maker);
  const ActivationFunctionType activation = activation_of(op);
  if (activation == ActivationFunctionType::kRelu6) return upper >= 6;
  if (activation == ActivationFunctionType::kRelu) return std::isinf(upper);
  switch (op.code) {
    case Op::kRelu: return std::isinf(upper);
    case Op::kRelu6: return upper >= 6;
    case Op::kRelu0To1:
    case Op::kLogistic:
    case Op::kSoftmax: return upper >= 1;
    // What only moves values, or takes one or a mean of several.
    case Op::kReshape:
    case Op::kSqueeze:
    case Op::kExpandDims:
    case Op::kTranspose:
    case Op::kMaxPool2d:
    case Op::kAveragePool2d: return is_within(editor, op.inputs[0], upper, depth - 1);
    default: return false;
  }
}

// Whether the same stored number means the same in both.
bool is_same_quantization(const Editor& editor, int32_t a, int32_t b) {
  const Quantization* x = editor.tensor(a).quantization.get();
  const Quantization* y = editor.tensor(b).quantization.get();
  if (x == nullptr || y == nullptr) return x == y;
  return x->scale == y->scale && x->zero_point == y->zero_point && x->block_size == y->block_size &&
         x->block_scales == y->block_scales;
}

// The input that output 0 is the same as; or kNoTensor.
int32_t identical_input(const Editor& editor, int index) {
  const Operator& op = editor.op(index);
  if (op.inputs.empty() || op.outputs.size() != 1 || op.inputs[0] == kNoTensor) return kNoTensor;
  const int32_t input = op.inputs[0];
  if (!is_same_quantization(editor, input, op.outputs[0])) return kNoTensor;
  const bool is_same = is_same_shape(editor, input, op.outputs[0]);
  const bool is_surely_same = is_same && is_static(editor.shape(input));
  switch (op.code) {
    case Op::kReshape:
    case Op::kSqueeze:
    case Op::kExpandDims:
      return is_same && has_at_most_one_free(editor.shape(input)) ? input : kNoTensor;
    case Op::kTranspose:
      return is_identity_permutation(editor.ints(editor.input(index, 1))) ? input : kNoTensor;
    case Op::kPad:
    case Op::kPadv2:
    case Op::kMirrorPad:
      return is_all_zero(editor.ints(editor.input(index, 1))) ? input : kNoTensor;
    case Op::kSlice:
    case Op::kBroadcastTo:
    case Op::kTile:
      return is_surely_same ? input : kNoTensor;
    case Op::kStridedSlice: {
      const std::vector<int32_t> steps = editor.ints(editor.input(index, 3));
      const bool is_forward = !steps.empty() && std::all_of(steps.begin(), steps.end(),
                                                            [](int32_t step) { return step == 1; });
      return is_surely_same && is_forward ? input : kNoTensor;
    }
    case Op::kCast:
      return editor.tensor(input).type == editor.tensor(op.outputs[0]).type ? input : kNoTensor;
    case Op::kConcatenation:
      return op.inputs.size() == 1 && !has_activation<ConcatenationOptions>(op) ? input : kNoTensor;
    case Op::kRelu:
      return is_within(editor, input, std::numeric_limits<float>::infinity()) ? input : kNoTensor;
    case Op::kRelu6: return is_within(editor, input, 6) ? input : kNoTensor;
    default: return unchanged_operand(editor, index);
  }
}

bool is_reshape(Op code) {
  return code == Op::kReshape || code == Op::kSqueeze || code == Op::kExpandDims;
}

// What a reshape reads need not have been reshaped before.
void join_reshapes(Editor* editor, int index) {
  const int32_t input = editor->op(index).inputs[0];
  const int earlier = editor->producer(input);
  if (earlier < 0 || !is_reshape(editor->op(earlier).code)) return;
  // SQUEEZE and EXPAND_DIMS name axes of their input; RESHAPE says all that it gives.
  if (editor->op(index).code != Op::kReshape) return;
  editor->join_sources(index, earlier);
  editor->set_input(index, 0, editor->op(earlier).inputs[0]);
}

Status join_transposes(Editor* editor, int index) {
  const int earlier = editor->producer(editor->op(index).inputs[0]);
  if (earlier < 0 || editor->op(earlier).code != Op::kTranspose) return {};
  const std::vector<int32_t> second = editor->ints(editor->input(index, 1));
  const std::vector<int32_t> first = editor->ints(editor->input(earlier, 1));
  if (first.empty() || first.size() != second.size()) return {};
  std::vector<int32_t> both;
  for (int32_t axis : second) {
    if (axis < 0 || static_cast<size_t>(axis) >= first.size()) return {};
    both.push_back(first[static_cast<size_t>(axis)]);
  }
  ZEOLITE_ASSIGN(const int32_t order,
                 editor->add_ints(editor->tensor(editor->input(index, 1)).name,
                                  {static_cast<int32_t>(both.size())}, both));
  editor->join_sources(index, earlier);
  editor->set_input(index, 1, order);
  editor->set_input(index, 0, editor->op(earlier).inputs[0]);
  return {};
}

// A transpose that only moves axes of size 1 leaves the elements where they are.
Status transpose_to_reshape(Editor* editor, int index) {
  const Operator& op = editor->op(index);
  const std::vector<int32_t> order = editor->ints(editor->input(index, 1));
  const Shape from = editor->shape(op.inputs[0]);
  const Shape to = editor->shape(op.outputs[0]);
  if (order.size() != from.size() || !has_at_most_one_free(to) || order.empty()) return {};
  int32_t last = -1;
  for (int32_t axis : order) {
    if (axis < 0 || static_cast<size_t>(axis) >= from.size()) return {};
    if (from[static_cast<size_t>(axis)] == 1) continue;
    if (axis < last) return {};
    last = axis;
  }
  ZEOLITE_ASSIGN(const int32_t shape,
                 editor->add_ints(editor->tensor(op.inputs[1]).name,
                                  {static_cast<int32_t>(to.size())}, to));
  ReshapeOptions options;
  options.new_shape = to;
  editor->op(index).code = Op::kReshape;
  editor->op(index).options = options;
  editor->set_input(index, 1, shape);
  return {};
}

bool may_be_dropped(const Editor& editor, int index) {
  const Operator& op = editor.op(index);
  const OpEntry* entry = find_operator(op);
  if (entry == nullptr || (entry->traits & kStateful) != 0 || op.outputs.empty()) return false;
  for (int32_t tensor : op.inputs) {
    // States that the operator writes outlive the run.
    if (tensor != kNoTensor && editor.tensor(tensor).is_variable) return false;
  }
  return std::all_of(op.outputs.begin(), op.outputs.end(), [&](int32_t tensor) {
    return tensor == kNoTensor || (editor.consumers(tensor).empty() && !editor.is_output(tensor));
  });
}

}  // namespace

Status fold_constants(Editor* editor) {
  for (int i = 0; i < editor->operator_count(); ++i) {
    if (!editor->is_live(i)) continue;
    const OpEntry* entry = find_operator(editor->op(i));
    if (entry != nullptr && may_be_folded(*editor, editor->op(i), *entry)) {
      ZEOLITE_TRY(fold_operator(editor, i));
    }
  }
  return {};
}

Status remove_identities(Editor* editor) {
  for (int i = 0; i < editor->operator_count(); ++i) {
    if (!editor->is_live(i)) continue;
    if (is_reshape(editor->op(i).code)) {
      join_reshapes(editor, i);
    } else if (editor->op(i).code == Op::kTranspose) {
      ZEOLITE_TRY(join_transposes(editor, i));
    }
    const int32_t input = identical_input(*editor, i);
    if (input != kNoTensor && editor->bypass(i, input)) continue;
    if (editor->op(i).code == Op::kTranspose) ZEOLITE_TRY(transpose_to_reshape(editor, i));
  }
  return {};
}

Status remove_dead(Editor* editor) {
  // Backwards, so that a chain goes in one sweep.
  for (int i = editor->operator_count(); i > 0; --i) {
    if (editor->is_live(i - 1) && may_be_dropped(*editor, i - 1)) editor->remove(i - 1);
  }
  return {};
}

}  // namespace zeolite
