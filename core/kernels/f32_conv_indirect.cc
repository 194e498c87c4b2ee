// CONV_2D as products over rows that pointers find: for each pixel and tap a pointer to the input's
// channels there, or to a row of zeros where the tap lies in the padding. Nothing is copied.
#include <algorithm>

#include "core/kernels/f32_conv_parts.h"
#include "core/kernels/f32_matmul.h"
#include "core/kernels/f32_tile.h"
#include "core/kernels/split.h"

namespace zeolite {

void f32_conv_fill_table(const Conv2DShape& shape, const float* input, const float* zeros,
                         int64_t first, int64_t count, int64_t tile_pixels, const float** table) {
  const Window2D& w = shape.window;
  const int64_t taps = f32_conv_taps(shape);
  const int64_t area = int64_t{shape.output_height} * shape.output_width;
  int64_t image = first / area;
  int64_t oy = first % area / shape.output_width;
  int64_t ox = first % shape.output_width;
  const int64_t row_floats = int64_t{shape.input_width} * shape.input_channels;
  for (int64_t pixel = 0; pixel < count; ++pixel) {
    const float* source = input + image * shape.input_height * row_floats;
    const float** target =
        table + pixel / tile_pixels * taps * tile_pixels + pixel % tile_pixels;
    const int64_t top = oy * w.stride_height - w.pad_top;
    const int64_t left = ox * w.stride_width - w.pad_left;
    for (int64_t ky = 0; ky < w.kernel_height; ++ky) {
      const int64_t y = top + ky * w.dilation_height;
      const bool inside = y >= 0 && y < shape.input_height;
      for (int64_t kx = 0; kx < w.kernel_width; ++kx, target += tile_pixels) {
        const int64_t x = left + kx * w.dilation_width;
        *target = inside && x >= 0 && x < shape.input_width
                      ? source + y * row_floats + x * shape.input_channels
                      : zeros;
      }
    }
    if (++ox == shape.output_width) {
      ox = 0;
      if (++oy == shape.output_height) {
        oy = 0;
        ++image;
      }
    }
  }
}

namespace {

uint64_t table_bytes(const Conv2DShape& shape) {
  return align_up(TileSplit::kMaxBlockRows * f32_conv_taps(shape) * sizeof(const float*));
}

}  // namespace

void f32_conv_indirect_plan(F32Conv2DPlan* plan) {
  const Conv2DShape& shape = plan->shape;
  const int64_t k = f32_conv_taps(shape) * (shape.input_channels / shape.groups);
  plan->packed_bytes =
      f32_conv_zero_floats(shape) * sizeof(float) +
      f32_gemm_packed_bytes(shape.output_channels / shape.groups, k) * shape.groups;
  plan->scratch_bytes = table_bytes(shape) * plan->threads;
}

void f32_conv_indirect_pack(const F32Conv2DPlan& plan, const float* weights, const float* bias,
                            float* packed) {
  const Conv2DShape& shape = plan.shape;
  const int64_t n = shape.output_channels / shape.groups;
  const int64_t k = f32_conv_taps(shape) * (shape.input_channels / shape.groups);
  std::fill_n(packed, f32_conv_zero_floats(shape), 0.0f);
  packed += f32_conv_zero_floats(shape);
  for (int64_t group = 0; group < shape.groups; ++group) {
    f32_gemm_pack(n, k, weights + group * n * k, k, 1,
                  bias != nullptr ? bias + group * n : nullptr, packed);
    packed += f32_panel_count(n) * f32_panel_floats(k);
  }
}

void f32_conv_indirect_run(const F32Conv2DPlan& plan, const float* packed, const float* input,
                           float* output, F32Clamp clamp, void* scratch, ThreadPool* pool) {
  const Conv2DShape& shape = plan.shape;
  const int64_t taps = f32_conv_taps(shape);
  const int64_t group_inputs = shape.input_channels / shape.groups;
  const int64_t group_outputs = shape.output_channels / shape.groups;
  const int64_t panel_floats = f32_panel_floats(taps * group_inputs);
  const int64_t group_floats = f32_panel_count(group_outputs) * panel_floats;
  const float* const weights = packed + f32_conv_zero_floats(shape);
  const int64_t pixels = int64_t{shape.batch} * shape.output_height * shape.output_width;
  const uint64_t table_size = table_bytes(shape);
  const TileSplit split(pixels, group_outputs, taps * group_inputs * shape.output_channels, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    const TileSplit::Part part = split.part(task);
    const float** table =
        reinterpret_cast<const float**>(static_cast<uint8_t*>(scratch) + thread * table_size);
    f32_conv_fill_table(shape, input, packed, part.row, part.rows, kF32TileRows, table);
    for (int64_t group = 0; group < shape.groups; ++group) {
      for (int64_t panel = part.first_panel; panel < part.last_panel; ++panel) {
        const int64_t column = panel * kF32TileColumns;
        f32_indirect_panel(part.rows, taps, group_inputs, table, group * group_inputs,
                           weights + group * group_floats + panel * panel_floats,
                           output + part.row * shape.output_channels + group * group_outputs +
                               column,
                           shape.output_channels,
                           std::min<int64_t>(kF32TileColumns, group_outputs - column), clamp);
      }
    }
  });
}

namespace {

// A strip is the part of the padded input that some rows of the output read.
struct Strip {
  int64_t output_rows;  // Of one image.
  int64_t input_rows;
  int64_t row_floats;
  uint64_t strip_bytes;
  uint64_t table_bytes;

  explicit Strip(const Conv2DShape& shape) {
    const Window2D& w = shape.window;
    // Some 400 pixels pass each panel of weights before the next.
    output_rows = std::clamp<int64_t>(400 / std::max(shape.output_width, 1), 1,
                                      std::max(shape.output_height, 1));
    input_rows = (output_rows - 1) * w.stride_height +
                 int64_t{w.kernel_height - 1} * w.dilation_height + 1;
    row_floats = (int64_t{std::max(shape.output_width, 1) - 1} * w.stride_width + w.kernel_width) *
                 shape.input_channels;
    strip_bytes = align_up(input_rows * row_floats * sizeof(float));
    const int64_t tiles =
        (output_rows * shape.output_width + kF32TileRows - 1) / kF32TileRows;
    table_bytes = align_up(tiles * kF32TileRows * w.kernel_height * sizeof(const float*));
  }
  uint64_t total() const { return strip_bytes + table_bytes; }
};

// Copies `rows` rows of one image from row `top` and column -pad_left on, with zeros around it.
void fill_strip(const Conv2DShape& shape, const Strip& strip, const float* image, int64_t top,
                int64_t rows, float* target) {
  const int64_t channels = shape.input_channels;
  const int64_t left = std::min(shape.window.pad_left * channels, strip.row_floats);
  const int64_t copied =
      std::min(shape.input_width * channels, strip.row_floats - left);
  for (int64_t row = 0; row < rows; ++row, target += strip.row_floats) {
    const int64_t y = top + row;
    if (y < 0 || y >= shape.input_height) {
      std::fill_n(target, strip.row_floats, 0.0f);
      continue;
    }
    std::fill_n(target, left, 0.0f);
    std::copy_n(image + y * shape.input_width * channels, copied, target + left);
    std::fill_n(target + left + copied, strip.row_floats - left - copied, 0.0f);
  }
}

}  // namespace

void f32_conv_rows_plan(F32Conv2DPlan* plan) {
  const Conv2DShape& shape = plan->shape;
  plan->packed_bytes = f32_gemm_packed_bytes(shape.output_channels,
                                             f32_conv_taps(shape) * shape.input_channels);
  plan->scratch_bytes = Strip(shape).total() * plan->threads;
}

void f32_conv_rows_pack(const F32Conv2DPlan& plan, const float* weights, const float* bias,
                        float* packed) {
  const int64_t k = f32_conv_taps(plan.shape) * plan.shape.input_channels;
  f32_gemm_pack(plan.shape.output_channels, k, weights, k, 1, bias, packed);
}

void f32_conv_rows_run(const F32Conv2DPlan& plan, const float* packed, const float* input,
                       float* output, F32Clamp clamp, void* scratch, ThreadPool* pool) {
  const Conv2DShape& shape = plan.shape;
  const Window2D& w = shape.window;
  const Strip strip(shape);
  const int64_t taps = w.kernel_height;
  const int64_t k = int64_t{w.kernel_width} * shape.input_channels;
  const int64_t n = shape.output_channels;
  const int64_t panel_floats = f32_panel_floats(taps * k);
  const int64_t strips = (shape.output_height + strip.output_rows - 1) / strip.output_rows;
  const int64_t image_floats =
      int64_t{shape.input_height} * shape.input_width * shape.input_channels;
  const int64_t tasks = strips * shape.batch;
  const EvenSplit split(tasks, 1, strip.output_rows * shape.output_width * taps * k * n, pool);
  const auto one = [&](int64_t index, int thread) {
    uint8_t* const own = static_cast<uint8_t*>(scratch) + thread * strip.total();
    float* const copy = reinterpret_cast<float*>(own);
    const float** const table = reinterpret_cast<const float**>(own + strip.strip_bytes);
    const int64_t oy = index % strips * strip.output_rows;
    const int64_t output_rows = std::min(strip.output_rows, shape.output_height - oy);
    const int64_t input_rows =
        strip.input_rows - (strip.output_rows - output_rows) * w.stride_height;
    fill_strip(shape, strip, input + index / strips * image_floats,
               oy * w.stride_height - w.pad_top, input_rows, copy);
    const int64_t pixels = output_rows * shape.output_width;
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      const int64_t y = pixel / shape.output_width * w.stride_height;
      const int64_t x = pixel % shape.output_width * w.stride_width;
      const float** target =
          table + pixel / kF32TileRows * taps * kF32TileRows + pixel % kF32TileRows;
      for (int64_t tap = 0; tap < taps; ++tap, target += kF32TileRows) {
        *target = copy + (y + tap * w.dilation_height) * strip.row_floats +
                  x * shape.input_channels;
      }
    }
    float* const out =
        output + (index / strips * shape.output_height + oy) * shape.output_width * n;
    for (int64_t panel = 0; panel < f32_panel_count(n); ++panel) {
      const int64_t column = panel * kF32TileColumns;
      f32_indirect_panel(pixels, taps, k, table, 0, packed + panel * panel_floats, out + column, n,
                         std::min<int64_t>(kF32TileColumns, n - column), clamp);
    }
  };
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    for (int64_t index = split.begin(task); index < split.end(task); ++index) one(index, thread);
  });
}

}  // namespace zeolite
