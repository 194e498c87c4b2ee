// What i8_depthwise_rows.cc does not take: windows beyond measure, and of activations of 16 bits
// those with less than 8 channels or several outputs for each. In plain loops with sums of 64 bits.
#include "core/kernels/i8_depthwise_conv_2d.h"

#include "core/kernels/i8_depthwise_parts.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

constexpr int64_t kColumns = kI8TileColumns;

struct Layout {
  int64_t channels;  // Of the output.
  int64_t taps;
  int64_t blocks;    // Heads of 8 channels; the last may overlap the one before.
  uint64_t head_bytes;
  uint64_t scale_bytes;  // A BatchScale for each image of floats.
  // Of one thread:
  uint64_t sum_bytes;
  uint64_t row_bytes;  // The input's rows that one of the output needs, in 16 bits.

  explicit Layout(const I8DepthwiseConv2DPlan& plan) {
    const DepthwiseConv2DShape& shape = plan.shape;
    channels = int64_t{shape.input_channels} * shape.multiplier;
    taps = int64_t{shape.window.kernel_height} * shape.window.kernel_width;
    blocks = (channels + kColumns - 1) / kColumns;
    head_bytes = static_cast<uint64_t>(blocks) * sizeof(PanelHead);
    scale_bytes = plan.activations.type == ActivationType::kFloat32
                      ? align_up(static_cast<uint64_t>(shape.batch) * sizeof(BatchScale))
                      : 0;
    sum_bytes = align_up(static_cast<uint64_t>(channels) * sizeof(int64_t));
    row_bytes = align_up(static_cast<uint64_t>(shape.window.kernel_height) * shape.input_width *
                         shape.input_channels * sizeof(int16_t));
  }

  uint64_t own_bytes() const { return sum_bytes + row_bytes; }
  int64_t first_channel(int64_t block) const {
    return std::max<int64_t>(std::min(block * kColumns, channels - kColumns), 0);
  }
};

// One sum of channel c of a block.
void store_one(const SumStage& stage, const PanelHead& head, int64_t c, int64_t sum,
               float row_scale, int64_t at, void* out) {
  if (stage.output == SumOutput::kFloat32) {
    const float y = static_cast<float>(sum) * (head.scale[c] * row_scale) + head.float_bias[c];
    static_cast<float*>(out)[at] = std::min(std::max(y, stage.clamp.min), stage.clamp.max);
    return;
  }
  const auto column = static_cast<size_t>(c);
  const int32_t stored =
      stage.wide ? i8_stored(stage, head, column, sum + head.wide_bias[c])
                 : i8_stored(stage, head, column,
                             static_cast<int32_t>(static_cast<uint32_t>(sum + head.bias[c])));
  if (stage.output == SumOutput::kInt16) {
    static_cast<int16_t*>(out)[at] = static_cast<int16_t>(stored);
  } else {
    static_cast<uint8_t*>(out)[at] = static_cast<uint8_t>(stored);
  }
}

// Row oy of an image.
void make_row(const I8DepthwiseConv2DPlan& plan, const Layout& layout, const void* packed,
              const BatchScale& scale, const uint8_t* input, int64_t oy, void* out, uint8_t* own) {
  const DepthwiseConv2DShape& shape = plan.shape;
  const Window2D& w = shape.window;
  const auto* const heads = static_cast<const PanelHead*>(packed);
  const auto* const weights = reinterpret_cast<const int16_t*>(
      static_cast<const uint8_t*>(packed) + layout.head_bytes);
  auto* const sums = reinterpret_cast<int64_t*>(own);
  auto* const rows = reinterpret_cast<int16_t*>(own + layout.sum_bytes);
  const int64_t row_elements = int64_t{shape.input_width} * shape.input_channels;
  const int64_t top = oy * w.stride_height - w.pad_top;
  for (int64_t ky = 0; ky < w.kernel_height; ++ky) {
    const int64_t y = top + ky * w.dilation_height;
    if (y < 0 || y >= shape.input_height) continue;
    widen_activations(plan.activations, scale,
                      input + y * row_elements * plan.activations.element_bytes(), row_elements,
                      rows + ky * row_elements);
  }
  for (int64_t ox = 0; ox < shape.output_width; ++ox) {
    std::fill_n(sums, layout.channels, int64_t{0});
    for (int64_t ky = 0; ky < w.kernel_height; ++ky) {
      const int64_t y = top + ky * w.dilation_height;
      if (y < 0 || y >= shape.input_height) continue;
      for (int64_t kx = 0; kx < w.kernel_width; ++kx) {
        const int64_t x = ox * w.stride_width - w.pad_left + kx * w.dilation_width;
        if (x < 0 || x >= shape.input_width) continue;
        const int16_t* const pixel = rows + ky * row_elements + x * shape.input_channels;
        const int16_t* const tap = weights + (ky * w.kernel_width + kx) * layout.channels;
        for (int64_t c = 0; c < layout.channels; ++c) {
          sums[c] += int32_t{pixel[c / shape.multiplier]} * tap[c];
        }
      }
    }
    for (int64_t c = 0; c < layout.channels; ++c) {
      const int64_t block = c / kColumns;
      store_one(plan.stage, heads[block], c - layout.first_channel(block), sums[c], scale.scale,
                ox * layout.channels + c, out);
    }
  }
}

}  // namespace

I8DepthwiseConv2DPlan i8_depthwise_conv_2d_plan(const DepthwiseConv2DShape& shape,
                                                const ActivationForm& activations,
                                                const SumStage& stage, int32_t largest_weight,
                                                int threads) {
  return i8_depthwise_conv_2d_plan(shape, activations, stage, largest_weight, threads,
                                   has_fast_dot4());
}

I8DepthwiseConv2DPlan i8_depthwise_conv_2d_plan(const DepthwiseConv2DShape& shape,
                                                const ActivationForm& activations,
                                                const SumStage& stage, int32_t largest_weight,
                                                int threads, bool quads) {
  I8DepthwiseConv2DPlan plan;
  plan.shape = shape;
  plan.activations = activations;
  plan.stage = stage;
  plan.threads = std::max(threads, 1);
  plan.quads =
      quads && largest_weight <= 128 && activations.type != ActivationType::kInt16;
  plan.offset = activations.unsigned_offset();
  // Sums of 16-bit activations fit 32 bits with weights of 8.
  const bool is_narrow = activations.type != ActivationType::kInt16 || largest_weight <= 128;
  plan.in_rows = is_narrow && i8_fits_depthwise_rows(plan);
  if (plan.in_rows) {
    i8_depthwise_rows_plan(&plan);
    return plan;
  }
  const Layout layout(plan);
  plan.packed_bytes = layout.head_bytes + layout.taps * layout.channels * sizeof(int16_t);
  plan.scratch_bytes = layout.scale_bytes + layout.own_bytes() * plan.threads;
  return plan;
}

void i8_depthwise_conv_2d_pack(const I8DepthwiseConv2DPlan& plan, const I8Weights& weights,
                               const SumColumns& columns, void* packed) {
  if (plan.in_rows) return i8_depthwise_rows_pack(plan, weights, columns, packed);
  const Layout layout(plan);
  auto* const heads = static_cast<PanelHead*>(packed);
  for (int64_t block = 0; block < layout.blocks; ++block) {
    const int64_t first = layout.first_channel(block);
    i8_panel_head(plan.stage, columns, first, std::min(kColumns, layout.channels - first),
                  int64_t{1} << 30, &heads[block]);
  }
  auto* const target =
      reinterpret_cast<int16_t*>(static_cast<uint8_t*>(packed) + layout.head_bytes);
  for (int64_t i = 0; i < layout.taps * layout.channels; ++i) {
    target[i] = static_cast<int16_t>(weights.at(i));
  }
}

void i8_depthwise_conv_2d_run(const I8DepthwiseConv2DPlan& plan, const void* packed,
                              const void* input, void* output, void* scratch, ThreadPool* pool) {
  if (plan.in_rows) return i8_depthwise_rows_run(plan, packed, input, output, scratch, pool);
  const DepthwiseConv2DShape& shape = plan.shape;
  const Layout layout(plan);
  if (shape.output_width == 0 || layout.channels == 0) return;
  auto* const memory = static_cast<uint8_t*>(scratch);
  auto* const scales = layout.scale_bytes != 0 ? reinterpret_cast<BatchScale*>(memory) : nullptr;
  const int64_t image_elements =
      int64_t{shape.input_height} * shape.input_width * shape.input_channels;
  const int64_t image_bytes = image_elements * plan.activations.element_bytes();
  const int64_t out_row =
      shape.output_width * layout.channels * int64_t{plan.stage.element_bytes()};
  const auto* const images = static_cast<const uint8_t*>(input);
  for (int64_t image = 0; scales != nullptr && image < shape.batch; ++image) {
    scales[image] = batch_scale_of(reinterpret_cast<const float*>(images + image * image_bytes),
                                   image_elements, plan.activations.asymmetric);
  }
  const EvenSplit split(int64_t{shape.output_height} * shape.batch, 1,
                        3 * shape.output_width * layout.channels * layout.taps, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    uint8_t* const own = memory + layout.scale_bytes + thread * layout.own_bytes();
    for (int64_t row = split.begin(task); row < split.end(task); ++row) {
      const int64_t image = row / shape.output_height;
      make_row(plan, layout, packed, scales != nullptr ? scales[image] : BatchScale(),
               images + image * image_bytes, row % shape.output_height,
               static_cast<uint8_t*>(output) + row * out_row, own);
    }
  });
}

}  // namespace zeolite
