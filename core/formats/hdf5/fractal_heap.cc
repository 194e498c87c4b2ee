#include "core/formats/hdf5/fractal_heap.h"

#include <algorithm>
#include <bit>

#include "core/formats/hdf5/btree.h"

namespace zeolite::hdf5 {
namespace {

uint64_t bytes_for(uint64_t limit) {
  return std::max<uint64_t>(1, (static_cast<uint64_t>(std::bit_width(limit)) + 7) / 8);
}

enum : uint8_t { kManaged = 0, kHuge = 1, kTiny = 2 };
constexpr uint8_t kHugeRecord = 1;  // Type of B-tree: indirectly accessed, not filtered.
constexpr size_t kShortTinyBytes = 16;

Status wrong_id() { return damaged("an object of a fractal heap is not where it should be"); }

}  // namespace

Result<FractalHeap> FractalHeap::open(const FileBytes& file, uint64_t address) {
  FractalHeap heap;
  Cursor cursor = file.cursor_at(address);
  cursor.signature("FRHP");
  cursor.skip(1);  // Version.
  heap.id_bytes_ = cursor.u16();
  const uint16_t filter_bytes = cursor.u16();
  heap.has_checksums_ = (cursor.u8() & 2) != 0;
  heap.max_managed_bytes_ = cursor.u32();
  cursor.length();  // The next id of a huge object.
  heap.huge_tree_ = cursor.address();
  cursor.length();   // Free space,
  cursor.address();  // and what manages it.
  for (int i = 0; i < 8; ++i) cursor.length();  // Statistics.
  heap.table_width_ = cursor.u16();
  heap.start_block_bytes_ = cursor.length();
  heap.max_direct_block_bytes_ = cursor.length();
  heap.max_heap_bits_ = cursor.u16();
  cursor.skip(2);  // The rows that the root began with.
  heap.root_ = cursor.address();
  heap.root_rows_ = cursor.u16();
  if (!cursor.ok()) return damaged("a fractal heap is not where it should be");
  if (filter_bytes != 0) {
    return unsupported("The HDF5 file compresses its links or attributes, which is not read");
  }
  if (heap.table_width_ == 0 || !std::has_single_bit(heap.start_block_bytes_) ||
      !std::has_single_bit(heap.max_direct_block_bytes_) ||
      heap.max_direct_block_bytes_ < heap.start_block_bytes_ || heap.max_heap_bits_ > 64 ||
      heap.id_bytes_ == 0) {
    return damaged("the header of a fractal heap contradicts itself");
  }
  return heap;
}

uint64_t FractalHeap::row_block_bytes(uint32_t row) const {
  // Rows 0 and 1 have blocks of the first size, each further row doubles it.
  const uint32_t doublings = row == 0 ? 0 : row - 1;
  if (doublings >= static_cast<uint32_t>(std::countl_zero(start_block_bytes_))) return 0;
  return start_block_bytes_ << doublings;
}

Result<std::span<const uint8_t>> FractalHeap::object(const FileBytes& file,
                                                     std::span<const uint8_t> id) const {
  if (id.size() < id_bytes_) return wrong_id();
  id = id.first(id_bytes_);
  Cursor cursor = file.cursor(id);
  const uint8_t flags = cursor.u8();
  if (flags >> 6 != 0) return wrong_id();
  switch (flags >> 4 & 3) {
    case kManaged: return managed_object(file, cursor);
    case kHuge: return huge_object(file, cursor);
    case kTiny: {
      uint64_t size = (flags & 0xF) + 1u;
      if (id.size() - 1 > kShortTinyBytes) size = ((flags & 0xFu) << 8 | cursor.u8()) + 1u;
      const std::span<const uint8_t> bytes = cursor.take(size);
      if (!cursor.ok()) return wrong_id();
      return bytes;
    }
    default: return wrong_id();
  }
}

Result<std::span<const uint8_t>> FractalHeap::managed_object(const FileBytes& file,
                                                             Cursor id) const {
  uint64_t offset = id.number(std::min<uint64_t>(8, (max_heap_bits_ + 7u) / 8));
  const uint64_t size =
      id.number(std::min(bytes_for(max_direct_block_bytes_), bytes_for(max_managed_bytes_)));
  if (!id.ok() || size == 0) return wrong_id();

  const uint64_t block_header_bytes = 5u + file.offset_size + (max_heap_bits_ + 7u) / 8;
  uint64_t address = root_;
  uint64_t rows = root_rows_;
  uint64_t block_bytes = start_block_bytes_;
  // Blocks of a child are smaller than the block that stands for it, so this ends: the rows of
  // an indirect block follow from its size, and shrink from one level to the next.
  while (rows > 0) {
    Cursor cursor = file.cursor_at(address);
    cursor.signature("FHIB");
    cursor.skip(block_header_bytes - 4);
    if (!cursor.ok()) return wrong_id();
    uint32_t row = 0;
    uint64_t row_bytes = 0;
    for (; row < rows; ++row) {
      block_bytes = row_block_bytes(row);
      if (block_bytes == 0 || !checked_mul<uint64_t>(block_bytes, table_width_, &row_bytes)) {
        return wrong_id();
      }
      if (offset < row_bytes) break;
      offset -= row_bytes;
    }
    if (row == rows) return wrong_id();
    cursor.skip((uint64_t{row} * table_width_ + offset / block_bytes) * file.offset_size);
    address = cursor.address();
    if (!cursor.ok()) return wrong_id();
    offset %= block_bytes;
    if (block_bytes <= max_direct_block_bytes_) break;
    const uint64_t first_row_bytes = start_block_bytes_ * table_width_;
    const int child_rows = std::bit_width(block_bytes) - std::bit_width(first_row_bytes) + 1;
    if (child_rows <= 0 || static_cast<uint64_t>(child_rows) >= rows) return wrong_id();
    rows = static_cast<uint64_t>(child_rows);
  }
  Cursor block = file.cursor_at(address);
  block.signature("FHDB");
  const uint64_t data_start = block_header_bytes + (has_checksums_ ? 4 : 0);
  if (!block.ok() || offset < data_start || !range_within(offset, size, block_bytes) ||
      !file.holds(address, block_bytes)) {
    return wrong_id();
  }
  return file.bytes(address + offset, size);
}

Result<std::span<const uint8_t>> FractalHeap::huge_object(const FileBytes& file,
                                                          Cursor id) const {
  uint64_t address = kNoAddress;
  uint64_t size = 0;
  const bool is_direct = id_bytes_ - 1u >= uint64_t{file.offset_size} + file.length_size;
  if (is_direct) {
    address = id.address();
    size = id.length();
  } else {
    const uint64_t wanted = id.number(std::min<uint64_t>(file.length_size, id_bytes_ - 1u));
    ZEOLITE_TRY(walk_tree_v2(
        file, huge_tree_, [&](uint8_t type, std::span<const uint8_t> record) -> Status {
          if (type != kHugeRecord) return wrong_id();
          Cursor cursor = file.cursor(record);
          const uint64_t record_address = cursor.address();
          const uint64_t record_size = cursor.length();
          if (cursor.length() == wanted && cursor.ok()) {
            address = record_address;
            size = record_size;
          }
          return {};
        }));
  }
  if (!id.ok() || !file.holds(address, size)) return wrong_id();
  return file.bytes(address, size);
}

}  // namespace zeolite::hdf5
