// What the reader, the writer and the viewer need to know of an option struct.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace zeolite {

// The C++ type of a member: bool, intN_t, float, std::string, std::vector<...>. Lists of bool are
// std::vector<uint8_t>.
enum class FieldKind : uint8_t {
  kBool, kInt8, kUint8, kInt32, kUint32, kInt64, kFloat32, kString,
  kInt32List, kUint32List, kInt64List, kFloat32List, kUint8List,
};

struct EnumName {
  int32_t value;
  const char* name;
};

struct OptionField {
  const char* name;
  uint8_t slot;  // The field's id in the schema.
  FieldKind kind;
  uint32_t offset;  // Of the member, in bytes.
  std::span<const EnumName> enum_names;  // Empty when the field is no enumeration.
};

// One option table: where it stands in the schema's unions, its fields, and how to make a struct.
struct OptionsInfo {
  const char* name;
  uint8_t union_index;  // 1: BuiltinOptions, 2: BuiltinOptions2.
  uint8_t type;         // The stored value of the union's type.
  std::span<const OptionField> fields;
  void* (*create)();  // With the schema's defaults.
  void* (*clone)(const void*);
  void (*destroy)(void*);
};

template <class T>
constexpr OptionsInfo make_options_info(const char* name, uint8_t union_index, uint8_t type,
                              std::span<const OptionField> fields) {
  return {name,
          union_index,
          type,
          fields,
          [] { return static_cast<void*>(new T()); },
          [](const void* source) {
            return static_cast<void*>(new T(*static_cast<const T*>(source)));
          },
          [](void* value) { delete static_cast<T*>(value); }};
}

// The option tables of union 1 or 2 by stored type; the first entry is null.
std::span<const OptionsInfo* const> builtin_options_table(int union_index);
std::span<const EnumName> builtin_operator_names();
std::span<const EnumName> tensor_type_names();

}  // namespace zeolite
