#include "core/kernels/f32_transpose_conv.h"

#include <algorithm>

#include "core/kernels/f32_tile.h"
#include "core/kernels/split.h"
#include "core/kernels/transpose_conv_phases.h"

namespace zeolite {
namespace {

struct Layout {
  int64_t zero_floats;
  int64_t max_taps;     // Of any phase.
  int64_t total_taps;   // Of all phases: those of the kernel.
  int64_t phases;
  int64_t panels;
  uint64_t table_bytes;

  explicit Layout(const TransposeConvShape& shape) {
    const Window2D& w = shape.window;
    zero_floats =
        static_cast<int64_t>(align_up(shape.input_channels * sizeof(float)) / sizeof(float));
    max_taps = phase_taps(w.kernel_height, w.stride_height, 0) *
               phase_taps(w.kernel_width, w.stride_width, 0);
    total_taps = int64_t{w.kernel_height} * w.kernel_width;
    phases = int64_t{w.stride_height} * w.stride_width;
    panels = f32_panel_count(shape.output_channels);
    const int64_t row_pixels = (shape.output_width + w.stride_width - 1) / w.stride_width;
    table_bytes = align_up((row_pixels + kF32TileRows - 1) / kF32TileRows * kF32TileRows *
                           max_taps * sizeof(const float*));
  }

  // Floats of the packed weights of a phase with `taps` taps.
  int64_t phase_floats(const TransposeConvShape& shape, int64_t taps) const {
    return panels * f32_panel_floats(taps * shape.input_channels);
  }
};

}  // namespace

F32TransposeConvPlan f32_transpose_conv_plan(const TransposeConvShape& shape, int threads) {
  const Layout layout(shape);
  F32TransposeConvPlan plan;
  plan.shape = shape;
  plan.threads = std::max(threads, 1);
  // Each phase has a bias of its own.
  plan.packed_bytes = (layout.zero_floats +
                       layout.panels * kF32TileColumns *
                           (layout.phases + layout.total_taps * shape.input_channels)) *
                      sizeof(float);
  plan.scratch_bytes = layout.table_bytes * plan.threads;
  return plan;
}

void f32_transpose_conv_pack(const F32TransposeConvPlan& plan, const float* weights,
                             const float* bias, void* packed) {
  const TransposeConvShape& shape = plan.shape;
  const Window2D& w = shape.window;
  const int64_t channels = shape.input_channels;
  const int64_t zeros = Layout(shape).zero_floats;
  float* target = static_cast<float*>(packed);
  std::fill_n(target, zeros, 0.0f);
  target += zeros;
  for (int64_t phase_y = 0; phase_y < w.stride_height; ++phase_y) {
    for (int64_t phase_x = 0; phase_x < w.stride_width; ++phase_x) {
      const Phase phase(w, phase_y, phase_x);
      const auto weight = [&](int64_t o, int64_t i) {
        return weights[(o * w.kernel_height * w.kernel_width +
                        phase.kernel_tap(w, i / channels)) * channels + i % channels];
      };
      target =
          f32_pack_panels(shape.output_channels, phase.taps() * channels, bias, weight, target);
    }
  }
}

void f32_transpose_conv_run(const F32TransposeConvPlan& plan, const void* packed,
                            const float* input, float* output, F32Clamp clamp, void* scratch,
                            ThreadPool* pool) {
  const TransposeConvShape& shape = plan.shape;
  const Window2D& w = shape.window;
  const Layout layout(shape);
  const int64_t channels = shape.input_channels;
  const int64_t outputs = shape.output_channels;
  const float* const zeros = static_cast<const float*>(packed);

  const auto one_row = [&](int64_t row, int thread) {
    const float** const table = reinterpret_cast<const float**>(
        static_cast<uint8_t*>(scratch) + thread * layout.table_bytes);
    const int64_t image = row / shape.output_height;
    const int64_t oy = row % shape.output_height;
    const int64_t phase_y = (oy + w.pad_top) % w.stride_height;
    const float* const source =
        input + image * shape.input_height * shape.input_width * channels;
    const float* weights = zeros + layout.zero_floats;
    for (int64_t y = 0; y < phase_y; ++y) {
      for (int64_t x = 0; x < w.stride_width; ++x) {
        weights += layout.phase_floats(shape, Phase(w, y, x).taps());
      }
    }
    for (int64_t phase_x = 0; phase_x < w.stride_width; ++phase_x) {
      const Phase phase(w, phase_y, phase_x);
      const PhaseRow place(shape, oy, phase_x);
      const int64_t taps = phase.taps();
      const int64_t panel_floats = f32_panel_floats(taps * channels);
      place.fill_table(shape, phase, source, zeros, kF32TileRows, place.pixels, table);
      float* const out = output + (row * shape.output_width + place.first) * outputs;
      for (int64_t panel = 0; panel < layout.panels; ++panel) {
        const int64_t column = panel * kF32TileColumns;
        f32_indirect_panel(place.pixels, taps, channels, table, 0, weights + panel * panel_floats,
                           out + column, w.stride_width * outputs,
                           std::min<int64_t>(kF32TileColumns, outputs - column), clamp);
      }
      weights += layout.phase_floats(shape, taps);
    }
  };
  const int64_t row_macs = shape.output_width * outputs * channels *
                           (layout.total_taps / layout.phases + 1);
  const EvenSplit split(int64_t{shape.batch} * shape.output_height, 1, row_macs, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) one_row(row, thread);
  });
}

}  // namespace zeolite
