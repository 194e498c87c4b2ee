#include "core/formats/hdf5/object_header.h"

namespace zeolite::hdf5 {
namespace {

constexpr uint8_t kFlagShared = 2;  // Of a message.
// Of a version 2 header.
constexpr uint8_t kHeaderSizeBits = 3;
constexpr uint8_t kHeaderTracksOrder = 4;
constexpr uint8_t kHeaderHasPhaseChange = 16;
constexpr uint8_t kHeaderHasTimes = 32;

class HeaderReader {
 public:
  HeaderReader(const FileBytes& file, uint64_t address)
      : file_(file), budget_(file.size()), address_(address) {}

  // `resolves_shared` is false while a shared message is being resolved: they do not nest.
  Result<ObjectParts> read(bool resolves_shared) {
    resolves_shared_ = resolves_shared;
    parts_.address = address_;
    Cursor cursor = file_.cursor_at(address_);
    const std::span<const uint8_t> start = cursor.take(4);
    if (!cursor.ok()) return damaged("an object header lies outside");
    const bool is_version_2 = start[0] == 'O' && start[1] == 'H' && start[2] == 'D';
    if (is_version_2) {
      ZEOLITE_TRY(read_version_2());
    } else {
      ZEOLITE_TRY(read_version_1());
    }
    return std::move(parts_);
  }

 private:
  Status read_version_1() {
    Cursor cursor = file_.cursor_at(address_);
    const uint8_t version = cursor.u8();
    cursor.skip(1);
    messages_left_ = cursor.u16();
    cursor.skip(4);  // References.
    const uint32_t size = cursor.u32();
    cursor.skip(4);  // Up to a multiple of 8.
    if (!cursor.ok() || version != 1) return damaged("an object header is not where it should be");
    ZEOLITE_TRY(read_block(address_ + cursor.position(), size));
    return read_continuations();
  }

  Status read_version_2() {
    Cursor cursor = file_.cursor_at(address_);
    cursor.signature("OHDR");
    const uint8_t version = cursor.u8();
    const uint8_t flags = cursor.u8();
    if ((flags & kHeaderHasTimes) != 0) cursor.skip(16);
    if ((flags & kHeaderHasPhaseChange) != 0) cursor.skip(4);
    const uint64_t size = cursor.number(uint64_t{1} << (flags & kHeaderSizeBits));
    if (!cursor.ok() || version != 2) return damaged("an object header is not where it should be");
    is_version_2_ = true;
    tracks_order_ = (flags & kHeaderTracksOrder) != 0;
    messages_left_ = ~uint64_t{0};
    ZEOLITE_TRY(read_block(address_ + cursor.position(), size));
    return read_continuations();
  }

  Status read_continuations() {
    while (!continuations_.empty()) {
      Block block = continuations_.back();
      continuations_.pop_back();
      if (is_version_2_) {
        // Signature before the messages and checksum after them.
        Cursor cursor = file_.cursor_at(block.address);
        if (!cursor.signature("OCHK") || block.size < 8) {
          return damaged("the continuation of an object header is not where it should be");
        }
        block.address += 4;
        block.size -= 8;
      }
      ZEOLITE_TRY(read_block(block.address, block.size));
    }
    return {};
  }

  Status read_block(uint64_t address, uint64_t size) {
    if (!file_.holds(address, size)) return damaged("an object header ends outside");
    // A loop of continuations must end even where their blocks are empty.
    if (!budget_.spend(size + 1)) return damaged("the parts of an object header overlap");
    Cursor cursor = file_.cursor(file_.bytes(address, size));
    const size_t message_header_bytes = is_version_2_ ? (tracks_order_ ? 6 : 4) : 8;
    while (cursor.remaining() >= message_header_bytes && messages_left_ > 0) {
      --messages_left_;
      Message message;
      message.type = static_cast<MessageType>(is_version_2_ ? cursor.u8() : cursor.u16());
      const uint16_t message_size = cursor.u16();
      const uint8_t flags = cursor.u8();
      if (is_version_2_) {
        if (tracks_order_) message.creation_order = cursor.u16();
      } else {
        cursor.skip(3);
      }
      message.data = cursor.take(message_size);
      if (!cursor.ok()) return damaged("a message of an object header is cut off");
      if (message.type == MessageType::kContinuation) {
        Cursor where = file_.cursor(message.data);
        const Block block{where.address(), where.length()};
        if (!where.ok()) return damaged("the continuation of an object header is cut off");
        continuations_.push_back(block);
        continue;
      }
      if ((flags & kFlagShared) != 0) {
        if (!resolves_shared_) continue;
        ZEOLITE_ASSIGN(message.data, resolve_shared(file_, message.type, message.data));
      }
      parts_.messages.push_back(message);
    }
    return {};
  }

  struct Block {
    uint64_t address;
    uint64_t size;
  };

  const FileBytes& file_;
  WalkBudget budget_;
  uint64_t address_;
  uint64_t messages_left_ = 0;
  bool is_version_2_ = false;
  bool tracks_order_ = false;
  bool resolves_shared_ = true;
  std::vector<Block> continuations_;
  ObjectParts parts_;
};

}  // namespace

Result<ObjectParts> read_object_header(const FileBytes& file, uint64_t address) {
  return HeaderReader(file, address).read(true);
}

Result<std::span<const uint8_t>> resolve_shared(const FileBytes& file, MessageType type,
                                                std::span<const uint8_t> data) {
  constexpr uint8_t kInSharedHeap = 1;
  Cursor cursor = file.cursor(data);
  const uint8_t version = cursor.u8();
  const uint8_t where = cursor.u8();
  if (version == 1) cursor.skip(6);
  if (version == 3 && where == kInSharedHeap) {
    return unsupported("The HDF5 file keeps messages in a shared heap, which is not read");
  }
  const uint64_t address = cursor.address();
  if (!cursor.ok() || version == 0 || version > 3) return damaged("a shared message is cut off");
  ZEOLITE_ASSIGN(const ObjectParts parts, HeaderReader(file, address).read(false));
  const Message* message = parts.find(type);
  if (message == nullptr) return damaged("a shared message is missing");
  return message->data;
}

}  // namespace zeolite::hdf5
