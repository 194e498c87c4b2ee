// Object headers, versions 1 and 2: the messages that describe a group, dataset or datatype.
#pragma once

#include <optional>
#include <vector>

#include "core/formats/hdf5/file_bytes.h"

namespace zeolite::hdf5 {

enum class MessageType : uint16_t {
  kDataSpace = 0x01,
  kLinkInfo = 0x02,
  kDataType = 0x03,
  kOldFillValue = 0x04,
  kFillValue = 0x05,
  kLink = 0x06,
  kExternalFiles = 0x07,
  kLayout = 0x08,
  kFilterPipeline = 0x0B,
  kAttribute = 0x0C,
  kContinuation = 0x10,
  kSymbolTable = 0x11,
  kAttributeInfo = 0x15,
};

struct Message {
  MessageType type{};
  std::span<const uint8_t> data;
  uint32_t creation_order = 0;  // Only where the header tracks it.
};

// The messages of one object, those of its continuations included, with shared ones resolved.
struct ObjectParts {
  uint64_t address = 0;
  std::vector<Message> messages;

  // The first message of `type`; null when there is none.
  const Message* find(MessageType type) const {
    for (const Message& message : messages) {
      if (message.type == type) return &message;
    }
    return nullptr;
  }
};

Result<ObjectParts> read_object_header(const FileBytes& file, uint64_t address);

// The message that `data`, the content of a shared message of `type`, stands for.
Result<std::span<const uint8_t>> resolve_shared(const FileBytes& file, MessageType type,
                                                std::span<const uint8_t> data);

}  // namespace zeolite::hdf5
