// The bytes of a file that need not be in memory: models are large, and their readers want to see
// each part of them once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/formats/content.h"

namespace zeolite {

// Bytes that can be read anywhere, in any order, again and again with the same result.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  uint64_t size() const { return size_; }
  // All of the bytes where they are in memory, as long as this lives; else nothing.
  virtual std::span<const uint8_t> in_memory() const { return {}; }
  // Fills `target` with the bytes from `offset` on. Only for ranges within size(). Errors:
  // kEnvironment when they cannot be had.
  virtual Status read(uint64_t offset, std::span<uint8_t> target) const = 0;

  // The bytes of a range within size(): a view where they are in memory, else a copy. `what` names
  // them in the error.
  Result<Content> content(uint64_t offset, uint64_t size, std::string_view what) const;
  // The same for all of them.
  Result<Content> content(std::string_view what) const { return content(0, size_, what); }

 protected:
  explicit ByteSource(uint64_t size) : size_(size) {}

 private:
  uint64_t size_;
};

// Bytes in memory. Views into them keep nothing alive.
class MemorySource : public ByteSource {
 public:
  // A source over bytes that must outlive it.
  static std::shared_ptr<const ByteSource> view_of(std::span<const uint8_t> bytes);
  static std::shared_ptr<const ByteSource> of(Content content);
  static std::shared_ptr<const ByteSource> of(Bytes bytes) {
    return of(Content::of(std::move(bytes)));
  }

  std::span<const uint8_t> in_memory() const override { return content_.data; }
  Status read(uint64_t offset, std::span<uint8_t> target) const override;

 private:
  explicit MemorySource(Content content)
      : ByteSource(content.data.size()), content_(std::move(content)) {}

  Content content_;
};

// A part of another source: `size` bytes from `offset` on, which must lie within it.
std::shared_ptr<const ByteSource> part_of(std::shared_ptr<const ByteSource> whole, uint64_t offset,
                                          uint64_t size);

}  // namespace zeolite
