// UpSampling1D/2D, Resizing and CenterCrop.
#include <algorithm>
#include <utility>

#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

enum class Interpolation { kNearest, kBilinear };

Result<Interpolation> read_interpolation(const LayerContext& layer, std::string_view fallback) {
  const std::string name = layer.config().string_or("interpolation", fallback);
  if (name == "nearest") return Interpolation::kNearest;
  if (name == "bilinear") return Interpolation::kBilinear;
  return refuse("its interpolation is \"" + name + "\", which no TFLite operator does",
                "use \"bilinear\" or \"nearest\"");
}

// `input` is [N,H,W,C]; the result has the sizes of `sizes` ([2], int32), which `shape` gives as
// far as they are known.
int32_t resize(GraphBuilder& builder, int32_t input, int32_t sizes, Shape shape,
               Interpolation interpolation) {
  // Pixels are sampled at their centres, as Keras and tf.image.resize do.
  if (interpolation == Interpolation::kNearest) {
    return builder.add(Op::kResizeNearestNeighbor, ResizeNearestNeighborOptions{false, true},
                       {input, sizes}, builder.type(input), std::move(shape));
  }
  return builder.add(Op::kResizeBilinear, ResizeBilinearOptions{false, true}, {input, sizes},
                     builder.type(input), std::move(shape));
}

// Height and width of [N,H,W,C] times the factors, as a tensor.
int32_t scaled_sizes(GraphBuilder& builder, int32_t input, std::span<const int32_t> factors,
                     std::span<const int32_t> known) {
  if (is_static(known)) return builder.ints(known);
  const int32_t shape = builder.add(Op::kShape, ShapeOptions{TensorType::kInt32}, {input},
                                    TensorType::kInt32, {4});
  const int32_t sizes =
      builder.add(Op::kStridedSlice, StridedSliceOptions(),
                  {shape, builder.ints({1}), builder.ints({3}), builder.ints({1})},
                  TensorType::kInt32, {2});
  return builder.add(Op::kMul, MulOptions(), {sizes, builder.ints(factors)}, TensorType::kInt32,
                     {2});
}

}  // namespace

Status lower_upsampling(LayerContext& layer) {
  const size_t rank = layer.node().class_name == "UpSampling1D" ? 1 : 2;
  ZEOLITE_TRY(layer.expect_inputs(1, {rank + 2}));
  ZEOLITE_ASSIGN(const std::vector<int32_t> size, layer.sizes("size", rank, 2));
  ZEOLITE_ASSIGN(const Interpolation interpolation, read_interpolation(layer, "nearest"));
  // UpSampling1D has no data_format: time is its second axis.
  const Layout layout = spatial_layout(rank, rank == 2 && layer.is_channels_first());
  ZEOLITE_ASSIGN(const int32_t input, layer.input_in(layout));
  GraphBuilder& builder = layer.builder();
  const int32_t factors[] = {rank == 1 ? 1 : size[0], size[rank - 1]};
  Shape shape = builder.shape(input);
  for (size_t i = 0; i < 2; ++i) {
    if (shape[i + 1] < 0) continue;
    const int64_t size = static_cast<int64_t>(shape[i + 1]) * factors[i];
    if (size > kLargestSize) return corrupt("it makes more than a tensor can hold");
    shape[i + 1] = static_cast<int32_t>(size);
  }
  const int32_t known[] = {shape[1], shape[2]};
  const int32_t sizes = scaled_sizes(builder, input, factors, known);
  layer.set_output(
      Value{resize(builder, input, sizes, std::move(shape), interpolation), layout});
  return Status();
}

Status lower_resizing(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1, {4}));
  ZEOLITE_ASSIGN(const std::vector<int32_t> height, layer.sizes("height", 1, 1));
  ZEOLITE_ASSIGN(const std::vector<int32_t> width, layer.sizes("width", 1, 1));
  ZEOLITE_ASSIGN(const Interpolation interpolation, read_interpolation(layer, "bilinear"));
  if (layer.config().bool_or("antialias", false)) {
    return refuse("it resizes with antialias, which no TFLite operator does",
                  "set antialias=False, or resize before the model");
  }
  const Layout layout = spatial_layout(2, layer.is_channels_first());
  ZEOLITE_ASSIGN(int32_t input, layer.input_in(layout));
  GraphBuilder& builder = layer.builder();
  const bool crops = layer.config().bool_or("crop_to_aspect_ratio", false);
  const bool pads = layer.config().bool_or("pad_to_aspect_ratio", false);
  const Shape in = builder.shape(input);
  if (crops || pads) {
    if (in[1] < 0 || in[2] < 0) {
      return refuse("it keeps the aspect ratio of an input whose height or width is free",
                    "give inputShapes with the sizes that the model will get");
    }
    // Keras' own arithmetic, in float as there.
    const auto scaled = [](int32_t size, int32_t times, int32_t by) {
      const float result = static_cast<float>(static_cast<int64_t>(size) * times) /
                           static_cast<float>(by);
      return static_cast<int32_t>(std::min(result, static_cast<float>(kLargestSize)));
    };
    const int32_t fitting_height = scaled(in[2], height[0], width[0]);
    const int32_t fitting_width = scaled(in[1], width[0], height[0]);
    if (crops) {
      const int32_t kept_height = std::max(std::min(in[1], fitting_height), 1);
      const int32_t kept_width = std::max(std::min(in[2], fitting_width), 1);
      const int32_t top = (in[1] - kept_height) / 2;
      const int32_t left = (in[2] - kept_width) / 2;
      const int32_t begin[] = {0, top, left, 0};
      const int32_t end[] = {0, in[1] - top - kept_height, in[2] - left - kept_width, 0};
      if (kept_height != in[1] || kept_width != in[2]) input = builder.crop(input, begin, end);
    } else {
      const double fill = layer.config().number_or("fill_value", 0);
      if (fill != 0) {
        return refuse("it fills what it adds with " + std::to_string(fill) + " and not with 0",
                      "use fill_value=0");
      }
      const int32_t rows = (std::max(in[1], fitting_height) - in[1]) / 2;
      const int32_t columns = (std::max(in[2], fitting_width) - in[2]) / 2;
      // Keras adds the same on both sides, so that an odd rest is left out.
      if (rows > kLargestSize / 4 || columns > kLargestSize / 4) {
        return corrupt("it pads to more than a tensor can hold");
      }
      if (rows + columns > 0) {
        input = builder.pad(input,
                            std::vector<int32_t>{0, 0, rows, rows, columns, columns, 0, 0});
      }
    }
  }
  const int32_t sizes = builder.ints({height[0], width[0]});
  Shape out = {in[0], height[0], width[0], in[3]};
  layer.set_output(Value{resize(builder, input, sizes, std::move(out), interpolation), layout});
  return Status();
}

Status lower_center_crop(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1, {4}));
  ZEOLITE_ASSIGN(const std::vector<int32_t> height, layer.sizes("height", 1, 1));
  ZEOLITE_ASSIGN(const std::vector<int32_t> width, layer.sizes("width", 1, 1));
  const Layout layout = spatial_layout(2, layer.is_channels_first());
  ZEOLITE_ASSIGN(const int32_t input, layer.input_in(layout));
  GraphBuilder& builder = layer.builder();
  const Shape in = builder.shape(input);
  if (in[1] < height[0] || in[2] < width[0]) {
    return refuse("its input is smaller than what it cuts out, or of free size",
                  "resize the input first, or give inputShapes");
  }
  const int32_t top = (in[1] - height[0]) / 2;
  const int32_t left = (in[2] - width[0]) / 2;
  const int32_t begin[] = {0, top, left, 0};
  const int32_t end[] = {0, in[1] - top - height[0], in[2] - left - width[0], 0};
  layer.set_output(Value{builder.crop(input, begin, end), layout});
  return Status();
}

}  // namespace zeolite
