#include "core/formats/hdf5/links.h"

#include "core/formats/hdf5/btree.h"
#include "core/formats/hdf5/fractal_heap.h"

namespace zeolite::hdf5 {
namespace {

std::string_view text_of(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Old groups: a B-tree of symbol table nodes, whose names lie in a local heap.
Status read_symbol_table(const FileBytes& file, std::span<const uint8_t> message,
                         std::vector<RawLink>* links) {
  constexpr uint32_t kCacheIsSoftLink = 2;
  Cursor table = file.cursor(message);
  const uint64_t tree = table.address();
  const uint64_t heap_address = table.address();
  Cursor heap = file.cursor_at(heap_address);
  heap.signature("HEAP");
  heap.skip(4);  // Version, reserved bytes.
  const uint64_t names_bytes = heap.length();
  heap.length();  // The free list.
  const uint64_t names_address = heap.address();
  if (!table.ok() || !heap.ok() || !file.holds(names_address, names_bytes)) {
    return damaged("the heap of a group's names is not where it should be");
  }
  const std::span<const uint8_t> names = file.bytes(names_address, names_bytes);

  return walk_tree_v1(
      file, tree, TreeType::kGroup, file.length_size, [&](Cursor, uint64_t child) -> Status {
        Cursor node = file.cursor_at(child);
        node.signature("SNOD");
        node.skip(2);  // Version, reserved byte.
        const uint16_t count = node.u16();
        for (int i = 0; i < count && node.ok(); ++i) {
          const uint64_t name_at = node.number(file.offset_size);
          RawLink link;
          link.address = node.address();
          const uint32_t cache = node.u32();
          node.skip(20);
          if (cache == kCacheIsSoftLink) link.kind = Link::Kind::kSoft;
          if (name_at >= names.size()) return damaged("the name of a link lies outside");
          Cursor name = file.cursor(names.subspan(static_cast<size_t>(name_at)));
          link.name = name.terminated_text();
          if (!name.ok()) return damaged("the name of a link does not end");
          links->push_back(link);
        }
        return node.ok() ? Status() : damaged("a node of a group is not where it should be");
      });
}

Result<RawLink> parse_link(const FileBytes& file, std::span<const uint8_t> message,
                           bool* has_order) {
  enum : uint8_t { kNameSizeBits = 3, kHasOrder = 4, kHasType = 8, kHasCharacterSet = 16 };
  enum : uint8_t { kHard = 0, kSoft = 1, kExternal = 64 };
  Cursor cursor = file.cursor(message);
  RawLink link;
  cursor.skip(1);  // Version.
  const uint8_t flags = cursor.u8();
  const uint8_t type = (flags & kHasType) != 0 ? cursor.u8() : uint8_t{kHard};
  *has_order = (flags & kHasOrder) != 0;
  if (*has_order) link.creation_order = cursor.u64();
  if ((flags & kHasCharacterSet) != 0) cursor.skip(1);
  const uint64_t name_bytes = cursor.number(uint64_t{1} << (flags & kNameSizeBits));
  link.name = text_of(cursor.take(name_bytes));
  switch (type) {
    case kHard: link.address = cursor.address(); break;
    case kSoft: link.kind = Link::Kind::kSoft; break;
    case kExternal: link.kind = Link::Kind::kExternal; break;
    default: link.kind = Link::Kind::kOther; break;
  }
  if (!cursor.ok()) return damaged("a link is cut off");
  return link;
}

// What a link info or attribute info message says of where many of them are kept.
struct DenseStorage {
  uint64_t heap = kNoAddress;
  uint64_t name_tree = kNoAddress;
};

DenseStorage parse_dense_storage(const FileBytes& file, const Message& message) {
  constexpr uint8_t kTracksOrder = 1;
  Cursor cursor = file.cursor(message.data);
  cursor.skip(1);  // Version.
  if ((cursor.u8() & kTracksOrder) != 0) {
    cursor.skip(message.type == MessageType::kLinkInfo ? 8 : 2);
  }
  DenseStorage storage;
  storage.heap = cursor.address();
  storage.name_tree = cursor.address();
  return cursor.ok() ? storage : DenseStorage();
}

Result<RawAttribute> parse_attribute(const FileBytes& file, std::span<const uint8_t> message) {
  enum : uint8_t { kTypeShared = 1, kSpaceShared = 2 };
  Cursor cursor = file.cursor(message);
  RawAttribute attribute;
  const uint8_t version = cursor.u8();
  const uint8_t flags = cursor.u8();
  if (version >= 2) {
    attribute.is_type_shared = (flags & kTypeShared) != 0;
    attribute.is_space_shared = (flags & kSpaceShared) != 0;
  }
  const uint16_t name_bytes = cursor.u16();
  const uint16_t type_bytes = cursor.u16();
  const uint16_t space_bytes = cursor.u16();
  if (version == 3) cursor.skip(1);  // Character set: always read as UTF-8.
  // Only version 1 pads each part to a multiple of 8.
  const auto part = [&](uint16_t size) {
    const std::span<const uint8_t> bytes = cursor.take(size);
    if (version == 1) cursor.skip((8 - size % 8) % 8);
    return bytes;
  };
  const std::string_view name = text_of(part(name_bytes));
  attribute.name = name.substr(0, name.find('\0'));
  attribute.type = part(type_bytes);
  attribute.space = part(space_bytes);
  attribute.data = cursor.take(cursor.remaining());
  if (!cursor.ok() || version == 0 || version > 3) return damaged("an attribute is cut off");
  return attribute;
}

// Calls `visit` with each object of the heap that the tree's records lead to.
// `id_position` is where a record holds the id of its object.
Status walk_dense(const FileBytes& file, const DenseStorage& storage, size_t id_position,
                  const std::function<Status(std::span<const uint8_t> object,
                                             std::span<const uint8_t> record)>& visit) {
  ZEOLITE_ASSIGN(const FractalHeap heap, FractalHeap::open(file, storage.heap));
  return walk_tree_v2(file, storage.name_tree,
                      [&](uint8_t, std::span<const uint8_t> record) -> Status {
                        if (record.size() < id_position) return damaged("a record is too small");
                        ZEOLITE_ASSIGN(const std::span<const uint8_t> object,
                                       heap.object(file, record.subspan(id_position)));
                        return visit(object, record);
                      });
}

}  // namespace

Result<RawLinks> read_links(const FileBytes& file, const ObjectParts& parts) {
  RawLinks result;
  result.is_order_kept = true;
  const auto add = [&](std::span<const uint8_t> message) -> Status {
    bool has_order = false;
    ZEOLITE_ASSIGN(const RawLink link, parse_link(file, message, &has_order));
    result.is_order_kept &= has_order;
    result.links.push_back(link);
    return {};
  };
  for (const Message& message : parts.messages) {
    switch (message.type) {
      case MessageType::kSymbolTable:
        result.is_order_kept = false;
        ZEOLITE_TRY(read_symbol_table(file, message.data, &result.links));
        break;
      case MessageType::kLink: ZEOLITE_TRY(add(message.data)); break;
      case MessageType::kLinkInfo: {
        const DenseStorage storage = parse_dense_storage(file, message);
        if (storage.heap == kNoAddress) break;
        constexpr size_t kHashBytes = 4;
        ZEOLITE_TRY(walk_dense(file, storage, kHashBytes,
                               [&](std::span<const uint8_t> object, std::span<const uint8_t>) {
                                 return add(object);
                               }));
        break;
      }
      default: break;
    }
  }
  return result;
}

Result<std::vector<RawAttribute>> read_attributes(const FileBytes& file,
                                                  const ObjectParts& parts) {
  std::vector<RawAttribute> attributes;
  for (const Message& message : parts.messages) {
    if (message.type == MessageType::kAttribute) {
      ZEOLITE_ASSIGN(RawAttribute attribute, parse_attribute(file, message.data));
      attribute.creation_order = message.creation_order;
      attributes.push_back(attribute);
    } else if (message.type == MessageType::kAttributeInfo) {
      const DenseStorage storage = parse_dense_storage(file, message);
      if (storage.heap == kNoAddress) continue;
      // A record: heap id of 8 bytes, message flags, creation order, hash.
      ZEOLITE_TRY(walk_dense(file, storage, 0,
                             [&](std::span<const uint8_t> object,
                                 std::span<const uint8_t> record) -> Status {
                               ZEOLITE_ASSIGN(RawAttribute attribute,
                                              parse_attribute(file, object));
                               Cursor cursor = file.cursor(record);
                               cursor.skip(9);
                               attribute.creation_order = cursor.u32();
                               attributes.push_back(attribute);
                               return {};
                             }));
    }
  }
  return attributes;
}

bool is_group(const ObjectParts& parts) {
  for (const Message& message : parts.messages) {
    switch (message.type) {
      case MessageType::kSymbolTable:
      case MessageType::kLinkInfo:
      case MessageType::kLink: return true;
      default: break;
    }
  }
  return false;
}

}  // namespace zeolite::hdf5
