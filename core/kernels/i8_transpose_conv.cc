#include "core/kernels/i8_transpose_conv.h"

#include "core/kernels/split.h"
#include "core/kernels/transpose_conv_phases.h"

namespace zeolite {
namespace {

PanelForm form_of(const I8TransposeConvPlan& plan, int64_t taps) {
  return {taps, plan.shape.input_channels, plan.wide_weights, plan.quads,
          plan.activations.unsigned_offset()};
}

struct Layout {
  int64_t image_elements;
  int64_t element_bytes;  // In the images.
  uint64_t images_bytes;  // All images, then the zeros of a pixel outside.
  uint64_t scales_bytes;
  uint64_t table_bytes;   // Of one thread, as the rest.
  uint64_t row_bytes;
  int64_t tile_rows;

  explicit Layout(const I8TransposeConvPlan& plan) {
    const TransposeConvShape& shape = plan.shape;
    const Window2D& w = shape.window;
    image_elements = int64_t{shape.input_height} * shape.input_width * shape.input_channels;
    element_bytes = plan.quads ? 1 : sizeof(int16_t);
    images_bytes = align_up(
        static_cast<uint64_t>(shape.batch * image_elements + shape.input_channels + 8) *
        element_bytes);
    scales_bytes = align_up(static_cast<uint64_t>(shape.batch) * sizeof(BatchScale));
    tile_rows = form_of(plan, 1).tile_rows();
    const int64_t pixels = whole_tiles((int64_t{shape.output_width} + w.stride_width - 1) /
                                       w.stride_width);
    table_bytes = align_up(pixels * std::max<int64_t>(Phase(w, 0, 0).taps(), 1) *
                           sizeof(const int16_t*));
    row_bytes = align_up(pixels * sizeof(PanelRow));
  }

  int64_t whole_tiles(int64_t pixels) const {
    return (pixels + tile_rows - 1) / tile_rows * tile_rows;
  }
};

}  // namespace

I8TransposeConvPlan i8_transpose_conv_plan(const TransposeConvShape& shape,
                                           const ActivationForm& activations,
                                           const SumStage& stage, bool wide_weights,
                                           int threads, bool quads) {
  I8TransposeConvPlan plan;
  plan.shape = shape;
  plan.activations = activations;
  plan.stage = stage;
  plan.wide_weights = wide_weights;
  const int32_t offset = activations.unsigned_offset();
  plan.quads = quads && !wide_weights && !stage.wide && activations.element_bytes() == 1 &&
               offset == static_cast<uint8_t>(offset);
  plan.threads = std::max(threads, 1);
  const Window2D& w = shape.window;
  for (int64_t y = 0; y < w.stride_height; ++y) {
    for (int64_t x = 0; x < w.stride_width; ++x) {
      plan.packed_bytes +=
          i8_packed_bytes(form_of(plan, Phase(w, y, x).taps()), shape.output_channels);
    }
  }
  const Layout layout(plan);
  plan.scratch_bytes = layout.images_bytes + layout.scales_bytes +
                       (layout.table_bytes + layout.row_bytes) * plan.threads;
  return plan;
}

void i8_transpose_conv_pack(const I8TransposeConvPlan& plan, const I8Weights& weights,
                            const SumColumns& columns, void* packed) {
  const TransposeConvShape& shape = plan.shape;
  const Window2D& w = shape.window;
  const int64_t taps = int64_t{w.kernel_height} * w.kernel_width;
  auto* target = static_cast<uint8_t*>(packed);
  for (int64_t y = 0; y < w.stride_height; ++y) {
    for (int64_t x = 0; x < w.stride_width; ++x) {
      const Phase phase(w, y, x);
      const auto weight = [&](int64_t o, int64_t tap, int64_t i) {
        return weights.at((o * taps + phase.kernel_tap(w, tap)) * shape.input_channels + i);
      };
      target = i8_pack_panels(form_of(plan, phase.taps()), plan.stage, columns, 0,
                              shape.output_channels, weight, target);
    }
  }
}

void i8_transpose_conv_run(const I8TransposeConvPlan& plan, const void* packed, const void* input,
                           void* output, void* scratch, ThreadPool* pool) {
  const TransposeConvShape& shape = plan.shape;
  const Window2D& w = shape.window;
  const Layout layout(plan);
  const int64_t outputs = shape.output_channels;
  if (shape.output_width == 0 || outputs == 0) return;
  auto* const memory = static_cast<uint8_t*>(scratch);
  uint8_t* const images = memory;
  const int64_t image_bytes = layout.image_elements * layout.element_bytes;
  auto* const scales = reinterpret_cast<BatchScale*>(memory + layout.images_bytes);
  for (int64_t image = 0; image < shape.batch; ++image) {
    const auto* const source = static_cast<const uint8_t*>(input) +
                               image * layout.image_elements * plan.activations.element_bytes();
    scales[image] = plan.activations.type == ActivationType::kFloat32
                        ? batch_scale_of(reinterpret_cast<const float*>(source),
                                         layout.image_elements, plan.activations.asymmetric)
                        : BatchScale();
    if (plan.quads) {
      flip_activations(plan.activations, source, layout.image_elements,
                       images + image * image_bytes);
    } else {
      widen_activations(plan.activations, scales[image], source, layout.image_elements,
                        reinterpret_cast<int16_t*>(images + image * image_bytes));
    }
  }
  uint8_t* const zeros = images + shape.batch * image_bytes;
  std::fill_n(zeros, (shape.input_channels + 8) * layout.element_bytes,
              static_cast<uint8_t>(plan.quads ? plan.activations.unsigned_offset() : 0));
  TransposeConvShape bytes = shape;  // With its channels' bytes for channels.
  bytes.input_channels *= static_cast<int32_t>(layout.element_bytes);

  const auto one_row = [&](int64_t row, int thread) {
    uint8_t* const own = memory + layout.images_bytes + layout.scales_bytes +
                         thread * (layout.table_bytes + layout.row_bytes);
    auto** const table = reinterpret_cast<const uint8_t**>(own);
    auto* const row_scales = reinterpret_cast<PanelRow*>(own + layout.table_bytes);
    const int64_t image = row / shape.output_height;
    const int64_t oy = row % shape.output_height;
    const int64_t phase_y = (oy + w.pad_top) % w.stride_height;
    std::fill_n(row_scales, layout.row_bytes / sizeof(PanelRow), PanelRow{scales[image].scale, 0});
    const auto* weights = static_cast<const uint8_t*>(packed);
    for (int64_t y = 0; y < phase_y; ++y) {
      for (int64_t x = 0; x < w.stride_width; ++x) {
        weights += i8_packed_bytes(form_of(plan, Phase(w, y, x).taps()), outputs);
      }
    }
    for (int64_t phase_x = 0; phase_x < w.stride_width; ++phase_x) {
      const Phase phase(w, phase_y, phase_x);
      const PhaseRow place(shape, oy, phase_x);
      const PanelForm form = form_of(plan, phase.taps());
      if (place.pixels > 0) {
        place.fill_table<uint8_t>(bytes, phase, images + image * image_bytes, zeros,
                                  layout.tile_rows, layout.whole_tiles(place.pixels), table);
      }
      auto* const out = static_cast<uint8_t*>(output) +
                        (row * shape.output_width + place.first) * outputs *
                            plan.stage.element_bytes();
      for (int64_t panel = 0; panel < i8_panel_count(outputs); ++panel) {
        const int64_t column = panel * kI8TileColumns;
        i8_panel(plan.stage, form, place.pixels, reinterpret_cast<const int16_t* const*>(table),
                 0, weights + panel * form.panel_bytes(),
                 row_scales, out + column * plan.stage.element_bytes(), w.stride_width * outputs,
                 static_cast<size_t>(std::min<int64_t>(kI8TileColumns, outputs - column)));
      }
      weights += i8_packed_bytes(form, outputs);
    }
  };
  const int64_t row_macs = shape.output_width * outputs * shape.input_channels *
                           Phase(w, 0, 0).taps();
  const EvenSplit split(int64_t{shape.batch} * shape.output_height, 1, row_macs, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) one_row(row, thread);
  });
}

}  // namespace zeolite
