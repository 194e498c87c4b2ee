// Activation functions by name, as layers' `activation` arguments and Activation layers have them.
#pragma once

#include "core/convert/lower/layer.h"

namespace zeolite {

// Applies the activation that `spec` (a name, a serialized function or layer, or null for none)
// gives to `input`, whose layout the result keeps where the function works element by element.
// Errors: kUnsupported when nobody knows it.
Result<Value> apply_activation(LayerContext& layer, const json::Value& spec, Value input);

// SOFTMAX (or LOG_SOFTMAX) along `axis` of the source's order.
Result<Value> apply_softmax(LayerContext& layer, BuiltinOperator code, Value input, int32_t axis);

// max(x, 0) + slope * min(x, 0), with its limits: see Keras' ReLU layer.
Value apply_relu(GraphBuilder& builder, Value input, double slope, double max_value,
                 double threshold);

// alpha * (exp(x) - 1) below 0.
Value apply_elu(GraphBuilder& builder, Value input, double alpha);

}  // namespace zeolite
