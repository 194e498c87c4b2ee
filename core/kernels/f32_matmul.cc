#include "core/kernels/f32_matmul.h"

#include <algorithm>

#include "core/kernels/f32_tile.h"
#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {

uint64_t f32_gemm_packed_bytes(int64_t n, int64_t k) {
  return static_cast<uint64_t>(f32_panel_count(n)) * f32_panel_floats(k) * sizeof(float);
}

void f32_gemm_pack(int64_t n, int64_t k, const float* weights, int64_t n_stride, int64_t k_stride,
                   const float* bias, float* packed) {
  f32_pack_panels(
      n, k, bias,
      [=](int64_t column, int64_t i) { return weights[column * n_stride + i * k_stride]; }, packed);
}

namespace {

// The panels [first, last) times `rows` rows. A panel stays in L1 or L2 while all rows pass it.
void gemm_block(int64_t rows, int64_t first, int64_t last, int64_t n, int64_t k, const float* a,
                int64_t a_stride, const float* packed, float* out, int64_t out_stride,
                F32Clamp clamp) {
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t column = panel * kF32TileColumns;
    f32_gemm_panel(rows, k, a, a_stride, packed + panel * f32_panel_floats(k), out + column,
                   out_stride, std::min<int64_t>(kF32TileColumns, n - column), clamp);
  }
}

}  // namespace

void f32_gemm(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_stride,
              const float* packed, float* out, int64_t out_stride, F32Clamp clamp,
              ThreadPool* pool) {
  const TileSplit split(m, n, k * n, pool);
  parallel_for(split.pool, split.tasks(), [=](int64_t task) {
    const TileSplit::Part part = split.part(task);
    gemm_block(part.rows, part.first_panel, part.last_panel, n, k, a + part.row * a_stride,
               a_stride, packed, out + part.row * out_stride, out_stride, clamp);
  });
}

namespace {

// Dot products of one or two rows of `a` and 8 or 4 rows of the weights, or of one and one: each in
// four partial sums.
template <int Rows, int Columns>
struct DotTile {
  F32x4 sum[Rows * Columns];

  [[gnu::always_inline]] void add(const float* const (&a)[Rows],
                                  const float* const (&weights)[Columns], int offset) {
    F32x4 x[Rows];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) x[r] = wasm_v128_load(a[r] + offset);
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
      const F32x4 w = wasm_v128_load(weights[c] + offset);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) sum[r * Columns + c] = f32x4_madd(x[r], w, sum[r * Columns + c]);
    }
  }
};

// Writes the sums row by row.
template <int Rows, int Columns>
[[gnu::noinline]] void gemv_tile(size_t k, const float* a, size_t a_stride, const float* weights,
                                 size_t weights_stride, float* sums) {
  DotTile<Rows, Columns> tile;
#pragma GCC unroll 8
  for (F32x4& sum : tile.sum) sum = f32x4_zero();
  const float* from[Rows];
  const float* rows[Columns];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) from[r] = a + r * a_stride;
#pragma GCC unroll 8
  for (int c = 0; c < Columns; ++c) rows[c] = weights + c * weights_stride;
  const auto advance = [&](int by) {
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) from[r] += by;
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
      rows[c] += by;
      asm("" : "+r"(rows[c]));
    }
  };
  size_t i = 0;
  for (; i + 8 <= k; i += 8, advance(8)) {
    tile.add(from, rows, 0);
    tile.add(from, rows, 4);
  }
  if (i + 4 <= k) {
    tile.add(from, rows, 0);
    i += 4;
  }
  if constexpr (Rows * Columns == 1) {
    sums[0] = f32x4_sum(tile.sum[0]);
  } else {
#pragma GCC unroll 2
    for (int s = 0; s < Rows * Columns; s += 4) {
      wasm_v128_store(sums + s, f32x4_sums(tile.sum[s], tile.sum[s + 1], tile.sum[s + 2],
                                           tile.sum[s + 3]));
    }
  }
  for (; i < k; ++i) {
    for (int s = 0; s < Rows * Columns; ++s) {
      sums[s] += a[s / Columns * a_stride + i] * weights[s % Columns * weights_stride + i];
    }
  }
}

// Rows of `a` times the weights' rows [first, last).
template <int Rows, int Columns>
void gemv_rows(int64_t first, int64_t last, int64_t k, const float* a, int64_t a_stride,
               const float* weights, int64_t weights_stride, const float* bias, float* out,
               int64_t out_stride, F32Clamp clamp) {
  const F32x4 low = wasm_f32x4_splat(clamp.min);
  const F32x4 high = wasm_f32x4_splat(clamp.max);
  int64_t column = first;
  for (; column + Columns <= last; column += Columns) {
    float sums[Rows * Columns];
    gemv_tile<Rows, Columns>(k, a, a_stride, weights + column * weights_stride, weights_stride,
                             sums);
    for (int s = 0; s < Rows * Columns; s += 4) {
      const int64_t at = column + s % Columns;
      const F32x4 offset = bias != nullptr ? wasm_v128_load(bias + at) : f32x4_zero();
      wasm_v128_store(out + s / Columns * out_stride + at,
                      f32x4_clamp(wasm_f32x4_add(wasm_v128_load(sums + s), offset), low, high));
    }
  }
  for (; column < last; ++column) {
    for (int64_t r = 0; r < Rows; ++r) {
      float sum;
      gemv_tile<1, 1>(k, a + r * a_stride, a_stride, weights + column * weights_stride,
                      weights_stride, &sum);
      const float y = sum + (bias != nullptr ? bias[column] : 0.0f);
      const float raised = y < clamp.min ? clamp.min : y;
      out[r * out_stride + column] = raised > clamp.max ? clamp.max : raised;
    }
  }
}

}  // namespace

void f32_gemv_rows(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_stride,
                   const float* weights, int64_t weights_stride, const float* bias, float* out,
                   int64_t out_stride, F32Clamp clamp, ThreadPool* pool) {
  const EvenSplit split(n, 16, m * k, pool);
  parallel_for(split.pool, split.tasks(), [=](int64_t task) {
    const int64_t first = split.begin(task);
    const int64_t last = split.end(task);
    int64_t row = 0;
    for (; row + 2 <= m; row += 2) {
      gemv_rows<2, 4>(first, last, k, a + row * a_stride, a_stride, weights, weights_stride, bias,
                      out + row * out_stride, out_stride, clamp);
    }
    if (row < m) {
      gemv_rows<1, 8>(first, last, k, a + row * a_stride, a_stride, weights, weights_stride, bias,
                      out + row * out_stride, out_stride, clamp);
    }
  });
}

namespace {

// What a thread needs to multiply one pair of matrices: B packed, and A when it is transposed.
struct MatmulScratch {
  uint64_t packed_b_bytes;
  uint64_t a_bytes;

  explicit MatmulScratch(const F32BatchMatmulShape& shape)
      : packed_b_bytes(f32_gemm_packed_bytes(shape.n, shape.k)),
        a_bytes(shape.transpose_a ? align_up(shape.m * shape.k * sizeof(float)) : 0) {}
  uint64_t total() const { return packed_b_bytes + a_bytes; }
};

void matmul_one(const F32BatchMatmulShape& shape, const float* a, const float* b, float* out,
                uint8_t* scratch, ThreadPool* pool) {
  float* packed = reinterpret_cast<float*>(scratch);
  if (shape.transpose_a) {
    float* rows = reinterpret_cast<float*>(scratch + MatmulScratch(shape).packed_b_bytes);
    for (int64_t i = 0; i < shape.k; ++i) {
      for (int64_t m = 0; m < shape.m; ++m) rows[m * shape.k + i] = a[i * shape.m + m];
    }
    a = rows;
  }
  if (shape.transpose_b && shape.m < kF32PackedGemmMinRows) {
    f32_gemv_rows(shape.m, shape.n, shape.k, a, shape.k, b, shape.k, nullptr, out, shape.n,
                  kNoClamp, pool);
    return;
  }
  f32_gemm_pack(shape.n, shape.k, b, shape.transpose_b ? shape.k : 1,
                shape.transpose_b ? 1 : shape.n, nullptr, packed);
  f32_gemm(shape.m, shape.n, shape.k, a, shape.k, packed, out, shape.n, kNoClamp, pool);
}

}  // namespace

uint64_t f32_batch_matmul_scratch_bytes(const F32BatchMatmulShape& shape, int threads) {
  const uint64_t concurrent = std::clamp<int64_t>(shape.batch_count, 1, std::max(threads, 1));
  return MatmulScratch(shape).total() * concurrent;
}

void f32_batch_matmul(const F32BatchMatmulShape& shape, const float* a, const int64_t* a_offsets,
                      const float* b, const int64_t* b_offsets, float* out, void* scratch,
                      ThreadPool* pool) {
  const uint64_t scratch_bytes = MatmulScratch(shape).total();
  uint8_t* const memory = static_cast<uint8_t*>(scratch);
  const auto one = [&](int64_t index, uint8_t* own, ThreadPool* inner) {
    matmul_one(shape, a + a_offsets[index], b + b_offsets[index],
               out + index * shape.m * shape.n, own, inner);
  };
  const int threads = pool != nullptr ? pool->threads() : 1;
  if (shape.batch_count < threads) {
    for (int64_t index = 0; index < shape.batch_count; ++index) one(index, memory, pool);
    return;
  }
  const EvenSplit split(shape.batch_count, 1, shape.m * shape.n * shape.k, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task, int thread) {
    for (int64_t index = split.begin(task); index < split.end(task); ++index) {
      one(index, memory + thread * scratch_bytes, nullptr);
    }
  });
}

}  // namespace zeolite
