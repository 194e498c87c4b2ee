#include "core/ops/farm_hash.h"

#include <bit>
#include <cstring>
#include <utility>

namespace zeolite {
namespace {

constexpr uint64_t kA = 0xc3a5c85c97cb3127;
constexpr uint64_t kB = 0xb492b66fbe98f273;
constexpr uint64_t kC = 0x9ae16a3b2f90404f;

struct Pair {
  uint64_t first = 0;
  uint64_t second = 0;
};

template <class Word>
uint64_t load(const uint8_t* from) {
  Word word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

uint64_t load64(const uint8_t* from) { return load<uint64_t>(from); }

uint64_t mix(uint64_t x) { return x ^ (x >> 47); }

uint64_t join(uint64_t a, uint64_t b, uint64_t factor) {
  const uint64_t first = mix((a ^ b) * factor);
  return mix((b ^ first) * factor) * factor;
}

uint64_t hash_to_16(const uint8_t* s, uint64_t size) {
  const uint64_t factor = kC + size * 2;
  if (size >= 8) {
    const uint64_t a = load64(s) + kC;
    const uint64_t b = load64(s + size - 8);
    return join(std::rotr(b, 37) * factor + a, (std::rotr(a, 25) + b) * factor, factor);
  }
  if (size >= 4) {
    return join(size + (load<uint32_t>(s) << 3), load<uint32_t>(s + size - 4), factor);
  }
  if (size == 0) return kC;
  const uint64_t y = s[0] + (static_cast<uint64_t>(s[size / 2]) << 8);
  const uint64_t z = size + (static_cast<uint64_t>(s[size - 1]) << 2);
  return mix(y * kC ^ z * kA) * kC;
}

uint64_t hash_to_32(const uint8_t* s, uint64_t size) {
  const uint64_t factor = kC + size * 2;
  const uint64_t a = load64(s) * kB;
  const uint64_t b = load64(s + 8);
  const uint64_t c = load64(s + size - 8) * factor;
  const uint64_t d = load64(s + size - 16) * kC;
  return join(std::rotr(a + b, 43) + std::rotr(c, 30) + d, a + std::rotr(b + kC, 18) + c, factor);
}

uint64_t hash_to_64(const uint8_t* s, uint64_t size) {
  const uint64_t factor = kC + size * 2;
  const uint64_t a = load64(s) * kC;
  const uint64_t b = load64(s + 8);
  const uint64_t c = load64(s + size - 8) * factor;
  const uint64_t d = load64(s + size - 16) * kC;
  const uint64_t y = std::rotr(a + b, 43) + std::rotr(c, 30) + d;
  const uint64_t z = join(y, a + std::rotr(b + kC, 18) + c, factor);
  const uint64_t e = load64(s + 16) * factor;
  const uint64_t f = load64(s + 24);
  const uint64_t g = (y + load64(s + size - 32)) * factor;
  const uint64_t h = (z + load64(s + size - 24)) * factor;
  return join(std::rotr(e + f, 43) + std::rotr(g, 30) + h, e + std::rotr(f + a, 18) + g, factor);
}

Pair weak_hash_32(const uint8_t* s, uint64_t a, uint64_t b) {
  a += load64(s);
  const uint64_t last = load64(s + 24);
  b = std::rotr(b + a + last, 21);
  const uint64_t begin = a;
  a += load64(s + 8) + load64(s + 16);
  b += std::rotr(a, 44);
  return {a + last, b + begin};
}

struct Long {
  uint64_t x = 81;
  uint64_t y = 81 * kB + 113;
  uint64_t z = mix((81 * kB + 113) * kC + 113) * kC;
  Pair v;
  Pair w;

  // The last block weighs some parts ninefold.
  void take(const uint8_t* s, uint64_t factor, uint64_t weight) {
    x = std::rotr(x + y + v.first + load64(s + 8), 37) * factor;
    y = std::rotr(y + v.second + load64(s + 48), 42) * factor;
    x ^= w.second * weight;
    y += v.first * weight + load64(s + 40);
    z = std::rotr(z + w.first, 33) * factor;
    v = weak_hash_32(s, v.second * factor, x + w.first);
    w = weak_hash_32(s + 32, z + w.second, y + load64(s + 16));
    std::swap(z, x);
  }
};

}  // namespace

uint64_t farm_fingerprint64(std::span<const uint8_t> data) {
  const uint8_t* s = data.data();
  const uint64_t size = data.size();
  if (size <= 16) return hash_to_16(s, size);
  if (size <= 32) return hash_to_32(s, size);
  if (size <= 64) return hash_to_64(s, size);
  Long state;
  state.x = state.x * kC + load64(s);
  const uint64_t tail = (size - 1) & 63;
  for (uint64_t at = 0; at < (size - 1) / 64 * 64; at += 64) state.take(s + at, kB, 1);
  const uint64_t factor = kB + ((state.z & 0xff) << 1);
  state.w.first += tail;
  state.v.first += state.w.first;
  state.w.first += state.v.first;
  state.take(s + size - 64, factor, 9);
  return join(join(state.v.first, state.w.first, factor) + mix(state.y) * kA + state.z,
              join(state.v.second, state.w.second, factor) + state.x, factor);
}

}  // namespace zeolite
