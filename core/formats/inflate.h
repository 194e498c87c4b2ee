// Decompression of deflate streams (RFC 1951) and of zlib streams (RFC 1950).
#pragma once

#include <cstdint>
#include <span>

#include "core/base/status.h"

namespace zeolite {

// Deflate cannot do better than 258 bytes from two bits: a stream of n bytes gives no more than
// this times n. Check claimed sizes against it before memory is allocated.
inline constexpr uint64_t kMaxInflateRatio = 1032;

// How far a decompression got.
struct InflateResult {
  uint64_t read = 0;     // Bytes of the stream, headers and checksum included.
  uint64_t written = 0;  // Bytes of output.
};

// Decompresses one stream from the start of `deflated` to the start of `output`; what follows the
// stream is left alone. Errors: kCorrupt when the stream is wrong, ends early, or holds more than
// `output` can take.
Result<InflateResult> inflate_raw(std::span<const uint8_t> deflated, std::span<uint8_t> output);

// The same with zlib's header and Adler-32 checksum around the stream.
Result<InflateResult> inflate_zlib(std::span<const uint8_t> deflated, std::span<uint8_t> output);

}  // namespace zeolite
