// What quantized operators ask of their operands; the arithmetic is in kernels/quantized.h.
#pragma once

#include <vector>

#include "core/kernels/quantized.h"
#include "core/ops/check.h"

namespace zeolite {

// Whether `type` is one of the integers that stand for real numbers by a scale.
bool is_quantized_type(TensorType type);

// Whether the file gives the operand a scale.
bool has_scale(const Operand& operand);

// Lowest and highest stored number of a quantized type.
struct StoredRange {
  int32_t min = 0;
  int32_t max = 0;
};
StoredRange stored_range(TensorType type);

// Scale and zero point of a whole tensor; an error unless it has one scale, above 0, and a zero
// point that its type can hold. `role` is such as "input 0".
Result<Affine> affine_of(const Operand& operand, std::string_view role);
Result<Affine> input_affine(const OpContext& context, size_t index);
Result<Affine> output_affine(const OpContext& context, size_t index);

// The scales of weights with `channels` channels along `axis`: one for each, also where the file
// has one for all. Errors where the file quantizes along another axis, or scales are not above 0.
Result<std::vector<float>> channel_scales(const OpContext& context, size_t index, int axis,
                                          int64_t channels);

// Whether a scale is a power of two, or so near that TFLite takes it for one: its logarithm to the
// base 2 within 1e-3 of an integer, which becomes *exponent.
bool is_power_of_two(float scale, int* exponent);

// The stored numbers that a fused activation leaves: NONE, RELU, RELU6, RELU_N1_TO_1.
Result<StoredRange> fused_range(ActivationFunctionType activation, TensorType type,
                                const Affine& output);

}  // namespace zeolite
