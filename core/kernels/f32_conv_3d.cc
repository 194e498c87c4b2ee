#include "core/kernels/f32_conv_3d.h"

#include <algorithm>

#include "core/kernels/f32_matmul.h"
#include "core/kernels/f32_tile.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

// Position `index` along each axis of sizes (any, a, b).
struct Place {
  int64_t at[3];

  Place(int64_t index, int64_t height, int64_t width)
      : at{index / width / height, index / width % height, index % width} {}
};

// Where tap `tap` of `shape` lies along each axis.
Place tap_place(const Conv3DShape& shape, int64_t tap) {
  return Place(tap, shape.axes[1].kernel, shape.axes[2].kernel);
}

int64_t zero_floats(const Conv3DShape& shape) {
  return static_cast<int64_t>(align_up(shape.input_channels * sizeof(float)) / sizeof(float));
}

uint64_t table_bytes(const Conv3DShape& shape) {
  return align_up(TileSplit::kMaxBlockRows * shape.taps() * sizeof(const float*));
}

// As f32_conv_fill_table, with one more axis.
void fill_table(const Conv3DShape& shape, const float* input, const float* zeros, int64_t first,
                int64_t count, const float** table) {
  const Conv3DAxis* const axes = shape.axes;
  const int64_t taps = shape.taps();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t pixel = first + i;
    const float* const image =
        input + pixel / shape.output_pixels() * shape.input_pixels() * shape.input_channels;
    const Place out(pixel % shape.output_pixels(), axes[1].output, axes[2].output);
    const float** target = table + i / kF32TileRows * taps * kF32TileRows + i % kF32TileRows;
    for (int64_t tap = 0; tap < taps; ++tap, target += kF32TileRows) {
      const Place k = tap_place(shape, tap);
      bool inside = true;
      int64_t at = 0;
      for (int a = 0; a < 3; ++a) {
        const int64_t position =
            out.at[a] * axes[a].stride - axes[a].pad + k.at[a] * axes[a].dilation;
        inside = inside && position >= 0 && position < axes[a].input;
        at = at * axes[a].input + position;
      }
      *target = inside ? image + at * shape.input_channels : zeros;
    }
  }
}

}  // namespace

uint64_t f32_conv_3d_packed_bytes(const Conv3DShape& shape) {
  return zero_floats(shape) * sizeof(float) +
         f32_gemm_packed_bytes(shape.output_channels, shape.taps() * shape.input_channels);
}

void f32_conv_3d_pack(const Conv3DShape& shape, const float* weights, const float* bias,
                      void* packed) {
  float* const target = static_cast<float*>(packed);
  std::fill_n(target, zero_floats(shape), 0.0f);
  f32_gemm_pack(shape.output_channels, shape.taps() * shape.input_channels, weights, 1,
                shape.output_channels, bias, target + zero_floats(shape));
}

uint64_t f32_conv_3d_scratch_bytes(const Conv3DShape& shape, int threads) {
  return table_bytes(shape) * static_cast<uint64_t>(std::max(threads, 1));
}

void f32_conv_3d_run(const Conv3DShape& shape, const void* packed, const float* input,
                     float* output, F32Clamp clamp, void* scratch, ThreadPool* pool) {
  const float* const zeros = static_cast<const float*>(packed);
  const float* const weights = zeros + zero_floats(shape);
  const int64_t n = shape.output_channels;
  const int64_t k = shape.input_channels;
  const int64_t taps = shape.taps();
  const int64_t panel_floats = f32_panel_floats(taps * k);
  const TileSplit split(shape.batch * shape.output_pixels(), n, taps * k * n, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    const TileSplit::Part part = split.part(task);
    const float** const table = reinterpret_cast<const float**>(
        static_cast<uint8_t*>(scratch) + thread * table_bytes(shape));
    fill_table(shape, input, zeros, part.row, part.rows, table);
    for (int64_t panel = part.first_panel; panel < part.last_panel; ++panel) {
      const int64_t column = panel * kF32TileColumns;
      f32_indirect_panel(part.rows, taps, k, table, 0, weights + panel * panel_floats,
                         output + part.row * n + column, n,
                         std::min<int64_t>(kF32TileColumns, n - column), clamp);
    }
  });
}

namespace {

// Input pixels whose products with all weights are made at once.
int64_t block_pixels(const Conv3DShape& shape) {
  const int64_t row = shape.taps() * shape.output_channels;
  return std::clamp<int64_t>(100000 / std::max<int64_t>(row, 1), 1, 96);
}

}  // namespace

uint64_t f32_conv_3d_transpose_packed_bytes(const Conv3DShape& shape) {
  return f32_gemm_packed_bytes(shape.taps() * shape.output_channels, shape.input_channels);
}

void f32_conv_3d_transpose_pack(const Conv3DShape& shape, const float* weights, void* packed) {
  f32_gemm_pack(shape.taps() * shape.output_channels, shape.input_channels, weights,
                shape.input_channels, 1, nullptr, static_cast<float*>(packed));
}

uint64_t f32_conv_3d_transpose_scratch_bytes(const Conv3DShape& shape) {
  return static_cast<uint64_t>(block_pixels(shape) * shape.taps() * shape.output_channels) *
         sizeof(float);
}

void f32_conv_3d_transpose_run(const Conv3DShape& shape, const void* packed, const float* bias,
                               const float* input, float* output, F32Clamp clamp, void* scratch,
                               ThreadPool* pool) {
  const Conv3DAxis* const axes = shape.axes;
  const int64_t n = shape.output_channels;
  const int64_t k = shape.input_channels;
  const int64_t taps = shape.taps();
  const int64_t outputs = shape.batch * shape.output_pixels();
  for (int64_t i = 0; i < outputs; ++i) {
    for (int64_t c = 0; c < n; ++c) output[i * n + c] = bias != nullptr ? bias[c] : 0.0f;
  }
  float* const products = static_cast<float*>(scratch);
  const int64_t pixels = shape.batch * shape.input_pixels();
  const int64_t block = block_pixels(shape);
  for (int64_t first = 0; first < pixels; first += block) {
    const int64_t count = std::min(block, pixels - first);
    f32_gemm(count, taps * n, k, input + first * k, k, static_cast<const float*>(packed), products,
             taps * n, kNoClamp, pool);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t pixel = first + i;
      float* const image = output + pixel / shape.input_pixels() * shape.output_pixels() * n;
      const Place in(pixel % shape.input_pixels(), axes[1].input, axes[2].input);
      for (int64_t tap = 0; tap < taps; ++tap) {
        const Place t = tap_place(shape, tap);
        bool inside = true;
        int64_t at = 0;
        for (int a = 0; a < 3; ++a) {
          const int64_t position =
              in.at[a] * axes[a].stride + t.at[a] * axes[a].dilation - axes[a].pad;
          inside = inside && position >= 0 && position < axes[a].output;
          at = at * axes[a].output + position;
        }
        if (!inside) continue;
        const float* const source = products + (i * taps + tap) * n;
        for (int64_t c = 0; c < n; ++c) image[at * n + c] += source[c];
      }
    }
  }
  for (int64_t i = 0; i < outputs * n; ++i) {
    const float raised = output[i] < clamp.min ? clamp.min : output[i];
    output[i] = raised > clamp.max ? clamp.max : raised;
  }
}

}  // namespace zeolite
