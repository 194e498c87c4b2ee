// FULLY_CONNECTED with weights that have a scale for each block of k:
//   out[m,n] = clamp(bias[n] + row's scale * sum over blocks b of scale[n,b] *
//                    sum over k in b of stored[m,k] * weight[n,k])
// with float rows that are quantized by their own range, with a zero point.
#pragma once

#include "core/base/half.h"
#include "core/base/thread_pool.h"
#include "core/kernels/i8_conv_2d.h"

namespace zeolite {

struct BlockwiseShape {
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  int64_t block = 1;  // Divides k.
};

// Unpacks `count` weights into a byte each.
void i8_blockwise_pack(int64_t count, const I8Weights& weights, uint8_t* packed);

uint64_t i8_blockwise_scratch_bytes(int64_t m, int64_t k);

// scales [n, k / block], bias [n] or null, input [m, k], out [m, n].
void i8_blockwise_run(const BlockwiseShape& shape, const uint8_t* packed, const Float16* scales,
                      const float* bias, const float* input, float* out, F32Clamp clamp,
                      void* scratch, ThreadPool* pool);

}  // namespace zeolite
