// Activations and pads that an operator does itself.
#include <algorithm>
#include <optional>

#include "core/passes/linear.h"
#include "core/passes/passes.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

std::optional<ActivationFunctionType> fusable_activation(Op code) {
  switch (code) {
    case Op::kRelu: return ActivationFunctionType::kRelu;
    case Op::kRelu6: return ActivationFunctionType::kRelu6;
    case Op::kReluN1To1: return ActivationFunctionType::kReluN1To1;
    default: return std::nullopt;
  }
}

// What `first` and then `second` do together, where one activation does that.
std::optional<ActivationFunctionType> combined(ActivationFunctionType first,
                                               ActivationFunctionType second) {
  if (first == ActivationFunctionType::kNone || first == second) return second;
  const bool are_relus = (first == ActivationFunctionType::kRelu ||
                          first == ActivationFunctionType::kRelu6) &&
                         (second == ActivationFunctionType::kRelu ||
                          second == ActivationFunctionType::kRelu6);
  return are_relus ? std::optional(ActivationFunctionType::kRelu6) : std::nullopt;
}

bool takes_activation(Op code) {
  switch (code) {
    case Op::kConv2d:
    case Op::kDepthwiseConv2d:
    case Op::kFullyConnected:
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul:
    case Op::kDiv:
    case Op::kMaxPool2d:
    case Op::kAveragePool2d:
    case Op::kTransposeConv: return true;  // Of version 4 then, as the real converter writes it.
    default: return false;
  }
}

void fuse_activation(Editor* editor, int index) {
  const Operator& op = editor->op(index);
  const std::optional<ActivationFunctionType> activation = fusable_activation(op.code);
  if (!activation || !editor->is_float(op.outputs[0])) return;
  const int32_t input = op.inputs[0];
  const int earlier = producer_behind_moves(*editor, input, index, false);
  if (earlier < 0 || !takes_activation(editor->op(earlier).code)) return;
  // Integers have no fused activation in ADD and its kin everywhere.
  if (!editor->is_float(editor->op(earlier).outputs[0])) return;
  const auto both = combined(activation_of(editor->op(earlier)), *activation);
  if (!both) return;
  set_activation(&editor->op(earlier), *both);
  editor->join_sources(earlier, index);
  editor->take_over(editor->producer(input), index);
}

// What SAME adds before and after an axis of `size`.
struct AxisPadding {
  int64_t before = 0;
  int64_t after = 0;
  bool operator==(const AxisPadding&) const = default;
};

AxisPadding same_padding(int64_t size, int64_t kernel, int64_t stride, int64_t dilation) {
  const int64_t windows = (size + stride - 1) / stride;
  const int64_t reach = (kernel - 1) * dilation + 1;
  const int64_t total = std::max<int64_t>((windows - 1) * stride + reach - size, 0);
  return {total / 2, total - total / 2};
}

template <class Options>
void fuse_pad(Editor* editor, int index, int pad) {
  Operator& op = editor->op(index);
  const Options options = op.options.value_or_default<Options>();
  const int32_t source = editor->op(pad).inputs[0];
  const Shape& size = editor->shape(source);
  const Shape& filter = editor->shape(op.inputs[1]);
  const std::vector<int32_t> amounts = editor->ints(editor->input(pad, 1));
  if (options.padding != Padding::kValid || size.size() != 4 || filter.size() != 4 ||
      amounts.size() != 8 || size[1] <= 0 || size[2] <= 0 || options.stride_h < 1 ||
      options.stride_w < 1) {
    return;
  }
  const AxisPadding axes[4] = {
      {}, same_padding(size[1], filter[1], options.stride_h, options.dilation_h_factor),
      same_padding(size[2], filter[2], options.stride_w, options.dilation_w_factor), {}};
  for (size_t i = 0; i < 4; ++i) {
    if (AxisPadding{amounts[2 * i], amounts[2 * i + 1]} != axes[i]) return;
  }
  if (op.options.template get<Options>() == nullptr) op.options = options;
  op.options.template get_mutable<Options>()->padding = Padding::kSame;
  editor->join_sources(index, pad);
  editor->set_input(index, 0, source);
}

}  // namespace

Status fuse_activations(Editor* editor) {
  for (int i = 0; i < editor->operator_count(); ++i) {
    if (editor->is_live(i)) fuse_activation(editor, i);
  }
  return {};
}

Status fuse_pads(Editor* editor) {
  for (int i = 0; i < editor->operator_count(); ++i) {
    if (!editor->is_live(i) || editor->op(i).inputs.size() < 2) continue;
    const Op code = editor->op(i).code;
    if (code != Op::kConv2d && code != Op::kDepthwiseConv2d) continue;
    const int pad = editor->producer(editor->op(i).inputs[0]);
    // PAD fills with zeros as SAME does; of quantized tensors the zero is their zero point.
    if (pad < 0 || editor->op(pad).code != Op::kPad) continue;
    if (!editor->is_float(editor->op(pad).inputs[0])) continue;
    if (code == Op::kConv2d) {
      fuse_pad<Conv2DOptions>(editor, i, pad);
    } else {
      fuse_pad<DepthwiseConv2DOptions>(editor, i, pad);
    }
  }
  return {};
}

}  // namespace zeolite
