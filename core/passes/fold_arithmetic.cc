// MUL, ADD, SUB and DIV by constants: into the weights before or after, or into one another.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/passes/linear.h"
#include "core/passes/passes.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

// x * scale + offset, by a constant that has one element or one for each index of the last axis.
// One of the two vectors is empty: then it is 1 or 0 throughout.
struct ChannelArithmetic {
  int32_t data = kNoTensor;  // x
  std::vector<double> scale;
  std::vector<double> offset;
  bool is_uniform = false;  // The same for all channels.
};

bool is_by_channel(const Shape& shape) {
  return shape.empty() ||
         std::all_of(shape.begin(), shape.end() - 1, [](int32_t size) { return size == 1; });
}

// Operator `index` as such, for an x of `channels`.
std::optional<ChannelArithmetic> channel_arithmetic(const Editor& editor, int index) {
  const Operator& op = editor.op(index);
  if (op.code != Op::kAdd && op.code != Op::kSub && op.code != Op::kMul && op.code != Op::kDiv) {
    return std::nullopt;
  }
  if (op.inputs.size() != 2 || !editor.is_float(op.outputs[0])) return std::nullopt;
  const bool is_first_constant = editor.is_float_constant(op.inputs[0]);
  const int32_t constant = op.inputs[is_first_constant ? 0 : 1];
  ChannelArithmetic result;
  result.data = op.inputs[is_first_constant ? 1 : 0];
  if (!editor.is_float_constant(constant) || editor.is_constant(result.data) ||
      !editor.is_float(result.data) || (op.code == Op::kDiv && is_first_constant)) {
    return std::nullopt;
  }
  // A constant of more dimensions or elements would change the shape.
  if (!is_by_channel(editor.shape(constant)) ||
      editor.shape(result.data) != editor.shape(op.outputs[0]) ||
      editor.shape(result.data).empty()) {
    return std::nullopt;
  }
  const int32_t channels = editor.shape(result.data).back();
  std::vector<float> values = editor.floats(constant);
  if (channels <= 0) return std::nullopt;
  result.is_uniform =
      std::all_of(values.begin(), values.end(), [&](float each) { return each == values[0]; });
  // Not assign(): it must not be given a reference to one of its own elements.
  if (values.size() == 1) values.resize(static_cast<size_t>(channels), float{values[0]});
  if (values.size() != static_cast<size_t>(channels)) return std::nullopt;
  for (const float value : values) {
    switch (op.code) {
      case Op::kMul: result.scale.push_back(value); break;
      case Op::kDiv: result.scale.push_back(1.0 / static_cast<double>(value)); break;
      case Op::kAdd: result.offset.push_back(value); break;
      default: result.offset.push_back(is_first_constant ? value : -static_cast<double>(value));
    }
  }
  if (op.code == Op::kSub && is_first_constant) result.scale.assign(values.size(), -1.0);
  return result;
}

// Whether all are finite as floats.
bool is_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](double value) { return std::isfinite(static_cast<float>(value)); });
}

std::vector<float> to_floats(const std::vector<double>& values) {
  return std::vector<float>(values.begin(), values.end());
}

bool all_are(const std::vector<double>& values, double value) {
  return std::all_of(values.begin(), values.end(), [&](double each) { return each == value; });
}

// Gives the operator new constants in the place of its old ones; a new bias is named after the
// filter.
Status replace_constant(Editor* editor, const LinearOperator& linear, size_t slot, Shape shape,
                        const std::vector<double>& values) {
  const int32_t old = editor->input(linear.index, slot);
  const int32_t filter = editor->input(linear.index, linear.filter_slot);
  const std::string name =
      old != kNoTensor ? editor->tensor(old).name : editor->tensor(filter).name + "/bias";
  ZEOLITE_ASSIGN(const int32_t constant,
                 editor->add_floats(name, std::move(shape), to_floats(values)));
  editor->set_input(linear.index, slot, constant);
  return {};
}

Status replace_filter(Editor* editor, const LinearOperator& linear,
                      const std::vector<double>& values) {
  const Shape shape = editor->shape(editor->input(linear.index, linear.filter_slot));
  return replace_constant(editor, linear, linear.filter_slot, shape, values);
}

Status replace_bias(Editor* editor, const LinearOperator& linear,
                    const std::vector<double>& values) {
  return replace_constant(editor, linear, linear.bias_slot, {linear.output_channels}, values);
}

std::vector<double> doubles(const Editor& editor, int32_t tensor) {
  const std::vector<float> values = editor.floats(tensor);
  return std::vector<double>(values.begin(), values.end());
}

std::vector<double> bias_of(const Editor& editor, const LinearOperator& linear) {
  const int32_t bias = editor.input(linear.index, linear.bias_slot);
  if (bias == kNoTensor) return std::vector<double>(static_cast<size_t>(linear.output_channels));
  return doubles(editor, bias);
}

// The output channel of filter element `i` of `count`.
size_t output_channel(const LinearOperator& linear, size_t i, size_t count) {
  const auto channels = static_cast<size_t>(linear.output_channels);
  return linear.output_is_last ? i % channels : i / (count / channels);
}

// The input channel of filter element `i`: of depthwise ones, that of its output channel.
size_t input_channel(const LinearOperator& linear, size_t i) {
  if (linear.is_depthwise) {
    return i % static_cast<size_t>(linear.output_channels) /
           static_cast<size_t>(linear.depth_multiplier);
  }
  return i % static_cast<size_t>(linear.input_channels);
}

// y = (filter * x + bias) * scale + offset.
Status fold_into_earlier(Editor* editor, int index) {
  std::optional<ChannelArithmetic> arithmetic = channel_arithmetic(*editor, index);
  if (!arithmetic) return {};
  // One number for all commutes with any order of the elements.
  const int earlier =
      producer_behind_moves(*editor, arithmetic->data, index, !arithmetic->is_uniform);
  if (earlier < 0) return {};
  const std::optional<LinearOperator> linear = linear_operator(*editor, earlier);
  if (!linear || activation_of(editor->op(earlier)) != ActivationFunctionType::kNone) return {};
  // This activation would come after another kind of operator.
  const ActivationFunctionType activation = activation_of(editor->op(index));
  if (activation != ActivationFunctionType::kNone &&
      editor->op(earlier).code == Op::kTransposeConv) {
    return {};
  }
  const auto channels = static_cast<size_t>(linear->output_channels);
  if (arithmetic->is_uniform) {
    for (std::vector<double>* values : {&arithmetic->scale, &arithmetic->offset}) {
      if (!values->empty()) values->assign(channels, values->front());
    }
  }
  if (std::max(arithmetic->scale.size(), arithmetic->offset.size()) != channels) return {};
  std::vector<double> bias = bias_of(*editor, *linear);
  const bool had_bias = editor->input(earlier, linear->bias_slot) != kNoTensor;
  if (!arithmetic->scale.empty()) {
    const int32_t filter = editor->input(earlier, linear->filter_slot);
    std::vector<double> scaled = doubles(*editor, filter);
    if (scaled.empty() || scaled.size() % channels != 0) return {};
    for (size_t i = 0; i < scaled.size(); ++i) {
      scaled[i] *= arithmetic->scale[output_channel(*linear, i, scaled.size())];
    }
    if (!is_finite(scaled)) return {};
    for (size_t i = 0; i < bias.size(); ++i) bias[i] *= arithmetic->scale[i];
    ZEOLITE_TRY(replace_filter(editor, *linear, scaled));
  }
  for (size_t i = 0; i < arithmetic->offset.size(); ++i) bias[i] += arithmetic->offset[i];
  if (had_bias || !arithmetic->offset.empty()) {
    ZEOLITE_TRY(replace_bias(editor, *linear, bias));
  }
  set_activation(&editor->op(earlier), activation);
  editor->join_sources(earlier, index);
  const int before_index = editor->producer(arithmetic->data);
  if (before_index == earlier) {
    editor->take_over(earlier, index);
  } else {
    // What moves the elements stands in between and makes the result now.
    editor->take_over(before_index, index);
  }
  return {};
}

// Whether every position of the window lies on the input.
bool has_no_padding(const Editor& editor, const LinearOperator& linear) {
  const Operator& op = editor.op(linear.index);
  const Shape& filter = editor.shape(op.inputs[linear.filter_slot]);
  Padding padding = Padding::kValid;
  int32_t strides[2] = {1, 1};
  switch (op.code) {
    case Op::kFullyConnected: return true;
    case Op::kConv2d: {
      const auto options = op.options.value_or_default<Conv2DOptions>();
      padding = options.padding;
      strides[0] = options.stride_h;
      strides[1] = options.stride_w;
      break;
    }
    case Op::kDepthwiseConv2d: {
      const auto options = op.options.value_or_default<DepthwiseConv2DOptions>();
      padding = options.padding;
      strides[0] = options.stride_h;
      strides[1] = options.stride_w;
      break;
    }
    default: return false;
  }
  if (padding == Padding::kValid) return true;
  // Windows of one element never reach beyond.
  return filter[1] == 1 && filter[2] == 1 && strides[0] >= 1 && strides[1] >= 1;
}

// y = filter * (x * scale + offset) + bias.
Status fold_into_later(Editor* editor, int index) {
  const std::optional<ChannelArithmetic> arithmetic = channel_arithmetic(*editor, index);
  if (!arithmetic || activation_of(editor->op(index)) != ActivationFunctionType::kNone) return {};
  const int32_t output = editor->op(index).outputs[0];
  const std::span<const int> users = editor->consumers(output);
  if (users.size() != 1 || editor->is_output(output)) return {};
  const int later = users[0];
  const std::optional<LinearOperator> linear = linear_operator(*editor, later);
  if (!linear || linear->is_grouped || editor->op(later).code == Op::kTransposeConv ||
      editor->input(later, linear->data_slot) != output || linear->depth_multiplier < 1) {
    return {};
  }
  const size_t channels = std::max(arithmetic->scale.size(), arithmetic->offset.size());
  const int32_t seen = linear->is_depthwise ? linear->output_channels / linear->depth_multiplier
                                            : linear->input_channels;
  if (channels != static_cast<size_t>(seen)) return {};
  // Padding is zero: that stays right when it is multiplied, but not when something is added.
  if (!arithmetic->offset.empty() && !has_no_padding(*editor, *linear)) return {};
  const int32_t filter = editor->input(later, linear->filter_slot);
  const std::vector<double> before = doubles(*editor, filter);
  std::vector<double> scaled = before;
  std::vector<double> bias = bias_of(*editor, *linear);
  for (size_t i = 0; i < before.size(); ++i) {
    const size_t from = input_channel(*linear, i);
    if (!arithmetic->offset.empty()) {
      bias[output_channel(*linear, i, before.size())] += before[i] * arithmetic->offset[from];
    }
    if (!arithmetic->scale.empty()) scaled[i] *= arithmetic->scale[from];
  }
  if (!is_finite(scaled) || !is_finite(bias)) return {};
  if (!arithmetic->scale.empty()) {
    ZEOLITE_TRY(replace_filter(editor, *linear, scaled));
  }
  if (!arithmetic->offset.empty()) {
    ZEOLITE_TRY(replace_bias(editor, *linear, bias));
  }
  editor->join_sources(later, index);
  editor->set_input(later, linear->data_slot, arithmetic->data);
  editor->remove(index);
  return {};
}

// (x * a) * b = x * (a * b), (x + a) + b = x + (a + b).
Status join_two(Editor* editor, int index) {
  const std::optional<ChannelArithmetic> second = channel_arithmetic(*editor, index);
  if (!second) return {};
  const int earlier = editor->producer(second->data);
  if (earlier < 0 || !editor->is_only_use(second->data, index) ||
      activation_of(editor->op(earlier)) != ActivationFunctionType::kNone) {
    return {};
  }
  const std::optional<ChannelArithmetic> first = channel_arithmetic(*editor, earlier);
  if (!first) return {};
  const bool is_product = first->offset.empty() && second->offset.empty();
  const bool is_sum = first->scale.empty() && second->scale.empty();
  if (!is_product && !is_sum) return {};
  std::vector<double> values = is_product ? first->scale : first->offset;
  for (size_t i = 0; i < values.size(); ++i) {
    if (is_sum) {
      values[i] += second->offset[i];
      continue;
    }
    const bool is_zero = values[i] == 0 || second->scale[i] == 0;
    values[i] *= second->scale[i];
    // A product that underflows would take a large x with it.
    if (!is_zero && std::abs(values[i]) < static_cast<double>(std::numeric_limits<float>::min())) {
      return {};
    }
  }
  if (!is_finite(values)) return {};
  const bool is_uniform = all_are(values, values[0]);
  Shape shape;
  if (!is_uniform) shape = {static_cast<int32_t>(values.size())};
  if (is_uniform) values.resize(1);
  const ActivationFunctionType activation = activation_of(editor->op(index));
  ZEOLITE_ASSIGN(const int32_t constant,
                 editor->add_floats(editor->tensor(editor->op(index).outputs[0]).name + "/constant",
                                    shape, to_floats(values)));
  Operator& op = editor->op(index);
  op.code = is_product ? Op::kMul : Op::kAdd;
  op.options = is_product ? Options(MulOptions()) : Options(AddOptions());
  set_activation(&op, activation);
  editor->join_sources(index, earlier);
  editor->set_inputs(index, {first->data, constant});
  editor->remove(earlier);
  return {};
}

}  // namespace

Status fold_arithmetic(Editor* editor) {
  const auto each = [&](Status (*fold)(Editor*, int)) -> Status {
    for (int i = 0; i < editor->operator_count(); ++i) {
      if (editor->is_live(i)) ZEOLITE_TRY(fold(editor, i));
    }
    return {};
  };
  // Weights before take both kinds, so they come first: what is left goes into those after.
  ZEOLITE_TRY(each(fold_into_earlier));
  ZEOLITE_TRY(each(join_two));
  return each(fold_into_later);
}

}  // namespace zeolite
