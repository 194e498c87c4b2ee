#include "core/kernels/i8_blockwise.h"

#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

int32_t dot(const int16_t* a, const int8_t* w, int64_t count) {
  v128_t sum = wasm_i32x4_splat(0);
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(wasm_v128_load(a + i),
                                                   wasm_i16x8_load8x8(w + i)));
  }
  sum = wasm_i32x4_add(sum, wasm_i32x4_shuffle(sum, sum, 2, 3, 2, 3));
  int32_t total = wasm_i32x4_extract_lane(sum, 0) + wasm_i32x4_extract_lane(sum, 1);
  for (; i < count; ++i) total += int32_t{a[i]} * w[i];
  return total;
}

}  // namespace

void i8_blockwise_pack(int64_t count, const I8Weights& weights, uint8_t* packed) {
  for (int64_t i = 0; i < count; ++i) packed[i] = static_cast<uint8_t>(weights.at(i));
}

uint64_t i8_blockwise_scratch_bytes(int64_t m, int64_t k) {
  return align_up(static_cast<uint64_t>(m * k) * sizeof(int16_t)) +
         static_cast<uint64_t>(m) * sizeof(float);
}

void i8_blockwise_run(const BlockwiseShape& shape, const uint8_t* packed, const Float16* scales,
                      const float* bias, const float* input, float* out, F32Clamp clamp,
                      void* scratch, ThreadPool* pool) {
  int16_t* const rows = static_cast<int16_t*>(scratch);
  float* const row_scales = reinterpret_cast<float*>(
      static_cast<uint8_t*>(scratch) + align_up(shape.m * shape.k * sizeof(int16_t)));
  const ActivationForm form = {ActivationType::kFloat32, 0, true};
  for (int64_t m = 0; m < shape.m; ++m) {
    const float* const row = input + m * shape.k;
    const BatchScale scale = batch_scale_of(row, shape.k, true);
    widen_activations(form, scale, row, shape.k, rows + m * shape.k);
    row_scales[m] = scale.scale;
  }
  const int64_t blocks = shape.k / shape.block;
  const EvenSplit split(shape.n, 8, shape.m * shape.k, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t n = split.begin(task); n < split.end(task); ++n) {
      const auto* const w = reinterpret_cast<const int8_t*>(packed) + n * shape.k;
      for (int64_t m = 0; m < shape.m; ++m) {
        float sum = 0;
        for (int64_t b = 0; b < blocks; ++b) {
          sum += static_cast<float>(scales[n * blocks + b]) *
                 static_cast<float>(dot(rows + m * shape.k + b * shape.block,
                                        w + b * shape.block, shape.block));
        }
        const float y = sum * row_scales[m] + (bias != nullptr ? bias[n] : 0.0f);
        const float raised = y < clamp.min ? clamp.min : y;
        out[m * shape.n + n] = raised > clamp.max ? clamp.max : raised;
      }
    }
  });
}

}  // namespace zeolite
