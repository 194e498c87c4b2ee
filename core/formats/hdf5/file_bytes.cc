#include "core/formats/hdf5/file_bytes.h"

#include <algorithm>
#include <utility>

namespace zeolite::hdf5 {
namespace {

uint64_t padding_to_8(uint64_t size) { return (8 - size % 8) % 8; }

}  // namespace

Cursor::Cursor(const FileBytes& file, uint64_t address)
    : file_(&file), address_(address), offset_size_(file.offset_size),
      length_size_(file.length_size) {}

bool Cursor::move_window(uint64_t size) {
  uint64_t address = 0;
  if (file_ == nullptr || !checked_add(address_, position(), &address)) return false;
  const std::span<const uint8_t> window = file_->window(address, size);
  if (window.size() < size) return false;
  window_start_ = position();
  bytes_ = window;
  position_ = 0;
  return true;
}

bool Cursor::skip_window(uint64_t size) {
  uint64_t address = 0;
  if (file_ == nullptr || !checked_add(address_, position(), &address) ||
      !file_->holds(address, size)) {
    return false;
  }
  window_start_ = position() + size;
  bytes_ = {};
  position_ = 0;
  return true;
}

std::span<const uint8_t> FileBytes::window(uint64_t address, uint64_t size) const {
  if (!holds(address, size)) return {};
  const std::span<const uint8_t> all = source_->in_memory();
  if (!all.empty()) return all.subspan(static_cast<size_t>(address));
  if (size == 0) return {};
  const uint64_t index = address / kBlockBytes;
  const uint64_t start = index * kBlockBytes;
  if (address + size <= start + kBlockBytes) {
    Bytes& block = blocks_[index];
    if (block.empty()) {
      Result<Bytes> read = Bytes::allocate(std::min(kBlockBytes, this->size() - start), "a file");
      if (!read.ok() || !source_->read(start, read->span()).ok()) return {};
      block = std::move(read).value();
    }
    return std::as_const(block).span().subspan(static_cast<size_t>(address - start));
  }
  const auto [first, last] = extents_.equal_range(address);
  for (auto known = first; known != last; ++known) {
    if (known->second.size() >= size) return std::as_const(known->second).span();
  }
  if (!extent_budget_.spend(size)) return {};
  Result<Bytes> read = Bytes::allocate(size, "a file");
  if (!read.ok() || !source_->read(address, read->span()).ok()) return {};
  // Shorter ones stay: somebody looks at them.
  return std::as_const(extents_.emplace(address, std::move(read).value())->second).span();
}

Result<FileBytes::Collection> FileBytes::read_collection(uint64_t address) const {
  Cursor header = cursor_at(address);
  header.signature("GCOL");
  header.skip(4);  // Version and reserved bytes.
  const uint64_t size = header.length();
  header.skip(padding_to_8(header.position()));
  if (!header.ok() || !holds(address, size) || size < header.position()) {
    return damaged("a global heap collection is not where it should be");
  }
  if (!heap_budget_.spend(size)) return damaged("global heap collections overlap");
  Collection objects;
  const uint64_t start = header.position();
  Cursor cursor = this->cursor(bytes(address + start, size - start));
  // All is aligned to 8 bytes: the header of the collection, those of objects, and objects.
  const uint64_t object_header_bytes = 8u + length_size + padding_to_8(length_size);
  while (cursor.remaining() >= object_header_bytes) {
    const uint16_t index = cursor.u16();
    cursor.skip(6);  // References, reserved.
    const uint64_t object_size = cursor.length();
    cursor.skip(padding_to_8(length_size));
    if (index == 0) break;  // The free space at the end.
    const std::span<const uint8_t> object = cursor.take(object_size);
    cursor.skip(std::min<uint64_t>(padding_to_8(object_size), cursor.remaining()));
    if (!cursor.ok()) return damaged("an object of a global heap is too large");
    objects.emplace(index, object);
  }
  return objects;
}

Result<std::span<const uint8_t>> FileBytes::global_heap_object(uint64_t collection,
                                                               uint32_t index) const {
  auto found = collections_.find(collection);
  if (found == collections_.end()) {
    ZEOLITE_ASSIGN(Collection objects, read_collection(collection));
    found = collections_.emplace(collection, std::move(objects)).first;
  }
  const auto object = found->second.find(index);
  if (object == found->second.end()) return damaged("an object of a global heap is missing");
  return object->second;
}

}  // namespace zeolite::hdf5
