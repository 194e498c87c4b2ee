// Functions of two quantized bytes, 32 at a time, by short arithmetic that knows where it is not
// exact.
#pragma once

#include <cstdint>

#include "core/kernels/quantized_binary.h"

namespace zeolite {

// ADD, SUB, MUL and SQUARED_DIFFERENCE to the bit as scale_by rounds them, except that sums so near to
// a half that the arithmetic's own error counts are left to the caller: of random ones one in 4000.
// Products are of one number, so that set_quick can try them all.
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
  void set_sum(const QuantizedBinaryParameters& p);

  QuantizedBinary function_;
  bool is_usable_ = false;
  // int8 is taken for uint8 with the top bit turned over, uint8 results for int8.
  uint8_t flip_input_;
  uint8_t flip_output_;
  int8_t low_;
  int8_t high_;
  int16_t a_zero_;
  int16_t b_zero_;
  FixedPointFactor a_factor_;
  FixedPointFactor b_factor_;
  // a * weight + b * weight + offset with kFraction bits behind the point. The weights in two
  // parts, for a in the lower half of each word and for b in the upper.
  uint32_t upper_weights_ = 0;
  uint32_t lower_weights_ = 0;
  uint32_t offset_ = 0;
  uint32_t unsure_ = 0;  // Twice the error, moved up to the top.
  QuickProduct product_;
  int32_t zero_point_ = 0;
};

}  // namespace zeolite
