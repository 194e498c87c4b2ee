// Elements of 4 and 2 bits, which share bytes: the first in the lowest bits.
#pragma once

#include <cstdint>

namespace zeolite {

// Elements [begin, begin + count) of `from`, each of `bits` (4 or 2), into a byte each.
inline void unpack_sub_byte(const uint8_t* from, int bits, bool is_signed, int64_t begin,
                            int64_t count, int8_t* to) {
  const int per_byte = 8 / bits;
  const int unused = 8 - bits;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = begin + i;
    const int shift = static_cast<int>(at % per_byte) * bits;
    // Moved up to the sign bit and back: signed numbers keep their sign.
    const auto up = static_cast<uint8_t>((from[at / per_byte] >> shift) << unused);
    to[i] = static_cast<int8_t>(is_signed ? static_cast<int8_t>(up) >> unused : up >> unused);
  }
}

// The other way round, for all elements of a tensor; bits that belong to none are zero.
inline void pack_sub_byte(const int8_t* from, int bits, int64_t count, uint8_t* to) {
  const int per_byte = 8 / bits;
  const auto mask = static_cast<uint8_t>((1 << bits) - 1);
  for (int64_t i = 0; i < count; i += per_byte) {
    uint8_t byte = 0;
    for (int k = 0; k < per_byte && i + k < count; ++k) {
      byte |= static_cast<uint8_t>((static_cast<uint8_t>(from[i + k]) & mask) << (k * bits));
    }
    to[i / per_byte] = byte;
  }
}

}  // namespace zeolite
