// SOFTMAX and LOG_SOFTMAX of float32 along the last axis.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"

namespace zeolite {

// output[r][d] = exp(beta * (x[r][d] - max)) / sum over d of the same. `output` may be `input`.
// Within 5e-7 + 1e-7 * |beta * (x[r][d] - max)| relative: the argument is rounded too.
void f32_softmax(int64_t rows, int64_t depth, float beta, const float* input, float* output,
                 ThreadPool* pool);

// output[r][d] = x[r][d] - max - log(sum over d of exp(x[r][d] - max)). `output` may be `input`.
void f32_log_softmax(int64_t rows, int64_t depth, const float* input, float* output,
                     ThreadPool* pool);

}  // namespace zeolite
