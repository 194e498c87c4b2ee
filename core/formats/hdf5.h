// HDF5 files, read-only: groups, attributes and datasets, as far as files with weights use them.
// Written from the HDF5 File Format Specification, version 3.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/formats/byte_source.h"
#include "core/formats/content.h"

namespace zeolite::hdf5 {

enum class ElementType : uint8_t {
  kFloat16, kBfloat16, kFloat32, kFloat64,
  kInt8, kInt16, kInt32, kInt64,
  kUint8, kUint16, kUint32, kUint64,
  kBool,         // h5py's enumeration of FALSE and TRUE; one byte.
  kString,       // Of fixed or variable length.
  kOpaque,       // Raw bytes of a size; Keras keeps bfloat16 in it.
  kUnsupported,  // Compounds, references, other enumerations, ...: reading is an error.
};

// Such as "float32".
std::string_view element_type_name(ElementType type);

// What a dataset or attribute says of itself before it is read.
struct ArrayInfo {
  ElementType type = ElementType::kUnsupported;
  uint64_t element_bytes = 0;   // Of one element as Array holds it; 0 for strings.
  std::vector<uint64_t> shape;  // Empty for a scalar.
  bool is_null = false;         // A null dataspace: no elements at all.
  uint64_t element_count = 0;
};

// The elements in C order.
struct Array : ArrayInfo {
  // Little-endian, whatever the file's order; a view into the file when that is in memory and
  // stores it contiguously that way. Unaligned then. Empty for strings.
  Content content;
  std::vector<std::string> strings;  // Only kString; padding and final zeros removed.

  // Elements as doubles or integers; empty when the type has no such meaning (or, for integers,
  // when one does not fit).
  std::vector<double> as_doubles() const;
  std::vector<int64_t> as_ints() const;
};

struct Link {
  enum class Kind : uint8_t { kHard, kSoft, kExternal, kOther };
  std::string name;
  Kind kind = Kind::kHard;
  uint64_t address = 0;  // Of the object's header; only of hard links.
};

enum class ObjectKind : uint8_t { kGroup, kDataset, kDatatype };

struct OpenFile;     // The file's bytes, the sizes its superblock gives, and what was read already.
struct ObjectParts;  // The messages of one object header.

// A group, dataset or committed datatype. Cheap to copy; valid as long as the file's source is. One
// thread at a time may use the objects of a file: they share what was read already.
class Object {
 public:
  ObjectKind kind() const;
  bool is_group() const { return kind() == ObjectKind::kGroup; }
  bool is_dataset() const { return kind() == ObjectKind::kDataset; }
  // As it was found, such as "/model_weights/conv".
  const std::string& path() const { return path_; }
  // The same for two paths that lead to the same object.
  uint64_t address() const;

  // A group's links: in the order of creation where the file keeps it, else by name. Soft and
  // external links are listed and never followed.
  Result<std::vector<Link>> links() const;
  // Whether a group has a link of this one name.
  bool has_link(std::string_view name) const;
  // The object at `path` below this group, names separated by /. Errors: kCorrupt when there is
  // none, kUnsupported when the way leads over a soft or external link.
  Result<Object> find(std::string_view path) const;

  Result<std::vector<std::string>> attribute_names() const;
  bool has_attribute(std::string_view name) const;
  Result<Array> attribute(std::string_view name) const;
  // A list of strings (or a single one); an empty array of any type is an empty list.
  Result<std::vector<std::string>> string_list_attribute(std::string_view name) const;
  // A single string.
  Result<std::string> string_attribute(std::string_view name) const;

  // Only of datasets. Errors: kCorrupt also when the file cannot hold what it declares.
  Result<ArrayInfo> info() const;
  // Errors: kUnsupported (type, filter, layout), kCorrupt, kOutOfMemory.
  Result<Array> read() const;

 private:
  friend class File;
  std::shared_ptr<OpenFile> file_;
  std::shared_ptr<const ObjectParts> parts_;
  std::string path_;
};

// An HDF5 file. What describes its data is held in memory once it was read; the data never.
class File {
 public:
  // Errors: kNotAModel when no superblock is found, kCorrupt (also when the source cannot be read),
  // kUnsupported.
  static Result<File> open(std::shared_ptr<const ByteSource> source);
  // Over bytes that must outlive it and all that comes from it.
  static Result<File> open(std::span<const uint8_t> bytes) {
    return open(MemorySource::view_of(bytes));
  }

  const Object& root() const { return root_; }
  // The object at `path` from the root; "" and "/" are the root.
  Result<Object> find(std::string_view path) const { return root_.find(path); }

 private:
  Object root_;
};

// Whether there is a superblock, behind a user block perhaps.
bool looks_like_hdf5(const ByteSource& source);

}  // namespace zeolite::hdf5
