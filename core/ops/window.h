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

struct WindowAxes {
  WindowAxis height;
  WindowAxis width;
};

// Fills output and pad_before of `axis`. SAME: output = ceil(input / stride), and the odd element
// of padding goes to the end. A free input gives a free output. Errors: stride, dilation or filter
// below 1, filter beyond the input under VALID. `name` is "height" or "width".
Status resolve_window(WindowAxis* axis, Padding padding, const char* name);

// Both axes of a window whose inputs, filters, strides and dilations are given.
Result<WindowAxes> resolve_window(WindowAxes axes, Padding padding);

// The axes of a filter [*,KH,KW,*] moved over an input [*,H,W,*]: those of convolutions, whose
// options have the same names.
template <class Options>
Result<WindowAxes> resolve_filter(const Shape& input, const Shape& filter, const Options& options) {
  WindowAxes axes{{input[1], filter[1], options.stride_h}, {input[2], filter[2], options.stride_w}};
  if constexpr (requires { options.dilation_h_factor; }) {
    axes.height.dilation = options.dilation_h_factor;
    axes.width.dilation = options.dilation_w_factor;
  }
  return resolve_window(axes, options.padding);
}

// Checks the ranks of an input and its filter, that the filter's shape is known, and the fused
// activation.
Status check_filter(const OpContext& context, size_t input, size_t filter,
                    ActivationFunctionType activation);

// The kernels' form of both axes.
Window2D window_2d(const WindowAxes& axes);

// Sets what the shapes of all kernels with a window have: batch, heights and widths.
template <class KernelShape>
void set_planes(const Shape& input, const Shape& output, const WindowAxes& axes,
                KernelShape* shape) {
  shape->batch = input[0];
  shape->input_height = input[1];
  shape->input_width = input[2];
  shape->output_height = output[1];
  shape->output_width = output[2];
  shape->window = window_2d(axes);
}

// The kernels' form of a fused activation: NONE, RELU, RELU6, RELU_N1_TO_1; others are an error.
Result<F32Clamp> fused_clamp(ActivationFunctionType activation);
Status check_fused(ActivationFunctionType activation);

// Checks an optional bias: one value for each of `channels`.
Status check_bias(const OpContext& context, size_t index, int64_t channels);

}  // namespace zeolite
