// What operators with a sliding window over [N,H,W,C] share.
#pragma once

#include "core/kernels/shapes.h"
#include "core/ops/check.h"

namespace zeolite {

// One spatial dimension of the window.
struct WindowAxis {
  int32_t input = 0;
  int32_t filter = 0;
  int32_t stride = 1;
  int32_t dilation = 1;
  int32_t output = 0;
  int32_t pad_before = 0;
};

// Fills output and pad_before of `axis`. SAME: output = ceil(input / stride), and the odd element of
// padding goes to the end. A free input gives a free output. Errors: stride, dilation or filter
// below 1, filter beyond the input under VALID. `name` is "height" or "width".
Status resolve_window(WindowAxis* axis, Padding padding, const char* name);

// The kernels' form of both axes.
Window2D window_2d(const WindowAxis& height, const WindowAxis& width);

// The kernels' form of a fused activation: NONE, RELU, RELU6, RELU_N1_TO_1; others are an error.
Result<F32Clamp> fused_clamp(ActivationFunctionType activation);
Status check_fused(ActivationFunctionType activation);

// Checks an optional bias: one value for each of `channels`.
Status check_bias(const OpContext& context, size_t index, int64_t channels);

}  // namespace zeolite
