// DEPTHWISE_CONV_2D of 8 and 16 bits with 8 channels at a time. Four rows of the input are
// interleaved, so that the products of a channel's four rows are one lane of a dot product: with
// 3x3 and stride 1 four rows make two rows of the output, and each interleaved pixel serves three
// of their columns.
//
// A block of 8 channels of the rows that are needed is interleaved, some KB, and used at once. With
// i32x4_dot4_add a pixel is 4 bytes a channel; elsewhere 4 numbers of 16 bits, minus the zero
// point.
#include "core/kernels/i8_depthwise_parts.h"
#include "core/kernels/i8_tile.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

constexpr int64_t kColumns = kI8TileColumns;
constexpr int kRows = kI8TileRows;
constexpr int64_t kGroupRows = 4;  // Interleaved with each other.

struct Layout {
  int64_t channels;   // Of the output.
  int64_t columns;    // Of a block: 8, or all where there are fewer.
  int64_t blocks;
  bool is_expanded;   // Each channel is repeated for its outputs, and fewer than 8 are made 8.
  int64_t element_bytes;  // Of the images: 1 or 2.
  int64_t stride;         // Bytes between their pixels.
  int64_t groups;         // Of input rows.
  int64_t kernel_width;
  int64_t output_rows;    // Made from the groups at once: 1 or 2,
  int64_t distance;       // which are so far apart.
  int64_t pixel_bytes;    // Of a block.
  int64_t width;          // Pixels of a group's row with padding.
  uint64_t block_bytes;   // Packed: a head and the weights.
  uint64_t scale_bytes;   // A BatchScale for each image of floats.
  uint64_t images_bytes;  // The images in 8 bits, where they are not those of the input.
  uint64_t row_bytes;     // A row of floats in 8 bits, to be expanded.
  uint64_t own_bytes;     // Of one thread: interleaved rows.

  explicit Layout(const I8DepthwiseConv2DPlan& plan) {
    const DepthwiseConv2DShape& shape = plan.shape;
    const Window2D& w = shape.window;
    channels = int64_t{shape.input_channels} * shape.multiplier;
    columns = std::min(kColumns, channels);
    is_expanded = shape.multiplier > 1 || channels < kColumns;
    element_bytes = plan.activations.type == ActivationType::kInt16 ? 2 : 1;
    stride = std::max(channels, kColumns) * element_bytes;
    blocks = (channels + kColumns - 1) / kColumns;
    groups = (w.kernel_height + kGroupRows - 1) / kGroupRows;
    kernel_width = w.kernel_width;
    const bool two = (w.dilation_height == 1 || w.stride_height == 1) &&
                     shape.output_height > w.dilation_height &&
                     w.kernel_height + w.stride_height <= groups * kGroupRows;
    output_rows = two ? 2 : 1;
    distance = two ? w.dilation_height : 1;
    pixel_bytes = plan.quads ? 32 : 64;
    width = int64_t{std::max(shape.output_width, kRows) - 1} * w.stride_width +
            (kernel_width - 1) * w.dilation_width + 1;
    block_bytes = sizeof(PanelHead) +
                  static_cast<uint64_t>(groups * kernel_width * output_rows * pixel_bytes);
    const bool is_float = plan.activations.type == ActivationType::kFloat32;
    scale_bytes = is_float ? align_up(shape.batch * sizeof(BatchScale)) : 0;
    images_bytes =
        is_float || is_expanded
            ? align_up(shape.batch * int64_t{shape.input_height} * shape.input_width * stride)
            : 0;
    row_bytes = is_float && is_expanded
                    ? align_up(int64_t{shape.input_width} * shape.input_channels)
                    : 0;
    own_bytes = align_up(groups * width * pixel_bytes);
  }

  int64_t strips(int64_t height) const {
    const int64_t rows = output_rows * distance;
    return (height + rows - 1) / rows * distance;
  }
  int64_t first_channel(int64_t block) const {
    return std::min(block * kColumns, channels - columns);
  }
};

// Four rows of bytes of which some may be the one pixel of padding: `steps` is 0 there.
struct FourRows {
  const uint8_t* at[kGroupRows];
  size_t steps[kGroupRows];
  uint8_t flip;  // Makes the bytes unsigned numbers that are `offset` too large.
  int32_t offset;
};

template <bool Quads>
[[gnu::noinline]] uint8_t* interleave(const FourRows& rows, int64_t count, uint8_t* to) {
  const v128_t flip = wasm_i8x16_splat(static_cast<int8_t>(rows.flip));
  const v128_t offset = wasm_i16x8_splat(static_cast<int16_t>(rows.offset));
  const uint8_t* a = rows.at[0];
  const uint8_t* b = rows.at[1];
  const uint8_t* c = rows.at[2];
  const uint8_t* d = rows.at[3];
  for (; count > 0; --count) {
    const v128_t ab = wasm_v128_xor(
        wasm_i8x16_shuffle(wasm_v128_load64_zero(a), wasm_v128_load64_zero(b), 0, 16, 1, 17, 2, 18,
                           3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
        flip);
    const v128_t cd = wasm_v128_xor(
        wasm_i8x16_shuffle(wasm_v128_load64_zero(c), wasm_v128_load64_zero(d), 0, 16, 1, 17, 2, 18,
                           3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
        flip);
    a += rows.steps[0];
    b += rows.steps[1];
    c += rows.steps[2];
    d += rows.steps[3];
    if (Quads) {
      wasm_v128_store(to, wasm_i16x8_shuffle(ab, cd, 0, 8, 1, 9, 2, 10, 3, 11));
      wasm_v128_store(to + 16, wasm_i16x8_shuffle(ab, cd, 4, 12, 5, 13, 6, 14, 7, 15));
      to += 32;
    } else {
      wasm_v128_store(to, wasm_i16x8_sub(wasm_u16x8_extend_low_u8x16(ab), offset));
      wasm_v128_store(to + 16, wasm_i16x8_sub(wasm_u16x8_extend_low_u8x16(cd), offset));
      wasm_v128_store(to + 32, wasm_i16x8_sub(wasm_u16x8_extend_high_u8x16(ab), offset));
      wasm_v128_store(to + 48, wasm_i16x8_sub(wasm_u16x8_extend_high_u8x16(cd), offset));
      to += 64;
    }
  }
  return to;
}

// The same for rows of 16 bits.
[[gnu::noinline]] uint8_t* interleave_16(const FourRows& rows, int64_t count, uint8_t* to) {
  const uint8_t* at[kGroupRows];
  std::copy_n(rows.at, kGroupRows, at);
  for (; count > 0; --count, to += 64) {
    v128_t pixel[kGroupRows];
#pragma GCC unroll 4
    for (int i = 0; i < kGroupRows; ++i) {
      pixel[i] = wasm_v128_load(at[i]);
      at[i] += rows.steps[i];
    }
    wasm_v128_store(to, wasm_i16x8_shuffle(pixel[0], pixel[1], 0, 8, 1, 9, 2, 10, 3, 11));
    wasm_v128_store(to + 16, wasm_i16x8_shuffle(pixel[2], pixel[3], 0, 8, 1, 9, 2, 10, 3, 11));
    wasm_v128_store(to + 32, wasm_i16x8_shuffle(pixel[0], pixel[1], 4, 12, 5, 13, 6, 14, 7, 15));
    wasm_v128_store(to + 48, wasm_i16x8_shuffle(pixel[2], pixel[3], 4, 12, 5, 13, 6, 14, 7, 15));
  }
  return to;
}

// sum + the products of the four rows of 4 channels.
template <bool Quads>
[[gnu::always_inline]] inline v128_t add_four(v128_t sum, const uint8_t* x, const uint8_t* w) {
  if (Quads) return i32x4_dot4_add(wasm_v128_load(w), wasm_v128_load(x), sum);
  sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(wasm_v128_load(x), wasm_v128_load(w)));
  return wasm_i32x4_add(sum,
                        wasm_i32x4_dot_i16x8(wasm_v128_load(x + 16), wasm_v128_load(w + 16)));
}

// One block of channels of one or two rows of the output.
struct BlockRun {
  const SumStage& stage;
  const PanelHead& head;
  const uint8_t* weights;
  size_t weight_step;  // From column to column of the kernel.
  const uint8_t* pixels;
  size_t group_bytes;
  size_t groups;
  size_t kernel_width;
  size_t tap_bytes;     // From column to column of the kernel, in `pixels`.
  size_t stride_bytes;  // From column to column of the output, in `pixels`.
  size_t output_width;
  size_t output_step;   // Bytes between pixels of the output.
  size_t columns;
  BatchScale scale;
  v128_t start[2];
};

template <bool Quads, int OutputRows>
[[gnu::noinline]] void block_rows(const BlockRun& run, uint8_t* out, uint8_t* second) {
  constexpr int kAtOnce = kRows / OutputRows;
  constexpr size_t kHalf = Quads ? 16 : 32;
  PanelRow scales[kRows];
  for (PanelRow& row : scales) row.scale = run.scale.scale;
  const size_t width = run.output_width;
  for (size_t x = 0; x < width; x += kAtOnce) {
    // The last tile overlaps the one before.
    if (x + kAtOnce > width && width >= kAtOnce) x = width - kAtOnce;
    I8Tile<kRows> tile;
    tile.start(run.start[0], run.start[1]);
    const uint8_t* w = run.weights;
    const uint8_t* group = run.pixels + x * run.stride_bytes;
    for (size_t g = 0; g < run.groups; ++g, group += run.group_bytes) {
      const uint8_t* pixel = group;
      for (size_t k = 0; k < run.kernel_width; ++k, pixel += run.tap_bytes, w += run.weight_step) {
#pragma GCC unroll 4
        for (int i = 0; i < kRows; ++i) {
          const uint8_t* const from = pixel + i % kAtOnce * run.stride_bytes;
          const uint8_t* const by = w + i / kAtOnce * 2 * kHalf;
          tile.sum[i][0] = add_four<Quads>(tile.sum[i][0], from, by);
          tile.sum[i][1] = add_four<Quads>(tile.sum[i][1], from + kHalf, by + kHalf);
        }
      }
    }
    uint8_t* rows[kRows];
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) {
      rows[i] = (i < kAtOnce ? out : second) + (x + i % kAtOnce) * run.output_step;
    }
    if (width < kAtOnce) {
      for (size_t i = 0; i < kRows; ++i) {
        if (i % kAtOnce >= width) rows[i] = nullptr;
      }
    }
    // The ends twice are enough: where pairs are multiplied they matter less.
    finish_tile<kRows, Quads>(run.stage, run.head, tile, rows, width >= kAtOnce, run.columns,
                              scales);
  }
}

struct Run {
  const I8DepthwiseConv2DPlan& plan;
  const Layout layout;
  const uint8_t* packed;
  const uint8_t* input;  // In 8 bits.
  uint8_t* output;
  const BatchScale* scales;

  // One or two rows of the output.
  void make(int64_t image, int64_t strip, uint8_t* own) const {
    const DepthwiseConv2DShape& shape = plan.shape;
    const int64_t distance = layout.distance;
    const int64_t oy = strip / distance * distance * layout.output_rows + strip % distance;
    if (oy >= shape.output_height) return;
    const bool two = layout.output_rows == 2 && oy + distance < shape.output_height;
    const Window2D& w = shape.window;
    const bool is_float = scales != nullptr;
    const BatchScale scale = is_float ? scales[image] : BatchScale();
    const int32_t offset = is_float ? scale.zero_point + 128 : plan.offset;
    const uint8_t flip =
        !is_float && plan.activations.type == ActivationType::kInt8 ? uint8_t{0x80} : uint8_t{0};
    const bool is_wide = plan.activations.type == ActivationType::kInt16;
    uint8_t padding[2 * kColumns];
    std::fill_n(padding, 2 * kColumns, static_cast<uint8_t>(offset ^ flip));

    const int64_t row_bytes = shape.input_width * layout.stride;
    const int64_t left = std::min<int64_t>(w.pad_left, layout.width);
    const int64_t inside = std::min<int64_t>(shape.input_width, layout.width - left);
    const int64_t bytes = plan.stage.element_bytes();
    const int64_t out_row = int64_t{shape.output_width} * layout.channels * bytes;
    for (int64_t block = 0; block < layout.blocks; ++block) {
      const int64_t first = layout.first_channel(block);
      uint8_t* to = own;
      for (int64_t group = 0; group < layout.groups; ++group) {
        const FourRows outside = {{padding, padding, padding, padding}, {}, flip, offset};
        FourRows four = outside;
        for (int64_t i = 0; i < kGroupRows; ++i) {
          const int64_t y = oy * w.stride_height - w.pad_top +
                            (group * kGroupRows + i) * w.dilation_height;
          if (y < 0 || y >= shape.input_height) continue;
          four.at[i] = input + (image * shape.input_height + y) * row_bytes +
                       first * layout.element_bytes;
          four.steps[i] = static_cast<size_t>(layout.stride);
        }
        const int64_t counts[3] = {left, inside, layout.width - left - inside};
        for (int i = 0; i < 3; ++i) {
          const FourRows& rows_of = i == 1 ? four : outside;
          to = is_wide      ? interleave_16(rows_of, counts[i], to)
               : plan.quads ? interleave<true>(rows_of, counts[i], to)
                            : interleave<false>(rows_of, counts[i], to);
        }
      }
      const uint8_t* const from = packed + block * layout.block_bytes;
      const PanelHead& head = *reinterpret_cast<const PanelHead*>(from);
      BlockRun run = {plan.stage,
                      head,
                      from + sizeof(PanelHead),
                      static_cast<size_t>(layout.output_rows * layout.pixel_bytes),
                      own,
                      static_cast<size_t>(layout.width * layout.pixel_bytes),
                      static_cast<size_t>(layout.groups),
                      static_cast<size_t>(layout.kernel_width),
                      static_cast<size_t>(w.dilation_width * layout.pixel_bytes),
                      static_cast<size_t>(w.stride_width * layout.pixel_bytes),
                      static_cast<size_t>(shape.output_width),
                      static_cast<size_t>(layout.channels * bytes),
                      static_cast<size_t>(layout.columns),
                      scale,
                      {}};
      for (int half = 0; half < 2; ++half) {
        run.start[half] = is_float ? wasm_i32x4_mul(wasm_v128_load(head.weight_sum + 4 * half),
                                                    wasm_i32x4_splat(-offset))
                          : plan.stage.wide ? wasm_i32x4_splat(0)
                                            : wasm_v128_load(head.bias + 4 * half);
      }
      uint8_t* const out =
          output + (image * shape.output_height + oy) * out_row + first * bytes;
      if (plan.quads) {
        two ? block_rows<true, 2>(run, out, out + distance * out_row)
            : block_rows<true, 1>(run, out, nullptr);
      } else {
        two ? block_rows<false, 2>(run, out, out + distance * out_row)
            : block_rows<false, 1>(run, out, nullptr);
      }
    }
  }
};

// The images in 8 bits with each channel as often as it has outputs, 8 at least.
void expand(const I8DepthwiseConv2DPlan& plan, const Layout& layout, const void* input,
            const BatchScale* scales, uint8_t* images) {
  const DepthwiseConv2DShape& shape = plan.shape;
  const int64_t row = int64_t{shape.input_width} * shape.input_channels;
  uint8_t* const quantized = images + layout.images_bytes;
  for (int64_t y = 0; y < int64_t{shape.batch} * shape.input_height; ++y) {
    const uint8_t* from = static_cast<const uint8_t*>(input) + y * row;
    if (scales != nullptr) {
      quantize_activations(scales[y / shape.input_height],
                           static_cast<const float*>(input) + y * row, row, quantized);
      from = quantized;
    }
    for (int64_t x = 0; x < shape.input_width; ++x) {
      for (int64_t c = 0; c < layout.channels; ++c) images[c] = from[c / shape.multiplier];
      std::fill(images + layout.channels, images + layout.stride, uint8_t{0});
      images += layout.stride;
      from += shape.input_channels;
    }
  }
}

}  // namespace

namespace {

// Activations of 16 bits must be left as they are, and their sums without a bias below 2^30.
bool fits_16_bits(const I8DepthwiseConv2DPlan& plan) {
  const DepthwiseConv2DShape& shape = plan.shape;
  return shape.multiplier == 1 && shape.input_channels >= kColumns &&
         int64_t{shape.window.kernel_height} * shape.window.kernel_width < 256;
}

}  // namespace

bool i8_fits_depthwise_rows(const I8DepthwiseConv2DPlan& plan) {
  const DepthwiseConv2DShape& shape = plan.shape;
  const Window2D& w = shape.window;
  const int64_t reach = int64_t{w.kernel_width - 1} * w.dilation_width + 1;
  return shape.input_channels > 0 && shape.output_height > 0 && shape.output_width > 0 &&
         plan.offset == static_cast<uint8_t>(plan.offset) && reach <= 4096 &&
         w.kernel_height <= 64 &&
         (plan.activations.type != ActivationType::kInt16 || fits_16_bits(plan));
}

void i8_depthwise_rows_plan(I8DepthwiseConv2DPlan* plan) {
  const Layout layout(*plan);
  const DepthwiseConv2DShape& shape = plan->shape;
  plan->stage.numbers_each = int64_t{shape.batch} * shape.output_height * shape.output_width;
  plan->packed_bytes = layout.blocks * layout.block_bytes;
  plan->scratch_bytes =
      layout.scale_bytes + layout.images_bytes + layout.row_bytes +
      layout.own_bytes * plan->threads;
}

void i8_depthwise_rows_pack(const I8DepthwiseConv2DPlan& plan, const I8Weights& weights,
                            const SumColumns& columns, void* packed) {
  const Layout layout(plan);
  const Window2D& w = plan.shape.window;
  const int64_t taps = int64_t{w.kernel_height} * w.kernel_width;
  const bool is_float = plan.stage.output == SumOutput::kFloat32;
  auto* to = static_cast<uint8_t*>(packed);
  std::memset(packed, 0, static_cast<size_t>(plan.packed_bytes));
  for (int64_t block = 0; block < layout.blocks; ++block, to += layout.block_bytes) {
    const int64_t first = layout.first_channel(block);
    auto* const head = reinterpret_cast<PanelHead*>(to);
    i8_panel_head(plan.stage, columns, first, layout.columns, taps * 255 * 255, head);
    for (int64_t c = 0; c < layout.columns; ++c) {
      int32_t sum = 0;
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int32_t value = weights.at(tap * layout.channels + first + c);
        sum += value;
        for (int64_t row = 0; row < layout.output_rows; ++row) {
          const int64_t y = tap / w.kernel_width + row * w.stride_height;
          const int64_t slot = y % kGroupRows;
          uint8_t* const column =
              to + sizeof(PanelHead) +
              ((y / kGroupRows * w.kernel_width + tap % w.kernel_width) * layout.output_rows +
               row) * layout.pixel_bytes;
          if (plan.quads) {
            reinterpret_cast<int8_t*>(column)[c * 4 + slot] = static_cast<int8_t>(value);
          } else {
            // Channels 0 to 3: rows 0 and 1, rows 2 and 3; then channels 4 to 7.
            reinterpret_cast<int16_t*>(
                column)[c / 4 * 16 + slot / 2 * 8 + c % 4 * 2 + slot % 2] =
                static_cast<int16_t>(value);
          }
        }
      }
      if (!plan.quads) continue;
      if (is_float) {
        head->weight_sum[c] = sum;
      } else {
        head->bias[c] = static_cast<int32_t>(static_cast<uint32_t>(head->bias[c]) -
                                             static_cast<uint32_t>(sum * plan.offset));
      }
    }
  }
}

void i8_depthwise_rows_run(const I8DepthwiseConv2DPlan& plan, const void* packed,
                           const void* input, void* output, void* scratch, ThreadPool* pool) {
  const DepthwiseConv2DShape& shape = plan.shape;
  const Layout layout(plan);
  auto* memory = static_cast<uint8_t*>(scratch);
  Run run = {plan,
             layout,
             static_cast<const uint8_t*>(packed),
             static_cast<const uint8_t*>(input),
             static_cast<uint8_t*>(output),
             nullptr};
  auto* const scales = reinterpret_cast<BatchScale*>(memory);
  uint8_t* const images = memory + layout.scale_bytes;
  if (layout.scale_bytes != 0) {
    const int64_t image = int64_t{shape.input_height} * shape.input_width * shape.input_channels;
    for (int64_t b = 0; b < shape.batch; ++b) {
      const float* const from = static_cast<const float*>(input) + b * image;
      scales[b] = batch_scale_of(from, image, plan.activations.asymmetric);
      if (layout.is_expanded) continue;
      const EvenSplit split(image, 64, 4, pool);
      parallel_for(split.pool, split.tasks(), [&](int64_t task) {
        quantize_activations(scales[b], from + split.begin(task),
                             split.end(task) - split.begin(task),
                             images + b * image + split.begin(task));
      });
    }
    run.scales = scales;
  }
  if (layout.is_expanded) expand(plan, layout, input, run.scales, images);
  if (layout.images_bytes != 0) run.input = images;
  memory += layout.scale_bytes + layout.images_bytes + layout.row_bytes;
  const int64_t strips = layout.strips(shape.output_height);
  const EvenSplit split(strips * shape.batch, 1,
                        3 * layout.output_rows * shape.output_width * layout.channels *
                            layout.kernel_width * layout.groups,
                        pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    uint8_t* const own = memory + thread * layout.own_bytes;
    for (int64_t i = split.begin(task); i < split.end(task); ++i) {
      run.make(i / strips, i % strips, own);
    }
  });
}

}  // namespace zeolite
