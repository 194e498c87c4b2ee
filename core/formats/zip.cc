#include "core/formats/zip.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/base/checked.h"
#include "core/base/endian.h"
#include "core/formats/inflate.h"

namespace zeolite::zip {
namespace {

// Signatures and sizes of the records in APPNOTE.TXT.
constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kDirectoryHeader = 0x02014b50;
constexpr uint32_t kEndRecord = 0x06054b50;
constexpr uint32_t kEndRecord64 = 0x06064b50;
constexpr uint32_t kEndLocator64 = 0x07064b50;
constexpr uint64_t kLocalHeaderBytes = 30;
constexpr uint64_t kDirectoryHeaderBytes = 46;
constexpr uint64_t kEndRecordBytes = 22;
constexpr uint64_t kEndRecord64Bytes = 56;
constexpr uint64_t kEndLocator64Bytes = 20;
constexpr uint64_t kMaxCommentBytes = 0xFFFF;
constexpr uint64_t kPieceBytes = 1024 * 1024;  // Of what is checked without being held.
constexpr uint16_t kExtraZip64 = 1;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;

Status damaged(std::string_view what) {
  return corrupt("The zip archive is damaged: " + std::string(what));
}

Status wrong_checksum(const Entry& entry) {
  return damaged("the checksum of " + entry.name + " is wrong");
}

// Eight tables, so that eight bytes are taken a step.
struct CrcTables {
  std::array<std::array<uint32_t, 256>, 8> table{};
  constexpr CrcTables() {
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0);
      table[0][i] = value;
    }
    for (uint32_t i = 0; i < 256; ++i) {
      for (size_t k = 1; k < 8; ++k) {
        table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xFF];
      }
    }
  }
};
constexpr CrcTables kCrc;

// Goes on from `crc`, that of the bytes before.
uint32_t crc32(std::span<const uint8_t> bytes, uint32_t crc = 0) {
  crc = ~crc;
  const auto& t = kCrc.table;
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    const uint32_t low = load_little_endian<uint32_t>(bytes.data() + i) ^ crc;
    const uint32_t high = load_little_endian<uint32_t>(bytes.data() + i + 4);
    crc = t[7][low & 0xFF] ^ t[6][low >> 8 & 0xFF] ^ t[5][low >> 16 & 0xFF] ^ t[4][low >> 24] ^
          t[3][high & 0xFF] ^ t[2][high >> 8 & 0xFF] ^ t[1][high >> 16 & 0xFF] ^ t[0][high >> 24];
  }
  for (; i < bytes.size(); ++i) crc = crc >> 8 ^ t[0][(crc ^ bytes[i]) & 0xFF];
  return ~crc;
}

// Where the directory is, by what the end records say.
struct Directory {
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t entry_count = 0;
  uint64_t end = 0;  // Where the records after the directory begin.
};

// Works on the end of the file, where the directory and its records lie.
class DirectoryReader {
 public:
  explicit DirectoryReader(const ByteSource& source) : source_(source) {}

  Result<std::vector<Entry>> read() {
    const uint64_t records = kMaxCommentBytes + kEndRecordBytes + kEndLocator64Bytes +
                             kEndRecord64Bytes;
    ZEOLITE_TRY(hold_from(source_.size() - std::min(source_.size(), records)));
    ZEOLITE_ASSIGN(const Directory directory, find_directory());
    if (directory.size > directory.end) return damaged("the directory is larger than the file");
    // Something may stand before the archive (a self-extracting program): offsets count from the
    // archive's start, while the directory ends where the end records begin.
    const uint64_t start = directory.end - directory.size;
    if (directory.offset > start) return damaged("the directory lies beyond its end");
    shift_ = start - directory.offset;
    if (directory.entry_count > directory.size / kDirectoryHeaderBytes) {
      return damaged("the directory is too small for its number of entries");
    }
    ZEOLITE_TRY(hold_from(start));
    std::vector<Entry> entries;
    uint64_t position = start;
    for (uint64_t i = 0; i < directory.entry_count; ++i) {
      Entry entry;
      ZEOLITE_TRY(read_entry(directory.end, &position, &entry));
      if (!entry.name.ends_with('/')) entries.push_back(std::move(entry));
    }
    return entries;
  }

 private:
  // Reads the file from `start` to its end, unless that is there.
  Status hold_from(uint64_t start) {
    if (start >= tail_start_ && tail_.data.data() != nullptr) return {};
    ZEOLITE_ASSIGN(tail_, source_.content(start, source_.size() - start, "a zip directory"));
    tail_start_ = start;
    return {};
  }
  const uint8_t* at(uint64_t offset) const { return tail_.data.data() + (offset - tail_start_); }
  // Only of what is held.
  template <class T>
  T load(uint64_t offset) const {
    return load_little_endian<T>(at(offset));
  }
  bool has_record(uint64_t offset, uint64_t size, uint32_t signature) const {
    return range_within(offset, size, source_.size()) && load<uint32_t>(offset) == signature;
  }

  Result<Directory> find_directory() {
    const std::optional<uint64_t> end = find_end_record();
    if (!end) return not_a_model("This is no zip archive: it has no directory at its end");
    Directory directory;
    directory.entry_count = load<uint16_t>(*end + 10);
    directory.size = load<uint32_t>(*end + 12);
    directory.offset = load<uint32_t>(*end + 16);
    directory.end = *end;
    const bool is_split = load<uint16_t>(*end + 4) != load<uint16_t>(*end + 6);
    const uint64_t locator = *end - std::min(*end, kEndLocator64Bytes);
    if (has_record(locator, kEndLocator64Bytes, kEndLocator64)) {
      ZEOLITE_TRY(read_end_record64(locator, &directory));
    } else if (is_split) {
      return unsupported("The zip archive is split over several files; join them into one");
    }
    return directory;
  }

  std::optional<uint64_t> find_end_record() const {
    if (source_.size() < kEndRecordBytes) return std::nullopt;
    const uint64_t last = source_.size() - kEndRecordBytes;
    const uint64_t first = last > kMaxCommentBytes ? last - kMaxCommentBytes : 0;
    for (uint64_t at = last + 1; at-- > first;) {
      // The comment, which may hold anything, must reach to the end of the file.
      if (load<uint32_t>(at) == kEndRecord && load<uint16_t>(at + 20) == last - at) return at;
    }
    return std::nullopt;
  }

  Status read_end_record64(uint64_t locator, Directory* directory) {
    uint64_t at = load<uint64_t>(locator + 8);
    if (at < source_.size()) ZEOLITE_TRY(hold_from(at));
    if (!has_record(at, kEndRecord64Bytes, kEndRecord64)) {
      // Behind something else, the record still stands right before its locator.
      if (locator < kEndRecord64Bytes) return damaged("the zip64 end record is missing");
      at = locator - kEndRecord64Bytes;
      if (!has_record(at, kEndRecord64Bytes, kEndRecord64)) {
        return damaged("the zip64 end record is missing");
      }
    }
    directory->entry_count = load<uint64_t>(at + 32);
    directory->size = load<uint64_t>(at + 40);
    directory->offset = load<uint64_t>(at + 48);
    directory->end = at;
    return {};
  }

  Status read_entry(uint64_t end, uint64_t* position, Entry* entry) const {
    const uint64_t at = *position;
    if (!range_within(at, kDirectoryHeaderBytes, end) || load<uint32_t>(at) != kDirectoryHeader) {
      return damaged("an entry of the directory is missing");
    }
    const uint64_t name_bytes = load<uint16_t>(at + 28);
    const uint64_t extra_bytes = load<uint16_t>(at + 30);
    const uint64_t comment_bytes = load<uint16_t>(at + 32);
    const uint64_t name_at = at + kDirectoryHeaderBytes;
    if (!range_within(name_at, name_bytes + extra_bytes + comment_bytes, end)) {
      return damaged("an entry of the directory ends early");
    }
    entry->is_encrypted = (load<uint16_t>(at + 8) & 1) != 0;
    entry->method = load<uint16_t>(at + 10);
    entry->crc32 = load<uint32_t>(at + 16);
    entry->compressed_size = load<uint32_t>(at + 20);
    entry->size = load<uint32_t>(at + 24);
    entry->header_offset = load<uint32_t>(at + 42);
    entry->name.assign(reinterpret_cast<const char*>(this->at(name_at)), name_bytes);
    ZEOLITE_TRY(read_zip64(name_at + name_bytes, extra_bytes, entry));
    if (!checked_add(entry->header_offset, shift_, &entry->header_offset)) {
      return damaged("the offset of " + entry->name + " is too large");
    }
    *position = name_at + name_bytes + extra_bytes + comment_bytes;
    return {};
  }

  // Numbers that are all ones stand in the zip64 extra field instead, in this order.
  Status read_zip64(uint64_t at, uint64_t size, Entry* entry) const {
    const uint64_t end = at + size;
    while (at + 4 <= end) {
      const uint16_t id = load<uint16_t>(at);
      const uint64_t field_end = at + 4 + load<uint16_t>(at + 2);
      at += 4;
      if (field_end > end) return {};  // Other programs' fields are not ours to judge.
      if (id == kExtraZip64) {
        for (uint64_t* value : {&entry->size, &entry->compressed_size, &entry->header_offset}) {
          if (*value != 0xFFFFFFFF) continue;
          if (at + 8 > field_end) return damaged("the sizes of " + entry->name + " are missing");
          *value = load<uint64_t>(at);
          at += 8;
        }
      }
      at = field_end;
    }
    return {};
  }

  const ByteSource& source_;
  Content tail_;
  uint64_t tail_start_ = 0;
  uint64_t shift_ = 0;
};

}  // namespace

Result<Archive> Archive::open(std::shared_ptr<const ByteSource> source) {
  Archive archive;
  ZEOLITE_ASSIGN(archive.entries_, DirectoryReader(*source).read());
  archive.source_ = std::move(source);
  return archive;
}

const Entry* Archive::find(std::string_view name) const {
  // Of two entries of one name the later one was written to replace the other.
  const auto found = std::find_if(entries_.rbegin(), entries_.rend(),
                                  [&](const Entry& entry) { return entry.name == name; });
  return found != entries_.rend() ? &*found : nullptr;
}

Result<std::shared_ptr<const ByteSource>> Archive::stored(const Entry& entry) const {
  if (entry.is_encrypted) {
    return unsupported(entry.name + " in the zip archive is encrypted; pack it without a password");
  }
  if (entry.method != kStored && entry.method != kDeflated) {
    return unsupported(entry.name + " in the zip archive is compressed by method " +
                       std::to_string(entry.method) + "; only stored and deflated ones are read");
  }
  std::array<uint8_t, kLocalHeaderBytes> header{};
  const uint64_t at = entry.header_offset;
  if (range_within(at, header.size(), source_->size())) ZEOLITE_TRY(source_->read(at, header));
  if (load_little_endian<uint32_t>(header.data()) != kLocalHeader) {
    return damaged(entry.name + " is not where the directory says");
  }
  // Name and extra field may differ in length from the directory's.
  const uint64_t data_at = at + kLocalHeaderBytes +
                           load_little_endian<uint16_t>(header.data() + 26) +
                           load_little_endian<uint16_t>(header.data() + 28);
  if (!range_within(data_at, entry.compressed_size, source_->size())) {
    return damaged(entry.name + " ends beyond the file");
  }
  if (entry.method == kStored && entry.size != entry.compressed_size) {
    return damaged("the size of " + entry.name + " is wrong");
  }
  return part_of(source_, data_at, entry.compressed_size);
}

Result<Content> Archive::read(const Entry& entry) const {
  ZEOLITE_ASSIGN(const std::shared_ptr<const ByteSource> source, stored(entry));
  ZEOLITE_ASSIGN(Content content, source->content(entry.name));
  if (entry.method == kDeflated) {
    if (entry.size / kMaxInflateRatio > entry.compressed_size) {
      return damaged(entry.name + " declares more than its compressed bytes can give");
    }
    ZEOLITE_ASSIGN(Bytes bytes, Bytes::allocate(entry.size, entry.name));
    ZEOLITE_ASSIGN(const InflateResult result, inflate_raw(content.data, bytes.span()));
    if (result.written != entry.size) return damaged("the size of " + entry.name + " is wrong");
    content = Content::of(std::move(bytes));
  }
  if (crc32(content.data) != entry.crc32) return wrong_checksum(entry);
  return content;
}

Result<Content> Archive::read(std::string_view name) const {
  const Entry* entry = find(name);
  if (entry == nullptr) return corrupt("The zip archive has no " + std::string(name));
  return read(*entry);
}

Result<std::shared_ptr<const ByteSource>> Archive::open_entry(std::string_view name) const {
  const Entry* entry = find(name);
  if (entry == nullptr || entry->method != kStored) {
    ZEOLITE_ASSIGN(Content content, read(name));
    return MemorySource::of(std::move(content));
  }
  ZEOLITE_ASSIGN(std::shared_ptr<const ByteSource> source, stored(*entry));
  uint32_t crc = 0;
  for (uint64_t at = 0; at < source->size();) {
    const uint64_t size = std::min(kPieceBytes, source->size() - at);
    ZEOLITE_ASSIGN(const Content piece, source->content(at, size, entry->name));
    crc = crc32(piece.data, crc);
    at += size;
  }
  if (crc != entry->crc32) return wrong_checksum(*entry);
  return source;
}

bool looks_like_zip(std::span<const uint8_t> bytes) {
  if (bytes.size() < 4) return false;
  const uint32_t signature = load_little_endian<uint32_t>(bytes.data());
  return signature == kLocalHeader || signature == kEndRecord;
}

}  // namespace zeolite::zip
