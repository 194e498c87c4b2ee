#include "core/kernels/f32_softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels/f32_math.h"
#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

// NaN when any element is NaN.
[[gnu::noinline]] float row_max(const float* x, size_t depth) {
  F32x4 most = wasm_f32x4_splat(-std::numeric_limits<float>::infinity());
  size_t i = 0;
  for (; i + 4 <= depth; i += 4) most = wasm_f32x4_max(most, wasm_v128_load(x + i));
  most = wasm_f32x4_max(most, wasm_i32x4_shuffle(most, most, 2, 3, 2, 3));
  most = wasm_f32x4_max(most, wasm_i32x4_shuffle(most, most, 1, 1, 1, 1));
  for (; i < depth; ++i) most = wasm_f32x4_max(most, wasm_f32x4_splat(x[i]));
  return wasm_f32x4_extract_lane(most, 0);
}

// The sum of e^(beta * (x - most)); each term goes to `terms` unless that is null. The sum is in
// double from block to block, so that long rows lose nothing.
[[gnu::noinline]] double row_exp(const float* x, size_t depth, float most, float beta,
                                 float* terms) {
  constexpr size_t kBlock = 1024;
  const ExpMath math;
  const F32x4 shift = wasm_f32x4_splat(most);
  const F32x4 scale = wasm_f32x4_splat(beta);
  double total = 0.0;
  for (size_t first = 0; first < depth; first += kBlock) {
    const size_t last = std::min(depth, first + kBlock);
    F32x4 sum = f32x4_zero();
    size_t i = first;
    for (; i + 4 <= last; i += 4) {
      const F32x4 y =
          math.exp(wasm_f32x4_mul(wasm_f32x4_sub(wasm_v128_load(x + i), shift), scale));
      sum = wasm_f32x4_add(sum, y);
      if (terms != nullptr) wasm_v128_store(terms + i, y);
    }
    total += f32x4_sum(sum);
    if (i < last) {
      const int rest = static_cast<int>(last - i);
      const F32x4 y =
          math.exp(wasm_f32x4_mul(wasm_f32x4_sub(f32x4_load_partial(x + i, rest), shift), scale));
      float lanes[4];
      wasm_v128_store(lanes, y);
      for (int lane = 0; lane < rest; ++lane) {
        total += lanes[lane];
        if (terms != nullptr) terms[i + lane] = lanes[lane];
      }
    }
  }
  return total;
}

// y[i] = (x[i] - shift) * factor + term.
[[gnu::noinline]] void row_scale(const float* x, size_t depth, float shift, float factor,
                                 float term, float* y) {
  const F32x4 shifts = wasm_f32x4_splat(shift);
  const F32x4 factors = wasm_f32x4_splat(factor);
  const F32x4 terms = wasm_f32x4_splat(term);
  size_t i = 0;
  for (; i + 4 <= depth; i += 4) {
    const F32x4 shifted = wasm_f32x4_sub(wasm_v128_load(x + i), shifts);
    wasm_v128_store(y + i, wasm_f32x4_add(wasm_f32x4_mul(shifted, factors), terms));
  }
  for (; i < depth; ++i) y[i] = (x[i] - shift) * factor + term;
}

// In multiply-accumulates that take as long.
constexpr int64_t kElementCost = 24;

}  // namespace

void f32_softmax(int64_t rows, int64_t depth, float beta, const float* input, float* output,
                 ThreadPool* pool) {
  const EvenSplit split(rows, 1, kElementCost * depth, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) {
      const float* x = input + row * depth;
      float* y = output + row * depth;
      const double sum = row_exp(x, depth, row_max(x, depth), beta, y);
      row_scale(y, depth, 0.0f, static_cast<float>(1.0 / sum), 0.0f, y);
    }
  });
}

void f32_log_softmax(int64_t rows, int64_t depth, const float* input, float* output,
                     ThreadPool* pool) {
  const EvenSplit split(rows, 1, kElementCost * depth, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) {
      const float* x = input + row * depth;
      const float most = row_max(x, depth);
      const double sum = row_exp(x, depth, most, 1.0f, nullptr);
      row_scale(x, depth, most, 1.0f, static_cast<float>(-std::log(sum)), output + row * depth);
    }
  });
}

}  // namespace zeolite
