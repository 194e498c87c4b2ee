#include "core/kernels/f32_tile.h"

#include "core/kernels/simd.h"

namespace zeolite {
namespace {

// Its functions must be inlined: called, they would keep the sums in memory, and every product
// would store one (39 instead of 50 GFLOP/s).
template <int Rows>
struct Tile {
  F32x4 sum[Rows][2];

  [[gnu::always_inline]] void start(const float* bias) {
    const F32x4 low = wasm_v128_load(bias);
    const F32x4 high = wasm_v128_load(bias + 4);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      sum[r][0] = low;
      sum[r][1] = high;
    }
  }

  // Adds a[r][0..k) times w[0..k)[8]; returns the end of w.
  [[gnu::always_inline]] const float* add(size_t k, const float* const (&a)[Rows], const float* w) {
    for (size_t i = 0; i < k; ++i) {
      const F32x4 low = wasm_v128_load(w);
      const F32x4 high = wasm_v128_load(w + 4);
      w += kF32TileColumns;
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        const F32x4 x = wasm_v128_load32_splat(a[r] + i);
        sum[r][0] = f32x4_madd(x, low, sum[r][0]);
        sum[r][1] = f32x4_madd(x, high, sum[r][1]);
      }
    }
    return w;
  }

  [[gnu::always_inline]] void store(float* out, size_t out_stride, size_t columns,
                                    const F32Clamp& clamp) {
    const F32x4 low = wasm_f32x4_splat(clamp.min);
    const F32x4 high = wasm_f32x4_splat(clamp.max);
    if (columns == kF32TileColumns) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        wasm_v128_store(out + r * out_stride, f32x4_clamp(sum[r][0], low, high));
        wasm_v128_store(out + r * out_stride + 4, f32x4_clamp(sum[r][1], low, high));
      }
      return;
    }
    float whole[Rows][kF32TileColumns];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      wasm_v128_store(whole[r], f32x4_clamp(sum[r][0], low, high));
      wasm_v128_store(whole[r] + 4, f32x4_clamp(sum[r][1], low, high));
    }
    for (int r = 0; r < Rows; ++r) {
      for (size_t c = 0; c < columns; ++c) out[r * out_stride + c] = whole[r][c];
    }
  }
};

// Not inlined: V8 compiles and replaces functions one by one at their next call, so a kernel that
// is called for each tile runs optimized soon, and its registers are given out for it alone.
template <int Rows>
[[gnu::noinline]] void gemm_tile(size_t k, const float* a, size_t a_stride, const float* panel,
                                 float* out, size_t out_stride, size_t columns,
                                 const F32Clamp& clamp) {
  Tile<Rows> tile;
  tile.start(panel);
  const float* rows[Rows];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) rows[r] = a + r * a_stride;
  tile.add(k, rows, panel + kF32TileColumns);
  tile.store(out, out_stride, columns, clamp);
}

template <int Rows>
[[gnu::noinline]] void indirect_tile(size_t taps, size_t k, const float* const* pointers,
                                     size_t a_offset, const float* panel, float* out,
                                     size_t out_stride, size_t columns, const F32Clamp& clamp) {
  Tile<Rows> tile;
  tile.start(panel);
  const float* w = panel + kF32TileColumns;
  for (size_t tap = 0; tap < taps; ++tap, pointers += kF32TileRows) {
    const float* rows[Rows];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) rows[r] = pointers[r] + a_offset;
    w = tile.add(k, rows, w);
  }
  tile.store(out, out_stride, columns, clamp);
}

// The tile of the last `rows` rows, fewer than kF32TileRows.
template <int Rows = kF32TileRows - 1>
void gemm_tail(size_t rows, size_t k, const float* a, size_t a_stride, const float* panel,
               float* out, size_t out_stride, size_t columns, const F32Clamp& clamp) {
  if (rows == Rows) {
    gemm_tile<Rows>(k, a, a_stride, panel, out, out_stride, columns, clamp);
  } else if constexpr (Rows > 1) {
    gemm_tail<Rows - 1>(rows, k, a, a_stride, panel, out, out_stride, columns, clamp);
  }
}

template <int Rows = kF32TileRows - 1>
void indirect_tail(size_t rows, size_t taps, size_t k, const float* const* pointers,
                   size_t a_offset, const float* panel, float* out, size_t out_stride,
                   size_t columns, const F32Clamp& clamp) {
  if (rows == Rows) {
    indirect_tile<Rows>(taps, k, pointers, a_offset, panel, out, out_stride, columns, clamp);
  } else if constexpr (Rows > 1) {
    indirect_tail<Rows - 1>(rows, taps, k, pointers, a_offset, panel, out, out_stride, columns,
                            clamp);
  }
}

}  // namespace

void f32_gemm_panel(size_t rows, size_t k, const float* a, size_t a_stride, const float* panel,
                    float* out, size_t out_stride, size_t columns, const F32Clamp& clamp) {
  constexpr size_t kRows = kF32TileRows;
  const bool after_tile = rows > kRows;
  for (; rows >= kRows; rows -= kRows) {
    gemm_tile<kRows>(k, a, a_stride, panel, out, out_stride, columns, clamp);
    a += kRows * a_stride;
    out += kRows * out_stride;
  }
  if (rows == 1 && after_tile) {
    // One row alone takes as long as 8: its two sums wait for each other. So the last tile repeats
    // rows of the one before, to the same values.
    gemm_tile<kRows>(k, a - (kRows - 1) * a_stride, a_stride, panel,
                     out - (kRows - 1) * out_stride, out_stride, columns, clamp);
    return;
  }
  gemm_tail(rows, k, a, a_stride, panel, out, out_stride, columns, clamp);
}

void f32_indirect_panel(size_t rows, size_t taps, size_t k, const float* const* pointers,
                        size_t a_offset, const float* panel, float* out, size_t out_stride,
                        size_t columns, const F32Clamp& clamp) {
  constexpr size_t kRows = kF32TileRows;
  for (; rows >= kRows; rows -= kRows) {
    indirect_tile<kRows>(taps, k, pointers, a_offset, panel, out, out_stride, columns, clamp);
    pointers += kRows * taps;
    out += kRows * out_stride;
  }
  indirect_tail(rows, taps, k, pointers, a_offset, panel, out, out_stride, columns, clamp);
}

}  // namespace zeolite
