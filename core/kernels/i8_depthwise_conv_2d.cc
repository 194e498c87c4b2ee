// Multipliers, channels that are few and sums of 64 bits; all else is in i8_depthwise_rows.cc. So few
// products of 8 bits have sums that float32 holds exactly, and its kernel is fast. What is made of the
// sums afterwards is integer arithmetic as everywhere.
#include "core/kernels/i8_depthwise_conv_2d.h"

#include <cstring>

#include "core/kernels/i8_depthwise_parts.h"
#include "core/kernels/i8_requantize.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

constexpr int64_t kColumns = kI8TileColumns;

// Adding this to a float below 2^22 leaves the whole number in the low bits.
constexpr float kMagic = 12582912.0f;
constexpr int32_t kMagicBits = 0x4b400000;
constexpr int64_t kLargestFloatSum = int64_t{1} << 22;

struct Layout {
  int64_t channels;  // Of the output.
  int64_t taps;
  int64_t blocks;      // Heads of 8 channels; the last may overlap the one before.
  uint64_t head_bytes;
  uint64_t scale_bytes;  // A BatchScale for each image of floats.
  // Of one thread:
  uint64_t row_bytes;  // A row of the input in 16 bits, or sums of 64 bits of a pixel.
  uint64_t in_bytes;
  uint64_t out_bytes;

  explicit Layout(const I8DepthwiseConv2DPlan& plan) {
    const DepthwiseConv2DShape& shape = plan.shape;
    channels = int64_t{shape.input_channels} * shape.multiplier;
    taps = int64_t{shape.window.kernel_height} * shape.window.kernel_width;
    blocks = (channels + kColumns - 1) / kColumns;
    head_bytes = static_cast<uint64_t>(blocks) * sizeof(PanelHead);
    scale_bytes = plan.activations.type == ActivationType::kFloat32
                      ? align_up(static_cast<uint64_t>(shape.batch) * sizeof(BatchScale))
                      : 0;
    const int64_t row = int64_t{shape.input_width} * shape.input_channels;
    row_bytes = align_up(std::max<int64_t>(row * sizeof(int16_t), channels * sizeof(int64_t)));
    in_bytes = align_up(plan.strip_inputs * row * sizeof(float));
    out_bytes = plan.in_floats
                    ? align_up(plan.strip_outputs * shape.output_width * channels * sizeof(float))
                    : 0;
  }

  uint64_t own_bytes(const I8DepthwiseConv2DPlan& plan) const {
    return row_bytes + in_bytes + out_bytes + (plan.in_floats ? plan.strip.scratch_bytes : 0);
  }
  int64_t first_channel(int64_t block) const {
    return std::max<int64_t>(std::min(block * kColumns, channels - kColumns), 0);
  }
};

// One block of channels of `pixels` pixels: exact float sums to stored numbers of 8 bits.
[[gnu::noinline]] void store_exact_8(const PanelHead& head, size_t pixels, size_t channels,
                                     const float* sums, uint8_t* out) {
  const Requantize4 low(head, 0);
  const Requantize4 high(head, 4);
  const Store8 store(head);
  const v128_t magic = wasm_f32x4_splat(kMagic);
  const v128_t bits = wasm_i32x4_splat(kMagicBits);
  const v128_t low_bias = wasm_i32x4_sub(wasm_v128_load(head.bias), bits);
  const v128_t high_bias = wasm_i32x4_sub(wasm_v128_load(head.bias + 4), bits);
  for (size_t i = 0; i < pixels; ++i, sums += channels, out += channels) {
    const v128_t a = wasm_i32x4_add(wasm_f32x4_add(wasm_v128_load(sums), magic), low_bias);
    const v128_t b = wasm_i32x4_add(wasm_f32x4_add(wasm_v128_load(sums + 4), magic), high_bias);
    const v128_t narrow = wasm_i16x8_narrow_i32x4(low(a), high(b));
    wasm_v128_store64_lane(out, store(narrow, narrow), 0);
  }
}

// Whether all are sure.
[[gnu::noinline]] bool store_quick_8(const PanelHead& head, size_t pixels, size_t channels,
                                     const float* sums, uint8_t* out) {
  QuickRequantize4 low(head, 0);
  QuickRequantize4 high(head, 4);
  const Store8 store(head);
  const v128_t low_bias = wasm_f32x4_convert_i32x4(wasm_v128_load(head.bias));
  const v128_t high_bias = wasm_f32x4_convert_i32x4(wasm_v128_load(head.bias + 4));
  for (size_t i = 0; i < pixels; ++i, sums += channels, out += channels) {
    const v128_t a = low(wasm_f32x4_add(wasm_v128_load(sums), low_bias));
    const v128_t b = high(wasm_f32x4_add(wasm_v128_load(sums + 4), high_bias));
    const v128_t narrow = wasm_i16x8_narrow_i32x4(a, b);
    wasm_v128_store64_lane(out, store(narrow, narrow), 0);
  }
  return QuickRequantize4::are_sure(head, low, high);
}

void store_block_8(const PanelHead& head, size_t pixels, size_t channels, const float* sums,
                   uint8_t* out) {
  constexpr size_t kChunk = 28;
  for (size_t i = 0; i < pixels; i += kChunk) {
    const size_t count = std::min(kChunk, pixels - i);
    const float* const from = sums + i * channels;
    uint8_t* const to = out + i * channels;
    if (head.is_quick == 0 || !store_quick_8(head, count, channels, from, to)) {
      store_exact_8(head, count, channels, from, to);
    }
  }
}

// The same for float outputs.
[[gnu::noinline]] void store_block_float(const SumStage& stage, const PanelHead& head,
                                         float row_scale, size_t pixels, size_t channels,
                                         const float* sums, float* out) {
  const v128_t least = wasm_f32x4_splat(stage.clamp.min);
  const v128_t most = wasm_f32x4_splat(stage.clamp.max);
  const v128_t row = wasm_f32x4_splat(row_scale);
  const v128_t scale[2] = {wasm_f32x4_mul(wasm_v128_load(head.scale), row),
                           wasm_f32x4_mul(wasm_v128_load(head.scale + 4), row)};
  const v128_t bias[2] = {wasm_v128_load(head.float_bias), wasm_v128_load(head.float_bias + 4)};
  for (size_t i = 0; i < pixels; ++i, sums += channels, out += channels) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const v128_t y = wasm_f32x4_add(wasm_f32x4_mul(wasm_v128_load(sums + 4 * half), scale[half]),
                                      bias[half]);
      wasm_v128_store(out + 4 * half, f32x4_clamp(y, least, most));
    }
  }
}

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

void store_sums(const I8DepthwiseConv2DPlan& plan, const PanelHead* heads, float row_scale,
                int64_t pixels, const float* sums, void* out) {
  const Layout layout(plan);
  for (int64_t block = 0; block < layout.blocks; ++block) {
    const PanelHead& head = heads[block];
    const int64_t first = layout.first_channel(block);
    const bool is_float = plan.stage.output == SumOutput::kFloat32;
    const bool is_plain = plan.stage.element_bytes() == 1 && head.is_plain != 0;
    if (layout.channels < kColumns || !(is_float || is_plain)) {
      const int64_t count = std::min(kColumns, layout.channels - first);
      for (int64_t i = 0; i < pixels * count; ++i) {
        const int64_t at = i / count * layout.channels + first + i % count;
        store_one(plan.stage, head, i % count, static_cast<int64_t>(sums[at]), row_scale, at, out);
      }
    } else if (is_float) {
      store_block_float(plan.stage, head, row_scale, pixels, layout.channels, sums + first,
                        static_cast<float*>(out) + first);
    } else {
      store_block_8(head, pixels, layout.channels, sums + first,
                    static_cast<uint8_t*>(out) + first);
    }
  }
}

void to_floats(const int16_t* source, int64_t count, float* target) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const v128_t x = wasm_v128_load(source + i);
    wasm_v128_store(target + i, wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(x)));
    wasm_v128_store(target + i + 4, wasm_f32x4_convert_i32x4(wasm_i32x4_extend_high_i16x8(x)));
  }
  for (; i < count; ++i) target[i] = source[i];
}

struct Run {
  const I8DepthwiseConv2DPlan& plan;
  const Layout layout;
  const PanelHead* heads;
  const void* weights;
  const uint8_t* input;
  uint8_t* output;
  const BatchScale* scales;

  const uint8_t* input_row(int64_t image, int64_t y) const {
    const DepthwiseConv2DShape& shape = plan.shape;
    return input + (image * shape.input_height + y) * shape.input_width * shape.input_channels *
                       plan.activations.element_bytes();
  }
  uint8_t* output_row(int64_t image, int64_t y) const {
    const DepthwiseConv2DShape& shape = plan.shape;
    return output + (image * shape.output_height + y) * shape.output_width * layout.channels *
                        plan.stage.element_bytes();
  }
  BatchScale scale_of(int64_t image) const {
    return scales != nullptr ? scales[image] : BatchScale();
  }

  void strip_in_floats(int64_t image, int64_t first, int64_t rows, uint8_t* own) const {
    const DepthwiseConv2DShape& shape = plan.shape;
    const Window2D& w = shape.window;
    int16_t* const row = reinterpret_cast<int16_t*>(own);
    float* const in = reinterpret_cast<float*>(own + layout.row_bytes);
    float* const out = reinterpret_cast<float*>(own + layout.row_bytes + layout.in_bytes);
    const int64_t top = first * w.stride_height - w.pad_top;
    const int64_t begin = std::clamp<int64_t>(top, 0, shape.input_height);
    const int64_t end =
        std::clamp<int64_t>(top + (rows - 1) * w.stride_height +
                                int64_t{w.kernel_height - 1} * w.dilation_height + 1,
                            begin, shape.input_height);
    const int64_t row_elements = int64_t{shape.input_width} * shape.input_channels;
    const BatchScale scale = scale_of(image);
    for (int64_t y = begin; y < end; ++y) {
      widen_activations(plan.activations, scale, input_row(image, y), row_elements, row);
      to_floats(row, row_elements, in + (y - begin) * row_elements);
    }
    F32DepthwiseConv2DPlan strip = plan.strip;
    strip.shape.input_height = static_cast<int32_t>(end - begin);
    strip.shape.output_height = static_cast<int32_t>(rows);
    strip.shape.window.pad_top = static_cast<int32_t>(begin - top);
    f32_depthwise_conv_2d_run(strip, weights, in, out, kNoClamp,
                              own + layout.row_bytes + layout.in_bytes + layout.out_bytes,
                              nullptr);
    store_sums(plan, heads, scale.scale, rows * shape.output_width, out,
               output_row(image, first));
  }

  // Plain loops, sums of 64 bits.
  void row_in_loops(int64_t image, int64_t oy, uint8_t* own) const {
    const DepthwiseConv2DShape& shape = plan.shape;
    const Window2D& w = shape.window;
    int64_t* const sums = reinterpret_cast<int64_t*>(own);
    int16_t* const rows = reinterpret_cast<int16_t*>(own + layout.row_bytes);
    const int64_t row_elements = int64_t{shape.input_width} * shape.input_channels;
    const int64_t top = oy * w.stride_height - w.pad_top;
    const BatchScale scale = scale_of(image);
    for (int64_t ky = 0; ky < w.kernel_height; ++ky) {
      const int64_t y = top + ky * w.dilation_height;
      if (y < 0 || y >= shape.input_height) continue;
      widen_activations(plan.activations, scale, input_row(image, y), row_elements,
                        rows + ky * row_elements);
    }
    uint8_t* const out = output_row(image, oy);
    for (int64_t ox = 0; ox < shape.output_width; ++ox) {
      std::fill_n(sums, layout.channels, int64_t{0});
      for (int64_t ky = 0; ky < w.kernel_height; ++ky) {
        const int64_t y = top + ky * w.dilation_height;
        if (y < 0 || y >= shape.input_height) continue;
        for (int64_t kx = 0; kx < w.kernel_width; ++kx) {
          const int64_t x = ox * w.stride_width - w.pad_left + kx * w.dilation_width;
          if (x < 0 || x >= shape.input_width) continue;
          const int16_t* const pixel = rows + ky * row_elements + x * shape.input_channels;
          const int16_t* const tap =
              static_cast<const int16_t*>(weights) + (ky * w.kernel_width + kx) * layout.channels;
          for (int64_t c = 0, i = 0; i < shape.input_channels; ++i) {
            for (int32_t m = 0; m < shape.multiplier; ++m, ++c) {
              sums[c] += int32_t{pixel[i]} * tap[c];
            }
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
};

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
  const Window2D& w = shape.window;
  I8DepthwiseConv2DPlan plan;
  plan.shape = shape;
  plan.activations = activations;
  plan.stage = stage;
  plan.threads = std::max(threads, 1);
  plan.quads = quads && largest_weight <= 128;
  plan.offset = activations.unsigned_offset();
  plan.in_rows = i8_fits_depthwise_rows(plan);
  if (plan.in_rows) {
    plan.stage.numbers_each =
        int64_t{shape.batch} * shape.output_height * shape.output_width;
    i8_depthwise_rows_plan(&plan);
    return plan;
  }
  const int64_t taps = int64_t{w.kernel_height} * w.kernel_width;
  plan.in_floats = activations.type != ActivationType::kInt16 &&
                   taps * 255 * largest_weight < kLargestFloatSum;
  if (plan.in_floats) {
    // Some 200 KB of rows, so that they stay in L2.
    const int64_t row = sizeof(float) * shape.input_width * shape.input_channels *
                        (int64_t{w.stride_height} + shape.multiplier);
    plan.strip_outputs = std::clamp<int64_t>(200000 / std::max<int64_t>(row, 1), 2, 16);
    plan.strip_outputs = std::min<int64_t>(plan.strip_outputs, std::max(shape.output_height, 1));
    plan.strip_inputs = std::min<int64_t>(
        (plan.strip_outputs - 1) * w.stride_height +
            int64_t{w.kernel_height - 1} * w.dilation_height + 1,
        shape.input_height);
    DepthwiseConv2DShape strip = shape;
    strip.batch = 1;
    strip.input_height = static_cast<int32_t>(plan.strip_inputs);
    strip.output_height = static_cast<int32_t>(plan.strip_outputs);
    plan.strip = f32_depthwise_conv_2d_plan(strip, 1);
  } else {
    plan.strip_inputs = w.kernel_height;
  }
  const Layout layout(plan);
  plan.packed_bytes =
      layout.head_bytes + (plan.in_floats ? plan.strip.packed_bytes
                                          : layout.taps * layout.channels * sizeof(int16_t));
  plan.scratch_bytes = layout.scale_bytes + layout.own_bytes(plan) * plan.threads;
  return plan;
}

void i8_depthwise_conv_2d_pack(const I8DepthwiseConv2DPlan& plan, const I8Weights& weights,
                               const SumColumns& columns, void* packed) {
  if (plan.in_rows) return i8_depthwise_rows_pack(plan, weights, columns, packed);
  const Layout layout(plan);
  auto* const heads = static_cast<PanelHead*>(packed);
  const int64_t largest_sum = plan.in_floats ? kLargestFloatSum : int64_t{1} << 30;
  for (int64_t block = 0; block < layout.blocks; ++block) {
    const int64_t first = layout.first_channel(block);
    i8_panel_head(plan.stage, columns, first, std::min(kColumns, layout.channels - first),
                  largest_sum, &heads[block]);
  }
  void* const target = static_cast<uint8_t*>(packed) + layout.head_bytes;
  if (plan.in_floats) {
    f32_depthwise_conv_2d_pack(
        plan.strip, [&](int64_t index) { return static_cast<float>(weights.at(index)); }, target);
    return;
  }
  for (int64_t i = 0; i < layout.taps * layout.channels; ++i) {
    static_cast<int16_t*>(target)[i] = static_cast<int16_t>(weights.at(i));
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
  const Run run = {plan,
                   layout,
                   static_cast<const PanelHead*>(packed),
                   static_cast<const uint8_t*>(packed) + layout.head_bytes,
                   static_cast<const uint8_t*>(input),
                   static_cast<uint8_t*>(output),
                   scales};
  if (scales != nullptr) {
    const int64_t count = int64_t{shape.input_height} * shape.input_width * shape.input_channels;
    for (int64_t image = 0; image < shape.batch; ++image) {
      scales[image] = batch_scale_of(static_cast<const float*>(input) + image * count, count,
                                     plan.activations.asymmetric);
    }
  }
  const int64_t rows = plan.strip_outputs;
  const int64_t strips = (shape.output_height + rows - 1) / rows;
  const EvenSplit split(strips * shape.batch, 1,
                        3 * rows * shape.output_width * layout.channels * layout.taps, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    uint8_t* const own = memory + layout.scale_bytes + thread * layout.own_bytes(plan);
    for (int64_t i = split.begin(task); i < split.end(task); ++i) {
      const int64_t image = i / strips;
      const int64_t first = i % strips * rows;
      if (plan.in_floats) {
        run.strip_in_floats(image, first, std::min<int64_t>(rows, shape.output_height - first),
                            own);
      } else {
        run.row_in_loops(image, first, own);
      }
    }
  });
}

}  // namespace zeolite
