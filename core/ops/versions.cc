#include "core/ops/versions.h"

#include <algorithm>
#include <charconv>

namespace zeolite {
namespace {

using Op = BuiltinOperator;

// What the rules ask of an operator.
struct Use {
  const Model& model;
  const Subgraph& subgraph;
  const Operator& op;

  const Tensor* input(size_t index) const {
    if (index >= op.inputs.size() || op.inputs[index] == kNoTensor) return nullptr;
    return &subgraph.tensors[static_cast<size_t>(op.inputs[index])];
  }
  TensorType input_type(size_t index) const {
    const Tensor* tensor = input(index);
    return tensor != nullptr ? tensor->type : TensorType::kFloat32;
  }
  bool input_is(size_t index, TensorType type) const {
    return input(index) != nullptr && input_type(index) == type;
  }
  TensorType output_type() const {
    return op.outputs.empty() ? TensorType::kFloat32
                              : subgraph.tensors[static_cast<size_t>(op.outputs[0])].type;
  }
  size_t rank(size_t index) const {
    const Tensor* tensor = input(index);
    return tensor != nullptr ? tensor->shape.size() : 0;
  }
  size_t highest_rank() const { return std::max(rank(0), rank(1)); }
  bool is_per_channel(size_t index) const {
    const Tensor* tensor = input(index);
    return tensor != nullptr && tensor->quantization != nullptr &&
           tensor->quantization->scale.size() > 1;
  }
  bool output_is_per_channel() const {
    if (op.outputs.empty()) return false;
    const Tensor& tensor = subgraph.tensors[static_cast<size_t>(op.outputs[0])];
    return tensor.quantization != nullptr && tensor.quantization->scale.size() > 1;
  }
  bool broadcasts() const {
    return input(0) != nullptr && input(1) != nullptr && input(0)->shape != input(1)->shape;
  }
};

int32_t conv_2d(const Use& use) {
  const Tensor* input = use.input(0);
  const Tensor* filter = use.input(1);
  if (filter == nullptr || input == nullptr) return 1;
  if (input->shape.size() == 4 && filter->shape.size() == 4 && input->shape[3] > 0 &&
      input->shape[3] != filter->shape[3]) {
    return 6;  // Grouped.
  }
  if (input->type == TensorType::kInt16 && filter->type == TensorType::kInt16) return 8;
  if (input->type == TensorType::kInt16) return 4;
  if (input->type == TensorType::kInt8) return filter->type == TensorType::kInt4 ? 7 : 3;
  if (input->type == TensorType::kFloat32 && filter->type == TensorType::kInt8) {
    return use.is_per_channel(1) ? 5 : 2;
  }
  return 1;
}

int32_t depthwise_conv_2d(const Use& use) {
  const auto options = use.op.options.value_or_default<DepthwiseConv2DOptions>();
  const TensorType input = use.input_type(0);
  const TensorType filter = use.input_type(1);
  if (input == TensorType::kInt16) return 5;
  if (input == TensorType::kInt8) return filter == TensorType::kInt4 ? 7 : 3;
  if (input == TensorType::kFloat32 && filter == TensorType::kInt8) {
    return use.is_per_channel(1) ? 6 : 4;
  }
  return options.dilation_w_factor != 1 || options.dilation_h_factor != 1 ? 2 : 1;
}

int32_t fully_connected(const Use& use) {
  const auto options = use.op.options.value_or_default<FullyConnectedOptions>();
  const TensorType input = use.input_type(0);
  const TensorType filter = use.input_type(1);
  const Tensor* weights = use.input(1);
  if (weights != nullptr && weights->sparsity != nullptr) return 8;
  if (input == TensorType::kInt16) return filter == TensorType::kInt16 ? 11 : 7;
  if (input == TensorType::kFloat32 && filter == TensorType::kInt8) {
    if (use.is_per_channel(1)) return 12;
    return options.asymmetric_quantize_inputs ? 9 : 3;
  }
  if (use.op.inputs.size() == 2) return 6;
  if (options.keep_num_dims) return 5;
  if (input == TensorType::kInt8) return filter == TensorType::kInt4 ? 10 : 4;
  return options.weights_format == FullyConnectedOptionsWeightsFormat::kDefault ? 1 : 2;
}

int32_t transpose_conv(const Use& use) {
  const auto options = use.op.options.value_or_default<TransposeConvOptions>();
  if (options.fused_activation_function != ActivationFunctionType::kNone) return 4;
  if (use.op.inputs.size() == 4 && use.op.inputs[3] != kNoTensor) return 3;
  return use.input_is(1, TensorType::kInt8) ? 2 : 1;
}

int32_t strided_slice(const Use& use) {
  const auto options = use.op.options.value_or_default<StridedSliceOptions>();
  const TensorType type = use.input_type(0);
  if (type == TensorType::kUint32) return 8;
  if (options.offset) return 7;
  if (options.ellipsis_mask != 0 || options.new_axis_mask != 0) return 6;
  if (type == TensorType::kString) return 5;
  if (use.rank(0) > 4) return 4;
  if (type == TensorType::kBool) return 3;
  return type == TensorType::kInt8 ? 2 : 1;
}

int32_t add(const Use& use) {
  const auto options = use.op.options.value_or_default<AddOptions>();
  const TensorType type = use.input_type(0);
  if (type == TensorType::kInt16 && use.output_type() == TensorType::kInt16) {
    return options.pot_scale_int16 ? 5 : 3;
  }
  if (type == TensorType::kInt64) return 4;
  return type == TensorType::kInt8 ? 2 : 1;
}

int32_t sub(const Use& use) {
  const auto options = use.op.options.value_or_default<SubOptions>();
  const TensorType type = use.input_type(0);
  if (type == TensorType::kInt16 && !options.pot_scale_int16) return 5;
  if (type == TensorType::kInt64) return 4;
  if (use.broadcasts() && use.highest_rank() > 4) return 3;
  return type == TensorType::kInt8 ? 2 : 1;
}

int32_t mul(const Use& use) {
  switch (use.input_type(0)) {
    case TensorType::kUint32: return 7;
    case TensorType::kComplex64: return 6;
    case TensorType::kInt64: return 5;
    case TensorType::kInt16: return use.output_type() == TensorType::kInt16 ? 4 : 1;
    case TensorType::kInt8: return 2;
    default: return 1;
  }
}

int32_t transpose(const Use& use) {
  const TensorType type = use.input_type(0);
  if (use.rank(0) > 5) return 6;
  if (type == TensorType::kInt16) return 5;
  if (use.rank(0) > 4) return 4;
  if (type == TensorType::kBool) return 3;
  return type == TensorType::kInt8 ? 2 : 1;
}

int32_t resize(const Use& use, bool is_half_pixel, bool is_align_corners) {
  if (use.input_type(0) == TensorType::kInt16) return 4;
  if (is_half_pixel || is_align_corners) return 3;
  return use.input_type(0) == TensorType::kInt8 ? 2 : 1;
}

int32_t gather(const Use& use) {
  const TensorType type = use.input_type(0);
  if (use.op.options.value_or_default<GatherOptions>().batch_dims != 0) return 5;
  if (type == TensorType::kInt16) return 4;
  if (type == TensorType::kBool) return 3;
  return type == TensorType::kInt8 ? 2 : 1;
}

int32_t cast(const Use& use) {
  for (const TensorType type : {use.input_type(0), use.output_type()}) {
    if (type == TensorType::kFloat64) return 4;
    if (type == TensorType::kUint16) return 3;
    if (type == TensorType::kInt8 || type == TensorType::kInt16) return 2;
  }
  return 1;
}

// The pattern that most operators follow: 2 for int8, 3 for int16.
int32_t by_type(const Use& use) {
  const TensorType type = use.input_type(0);
  if (type == TensorType::kInt16) return 3;
  return type == TensorType::kInt8 ? 2 : 1;
}

// Operators that gained int8 with version 2 and nothing for int16 at version 3.
int32_t by_int8(const Use& use) { return use.input_type(0) == TensorType::kInt8 ? 2 : 1; }

}  // namespace

int32_t minimal_version(const Model& model, const Subgraph& subgraph, const Operator& op) {
  const Use use{model, subgraph, op};
  switch (op.code) {
    case Op::kConv2d: return conv_2d(use);
    case Op::kDepthwiseConv2d: return depthwise_conv_2d(use);
    case Op::kFullyConnected: return fully_connected(use);
    case Op::kTransposeConv: return transpose_conv(use);
    case Op::kStridedSlice: return strided_slice(use);
    case Op::kAdd: return add(use);
    case Op::kSub: return sub(use);
    case Op::kMul: return mul(use);
    case Op::kTranspose: return transpose(use);
    case Op::kGather: return gather(use);
    case Op::kCast: return cast(use);
    case Op::kResizeBilinear: {
      const auto options = op.options.value_or_default<ResizeBilinearOptions>();
      return resize(use, options.half_pixel_centers, false);
    }
    case Op::kResizeNearestNeighbor: {
      const auto options = op.options.value_or_default<ResizeNearestNeighborOptions>();
      return resize(use, options.half_pixel_centers, options.align_corners);
    }
    case Op::kDiv: return use.broadcasts() && use.highest_rank() > 4 ? 2 : 1;
    case Op::kMaximum:
    case Op::kMinimum:
      if (use.input_type(0) == TensorType::kInt16) return 4;
      if (use.broadcasts() && use.highest_rank() > 4) return 3;
      return by_int8(use);
    case Op::kBroadcastTo: return use.input_type(0) == TensorType::kInt16 ? 3 : 2;
    case Op::kBatchMatmul:
      if (use.input_type(0) == TensorType::kInt16) return 3;
      return use.input_type(0) == TensorType::kInt8 ? 2 : 1;
    case Op::kSplit: {
      const TensorType type = use.input_type(1);
      if (type == TensorType::kInt16) return 4;
      return type == TensorType::kInt8 ? 2 : 1;
    }
    case Op::kTile: return use.input_type(0) == TensorType::kString ? 2 : 1;
    case Op::kDequantize:
      if (use.input_type(0) == TensorType::kFloat16) return 3;
      if (use.input_type(0) == TensorType::kInt8 && use.is_per_channel(0)) return 5;
      return by_int8(use);
    case Op::kQuantize:
      if (use.input_type(0) == TensorType::kInt16 || use.output_type() == TensorType::kInt16) {
        return 2;
      }
      return use.output_is_per_channel() ? 3 : 1;
    case Op::kFill:
      if (use.output_type() == TensorType::kInt8 || use.output_type() == TensorType::kInt16) {
        return 3;
      }
      return use.output_type() == TensorType::kBool || use.output_type() == TensorType::kString ? 2
                                                                                                : 1;
    case Op::kSpaceToBatchNd:
    case Op::kBatchToSpaceNd: return use.rank(0) != 4 ? 3 : by_int8(use);
    case Op::kPack:
      if (use.input_type(0) == TensorType::kInt16) return 3;
      return use.input_type(0) == TensorType::kInt8 ? 2 : 1;
    case Op::kSlice:
      if (use.rank(0) > 4) return 5;
      if (use.input_type(0) == TensorType::kInt16) return 4;
      if (use.input_type(0) == TensorType::kString) return 3;
      return by_int8(use);
    case Op::kSum: return by_int8(use);
    case Op::kPad:
    case Op::kPadv2:
      if (use.rank(0) > 4) return 4;
      return by_type(use);
    case Op::kLeakyRelu: return use.input_type(0) == TensorType::kInt16 ? 2 : 1;
    case Op::kAveragePool2d:
    case Op::kConcatenation:
    case Op::kLogistic:
    case Op::kMaxPool2d:
    case Op::kMean:
    case Op::kReduceMax:
    case Op::kReduceMin:
    case Op::kRelu:
    case Op::kRelu6:
    case Op::kSoftmax:
    case Op::kTanh: return by_type(use);
    case Op::kExp:
    case Op::kLog:
    case Op::kGelu:
    case Op::kSquaredDifference:
    case Op::kReduceProd:
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kL2Normalization:
    case Op::kLogSoftmax:
    case Op::kSelect:
    case Op::kSpaceToDepth:
    case Op::kDepthToSpace:
    case Op::kRsqrt:
    case Op::kArgMax:
    case Op::kArgMin:
    case Op::kTopkV2: return by_int8(use);
    default: return 1;
  }
}

bool is_older_release(std::string_view a, std::string_view b) {
  const auto next = [](std::string_view* text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    text->remove_prefix(static_cast<size_t>(end - text->data()));
    if (!text->empty()) text->remove_prefix(1);
    return error == std::errc() ? value : 0;
  };
  while (!a.empty() || !b.empty()) {
    const int x = next(&a);
    const int y = next(&b);
    if (x != y) return x < y;
  }
  return false;
}

std::string_view minimal_runtime(const Model& model) {
  std::string_view newest;
  for (const Subgraph& subgraph : model.subgraphs) {
    for (const Operator& op : subgraph.operators) {
      const std::string_view since = runtime_since(op.code, op.version);
      if (is_older_release(newest, since)) newest = since;
    }
  }
  return newest;
}

}  // namespace zeolite
