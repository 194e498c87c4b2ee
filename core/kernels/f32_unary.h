// Functions of one float32, element by element.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/shapes.h"

namespace zeolite {

enum class F32Unary : uint8_t {
  kClamp,      // min(max(x, low), high): RELU, RELU6, RELU_N1_TO_1, RELU_0_TO_1.
  kLeakyRelu,  // x when x >= 0, else alpha * x.
  kElu,        // x when x >= 0, else exp(x) - 1.
  kGelu,       // x / 2 * (1 + erf(x / sqrt(2))).
  kGeluTanh,   // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))).
  kHardSwish,  // x * min(max(x + 3, 0), 6) / 6.
  kLogistic,   // 1 / (1 + exp(-x)).
  kTanh,
  kExp,
  kLog,
  kSqrt,
  kRsqrt,
  kSquare,
  kAbs,
  kNeg,
  kFloor,
  kCeil,
  kRound,  // To nearest, ties to even.
};

struct F32UnaryParameters {
  float alpha = 0.0f;  // Of kLeakyRelu.
  F32Clamp clamp;      // Of kClamp; other functions don't look at it.
};

// output[i] = f(input[i]) for i in [0, count). `output` may be `input`; else they don't overlap.
// kExp, kLog, kTanh, kLogistic, kElu, kGelu are within 3e-7 relative (kGelu, kGeluTanh: 1e-6 of
// max(|x|, 1)) for arguments whose result is a normal number; infinities and NaN as in <cmath>.
void f32_unary(F32Unary function, const F32UnaryParameters& parameters, const float* input,
               float* output, int64_t count, ThreadPool* pool);

// PRELU with alpha along the last axis: input [rows, channels], alpha [channels].
void f32_prelu(int64_t rows, int64_t channels, const float* input, const float* alpha,
               float* output, ThreadPool* pool);

}  // namespace zeolite
