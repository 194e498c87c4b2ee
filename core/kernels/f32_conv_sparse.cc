// CONV_2D with mostly zero weights: a list of the others for each output channel. Blocks of pixels
// are turned so that the pixels of a channel are neighbours; each weight then multiplies a run of
// them, and a zero costs nothing.
//
// Time against the dense product at 48 GFLOP/s, by density, for runs of 16 / 32 / 48 pixels: 0.4:
// 1.04 / 0.89 / 0.89, 0.3: 0.81 / 0.70 / 0.68, 0.2: 0.51 / 0.45 / 0.44, 0.1: 0.26 / 0.24 / 0.23
// (AMD EPYC Zen 3, Node 24, relaxed madd, without the turning).
#include <algorithm>
#include <cstddef>

#include "core/kernels/f32_conv_parts.h"
#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

constexpr int64_t kBlockPixels = 32;
constexpr int64_t kTilePixels = 4;  // Turned at once.
constexpr int kVectors = kBlockPixels / 4;

// A weight and where its input's pixels stand in the turned block, in elements.
struct Entry {
  uint32_t offset;
  float weight;
};
static_assert(sizeof(Entry) == 2 * sizeof(float));

// The packed form: zeros for the padding, biases, the index of each output channel's first entry
// (and the end of the last one's), entries.
struct Layout {
  int64_t zero_floats;
  int64_t outputs;
  int64_t depth;  // Products of an output, zeros counted.
  uint64_t table_bytes;
  uint64_t block_bytes;

  explicit Layout(const Conv2DShape& shape)
      : zero_floats(f32_conv_zero_floats(shape)),
        outputs(shape.output_channels),
        depth(f32_conv_taps(shape) * shape.input_channels),
        table_bytes(align_up(kBlockPixels * f32_conv_taps(shape) * sizeof(const float*))),
        block_bytes(align_up(depth * kBlockPixels * sizeof(float))) {}

  int64_t entries_at() const { return zero_floats + 2 * outputs + 1; }
  uint64_t scratch_bytes() const { return table_bytes + block_bytes; }
};

// Four pixels by four channels, turned.
inline void turn(const float* const (&rows)[4], size_t c, float* target) {
  v128_t turned[4];
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) turned[r] = wasm_v128_load(rows[r] + c);
  i32x4_transpose(turned);
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) wasm_v128_store(target + r * kBlockPixels, turned[r]);
}

// The channels of four pixels, under one tap, to target[channel][pixel].
[[gnu::noinline]] void turn_pixels(const float* const* pointers, size_t channels, float* target) {
  const float* const rows[4] = {pointers[0], pointers[1], pointers[2], pointers[3]};
  size_t c = 0;
  for (; c + 4 <= channels; c += 4, target += 4 * kBlockPixels) turn(rows, c, target);
  for (; c < channels; ++c, target += kBlockPixels) {
    for (int pixel = 0; pixel < 4; ++pixel) target[pixel] = rows[pixel][c];
  }
}

// One output channel of a block: bias + sum of weight * pixels.
[[gnu::noinline]] void multiply_channel(const Entry* entry, const Entry* end, const float* block,
                                        float bias, float* out) {
  F32x4 sum[kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kVectors; ++i) sum[i] = wasm_f32x4_splat(bias);
  for (; entry != end; ++entry) {
    const F32x4 weight = wasm_v128_load32_splat(&entry->weight);
    const float* x = block + entry->offset;
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; ++i) {
      sum[i] = f32x4_madd(weight, wasm_v128_load(x + 4 * i), sum[i]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kVectors; ++i) wasm_v128_store(out + 4 * i, sum[i]);
}

// Turns `channels` (1 to 4) rows of a block back into `pixels` pixels, out_stride apart.
[[gnu::noinline]] void store_channels(const float (&rows)[4][kBlockPixels], int channels,
                                      size_t pixels, float* out, size_t out_stride,
                                      const F32Clamp& clamp) {
  const F32x4 low = wasm_f32x4_splat(clamp.min);
  const F32x4 high = wasm_f32x4_splat(clamp.max);
  for (size_t pixel = 0; pixel < pixels; ++pixel, out += out_stride) {
    const F32x4 y = wasm_f32x4_make(rows[0][pixel], rows[1][pixel], rows[2][pixel],
                                    rows[3][pixel]);
    f32x4_store_partial(out, f32x4_clamp(y, low, high), channels);
  }
}

}  // namespace

void f32_conv_sparse_plan(const float* weights, F32Conv2DPlan* plan) {
  const Layout layout(plan->shape);
  const float* const end = weights + layout.outputs * layout.depth;
  const int64_t entries = (end - weights) - std::count(weights, end, 0.0f);
  plan->packed_bytes =
      (layout.entries_at() + (layout.entries_at() & 1) + 2 * entries) * sizeof(float);
  plan->scratch_bytes = layout.scratch_bytes() * plan->threads;
}

void f32_conv_sparse_pack(const F32Conv2DPlan& plan, const float* weights, const float* bias,
                          float* packed) {
  const Layout layout(plan.shape);
  std::fill_n(packed, layout.zero_floats, 0.0f);
  float* const biases = packed + layout.zero_floats;
  uint32_t* const starts = reinterpret_cast<uint32_t*>(biases + layout.outputs);
  Entry* const entries =
      reinterpret_cast<Entry*>(packed + layout.entries_at() + (layout.entries_at() & 1));
  uint32_t count = 0;
  for (int64_t o = 0; o < layout.outputs; ++o) {
    biases[o] = bias != nullptr ? bias[o] : 0.0f;
    starts[o] = count;
    for (int64_t k = 0; k < layout.depth; ++k) {
      const float weight = weights[o * layout.depth + k];
      if (weight != 0.0f) entries[count++] = {static_cast<uint32_t>(k * kBlockPixels), weight};
    }
  }
  starts[layout.outputs] = count;
}

void f32_conv_sparse_run(const F32Conv2DPlan& plan, const float* packed, const float* input,
                         float* output, F32Clamp clamp, void* scratch, ThreadPool* pool) {
  const Conv2DShape& shape = plan.shape;
  const Layout layout(shape);
  const float* const biases = packed + layout.zero_floats;
  const uint32_t* const starts = reinterpret_cast<const uint32_t*>(biases + layout.outputs);
  const Entry* const entries =
      reinterpret_cast<const Entry*>(packed + layout.entries_at() + (layout.entries_at() & 1));
  const int64_t taps = f32_conv_taps(shape);
  const int64_t channels = shape.input_channels;
  const int64_t pixels = int64_t{shape.batch} * shape.output_height * shape.output_width;
  const int64_t blocks = (pixels + kBlockPixels - 1) / kBlockPixels;

  const auto one_block = [&](int64_t block, int thread) {
    uint8_t* const own = static_cast<uint8_t*>(scratch) + thread * layout.scratch_bytes();
    const float** const table = reinterpret_cast<const float**>(own);
    float* const turned = reinterpret_cast<float*>(own + layout.table_bytes);
    const int64_t first = block * kBlockPixels;
    const int64_t count = std::min(kBlockPixels, pixels - first);
    std::fill_n(table, kBlockPixels * taps, packed);
    f32_conv_fill_table(shape, input, packed, first, count, kTilePixels, table);
    for (int64_t tile = 0; tile < kBlockPixels / kTilePixels; ++tile) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        turn_pixels(table + (tile * taps + tap) * kTilePixels, channels,
                    turned + tap * channels * kBlockPixels + tile * kTilePixels);
      }
    }
    for (int64_t o = 0; o < layout.outputs; o += 4) {
      float rows[4][kBlockPixels];
      const int lanes = static_cast<int>(std::min<int64_t>(4, layout.outputs - o));
      for (int i = 0; i < lanes; ++i) {
        multiply_channel(entries + starts[o + i], entries + starts[o + i + 1], turned,
                         biases[o + i], rows[i]);
      }
      for (int i = lanes; i < 4; ++i) std::fill_n(rows[i], kBlockPixels, 0.0f);
      store_channels(rows, lanes, count, output + first * layout.outputs + o, layout.outputs,
                     clamp);
    }
  };
  const int64_t block_macs =
      kBlockPixels * (layout.depth + static_cast<int64_t>(starts[layout.outputs]));
  const EvenSplit split(blocks, 1, block_macs, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    for (int64_t block = split.begin(task); block < split.end(task); ++block) {
      one_block(block, thread);
    }
  });
}

}  // namespace zeolite
