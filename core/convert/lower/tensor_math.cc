// Functions called on tensors directly: TFOpLambda of Keras 2 (config.function: "math.add") and the
// operations of Keras 3's keras.ops ("ops.Add"). What layers do too is lowered by their code.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "core/convert/lower/activations.h"
#include "core/convert/lower/call_arguments.h"
#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

struct Function {
  std::string_view keras2;  // Without "tf.".
  std::string_view keras3;  // Without "ops.".
  Op code;
};

constexpr Function kBinary[] = {
    {"math.add", "Add", Op::kAdd},
    {"__operators__.add", "", Op::kAdd},
    {"math.subtract", "Subtract", Op::kSub},
    {"math.multiply", "Multiply", Op::kMul},
    {"math.divide", "Divide", Op::kDiv},
    {"math.truediv", "TrueDivide", Op::kDiv},
    {"math.maximum", "Maximum", Op::kMaximum},
    {"math.minimum", "Minimum", Op::kMinimum},
    {"math.pow", "Power", Op::kPow},
    {"math.squared_difference", "", Op::kSquaredDifference},
};

constexpr Function kUnary[] = {
    {"math.abs", "Absolute", Op::kAbs},
    {"math.abs", "Abs", Op::kAbs},
    {"math.negative", "Negative", Op::kNeg},
    {"math.exp", "Exp", Op::kExp},
    {"math.log", "Log", Op::kLog},
    {"math.sqrt", "Sqrt", Op::kSqrt},
    {"math.rsqrt", "Rsqrt", Op::kRsqrt},
    {"math.square", "Square", Op::kSquare},
    {"math.floor", "Floor", Op::kFloor},
    {"math.ceil", "Ceil", Op::kCeil},
    {"math.sin", "Sin", Op::kSin},
    {"math.cos", "Cos", Op::kCos},
    {"math.sign", "Sign", Op::kSign},
};

constexpr Function kReductions[] = {
    {"math.reduce_mean", "Mean", Op::kMean},
    {"math.reduce_sum", "Sum", Op::kSum},
    {"math.reduce_max", "Max", Op::kReduceMax},
    {"math.reduce_min", "Min", Op::kReduceMin},
    {"math.reduce_prod", "Prod", Op::kReduceProd},
};

// Functions that are activations, by the activation's name.
constexpr std::pair<std::string_view, std::string_view> kActivations[] = {
    {"nn.relu", "relu"},          {"Relu", "relu"},       {"nn.relu6", "relu6"},
    {"Relu6", "relu6"},           {"math.sigmoid", "sigmoid"}, {"nn.sigmoid", "sigmoid"},
    {"Sigmoid", "sigmoid"},       {"math.tanh", "tanh"},  {"nn.tanh", "tanh"},
    {"Tanh", "tanh"},             {"nn.swish", "silu"},   {"nn.silu", "silu"},
    {"Silu", "silu"},             {"nn.elu", "elu"},      {"nn.selu", "selu"},
    {"Selu", "selu"},             {"math.softplus", "softplus"}, {"Softplus", "softplus"},
    {"nn.softsign", "softsign"},  {"Softsign", "softsign"},
    {"HardSigmoid", "hard_sigmoid"}, {"HardSilu", "hard_silu"}, {"identity", "linear"},
    {"stop_gradient", "linear"},  {"StopGradient", "linear"},
};

const Function* find(std::span<const Function> functions, std::string_view name) {
  for (const Function& function : functions) {
    if (function.keras2 == name || function.keras3 == name) return &function;
  }
  return nullptr;
}

// Numbers in nested lists as a constant; nothing when there is something else among them.
std::optional<int32_t> constant_of(GraphBuilder& builder, const json::Value& value) {
  Shape shape;
  for (const json::Value* level = &value; level->is_array(); level = &level->at(0)) {
    shape.push_back(static_cast<int32_t>(level->size()));
    if (level->size() == 0) return std::nullopt;
  }
  std::vector<float> numbers;
  const auto collect = [&numbers](const auto& self, const json::Value& item) -> bool {
    if (const auto number = item.as_number()) {
      numbers.push_back(static_cast<float>(*number));
      return true;
    }
    return item.is_array() && std::ranges::all_of(item.items(), [&](const json::Value& inner) {
      return self(self, inner);
    });
  };
  if (!collect(collect, value)) return std::nullopt;
  int64_t count = 1;
  for (int32_t size : shape) count *= size;
  if (count != static_cast<int64_t>(numbers.size())) return std::nullopt;
  if (shape.empty()) return builder.float_scalar(numbers[0]);
  return builder.floats("constant", shape, [&numbers](std::span<float> elements) {
    std::copy(numbers.begin(), numbers.end(), elements.begin());
  });
}

// An operand: one of the inputs, or a constant in the call.
Result<int32_t> operand(LayerContext& layer, size_t position,
                        std::initializer_list<std::string_view> names) {
  const json::Value* value = argument(layer, position, names);
  if (layer.node().call == nullptr) {
    if (position >= layer.input_count()) return corrupt("it lacks an operand");
    return layer.input(position);
  }
  if (value == nullptr) return corrupt("it lacks an operand");
  if (const auto input = (*value)["input"].as_int()) {
    if (*input < 0 || static_cast<uint64_t>(*input) >= layer.input_count()) {
      return corrupt("its call names an input that it does not have");
    }
    return layer.input(static_cast<size_t>(*input));
  }
  if (const auto constant = constant_of(layer.builder(), *value)) return *constant;
  return refuse("an operand of its call is no number and no tensor");
}

Status lower_binary(LayerContext& layer, Op code) {
  ZEOLITE_ASSIGN(const int32_t a, operand(layer, 0, {"x", "x1", "a"}));
  ZEOLITE_ASSIGN(const int32_t b, operand(layer, 1, {"y", "x2", "b"}));
  layer.set_output(layer.builder().binary(code, a, b));
  return Status();
}

Status lower_reduction(LayerContext& layer, Op code) {
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  const size_t rank = layer.builder().shape(input).size();
  if (argument(layer, kByName, {"initial"}) != nullptr) {
    return refuse("it reduces from an initial value");
  }
  ZEOLITE_ASSIGN(std::vector<int32_t> axes, axes_of(layer, rank, 1, {"axis"}));
  const json::Value* axis = argument(layer, 1, {"axis"});
  if (axis == nullptr) {
    axes.resize(rank);
    std::iota(axes.begin(), axes.end(), 0);
  }
  const json::Value* keep = argument(layer, 2, {"keepdims"});
  const bool keep_dims = keep != nullptr && keep->as_bool().value_or(false);
  layer.set_output(layer.builder().reduce(code, input, axes, keep_dims));
  return Status();
}

// A number of the call, or `fallback`. Errors: kUnsupported when the model computes it.
Result<double> number(const LayerContext& layer, size_t position,
                      std::initializer_list<std::string_view> names, double fallback) {
  const json::Value* value = argument(layer, position, names);
  if (value == nullptr) return fallback;
  if (const auto found = value->as_number()) return *found;
  return refuse("its argument \"" + std::string(*names.begin()) +
                "\" is no number that the file gives");
}

Status lower_clip(LayerContext& layer) {
  ZEOLITE_ASSIGN(const double least,
                 number(layer, 1, {"x_min", "clip_value_min"}, -INFINITY));
  ZEOLITE_ASSIGN(const double most, number(layer, 2, {"x_max", "clip_value_max"}, INFINITY));
  GraphBuilder& builder = layer.builder();
  const Value& input = layer.value(0);
  int32_t tensor = input.tensor;
  for (const auto& [limit, code] :
       {std::pair(least, Op::kMaximum), std::pair(most, Op::kMinimum)}) {
    if (!std::isfinite(limit)) continue;
    tensor = builder.binary(code, tensor, builder.float_scalar(static_cast<float>(limit)));
  }
  layer.set_output(Value{tensor, input.layout});
  return Status();
}

Status lower_leaky_relu_function(LayerContext& layer) {
  ZEOLITE_ASSIGN(const double slope, number(layer, 1, {"alpha", "negative_slope"}, 0.2));
  layer.set_output(apply_relu(layer.builder(), layer.value(0), slope, INFINITY, 0));
  return Status();
}

// Keras 3 approximates by tanh unless told; tf.nn.gelu is exact unless told.
Status lower_gelu(LayerContext& layer) {
  const json::Value* approximate = argument(layer, 1, {"approximate"});
  const bool is_approximate = approximate != nullptr
                                  ? approximate->as_bool().value_or(false)
                                  : layer.keras_major() >= 3;
  const Value& input = layer.value(0);
  layer.set_output(Value{
      layer.builder().unary(Op::kGelu, input.tensor, GeluOptions{is_approximate}), input.layout});
  return Status();
}

Status lower_softmax_function(LayerContext& layer, Op code) {
  const size_t rank = layer.shape().size();
  ZEOLITE_ASSIGN(const std::vector<int32_t> axes, axes_of(layer, rank, 1, {"axis"}));
  if (axes.size() > 1) return refuse("it normalises over several axes together");
  const int32_t axis = axes.empty() ? static_cast<int32_t>(rank) - 1 : axes[0];
  ZEOLITE_ASSIGN(Value result, apply_softmax(layer, code, layer.value(0), axis));
  layer.set_output(std::move(result));
  return Status();
}

}  // namespace

Status lower_tensor_function(LayerContext& layer) {
  const std::string name(function_name(layer.node()));
  if (name.empty()) return corrupt("it does not say which function it calls");
  if (layer.input_count() == 0) return refuse("it computes with constants only");
  if (const LowerFunction movement = find_movement(name)) return movement(layer);
  if (const Function* found = find(kBinary, name)) return lower_binary(layer, found->code);
  if (const Function* found = find(kUnary, name)) {
    const Value& input = layer.value(0);
    layer.set_output(Value{layer.builder().unary(found->code, input.tensor), input.layout});
    return Status();
  }
  if (const Function* found = find(kReductions, name)) {
    return lower_reduction(layer, found->code);
  }
  if (name == "clip_by_value" || name == "Clip") return lower_clip(layer);
  if (name == "nn.leaky_relu" || name == "LeakyRelu") return lower_leaky_relu_function(layer);
  if (name == "nn.gelu" || name == "Gelu") return lower_gelu(layer);
  if (name == "nn.softmax" || name == "Softmax") {
    return lower_softmax_function(layer, Op::kSoftmax);
  }
  if (name == "nn.log_softmax" || name == "LogSoftmax") {
    return lower_softmax_function(layer, Op::kLogSoftmax);
  }
  for (const auto& [function, activation] : kActivations) {
    if (function != name) continue;
    ZEOLITE_ASSIGN(Value result,
                   apply_activation(layer, json::Value(activation), layer.value(0)));
    layer.set_output(std::move(result));
    return Status();
  }
  return refuse(std::string("the function ") +
                    (layer.node().class_name == "TFOpLambda" ? "tf." : "keras.ops.") + name +
                    ", called on a tensor, is not converted yet",
                "use the Keras layer that does the same (Reshape, Concatenate, Activation, ...)");
}

}  // namespace zeolite
