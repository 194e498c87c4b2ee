// Add, Subtract, Multiply, Average, Maximum, Minimum and Concatenate.
#include <algorithm>
#include <utility>

#include "core/convert/lower/layers.h"
#include "core/ops/check.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

// The inputs as tensors that can be taken together: in the layout that all of them have, else in
// the source's own; `layout` is set to it.
Result<std::vector<int32_t>> aligned_inputs(LayerContext& layer, Layout* layout) {
  *layout = layer.value(0).layout;
  for (size_t i = 1; i < layer.input_count(); ++i) {
    if (layer.value(i).layout != *layout) layout->clear();
  }
  std::vector<int32_t> tensors;
  size_t rank = 0;
  for (size_t i = 0; i < layer.input_count(); ++i) {
    ZEOLITE_ASSIGN(const int32_t tensor, layer.input_in(*layout, i));
    tensors.push_back(tensor);
    rank = std::max(rank, layer.builder().shape(tensor).size());
  }
  return tensors;
}

// Keras lets operands of lower rank broadcast by inserting axes behind the batch.
Status raise_ranks(LayerContext& layer, std::vector<int32_t>* tensors) {
  GraphBuilder& builder = layer.builder();
  size_t rank = 0;
  for (int32_t tensor : *tensors) rank = std::max(rank, builder.shape(tensor).size());
  for (int32_t& tensor : *tensors) {
    Shape shape = builder.shape(tensor);
    if (shape.size() == rank || shape.empty()) continue;
    shape.insert(shape.begin() + 1, rank - shape.size(), 1);
    ZEOLITE_ASSIGN(tensor, builder.reshape(tensor, std::move(shape)));
  }
  return Status();
}

Status check_broadcast(LayerContext& layer, const std::vector<int32_t>& tensors) {
  Shape so_far = layer.builder().shape(tensors[0]);
  for (int32_t tensor : tensors) {
    Result<Shape> both = broadcast_shape(so_far, layer.builder().shape(tensor));
    if (!both.ok()) return corrupt("its inputs do not fit each other: " + both.error().message);
    so_far = std::move(both).value();
  }
  return Status();
}

}  // namespace

Status lower_merge(LayerContext& layer) {
  if (layer.input_count() == 0) return corrupt("it has no inputs");
  const std::string& name = layer.node().class_name;
  if (name == "Subtract" && layer.input_count() != 2) {
    return corrupt("it subtracts " + std::to_string(layer.input_count()) + " inputs, not 2");
  }
  Op code = Op::kAdd;
  if (name == "Subtract") code = Op::kSub;
  if (name == "Multiply") code = Op::kMul;
  if (name == "Maximum") code = Op::kMaximum;
  if (name == "Minimum") code = Op::kMinimum;
  Layout layout;
  ZEOLITE_ASSIGN(std::vector<int32_t> tensors, aligned_inputs(layer, &layout));
  ZEOLITE_TRY(raise_ranks(layer, &tensors));
  ZEOLITE_TRY(check_broadcast(layer, tensors));
  GraphBuilder& builder = layer.builder();
  int32_t result = tensors[0];
  for (size_t i = 1; i < tensors.size(); ++i) result = builder.binary(code, result, tensors[i]);
  if (name == "Average" && tensors.size() > 1) {
    const float share = 1.0f / static_cast<float>(tensors.size());
    result = builder.binary(Op::kMul, result, builder.float_scalar(share));
  }
  layer.set_output(Value{result, layout});
  return Status();
}

Status lower_concatenate(LayerContext& layer) {
  return concatenate(layer, layer.config()["axis"]);
}

Status concatenate(LayerContext& layer, const json::Value& axis_value) {
  if (layer.input_count() == 0) return corrupt("it has no inputs");
  Layout layout;
  ZEOLITE_ASSIGN(const std::vector<int32_t> tensors, aligned_inputs(layer, &layout));
  if (tensors.size() == 1) {
    layer.set_output(Value{tensors[0], layout});
    return Status();
  }
  const size_t rank = layer.shape().size();
  ZEOLITE_ASSIGN(const int32_t axis, layer.axis(axis_value, rank, -1));
  const int32_t along = physical_axis(layout, axis);
  GraphBuilder& builder = layer.builder();
  Shape shape = builder.shape(tensors[0]);
  for (size_t i = 1; i < tensors.size(); ++i) {
    const Shape& other = builder.shape(tensors[i]);
    if (other.size() != shape.size()) return corrupt("its inputs have different ranks");
    for (size_t j = 0; j < shape.size(); ++j) {
      if (j == static_cast<size_t>(along)) {
        shape[j] = shape[j] < 0 || other[j] < 0 ? -1 : shape[j] + other[j];
        if (shape[j] > kLargestSize) return corrupt("it joins more than a tensor can hold");
      } else if (shape[j] < 0) {
        shape[j] = other[j];
      } else if (other[j] >= 0 && other[j] != shape[j]) {
        return corrupt("its inputs' shapes " + shape_text(builder.shape(tensors[0])) + " and " +
                       shape_text(other) + " differ beside the axis that it joins");
      }
    }
  }
  const TensorType type = builder.type(tensors[0]);
  layer.set_output(Value{builder.add(Op::kConcatenation, ConcatenationOptions{along}, tensors,
                                     type, std::move(shape)),
                         layout});
  return Status();
}

}  // namespace zeolite
