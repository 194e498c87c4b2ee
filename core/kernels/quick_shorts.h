// Functions of two quantized numbers of 16 bits, 32 at a time, by arithmetic that knows where it is
// not exact.
#pragma once

#include <cstdint>

#include "core/kernels/quantized_binary.h"
#include "core/kernels/simd.h"

namespace zeolite {

// ADD, SUB and MUL to the bit, except that results so near to a half that the arithmetic's own
// error counts are left to the caller: of random ones one in some thousand.
class QuickShorts {
 public:
  static constexpr int64_t kBlock = 32;

  explicit QuickShorts(const QuantizedBinaryParameters& parameters);

  // Whether there is a quick way for these parameters.
  bool is_usable() const { return is_usable_; }

  // As QuickBytes::run.
  int64_t run(const int16_t* a, int64_t a_stride, const int16_t* b, int64_t b_stride, int64_t count,
              int16_t* output) const;

  // Fixed-point results in lanes of 32 bits.
  struct Ends {
    int fraction;    // Bits behind the point.
    v128_t offset;   // A half and the error.
    v128_t unsure;   // Twice the error, moved up.
    v128_t low;
    v128_t high;
  };

 private:
  bool set_sum(const QuantizedBinaryParameters& parameters);
  bool set_product(const QuantizedBinaryParameters& parameters);
  void set_ends(int fraction, double error);

  bool is_usable_ = false;
  bool multiplies_ = false;
  Ends ends_;
  // Pairs of 16 bits: for sums of a and b, for products of the product's lower and upper half.
  v128_t upper_weights_;
  v128_t lower_weights_;
};

}  // namespace zeolite
