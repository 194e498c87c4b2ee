// Numbers out of bytes of a known order, at any alignment.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace zeolite {

static_assert(std::endian::native == std::endian::little,
              "tensors are used in place, and files hold them little-endian");

// `bytes` must hold sizeof(T) of them; the caller has checked.
template <class T>
inline T load_little_endian(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

}  // namespace zeolite
