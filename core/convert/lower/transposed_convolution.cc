// Conv1DTranspose and Conv2DTranspose.
#include <algorithm>
#include <utility>

#include "core/convert/lower/activations.h"
#include "core/convert/lower/convolution_shapes.h"
#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

// Of a kernel with its gaps along one axis.
constexpr int64_t kLargestReach = 4096;

// Keras' rule for the output's size; `output_padding` is negative when none is given.
int64_t output_size(int64_t size, int64_t kernel, int64_t stride, int64_t output_padding,
                    bool is_same) {
  if (output_padding < 0) {
    return size * stride + (is_same ? 0 : std::max<int64_t>(kernel - stride, 0));
  }
  const int64_t padding = is_same ? kernel / 2 : 0;
  return (size - 1) * stride + kernel - 2 * padding + output_padding;
}

// The kernel [H,W,O,I] of Keras as [O,H,W,I], with zeros between its elements where it is dilated:
// the operator knows no dilation.
int32_t filter_of(GraphBuilder& builder, const SourceWeight& kernel, const Window& window,
                  const int32_t (&reach)[2]) {
  const int64_t outputs = kernel.shape[kernel.shape.size() - 2];
  const int64_t inputs = kernel.shape.back();
  const Shape shape = {static_cast<int32_t>(outputs), reach[0], reach[1],
                       static_cast<int32_t>(inputs)};
  return builder.floats("kernel", shape, [&](std::span<float> filter) {
    for (int64_t o = 0; o < outputs; ++o) {
      for (int64_t h = 0; h < window.size[0]; ++h) {
        for (int64_t w = 0; w < window.size[1]; ++w) {
          const int64_t target = (o * reach[0] + h * window.dilation[0]) * reach[1] +
                                 w * window.dilation[1];
          const int64_t source = (h * window.size[1] + w) * outputs + o;
          for (int64_t i = 0; i < inputs; ++i) {
            filter[static_cast<size_t>(target * inputs + i)] =
                weight_value(kernel, source * inputs + i);
          }
        }
      }
    }
  });
}

}  // namespace

Status lower_conv_transpose(LayerContext& layer) {
  ZEOLITE_ASSIGN(const Window window, read_window(layer, "kernel_size"));
  const size_t rank = window.spatial_rank;
  ZEOLITE_TRY(layer.expect_inputs(1, {rank + 2}));
  ZEOLITE_ASSIGN(const int32_t input, layer.input_in(window.layout));
  GraphBuilder& builder = layer.builder();
  const Shape in = builder.shape(input);
  Shape wanted(rank + 2, -1);
  for (size_t i = 0; i < rank; ++i) wanted[i] = window.size[2 - rank + i];
  wanted.back() = in.back();
  ZEOLITE_ASSIGN(wanted[rank], layer.size("filters"));
  ZEOLITE_ASSIGN(const SourceWeight* kernel, layer.weight("kernel", wanted));
  const int32_t outputs = kernel->shape[rank];
  ZEOLITE_ASSIGN(const SourceWeight* bias, read_bias(layer, outputs));

  std::vector<int32_t> output_padding(rank, -1);
  if (!layer.config()["output_padding"].is_null()) {
    ZEOLITE_ASSIGN(output_padding, layer.sizes("output_padding", rank, 0, 0));
  }
  int32_t reach[2];
  Shape out = {in[0], 1, 1, outputs};
  for (size_t i = 0; i < 2; ++i) {
    // The filter is stored with its gaps, so that a few bytes of file could ask for any amount.
    const int64_t dilated = (int64_t{window.size[i]} - 1) * window.dilation[i] + 1;
    if (dilated > kLargestReach) return refuse("its dilation_rate is too large");
    reach[i] = static_cast<int32_t>(dilated);
    const bool is_unit = i < 2 - rank;
    if (is_unit) continue;
    if (in[i + 1] < 0) {
      return refuse("its input's height or width is free",
                    "give inputShapes with the sizes that the model will get");
    }
    const int64_t size = output_size(in[i + 1], dilated, window.stride[i],
                                     output_padding[i - (2 - rank)], window.is_same);
    if (size < 1 || size > kLargestSize) {
      return corrupt("its output would have the size " + std::to_string(size));
    }
    out[i + 1] = static_cast<int32_t>(size);
  }
  TransposeConvOptions options;
  options.padding = padding_of(window);
  options.stride_h = window.stride[0];
  options.stride_w = window.stride[1];
  if (rank == 1) options.stride_h = 1;
  std::vector<int32_t> inputs = {builder.sizes_like(input, out),
                                 filter_of(builder, *kernel, window, reach), input};
  if (bias != nullptr) inputs.push_back(bias_constant(layer, outputs, bias));
  const int32_t result =
      builder.add(Op::kTransposeConv, options, std::move(inputs), builder.type(input), out);
  ZEOLITE_ASSIGN(Value output, apply_activation(layer, layer.config()["activation"],
                                                Value{result, window.layout}));
  layer.set_output(std::move(output));
  return Status();
}

}  // namespace zeolite
