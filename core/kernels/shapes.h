// Parameter structs that kernels share. Whoever fills them has checked every number: sizes are not
// negative, strides and dilations are 1 or more, and all tensors fit the memory.
#pragma once

#include <cstdint>
#include <limits>

namespace zeolite {

// Bounds of a fused activation: y = min(max(x, min), max). NaN stays NaN.
struct F32Clamp {
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
};

inline constexpr F32Clamp kNoClamp{};
inline constexpr F32Clamp kReluClamp{0.0f, std::numeric_limits<float>::infinity()};
inline constexpr F32Clamp kRelu6Clamp{0.0f, 6.0f};
inline constexpr F32Clamp kReluN1To1Clamp{-1.0f, 1.0f};

// A 2D window over an NHWC tensor. Only the padding at the top and left is given: what lies beyond
// the input at the bottom and right is padding too.
struct Window2D {
  int32_t kernel_height = 1;
  int32_t kernel_width = 1;
  int32_t stride_height = 1;
  int32_t stride_width = 1;
  int32_t dilation_height = 1;
  int32_t dilation_width = 1;
  int32_t pad_top = 0;
  int32_t pad_left = 0;
};

// CONV_2D: input [batch, input_height, input_width, input_channels], filter [output_channels,
// kernel_height, kernel_width, input_channels / groups], output [batch, output_height,
// output_width, output_channels]. `groups` divides both numbers of channels.
struct Conv2DShape {
  int32_t batch = 1;
  int32_t input_height = 0;
  int32_t input_width = 0;
  int32_t input_channels = 0;
  int32_t output_height = 0;
  int32_t output_width = 0;
  int32_t output_channels = 0;
  int32_t groups = 1;
  Window2D window;
};

// DEPTHWISE_CONV_2D: filter [1, kernel_height, kernel_width, input_channels * multiplier]; output
// channel o reads input channel o / multiplier.
struct DepthwiseConv2DShape {
  int32_t batch = 1;
  int32_t input_height = 0;
  int32_t input_width = 0;
  int32_t input_channels = 0;
  int32_t output_height = 0;
  int32_t output_width = 0;
  int32_t multiplier = 1;
  Window2D window;
};

// TRANSPOSE_CONV: input [batch, input_height, input_width, input_channels], filter
// [output_channels, kernel_height, kernel_width, input_channels]. Input pixel (y, x) adds to output
// pixels (y * stride_height + ky - pad_top, x * stride_width + kx - pad_left) that exist; dilations
// are not looked at.
struct TransposeConvShape {
  int32_t batch = 1;
  int32_t input_height = 0;
  int32_t input_width = 0;
  int32_t input_channels = 0;
  int32_t output_height = 0;
  int32_t output_width = 0;
  int32_t output_channels = 0;
  Window2D window;
};

// AVERAGE_POOL_2D and MAX_POOL_2D over [batch, input_height, input_width, channels]; dilations are
// not looked at.
struct Pool2DShape {
  int32_t batch = 1;
  int32_t input_height = 0;
  int32_t input_width = 0;
  int32_t channels = 0;
  int32_t output_height = 0;
  int32_t output_width = 0;
  Window2D window;
};

// RESIZE_* over [batch, input_height, input_width, channels].
struct Resize2DShape {
  int32_t batch = 1;
  int32_t input_height = 0;
  int32_t input_width = 0;
  int32_t channels = 0;
  int32_t output_height = 0;
  int32_t output_width = 0;
  bool align_corners = false;
  bool half_pixel_centers = false;
};

}  // namespace zeolite
