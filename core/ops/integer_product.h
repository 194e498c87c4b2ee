// What CONV_2D and its family share where the weights are integers: quantized activations, or
// floats that each run quantizes by their own range (dynamic range).
#pragma once

#include <vector>

#include "core/kernels/i8_activations.h"
#include "core/kernels/i8_conv_2d.h"
#include "core/ops/quantization.h"

namespace zeolite {

// Which inputs of the operator play which part.
struct ProductRoles {
  size_t input = 0;
  size_t weights = 1;
  size_t bias = 2;
  int channel_axis = 0;         // Of the weights.
  bool float_product = false;   // The two inputs' scales are multiplied as floats (see below).
  // How the real runtime's default kernel rounds the sums of 8-bit activations, and of 16-bit ones.
  SumRounding rounding = SumRounding::kTwice;
  SumRounding rounding_16 = SumRounding::kTwice;
  // The sums of 16-bit activations are as wide as the bias; where there is none, 32 bits or 64.
  bool narrow_without_bias = false;
  bool asymmetric = false;      // How float activations are quantized.
  // The real kernel takes int8 weights for symmetric, whatever zero point they name.
  bool symmetric_weights = false;
};

// Arithmetic of one operator, from its tensors' types and scales.
struct IntegerProduct {
  ProductRoles roles;
  ActivationForm activations;
  SumStage stage;
  I8Weights weights;  // Without data.
  bool wide_weights = false;
  std::vector<FixedPointFactor> factors;  // Of each output channel.
  std::vector<float> scales;              // The same for float activations.

  SumColumns columns(const OpContext& context) const;
  I8Weights weights_of(const OpContext& context) const;
};

// Whether the operator's weights are integers.
bool has_integer_weights(const OpContext& context, const ProductRoles& roles);

// Whether the weights have one scale for all channels. The real runtime also takes those for such
// whose channels have equal scales, and what it does with one scale can differ.
bool has_one_scale(const OpContext& context, const ProductRoles& roles);

// Errors: scales or zero points that are missing or do not go together, types that do not.
// The factor of channel c is input scale * weight scale[c] / output scale in double; where the real
// runtime takes one factor for the whole tensor (uint8, FULLY_CONNECTED, BATCH_MATMUL) it rounds
// the product of the scales to float first.
Result<IntegerProduct> integer_product(const OpContext& context, const ProductRoles& roles,
                                       int64_t channels, ActivationFunctionType activation);
// The same for infer: nothing where the weights are no integers.
Status check_integer_product(const OpContext& context, const ProductRoles& roles,
                             int64_t channels, ActivationFunctionType activation);

// The plan of one matrix product [m, k] * [k, n]; an error where it is too large.
Result<I8Conv2DPlan> product_plan(const IntegerProduct& product, int64_t m, int64_t n, int64_t k,
                                  int threads);

}  // namespace zeolite
