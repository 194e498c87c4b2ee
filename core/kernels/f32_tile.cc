#include "core/kernels/f32_tile.h"

#include <algorithm>

#include "core/kernels/simd.h"

namespace zeolite {
namespace {

// `Panels` panels beside each other, each 8 columns. Its functions must be inlined: called, they
// would keep the sums in memory, and every product would store one (39 instead of 50 GFLOP/s).
template <int Rows, int Panels = 1>
struct Tile {
  F32x4 sum[Rows][2 * Panels];

  [[gnu::always_inline]] void start(const float* const (&panels)[Panels]) {
#pragma GCC unroll 16
    for (int i = 0; i < 2 * Panels; ++i) {
      const F32x4 bias = wasm_v128_load(panels[i / 2] + i % 2 * 4);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) sum[r][i] = bias;
    }
  }

  // Adds a[r][0..k) times w[..][0..k)[8] and moves w behind them.
  [[gnu::always_inline]] void add(size_t k, const float* const (&a)[Rows],
                                  const float* (&w)[Panels]) {
    for (size_t i = 0; i < k; ++i) {
      F32x4 x[Rows];
      if constexpr (Panels > 1) {
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) x[r] = wasm_v128_load32_splat(a[r] + i);
      }
#pragma GCC unroll 8
      for (int p = 0; p < Panels; ++p) {
        const F32x4 low = wasm_v128_load(w[p]);
        const F32x4 high = wasm_v128_load(w[p] + 4);
        w[p] += kF32TileColumns;
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) {
          if constexpr (Panels == 1) x[r] = wasm_v128_load32_splat(a[r] + i);
          sum[r][2 * p] = f32x4_madd(x[r], low, sum[r][2 * p]);
          sum[r][2 * p + 1] = f32x4_madd(x[r], high, sum[r][2 * p + 1]);
        }
      }
    }
  }

  [[gnu::always_inline]] void store(float* out, size_t out_stride, size_t columns,
                                    const F32Clamp& clamp) {
    const F32x4 low = wasm_f32x4_splat(clamp.min);
    const F32x4 high = wasm_f32x4_splat(clamp.max);
    constexpr size_t kColumns = Panels * kF32TileColumns;
    float whole[Rows][kColumns];
    const bool is_whole = columns == kColumns;
    float* const to = is_whole ? out : whole[0];
    const size_t stride = is_whole ? out_stride : kColumns;
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
      for (int i = 0; i < 2 * Panels; ++i) {
        wasm_v128_store(to + r * stride + i * 4, f32x4_clamp(sum[r][i], low, high));
      }
    }
    if (is_whole) return;
    for (int r = 0; r < Rows; ++r) {
      for (size_t c = 0; c < columns; ++c) out[r * out_stride + c] = whole[r][c];
    }
  }
};

// Not inlined: V8 compiles and replaces functions one by one at their next call, so a kernel that
// is called for each tile runs optimized soon, and its registers are given out for it alone.
template <int Rows, int Panels = 1>
[[gnu::noinline]] void gemm_tile(size_t k, const float* a, size_t a_stride, const float* panels,
                                 float* out, size_t out_stride, size_t columns,
                                 const F32Clamp& clamp) {
  const float* w[Panels];
#pragma GCC unroll 8
  for (int p = 0; p < Panels; ++p) w[p] = panels + p * f32_panel_floats(k);
  Tile<Rows, Panels> tile;
  tile.start(w);
  const float* rows[Rows];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) rows[r] = a + r * a_stride;
#pragma GCC unroll 8
  for (int p = 0; p < Panels; ++p) w[p] += kF32TileColumns;
  tile.add(k, rows, w);
  tile.store(out, out_stride, columns, clamp);
}

template <int Rows>
[[gnu::noinline]] void indirect_tile(size_t taps, size_t k, const float* const* pointers,
                                     size_t a_offset, const float* panel, float* out,
                                     size_t out_stride, size_t columns, const F32Clamp& clamp) {
  Tile<Rows> tile;
  const float* w[] = {panel};
  tile.start(w);
  w[0] += kF32TileColumns;
  for (size_t tap = 0; tap < taps; ++tap, pointers += kF32TileRows) {
    const float* rows[Rows];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) rows[r] = pointers[r] + a_offset;
    tile.add(k, rows, w);
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

// As many panels at a time as a tile has rows, or one where there are fewer. The last tile repeats
// panels of the one before, to the same values.
void f32_gemv_panels(size_t n, size_t k, const float* a, const float* panels, float* out,
                     const F32Clamp& clamp) {
  const auto count = static_cast<size_t>(f32_panel_count(static_cast<int64_t>(n)));
  size_t done = 0;
  const auto tile = [&]<int Panels>() {
    const size_t panel = std::min(done, count - Panels);
    const size_t column = panel * kF32TileColumns;
    gemm_tile<1, Panels>(k, a, 0, panels + panel * f32_panel_floats(k), out + column, 0,
                         std::min<size_t>(Panels * kF32TileColumns, n - column), clamp);
    done = panel + Panels;
  };
  while (done < count) {
    if (count >= kF32TileRows) {
      tile.template operator()<kF32TileRows>();
    } else {
      tile.template operator()<1>();
    }
  }
}

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
