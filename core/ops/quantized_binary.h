// What ADD, SUB, MUL, DIV, SQUARED_DIFFERENCE, PRELU and the comparisons compute with when their
// operands are quantized; the loops are in kernels/quantized_binary.h.
#pragma once

#include "core/kernels/quantized_binary.h"
#include "core/ops/quantization.h"

namespace zeolite {

// The kernels' name of int8, uint8 or int16.
SmallInteger small_integer(TensorType type);

// The parameters of the operator, from the scales of its operands; of comparisons of 8-bit numbers
// too. Errors: a scale that is missing or not above 0, zero points of int16 other than 0 where
// TFLite has no arithmetic for them.
Result<QuantizedBinaryParameters> quantized_binary_parameters(const OpContext& context,
                                                              ActivationFunctionType activation);

}  // namespace zeolite
