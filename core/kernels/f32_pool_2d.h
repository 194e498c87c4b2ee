// Pooling and means of float32, NHWC. Padding counts neither as values nor in the divisor;
// each window meets the input.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/shapes.h"

namespace zeolite {

// AVERAGE_POOL_2D: the mean of the window's pixels that lie inside the input.
void f32_average_pool_2d(const Pool2DShape& shape, const float* input, float* output,
                         F32Clamp clamp, ThreadPool* pool);

// MAX_POOL_2D: the largest of the window's pixels that lie inside the input; NaN is passed over.
void f32_max_pool_2d(const Pool2DShape& shape, const float* input, float* output, F32Clamp clamp,
                     ThreadPool* pool);

// Mean over the middle axis: input [batch, rows, channels], output [batch, channels]. This is MEAN
// over height and width. rows = 0 gives NaN.
void f32_mean_rows(int64_t batch, int64_t rows, int64_t channels, const float* input,
                   float* output, ThreadPool* pool);

// Sum over the middle axis, in the same layout; rows = 0 gives 0.
void f32_sum_rows(int64_t batch, int64_t rows, int64_t channels, const float* input, float* output,
                  ThreadPool* pool);

// Sum over the last axis: input [rows, depth], output [rows]; in four interleaved partial sums.
void f32_sum_last(int64_t rows, int64_t depth, const float* input, float* output,
                  ThreadPool* pool);

}  // namespace zeolite
