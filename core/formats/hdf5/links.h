// The links of a group and the attributes of an object, however the file keeps them.
#pragma once

#include "core/formats/hdf5.h"
#include "core/formats/hdf5/object_header.h"

namespace zeolite::hdf5 {

// A link whose name is still a view into the file.
struct RawLink {
  std::string_view name;
  Link::Kind kind = Link::Kind::kHard;
  uint64_t address = kNoAddress;
  uint64_t creation_order = 0;
};

struct RawLinks {
  std::vector<RawLink> links;
  bool is_order_kept = false;  // Whether the creation orders mean anything.
};

// In the order in which the file happens to keep them.
Result<RawLinks> read_links(const FileBytes& file, const ObjectParts& parts);

struct RawAttribute {
  std::string_view name;
  uint64_t creation_order = 0;
  // The content of the messages that it is made of.
  std::span<const uint8_t> type;
  std::span<const uint8_t> space;
  std::span<const uint8_t> data;
  bool is_type_shared = false;
  bool is_space_shared = false;
};

Result<std::vector<RawAttribute>> read_attributes(const FileBytes& file, const ObjectParts& parts);

// Whether the object has what only groups have.
bool is_group(const ObjectParts& parts);

}  // namespace zeolite::hdf5
