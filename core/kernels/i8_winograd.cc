// CONV_2D 3x3 with stride 1 by Winograd's F(2x2, 3x3) (f32_winograd.cc) in integers, exactly: with
// 2 G for G the weights' transform is whole and 4 times as large, at most 9 * 128; that of the
// inputs at most 4 * 255. Both fit 16 bits. All sums are taken modulo 2^32, so nothing is lost on
// the way as long as 4 times the true sum fits 32 bits, and a shift by 2 gives it.
#include "core/kernels/i8_conv_parts.h"
#include "core/kernels/i8_store.h"
#include "core/kernels/simd.h"

namespace zeolite {
namespace {

constexpr int64_t kPoints = 16;  // Of a transformed tile.
constexpr int kRows = kI8TileRows;
constexpr int64_t kColumns = kI8TileColumns;

// Puts the 16 points of a tile into different sets of the L1 cache.
constexpr int64_t kSkewBytes = 64;

struct Layout {
  int64_t channels;
  int64_t outputs;
  int64_t tiles_high;
  int64_t tiles_wide;
  int64_t tiles;        // Of all images.
  int64_t block_tiles;  // Transformed and multiplied together.
  int64_t head_count;   // Of 8 output channels each; the last may overlap the one before.
  PanelForm form;       // Of one point.
  uint64_t point_bytes;

  explicit Layout(const I8Conv2DPlan& plan)
      : channels(plan.shape.input_channels),
        outputs(plan.shape.output_channels),
        tiles_high((plan.shape.output_height + 1) / 2),
        tiles_wide((plan.shape.output_width + 1) / 2),
        tiles(plan.shape.batch * tiles_high * tiles_wide),
        head_count(i8_panel_count(outputs)),
        form{1, channels, true},
        point_bytes(i8_packed_bytes(form, outputs)) {
    // Some 400 KB of transformed tiles, so that they stay in L2, but not so few that the weights,
    // which pass once for each block, cost more than the tiles.
    block_tiles = std::clamp<int64_t>(400000 / (kPoints * (2 * channels + 4 * outputs)), 36, 128);
    block_tiles = std::min(block_tiles / kRows * kRows, (tiles + kRows - 1) / kRows * kRows);
  }

  uint64_t heads_bytes() const { return static_cast<uint64_t>(head_count) * sizeof(PanelHead); }
  int64_t input_stride() const {  // From point to point, in elements.
    return block_tiles * channels + kSkewBytes / static_cast<int64_t>(sizeof(int16_t));
  }
  int64_t output_stride() const {
    return block_tiles * outputs + kSkewBytes / static_cast<int64_t>(sizeof(int32_t));
  }
  uint64_t input_bytes() const { return align_up(kPoints * input_stride() * sizeof(int16_t)); }
  uint64_t output_bytes() const { return align_up(kPoints * output_stride() * sizeof(int32_t)); }
  uint64_t table_bytes() const { return align_up(block_tiles * sizeof(const int16_t*)); }
  uint64_t block_bytes() const { return input_bytes() + output_bytes() + table_bytes(); }
  int64_t block_count() const { return (tiles + block_tiles - 1) / block_tiles; }
  int64_t first_output(int64_t head) const { return std::min(head * kColumns, outputs - kColumns); }
};

// One step of B^T: four values become four.
inline void transform_four(v128_t a, v128_t b, v128_t c, v128_t d, v128_t (&out)[4]) {
  out[0] = wasm_i16x8_sub(a, c);
  out[1] = wasm_i16x8_add(b, c);
  out[2] = wasm_i16x8_sub(c, b);
  out[3] = wasm_i16x8_sub(b, d);
}

// B^T d B of one tile, whose pixels are `row` elements below and `channels` beside each other.
[[gnu::noinline]] void transform_input_tile(const int16_t* tile, size_t row, size_t channels,
                                            int16_t* target, size_t point_stride) {
  for (size_t c = 0; c < channels; c += 8) {
    const size_t at = c + 8 <= channels ? c : channels - 8;
    v128_t columns[4][4];
#pragma GCC unroll 4
    for (int x = 0; x < 4; ++x) {
      const int16_t* const pixel = tile + x * channels + at;
      transform_four(wasm_v128_load(pixel), wasm_v128_load(pixel + row),
                     wasm_v128_load(pixel + 2 * row), wasm_v128_load(pixel + 3 * row), columns[x]);
    }
    int16_t* to = target + at;
#pragma GCC unroll 4
    for (int y = 0; y < 4; ++y) {
      v128_t out[4];
      transform_four(columns[0][y], columns[1][y], columns[2][y], columns[3][y], out);
#pragma GCC unroll 4
      for (int x = 0; x < 4; ++x) {
        wasm_v128_store(to, out[x]);
        to += point_stride;
      }
    }
  }
}

// A^T M A of four output channels, 4 times too large; then the right size and the bias.
inline void transform_output_vector(const int32_t* source, size_t point_stride, v128_t bias,
                                    v128_t (&out)[4]) {
  v128_t upper[4];
  v128_t lower[4];
#pragma GCC unroll 4
  for (int x = 0; x < 4; ++x) {
    const int32_t* const column = source + x * point_stride;
    const v128_t a = wasm_v128_load(column);
    const v128_t b = wasm_v128_load(column + 4 * point_stride);
    const v128_t c = wasm_v128_load(column + 8 * point_stride);
    const v128_t d = wasm_v128_load(column + 12 * point_stride);
    upper[x] = wasm_i32x4_add(wasm_i32x4_add(a, b), c);
    lower[x] = wasm_i32x4_sub(wasm_i32x4_sub(b, c), d);
  }
  out[0] = wasm_i32x4_add(wasm_i32x4_add(upper[0], upper[1]), upper[2]);
  out[1] = wasm_i32x4_sub(wasm_i32x4_sub(upper[1], upper[2]), upper[3]);
  out[2] = wasm_i32x4_add(wasm_i32x4_add(lower[0], lower[1]), lower[2]);
  out[3] = wasm_i32x4_sub(wasm_i32x4_sub(lower[1], lower[2]), lower[3]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) out[i] = wasm_i32x4_add(wasm_i32x4_shr(out[i], 2), bias);
}

// The 2x2 pixels of one tile; null pixels lie outside the output.
[[gnu::noinline]] void transform_output_tile(const SumStage& stage, const Layout& layout,
                                             const PanelHead* heads, const int32_t* source,
                                             uint8_t* const (&pixels)[4], float scale) {
  const size_t stride = static_cast<size_t>(layout.output_stride());
  TileTarget target;
  target.is_whole = true;
  for (int i = 0; i < 4; ++i) {
    target.is_whole = target.is_whole && pixels[i] != nullptr;
    target.row_scales[i] = scale;
  }
  const bool is_float = stage.output == SumOutput::kFloat32;
  const int64_t bytes = stage.element_bytes();
  for (int64_t index = 0; index < layout.head_count; ++index) {
    const PanelHead& head = heads[index];
    const int64_t first = layout.first_output(index);
    TileSums sums;
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      v128_t out[4];
      transform_output_vector(source + first + 4 * half, stride,
                              is_float ? wasm_i32x4_splat(0) : wasm_v128_load(head.bias + 4 * half),
                              out);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) wasm_v128_store(sums.at[i] + 4 * half, out[i]);
    }
    for (int i = 0; i < 4; ++i) {
      target.rows[i] = pixels[i] != nullptr ? pixels[i] + first * bytes : nullptr;
    }
    i8_store_tile(stage, head, sums, target);
  }
}

}  // namespace

bool i8_fits_winograd(const I8Conv2DPlan& plan) {
  const Conv2DShape& shape = plan.shape;
  const Window2D& w = shape.window;
  // 4 times the largest sum fits 32 bits.
  constexpr int64_t kMostChannels = ((int64_t{1} << 31) - 1) / (4 * 9 * 255 * 128);
  return w.kernel_height == 3 && w.kernel_width == 3 && w.stride_height == 1 &&
         w.stride_width == 1 && w.dilation_height == 1 && w.dilation_width == 1 &&
         shape.groups == 1 && shape.input_channels >= 32 && shape.output_channels >= 16 &&
         shape.input_channels <= kMostChannels && !plan.form.wide &&
         plan.activations.type != ActivationType::kInt16 && w.pad_top <= 2 && w.pad_left <= 2 &&
         int64_t{shape.batch} * ((shape.output_height + 1) / 2) * ((shape.output_width + 1) / 2) >=
             2 * kRows;
}

void i8_winograd_plan(I8Conv2DPlan* plan) {
  plan->padded_height = (plan->shape.output_height + 1) / 2 * 2 + 2;
  plan->padded_width = (plan->shape.output_width + 1) / 2 * 2 + 2;
  const Layout layout(*plan);
  plan->packed_bytes = layout.heads_bytes() + kPoints * layout.point_bytes;
  plan->scratch_bytes =
      i8_images_bytes(*plan) + i8_scales_bytes(*plan) + layout.block_bytes() * plan->threads;
}

void i8_winograd_pack(const I8Conv2DPlan& plan, const I8Weights& weights,
                      const SumColumns& columns, void* packed) {
  const Layout layout(plan);
  const int64_t channels = layout.channels;
  const int64_t largest_sum = 9 * channels * 255 * 128;
  auto* const heads = static_cast<PanelHead*>(packed);
  for (int64_t index = 0; index < layout.head_count; ++index) {
    i8_panel_head(plan.stage, columns, layout.first_output(index), kColumns, largest_sum,
                  &heads[index]);
  }
  uint8_t* const points = static_cast<uint8_t*>(packed) + layout.heads_bytes();
  std::memset(points, 0, kPoints * layout.point_bytes);
  for (int64_t o = 0; o < layout.outputs; ++o) {
    uint8_t* const panel =
        points + o / kColumns * layout.form.panel_bytes() + sizeof(PanelHead);
    for (int64_t c = 0; c < channels; ++c) {
      int32_t g[9];
#pragma GCC unroll 1
      for (int64_t i = 0; i < 9; ++i) g[i] = weights.at((o * 9 + i) * channels + c);
      int32_t half[4][3];  // 2 G g
      for (int64_t x = 0; x < 3; ++x) {
        const int32_t a = g[x];
        const int32_t b = g[x + 3];
        const int32_t d = g[x + 6];
        half[0][x] = 2 * a;
        half[1][x] = a + b + d;
        half[2][x] = a - b + d;
        half[3][x] = 2 * d;
      }
      const int64_t at = c / 2 * 2 * kColumns + o % kColumns * 2 + c % 2;
      for (int64_t y = 0; y < 4; ++y) {
        const int32_t a = half[y][0];
        const int32_t b = half[y][1];
        const int32_t d = half[y][2];
        const int32_t row[4] = {2 * a, a + b + d, a - b + d, 2 * d};
        for (int64_t x = 0; x < 4; ++x) {
          reinterpret_cast<int16_t*>(panel + (y * 4 + x) * layout.point_bytes)[at] =
              static_cast<int16_t>(row[x]);
        }
      }
    }
  }
}

void i8_winograd_run(const I8Conv2DPlan& plan, const void* packed, const int16_t* images,
                     const BatchScale* scales, void* output, void* scratch, ThreadPool* pool) {
  const Conv2DShape& shape = plan.shape;
  const Layout layout(plan);
  const auto* const heads = static_cast<const PanelHead*>(packed);
  const uint8_t* const points = static_cast<const uint8_t*>(packed) + layout.heads_bytes();
  const int64_t row = plan.padded_width * layout.channels;
  const int64_t bytes = plan.stage.element_bytes();
  SumStage sums;
  sums.output = SumOutput::kInt32;

  const auto tile_place = [&](int64_t tile, int64_t* image, int64_t* y, int64_t* x) {
    *image = tile / (layout.tiles_high * layout.tiles_wide);
    *y = tile / layout.tiles_wide % layout.tiles_high * 2;
    *x = tile % layout.tiles_wide * 2;
  };
  const int64_t blocks = layout.block_count();
  const int threads = pool != nullptr ? pool->threads() : 1;
  // With few blocks the threads share each one, step by step; else each takes blocks of its own.
  const bool whole_blocks = threads == 1 || blocks >= 2 * threads;
  ThreadPool* const outer = whole_blocks ? pool : nullptr;
  ThreadPool* const inner = whole_blocks ? nullptr : pool;
  parallel_for(outer, blocks, [&](int64_t block, int thread) {
    uint8_t* const own = static_cast<uint8_t*>(scratch) + thread * layout.block_bytes();
    auto* const tiles = reinterpret_cast<int16_t*>(own);
    auto* const products = reinterpret_cast<int32_t*>(own + layout.input_bytes());
    auto** const table =
        reinterpret_cast<const int16_t**>(own + layout.input_bytes() + layout.output_bytes());
    const int64_t first = block * layout.block_tiles;
    const int64_t count = std::min(layout.block_tiles, layout.tiles - first);
    for (int64_t i = 0; i < layout.block_tiles; ++i) {
      table[i] = tiles + std::min(i, count - 1) * layout.channels;
    }
    const EvenSplit input_split(count, 4, 50 * layout.channels, inner);
    parallel_for(input_split.pool, input_split.tasks(), [&](int64_t task) {
      for (int64_t i = input_split.begin(task); i < input_split.end(task); ++i) {
        int64_t image, y, x;
        tile_place(first + i, &image, &y, &x);
        transform_input_tile(
            images + (image * plan.padded_height + y) * row + x * layout.channels, row,
            layout.channels, tiles + i * layout.channels, layout.input_stride());
      }
    });
    const int64_t panels = i8_panel_count(layout.outputs);
    const EvenSplit product_split(kPoints * panels, 1, count * layout.channels * kColumns, inner);
    parallel_for(product_split.pool, product_split.tasks(), [&](int64_t task) {
      for (int64_t at = product_split.begin(task); at < product_split.end(task); ++at) {
        const int64_t point = at / panels;
        const int64_t column = at % panels * kColumns;
        i8_panel(sums, layout.form, count, table,
                 static_cast<size_t>(point * layout.input_stride()),
                 points + point * layout.point_bytes + at % panels * layout.form.panel_bytes(),
                 nullptr, products + point * layout.output_stride() + column, layout.outputs,
                 static_cast<size_t>(std::min(kColumns, layout.outputs - column)));
      }
    });
    const EvenSplit output_split(count, 4, 100 * layout.outputs, inner);
    parallel_for(output_split.pool, output_split.tasks(), [&](int64_t task) {
      for (int64_t i = output_split.begin(task); i < output_split.end(task); ++i) {
        int64_t image, y, x;
        tile_place(first + i, &image, &y, &x);
        uint8_t* pixels[4];
        for (int64_t p = 0; p < 4; ++p) {
          const int64_t oy = y + p / 2;
          const int64_t ox = x + p % 2;
          const bool inside = oy < shape.output_height && ox < shape.output_width;
          pixels[p] = inside ? static_cast<uint8_t*>(output) +
                                   ((image * shape.output_height + oy) * shape.output_width + ox) *
                                       layout.outputs * bytes
                             : nullptr;
        }
        transform_output_tile(plan.stage, layout, heads, products + i * layout.outputs, pixels,
                              scales != nullptr ? scales[image].scale : 1.0f);
      }
    });
  });
}

}  // namespace zeolite
