// Conv1D/2D, DepthwiseConv1D/2D and SeparableConv1D/2D. One spatial axis becomes two, of which the
// first has size 1.
#include "core/convert/lower/convolution_shapes.h"

#include <algorithm>
#include <utility>

#include "core/convert/lower/activations.h"
#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

// The kernel [H,W,I,O] of Keras as [O,H,W,I].
int32_t conv_filter(GraphBuilder& builder, std::string_view role, const SourceWeight& kernel,
                    const Window& window) {
  const int32_t inputs = kernel.shape[kernel.shape.size() - 2];
  const int32_t outputs = kernel.shape.back();
  const Shape shape = {outputs, window.size[0], window.size[1], inputs};
  return builder.floats(role, shape, [&](std::span<float> filter) {
    const int64_t rows = static_cast<int64_t>(filter.size()) / std::max(outputs, 1);
    for (int64_t o = 0; o < outputs; ++o) {
      for (int64_t i = 0; i < rows; ++i) {
        filter[static_cast<size_t>(o * rows + i)] = weight_value(kernel, i * outputs + o);
      }
    }
  });
}

// The kernel [H,W,C,M] of Keras as [1,H,W,C*M]: the same elements in the same order.
int32_t depthwise_filter(GraphBuilder& builder, const SourceWeight& kernel, const Window& window) {
  const int32_t outputs = kernel.shape[kernel.shape.size() - 2] * kernel.shape.back();
  return builder.floats("kernel", {1, window.size[0], window.size[1], outputs},
                        [&](std::span<float> filter) {
                          for (size_t i = 0; i < filter.size(); ++i) {
                            filter[i] = weight_value(kernel, static_cast<int64_t>(i));
                          }
                        });
}

// [size..., inputs, outputs] with -1 for what any size will do.
Shape kernel_shape(const Window& window, int32_t inputs, int32_t outputs) {
  Shape shape;
  for (size_t i = 2 - window.spatial_rank; i < 2; ++i) shape.push_back(window.size[i]);
  shape.push_back(inputs);
  shape.push_back(outputs);
  return shape;
}

int32_t add_conv(GraphBuilder& builder, const Window& window, int32_t input, int32_t filter,
                 int32_t bias) {
  Conv2DOptions options;
  options.padding = padding_of(window);
  options.stride_h = window.stride[0];
  options.stride_w = window.stride[1];
  options.dilation_h_factor = window.dilation[0];
  options.dilation_w_factor = window.dilation[1];
  return builder.add(Op::kConv2d, options, {input, filter, bias}, builder.type(input),
                     window_output(window, builder.shape(input), builder.shape(filter)[0]));
}

int32_t add_depthwise(GraphBuilder& builder, const Window& window, int32_t input, int32_t filter,
                      int32_t bias, int32_t multiplier) {
  DepthwiseConv2DOptions options;
  options.padding = padding_of(window);
  options.stride_h = window.stride[0];
  options.stride_w = window.stride[1];
  options.dilation_h_factor = window.dilation[0];
  options.dilation_w_factor = window.dilation[1];
  options.depth_multiplier = multiplier;
  return builder.add(Op::kDepthwiseConv2d, options, {input, filter, bias}, builder.type(input),
                     window_output(window, builder.shape(input), builder.shape(filter)[3]));
}

// The input in the window's layout, padded when the layer is causal.
Result<int32_t> conv_input(LayerContext& layer, const Window& window) {
  ZEOLITE_TRY(layer.expect_inputs(1, {window.spatial_rank + 2}));
  ZEOLITE_ASSIGN(const int32_t input, layer.input_in(window.layout));
  if (layer.builder().shape(input).back() <= 0) {
    return refuse("its input has no known number of channels");
  }
  if (!window.is_causal) return input;
  return pad_causal(layer.builder(), window, input);
}

Status finish(LayerContext& layer, const Window& window, int32_t result) {
  ZEOLITE_ASSIGN(Value output, apply_activation(layer, layer.config()["activation"],
                                                Value{result, window.layout}));
  layer.set_output(std::move(output));
  return Status();
}

// The operator has one stride for both axes in all runtimes.
Status check_depthwise(const Window& window) {
  if (window.spatial_rank == 2 && window.stride[0] != window.stride[1]) {
    return refuse("its strides differ along height and width",
                  "depthwise convolutions need equal strides");
  }
  return Status();
}

}  // namespace

int32_t windows(int32_t size, int32_t kernel, int32_t stride, int32_t dilation, bool is_same) {
  if (size < 0) return -1;
  if (is_same) return (size + stride - 1) / stride;
  const int64_t reach = (int64_t{kernel} - 1) * dilation + 1;
  return static_cast<int32_t>(std::max<int64_t>((size - reach + stride) / stride, 0));
}

Result<Window> read_window(LayerContext& layer, std::string_view size_key) {
  Window window;
  const std::string& name = layer.node().class_name;
  window.spatial_rank = name.find("1D") != std::string::npos ? 1 : 2;
  const size_t rank = window.spatial_rank;
  window.is_channels_first = layer.is_channels_first();
  const std::string padding = layer.config().string_or("padding", "valid");
  window.is_same = padding == "same";
  window.is_causal = padding == "causal";
  if (!window.is_same && !window.is_causal && padding != "valid") {
    return refuse("its padding is \"" + padding + "\"");
  }
  if (window.is_causal && rank != 1) return refuse("causal padding needs a layer of one axis");
  const bool is_pooling = size_key == "pool_size";
  ZEOLITE_ASSIGN(const std::vector<int32_t> sizes,
                 layer.sizes(size_key, rank, is_pooling ? 2 : 1));
  ZEOLITE_ASSIGN(std::vector<int32_t> strides, layer.sizes("strides", rank, 1));
  if (is_pooling && layer.config()["strides"].is_null()) strides = sizes;
  ZEOLITE_ASSIGN(const std::vector<int32_t> dilations, layer.sizes("dilation_rate", rank, 1));
  for (size_t i = 0; i < rank; ++i) {
    window.size[2 - rank + i] = sizes[i];
    window.stride[2 - rank + i] = strides[i];
    window.dilation[2 - rank + i] = dilations[i];
  }
  // Both axes of the operators that want equal strides.
  if (rank == 1) window.stride[0] = window.stride[1];
  window.layout = spatial_layout(rank, window.is_channels_first);
  return window;
}

Padding padding_of(const Window& window) {
  return window.is_same ? Padding::kSame : Padding::kValid;
}

Shape window_output(const Window& window, const Shape& input, int32_t channels) {
  Shape output = {input[0], 0, 0, channels};
  for (size_t i = 0; i < 2; ++i) {
    output[i + 1] = windows(input[i + 1], window.size[i], window.stride[i], window.dilation[i],
                            window.is_same);
  }
  return output;
}

Result<const SourceWeight*> read_bias(LayerContext& layer, int32_t channels) {
  if (!layer.config().bool_or("use_bias", true)) return nullptr;
  return layer.weight("bias", std::span(&channels, 1));
}

int32_t bias_constant(LayerContext& layer, int32_t channels, const SourceWeight* bias) {
  return layer.builder().floats("bias", {channels}, [bias](std::span<float> values) {
    for (size_t i = 0; bias != nullptr && i < values.size(); ++i) {
      values[i] = weight_value(*bias, static_cast<int64_t>(i));
    }
  });
}

Result<int32_t> pad_causal(GraphBuilder& builder, const Window& window, int32_t input) {
  const int64_t before = (int64_t{window.size[1]} - 1) * window.dilation[1];
  if (before == 0) return input;
  if (before > kLargestSize) return corrupt("its kernel_size and dilation_rate are too large");
  return builder.pad(input, std::vector<int32_t>{0, 0, 0, 0, static_cast<int32_t>(before), 0, 0,
                                                 0});
}

Status lower_conv(LayerContext& layer) {
  ZEOLITE_ASSIGN(const Window window, read_window(layer, "kernel_size"));
  ZEOLITE_ASSIGN(const int32_t input, conv_input(layer, window));
  GraphBuilder& builder = layer.builder();
  ZEOLITE_ASSIGN(const std::vector<int32_t> group_count, layer.sizes("groups", 1, 1));
  const int32_t groups = group_count[0];
  const int32_t channels = builder.shape(input).back();
  if (channels % groups != 0) {
    return corrupt("its " + std::to_string(channels) + " input channels do not divide into " +
                   std::to_string(groups) + " groups");
  }
  ZEOLITE_ASSIGN(const int32_t filters, layer.size("filters"));
  ZEOLITE_ASSIGN(const SourceWeight* kernel,
                 layer.weight("kernel", kernel_shape(window, channels / groups, filters)));
  const int32_t outputs = kernel->shape.back();
  if (outputs % groups != 0) return corrupt("its filters do not divide into its groups");
  ZEOLITE_ASSIGN(const SourceWeight* bias, read_bias(layer, outputs));
  const int32_t result = add_conv(builder, window, input,
                                  conv_filter(builder, "kernel", *kernel, window),
                                  bias_constant(layer, outputs, bias));
  return finish(layer, window, result);
}

Status lower_depthwise_conv(LayerContext& layer) {
  ZEOLITE_ASSIGN(const Window window, read_window(layer, "kernel_size"));
  ZEOLITE_TRY(check_depthwise(window));
  ZEOLITE_ASSIGN(const int32_t input, conv_input(layer, window));
  GraphBuilder& builder = layer.builder();
  const int32_t channels = builder.shape(input).back();
  ZEOLITE_ASSIGN(const int32_t depth, layer.size("depth_multiplier"));
  ZEOLITE_ASSIGN(const SourceWeight* kernel,
                 layer.weight("kernel", kernel_shape(window, channels, depth)));
  const int32_t multiplier = kernel->shape.back();
  ZEOLITE_ASSIGN(const SourceWeight* bias, read_bias(layer, channels * multiplier));
  const int32_t result =
      add_depthwise(builder, window, input, depthwise_filter(builder, *kernel, window),
                    bias_constant(layer, channels * multiplier, bias), multiplier);
  return finish(layer, window, result);
}

Status lower_separable_conv(LayerContext& layer) {
  ZEOLITE_ASSIGN(const Window window, read_window(layer, "kernel_size"));
  ZEOLITE_TRY(check_depthwise(window));
  ZEOLITE_ASSIGN(const int32_t input, conv_input(layer, window));
  GraphBuilder& builder = layer.builder();
  const int32_t channels = builder.shape(input).back();
  ZEOLITE_ASSIGN(const int32_t depth, layer.size("depth_multiplier"));
  ZEOLITE_ASSIGN(const int32_t filters, layer.size("filters"));
  ZEOLITE_ASSIGN(const SourceWeight* depthwise,
                 layer.weight("depthwise_kernel", kernel_shape(window, channels, depth)));
  const int32_t multiplier = depthwise->shape.back();
  const int32_t middle = channels * multiplier;
  Window point;
  point.spatial_rank = window.spatial_rank;
  ZEOLITE_ASSIGN(const SourceWeight* pointwise,
                 layer.weight("pointwise_kernel", kernel_shape(point, middle, filters)));
  const int32_t outputs = pointwise->shape.back();
  ZEOLITE_ASSIGN(const SourceWeight* bias, read_bias(layer, outputs));
  const int32_t spread =
      add_depthwise(builder, window, input, depthwise_filter(builder, *depthwise, window),
                    bias_constant(layer, middle, nullptr), multiplier);
  const int32_t result =
      add_conv(builder, point, spread, conv_filter(builder, "pointwise", *pointwise, point),
               bias_constant(layer, outputs, bias));
  return finish(layer, window, result);
}

}  // namespace zeolite
