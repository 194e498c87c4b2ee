// Max and average pooling, windowed and global.
#include <utility>

#include "core/convert/lower/convolution_shapes.h"
#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

Status lower_pooling(LayerContext& layer, Op code) {
  ZEOLITE_ASSIGN(const Window window, read_window(layer, "pool_size"));
  ZEOLITE_TRY(layer.expect_inputs(1, {window.spatial_rank + 2}));
  ZEOLITE_ASSIGN(const int32_t input, layer.input_in(window.layout));
  GraphBuilder& builder = layer.builder();
  Pool2DOptions options;
  options.padding = padding_of(window);
  options.stride_h = window.stride[0];
  options.stride_w = window.stride[1];
  options.filter_height = window.size[0];
  options.filter_width = window.size[1];
  const Shape& shape = builder.shape(input);
  const int32_t result = builder.add(code, options, {input}, builder.type(input),
                                     window_output(window, shape, shape.back()));
  layer.set_output(Value{result, window.layout});
  return Status();
}

// Reduces all axes but batch and channels, as the tensor lies.
Status lower_global_pooling(LayerContext& layer, Op code) {
  ZEOLITE_TRY(layer.expect_inputs(1, {3, 4}));
  GraphBuilder& builder = layer.builder();
  const Value& input = layer.value(0);
  const auto rank = static_cast<int32_t>(layer.shape().size());
  const int32_t channels = layer.is_channels_first() ? 1 : rank - 1;
  const bool keep_dims = layer.config().bool_or("keepdims", false);
  std::vector<int32_t> axes;
  const auto tensor_rank = static_cast<int32_t>(builder.shape(input.tensor).size());
  for (int32_t i = 1; i < tensor_rank; ++i) {
    const int32_t axis = input.layout.empty() ? i : input.layout[static_cast<size_t>(i)];
    if (axis == channels || (axis < 0 && keep_dims)) continue;
    axes.push_back(i);
  }
  const int32_t result = builder.reduce(code, input.tensor, axes, keep_dims);
  layer.set_output(Value{result, keep_dims ? input.layout : Layout{}});
  return Status();
}

}  // namespace

Status lower_max_pooling(LayerContext& layer) { return lower_pooling(layer, Op::kMaxPool2d); }

Status lower_average_pooling(LayerContext& layer) {
  return lower_pooling(layer, Op::kAveragePool2d);
}

Status lower_global_max_pooling(LayerContext& layer) {
  return lower_global_pooling(layer, Op::kReduceMax);
}

Status lower_global_average_pooling(LayerContext& layer) {
  return lower_global_pooling(layer, Op::kMean);
}

}  // namespace zeolite
