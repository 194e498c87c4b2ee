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
  if (rows == 1) {
    const int64_t column = first * kF32TileColumns;
    f32_gemv_panels(std::min(last * kF32TileColumns, n) - column, k, a,
                    packed + first * f32_panel_floats(k), out + column, clamp);
    return;
  }
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

// Weights as floats: four, or eight in two vectors.
struct FloatLoad {
  [[gnu::always_inline]] F32x4 four(const float* weights) const { return wasm_v128_load(weights); }
  [[gnu::always_inline]] void eight(const float* weights, F32x4 (&to)[2]) const {
    to[0] = wasm_v128_load(weights);
    to[1] = wasm_v128_load(weights + 4);
  }
};

// Of finite numbers: moved into a float32 the exponent is 112 too small, which the product mends.
// The constants are in memory, since some engines build those in the code anew at each use.
struct HalfLoad {
  v128_t mask = wasm_i16x8_splat(static_cast<int16_t>(0x8fff));
  v128_t factor = wasm_f32x4_splat(0x1p112f);

  HalfLoad() { asm volatile("" : : "r"(this) : "memory"); }

  [[gnu::always_inline]] void widen(v128_t halves, F32x4 (&to)[2]) const {
    const v128_t upper = wasm_v128_and(wasm_i16x8_shr(halves, 3), mask);
    const v128_t lower = wasm_i16x8_shl(halves, 13);
    to[0] = wasm_f32x4_mul(wasm_i16x8_shuffle(lower, upper, 0, 8, 1, 9, 2, 10, 3, 11), factor);
    to[1] = wasm_f32x4_mul(wasm_i16x8_shuffle(lower, upper, 4, 12, 5, 13, 6, 14, 7, 15), factor);
  }
  [[gnu::always_inline]] F32x4 four(const Float16* weights) const {
    F32x4 two[2];
    widen(wasm_v128_load64_zero(weights), two);
    return two[0];
  }
  [[gnu::always_inline]] void eight(const Float16* weights, F32x4 (&to)[2]) const {
    widen(wasm_v128_load(weights), to);
  }
};

// Dot products of one or two rows of `a` and 8 or 4 rows of the weights, or of one and one: each in
// four partial sums.
template <int Rows, int Columns>
struct DotTile {
  F32x4 sum[Rows * Columns];

  // Takes 4 * Vectors numbers of each row.
  template <int Vectors, class W, class Load>
  [[gnu::always_inline]] void add(const float* const (&a)[Rows], const W* const (&weights)[Columns],
                                  const Load& load) {
    F32x4 x[Rows][Vectors];
#pragma GCC unroll 8
    for (int i = 0; i < Rows * Vectors; ++i) {
      x[i / Vectors][i % Vectors] = wasm_v128_load(a[i / Vectors] + i % Vectors * 4);
    }
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
      F32x4 w[2];
      if constexpr (Vectors == 2) {
        load.eight(weights[c], w);
      } else {
        w[0] = load.four(weights[c]);
      }
#pragma GCC unroll 8
      for (int i = 0; i < Rows * Vectors; ++i) {
        F32x4& to = sum[i / Vectors * Columns + c];
        to = f32x4_madd(x[i / Vectors][i % Vectors], w[i % Vectors], to);
      }
    }
  }
};

// Writes the sums row by row.
template <int Rows, int Columns, class W, class Load>
[[gnu::noinline]] void gemv_tile(size_t k, const float* a, size_t a_stride, const W* weights,
                                 size_t weights_stride, const Load& load, float* sums) {
  const Load constants = load;
  DotTile<Rows, Columns> tile;
#pragma GCC unroll 8
  for (F32x4& sum : tile.sum) sum = f32x4_zero();
  const float* from[Rows];
  const W* rows[Columns];
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
      // Else the compiler adds two offsets to each address instead.
      asm("" : "+r"(rows[c]));
    }
  };
  size_t i = 0;
  // Each row has an address of its own, which two vectors share.
  for (; i + 8 <= k; i += 8, advance(8)) {
    tile.template add<2>(from, rows, constants);
  }
  if (i + 4 <= k) {
    tile.template add<1>(from, rows, constants);
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
template <int Rows, int Columns, class W, class Load>
void gemv_rows(int64_t first, int64_t last, int64_t k, const float* a, int64_t a_stride,
               const W* weights, int64_t weights_stride, const float* bias, float* out,
               int64_t out_stride, F32Clamp clamp, const Load& load) {
  const F32x4 low = wasm_f32x4_splat(clamp.min);
  const F32x4 high = wasm_f32x4_splat(clamp.max);
  int64_t column = first;
  for (; column + Columns <= last; column += Columns) {
    float sums[Rows * Columns];
    gemv_tile<Rows, Columns>(k, a, a_stride, weights + column * weights_stride, weights_stride,
                             load, sums);
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
                      weights_stride, load, &sum);
      const float y = sum + (bias != nullptr ? bias[column] : 0.0f);
      const float raised = y < clamp.min ? clamp.min : y;
      out[r * out_stride + column] = raised > clamp.max ? clamp.max : raised;
    }
  }
}

template <class W, class Load>
void gemv_all(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_stride,
                   const W* weights, int64_t weights_stride, const float* bias, float* out,
                   int64_t out_stride, F32Clamp clamp, ThreadPool* pool, const Load& load) {
  const EvenSplit split(n, 16, m * k, pool);
  parallel_for(split.pool, split.tasks(), [=, &load](int64_t task) {
    const int64_t first = split.begin(task);
    const int64_t last = split.end(task);
    int64_t row = 0;
    for (; row + 2 <= m; row += 2) {
      gemv_rows<2, 4>(first, last, k, a + row * a_stride, a_stride, weights, weights_stride, bias,
                      out + row * out_stride, out_stride, clamp, load);
    }
    if (row < m) {
      gemv_rows<1, 8>(first, last, k, a + row * a_stride, a_stride, weights, weights_stride, bias,
                      out + row * out_stride, out_stride, clamp, load);
    }
  });
}

}  // namespace

void f32_gemv_rows(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_stride,
                   const float* weights, int64_t weights_stride, const float* bias, float* out,
                   int64_t out_stride, F32Clamp clamp, ThreadPool* pool) {
  gemv_all(m, n, k, a, a_stride, weights, weights_stride, bias, out, out_stride, clamp, pool,
           FloatLoad());
}

void f32_gemv_rows(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_stride,
                   const Float16* weights, int64_t weights_stride, const float* bias, float* out,
                   int64_t out_stride, F32Clamp clamp, ThreadPool* pool) {
  gemv_all(m, n, k, a, a_stride, weights, weights_stride, bias, out, out_stride, clamp, pool,
           HalfLoad());
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
