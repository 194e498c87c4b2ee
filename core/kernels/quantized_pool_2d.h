// Pooling and sums of stored numbers. Exact: all builds agree.
#pragma once

#include "core/base/thread_pool.h"
#include "core/kernels/integer_blocks.h"
#include "core/kernels/shapes.h"

namespace zeolite {

// The mean of the window's pixels inside the input, rounded with halves away from zero, or their
// largest; then within min and max.
void quantized_average_pool_2d(const Pool2DShape& shape, SmallInteger type, const void* input,
                               int32_t min, int32_t max, void* output, ThreadPool* pool);
void quantized_max_pool_2d(const Pool2DShape& shape, SmallInteger type, const void* input,
                           int32_t min, int32_t max, void* output, ThreadPool* pool);

// sums[b][c] = the sum over r of input[b][r][c]; rows * 65535 must fit 31 bits.
void integer_sum_rows(SmallInteger type, int64_t batch, int64_t rows, int64_t channels,
                      const void* input, int64_t* sums, ThreadPool* pool);

// sums[r] = the sum of row r of `depth` elements; depth * 65535 must fit 31 bits.
void integer_sum_last(SmallInteger type, int64_t rows, int64_t depth, const void* input,
                      int64_t* sums, ThreadPool* pool);

}  // namespace zeolite
