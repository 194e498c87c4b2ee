// Zip archives, read through their central directory: stored and deflated members, zip64.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/formats/content.h"

namespace zeolite::zip {

struct Entry {
  std::string name;  // With / between folders; folders themselves are not listed.
  uint64_t size = 0;             // Decompressed.
  uint64_t compressed_size = 0;
  uint32_t crc32 = 0;
  uint16_t method = 0;           // 0: stored, 8: deflated; others cannot be read.
  bool is_encrypted = false;
  uint64_t header_offset = 0;    // Of the local header, from the start of the bytes.
};

// An archive over bytes that must outlive it.
class Archive {
 public:
  // Reads the directory. Errors: kNotAModel when there is no end record, kCorrupt.
  static Result<Archive> open(std::span<const uint8_t> bytes);

  // In the order of the directory.
  std::span<const Entry> entries() const { return entries_; }
  // The entry of that name; null when there is none.
  const Entry* find(std::string_view name) const;

  // The entry's bytes, checked against its CRC-32; a view when it is stored. Errors: kCorrupt,
  // kUnsupported (encrypted, another method), kOutOfMemory.
  Result<Content> read(const Entry& entry) const;
  // Errors: besides those, kCorrupt when there is no such entry.
  Result<Content> read(std::string_view name) const;

 private:
  std::span<const uint8_t> bytes_;
  std::vector<Entry> entries_;
};

// Whether the bytes start like a zip archive.
bool looks_like_zip(std::span<const uint8_t> bytes);

}  // namespace zeolite::zip
