// Zip archives, read through their central directory: stored and deflated members, zip64.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/formats/byte_source.h"
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

// An archive, of which only the directory is held in memory.
class Archive {
 public:
  // Reads the directory. Errors: kNotAModel when there is no end record, kCorrupt.
  static Result<Archive> open(std::shared_ptr<const ByteSource> source);
  // Over bytes that must outlive it.
  static Result<Archive> open(std::span<const uint8_t> bytes) {
    return open(MemorySource::view_of(bytes));
  }

  // In the order of the directory.
  std::span<const Entry> entries() const { return entries_; }
  // The entry of that name; null when there is none.
  const Entry* find(std::string_view name) const;

  // The entry's bytes, checked against its CRC-32; a view when it is stored in an archive in
  // memory. Errors: kCorrupt, kUnsupported (encrypted, another method), kOutOfMemory.
  Result<Content> read(const Entry& entry) const;
  // Errors: besides those, kCorrupt when there is no such entry.
  Result<Content> read(std::string_view name) const;
  // The same as a source: a stored entry is checked piece by piece and never held in memory.
  Result<std::shared_ptr<const ByteSource>> open_entry(std::string_view name) const;

 private:
  // Where the entry's bytes lie, as they are stored.
  Result<std::shared_ptr<const ByteSource>> stored(const Entry& entry) const;

  std::shared_ptr<const ByteSource> source_;
  std::vector<Entry> entries_;
};

// Whether a file that begins with `bytes` (four are enough) begins like a zip archive.
bool looks_like_zip(std::span<const uint8_t> bytes);

}  // namespace zeolite::zip
