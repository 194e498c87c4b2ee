// The bytes of an HDF5 file with what all readers of its structures need: addresses and lengths of
// the size that the superblock gives, and bounds that no structure may leave.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/checked.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/formats/byte_source.h"

namespace zeolite::hdf5 {

// The address of what was never stored.
inline constexpr uint64_t kNoAddress = ~uint64_t{0};

inline Status damaged(std::string_view what) {
  return corrupt("The HDF5 file is damaged: " + std::string(what));
}

class FileBytes;

// Reads forward through a part of the file. Reading past the end gives zeros and makes `ok` false
// for good, so that a structure is read as a whole and checked once.
class Cursor {
 public:
  Cursor(std::span<const uint8_t> bytes, uint8_t offset_size, uint8_t length_size)
      : bytes_(bytes), offset_size_(offset_size), length_size_(length_size) {}
  // From `address` to the end of the file, which is read as far as it is asked for.
  Cursor(const FileBytes& file, uint64_t address);

  bool ok() const { return is_ok_; }
  // Bytes taken so far.
  uint64_t position() const { return window_start_ + position_; }
  // Bytes left in a part that is given by its bytes.
  size_t remaining() const { return bytes_.size() - position_; }

  // A little-endian number of `size` bytes, 8 at most.
  uint64_t number(uint64_t size) {
    uint64_t value = 0;
    const std::span<const uint8_t> bytes = take(size);
    for (size_t i = bytes.size(); i > 0; --i) value = value << 8 | bytes[i - 1];
    return value;
  }
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  uint64_t length() { return number(length_size_); }
  // An address; kNoAddress where all of its bits are set.
  uint64_t address() { return all_ones_widened(offset_size_); }
  // A length that may be unlimited: all 64 bits set.
  uint64_t length_or_unlimited() { return all_ones_widened(length_size_); }
  // The next `size` bytes; none, and no longer ok, when there are fewer.
  std::span<const uint8_t> take(uint64_t size) {
    if (size > remaining() && !move_window(size)) {
      is_ok_ = false;
      position_ = bytes_.size();
      return {};
    }
    const std::span<const uint8_t> result = bytes_.subspan(position_, static_cast<size_t>(size));
    position_ += static_cast<size_t>(size);
    return result;
  }
  void skip(uint64_t size) {
    if (size <= remaining()) {
      position_ += static_cast<size_t>(size);
    } else if (!skip_window(size)) {
      take(size);
    }
  }
  // Whether the next bytes are `signature`, which they are then taken for.
  bool signature(std::string_view signature) {
    const std::span<const uint8_t> bytes = take(signature.size());
    if (std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) != signature) {
      is_ok_ = false;
    }
    return is_ok_;
  }
  // Text up to a zero, which is taken too. Only in a part that is given by its bytes.
  std::string_view terminated_text() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_,
                                remaining());
    const size_t end = rest.find('\0');
    if (end == std::string_view::npos) {
      is_ok_ = false;
      return {};
    }
    position_ += end + 1;
    return rest.substr(0, end);
  }

 private:
  uint64_t all_ones_widened(uint8_t size) {
    const uint64_t value = number(size);
    const uint64_t all_ones = ~uint64_t{0} >> (64 - size * 8);
    return value == all_ones ? ~uint64_t{0} : value;
  }

  // Makes `bytes_` begin here and hold `size` more bytes of the file; false when it has none.
  bool move_window(uint64_t size);
  // Moves on without looking at what lies between; false when there is no file or no such place.
  bool skip_window(uint64_t size);

  std::span<const uint8_t> bytes_;
  size_t position_ = 0;            // In `bytes_`.
  uint64_t window_start_ = 0;      // Of `bytes_`, from where the cursor began.
  const FileBytes* file_ = nullptr;
  uint64_t address_ = 0;           // Where the cursor began.
  uint8_t offset_size_;
  uint8_t length_size_;
  bool is_ok_ = true;
};

// Bounds a walk over nodes that point at each other: nodes of a sound file do not overlap, so their
// sizes add up to no more than the file. A loop runs out of it.
class WalkBudget {
 public:
  explicit WalkBudget(uint64_t file_size) : left_(file_size) {}
  [[nodiscard]] bool spend(uint64_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

 private:
  uint64_t left_;
};

// What describes the data is read once, in blocks, and kept, so that views of it last as long as
// this does. The data themselves are read when they are asked for, and belong to who asked.
class FileBytes {
 public:
  // `source` begins at the superblock: addresses count from there.
  FileBytes(std::shared_ptr<const ByteSource> source, uint8_t offset_size, uint8_t length_size)
      : offset_size(offset_size),
        length_size(length_size),
        source_(std::move(source)),
        heap_budget_(source_->size()),
        extent_budget_(kFreeExtentBytes + 2 * source_->size()) {}

  const uint8_t offset_size;  // Bytes of an address in this file.
  const uint8_t length_size;  // Bytes of a length.

  uint64_t size() const { return source_->size(); }
  bool holds(uint64_t address, uint64_t size) const {
    return range_within(address, size, this->size());
  }
  // What describes the data, only when it is held. Shorter than `size` when it cannot be read.
  std::span<const uint8_t> bytes(uint64_t address, uint64_t size) const {
    const std::span<const uint8_t> found = window(address, size);
    return found.first(std::min(found.size(), static_cast<size_t>(size)));
  }
  // The data, only when they are held.
  Result<Content> data(uint64_t address, uint64_t size) const {
    return source_->content(address, size, "values of the HDF5 file");
  }
  // The bytes from `address` on, at least `size` of them; none when they are not held.
  std::span<const uint8_t> window(uint64_t address, uint64_t size) const;
  Cursor cursor(std::span<const uint8_t> bytes) const { return {bytes, offset_size, length_size}; }
  // A cursor from `address` to the end of the file; one over nothing when that lies outside.
  Cursor cursor_at(uint64_t address) const { return Cursor(*this, address); }

  // Object `index` of the global heap collection at `collection`; strings of variable length lie
  // there. A view into the file.
  Result<std::span<const uint8_t>> global_heap_object(uint64_t collection, uint32_t index) const;

 private:
  static constexpr uint64_t kBlockBytes = 16 * 1024;
  static constexpr uint64_t kFreeExtentBytes = 1024 * 1024;

  // The objects of a global heap collection, by index.
  using Collection = std::unordered_map<uint32_t, std::span<const uint8_t>>;
  Result<Collection> read_collection(uint64_t address) const;

  std::shared_ptr<const ByteSource> source_;
  mutable std::unordered_map<uint64_t, Bytes> blocks_;  // By their index in the file.
  // What goes over a block's end, by address; longer ones come after shorter ones.
  mutable std::multimap<uint64_t, Bytes> extents_;
  mutable std::unordered_map<uint64_t, Collection> collections_;
  mutable WalkBudget heap_budget_;
  // Structures of a sound file do not overlap: what goes beyond blocks is bounded by the file.
  mutable WalkBudget extent_budget_;
};

}  // namespace zeolite::hdf5
