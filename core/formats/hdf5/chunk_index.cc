// Where the chunks of a dataset are: the six kinds of index.
#include <algorithm>
#include <bit>

#include "core/formats/hdf5/btree.h"
#include "core/formats/hdf5/layout.h"

namespace zeolite::hdf5 {
namespace {

// One entry of an array index: where a chunk is, and for filtered ones its bytes and filter mask.
struct EntryLayout {
  uint64_t bytes = 0;  // Of the entry.
  bool is_filtered = false;
};

class ChunkWalk {
 public:
  ChunkWalk(const FileBytes& file, const Layout& layout, const DataSpace& space, bool is_filtered,
            uint64_t chunk_bytes, const std::function<Status(const StoredChunk&)>& visit)
      : file_(file),
        layout_(layout),
        space_(space),
        rank_(space.shape.size()),
        is_filtered_(is_filtered),
        chunk_bytes_(chunk_bytes),
        visit_(visit) {}

  Status run() {
    switch (layout_.index) {
      case ChunkIndex::kTreeV1: return tree_v1();
      case ChunkIndex::kTreeV2: return tree_v2();
      case ChunkIndex::kSingleChunk: {
        const uint64_t bytes = is_filtered_ && layout_.single_chunk_bytes != 0
                                   ? layout_.single_chunk_bytes
                                   : chunk_bytes_;
        return visit_({std::vector<uint64_t>(rank_), layout_.address, bytes,
                       layout_.single_chunk_mask});
      }
      case ChunkIndex::kImplicit:
        return each_position([&](uint64_t index, const std::vector<uint64_t>& position) -> Status {
          uint64_t address = 0;
          if (!checked_mul(index, chunk_bytes_, &address) ||
              !checked_add(address, layout_.address, &address)) {
            return damaged("a chunk lies outside");
          }
          return visit_({position, address, chunk_bytes_, 0});
        });
      case ChunkIndex::kFixedArray: return fixed_array();
      case ChunkIndex::kExtensibleArray: return extensible_array();
    }
    return damaged("the kind of a chunk index is unknown");
  }

 private:
  Status tree_v1() {
    // Key: stored bytes, filter mask, the first element in each dimension and within an element.
    const uint64_t key_bytes = 8 + 8 * (rank_ + 1);
    return walk_tree_v1(
        file_, layout_.address, TreeType::kChunks, key_bytes,
        [&](Cursor key, uint64_t child) -> Status {
          StoredChunk chunk;
          chunk.bytes = key.u32();
          chunk.skipped_filters = key.u32();
          chunk.address = child;
          for (size_t i = 0; i < rank_; ++i) {
            chunk.position.push_back(key.u64() / layout_.chunk_shape[i]);
          }
          return visit_(chunk);
        });
  }

  Status tree_v2() {
    constexpr uint8_t kFilteredRecord = 11;
    return walk_tree_v2(
        file_, layout_.address, [&](uint8_t type, std::span<const uint8_t> record) -> Status {
          Cursor cursor = file_.cursor(record);
          StoredChunk chunk;
          chunk.address = cursor.address();
          chunk.bytes = chunk_bytes_;
          if (type == kFilteredRecord) {
            const uint64_t fixed = file_.offset_size + 4 + 8 * uint64_t{rank_};
            if (record.size() <= fixed || record.size() > fixed + 8) {
              return damaged("a record of a chunk index has the wrong size");
            }
            chunk.bytes = cursor.number(record.size() - fixed);
            chunk.skipped_filters = cursor.u32();
          }
          for (size_t i = 0; i < rank_; ++i) chunk.position.push_back(cursor.u64());
          if (!cursor.ok()) return damaged("a record of a chunk index is cut off");
          return visit_(chunk);
        });
  }

  // Calls `visit` for each chunk that the dataset's shape needs, with its index in the array of all
  // chunks that the greatest shape could need: an unlimited dimension counts slowest.
  template <class Visit>
  Status each_position(const Visit& visit) {
    std::vector<uint64_t> counts(rank_);
    std::vector<size_t> order;  // From the slowest dimension to the fastest.
    uint64_t total = 1;
    for (size_t i = 0; i < rank_; ++i) {
      counts[i] = chunk_count(space_.shape[i], i);
      if (!checked_mul(total, counts[i], &total)) return too_many();
      if (space_.max_shape[i] == kUnlimited) {
        order.insert(order.begin(), i);
      } else {
        order.push_back(i);
      }
    }
    // An index spends more than a byte on a chunk.
    if (total > file_.size()) return too_many();
    std::vector<uint64_t> step(rank_);
    uint64_t stride = 1;
    for (size_t k = rank_; k > 0; --k) {
      const size_t dimension = order[k - 1];
      step[dimension] = stride;
      if (k > 1 && !checked_mul(stride, chunk_count(space_.max_shape[dimension], dimension),
                                &stride)) {
        return too_many();
      }
    }
    std::vector<uint64_t> position(rank_);
    for (uint64_t done = 0; done < total; ++done) {
      uint64_t index = 0;
      for (size_t i = 0; i < rank_; ++i) {
        uint64_t part = 0;
        if (!checked_mul(position[i], step[i], &part) || !checked_add(index, part, &index)) {
          return too_many();
        }
      }
      ZEOLITE_TRY(visit(index, position));
      for (size_t i = rank_; i > 0; --i) {
        if (++position[i - 1] < counts[i - 1]) break;
        position[i - 1] = 0;
      }
    }
    return {};
  }

  uint64_t chunk_count(uint64_t dimension, size_t i) const {
    const uint64_t chunk = layout_.chunk_shape[i];
    return dimension / chunk + (dimension % chunk != 0 ? 1 : 0);
  }

  static Status too_many() {
    return damaged("a dataset declares more chunks than the file can hold");
  }

  // Reads the entry at `cursor`; calls visit_ where a chunk was written.
  Status visit_entry(Cursor cursor, const EntryLayout& entry,
                     const std::vector<uint64_t>& position) {
    StoredChunk chunk;
    chunk.position = position;
    chunk.address = cursor.address();
    chunk.bytes = chunk_bytes_;
    if (entry.is_filtered) {
      chunk.bytes = cursor.number(entry.bytes - file_.offset_size - 4);
      chunk.skipped_filters = cursor.u32();
    }
    if (!cursor.ok()) return damaged("an entry of a chunk index is cut off");
    return chunk.address == kNoAddress ? Status() : visit_(chunk);
  }

  Result<EntryLayout> entry_layout(uint8_t client, uint8_t bytes) const {
    EntryLayout entry;
    entry.bytes = bytes;
    entry.is_filtered = client == 1;
    const uint64_t least = entry.is_filtered ? file_.offset_size + 5u : file_.offset_size;
    if (client > 1 || bytes < least || bytes > least + 7) {
      return damaged("the entries of a chunk index have the wrong size");
    }
    return entry;
  }

  Status fixed_array() {
    Cursor header = file_.cursor_at(layout_.address);
    header.signature("FAHD");
    header.skip(1);  // Version.
    const uint8_t client = header.u8();
    const uint8_t entry_bytes = header.u8();
    const uint8_t page_bits = header.u8();
    const uint64_t entry_count = header.length();
    const uint64_t block_address = header.address();
    if (!header.ok() || page_bits >= 32) return damaged("a fixed array is not where it should be");
    ZEOLITE_ASSIGN(const EntryLayout entry, entry_layout(client, entry_bytes));
    if (block_address == kNoAddress) return {};

    Cursor block = file_.cursor_at(block_address);
    block.signature("FADB");
    block.skip(2u + file_.offset_size);
    const uint64_t page_entries = uint64_t{1} << page_bits;
    const bool is_paged = entry_count > page_entries;
    const uint64_t page_count = entry_count / page_entries + (entry_count % page_entries != 0);
    const std::span<const uint8_t> pages_set =
        block.take(is_paged ? page_count / 8 + (page_count % 8 != 0) : 0);
    if (is_paged) block.skip(4);  // Checksum.
    if (!block.ok()) return damaged("a fixed array is cut off");
    const uint64_t start = block_address + block.position();
    return each_position([&](uint64_t index, const std::vector<uint64_t>& position) -> Status {
      if (index >= entry_count) return damaged("a fixed array is too small for its dataset");
      uint64_t offset = index * entry.bytes;
      if (is_paged) {
        const uint64_t page = index / page_entries;
        if ((pages_set[static_cast<size_t>(page / 8)] & 0x80 >> page % 8) == 0) return {};
        offset += page * 4;  // The checksums of the pages before.
      }
      return visit_entry(file_.cursor_at(start + offset), entry, position);
    });
  }

  // What the header of an extensible array says, and what follows from it.
  struct ExtensibleArray {
    EntryLayout entry;
    uint64_t index_entries = 0;       // In the index block itself.
    uint64_t least_block_entries = 0;
    uint64_t direct_super_blocks = 0;  // Whose data blocks the index block points at.
    uint64_t direct_blocks = 0;        // That many pointers.
    uint64_t page_entries = 0;
    uint64_t offset_bytes = 0;         // Of a block's offset, in its header.
    uint64_t index_block = kNoAddress;
  };

  Result<ExtensibleArray> read_extensible_array() const {
    ExtensibleArray array;
    Cursor header = file_.cursor_at(layout_.address);
    header.signature("EAHD");
    header.skip(1);  // Version.
    const uint8_t client = header.u8();
    const uint8_t entry_bytes = header.u8();
    const uint8_t max_bits = header.u8();
    array.index_entries = header.u8();
    array.least_block_entries = header.u8();
    const uint8_t least_pointers = header.u8();
    const uint8_t page_bits = header.u8();
    for (int i = 0; i < 6; ++i) header.length();  // Statistics.
    array.index_block = header.address();
    if (!header.ok() || page_bits >= 32 || max_bits > 64 ||
        !std::has_single_bit(array.least_block_entries) || !std::has_single_bit(least_pointers)) {
      return damaged("an extensible array is not where it should be");
    }
    ZEOLITE_ASSIGN(array.entry, entry_layout(client, entry_bytes));
    array.direct_super_blocks = 2 * (static_cast<uint64_t>(std::bit_width(least_pointers)) - 1);
    array.direct_blocks = 2 * (uint64_t{least_pointers} - 1);
    array.page_entries = uint64_t{1} << page_bits;
    array.offset_bytes = (max_bits + 7u) / 8;
    return array;
  }

  // Super block s holds 2^(s/2) data blocks of 2^((s+1)/2) times the least number of entries, so
  // that all super blocks before s hold (2^s - 1) times the least number.
  Status extensible_array() {
    ZEOLITE_ASSIGN(const ExtensibleArray array, read_extensible_array());
    if (array.index_block == kNoAddress) return {};
    const uint64_t block_header = 6u + file_.offset_size;
    return each_position([&](uint64_t index, const std::vector<uint64_t>& position) -> Status {
      Cursor cursor = file_.cursor_at(array.index_block);
      if (!cursor.signature("EAIB")) return damaged("an extensible array has no index block");
      cursor.skip(block_header - 4);
      if (index < array.index_entries) {
        cursor.skip(index * array.entry.bytes);
        return visit_entry(cursor, array.entry, position);
      }
      cursor.skip(array.index_entries * array.entry.bytes);
      uint64_t entry = index - array.index_entries;
      const int s = std::bit_width(entry / array.least_block_entries + 1) - 1;
      if (s >= 48) return damaged("an extensible array is larger than any file");
      entry -= ((uint64_t{1} << s) - 1) * array.least_block_entries;
      const uint64_t block_count = uint64_t{1} << s / 2;
      const uint64_t block_entries = (uint64_t{1} << (s + 1) / 2) * array.least_block_entries;
      const uint64_t block = entry / block_entries;
      entry %= block_entries;
      const uint64_t page_count =
          block_entries > array.page_entries ? block_entries / array.page_entries : 0;
      bool is_page_set = page_count == 0;
      if (static_cast<uint64_t>(s) < array.direct_super_blocks) {
        // Blocks of the super blocks before this one: the sum of 2^(i/2).
        const uint64_t before = s % 2 == 0 ? 2 * (block_count - 1) : 3 * block_count - 2;
        cursor.skip((before + block) * file_.offset_size);
      } else {
        cursor.skip((array.direct_blocks + static_cast<uint64_t>(s) - array.direct_super_blocks) *
                    file_.offset_size);
        const uint64_t super_block = cursor.address();
        if (!cursor.ok()) return damaged("an extensible array is cut off");
        if (super_block == kNoAddress) return {};
        cursor = file_.cursor_at(super_block);
        if (!cursor.signature("EASB")) return damaged("an extensible array lacks a super block");
        cursor.skip(block_header - 4 + array.offset_bytes);
        const uint64_t bitmap_bytes = page_count / 8 + (page_count % 8 != 0);
        const std::span<const uint8_t> bitmaps = cursor.take(bitmap_bytes * block_count);
        if (page_count > 0 && cursor.ok()) {
          const uint64_t page = entry / array.page_entries;
          const uint8_t bits = bitmaps[static_cast<size_t>(block * bitmap_bytes + page / 8)];
          is_page_set = (bits & 0x80 >> page % 8) != 0;
        }
        cursor.skip(block * file_.offset_size);
      }
      const uint64_t data_block = cursor.address();
      if (!cursor.ok()) return damaged("an extensible array is cut off");
      if (data_block == kNoAddress || !is_page_set) return {};
      cursor = file_.cursor_at(data_block);
      if (!cursor.signature("EADB")) return damaged("an extensible array lacks a data block");
      cursor.skip(block_header - 4 + array.offset_bytes);
      // Where there are pages, a checksum stands before them and after each.
      if (page_count > 0) cursor.skip(4 + entry / array.page_entries * 4);
      cursor.skip(entry * array.entry.bytes);
      return visit_entry(cursor, array.entry, position);
    });
  }

  const FileBytes& file_;
  const Layout& layout_;
  const DataSpace& space_;
  const size_t rank_;
  const bool is_filtered_;
  const uint64_t chunk_bytes_;
  const std::function<Status(const StoredChunk&)>& visit_;
};

}  // namespace

Status walk_chunks(const FileBytes& file, const Layout& layout, const DataSpace& space,
                   bool is_filtered, uint64_t chunk_bytes,
                   const std::function<Status(const StoredChunk&)>& visit) {
  if (layout.address == kNoAddress) return {};  // Never written.
  return ChunkWalk(file, layout, space, is_filtered, chunk_bytes, visit).run();
}

}  // namespace zeolite::hdf5
