// Functions of two quantized numbers of 8 or 16 bits, over tensors that broadcast. The arithmetic
// is TFLite's, to the bit.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/broadcast.h"
#include "core/kernels/integer_blocks.h"

namespace zeolite {

// a and b are the stored numbers less their zero points. In whole blocks of a row kAdd of int8,
// uint8 and int16 and kMul of bytes round and wrap around as TFLite's vector loops do (VectorForm).
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

// x * scale, moved away from zero by `away` and rounded in float32. A scale of 0: not known.
struct QuickProduct {
  float scale = 0;
  float away = 0;
};

// What makes the same of all x (or x * x) for x in [least, most] as scale_by, where that is between
// min and max, and no less or no more elsewhere. For squares least is 0. Not known for one factor
// in some hundred; takes microseconds.
enum class QuickInput : uint8_t { kIntegers, kSquares };
QuickProduct quick_product(FixedPointFactor factor, QuickInput input, int64_t least, int64_t most,
                           int32_t min, int32_t max);

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
  QuickProduct quick;           // Set by set_quick, as is
  QuickProduct quick_positive;  // that of a at 0 and above, for kPrelu, and of the operand that is
  QuickProduct quick_operand;   // not halved, for kSquaredDifference.

  // When all else is known, for products of bytes (kMul, kSquaredDifference, kPrelu): the SIMD
  // kernel needs it.
  void set_quick();
};

// kDiv: no b is its zero point.
void quantized_binary(const QuantizedBinaryParameters& parameters, const BroadcastPlan& plan,
                      const void* a, const void* b, void* output, ThreadPool* pool);

}  // namespace zeolite
