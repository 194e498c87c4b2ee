// Between real numbers and the stored ones that stand for them: real = scale * (stored - zero
// point).
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/integer_blocks.h"

namespace zeolite {

// output[i] = scale * (input[i] - zero_point).
void dequantize(SmallInteger type, const void* input, int64_t count, Affine affine, float* output,
                ThreadPool* pool);

// x / scale, rounded (halves away from zero), plus the zero point, within min and max. NaN and what
// leaves 32 bits become min, or max if the zero point is negative, as on x64 in the real runtime:
// such a number is the least of 32 bits there, and adding to it wraps around.
int32_t quantize_one(float x, Affine affine, int32_t min, int32_t max);
void quantize_one_by_one(const float* input, int64_t count, Affine affine, int32_t min,
                         int32_t max, SmallInteger type, void* output);

// The same as the real runtime's default kernel has it: whole blocks of 8 numbers are x * (1 /
// scale), halves to even, and the rest is divided in double.
void quantize(const float* input, int64_t count, Affine affine, int32_t min, int32_t max,
              SmallInteger type, void* output, ThreadPool* pool);

// From one scale to another: scale_by(input[i] - input_zero_point, factor) + output_zero_point,
// within min and max.
void requantize(SmallInteger input_type, const void* input, int64_t count,
                int32_t input_zero_point, FixedPointFactor factor, int32_t output_zero_point,
                int32_t min, int32_t max, SmallInteger output_type, void* output,
                ThreadPool* pool);

}  // namespace zeolite
