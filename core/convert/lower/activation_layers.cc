// Activation, ReLU, LeakyReLU, PReLU, ELU, ThresholdedReLU and Softmax layers.
#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/checked.h"
#include "core/convert/lower/activations.h"
#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

// Where the mask is false the scores become very low before, and zero after, the softmax.
struct Mask {
  int32_t tensor = kNoTensor;  // Of bool, in the source's order; kNoTensor: there is none.
};

Result<Mask> read_mask(LayerContext& layer) {
  if (layer.input_count() < 2) return Mask();
  ZEOLITE_ASSIGN(int32_t mask, layer.input(1));
  GraphBuilder& builder = layer.builder();
  if (builder.type(mask) != TensorType::kBool) {
    mask = builder.binary(Op::kGreater, mask, builder.float_scalar(0.5f));
  }
  return Mask{mask};
}

// Softmax over several axes together: they are brought to the end and merged into one.
Result<int32_t> softmax_of_axes(LayerContext& layer, int32_t tensor, std::vector<int32_t> axes) {
  GraphBuilder& builder = layer.builder();
  const Shape shape = builder.shape(tensor);
  std::vector<int32_t> permutation;
  for (size_t i = 0; i < shape.size(); ++i) {
    const auto axis = static_cast<int32_t>(i);
    if (std::find(axes.begin(), axes.end(), axis) == axes.end()) permutation.push_back(axis);
  }
  const size_t kept = permutation.size();
  permutation.insert(permutation.end(), axes.begin(), axes.end());
  const int32_t moved = std::is_sorted(permutation.begin(), permutation.end())
                            ? tensor
                            : builder.transpose(tensor, permutation);
  const Shape full = builder.shape(moved);
  Shape merged(full.begin(), full.begin() + static_cast<ptrdiff_t>(kept));
  int64_t size = 1;
  for (size_t i = kept; i < full.size(); ++i) {
    if (full[i] < 0 || !checked_mul<int64_t>(size, full[i], &size) || size > kLargestSize) {
      return refuse("softmax over several axes needs to know their sizes");
    }
  }
  merged.push_back(static_cast<int32_t>(size));
  ZEOLITE_ASSIGN(int32_t result, builder.reshape(moved, merged));
  result = builder.unary(Op::kSoftmax, result, SoftmaxOptions{1.0f});
  ZEOLITE_ASSIGN(result, builder.reshape(result, full));
  if (moved == tensor) return result;
  std::vector<int32_t> inverse(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i) {
    inverse[static_cast<size_t>(permutation[i])] = static_cast<int32_t>(i);
  }
  return builder.transpose(result, inverse);
}

}  // namespace

Status lower_activation(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(Value result,
                 apply_activation(layer, layer.config()["activation"], layer.value(0)));
  layer.set_output(std::move(result));
  return Status();
}

Status lower_relu(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  const json::Value& config = layer.config();
  layer.set_output(apply_relu(layer.builder(), layer.value(0),
                              config.number_or("negative_slope", 0),
                              config.number_or("max_value", INFINITY),
                              config.number_or("threshold", 0)));
  return Status();
}

Status lower_leaky_relu(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  const json::Value& config = layer.config();
  const double slope = config.number_or("negative_slope", config.number_or("alpha", 0.3));
  layer.set_output(apply_relu(layer.builder(), layer.value(0), slope, INFINITY, 0));
  return Status();
}

Status lower_prelu(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  const Shape shape = layer.shape();
  if (shape.size() < 2) return refuse("its input has no axis beside the batch");
  ZEOLITE_ASSIGN(const SourceWeight* alpha,
                 layer.weight("alpha", Shape(shape.size() - 1, -1)));
  Shape full = {1};
  full.insert(full.end(), alpha->shape.begin(), alpha->shape.end());
  for (size_t i = 1; i < full.size(); ++i) {
    if (full[i] != 1 && shape[i] >= 0 && full[i] != shape[i]) {
      return corrupt("its weight \"alpha\" of shape " + shape_text(alpha->shape) +
                     " does not fit the input " + shape_text(shape));
    }
  }
  GraphBuilder& builder = layer.builder();
  const Value& input = layer.value(0);
  const int32_t slopes =
      broadcast_constant(builder, "alpha", full, input.layout,
                         [alpha](int64_t i) { return weight_value(*alpha, i); });
  layer.set_output(Value{builder.add(Op::kPrelu, {}, {input.tensor, slopes},
                                     builder.type(input.tensor), builder.shape(input.tensor)),
                         input.layout});
  return Status();
}

Status lower_elu(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  layer.set_output(
      apply_elu(layer.builder(), layer.value(0), layer.config().number_or("alpha", 1)));
  return Status();
}

Status lower_thresholded_relu(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  GraphBuilder& builder = layer.builder();
  const Value& input = layer.value(0);
  const auto theta = static_cast<float>(layer.config().number_or("theta", 1));
  const int32_t above = builder.binary(Op::kGreater, input.tensor, builder.float_scalar(theta));
  layer.set_output(
      Value{builder.select(above, input.tensor, builder.float_scalar(0)), input.layout});
  return Status();
}

Status lower_softmax(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(std::clamp<size_t>(layer.input_count(), 1, 2)));
  ZEOLITE_ASSIGN(const Mask mask, read_mask(layer));
  GraphBuilder& builder = layer.builder();
  const json::Value& axis_value = layer.config()["axis"];
  const size_t rank = layer.shape().size();
  Value input = layer.value(0);
  if (mask.tensor != kNoTensor) {
    ZEOLITE_ASSIGN(const int32_t scores, layer.input());
    input = {builder.select(mask.tensor, scores, builder.float_scalar(-1e9f)), {}};
  }
  Value result;
  if (axis_value.is_array() && axis_value.size() > 1) {
    std::vector<int32_t> axes;
    for (const json::Value& item : axis_value.items()) {
      ZEOLITE_ASSIGN(const int32_t axis, layer.axis(item, rank, -1));
      axes.push_back(axis);
    }
    std::sort(axes.begin(), axes.end());
    ZEOLITE_ASSIGN(const int32_t plain, layer.plain(input));
    ZEOLITE_ASSIGN(result.tensor, softmax_of_axes(layer, plain, std::move(axes)));
  } else {
    ZEOLITE_ASSIGN(const int32_t axis, layer.axis(axis_value, rank, -1));
    ZEOLITE_ASSIGN(result, apply_softmax(layer, Op::kSoftmax, std::move(input), axis));
  }
  // Keras 3 also clears what a wholly masked row would give.
  if (mask.tensor != kNoTensor && layer.keras_major() >= 3) {
    ZEOLITE_ASSIGN(const int32_t plain, layer.plain(result));
    result = {builder.select(mask.tensor, plain, builder.float_scalar(0)), {}};
  }
  layer.set_output(std::move(result));
  return Status();
}

}  // namespace zeolite
