#include "core/kernels/i8_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/wrapping.h"
#include "core/kernels/quantized.h"
#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

constexpr int64_t kPairBytes = 2 * kI8PanelRows;

int64_t panel_count(int64_t n) { return (n + kI8PanelRows - 1) / kI8PanelRows; }
int64_t panel_bytes(int64_t k) { return i8_padded(k) / 2 * kPairBytes; }

// One panel times Rows vectors.
template <int Rows>
void panel_product(int64_t pairs, const int16_t* x, int64_t x_stride, const int8_t* panel,
                   int32_t* sums, int64_t sums_stride, int columns) {
  v128_t sum[Rows][4];
  for (int r = 0; r < Rows; ++r) {
    for (int c = 0; c < 4; ++c) sum[r][c] = wasm_i32x4_splat(0);
  }
  for (int64_t i = 0; i < pairs; ++i, panel += kPairBytes) {
    v128_t pair[Rows];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) pair[r] = wasm_v128_load32_splat(x + r * x_stride + 2 * i);
#pragma GCC unroll 8
    for (int c = 0; c < 4; ++c) {
      const v128_t w = wasm_i16x8_load8x8(panel + 8 * c);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        sum[r][c] = wasm_i32x4_add(sum[r][c], wasm_i32x4_dot_i16x8(pair[r], w));
      }
    }
  }
  for (int r = 0; r < Rows; ++r) {
    if (columns == kI8PanelRows) {
      for (int c = 0; c < 4; ++c) wasm_v128_store(sums + r * sums_stride + 4 * c, sum[r][c]);
    } else {
      alignas(16) int32_t all[kI8PanelRows];
      for (int c = 0; c < 4; ++c) wasm_v128_store(all + 4 * c, sum[r][c]);
      std::memcpy(sums + r * sums_stride, all, columns * sizeof(int32_t));
    }
  }
}

int16_t rounded(float x, float low, float high) {
  const double clamped = x < high ? (x > low ? x : low) : high;
  return static_cast<int16_t>(clamped + (clamped < 0 ? -0.5 : 0.5));
}

RowScale quantize_symmetric(int64_t k, const float* x, int16_t* quantized) {
  float range = 0;
  for (int64_t i = 0; i < k; ++i) range = std::max(range, std::fabs(x[i]));
  if (range == 0) {
    std::fill_n(quantized, k, int16_t{0});
    return {};
  }
  const float inverse = 127.0f / range;
  for (int64_t i = 0; i < k; ++i) quantized[i] = rounded(x[i] * inverse, -127, 127);
  return {range / 127.0f, 0};
}

RowScale quantize_asymmetric(int64_t k, const float* x, int16_t* quantized) {
  float low = 0;
  float high = 0;
  for (int64_t i = 0; i < k; ++i) {
    low = std::min(low, x[i]);
    high = std::max(high, x[i]);
  }
  if (low == high) {
    std::fill_n(quantized, k, int16_t{0});
    return {};
  }
  // The zero point from the end that makes the smaller error.
  const double scale = (double{high} - double{low}) / 255.0;
  const double from_low = -128.0 - low / scale;
  const double from_high = 127.0 - high / scale;
  const double error_low = 128.0 + std::abs(low / scale);
  const double error_high = 127.0 + std::abs(high / scale);
  const double zero_point = std::round(error_low < error_high ? from_low : from_high);
  RowScale result;
  result.scale = static_cast<float>(scale);
  result.zero_point = zero_point > -128 ? zero_point < 127 ? static_cast<int>(zero_point) : 127
                                        : -128;
  const auto inverse = static_cast<float>(1.0 / result.scale);
  const auto offset = static_cast<float>(result.zero_point);
  for (int64_t i = 0; i < k; ++i) quantized[i] = rounded(offset + x[i] * inverse, -128, 127);
  return result;
}

}  // namespace

uint64_t i8_matrix_packed_bytes(int64_t n, int64_t k) {
  return static_cast<uint64_t>(panel_count(n)) *
         (panel_bytes(k) + kI8PanelRows * sizeof(int32_t));
}

I8Matrix i8_matrix_view(int64_t n, int64_t k, const uint8_t* packed) {
  const int64_t sums_bytes = panel_count(n) * kI8PanelRows * sizeof(int32_t);
  return {n, k, reinterpret_cast<const int8_t*>(packed + sums_bytes),
          reinterpret_cast<const int32_t*>(packed)};
}

I8Matrix i8_matrix_pack(int64_t n, int64_t k, const int8_t* weights, uint8_t* packed) {
  std::memset(packed, 0, i8_matrix_packed_bytes(n, k));
  const I8Matrix matrix = i8_matrix_view(n, k, packed);
  auto* const sums = reinterpret_cast<int32_t*>(packed);
  auto* const panels = const_cast<int8_t*>(matrix.packed);
  for (int64_t row = 0; row < n; ++row, weights += k) {
    int8_t* to = panels + row / kI8PanelRows * panel_bytes(k) + row % kI8PanelRows * 2;
    for (int64_t i = 0; i < k; ++i) {
      to[i / 2 * kPairBytes + i % 2] = weights[i];
      sums[row] = wrapping_add(sums[row], int32_t{weights[i]});
    }
  }
  return matrix;
}

void i8_matrix_product(const I8Matrix& matrix, int64_t rows, const int16_t* x, int32_t* sums,
                       ThreadPool* pool) {
  const int64_t stride = i8_padded(matrix.k);
  const int64_t pairs = stride / 2;
  const int64_t bytes = panel_bytes(matrix.k);
  const EvenSplit split(panel_count(matrix.n), 1, rows * matrix.k * kI8PanelRows, pool);
  parallel_for(split.pool, split.tasks(), [=](int64_t task) {
    for (int64_t panel = split.begin(task); panel < split.end(task); ++panel) {
      const int8_t* weights = matrix.packed + panel * bytes;
      const int64_t column = panel * kI8PanelRows;
      const int columns = static_cast<int>(std::min(kI8PanelRows, matrix.n - column));
      int32_t* to = sums + column;
      int64_t row = 0;
      for (; row + 2 <= rows; row += 2) {
        panel_product<2>(pairs, x + row * stride, stride, weights, to + row * matrix.n, matrix.n,
                         columns);
      }
      if (row < rows) {
        panel_product<1>(pairs, x + row * stride, stride, weights, to + row * matrix.n, matrix.n,
                         columns);
      }
    }
  });
}

void quantize_rows(int64_t rows, int64_t k, const float* x, int64_t row_stride, bool asymmetric,
                   int16_t* quantized, RowScale* scales) {
  for (int64_t row = 0; row < rows; ++row, x += row_stride, quantized += i8_padded(k)) {
    scales[row] = asymmetric ? quantize_asymmetric(k, x, quantized)
                             : quantize_symmetric(k, x, quantized);
    if (k % 2 != 0) quantized[k] = 0;
  }
}

void accumulate_scaled(const I8Matrix& matrix, int64_t rows, const int32_t* sums,
                       const RowScale* scales, float weight_scale, float* out,
                       int64_t out_stride) {
  for (int64_t row = 0; row < rows; ++row, sums += matrix.n, out += out_stride) {
    const float scale = scales[row].scale * weight_scale;
    const int32_t zero_point = scales[row].zero_point;
    for (int64_t i = 0; i < matrix.n; ++i) {
      const int32_t moved = wrapping_mul(-zero_point, matrix.row_sums[i]);
      out[i] += static_cast<float>(wrapping_add(sums[i], moved)) * scale;
    }
  }
}

}  // namespace zeolite
