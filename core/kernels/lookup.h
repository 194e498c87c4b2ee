// Functions of bytes by a table of all results.
#pragma once

#include <array>
#include <cstdint>

#include "core/base/thread_pool.h"

namespace zeolite {

struct ByteFunction {
  std::array<uint8_t, 256> results;  // By the input's bits.

  // Looks for a line that gives the results, between the least and the most of them: it takes half
  // the time of the table. `slope` is of stored numbers; the signs say how the bytes are read.
  void find_line(double slope, bool is_input_signed, bool is_output_signed);

  // (x * weight + offset) / 2^20 downwards, of x with flip_input as y with flip_output turned over,
  // both read as the numbers that keep the order. A weight of 0: not known.
  int32_t weight = 0;
  int32_t offset = 0;
  int8_t low = 0;
  int8_t high = 0;
  uint8_t flip_input = 0;   // Makes uint8.
  uint8_t flip_output = 0;  // Makes int8.
};

// output[i] = function of input[i]. `output` may be `input`; else they don't overlap.
void lookup(const ByteFunction& function, const uint8_t* input, int64_t count, uint8_t* output,
            ThreadPool* pool);

}  // namespace zeolite
