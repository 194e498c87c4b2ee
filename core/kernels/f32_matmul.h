// Matrix products of float32: FULLY_CONNECTED, BATCH_MATMUL, 1x1 convolutions.
#pragma once

#include <cstdint>

#include "core/base/half.h"
#include "core/base/thread_pool.h"
#include "core/kernels/shapes.h"

namespace zeolite {

// From this number of rows on, packing a matrix of weights is worth it; below, f32_gemv_rows on the
// weights where they are is as fast and needs no second copy.
inline constexpr int64_t kF32PackedGemmMinRows = 4;
// Weights that many products of one row read in turn, a loop's, are worth packing from this number
// of columns on, as long as they stay in a cache. GFLOP/s in turn of 768x128 / 768x256 / 1536x256 /
// 1536x512 (3 MB): packed 45 / 46 / 41 / 16, unpacked 38 / 41 / 34 / 16 (Intel Xeon with 2 MB of
// L2, Chromium 156, 2026-11; loading alone 47 / 47 / 42 / 17).
inline constexpr int64_t kF32PackedGemvMinColumns = 48;
inline constexpr uint64_t kF32PackedGemvMaxBytes = 2 << 20;

// Bytes of the packed form of a [n, k] matrix of weights with its bias.
uint64_t f32_gemm_packed_bytes(int64_t n, int64_t k);

// Packs weights[n][k] (element (n, k) at n * n_stride + k * k_stride, in elements) and bias[n]
// (null: zeros) for f32_gemm. `packed` is aligned to 16 bytes.
void f32_gemm_pack(int64_t n, int64_t k, const float* weights, int64_t n_stride, int64_t k_stride,
                   const float* bias, float* packed);

// out[m][n] = clamp(sum over k of a[m][k] * weights[n][k] + bias[n]); rows of `a` and `out` are
// a_stride and out_stride elements apart. k = 0 gives the bias.
void f32_gemm(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_stride,
              const float* packed, float* out, int64_t out_stride, F32Clamp clamp,
              ThreadPool* pool);

// The same from unpacked weights, row n at weights + n * weights_stride; for few rows of `a`.
// Weights are read once for every 2 rows of `a`; large ones make it bound by memory.
void f32_gemv_rows(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_stride,
                   const float* weights, int64_t weights_stride, const float* bias, float* out,
                   int64_t out_stride, F32Clamp clamp, ThreadPool* pool);
// The same from weights of 16 bits, which must be finite: half as much to read.
void f32_gemv_rows(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_stride,
                   const Float16* weights, int64_t weights_stride, const float* bias, float* out,
                   int64_t out_stride, F32Clamp clamp, ThreadPool* pool);

// Products of matrices that are both computed at run time: for each b in [0, batch_count),
// out[b] [m, n] = A[b] [m, k] * B[b] [k, n], rows densely one after the other. A starts at
// a + a_offsets[b] and is stored as [k, m] when transpose_a; B starts at b + b_offsets[b] and is
// stored as [n, k] when transpose_b. Offsets in elements, so that broadcasting is the caller's.
struct F32BatchMatmulShape {
  int64_t batch_count = 1;
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  bool transpose_a = false;
  bool transpose_b = false;
};
uint64_t f32_batch_matmul_scratch_bytes(const F32BatchMatmulShape& shape, int threads);
void f32_batch_matmul(const F32BatchMatmulShape& shape, const float* a, const int64_t* a_offsets,
                      const float* b, const int64_t* b_offsets, float* out, void* scratch,
                      ThreadPool* pool);

}  // namespace zeolite
