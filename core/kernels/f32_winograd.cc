// CONV_2D 3x3 with stride 1 by Winograd's F(2x2, 3x3): of each 4x4 tile of the input, overlapping
// by 2, come 2x2 outputs by 16 products instead of 36:
//   Y = A^T [ (G g G^T) * (B^T d B) ] A, summed over the input channels between the brackets,
//   B^T = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1]
//   G   = [1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1]
//   A^T = [1 1 1 0; 0 1 -1 -1]
// (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.) The sums over
// channels are 16 matrix products [tiles x input channels] * [input channels x output channels].
//
// F(4x4) would be 1.5 times faster still, but its error, about 1e-4 of the largest output against
// 1e-5 here, is more than float32 models may lose.
#include <algorithm>

#include "core/kernels/f32_conv_parts.h"
#include "core/kernels/f32_matmul.h"
#include "core/kernels/f32_tile.h"
#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

constexpr int64_t kPoints = 16;  // Of a transformed tile.

// Where A^T . A adds the product to all four outputs with factor 1: the bias goes there.
constexpr int64_t kBiasPoint = 5;

// Puts the 16 points of a tile into different sets of the L1 cache.
constexpr int64_t kSkewFloats = 16;

struct Layout {
  int64_t channels;
  int64_t outputs;
  int64_t tiles_high;
  int64_t tiles_wide;
  int64_t tiles;        // Of all images.
  int64_t block_tiles;  // Transformed and multiplied together.
  int64_t zero_floats;
  int64_t point_floats;  // Packed weights of one point.

  explicit Layout(const Conv2DShape& shape)
      : channels(shape.input_channels),
        outputs(shape.output_channels),
        tiles_high((shape.output_height + 1) / 2),
        tiles_wide((shape.output_width + 1) / 2),
        tiles(shape.batch * tiles_high * tiles_wide),
        zero_floats(static_cast<int64_t>(align_up(channels * sizeof(float)) / sizeof(float))),
        point_floats(f32_panel_count(outputs) * f32_panel_floats(channels)) {
    // Some 400 KB of transformed tiles, so that they stay in L2, but not so few that the weights,
    // which pass once for each block, cost more than the tiles.
    block_tiles = std::clamp<int64_t>(100000 / (kPoints * (channels + outputs)), 36, 96);
    block_tiles = std::min(block_tiles / kF32TileRows * kF32TileRows, tiles);
  }

  int64_t input_point_stride() const { return block_tiles * channels + kSkewFloats; }
  int64_t output_point_stride() const { return block_tiles * outputs + kSkewFloats; }
  uint64_t input_bytes() const {
    return align_up(kPoints * input_point_stride() * sizeof(float));
  }
  uint64_t output_bytes() const {
    return align_up(kPoints * output_point_stride() * sizeof(float));
  }
  uint64_t block_bytes() const { return input_bytes() + output_bytes(); }
  int64_t block_count() const { return tiles == 0 ? 0 : (tiles + block_tiles - 1) / block_tiles; }
};

// One step of B^T: four values become four.
inline void transform_four(F32x4 a, F32x4 b, F32x4 c, F32x4 d, F32x4 (&out)[4]) {
  out[0] = wasm_f32x4_sub(a, c);
  out[1] = wasm_f32x4_add(b, c);
  out[2] = wasm_f32x4_sub(c, b);
  out[3] = wasm_f32x4_sub(b, d);
}

// Channels [c, c + 4) of one tile: B^T d B to target[point * point_stride].
inline void transform_input_vector(const float* const (&source)[kPoints], size_t c, float* target,
                                   size_t point_stride) {
  F32x4 columns[4][4];
#pragma GCC unroll 4
  for (int x = 0; x < 4; ++x) {
    transform_four(wasm_v128_load(source[x] + c), wasm_v128_load(source[4 + x] + c),
                   wasm_v128_load(source[8 + x] + c), wasm_v128_load(source[12 + x] + c),
                   columns[x]);
  }
#pragma GCC unroll 4
  for (int y = 0; y < 4; ++y) {
    F32x4 row[4];
    transform_four(columns[0][y], columns[1][y], columns[2][y], columns[3][y], row);
#pragma GCC unroll 4
    for (int x = 0; x < 4; ++x) {
      wasm_v128_store(target, row[x]);
      target += point_stride;
    }
  }
}

// The tile of the 16 pixels `source`; channels is 4 or more, the last vector may overlap.
[[gnu::noinline]] void transform_input_tile(const float* const (&source)[kPoints], size_t channels,
                                            float* target, size_t point_stride) {
  size_t c = 0;
  for (; c + 4 <= channels; c += 4) {
    transform_input_vector(source, c, target + c, point_stride);
  }
  if (c < channels) {
    transform_input_vector(source, channels - 4, target + channels - 4, point_stride);
  }
}

void transform_input(const Conv2DShape& shape, const Layout& layout, const float* input,
                     const float* zeros, int64_t first_tile, int64_t count, float* target) {
  const int64_t channels = layout.channels;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t tile = first_tile + i;
    const int64_t image = tile / (layout.tiles_high * layout.tiles_wide);
    const int64_t top = tile / layout.tiles_wide % layout.tiles_high * 2 - shape.window.pad_top;
    const int64_t left = tile % layout.tiles_wide * 2 - shape.window.pad_left;
    const float* source[kPoints];
    for (int64_t y = 0; y < 4; ++y) {
      const bool inside = top + y >= 0 && top + y < shape.input_height;
      const float* row =
          input + ((image * shape.input_height + top + y) * shape.input_width + left) * channels;
      for (int64_t x = 0; x < 4; ++x) {
        source[y * 4 + x] = inside && left + x >= 0 && left + x < shape.input_width
                                ? row + x * channels
                                : zeros;
      }
    }
    transform_input_tile(source, channels, target + i * channels, layout.input_point_stride());
  }
}

// A^T M A of four output channels.
inline void transform_output_vector(const float* source, size_t point_stride, F32x4 low,
                                    F32x4 high, F32x4 (&out)[4]) {
  F32x4 upper[4];
  F32x4 lower[4];
#pragma GCC unroll 4
  for (int x = 0; x < 4; ++x) {
    const float* column = source + x * point_stride;
    const F32x4 a = wasm_v128_load(column);
    const F32x4 b = wasm_v128_load(column + 4 * point_stride);
    const F32x4 c = wasm_v128_load(column + 8 * point_stride);
    const F32x4 d = wasm_v128_load(column + 12 * point_stride);
    upper[x] = wasm_f32x4_add(wasm_f32x4_add(a, b), c);
    lower[x] = wasm_f32x4_sub(wasm_f32x4_sub(b, c), d);
  }
  out[0] = wasm_f32x4_add(wasm_f32x4_add(upper[0], upper[1]), upper[2]);
  out[1] = wasm_f32x4_sub(wasm_f32x4_sub(upper[1], upper[2]), upper[3]);
  out[2] = wasm_f32x4_add(wasm_f32x4_add(lower[0], lower[1]), lower[2]);
  out[3] = wasm_f32x4_sub(wasm_f32x4_sub(lower[1], lower[2]), lower[3]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) out[i] = f32x4_clamp(out[i], low, high);
}

// The 2x2 pixels of one tile; null pixels lie outside the output.
[[gnu::noinline]] void transform_output_tile(const float* source, size_t point_stride,
                                             size_t channels, float* const (&pixels)[4],
                                             const F32Clamp& clamp) {
  const F32x4 low = wasm_f32x4_splat(clamp.min);
  const F32x4 high = wasm_f32x4_splat(clamp.max);
  for (size_t c = 0; c < channels; c += 4) {
    const size_t at = c + 4 <= channels ? c : channels - 4;
    F32x4 out[4];
    transform_output_vector(source + at, point_stride, low, high, out);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      if (pixels[i] != nullptr) wasm_v128_store(pixels[i] + at, out[i]);
    }
  }
}

void transform_output(const Conv2DShape& shape, const Layout& layout, const float* source,
                      int64_t first_tile, int64_t count, float* output, const F32Clamp& clamp) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t tile = first_tile + i;
    const int64_t image = tile / (layout.tiles_high * layout.tiles_wide);
    const int64_t top = tile / layout.tiles_wide % layout.tiles_high * 2;
    const int64_t left = tile % layout.tiles_wide * 2;
    float* pixels[4];
    for (int64_t p = 0; p < 4; ++p) {
      const int64_t y = top + p / 2;
      const int64_t x = left + p % 2;
      pixels[p] = y < shape.output_height && x < shape.output_width
                      ? output + ((image * shape.output_height + y) * shape.output_width + x) *
                                     layout.outputs
                      : nullptr;
    }
    transform_output_tile(source + i * layout.outputs, layout.output_point_stride(),
                          layout.outputs, pixels, clamp);
  }
}

// The products of one point with the panels [first, last).
void multiply_point(const Layout& layout, const float* weights, int64_t point, int64_t first,
                    int64_t last, int64_t count, const float* source, float* target) {
  const int64_t panel_floats = f32_panel_floats(layout.channels);
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t column = panel * kF32TileColumns;
    f32_gemm_panel(count, layout.channels, source + point * layout.input_point_stride(),
                   layout.channels, weights + point * layout.point_floats + panel * panel_floats,
                   target + point * layout.output_point_stride() + column, layout.outputs,
                   std::min<int64_t>(kF32TileColumns, layout.outputs - column), kNoClamp);
  }
}

}  // namespace

void f32_conv_winograd_plan(F32Conv2DPlan* plan) {
  const Layout layout(plan->shape);
  plan->packed_bytes =
      (layout.zero_floats + kPoints * layout.point_floats) * sizeof(float);
  plan->scratch_bytes = layout.block_bytes() * plan->threads;
}

void f32_conv_winograd_pack(const F32Conv2DPlan& plan, const float* weights, const float* bias,
                            float* packed) {
  const Layout layout(plan.shape);
  const int64_t channels = layout.channels;
  const int64_t panel_floats = f32_panel_floats(channels);
  std::fill_n(packed, layout.zero_floats, 0.0f);
  packed += layout.zero_floats;
  for (int64_t panel = 0; panel < f32_panel_count(layout.outputs); ++panel) {
    float* const base = packed + panel * panel_floats;
    const int64_t columns =
        std::min<int64_t>(kF32TileColumns, layout.outputs - panel * kF32TileColumns);
    if (columns < kF32TileColumns) {
      for (int64_t p = 0; p < kPoints; ++p) {
        std::fill_n(base + p * layout.point_floats, panel_floats, 0.0f);
      }
    }
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t o = panel * kF32TileColumns + column;
      for (int64_t p = 0; p < kPoints; ++p) {
        base[p * layout.point_floats + column] =
            p == kBiasPoint && bias != nullptr ? bias[o] : 0.0f;
      }
      const float* const g = weights + o * 9 * channels;
      for (int64_t c = 0; c < channels; ++c) {
        float half[4][3];  // G g
        for (int64_t x = 0; x < 3; ++x) {
          const float a = g[x * channels + c];
          const float b = g[(3 + x) * channels + c];
          const float d = g[(6 + x) * channels + c];
          half[0][x] = a;
          half[1][x] = 0.5f * (a + d) + 0.5f * b;
          half[2][x] = 0.5f * (a + d) - 0.5f * b;
          half[3][x] = d;
        }
        float* target = base + (c + 1) * kF32TileColumns + column;
        for (int64_t y = 0; y < 4; ++y, target += 4 * layout.point_floats) {
          const float a = half[y][0];
          const float b = half[y][1];
          const float d = half[y][2];
          target[0] = a;
          target[layout.point_floats] = 0.5f * (a + d) + 0.5f * b;
          target[2 * layout.point_floats] = 0.5f * (a + d) - 0.5f * b;
          target[3 * layout.point_floats] = d;
        }
      }
    }
  }
}

void f32_conv_winograd_run(const F32Conv2DPlan& plan, const float* packed, const float* input,
                           float* output, F32Clamp clamp, void* scratch, ThreadPool* pool) {
  const Conv2DShape& shape = plan.shape;
  const Layout layout(shape);
  const float* const weights = packed + layout.zero_floats;
  const int64_t panels = f32_panel_count(layout.outputs);
  const int64_t blocks = layout.block_count();
  const int threads = pool != nullptr ? pool->threads() : 1;
  const bool whole_blocks = threads == 1 || blocks >= 2 * threads;
  // With few blocks the threads share each one, step by step; else each takes blocks of its own.
  ThreadPool* const outer = whole_blocks ? pool : nullptr;
  ThreadPool* const inner = whole_blocks ? nullptr : pool;
  parallel_for(outer, blocks, [&](int64_t block, int thread) {
    uint8_t* const own = static_cast<uint8_t*>(scratch) + thread * layout.block_bytes();
    float* const tiles = reinterpret_cast<float*>(own);
    float* const products = reinterpret_cast<float*>(own + layout.input_bytes());
    const int64_t first = block * layout.block_tiles;
    const int64_t count = std::min(layout.block_tiles, layout.tiles - first);
    const EvenSplit input_split(count, 4, 100 * layout.channels, inner);
    parallel_for(input_split.pool, input_split.tasks(), [&](int64_t task) {
      const int64_t begin = input_split.begin(task);
      transform_input(shape, layout, input, packed, first + begin, input_split.end(task) - begin,
                      tiles + begin * layout.channels);
    });
    const EvenSplit product_split(kPoints * panels, 1,
                                  count * layout.channels * kF32TileColumns, inner);
    parallel_for(product_split.pool, product_split.tasks(), [&](int64_t task) {
      int64_t at = product_split.begin(task);
      while (at < product_split.end(task)) {
        const int64_t point = at / panels;
        const int64_t end = std::min(product_split.end(task), (point + 1) * panels);
        multiply_point(layout, weights, point, at - point * panels, end - point * panels, count,
                       tiles, products);
        at = end;
      }
    });
    const EvenSplit output_split(count, 4, 100 * layout.outputs, inner);
    parallel_for(output_split.pool, output_split.tasks(), [&](int64_t task) {
      const int64_t begin = output_split.begin(task);
      transform_output(shape, layout, products + begin * layout.outputs, first + begin,
                       output_split.end(task) - begin, output, clamp);
    });
  });
}

}  // namespace zeolite
