#include "core/formats/hdf5.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "core/base/endian.h"
#include "core/formats/hdf5/file_bytes.h"
#include "core/formats/hdf5/layout.h"
#include "core/formats/hdf5/links.h"
#include "core/formats/hdf5/object_header.h"
#include "core/formats/hdf5/types.h"

namespace zeolite::hdf5 {
namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
constexpr uint64_t kFirstUserBlock = 512;

// Where the superblock begins: at 0, or behind a user block of 512 bytes or twice, four times, ...
// as many.
std::optional<uint64_t> find_superblock(const ByteSource& source) {
  std::array<uint8_t, kSignature.size()> found;
  for (uint64_t at = 0; range_within(at, found.size(), source.size());
       at = at == 0 ? kFirstUserBlock : at * 2) {
    if (!source.read(at, found).ok()) break;
    if (std::equal(kSignature.begin(), kSignature.end(), found.begin(),
                   [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; })) {
      return at;
    }
  }
  return std::nullopt;
}

bool is_possible_size(uint8_t size) { return size == 2 || size == 4 || size == 8; }

struct SuperBlock {
  uint8_t offset_size = 0;
  uint8_t length_size = 0;
  uint64_t end = 0;
  uint64_t root = kNoAddress;
};

// `source` begins at the superblock, `user_block_bytes` into the file.
Result<SuperBlock> read_superblock(const ByteSource& source, uint64_t user_block_bytes) {
  // Of the largest version, with addresses of eight bytes.
  constexpr uint64_t kMaxSuperBlockBytes = 128;
  ZEOLITE_ASSIGN(const Content head,
                 source.content(0, std::min(kMaxSuperBlockBytes, source.size()), "a superblock"));
  const std::span<const uint8_t> bytes = head.data;
  SuperBlock block;
  Cursor start(bytes, 8, 8);
  start.skip(kSignature.size());
  const uint8_t version = start.u8();
  if (version > 3) {
    return unsupported("The HDF5 file has a superblock of version " + std::to_string(version) +
                       ", which is not known");
  }
  if (version < 2) start.skip(4);  // Versions of other structures.
  block.offset_size = start.u8();
  block.length_size = start.u8();
  if (!start.ok() || !is_possible_size(block.offset_size) || !is_possible_size(block.length_size)) {
    return damaged("the superblock is wrong");
  }
  Cursor cursor(bytes.subspan(static_cast<size_t>(start.position())), block.offset_size,
                block.length_size);
  if (version < 2) {
    cursor.skip(version == 0 ? 9 : 13);  // Node sizes of trees, flags.
  } else {
    cursor.skip(1);  // Flags.
  }
  cursor.address();  // The base: always where the superblock is.
  cursor.address();  // Free space, or the superblock's extension.
  block.end = cursor.address();
  if (version < 2) {
    cursor.address();  // Driver information.
    cursor.number(block.offset_size);  // The root's name.
  }
  block.root = cursor.address();
  if (!cursor.ok()) return damaged("the superblock is cut off");
  // The end is the one address that counts from the start of the file.
  const uint64_t file_bytes = user_block_bytes + source.size();
  if (block.end > file_bytes) {
    return damaged("it ends after " + std::to_string(file_bytes) + " of " +
                   std::to_string(block.end) + " bytes; perhaps a download broke off");
  }
  return block;
}

// The links of a group, by name.
Result<RawLinks> read_sorted_links(const FileBytes& file, const ObjectParts& parts) {
  ZEOLITE_ASSIGN(RawLinks raw, read_links(file, parts));
  std::stable_sort(raw.links.begin(), raw.links.end(),
                   [](const RawLink& a, const RawLink& b) { return a.name < b.name; });
  return raw;
}

const RawLink* find_link(const RawLinks& sorted, std::string_view name) {
  const auto found =
      std::lower_bound(sorted.links.begin(), sorted.links.end(), name,
                       [](const RawLink& link, std::string_view key) { return link.name < key; });
  return found != sorted.links.end() && found->name == name ? &*found : nullptr;
}

std::string joined(const std::string& parent, std::string_view name) {
  std::string path = parent == "/" ? "" : parent;
  path += '/';
  path += name;
  return path;
}

template <class T, class To>
void convert(std::span<const uint8_t> bytes, std::vector<To>* out) {
  for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    out->push_back(static_cast<To>(load_little_endian<T>(bytes.data() + i)));
  }
}

double half_to_double(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int mantissa = half & 1023;
  double value = 0;
  if (exponent == 31) {
    value = mantissa != 0 ? std::nan("") : HUGE_VAL;
  } else if (exponent == 0) {
    value = std::ldexp(mantissa, -24);
  } else {
    value = std::ldexp(mantissa + 1024, exponent - 25);
  }
  return half >> 15 != 0 ? -value : value;
}

}  // namespace

// Models are read by path, from the root down for each weight: headers and links are read once.
struct OpenFile {
  explicit OpenFile(FileBytes file_bytes) : bytes(std::move(file_bytes)) {}

  FileBytes bytes;
  std::unordered_map<uint64_t, std::shared_ptr<const ObjectParts>> objects;  // By address.
  // Of the object at that address.
  std::unordered_map<uint64_t, std::shared_ptr<const RawLinks>> links;
  std::unordered_map<uint64_t, std::shared_ptr<const std::vector<RawAttribute>>> attributes;

  Result<std::shared_ptr<const ObjectParts>> object_at(uint64_t address) {
    std::shared_ptr<const ObjectParts>& object = objects[address];
    if (object == nullptr) {
      ZEOLITE_ASSIGN(ObjectParts parts, read_object_header(bytes, address));
      object = std::make_shared<const ObjectParts>(std::move(parts));
    }
    return object;
  }
  Result<std::shared_ptr<const RawLinks>> links_of(const ObjectParts& parts) {
    std::shared_ptr<const RawLinks>& known = links[parts.address];
    if (known == nullptr) {
      ZEOLITE_ASSIGN(RawLinks raw, read_sorted_links(bytes, parts));
      known = std::make_shared<const RawLinks>(std::move(raw));
    }
    return known;
  }
  Result<std::shared_ptr<const std::vector<RawAttribute>>> attributes_of(
      const ObjectParts& parts) {
    std::shared_ptr<const std::vector<RawAttribute>>& known = attributes[parts.address];
    if (known == nullptr) {
      ZEOLITE_ASSIGN(std::vector<RawAttribute> raw, read_attributes(bytes, parts));
      known = std::make_shared<const std::vector<RawAttribute>>(std::move(raw));
    }
    return known;
  }
};

std::string_view element_type_name(ElementType type) {
  switch (type) {
    case ElementType::kFloat16: return "float16";
    case ElementType::kBfloat16: return "bfloat16";
    case ElementType::kFloat32: return "float32";
    case ElementType::kFloat64: return "float64";
    case ElementType::kInt8: return "int8";
    case ElementType::kInt16: return "int16";
    case ElementType::kInt32: return "int32";
    case ElementType::kInt64: return "int64";
    case ElementType::kUint8: return "uint8";
    case ElementType::kUint16: return "uint16";
    case ElementType::kUint32: return "uint32";
    case ElementType::kUint64: return "uint64";
    case ElementType::kBool: return "bool";
    case ElementType::kString: return "string";
    case ElementType::kOpaque: return "opaque";
    case ElementType::kUnsupported: return "unsupported";
  }
  return "unsupported";
}

std::vector<double> Array::as_doubles() const {
  std::vector<double> values;
  const std::span<const uint8_t> bytes = content.data;
  switch (type) {
    case ElementType::kFloat16:
      for (size_t i = 0; i + 2 <= bytes.size(); i += 2) {
        values.push_back(half_to_double(load_little_endian<uint16_t>(bytes.data() + i)));
      }
      break;
    case ElementType::kBfloat16:
      for (size_t i = 0; i + 2 <= bytes.size(); i += 2) {
        const uint32_t bits = uint32_t{load_little_endian<uint16_t>(bytes.data() + i)} << 16;
        values.push_back(std::bit_cast<float>(bits));
      }
      break;
    case ElementType::kFloat32: convert<float>(bytes, &values); break;
    case ElementType::kFloat64: convert<double>(bytes, &values); break;
    case ElementType::kUint64: convert<uint64_t>(bytes, &values); break;
    case ElementType::kString:
    case ElementType::kOpaque:
    case ElementType::kUnsupported: break;
    default:
      for (int64_t value : as_ints()) values.push_back(static_cast<double>(value));
  }
  return values;
}

std::vector<int64_t> Array::as_ints() const {
  std::vector<int64_t> values;
  const std::span<const uint8_t> bytes = content.data;
  switch (type) {
    case ElementType::kInt8: convert<int8_t>(bytes, &values); break;
    case ElementType::kInt16: convert<int16_t>(bytes, &values); break;
    case ElementType::kInt32: convert<int32_t>(bytes, &values); break;
    case ElementType::kInt64: convert<int64_t>(bytes, &values); break;
    case ElementType::kBool:
    case ElementType::kUint8: convert<uint8_t>(bytes, &values); break;
    case ElementType::kUint16: convert<uint16_t>(bytes, &values); break;
    case ElementType::kUint32: convert<uint32_t>(bytes, &values); break;
    case ElementType::kUint64:
      for (size_t i = 0; i + 8 <= bytes.size(); i += 8) {
        const uint64_t value = load_little_endian<uint64_t>(bytes.data() + i);
        if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return {};
        values.push_back(static_cast<int64_t>(value));
      }
      break;
    default: break;
  }
  return values;
}

uint64_t Object::address() const { return parts_->address; }

ObjectKind Object::kind() const {
  if (parts_->find(MessageType::kLayout) != nullptr) return ObjectKind::kDataset;
  if (zeolite::hdf5::is_group(*parts_)) return ObjectKind::kGroup;
  // A committed datatype holds a type and no space.
  const bool is_type = parts_->find(MessageType::kDataType) != nullptr &&
                       parts_->find(MessageType::kDataSpace) == nullptr;
  return is_type ? ObjectKind::kDatatype : ObjectKind::kGroup;
}

Result<std::vector<Link>> Object::links() const {
  Result<std::shared_ptr<const RawLinks>> known = file_->links_of(*parts_);
  if (!known.ok()) return known.take_status().with_context(path_);
  const RawLinks& raw = *known.value();
  std::vector<RawLink> sorted = raw.links;
  if (raw.is_order_kept) {
    std::stable_sort(sorted.begin(), sorted.end(), [](const RawLink& a, const RawLink& b) {
      return a.creation_order < b.creation_order;
    });
  }
  std::vector<Link> links;
  for (const RawLink& link : sorted) {
    links.push_back({std::string(link.name), link.kind, link.address});
  }
  return links;
}

bool Object::has_link(std::string_view name) const {
  const Result<std::shared_ptr<const RawLinks>> known = file_->links_of(*parts_);
  return known.ok() && find_link(*known.value(), name) != nullptr;
}

Result<Object> Object::find(std::string_view path) const {
  Object object = *this;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (name.empty()) continue;
    const std::string child = joined(object.path_, name);
    Result<std::shared_ptr<const RawLinks>> known = file_->links_of(*object.parts_);
    if (!known.ok()) return known.take_status().with_context(object.path_);
    const RawLink* link = find_link(*known.value(), name);
    if (link == nullptr) return corrupt("The HDF5 file has no " + child);
    if (link->kind != Link::Kind::kHard) {
      return unsupported("In the HDF5 file " + child +
                         " is a soft or external link; such links are not followed");
    }
    Result<std::shared_ptr<const ObjectParts>> parts = file_->object_at(link->address);
    if (!parts.ok()) return parts.take_status().with_context(child);
    object.parts_ = std::move(parts).value();
    object.path_ = child;
  }
  return object;
}

Result<std::vector<std::string>> Object::attribute_names() const {
  Result<std::shared_ptr<const std::vector<RawAttribute>>> raw = file_->attributes_of(*parts_);
  if (!raw.ok()) return raw.take_status().with_context(path_);
  std::vector<RawAttribute> sorted = *raw.value();
  std::stable_sort(sorted.begin(), sorted.end(), [](const RawAttribute& a, const RawAttribute& b) {
    return a.creation_order != b.creation_order ? a.creation_order < b.creation_order
                                                : a.name < b.name;
  });
  std::vector<std::string> names;
  for (const RawAttribute& attribute : sorted) names.emplace_back(attribute.name);
  return names;
}

bool Object::has_attribute(std::string_view name) const {
  const Result<std::shared_ptr<const std::vector<RawAttribute>>> raw =
      file_->attributes_of(*parts_);
  return raw.ok() && std::any_of(raw.value()->begin(), raw.value()->end(),
                                 [&](const RawAttribute& each) { return each.name == name; });
}

namespace {

Result<Array> decode_attribute(const FileBytes& file, RawAttribute raw) {
  if (raw.is_type_shared) {
    ZEOLITE_ASSIGN(raw.type, resolve_shared(file, MessageType::kDataType, raw.type));
  }
  if (raw.is_space_shared) {
    ZEOLITE_ASSIGN(raw.space, resolve_shared(file, MessageType::kDataSpace, raw.space));
  }
  ZEOLITE_ASSIGN(const DataType type, parse_data_type(file, raw.type));
  ZEOLITE_ASSIGN(const DataSpace space, parse_data_space(file, raw.space));
  return decode_array(file, type, space, Content::view_of(raw.data));
}

struct TypeAndSpace {
  DataType type;
  DataSpace space;
};

Result<TypeAndSpace> dataset_type(const FileBytes& file, const ObjectParts& parts) {
  const Message* type = parts.find(MessageType::kDataType);
  const Message* space = parts.find(MessageType::kDataSpace);
  if (type == nullptr || space == nullptr) return bad_input("this is no dataset");
  TypeAndSpace result;
  ZEOLITE_ASSIGN(result.type, parse_data_type(file, type->data));
  ZEOLITE_ASSIGN(result.space, parse_data_space(file, space->data));
  return result;
}

}  // namespace

Result<Array> Object::attribute(std::string_view name) const {
  Result<std::shared_ptr<const std::vector<RawAttribute>>> raw = file_->attributes_of(*parts_);
  if (!raw.ok()) return raw.take_status().with_context(path_);
  for (const RawAttribute& attribute : *raw.value()) {
    if (attribute.name != name) continue;
    Result<Array> array = decode_attribute(file_->bytes, attribute);
    if (array.ok()) return array;
    return array.take_status().with_context(path_ + ", attribute " + std::string(name));
  }
  return corrupt("In the HDF5 file " + path_ + " has no attribute " + std::string(name));
}

Result<std::vector<std::string>> Object::string_list_attribute(std::string_view name) const {
  ZEOLITE_ASSIGN(Array array, attribute(name));
  if (array.element_count == 0) return std::vector<std::string>();
  if (array.type != ElementType::kString) {
    return corrupt("In the HDF5 file attribute " + std::string(name) + " of " + path_ +
                   " holds " + std::string(element_type_name(array.type)) + ", not text");
  }
  return std::move(array.strings);
}

Result<std::string> Object::string_attribute(std::string_view name) const {
  ZEOLITE_ASSIGN(std::vector<std::string> strings, string_list_attribute(name));
  if (strings.size() != 1) {
    return corrupt("In the HDF5 file attribute " + std::string(name) + " of " + path_ +
                   " holds " + std::to_string(strings.size()) + " texts, not one");
  }
  return std::move(strings[0]);
}

Result<ArrayInfo> Object::info() const {
  Result<TypeAndSpace> both = dataset_type(file_->bytes, *parts_);
  if (!both.ok()) return both.take_status().with_context(path_);
  Status status = check_declared_size(file_->bytes, *parts_, both->type, both->space);
  if (!status.ok()) return std::move(status).with_context(path_);
  return array_info(both->type, both->space);
}

Result<Array> Object::read() const {
  Result<TypeAndSpace> both = dataset_type(file_->bytes, *parts_);
  if (!both.ok()) return both.take_status().with_context(path_);
  Result<Content> raw = read_raw_elements(file_->bytes, *parts_, both->type, both->space);
  if (!raw.ok()) return raw.take_status().with_context(path_);
  Result<Array> array =
      decode_array(file_->bytes, both->type, both->space, std::move(raw).value());
  if (!array.ok()) return array.take_status().with_context(path_);
  return array;
}

Result<File> File::open(std::shared_ptr<const ByteSource> source) {
  const std::optional<uint64_t> start = find_superblock(*source);
  if (!start) return not_a_model("This is no HDF5 file: it has no superblock");
  if (*start > 0) source = part_of(source, *start, source->size() - *start);
  ZEOLITE_ASSIGN(const SuperBlock block, read_superblock(*source, *start));
  File file;
  file.root_.file_ = std::make_shared<OpenFile>(
      FileBytes(std::move(source), block.offset_size, block.length_size));
  Result<std::shared_ptr<const ObjectParts>> root = file.root_.file_->object_at(block.root);
  if (!root.ok()) return root.take_status().with_context("/");
  file.root_.parts_ = std::move(root).value();
  file.root_.path_ = "/";
  return file;
}

bool looks_like_hdf5(const ByteSource& source) { return find_superblock(source).has_value(); }

}  // namespace zeolite::hdf5
