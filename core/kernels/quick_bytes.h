// Functions of two quantized bytes, 32 at a time, by short arithmetic that knows where it is not
// exact.
#pragma once

#include <cstdint>

#include "core/kernels/quick_bytes_lanes.h"

namespace zeolite {

// ADD, SUB, MUL, PRELU and SQUARED_DIFFERENCE to the bit as scale_by rounds them, except that sums
// so near to a half that the arithmetic's own error counts are left to the caller: of random ones
// one in 4000. Products are of one number, so that set_quick can try them all.
class QuickBytes {
 public:
  static constexpr int64_t kBlock = 32;

  explicit QuickBytes(const QuantizedBinaryParameters& parameters);

  // Whether there is a quick way for these parameters.
  bool is_usable() const { return is_usable_; }

  // Computes blocks of kBlock elements until `count`, a multiple of kBlock, or a block that is not
  // sure; strides are 0 or 1. Gives how many elements are done.
  int64_t run(const uint8_t* a, int64_t a_stride, const uint8_t* b, int64_t b_stride,
              int64_t count, uint8_t* output) const;

 private:
  QuantizedBinary function_;
  bool is_usable_ = false;
  quick_bytes::Ends ends_;
  // That of the function.
  quick_bytes::Sum sum_;
  quick_bytes::Multiply multiply_;
  quick_bytes::Prelu prelu_;
  quick_bytes::SquareDifference square_;
  bool halves_b_ = false;  // Of kSquaredDifference: b is the operand that is halved.
};

}  // namespace zeolite
