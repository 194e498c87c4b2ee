#include "core/formats/hdf5/btree.h"

#include <algorithm>
#include <bit>

namespace zeolite::hdf5 {
namespace {

constexpr int kMaxTreeDepth = 32;  // Enough for any file, and for the smallest stack.

class TreeV1Walk {
 public:
  TreeV1Walk(const FileBytes& file, TreeType type, uint64_t key_bytes,
             const std::function<Status(Cursor, uint64_t)>& visit)
      : file_(file), type_(type), key_bytes_(key_bytes), visit_(visit), budget_(file.size()) {}

  // `level` is what the node must have; the root may have any.
  Status node(uint64_t address, int level) {
    Cursor cursor = file_.cursor_at(address);
    cursor.signature("TREE");
    const uint8_t type = cursor.u8();
    const int own_level = cursor.u8();
    const uint16_t entry_count = cursor.u16();
    cursor.skip(2u * file_.offset_size);  // Siblings.
    if (!cursor.ok() || type != static_cast<uint8_t>(type_)) {
      return damaged("a node of a B-tree is not where it should be");
    }
    if (level >= 0 ? own_level != level : own_level > kMaxTreeDepth) {
      return damaged("the levels of a B-tree are wrong");
    }
    const uint64_t bytes = cursor.position() + entry_count * (key_bytes_ + file_.offset_size);
    if (!budget_.spend(bytes)) return damaged("the nodes of a B-tree overlap");
    for (int i = 0; i < entry_count; ++i) {
      Cursor key = file_.cursor(cursor.take(key_bytes_));
      const uint64_t child = cursor.address();
      if (!cursor.ok()) return damaged("a node of a B-tree is cut off");
      if (own_level == 0) {
        ZEOLITE_TRY(visit_(key, child));
      } else {
        ZEOLITE_TRY(node(child, own_level - 1));
      }
    }
    return {};
  }

 private:
  const FileBytes& file_;
  TreeType type_;
  uint64_t key_bytes_;
  const std::function<Status(Cursor, uint64_t)>& visit_;
  WalkBudget budget_;
};

// Bytes that a number up to `limit` needs.
uint64_t bytes_for(uint64_t limit) {
  return std::max<uint64_t>(1, (static_cast<uint64_t>(std::bit_width(limit)) + 7) / 8);
}

constexpr uint64_t kNodePrefixAndChecksumBytes = 10;

class TreeV2Walk {
 public:
  TreeV2Walk(const FileBytes& file,
             const std::function<Status(uint8_t, std::span<const uint8_t>)>& visit)
      : file_(file), visit_(visit), budget_(file.size()) {}

  Status tree(uint64_t address) {
    Cursor cursor = file_.cursor_at(address);
    cursor.signature("BTHD");
    cursor.skip(1);  // Version.
    type_ = cursor.u8();
    node_bytes_ = cursor.u32();
    record_bytes_ = cursor.u16();
    const int depth = cursor.u16();
    cursor.skip(2);  // When to split and merge.
    const uint64_t root = cursor.address();
    const uint16_t root_records = cursor.u16();
    if (!cursor.ok() || record_bytes_ == 0) {
      return damaged("the header of a B-tree is not where it should be");
    }
    if (root_records == 0 || root == kNoAddress) return {};
    if (node_bytes_ <= kNodePrefixAndChecksumBytes + record_bytes_ || depth > kMaxTreeDepth) {
      return damaged("the header of a B-tree contradicts itself");
    }
    ZEOLITE_TRY(measure(depth));
    return node(root, root_records, depth);
  }

 private:
  // How many bytes the counts in the pointers of each level take follows from how many records
  // a node and a whole subtree can hold at most.
  Status measure(int depth) {
    uint64_t records = (node_bytes_ - kNodePrefixAndChecksumBytes) / record_bytes_;
    uint64_t total = records;
    node_count_bytes_ = bytes_for(records);
    total_count_bytes_.assign(1, 0);
    for (int level = 1; level <= depth; ++level) {
      const uint64_t pointer = pointer_bytes(level);
      const uint64_t fixed = kNodePrefixAndChecksumBytes + pointer;
      if (node_bytes_ <= fixed) return damaged("the nodes of a B-tree are too small");
      records = (node_bytes_ - fixed) / (record_bytes_ + pointer);
      // Far beyond any file, where eight bytes hold the count anyway.
      if (!checked_mul(records + 1, total, &total) || !checked_add(total, records, &total)) {
        total = ~uint64_t{0};
      }
      total_count_bytes_.push_back(bytes_for(total));
    }
    return {};
  }

  // Of a pointer to a child in a node of `level`; a leaf's total is not stored.
  uint64_t pointer_bytes(int level) const {
    return file_.offset_size + node_count_bytes_ +
           total_count_bytes_[static_cast<size_t>(level - 1)];
  }

  Status node(uint64_t address, uint64_t record_count, int level) {
    Cursor cursor = file_.cursor_at(address);
    cursor.signature(level == 0 ? "BTLF" : "BTIN");
    cursor.skip(1);  // Version.
    const uint8_t type = cursor.u8();
    const std::span<const uint8_t> records = cursor.take(record_count * record_bytes_);
    if (!cursor.ok() || type != type_) {
      return damaged("a node of a B-tree is not where it should be");
    }
    if (!budget_.spend(cursor.position())) return damaged("the nodes of a B-tree overlap");
    for (uint64_t i = 0; i <= record_count; ++i) {
      if (level > 0) {
        const uint64_t child = cursor.address();
        const uint64_t child_records = cursor.number(node_count_bytes_);
        cursor.skip(total_count_bytes_[static_cast<size_t>(level - 1)]);
        if (!cursor.ok()) return damaged("a node of a B-tree is cut off");
        ZEOLITE_TRY(node(child, child_records, level - 1));
      }
      if (i < record_count) {
        ZEOLITE_TRY(visit_(type_, records.subspan(static_cast<size_t>(i * record_bytes_),
                                                  static_cast<size_t>(record_bytes_))));
      }
    }
    return {};
  }

  const FileBytes& file_;
  const std::function<Status(uint8_t, std::span<const uint8_t>)>& visit_;
  WalkBudget budget_;
  uint8_t type_ = 0;
  uint64_t node_bytes_ = 0;
  uint64_t record_bytes_ = 0;
  uint64_t node_count_bytes_ = 0;
  std::vector<uint64_t> total_count_bytes_;  // By the level of the child; 0 for leaves.
};

}  // namespace

Status walk_tree_v1(const FileBytes& file, uint64_t address, TreeType type, uint64_t key_bytes,
                    const std::function<Status(Cursor key, uint64_t child)>& visit) {
  return TreeV1Walk(file, type, key_bytes, visit).node(address, -1);
}

Status walk_tree_v2(
    const FileBytes& file, uint64_t address,
    const std::function<Status(uint8_t type, std::span<const uint8_t> record)>& visit) {
  return TreeV2Walk(file, visit).tree(address);
}

}  // namespace zeolite::hdf5
