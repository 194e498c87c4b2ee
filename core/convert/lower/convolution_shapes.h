// Sizes and weights that all convolutions share.
#pragma once

#include <cstdint>

#include "core/convert/lower/layer.h"

namespace zeolite {

// Sizes along one axis after a window of `kernel` with these steps; -1 stays -1.
int32_t windows(int32_t size, int32_t kernel, int32_t stride, int32_t dilation, bool is_same);

// The arguments of a convolution or pooling along its two axes, height first; layers of one spatial
// axis have a height of 1.
struct Window {
  size_t spatial_rank = 2;
  bool is_channels_first = false;
  bool is_same = false;
  bool is_causal = false;
  int32_t size[2] = {1, 1};
  int32_t stride[2] = {1, 1};
  int32_t dilation[2] = {1, 1};
  Layout layout;  // In which the operators want the input.
};

// Reads them from the configuration; `size_key` is "kernel_size" or "pool_size". Errors:
// kUnsupported when the layer's rank is not one or two.
Result<Window> read_window(LayerContext& layer, std::string_view size_key);

// The padding that operators know.
Padding padding_of(const Window& window);

// The output's shape in the window's layout, from the input's in the same.
Shape window_output(const Window& window, const Shape& input, int32_t channels);

// The bias as a constant; zeros where the layer has none, since runtimes want one all the same.
int32_t bias_constant(LayerContext& layer, int32_t channels, const SourceWeight* bias);

// The layer's bias, or null when it has none.
Result<const SourceWeight*> read_bias(LayerContext& layer, int32_t channels);

// The padding that a causal convolution puts before its first step.
Result<int32_t> pad_causal(GraphBuilder& builder, const Window& window, int32_t input);

}  // namespace zeolite
