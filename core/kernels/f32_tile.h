// The inner loops of all float32 products: tiles of kF32TileRows rows by 8 columns.
//
// GFLOP/s by tile, packed, M = N = 96, K = 256 (AMD EPYC Zen 3, peak 51.8, Node 24; relaxed madd /
// plain mul and add): 4x8 50.6 / 42.8, 6x8 50.8 / 25.7, 2x16 50.4 / 41.6, 8x8 29.3 / 26.1, 4x16
// 25.5 / 30.2. x64 has 16 vector registers of which V8 keeps one or two, so more accumulators
// spill, and 6x8 with a temporary for each product does; fewer than 8 do not hide the latency.
// Rows of `a` through pointers, M = 96, N = 8, K = 16 / 64 / 384 (Intel Xeon, peak 69, relaxed
// madd, 2026-11): Chromium 156 4x8 52 / 53 / 53, 6x8 56 / 61 / 61; Node 24 47 / 48 / 53, 56 / 60 /
// 60; Node 22 49 / 48 / 49, 49 / 50 / 54. So 6 rows with madd, 4 without. Only Node 20, where
// relaxed SIMD is behind a flag, is slower with 6 (packed 38 against 54).
// The loop over K is not unrolled: V8 does it, and unrolled in the source (by 2: 38.3, by 4: 31.8)
// loads move up and spill.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/kernels/shapes.h"

namespace zeolite {

#if defined(__wasm_simd128__) && !defined(__wasm_relaxed_simd__)
inline constexpr int kF32TileRows = 4;
#else  // Natively too, so that the tests see the longer tails.
inline constexpr int kF32TileRows = 6;
#endif
inline constexpr int kF32TileColumns = 8;

// Packed weights are panels of kF32TileColumns columns, one after the other: the panel's 8 biases,
// then for each k its 8 weights. Columns beyond n are zeros.
inline constexpr int64_t f32_panel_count(int64_t n) {
  return (n + kF32TileColumns - 1) / kF32TileColumns;
}
inline constexpr int64_t f32_panel_floats(int64_t k) { return (k + 1) * kF32TileColumns; }

// Packs n columns of k weights, weight(column, row), with bias (null: zeros); returns the end.
template <class Weight>
float* f32_pack_panels(int64_t n, int64_t k, const float* bias, const Weight& weight,
                       float* packed) {
  for (int64_t first = 0; first < n; first += kF32TileColumns) {
    const int64_t columns = n - first < kF32TileColumns ? n - first : kF32TileColumns;
    for (int64_t c = 0; c < kF32TileColumns; ++c) {
      packed[c] = bias != nullptr && c < columns ? bias[first + c] : 0.0f;
    }
    packed += kF32TileColumns;
    for (int64_t i = 0; i < k; ++i, packed += kF32TileColumns) {
      for (int64_t c = 0; c < columns; ++c) packed[c] = weight(first + c, i);
      for (int64_t c = columns; c < kF32TileColumns; ++c) packed[c] = 0.0f;
    }
  }
  return packed;
}

// One panel times `rows` rows of `a`, a_stride elements apart: out[r][c] = clamp(bias[c] + sum over
// k of a[r][k] * panel[k][c]) for the first `columns` (1 to 8) columns.
void f32_gemm_panel(size_t rows, size_t k, const float* a, size_t a_stride, const float* panel,
                    float* out, size_t out_stride, size_t columns, const F32Clamp& clamp);

// The same for one row and all panels of n columns, to the same values: a tile that lacks rows has
// more panels, since two sums alone would wait for each other.
void f32_gemv_panels(size_t n, size_t k, const float* a, const float* panels, float* out,
                     const F32Clamp& clamp);

// f32_gemm_panel with `taps` rows of `a` for each row of the output, found through pointers: row r
// of tile t (of R = kF32TileRows rows) and tap i use pointers[(t * taps + i) * R + r], moved by
// a_offset elements, each with k elements; the panel has taps * k rows. Pointers of rows beyond
// `rows` are not used.
void f32_indirect_panel(size_t rows, size_t taps, size_t k, const float* const* pointers,
                        size_t a_offset, const float* panel, float* out, size_t out_stride,
                        size_t columns, const F32Clamp& clamp);

}  // namespace zeolite
