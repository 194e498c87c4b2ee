// SOFTMAX and LOG_SOFTMAX of stored numbers, along rows of `depth`. Sums of floats are added up in
// order, so that all builds agree.
#pragma once

#include <array>
#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/integer_blocks.h"
#include "core/kernels/interpolated.h"

namespace zeolite {

// e^(-scale * beta * d) for differences d of 8-bit numbers, at 255 - d.
using ExponentialTable = std::array<float, 256>;
void fill_exponentials(float scale, float beta, ExponentialTable* table);

// 8-bit input; output 8 or 16 bits, scale and zero point those of the output.
void quantized_softmax(const ExponentialTable& table, int64_t rows, int64_t depth,
                       SmallInteger input_type, const void* input, Affine affine,
                       SmallInteger output_type, void* output, ThreadPool* pool);

// 8-bit input and output of one type; input_scale is that of the table.
void quantized_log_softmax(const ExponentialTable& table, int64_t rows, int64_t depth,
                           SmallInteger type, const void* input, float input_scale, Affine affine,
                           void* output, ThreadPool* pool);

// What SOFTMAX of int16 interpolates.
struct SoftmaxPoints {
  int16_t exponential[kInterpolatedPoints];  // e^x in [-10, 0], 15 bits behind the point.
  int16_t inverse[kInterpolatedPoints];      // 1 / (1 + x) in [0, 1].
};
void fill_softmax_points(SoftmaxPoints* points);

// factor: from differences of the input to 1 / 65535 of 10. The output's scale is 1 / 32768.
void int16_softmax(const SoftmaxPoints& points, int64_t rows, int64_t depth,
                   FixedPointFactor factor, const int16_t* input, int16_t* output,
                   ThreadPool* pool);

}  // namespace zeolite
