// The counter-based random generators that TFLite's operators use: Philox4x32-10 and
// Threefry2x32-20 of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace zeolite {

using Philox4x32 = std::array<uint32_t, 4>;

// The numbers of one counter under one key.
inline Philox4x32 philox(Philox4x32 counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

inline std::array<uint32_t, 2> threefry(std::array<uint32_t, 2> counter,
                                        std::array<uint32_t, 2> key) {
  constexpr int kRotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const uint32_t keys[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA};
  uint32_t x = counter[0] + keys[0];
  uint32_t y = counter[1] + keys[1];
  for (uint32_t group = 0; group < 5; ++group) {
    for (uint32_t i = 0; i < 4; ++i) {
      x += y;
      y = std::rotl(y, kRotations[(group % 2) * 4 + i]) ^ x;
    }
    x += keys[(group + 1) % 3];
    y += keys[(group + 2) % 3] + group + 1;
  }
  return {x, y};
}

// A stream of Philox numbers: key and upper half of the counter are seeds.
class PhiloxStream {
 public:
  PhiloxStream(uint64_t seed, uint64_t seed2)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
        counter_{0, 0, static_cast<uint32_t>(seed2), static_cast<uint32_t>(seed2 >> 32)} {}

  Philox4x32 next() {
    const Philox4x32 numbers = philox(counter_, key_);
    skip(1);
    return numbers;
  }

  // Leaves out `count` calls of next().
  void skip(uint64_t count) {
    const uint64_t low = counter_[0] | (static_cast<uint64_t>(counter_[1]) << 32);
    const uint64_t sum = low + count;
    counter_[0] = static_cast<uint32_t>(sum);
    counter_[1] = static_cast<uint32_t>(sum >> 32);
    if (sum < low && ++counter_[2] == 0) ++counter_[3];
  }

 private:
  std::array<uint32_t, 2> key_;
  Philox4x32 counter_;
};

// A number in [0, 1) of the 23 lowest bits.
inline float unit_float(uint32_t bits) {
  return std::bit_cast<float>((bits & 0x7fffff) | 0x3f800000) - 1.0f;
}

// A number in [0, 1) of 52 bits: the 20 lowest of `high`, all of `low`.
inline double unit_double(uint32_t high, uint32_t low) {
  const uint64_t mantissa = (static_cast<uint64_t>(high & 0xfffff) << 32) | low;
  return std::bit_cast<double>(mantissa | 0x3ff0000000000000) - 1.0;
}

}  // namespace zeolite
