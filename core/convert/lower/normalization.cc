// BatchNormalization, Normalization and Rescaling: x * scale + offset with constants.
#include <cmath>
#include <utility>

#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

// Keras' backend.epsilon().
constexpr double kKerasEpsilon = 1e-7;

// The elements of nested lists, in order.
void flatten_numbers(const json::Value& value, std::vector<double>* numbers) {
  if (const auto number = value.as_number()) numbers->push_back(*number);
  for (const json::Value& item : value.items()) flatten_numbers(item, numbers);
}

// Means or variances: of a weight, whose elements are there only while constants are filled, or of
// the configuration.
struct Statistic {
  const SourceWeight* weight = nullptr;
  std::vector<double> numbers;

  int64_t size() const {
    if (weight == nullptr) return static_cast<int64_t>(numbers.size());
    const Result<int64_t> count = element_count(weight->shape);
    return count.ok() ? count.value() : 0;
  }
  // One number serves all.
  double at(int64_t i) const {
    if (size() == 1) i = 0;
    return weight != nullptr ? static_cast<double>(weight_value(*weight, i))
                             : numbers[static_cast<size_t>(i)];
  }
};

}  // namespace

Status lower_batch_normalization(LayerContext& layer) {
  // A mask for the statistics, a second input, matters while training only.
  const Shape shape = layer.shape();
  ZEOLITE_ASSIGN(const int32_t axis, layer.axis(layer.config()["axis"], shape.size(), -1));
  const int32_t channels = shape[static_cast<size_t>(axis)];
  ZEOLITE_ASSIGN(const SourceWeight* mean, layer.weight("moving_mean", Shape{channels}));
  ZEOLITE_ASSIGN(const SourceWeight* variance, layer.weight("moving_variance", mean->shape));
  const SourceWeight* gamma = nullptr;
  const SourceWeight* beta = nullptr;
  if (layer.config().bool_or("scale", true)) {
    ZEOLITE_ASSIGN(gamma, layer.weight("gamma", mean->shape));
  }
  if (layer.config().bool_or("center", true)) {
    ZEOLITE_ASSIGN(beta, layer.weight("beta", mean->shape));
  }
  const double epsilon = layer.config().number_or("epsilon", 1e-3);
  const auto scale = [=](int64_t i) {
    const double divisor = std::sqrt(static_cast<double>(weight_value(*variance, i)) + epsilon);
    return (gamma != nullptr ? static_cast<double>(weight_value(*gamma, i)) : 1.0) / divisor;
  };
  const auto offset = [=](int64_t i) {
    const double base = beta != nullptr ? static_cast<double>(weight_value(*beta, i)) : 0.0;
    return base - static_cast<double>(weight_value(*mean, i)) * scale(i);
  };
  Shape full(shape.size(), 1);
  full[static_cast<size_t>(axis)] = mean->shape[0];
  GraphBuilder& builder = layer.builder();
  const Value& input = layer.value(0);
  const auto as_float = [](auto function) {
    return [function](int64_t i) { return static_cast<float>(function(i)); };
  };
  const int32_t scales =
      broadcast_constant(builder, "scale", full, input.layout, as_float(scale));
  const int32_t offsets =
      broadcast_constant(builder, "offset", full, input.layout, as_float(offset));
  const int32_t product = builder.binary(Op::kMul, input.tensor, scales);
  layer.set_output(Value{builder.binary(Op::kAdd, product, offsets), input.layout});
  return Status();
}

Status lower_normalization(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  const Shape shape = layer.shape();
  // The axes that have statistics of their own; none when the axis is null.
  Shape full(shape.size(), 1);
  int64_t count = 1;
  const json::Value& axis_value = layer.config()["axis"];
  const bool has_axis = layer.config().find("axis") == nullptr || !axis_value.is_null();
  if (has_axis) {
    const std::span<const json::Value> items =
        axis_value.is_array() ? axis_value.items() : std::span(&axis_value, 1);
    for (const json::Value& item : items) {
      ZEOLITE_ASSIGN(const int32_t axis, layer.axis(item, shape.size(), -1));
      const int32_t size = shape[static_cast<size_t>(axis)];
      if (size < 0) return refuse("the axis with statistics of its own has no known size");
      full[static_cast<size_t>(axis)] = size;
      count *= size;
    }
  }
  Statistic mean;
  Statistic variance;
  if (layer.has_weight("mean")) {
    const Shape any(layer.node().weights[0].shape.size(), -1);
    ZEOLITE_ASSIGN(mean.weight, layer.weight("mean", any));
    ZEOLITE_ASSIGN(variance.weight, layer.weight("variance", any));
  } else {
    flatten_numbers(layer.config()["mean"], &mean.numbers);
    flatten_numbers(layer.config()["variance"], &variance.numbers);
  }
  for (const Statistic* values : {&mean, &variance}) {
    if (values->size() != 1 && values->size() != count) {
      return corrupt("it has " + std::to_string(values->size()) +
                     " means or variances for an axis of " + std::to_string(count));
    }
  }
  const auto deviation = [&](int64_t i) {
    return std::max(std::sqrt(variance.at(i)), kKerasEpsilon);
  };
  GraphBuilder& builder = layer.builder();
  const Value& input = layer.value(0);
  const bool is_inverse = layer.config().bool_or("invert", false);
  const int32_t means =
      broadcast_constant(builder, "mean", full, input.layout, [&](int64_t i) {
        return static_cast<float>(mean.at(i));
      });
  const int32_t scales =
      broadcast_constant(builder, "scale", full, input.layout, [&](int64_t i) {
        return static_cast<float>(is_inverse ? deviation(i) : 1 / deviation(i));
      });
  const int32_t result =
      is_inverse
          ? builder.binary(Op::kAdd, builder.binary(Op::kMul, input.tensor, scales), means)
          : builder.binary(Op::kMul, builder.binary(Op::kSub, input.tensor, means), scales);
  layer.set_output(Value{result, input.layout});
  return Status();
}

Status lower_rescaling(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  GraphBuilder& builder = layer.builder();
  std::vector<double> scale;
  std::vector<double> offset;
  flatten_numbers(layer.config()["scale"], &scale);
  flatten_numbers(layer.config()["offset"], &offset);
  if (scale.empty()) return corrupt("it has no scale");
  if (offset.empty()) offset.push_back(0);
  const Shape shape = layer.shape();
  const Value& input = layer.value(0);
  // Lists go along the last axis (the source's, or channels with channels first).
  const bool is_list = scale.size() != 1 || offset.size() != 1;
  if (is_list && shape.size() < 2) return refuse("its input has no channels to scale apart");
  const size_t axis = is_list && !layer.is_channels_first() ? shape.size() - 1 : 1;
  const auto constant = [&](std::string_view role, const std::vector<double>& values) {
    if (values.size() == 1) return builder.float_scalar(static_cast<float>(values[0]));
    Shape full(shape.size(), 1);
    full[axis] = static_cast<int32_t>(values.size());
    return broadcast_constant(builder, role, full, input.layout, [&](int64_t i) {
      return static_cast<float>(values[static_cast<size_t>(i)]);
    });
  };
  for (const std::vector<double>* values : {&scale, &offset}) {
    if (values->size() != 1 && static_cast<int64_t>(values->size()) != shape[axis]) {
      return corrupt("its scale or offset has " + std::to_string(values->size()) +
                     " elements for an axis of " + std::to_string(shape[axis]));
    }
  }
  int32_t result = input.tensor;
  if (scale.size() != 1 || scale[0] != 1) {
    result = builder.binary(Op::kMul, result, constant("scale", scale));
  }
  if (offset.size() != 1 || offset[0] != 0) {
    result = builder.binary(Op::kAdd, result, constant("offset", offset));
  }
  layer.set_output(Value{result, input.layout});
  return Status();
}

}  // namespace zeolite
