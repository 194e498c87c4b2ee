// DEPTHWISE_CONV_2D over NHWC: four channels a vector, several output pixels of a row at once, so
// that each loaded pixel serves all of them. Weights are packed by groups of four channels: bias,
// then all taps. The last group overlaps the one before when 4 does not divide the channels.
#include "core/kernels/f32_depthwise_conv_2d.h"

#include <algorithm>
#include <cstddef>

#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

struct Layout {
  int64_t channels;  // Of the output.
  int64_t groups;
  int64_t taps;
  int64_t group_floats;
  int64_t zero_floats;    // A pixel of zeros stands before the weights.
  int64_t strip_outputs;  // Output rows whose input is expanded at once, when multiplier > 1.
  int64_t strip_inputs;
  uint64_t strip_bytes = 0;

  explicit Layout(const DepthwiseConv2DShape& shape)
      : channels(int64_t{shape.input_channels} * shape.multiplier),
        groups((channels + 3) / 4),
        taps(int64_t{shape.window.kernel_height} * shape.window.kernel_width),
        group_floats((taps + 1) * 4),
        zero_floats(std::max<int64_t>(groups, 1) * 4) {
    const Window2D& w = shape.window;
    strip_outputs = std::clamp(shape.output_height, 1, 4);
    strip_inputs = std::min<int64_t>((strip_outputs - 1) * w.stride_height +
                                         int64_t{w.kernel_height - 1} * w.dilation_height + 1,
                                     shape.input_height);
    if (shape.multiplier > 1) {
      strip_bytes = align_up(strip_inputs * shape.input_width * channels * sizeof(float));
    }
  }
  int64_t first_channel(int64_t group) const {
    return std::max<int64_t>(std::min(group * 4, channels - 4), 0);
  }
};

// The taps of one output row that meet the input: `rows` of them, and where the first one is.
struct RowTaps {
  const float* source;    // Input row of the first such tap, at its first pixel.
  size_t row_step;        // Elements from one tap's row to the next one's.
  size_t rows;
  const float* weights;   // Group 0.
  size_t skipped_floats;  // Weights of the taps above the input.
  size_t group_floats;
  size_t channels;
  F32Clamp clamp;
};

// Where the pixels of one tile lie. Inside the input they are pixel_stride apart from `first`; at
// its edges each has a pointer of its own and a step to the next row (0 for the zeros).
struct TilePixels {
  const float* first;
  const float* const* edge;
  const size_t* edge_steps;
};

// Columns output pixels next to each other, all channels. One pixel at a time needs two loads for
// each product and reaches 12 to 19 GFLOP/s; 3x3 with stride 1 and 4 columns needs 27 for 36:
//   112x112x32 32.4, 56x56x144 28.9, 28x28x192 33.7, 14x14x384 27.6, 7x7x960 25.6 GFLOP/s;
//   stride 2: 112x112x96 16.5, 56x56x144 20.3, 28x28x192 21.2, 14x14x576 17.9
// (Intel Xeon with 2 MB L2, peak about 55; Node 20, relaxed madd, 2026-11; tools/bench_kernels).
template <int KernelWidth, int Stride, int Columns, bool Edge>
[[gnu::noinline]] void depthwise_tile(const RowTaps& taps, const TilePixels& pixels, float* out) {
  constexpr int kPixels = (Columns - 1) * Stride + KernelWidth;
  const F32x4 low = wasm_f32x4_splat(taps.clamp.min);
  const F32x4 high = wasm_f32x4_splat(taps.clamp.max);
  const size_t channels = taps.channels;
  const float* weights = taps.weights;
  for (size_t group = 0; group < channels; group += 4, weights += taps.group_floats) {
    const size_t c = group + 4 <= channels ? group : channels - 4;
    F32x4 sum[Columns];
    const F32x4 bias = wasm_v128_load(weights);
#pragma GCC unroll 8
    for (int t = 0; t < Columns; ++t) sum[t] = bias;
    const float* w = weights + 4 + taps.skipped_floats;
    const float* row = pixels.first + c;
    for (size_t ky = 0; ky < taps.rows; ++ky, w += 4 * KernelWidth, row += taps.row_step) {
      F32x4 tap[KernelWidth];
#pragma GCC unroll 8
      for (int kx = 0; kx < KernelWidth; ++kx) tap[kx] = wasm_v128_load(w + 4 * kx);
      const float* pixel = row;
#pragma GCC unroll 16
      for (int j = 0; j < kPixels; ++j) {
        const F32x4 x = wasm_v128_load(
            Edge ? pixels.edge[j] + ky * pixels.edge_steps[j] + c : pixel);
        pixel += channels;
#pragma GCC unroll 8
        for (int t = 0; t < Columns; ++t) {
          const int kx = j - t * Stride;
          if (kx >= 0 && kx < KernelWidth) sum[t] = f32x4_madd(x, tap[kx], sum[t]);
        }
      }
    }
    float* target = out + c;
#pragma GCC unroll 8
    for (int t = 0; t < Columns; ++t, target += channels) {
      wasm_v128_store(target, f32x4_clamp(sum[t], low, high));
    }
  }
}

// One output pixel of any window: taps [first_tap, last_tap) of each row meet the input, the first
// of them at `first`, tap_step elements apart. Also takes fewer than 4 channels.
[[gnu::noinline]] void depthwise_pixel(const RowTaps& taps, const float* first, size_t tap_step,
                                       size_t first_tap, size_t last_tap, size_t kernel_width,
                                       float* out) {
  const F32x4 low = wasm_f32x4_splat(taps.clamp.min);
  const F32x4 high = wasm_f32x4_splat(taps.clamp.max);
  const size_t channels = taps.channels;
  const int lanes = channels < 4 ? static_cast<int>(channels) : 4;
  const float* weights = taps.weights;
  for (size_t group = 0; group < channels; group += 4, weights += taps.group_floats) {
    const size_t c = group + 4 <= channels || channels < 4 ? group : channels - 4;
    F32x4 sum = wasm_v128_load(weights);
    const float* w = weights + 4 + taps.skipped_floats;
    const float* row = first + c;
    for (size_t ky = 0; ky < taps.rows; ++ky, w += 4 * kernel_width, row += taps.row_step) {
      const float* pixel = row;
      for (size_t kx = first_tap; kx < last_tap; ++kx, pixel += tap_step) {
        const F32x4 x = lanes == 4 ? wasm_v128_load(pixel) : f32x4_load_partial(pixel, lanes);
        sum = f32x4_madd(x, wasm_v128_load(w + 4 * kx), sum);
      }
    }
    f32x4_store_partial(out + c, f32x4_clamp(sum, low, high), lanes);
  }
}

using TileFunction = void (*)(const RowTaps&, const TilePixels&, float*);

// How the rows of a shape are computed.
struct RowKernel {
  TileFunction inside = nullptr;  // Null: pixel by pixel.
  TileFunction edge = nullptr;
  int columns = 0;
  int pixels = 0;
};

template <int KernelWidth, int Stride, int Columns>
constexpr RowKernel row_kernel() {
  return {depthwise_tile<KernelWidth, Stride, Columns, false>,
          depthwise_tile<KernelWidth, Stride, Columns, true>, Columns,
          (Columns - 1) * Stride + KernelWidth};
}

constexpr int kMaxTilePixels = 16;

RowKernel choose_row_kernel(const DepthwiseConv2DShape& shape) {
  const Window2D& w = shape.window;
  RowKernel kernel;
  if (w.dilation_width == 1) {
    switch (w.kernel_width * 10 + w.stride_width) {
      case 31:
        kernel = row_kernel<3, 1, 4>();
        break;
      case 32:
        kernel = row_kernel<3, 2, 4>();
        break;
      case 51:
        kernel = row_kernel<5, 1, 4>();
        break;
      case 52:
        kernel = row_kernel<5, 2, 4>();
        break;
      case 71:
        kernel = row_kernel<7, 1, 4>();
        break;
    }
  }
  const int64_t channels = int64_t{shape.input_channels} * shape.multiplier;
  return channels < 4 || shape.output_width < kernel.columns ? RowKernel() : kernel;
}

// A tile that reaches over the input's left or right edge: outputs [ox, ox + kernel.columns).
void run_edge_tile(const DepthwiseConv2DShape& shape, const RowKernel& kernel, const RowTaps& taps,
                   const float* zeros, int64_t left, float* out) {
  const float* edge[kMaxTilePixels];
  size_t steps[kMaxTilePixels];
  for (int j = 0; j < kernel.pixels; ++j) {
    const bool inside = left + j >= 0 && left + j < shape.input_width;
    edge[j] = inside ? taps.source + (left + j) * taps.channels : zeros;
    steps[j] = inside ? taps.row_step : 0;
  }
  kernel.edge(taps, {taps.source, edge, steps}, out);
}

void run_pixel(const DepthwiseConv2DShape& shape, const RowTaps& taps, int64_t left, float* out) {
  const Window2D& w = shape.window;
  const int64_t dilation = w.dilation_width;
  const int64_t first = left < 0 ? std::min<int64_t>((-left + dilation - 1) / dilation,
                                                     w.kernel_width) : 0;
  const int64_t room = shape.input_width - left;
  const int64_t last = room <= 0 ? first
                                 : std::clamp<int64_t>((room + dilation - 1) / dilation, first,
                                                       w.kernel_width);
  const int64_t x = first < last ? left + first * dilation : 0;
  depthwise_pixel(taps, taps.source + x * taps.channels, dilation * taps.channels, first, last,
                  w.kernel_width, out);
}

// One row of the output.
void run_row(const DepthwiseConv2DShape& shape, const RowKernel& kernel, const RowTaps& taps,
             const float* zeros, float* out) {
  const Window2D& w = shape.window;
  const int64_t channels = static_cast<int64_t>(taps.channels);
  if (kernel.inside == nullptr || taps.rows == 0) {
    for (int64_t ox = 0; ox < shape.output_width; ++ox) {
      run_pixel(shape, taps, ox * w.stride_width - w.pad_left, out + ox * channels);
    }
    return;
  }
  for (int64_t ox = 0; ox < shape.output_width; ox += kernel.columns) {
    // The last tile starts early enough to end with the row; what it repeats comes out the same.
    const int64_t start = std::min<int64_t>(ox, shape.output_width - kernel.columns);
    const int64_t left = start * w.stride_width - w.pad_left;
    if (left >= 0 && left + kernel.pixels <= shape.input_width) {
      kernel.inside(taps, {taps.source + left * channels, nullptr, nullptr},
                    out + start * channels);
    } else {
      run_edge_tile(shape, kernel, taps, zeros, left, out + start * channels);
    }
  }
}

// Repeats each channel `multiplier` times.
void expand_channels(int64_t pixels, int64_t channels, int64_t multiplier, const float* source,
                     float* target) {
  for (int64_t i = 0; i < pixels * channels; ++i, target += multiplier) {
    std::fill_n(target, multiplier, source[i]);
  }
}

// The index of the first of `taps` that is at or below row 0, and the end of those above `height`.
struct TapRange {
  int64_t first;
  int64_t last;

  TapRange(int64_t top, int64_t dilation, int64_t taps, int64_t height) {
    first = top < 0 ? std::min((-top + dilation - 1) / dilation, taps) : 0;
    const int64_t room = height - top;
    last = room <= 0 ? first : std::clamp((room + dilation - 1) / dilation, first, taps);
  }
};

}  // namespace

F32DepthwiseConv2DPlan f32_depthwise_conv_2d_plan(const DepthwiseConv2DShape& shape, int threads) {
  const Layout layout(shape);
  F32DepthwiseConv2DPlan plan;
  plan.shape = shape;
  plan.threads = std::max(threads, 1);
  plan.packed_bytes = (layout.zero_floats + layout.groups * layout.group_floats) * sizeof(float);
  plan.scratch_bytes = layout.strip_bytes * plan.threads;
  return plan;
}

void f32_depthwise_conv_2d_pack(const F32DepthwiseConv2DPlan& plan, const float* weights,
                                const float* bias, void* packed) {
  const Layout layout(plan.shape);
  float* target = static_cast<float*>(packed);
  std::fill_n(target, layout.zero_floats, 0.0f);
  target += layout.zero_floats;
  for (int64_t group = 0; group < layout.groups; ++group) {
    const int64_t first = layout.first_channel(group);
    const int64_t lanes = std::min<int64_t>(4, layout.channels - first);
    // The bias is as one tap more.
    for (int64_t tap = -1; tap < layout.taps; ++tap, target += 4) {
      const float* const source = tap < 0 ? bias : weights + tap * layout.channels;
      std::fill_n(target, 4, 0.0f);
      if (source != nullptr) std::copy_n(source + first, lanes, target);
    }
  }
}

void f32_depthwise_conv_2d_run(const F32DepthwiseConv2DPlan& plan, const void* packed,
                               const float* input, float* output, F32Clamp clamp, void* scratch,
                               ThreadPool* pool) {
  const DepthwiseConv2DShape& shape = plan.shape;
  const Window2D& w = shape.window;
  const Layout layout(shape);
  const RowKernel kernel = choose_row_kernel(shape);
  const float* const zeros = static_cast<const float*>(packed);
  const int64_t input_row = int64_t{shape.input_width} * shape.input_channels;
  const int64_t expanded_row = int64_t{shape.input_width} * layout.channels;
  const int64_t output_row = int64_t{shape.output_width} * layout.channels;
  const int64_t strips = (shape.output_height + layout.strip_outputs - 1) / layout.strip_outputs;

  const auto one_strip = [&](int64_t index, int thread) {
    const int64_t image = index / strips;
    const int64_t begin = index % strips * layout.strip_outputs;
    const int64_t end = std::min<int64_t>(begin + layout.strip_outputs, shape.output_height);
    const float* source = input + image * shape.input_height * input_row;
    int64_t source_top = 0;
    if (shape.multiplier > 1) {
      source_top = std::clamp<int64_t>(begin * w.stride_height - w.pad_top, 0, shape.input_height);
      const int64_t rows = std::min(layout.strip_inputs, shape.input_height - source_top);
      float* const strip = reinterpret_cast<float*>(static_cast<uint8_t*>(scratch) +
                                                    thread * layout.strip_bytes);
      expand_channels(rows * shape.input_width, shape.input_channels, shape.multiplier,
                      source + source_top * input_row, strip);
      source = strip;
    }
    for (int64_t oy = begin; oy < end; ++oy) {
      const int64_t top = oy * w.stride_height - w.pad_top;
      const TapRange range(top, w.dilation_height, w.kernel_height, shape.input_height);
      const int64_t y = range.first < range.last ? top + range.first * w.dilation_height
                                                 : source_top;
      const RowTaps taps = {
          source + (y - source_top) * expanded_row,
          static_cast<size_t>(w.dilation_height * expanded_row),
          static_cast<size_t>(range.last - range.first),
          zeros + layout.zero_floats,
          static_cast<size_t>(range.first * w.kernel_width * 4),
          static_cast<size_t>(layout.group_floats),
          static_cast<size_t>(layout.channels),
          clamp,
      };
      run_row(shape, kernel, taps, zeros,
              output + (image * shape.output_height + oy) * output_row);
    }
  };
  // A depthwise product costs about twice that of a matrix product.
  const EvenSplit split(strips * shape.batch, 1,
                        2 * layout.strip_outputs * output_row * layout.taps, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    for (int64_t i = split.begin(task); i < split.end(task); ++i) one_strip(i, thread);
  });
}

}  // namespace zeolite
