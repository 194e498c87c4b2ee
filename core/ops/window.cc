#include "core/ops/window.h"

#include <algorithm>
#include <limits>

namespace zeolite {

Status resolve_window(WindowAxis* axis, Padding padding, const char* name) {
  if (axis->stride < 1 || axis->dilation < 1 || axis->filter < 1) {
    return bad_input(std::string(name) + ": stride " + std::to_string(axis->stride) +
                     ", dilation " + std::to_string(axis->dilation) + " and filter " +
                     std::to_string(axis->filter) + " must all be at least 1");
  }
  axis->pad_before = 0;
  axis->output = kFree;
  if (axis->input < 0) return {};
  const int64_t extent = int64_t{axis->dilation} * (axis->filter - 1) + 1;
  if (extent > std::numeric_limits<int32_t>::max()) {
    return bad_input(std::string(name) + ": filter and dilation are too large");
  }
  if (padding == Padding::kValid) {
    // The real runtime divides towards 0: a filter that is too large by less than two strides has
    // no window, and the output is empty.
    const int64_t room = axis->input - extent + axis->stride;
    if (room <= -axis->stride) {
      return bad_input(std::string(name) + ": the filter reaches over " + std::to_string(extent) +
                       " elements, but the input has only " + std::to_string(axis->input));
    }
    axis->output = static_cast<int32_t>(std::max<int64_t>(room, 0) / axis->stride);
    return {};
  }
  const int64_t output = (int64_t{axis->input} + axis->stride - 1) / axis->stride;
  const int64_t needed = std::max<int64_t>(0, (output - 1) * axis->stride + extent - axis->input);
  axis->output = static_cast<int32_t>(output);
  axis->pad_before = static_cast<int32_t>(needed / 2);
  return {};
}

Result<WindowAxes> resolve_window(WindowAxes axes, Padding padding) {
  ZEOLITE_TRY(resolve_window(&axes.height, padding, "height"));
  ZEOLITE_TRY(resolve_window(&axes.width, padding, "width"));
  return axes;
}

Status check_filter(const OpContext& context, size_t input, size_t filter,
                    ActivationFunctionType activation) {
  ZEOLITE_TRY(require_rank(context, input, 4));
  ZEOLITE_TRY(require_rank(context, filter, 4));
  if (!is_static(context.input(filter).shape)) {
    return bad_input("the filter's shape is not known");
  }
  return check_fused(activation);
}

Window2D window_2d(const WindowAxes& axes) {
  const auto& [height, width] = axes;
  Window2D window;
  window.kernel_height = height.filter;
  window.kernel_width = width.filter;
  window.stride_height = height.stride;
  window.stride_width = width.stride;
  window.dilation_height = height.dilation;
  window.dilation_width = width.dilation;
  window.pad_top = height.pad_before;
  window.pad_left = width.pad_before;
  return window;
}

Result<F32Clamp> fused_clamp(ActivationFunctionType activation) {
  switch (activation) {
    case ActivationFunctionType::kNone: return kNoClamp;
    case ActivationFunctionType::kRelu: return kReluClamp;
    case ActivationFunctionType::kReluN1To1: return kReluN1To1Clamp;
    case ActivationFunctionType::kRelu6: return kRelu6Clamp;
    default:
      return unsupported("fused activation " + std::to_string(static_cast<int>(activation)) +
                         " is not supported here");
  }
}

Status check_fused(ActivationFunctionType activation) {
  Result<F32Clamp> clamp = fused_clamp(activation);
  return clamp.ok() ? Status() : clamp.take_status();
}

Status check_bias(const OpContext& context, size_t index, int64_t channels) {
  if (!context.has_input(index)) return {};
  const int64_t count = product(context.input(index).shape);
  if (count == channels || count == kFree || channels < 0) return {};
  return bad_input(input_text(context, index) + ": expected one bias for each of the " +
                   std::to_string(channels) + " output channels");
}

}  // namespace zeolite
