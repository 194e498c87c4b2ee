// How a dataset's elements lie in the file: compact, contiguous or in chunks.
#pragma once

#include <functional>

#include "core/formats/content.h"
#include "core/formats/hdf5/object_header.h"
#include "core/formats/hdf5/types.h"

namespace zeolite::hdf5 {

enum class LayoutClass : uint8_t { kCompact = 0, kContiguous = 1, kChunked = 2, kVirtual = 3 };

enum class ChunkIndex : uint8_t {
  kTreeV1 = 0,
  kSingleChunk = 1,
  kImplicit = 2,
  kFixedArray = 3,
  kExtensibleArray = 4,
  kTreeV2 = 5,
};

struct Layout {
  LayoutClass layout_class = LayoutClass::kContiguous;
  std::span<const uint8_t> compact;  // Only kCompact: the elements.
  uint64_t address = kNoAddress;     // Of the elements, or of the chunks' index.
  uint64_t size = 0;                 // Only kContiguous, where the file tells it: bytes.
  // Only kChunked.
  ChunkIndex index = ChunkIndex::kTreeV1;
  std::vector<uint64_t> chunk_shape;
  uint32_t element_bytes = 0;
  bool keeps_edges_unfiltered = false;
  uint64_t single_chunk_bytes = 0;  // Of a filtered single chunk, as stored.
  uint32_t single_chunk_mask = 0;
};

Result<Layout> parse_layout(const FileBytes& file, std::span<const uint8_t> message);

// A chunk that was written.
struct StoredChunk {
  std::vector<uint64_t> position;  // In chunks, not elements.
  uint64_t address = 0;
  uint64_t bytes = 0;  // As stored.
  uint32_t skipped_filters = 0;
};

// Calls `visit` with each stored chunk. `chunk_bytes` are those of a chunk before filters.
Status walk_chunks(const FileBytes& file, const Layout& layout, const DataSpace& space,
                   bool is_filtered, uint64_t chunk_bytes,
                   const std::function<Status(const StoredChunk&)>& visit);

// An error when the file cannot hold the elements that the dataset declares, as far as that shows
// without looking for its chunks.
Status check_declared_size(const FileBytes& file, const ObjectParts& parts, const DataType& type,
                           const DataSpace& space);

// The elements of the dataset that `parts` describe, as they are stored but without filters.
Result<Content> read_raw_elements(const FileBytes& file, const ObjectParts& parts,
                                  const DataType& type, const DataSpace& space);

}  // namespace zeolite::hdf5
