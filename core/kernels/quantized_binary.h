// Functions of two quantized numbers of 8 or 16 bits, over tensors that broadcast. The arithmetic is
// TFLite's, to the bit.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/broadcast.h"
#include "core/kernels/integer_blocks.h"

namespace zeolite {

// a and b are the stored numbers less their zero points.
enum class QuantizedBinary : uint8_t {
  kAdd,                // ((a << left) * a_factor + (b << left) * b_factor) * factor
  kSub,                // The same with a minus.
  kMul,                // (a * b) * factor
  kDiv,                // (a / b) * factor
  kSquaredDifference,  // ((a << left) * a_factor - (b << left) * b_factor)^2 * factor
  kShiftedAdd,         // a / 2^a_right_shift + b / 2^b_right_shift, saturating at 16 bits.
  kShiftedSub,
  kPrelu,              // a >= 0 ? a * a_factor : (a * b) * factor
  kEqual,              // (a << left) * a_factor == (b << left) * b_factor; the output is bool.
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
};

struct QuantizedBinaryParameters {
  QuantizedBinary function = QuantizedBinary::kAdd;
  SmallInteger input = SmallInteger::kInt8;
  SmallInteger output = SmallInteger::kInt8;
  int left_shift = 0;
  int32_t a_zero_point = 0;
  int32_t b_zero_point = 0;
  int a_right_shift = 0;
  int b_right_shift = 0;
  FixedPointFactor a_factor;
  FixedPointFactor b_factor;
  FixedPointFactor factor;
  int32_t zero_point = 0;
  int32_t min = 0;  // Of the stored results.
  int32_t max = 0;
};

// kDiv: no b is its zero point.
void quantized_binary(const QuantizedBinaryParameters& parameters, const BroadcastPlan& plan,
                      const void* a, const void* b, void* output, ThreadPool* pool);

}  // namespace zeolite
