// Products of vectors with matrices of int8 weights, in 32-bit integers: what recurrent operators
// do at each step, hybrid (float32 vectors, quantized row by row) and integer ones.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"

namespace zeolite {

// A packed [n, k] matrix of weights and the sums of its rows. Two neighbours of a row lie together,
// so that one dot product of pairs gives 4 columns without adding across lanes: panels of
// kI8PanelRows rows, and in them for each pair of k the rows' pairs.
inline constexpr int64_t kI8PanelRows = 16;

struct I8Matrix {
  int64_t n = 0;
  int64_t k = 0;
  const int8_t* packed = nullptr;
  const int32_t* row_sums = nullptr;
};

// Elements that a vector of k must have: an even number, the last one zero where k is odd.
inline constexpr int64_t i8_padded(int64_t k) { return (k + 1) / 2 * 2; }

uint64_t i8_matrix_packed_bytes(int64_t n, int64_t k);
// Packs weights[n][k], densely; `packed` is aligned to 16 bytes.
I8Matrix i8_matrix_pack(int64_t n, int64_t k, const int8_t* weights, uint8_t* packed);
// The view of what i8_matrix_pack wrote.
I8Matrix i8_matrix_view(int64_t n, int64_t k, const uint8_t* packed);

// sums[r][i] = sum over k of x[r][k] * weights[i][k], wrapping around; rows of x are
// i8_padded(matrix.k) elements apart, rows of `sums` matrix.n.
void i8_matrix_product(const I8Matrix& matrix, int64_t rows, const int16_t* x, int32_t* sums,
                       ThreadPool* pool);

// How a row of float32 was quantized: real = scale * (stored - zero_point).
struct RowScale {
  float scale = 1;
  int32_t zero_point = 0;
};

// Quantizes rows of k float32, row_stride elements apart, to 8 bits (kept in int16, padded), each
// with its own scale: symmetric in [-127, 127], or asymmetric over the row's own range and 0.
void quantize_rows(int64_t rows, int64_t k, const float* x, int64_t row_stride, bool asymmetric,
                   int16_t* quantized, RowScale* scales);

// out[r][i] += (sums[r][i] - zero point of r * row_sums[i]) * scale of r * weight_scale; rows of
// `out` are out_stride elements apart.
void accumulate_scaled(const I8Matrix& matrix, int64_t rows, const int32_t* sums,
                       const RowScale* scales, float weight_scale, float* out,
                       int64_t out_stride);

}  // namespace zeolite
