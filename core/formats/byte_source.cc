#include "core/formats/byte_source.h"

#include <cstring>
#include <utility>

namespace zeolite {
namespace {

class PartSource : public ByteSource {
 public:
  PartSource(std::shared_ptr<const ByteSource> whole, uint64_t offset, uint64_t size)
      : ByteSource(size), whole_(std::move(whole)), offset_(offset) {}

  std::span<const uint8_t> in_memory() const override {
    const std::span<const uint8_t> bytes = whole_->in_memory();
    if (bytes.empty()) return {};
    return bytes.subspan(static_cast<size_t>(offset_), static_cast<size_t>(size()));
  }
  Status read(uint64_t offset, std::span<uint8_t> target) const override {
    return whole_->read(offset_ + offset, target);
  }

 private:
  std::shared_ptr<const ByteSource> whole_;
  uint64_t offset_;
};

}  // namespace

Result<Content> ByteSource::content(uint64_t offset, uint64_t size, std::string_view what) const {
  const std::span<const uint8_t> all = in_memory();
  if (!all.empty() || size == 0) {
    return Content::view_of(
        size == 0 ? all.first(0)
                  : all.subspan(static_cast<size_t>(offset), static_cast<size_t>(size)));
  }
  ZEOLITE_ASSIGN(Bytes bytes, Bytes::allocate(size, what));
  ZEOLITE_TRY(read(offset, bytes.span()));
  return Content::of(std::move(bytes));
}

std::shared_ptr<const ByteSource> MemorySource::view_of(std::span<const uint8_t> bytes) {
  return of(Content::view_of(bytes));
}

std::shared_ptr<const ByteSource> MemorySource::of(Content content) {
  return std::shared_ptr<const ByteSource>(new MemorySource(std::move(content)));
}

Status MemorySource::read(uint64_t offset, std::span<uint8_t> target) const {
  if (!target.empty()) std::memcpy(target.data(), content_.data.data() + offset, target.size());
  return Status();
}

std::shared_ptr<const ByteSource> part_of(std::shared_ptr<const ByteSource> whole, uint64_t offset,
                                          uint64_t size) {
  return std::make_shared<const PartSource>(std::move(whole), offset, size);
}

}  // namespace zeolite
