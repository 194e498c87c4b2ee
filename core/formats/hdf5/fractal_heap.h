// Fractal heaps: where groups keep their links and objects their attributes when there are many.
#pragma once

#include "core/formats/hdf5/file_bytes.h"

namespace zeolite::hdf5 {

class FractalHeap {
 public:
  static Result<FractalHeap> open(const FileBytes& file, uint64_t address);

  // The object that `id` stands for; a view into the file. `file` must be the one of `open`.
  Result<std::span<const uint8_t>> object(const FileBytes& file,
                                          std::span<const uint8_t> id) const;
  // Bytes of an object's id.
  uint16_t id_bytes() const { return id_bytes_; }

 private:
  Result<std::span<const uint8_t>> managed_object(const FileBytes& file, Cursor id) const;
  Result<std::span<const uint8_t>> huge_object(const FileBytes& file, Cursor id) const;
  uint64_t row_block_bytes(uint32_t row) const;

  uint16_t id_bytes_ = 0;
  bool has_checksums_ = false;
  uint64_t max_managed_bytes_ = 0;
  uint64_t huge_tree_ = 0;
  uint16_t table_width_ = 0;
  uint64_t start_block_bytes_ = 0;
  uint64_t max_direct_block_bytes_ = 0;
  uint16_t max_heap_bits_ = 0;
  uint64_t root_ = 0;
  uint16_t root_rows_ = 0;  // 0: the root is a direct block.
};

}  // namespace zeolite::hdf5
