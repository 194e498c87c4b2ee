#include "core/kernels/lookup.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

constexpr int kFraction = 20;

// Eight bytes through one register: half the loads; stored one by one, as putting them together
// takes longer. 16 swizzles over the table for 16 bytes are no quicker, as each is two instructions
// on x64.
void by_table(const uint8_t* results, const uint8_t* input, int64_t count, uint8_t* output) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t x;
    std::memcpy(&x, input + i, sizeof(x));
    for (int byte = 0; byte < 8; ++byte) output[i + byte] = results[x >> (8 * byte) & 0xff];
  }
  for (; i < count; ++i) output[i] = results[input[i]];
}

// Gives how many elements are done.
int64_t by_line(const ByteFunction& line, const uint8_t* input, int64_t count, uint8_t* output) {
  const v128_t weight = wasm_i32x4_splat(line.weight);
  const v128_t offset = wasm_i32x4_splat(line.offset);
  const v128_t low = wasm_i8x16_splat(line.low);
  const v128_t high = wasm_i8x16_splat(line.high);
  const v128_t flip_input = wasm_i8x16_splat(static_cast<int8_t>(line.flip_input));
  const v128_t flip_output = wasm_i8x16_splat(static_cast<int8_t>(line.flip_output));
  const auto four = [&](v128_t x) {
    return wasm_i32x4_shr(wasm_i32x4_add(wasm_i32x4_mul(x, weight), offset), kFraction);
  };
  const auto eight = [&](v128_t x) {
    return wasm_i16x8_narrow_i32x4(four(wasm_u32x4_extend_low_u16x8(x)),
                                   four(wasm_u32x4_extend_high_u16x8(x)));
  };
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const v128_t x = wasm_v128_xor(wasm_v128_load(input + i), flip_input);
    const v128_t first = eight(wasm_u16x8_extend_low_u8x16(x));
    const v128_t y = wasm_i8x16_narrow_i16x8(first, eight(wasm_u16x8_extend_high_u8x16(x)));
    wasm_v128_store(output + i,
                    wasm_v128_xor(wasm_i8x16_min(wasm_i8x16_max(y, low), high), flip_output));
  }
  return i;
}

}  // namespace

void ByteFunction::find_line(double slope, bool is_input_signed, bool is_output_signed) {
  weight = 0;
  flip_input = is_input_signed ? 0x80 : 0;
  flip_output = is_output_signed ? 0 : 0x80;
  const auto result = [&](int x) {
    return static_cast<int8_t>(results[x ^ flip_input] ^ flip_output);
  };
  low = high = result(0);
  for (int x = 1; x < 256; ++x) {
    low = std::min(low, result(x));
    high = std::max(high, result(x));
  }
  if (slope == 0 || !(std::abs(slope) < 4)) return;
  const int64_t wanted = std::llround(std::ldexp(slope, kFraction));
  // Offsets that each result allows; the ends stand for all beyond them.
  int64_t least = std::numeric_limits<int32_t>::min();
  int64_t most = std::numeric_limits<int32_t>::max();
  for (int x = 0; x < 256; ++x) {
    const int64_t y = result(x);
    if (y > low) least = std::max(least, (y << kFraction) - x * wanted);
    if (y < high) most = std::min(most, ((y + 1) << kFraction) - 1 - x * wanted);
  }
  if (least > most) return;
  weight = static_cast<int32_t>(wanted);
  offset = static_cast<int32_t>((least + most) / 2);
}

void lookup(const ByteFunction& function, const uint8_t* input, int64_t count, uint8_t* output,
            ThreadPool* pool) {
  const EvenSplit split(count, 64, 4, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    const int64_t at = split.begin(task);
    const int64_t size = split.end(task) - at;
    const int64_t done =
        function.weight == 0 ? 0 : by_line(function, input + at, size, output + at);
    by_table(function.results.data(), input + at + done, size - done, output + at + done);
  });
}

}  // namespace zeolite
