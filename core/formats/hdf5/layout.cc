#include "core/formats/hdf5/layout.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/formats/hdf5/filters.h"
#include "core/formats/inflate.h"

namespace zeolite::hdf5 {
namespace {

// Elements that were never written are filled in; so much of them without a question.
constexpr uint64_t kFreelyFilledBytes = 1024 * 1024;

// Flags of version 4.
constexpr uint8_t kEdgesUnfiltered = 1;
constexpr uint8_t kSingleChunkFiltered = 2;

// The dimensions of chunks, whose last one is the size of an element.
Status take_chunk_shape(Cursor* cursor, int count, uint64_t bytes_each, Layout* layout) {
  if (count < 1) return damaged("chunks have no dimensions");
  for (int i = 0; i + 1 < count; ++i) {
    layout->chunk_shape.push_back(cursor->number(bytes_each));
    if (layout->chunk_shape.back() == 0) return damaged("a chunk has no elements");
  }
  layout->element_bytes = static_cast<uint32_t>(cursor->number(bytes_each));
  return {};
}

Status parse_old_layout(Cursor* cursor, Layout* layout) {
  const int dimension_count = cursor->u8();
  layout->layout_class = static_cast<LayoutClass>(cursor->u8());
  cursor->skip(5);
  if (layout->layout_class != LayoutClass::kCompact) layout->address = cursor->address();
  if (layout->layout_class == LayoutClass::kChunked) {
    return take_chunk_shape(cursor, dimension_count, 4, layout);
  }
  cursor->skip(4u * static_cast<unsigned>(dimension_count));
  if (layout->layout_class == LayoutClass::kCompact) layout->compact = cursor->take(cursor->u32());
  // The size of contiguous data follows from the dataspace alone.
  layout->size = kUnlimited;
  return {};
}

Status parse_indexed_chunks(Cursor* cursor, Layout* layout) {
  const uint8_t flags = cursor->u8();
  const int dimension_count = cursor->u8();
  const uint8_t bytes_each = cursor->u8();
  if (bytes_each == 0 || bytes_each > 8) return damaged("the shape of chunks is wrong");
  ZEOLITE_TRY(take_chunk_shape(cursor, dimension_count, bytes_each, layout));
  layout->keeps_edges_unfiltered = (flags & kEdgesUnfiltered) != 0;
  const uint8_t index = cursor->u8();
  layout->index = static_cast<ChunkIndex>(index);
  switch (layout->index) {
    case ChunkIndex::kSingleChunk:
      if ((flags & kSingleChunkFiltered) != 0) {
        layout->single_chunk_bytes = cursor->length();
        layout->single_chunk_mask = cursor->u32();
      }
      break;
    case ChunkIndex::kImplicit: break;
    case ChunkIndex::kFixedArray: cursor->skip(1); break;
    case ChunkIndex::kExtensibleArray: cursor->skip(5); break;
    case ChunkIndex::kTreeV2: cursor->skip(6); break;
    default:
      return unsupported("The HDF5 file indexes chunks in a way that is not known (" +
                         std::to_string(index) + ")");
  }
  layout->address = cursor->address();
  return {};
}

// The bytes of an element that was never written; empty for zeros.
std::span<const uint8_t> fill_value(const FileBytes& file, const ObjectParts& parts) {
  if (const Message* message = parts.find(MessageType::kFillValue)) {
    Cursor cursor = file.cursor(message->data);
    const uint8_t version = cursor.u8();
    if (version == 3) {
      constexpr uint8_t kIsDefined = 0x20;
      if ((cursor.u8() & kIsDefined) == 0) return {};
    } else {
      cursor.skip(2);
      if (cursor.u8() == 0) return {};
    }
    return cursor.take(cursor.u32());
  }
  if (const Message* message = parts.find(MessageType::kOldFillValue)) {
    Cursor cursor = file.cursor(message->data);
    return cursor.take(cursor.u32());
  }
  return {};
}

Result<Bytes> filled(const FileBytes& file, const ObjectParts& parts, uint64_t bytes,
                     uint32_t element_bytes) {
  ZEOLITE_ASSIGN(Bytes result, Bytes::allocate_zeroed(bytes, "values of the HDF5 file"));
  const std::span<const uint8_t> value = fill_value(file, parts);
  if (value.size() == element_bytes) {
    for (size_t at = 0; at + value.size() <= result.size(); at += value.size()) {
      std::memcpy(result.data() + at, value.data(), value.size());
    }
  }
  return result;
}

Status declares_too_much() {
  return damaged("a dataset declares more elements than the file can hold");
}

class ChunkedReader {
 public:
  ChunkedReader(const FileBytes& file, const ObjectParts& parts, const Layout& layout,
                const DataSpace& space, uint32_t element_bytes)
      : file_(file),
        parts_(parts),
        layout_(layout),
        space_(space),
        rank_(space.shape.size()),
        element_bytes_(element_bytes) {}

  Result<Content> read(uint64_t total_bytes) {
    if (layout_.chunk_shape.size() != rank_ || layout_.element_bytes != element_bytes_) {
      return damaged("chunks do not fit their dataset");
    }
    if (const Message* message = parts_.find(MessageType::kFilterPipeline)) {
      ZEOLITE_ASSIGN(pipeline_, parse_filter_pipeline(file_, message->data));
    }
    chunk_bytes_ = element_bytes_;
    for (uint64_t dimension : layout_.chunk_shape) {
      if (!checked_mul(chunk_bytes_, dimension, &chunk_bytes_)) return declares_too_much();
    }
    const bool is_filtered = !pipeline_.filters.empty();
    const uint64_t ratio = is_filtered ? kMaxInflateRatio : 1;
    const uint64_t bytes_to_justify = total_bytes - std::min(total_bytes, kFreelyFilledBytes);
    if (bytes_to_justify / ratio > file_.size()) return declares_too_much();
    std::vector<StoredChunk> chunks;
    std::vector<uint64_t> places;  // Of each chunk among those of the dataset.
    WalkBudget budget(file_.size());
    uint64_t stored_bytes = 0;
    ZEOLITE_TRY(walk_chunks(
        file_, layout_, space_, is_filtered, chunk_bytes_,
        [&](const StoredChunk& chunk) -> Status {
          const std::optional<uint64_t> place = place_of(chunk);
          if (!place) return {};  // Left over from when the dataset was larger.
          if (!file_.holds(chunk.address, chunk.bytes)) {
            return damaged("a chunk ends beyond the file");
          }
          if (!budget.spend(chunk.bytes)) return damaged("chunks overlap");
          stored_bytes += chunk.bytes;
          chunks.push_back(chunk);
          places.push_back(*place);
          return {};
        }));
    // Else a small index could have one chunk unpacked again and again.
    std::ranges::sort(places);
    if (std::ranges::adjacent_find(places) != places.end()) {
      return damaged("an index lists a chunk twice");
    }
    if (bytes_to_justify / ratio > stored_bytes) return declares_too_much();
    ZEOLITE_ASSIGN(output_, filled(file_, parts_, total_bytes, element_bytes_));
    for (const StoredChunk& chunk : chunks) ZEOLITE_TRY(place(chunk));
    return Content::of(std::move(output_));
  }

 private:
  // The number of a chunk among those that the dataset's shape needs; none outside of it. No
  // product overflows: there are at most as many chunks as elements.
  std::optional<uint64_t> place_of(const StoredChunk& chunk) const {
    uint64_t place = 0;
    for (size_t i = 0; i < rank_; ++i) {
      const uint64_t count = (space_.shape[i] - 1) / layout_.chunk_shape[i] + 1;
      if (chunk.position[i] >= count) return std::nullopt;
      place = place * count + chunk.position[i];
    }
    return place;
  }

  // Puts the elements of a chunk that lies in the dataset where they belong.
  Status place(const StoredChunk& chunk) {
    std::vector<uint64_t> start(rank_);
    std::vector<uint64_t> extent(rank_);
    bool is_at_edge = false;
    for (size_t i = 0; i < rank_; ++i) {
      start[i] = chunk.position[i] * layout_.chunk_shape[i];
      extent[i] = std::min(layout_.chunk_shape[i], space_.shape[i] - start[i]);
      is_at_edge |= extent[i] < layout_.chunk_shape[i];
    }
    ZEOLITE_ASSIGN(const Content stored, file_.data(chunk.address, chunk.bytes));
    const bool is_raw = is_at_edge && layout_.keeps_edges_unfiltered;
    ZEOLITE_ASSIGN(const Content content,
                   undo_filters(pipeline_, is_raw ? ~uint32_t{0} : chunk.skipped_filters,
                                stored.data, chunk_bytes_));
    copy_rows(content.data.data(), start, extent);
    return {};
  }

  // Copies the part of the chunk that lies in the dataset, a run along the last dimension at a
  // time. All offsets lie in output_ and in the chunk, whose sizes were multiplied out before.
  void copy_rows(const uint8_t* chunk, const std::vector<uint64_t>& start,
                 const std::vector<uint64_t>& extent) {
    if (rank_ == 0) {
      std::memcpy(output_.data(), chunk, element_bytes_);
      return;
    }
    const size_t run = static_cast<size_t>(extent[rank_ - 1]) * element_bytes_;
    std::vector<uint64_t> row(rank_);
    while (true) {
      uint64_t to = 0;
      uint64_t from = 0;
      for (size_t i = 0; i < rank_; ++i) {
        to = to * space_.shape[i] + start[i] + row[i];
        from = from * layout_.chunk_shape[i] + row[i];
      }
      std::memcpy(output_.data() + to * element_bytes_, chunk + from * element_bytes_, run);
      size_t i = rank_ - 1;
      while (i > 0 && ++row[i - 1] == extent[i - 1]) row[--i] = 0;
      if (i == 0) return;
    }
  }

  const FileBytes& file_;
  const ObjectParts& parts_;
  const Layout& layout_;
  const DataSpace& space_;
  const size_t rank_;
  const uint32_t element_bytes_;
  uint64_t chunk_bytes_ = 0;
  FilterPipeline pipeline_;
  Bytes output_;
};

}  // namespace

Result<Layout> parse_layout(const FileBytes& file, std::span<const uint8_t> message) {
  Layout layout;
  Cursor cursor = file.cursor(message);
  const uint8_t version = cursor.u8();
  if (version == 1 || version == 2) {
    ZEOLITE_TRY(parse_old_layout(&cursor, &layout));
  } else if (version == 3 || version == 4) {
    layout.layout_class = static_cast<LayoutClass>(cursor.u8());
    switch (layout.layout_class) {
      case LayoutClass::kCompact: layout.compact = cursor.take(cursor.u16()); break;
      case LayoutClass::kContiguous:
        layout.address = cursor.address();
        layout.size = cursor.length();
        break;
      case LayoutClass::kChunked:
        if (version == 4) {
          ZEOLITE_TRY(parse_indexed_chunks(&cursor, &layout));
        } else {
          const int dimension_count = cursor.u8();
          layout.address = cursor.address();
          ZEOLITE_TRY(take_chunk_shape(&cursor, dimension_count, 4, &layout));
        }
        break;
      case LayoutClass::kVirtual: break;
    }
  } else {
    return unsupported("The HDF5 file uses version " + std::to_string(version) +
                       " of data layouts, which is not known");
  }
  if (!cursor.ok()) return damaged("a data layout is cut off");
  return layout;
}

Status check_declared_size(const FileBytes& file, const ObjectParts& parts, const DataType& type,
                           const DataSpace& space) {
  const Message* message = parts.find(MessageType::kLayout);
  if (message == nullptr) return damaged("a dataset has no data layout");
  ZEOLITE_ASSIGN(const Layout layout, parse_layout(file, message->data));
  uint64_t bytes = 0;
  if (!checked_mul<uint64_t>(space.element_count, type.size, &bytes)) return declares_too_much();
  const bool is_chunked = layout.layout_class == LayoutClass::kChunked;
  const uint64_t ratio = is_chunked ? kMaxInflateRatio : 1;
  if (bytes > kFreelyFilledBytes && (bytes - kFreelyFilledBytes) / ratio > file.size()) {
    return declares_too_much();
  }
  return {};
}

Result<Content> read_raw_elements(const FileBytes& file, const ObjectParts& parts,
                                  const DataType& type, const DataSpace& space) {
  if (parts.find(MessageType::kExternalFiles) != nullptr) {
    return unsupported("The HDF5 dataset keeps its values in another file, which is not read");
  }
  const Message* message = parts.find(MessageType::kLayout);
  if (message == nullptr) return damaged("a dataset has no data layout");
  ZEOLITE_ASSIGN(const Layout layout, parse_layout(file, message->data));
  uint64_t bytes = 0;
  if (!checked_mul<uint64_t>(space.element_count, type.size, &bytes)) return declares_too_much();
  if (bytes == 0) return Content();
  switch (layout.layout_class) {
    case LayoutClass::kCompact:
      if (layout.compact.size() < bytes) return declares_too_much();
      return Content::view_of(layout.compact.first(static_cast<size_t>(bytes)));
    case LayoutClass::kContiguous:
      if (layout.address == kNoAddress) {
        if (bytes > kFreelyFilledBytes + file.size()) return declares_too_much();
        ZEOLITE_ASSIGN(Bytes result, filled(file, parts, bytes, type.size));
        return Content::of(std::move(result));
      }
      if (layout.size < bytes || !file.holds(layout.address, bytes)) return declares_too_much();
      return file.data(layout.address, bytes);
    case LayoutClass::kChunked:
      return ChunkedReader(file, parts, layout, space, type.size).read(bytes);
    case LayoutClass::kVirtual:
      return unsupported("The HDF5 dataset is made of other datasets (virtual), which is not read");
  }
  return unsupported("The HDF5 dataset has a layout that is not known");
}

}  // namespace zeolite::hdf5
