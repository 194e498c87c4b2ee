#include "core/passes/linear.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

template <class T>
ActivationFunctionType activation_in(const Operator& op) {
  return op.options.value_or_default<T>().fused_activation_function;
}

template <class T>
bool set_activation_in(Operator* op, ActivationFunctionType activation) {
  if (op->options.get<T>() == nullptr) op->options = T();
  op->options.get_mutable<T>()->fused_activation_function = activation;
  return true;
}

}  // namespace

ActivationFunctionType activation_of(const Operator& op) {
  switch (op.code) {
    case Op::kConv2d: return activation_in<Conv2DOptions>(op);
    case Op::kDepthwiseConv2d: return activation_in<DepthwiseConv2DOptions>(op);
    case Op::kTransposeConv: return activation_in<TransposeConvOptions>(op);
    case Op::kFullyConnected: return activation_in<FullyConnectedOptions>(op);
    case Op::kAdd: return activation_in<AddOptions>(op);
    case Op::kSub: return activation_in<SubOptions>(op);
    case Op::kMul: return activation_in<MulOptions>(op);
    case Op::kDiv: return activation_in<DivOptions>(op);
    case Op::kMaxPool2d:
    case Op::kAveragePool2d: return activation_in<Pool2DOptions>(op);
    default: return ActivationFunctionType::kNone;
  }
}

bool set_activation(Operator* op, ActivationFunctionType activation) {
  switch (op->code) {
    case Op::kConv2d: return set_activation_in<Conv2DOptions>(op, activation);
    case Op::kDepthwiseConv2d: return set_activation_in<DepthwiseConv2DOptions>(op, activation);
    case Op::kTransposeConv: return set_activation_in<TransposeConvOptions>(op, activation);
    case Op::kFullyConnected: return set_activation_in<FullyConnectedOptions>(op, activation);
    case Op::kAdd: return set_activation_in<AddOptions>(op, activation);
    case Op::kSub: return set_activation_in<SubOptions>(op, activation);
    case Op::kMul: return set_activation_in<MulOptions>(op, activation);
    case Op::kDiv: return set_activation_in<DivOptions>(op, activation);
    case Op::kMaxPool2d:
    case Op::kAveragePool2d: return set_activation_in<Pool2DOptions>(op, activation);
    default: return false;
  }
}

std::optional<LinearOperator> linear_operator(const Editor& editor, int index) {
  if (index < 0) return std::nullopt;
  const Operator& op = editor.op(index);
  LinearOperator linear;
  linear.index = index;
  size_t filter_rank = 4;
  switch (op.code) {
    case Op::kConv2d: break;
    case Op::kDepthwiseConv2d:
      linear.is_depthwise = linear.output_is_last = true;
      linear.depth_multiplier =
          op.options.value_or_default<DepthwiseConv2DOptions>().depth_multiplier;
      break;
    case Op::kTransposeConv:
      linear.data_slot = 2;
      linear.bias_slot = 3;
      break;
    case Op::kFullyConnected:
      if (op.options.value_or_default<FullyConnectedOptions>().weights_format !=
          FullyConnectedOptionsWeightsFormat::kDefault) {
        return std::nullopt;
      }
      filter_rank = 2;
      break;
    default: return std::nullopt;
  }
  const int32_t filter = editor.input(index, linear.filter_slot);
  const int32_t data = editor.input(index, linear.data_slot);
  const int32_t bias = editor.input(index, linear.bias_slot);
  if (op.outputs.size() != 1 || !editor.is_float(op.outputs[0]) || !editor.is_float(data) ||
      !editor.is_float_constant(filter) || !editor.is_only_use(filter, index) ||
      (bias != kNoTensor && !editor.is_float_constant(bias))) {
    return std::nullopt;
  }
  const Shape& shape = editor.shape(filter);
  if (shape.size() != filter_rank || !is_static(shape)) return std::nullopt;
  linear.output_channels = linear.output_is_last ? shape.back() : shape.front();
  linear.input_channels = shape.back();
  const Shape& output = editor.shape(op.outputs[0]);
  if (output.empty() || output.back() != linear.output_channels) return std::nullopt;
  if (bias != kNoTensor && editor.shape(bias) != Shape{linear.output_channels}) return std::nullopt;
  if (op.code == Op::kConv2d) {
    const Shape& input = editor.shape(data);
    linear.is_grouped = input.empty() || input.back() != linear.input_channels;
  }
  return linear;
}

int producer_behind_moves(const Editor& editor, int32_t tensor, int user, bool keeps_channels) {
  while (true) {
    const int index = editor.producer(tensor);
    if (index < 0 || !editor.is_only_use(tensor, user)) return -1;
    const Operator& op = editor.op(index);
    const bool is_reshape =
        op.code == Op::kReshape || op.code == Op::kSqueeze || op.code == Op::kExpandDims;
    if (!is_reshape && (op.code != Op::kTranspose || keeps_channels)) return index;
    const Shape& from = editor.shape(op.inputs[0]);
    const Shape& to = editor.shape(tensor);
    const bool has_same_channels =
        !from.empty() && !to.empty() && from.back() == to.back() && to.back() >= 0;
    if (keeps_channels && !has_same_channels) return -1;
    user = index;
    tensor = op.inputs[0];
  }
}

}  // namespace zeolite
