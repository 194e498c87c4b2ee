#include "core/convert/lower/activations.h"

#include <cmath>
#include <limits>
#include <utility>

namespace zeolite {
namespace {

using Op = BuiltinOperator;

// Element-wise mathematics on one value, which keeps its layout.
class Chain {
 public:
  Chain(GraphBuilder& builder, int32_t tensor) : builder_(builder), tensor_(tensor) {}

  Chain unary(Op code) const { return {builder_, builder_.unary(code, tensor_)}; }
  Chain with(Op code, float constant) const {
    return {builder_, builder_.binary(code, tensor_, builder_.float_scalar(constant))};
  }
  Chain with(Op code, const Chain& other) const {
    return {builder_, builder_.binary(code, tensor_, other.tensor_)};
  }
  int32_t tensor() const { return tensor_; }

 private:
  GraphBuilder& builder_;
  int32_t tensor_;
};

using Function = Chain (*)(const Chain& x);

struct NamedFunction {
  std::string_view name;
  Function function;
};

Chain log_of_one_plus_exp(const Chain& x) {
  return x.unary(Op::kExp).with(Op::kAdd, 1).unary(Op::kLog);
}

Chain sigmoid_linear(const Chain& x) { return x.with(Op::kMul, x.unary(Op::kLogistic)); }

// log(sigmoid(x)); far below zero, where the sigmoid vanishes, it is x itself.
Chain log_sigmoid(const Chain& x) {
  return x.with(Op::kMinimum,
                x.with(Op::kMaximum, -80).unary(Op::kLogistic).unary(Op::kLog));
}

Chain squareplus(const Chain& x) {
  const Chain root = x.unary(Op::kSquare).with(Op::kAdd, 4).unary(Op::kSqrt);
  return root.with(Op::kAdd, x).with(Op::kMul, 0.5f);
}

// 0 below -1, x above 1, (x + 1)^2 / 4 between: the parabola of the clipped x plus what is over 1.
Chain sparse_plus(const Chain& x) {
  const Chain parabola =
      x.unary(Op::kReluN1To1).with(Op::kAdd, 1).unary(Op::kSquare).with(Op::kMul, 0.25f);
  return parabola.with(Op::kAdd, x.with(Op::kSub, 1).unary(Op::kRelu));
}

constexpr NamedFunction kFunctions[] = {
    {"linear", [](const Chain& x) { return x; }},
    {"relu", [](const Chain& x) { return x.unary(Op::kRelu); }},
    {"relu6", [](const Chain& x) { return x.unary(Op::kRelu6); }},
    {"sigmoid", [](const Chain& x) { return x.unary(Op::kLogistic); }},
    {"tanh", [](const Chain& x) { return x.unary(Op::kTanh); }},
    {"exponential", [](const Chain& x) { return x.unary(Op::kExp); }},
    {"elu", [](const Chain& x) { return x.unary(Op::kElu); }},
    {"celu", [](const Chain& x) { return x.unary(Op::kElu); }},
    {"softplus", log_of_one_plus_exp},
    {"softsign", [](const Chain& x) {
       return x.with(Op::kDiv, x.unary(Op::kAbs).with(Op::kAdd, 1));
     }},
    {"swish", sigmoid_linear},
    {"silu", sigmoid_linear},
    {"mish", [](const Chain& x) {
       return x.with(Op::kMul, log_of_one_plus_exp(x).unary(Op::kTanh));
     }},
    {"hard_swish", [](const Chain& x) { return x.unary(Op::kHardSwish); }},
    {"hard_silu", [](const Chain& x) { return x.unary(Op::kHardSwish); }},
    {"hard_tanh", [](const Chain& x) { return x.unary(Op::kReluN1To1); }},
    {"log_sigmoid", log_sigmoid},
    {"squareplus", squareplus},
    {"sparse_plus", sparse_plus},
    {"sparse_sigmoid", [](const Chain& x) {
       return x.with(Op::kMul, 0.5f).with(Op::kAdd, 0.5f).unary(Op::kRelu).with(Op::kMinimum, 1);
     }},
    {"tanh_shrink", [](const Chain& x) { return x.with(Op::kSub, x.unary(Op::kTanh)); }},
    {"soft_shrink", [](const Chain& x) {
       return x.with(Op::kSub, x.with(Op::kMinimum, 0.5f).with(Op::kMaximum, -0.5f));
     }},
};

// Gated linear unit: one half of the last axis times the sigmoid of the other.
Result<Value> apply_glu(LayerContext& layer, const Value& input) {
  GraphBuilder& builder = layer.builder();
  ZEOLITE_ASSIGN(const int32_t tensor, layer.plain(input));
  Shape half = builder.shape(tensor);
  if (half.empty() || half.back() < 2 || half.back() % 2 != 0) {
    return refuse("glu needs an even number of channels; it gets shape " +
                  shape_text(builder.shape(tensor)));
  }
  half.back() /= 2;
  const Shape halves[] = {half, half};
  const int32_t axis = static_cast<int32_t>(half.size()) - 1;
  const std::vector<int32_t> parts =
      builder.add_multiple(Op::kSplit, SplitOptions{2}, {builder.int_scalar(axis), tensor},
                           builder.type(tensor), halves);
  return Value{builder.binary(Op::kMul, parts[0], builder.unary(Op::kLogistic, parts[1])), {}};
}

// The activation's name and arguments, from the forms in which Keras writes them.
struct Spec {
  std::string name;
  const json::Value* arguments = nullptr;  // Of an activation layer given as a function.
};

Spec read_spec(const json::Value& spec) {
  if (spec.is_null()) return {"linear", nullptr};
  if (const auto name = spec.as_string()) return {std::string(*name), nullptr};
  // {"class_name": "function", "config": "relu"}, or a layer: {"class_name": "LeakyReLU", ...}.
  if (const auto name = spec["config"].as_string()) return {std::string(*name), nullptr};
  return {spec.string_or("class_name", "(unnamed)"), &spec["config"]};
}

}  // namespace

Value apply_relu(GraphBuilder& builder, Value input, double slope, double max_value,
                 double threshold) {
  const Chain x(builder, input.tensor);
  const bool has_max = max_value < std::numeric_limits<double>::infinity();
  if (threshold == 0) {
    if (slope != 0) {
      int32_t result = builder.unary(Op::kLeakyRelu, input.tensor,
                                     LeakyReluOptions{static_cast<float>(slope)});
      if (has_max) {
        result = Chain(builder, result).with(Op::kMinimum, static_cast<float>(max_value)).tensor();
      }
      return {result, std::move(input.layout)};
    }
    if (max_value == 6) return {x.unary(Op::kRelu6).tensor(), std::move(input.layout)};
    Chain result = x.unary(Op::kRelu);
    if (has_max) {
      return {result.with(Op::kMinimum, static_cast<float>(max_value)).tensor(),
              std::move(input.layout)};
    }
    return {result.tensor(), std::move(input.layout)};
  }
  const auto limit = static_cast<float>(threshold);
  const int32_t above = x.with(Op::kGreater, limit).tensor();
  const int32_t kept =
      has_max ? x.with(Op::kMinimum, static_cast<float>(max_value)).tensor() : input.tensor;
  const int32_t below =
      slope == 0 ? builder.float_scalar(0)
                 : x.with(Op::kSub, limit).with(Op::kMul, static_cast<float>(slope)).tensor();
  return {builder.select(above, kept, below), std::move(input.layout)};
}

Value apply_elu(GraphBuilder& builder, Value input, double alpha) {
  int32_t result = builder.unary(Op::kElu, input.tensor);
  // What ELU gives below zero is scaled; what is above it stays.
  if (alpha != 1) {
    result = builder.unary(Op::kLeakyRelu, result, LeakyReluOptions{static_cast<float>(alpha)});
  }
  return {result, std::move(input.layout)};
}

Result<Value> apply_softmax(LayerContext& layer, BuiltinOperator code, Value input, int32_t axis) {
  GraphBuilder& builder = layer.builder();
  const Options options = code == Op::kSoftmax ? Options(SoftmaxOptions{1.0f}) : Options();
  const Layout layout = input.layout;
  const auto rank = static_cast<int32_t>(builder.shape(input.tensor).size());
  // The operator works along the last axis, which may be the wanted one as the tensor lies.
  if (physical_axis(layout, axis) == rank - 1) {
    return Value{builder.unary(code, input.tensor, options), layout};
  }
  ZEOLITE_ASSIGN(int32_t tensor, layer.plain(input));
  std::vector<int32_t> permutation;
  for (size_t i = 0; i < builder.shape(tensor).size(); ++i) {
    permutation.push_back(static_cast<int32_t>(i));
  }
  // Swapping two axes undoes itself.
  if (axis != static_cast<int32_t>(permutation.size()) - 1) {
    std::swap(permutation[static_cast<size_t>(axis)], permutation.back());
    tensor = builder.transpose(tensor, permutation);
    tensor = builder.unary(code, tensor, options);
    return Value{builder.transpose(tensor, permutation), {}};
  }
  return Value{builder.unary(code, tensor, options), {}};
}

Result<Value> apply_activation(LayerContext& layer, const json::Value& spec, Value input) {
  GraphBuilder& builder = layer.builder();
  const Spec wanted = read_spec(spec);
  const std::string_view name = wanted.name;
  for (const NamedFunction& entry : kFunctions) {
    if (entry.name == name) {
      return Value{entry.function(Chain(builder, input.tensor)).tensor(), std::move(input.layout)};
    }
  }
  const Chain x(builder, input.tensor);
  if (name == "gelu") {
    return Value{builder.unary(Op::kGelu, input.tensor, GeluOptions{false}),
                 std::move(input.layout)};
  }
  if (name == "selu") {
    const Value elu = apply_elu(builder, std::move(input), 1.6732632423543772);
    return Value{Chain(builder, elu.tensor).with(Op::kMul, 1.0507009873554805f).tensor(),
                 elu.layout};
  }
  if (name == "hard_sigmoid") {
    // Keras 2: clip(0.2 x + 0.5); Keras 3: relu6(x + 3) / 6.
    const Chain result =
        layer.keras_major() >= 3
            ? x.with(Op::kAdd, 3).unary(Op::kRelu6).with(Op::kMul, 1.0f / 6)
            : x.with(Op::kMul, 0.2f).with(Op::kAdd, 0.5f).unary(Op::kRelu).with(Op::kMinimum, 1);
    return Value{result.tensor(), std::move(input.layout)};
  }
  if (name == "leaky_relu") return apply_relu(builder, std::move(input), 0.2, INFINITY, 0);
  if (name == "hard_shrink" || name == "threshold") {
    // 0 unless |x| > 0.5; the default threshold function: 0 unless x > 0.
    const bool is_shrink = name == "hard_shrink";
    const Chain compared = is_shrink ? x.unary(Op::kAbs) : x;
    const int32_t above = compared.with(Op::kGreater, is_shrink ? 0.5f : 0.0f).tensor();
    return Value{builder.select(above, input.tensor, builder.float_scalar(0)),
                 std::move(input.layout)};
  }
  const auto rank = static_cast<int32_t>(layer.shape_of(input).size());
  if (name == "softmax") return apply_softmax(layer, Op::kSoftmax, std::move(input), rank - 1);
  if (name == "log_softmax") {
    return apply_softmax(layer, Op::kLogSoftmax, std::move(input), rank - 1);
  }
  if (name == "glu") return apply_glu(layer, input);
  if (wanted.arguments != nullptr) {
    const json::Value& arguments = *wanted.arguments;
    if (name == "ReLU") {
      return apply_relu(builder, std::move(input), arguments.number_or("negative_slope", 0),
                        arguments.number_or("max_value", INFINITY),
                        arguments.number_or("threshold", 0));
    }
    if (name == "LeakyReLU") {
      const double slope = arguments.number_or("negative_slope", arguments.number_or("alpha", 0.3));
      return apply_relu(builder, std::move(input), slope, INFINITY, 0);
    }
    if (name == "ELU") {
      return apply_elu(builder, std::move(input), arguments.number_or("alpha", 1));
    }
    if (name == "Softmax") {
      ZEOLITE_ASSIGN(const int32_t axis,
                     layer.axis(arguments["axis"], static_cast<size_t>(rank), -1));
      return apply_softmax(layer, Op::kSoftmax, std::move(input), axis);
    }
  }
  return refuse("the activation \"" + wanted.name + "\" is not known",
                "a function of your own cannot be read from the file: build it of Keras' own "
                "activations and layers, then save the model again");
}

}  // namespace zeolite
