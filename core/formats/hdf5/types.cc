#include "core/formats/hdf5/types.h"

#include <algorithm>
#include <array>

namespace zeolite::hdf5 {
namespace {

// Classes of datatypes.
enum : uint8_t {
  kClassFixedPoint = 0, kClassFloat = 1, kClassTime = 2, kClassString = 3, kClassBitField = 4,
  kClassOpaque = 5, kClassCompound = 6, kClassReference = 7, kClassEnumeration = 8,
  kClassVariableLength = 9, kClassArray = 10, kClassComplex = 11,
};

std::string class_words(uint8_t type_class) {
  switch (type_class) {
    case kClassFixedPoint: return "an integer of unusual size";
    case kClassFloat: return "a floating point number of unusual layout";
    case kClassTime: return "a time";
    case kClassBitField: return "a bit field";
    case kClassCompound: return "a compound type";
    case kClassReference: return "a reference";
    case kClassEnumeration: return "an enumeration";
    case kClassVariableLength: return "a sequence of variable length";
    case kClassArray: return "an array type";
    case kClassComplex: return "a complex number";
    default: return "of an unknown type class " + std::to_string(type_class);
  }
}

ElementType integer_type(uint32_t size, bool is_signed) {
  switch (size) {
    case 1: return is_signed ? ElementType::kInt8 : ElementType::kUint8;
    case 2: return is_signed ? ElementType::kInt16 : ElementType::kUint16;
    case 4: return is_signed ? ElementType::kInt32 : ElementType::kUint32;
    case 8: return is_signed ? ElementType::kInt64 : ElementType::kUint64;
    default: return ElementType::kUnsupported;
  }
}

// Where sign, exponent and mantissa of a float stand.
struct FloatLayout {
  uint32_t size;
  uint8_t sign_at, exponent_at, exponent_bits, mantissa_at, mantissa_bits;
  uint32_t bias;
  bool operator==(const FloatLayout&) const = default;
};

ElementType float_type(const FloatLayout& layout) {
  if (layout == FloatLayout{2, 15, 10, 5, 0, 10, 15}) return ElementType::kFloat16;
  if (layout == FloatLayout{2, 15, 7, 8, 0, 7, 127}) return ElementType::kBfloat16;
  if (layout == FloatLayout{4, 31, 23, 8, 0, 23, 127}) return ElementType::kFloat32;
  if (layout == FloatLayout{8, 63, 52, 11, 0, 52, 1023}) return ElementType::kFloat64;
  return ElementType::kUnsupported;
}

void parse_fixed_point(Cursor* cursor, uint32_t bits, DataType* type) {
  const uint16_t bit_offset = cursor->u16();
  const uint16_t precision = cursor->u16();
  type->is_big_endian = (bits & 1) != 0;
  if (bit_offset == 0 && precision == uint64_t{type->size} * 8) {
    type->type = integer_type(type->size, (bits & 8) != 0);
  }
}

void parse_float(Cursor* cursor, uint32_t bits, DataType* type) {
  const uint16_t bit_offset = cursor->u16();
  const uint16_t precision = cursor->u16();
  FloatLayout layout{};
  layout.size = type->size;
  layout.sign_at = static_cast<uint8_t>(bits >> 8);
  layout.exponent_at = cursor->u8();
  layout.exponent_bits = cursor->u8();
  layout.mantissa_at = cursor->u8();
  layout.mantissa_bits = cursor->u8();
  layout.bias = cursor->u32();
  const bool is_vax = (bits & 0x41) == 0x41 || (bits & 0x40) != 0;
  const bool is_normalized = (bits >> 4 & 3) == 2;
  type->is_big_endian = (bits & 1) != 0;
  if (bit_offset == 0 && precision == uint64_t{type->size} * 8 && !is_vax && is_normalized) {
    type->type = float_type(layout);
  }
}

// Only h5py's booleans are read: an int8 with FALSE = 0 and TRUE = 1.
void parse_enumeration(Cursor* cursor, uint8_t version, uint32_t bits, DataType* type) {
  const uint8_t base_class_and_version = cursor->u8();
  cursor->skip(3);
  const uint32_t base_size = cursor->u32();
  cursor->skip(4);  // Bit offset and precision of an integer.
  const bool is_byte = (base_class_and_version & 0xF) == kClassFixedPoint && base_size == 1;
  if (!is_byte || (bits & 0xFFFF) != 2) return;
  std::array<std::string_view, 2> names;
  for (std::string_view& name : names) {
    const size_t start = cursor->position();
    name = cursor->terminated_text();
    if (version < 3) cursor->skip((8 - (cursor->position() - start) % 8) % 8);
  }
  const std::array<uint8_t, 2> values = {cursor->u8(), cursor->u8()};
  if (names[0] == "FALSE" && names[1] == "TRUE" && values[0] == 0 && values[1] == 1) {
    type->type = ElementType::kBool;
  }
}

uint64_t size_in_array(ElementType type, uint32_t stored_size) {
  return type == ElementType::kString || type == ElementType::kUnsupported ? 0 : stored_size;
}

// The element without its padding: up to the first zero, or without the spaces at the end.
std::string_view unpadded(std::string_view text, bool is_space_padded) {
  if (is_space_padded) {
    const size_t last = text.find_last_not_of(' ');
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
  }
  return text.substr(0, text.find('\0'));
}

Result<std::vector<std::string>> decode_strings(const FileBytes& file, const DataType& type,
                                                uint64_t count, std::span<const uint8_t> raw) {
  std::vector<std::string> strings;
  strings.reserve(static_cast<size_t>(count));
  Cursor cursor = file.cursor(raw);
  // Elements may point at one and the same object: what that can grow to is bounded.
  uint64_t bytes_left = file.size() * 4 + 1024 * 1024;
  for (uint64_t i = 0; i < count; ++i) {
    std::span<const uint8_t> bytes;
    if (type.is_variable_length) {
      const uint32_t length = cursor.u32();
      const uint64_t collection = cursor.address();
      const uint32_t index = cursor.u32();
      if (length > 0 && collection != 0 && collection != kNoAddress) {
        ZEOLITE_ASSIGN(bytes, file.global_heap_object(collection, index));
        bytes = bytes.first(std::min<size_t>(bytes.size(), length));
      }
      if (bytes.size() > bytes_left) return damaged("strings are larger than the file");
      bytes_left -= bytes.size();
    } else {
      bytes = cursor.take(type.size);
    }
    if (!cursor.ok()) return damaged("a list of strings ends early");
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    strings.emplace_back(unpadded(text, type.is_space_padded));
  }
  return strings;
}

}  // namespace

Result<DataType> parse_data_type(const FileBytes& file, std::span<const uint8_t> message) {
  Cursor cursor = file.cursor(message);
  const uint8_t class_and_version = cursor.u8();
  const uint8_t type_class = class_and_version & 0xF;
  const uint8_t version = class_and_version >> 4;
  const uint32_t bits = static_cast<uint32_t>(cursor.number(3));
  DataType type;
  type.size = cursor.u32();
  switch (type_class) {
    case kClassFixedPoint: parse_fixed_point(&cursor, bits, &type); break;
    case kClassFloat: parse_float(&cursor, bits, &type); break;
    case kClassString:
      type.type = ElementType::kString;
      type.is_space_padded = (bits & 0xF) == 2;
      break;
    case kClassOpaque: type.type = ElementType::kOpaque; break;
    case kClassEnumeration: parse_enumeration(&cursor, version, bits, &type); break;
    case kClassVariableLength:
      if ((bits & 0xF) == 1 && type.size == 8u + file.offset_size) {
        type.type = ElementType::kString;
        type.is_variable_length = true;
        type.is_space_padded = (bits >> 4 & 0xF) == 2;
      }
      break;
    default: break;
  }
  if (!cursor.ok() || version == 0 || version > 5) return damaged("a datatype is cut off");
  if (type.type == ElementType::kUnsupported) {
    type.description = class_words(type_class);
  } else if (type.size == 0) {
    return damaged("a datatype has elements of no size");
  }
  return type;
}

Result<DataSpace> parse_data_space(const FileBytes& file, std::span<const uint8_t> message) {
  Cursor cursor = file.cursor(message);
  DataSpace space;
  const uint8_t version = cursor.u8();
  const uint8_t rank = cursor.u8();
  const uint8_t flags = cursor.u8();
  if (version == 1) {
    cursor.skip(5);
  } else if (version == 2) {
    space.is_null = cursor.u8() == 2;
  } else {
    return unsupported("The HDF5 file uses version " + std::to_string(version) +
                       " of dataspaces, which is not known");
  }
  if (rank > kMaxDimensions) return damaged("a dataspace has more than 32 dimensions");
  for (int i = 0; i < rank; ++i) space.shape.push_back(cursor.length());
  space.max_shape = space.shape;
  if ((flags & 1) != 0) {
    for (uint64_t& limit : space.max_shape) limit = cursor.length_or_unlimited();
  }
  if (!cursor.ok()) return damaged("a dataspace is cut off");
  if (space.is_null) space.element_count = 0;
  for (uint64_t dimension : space.shape) {
    if (!checked_mul(space.element_count, dimension, &space.element_count)) {
      return damaged("a shape is larger than any file");
    }
  }
  return space;
}

ArrayInfo array_info(const DataType& type, const DataSpace& space) {
  ArrayInfo info;
  info.type = type.type;
  info.element_bytes = size_in_array(type.type, type.size);
  info.shape = space.shape;
  info.is_null = space.is_null;
  info.element_count = space.element_count;
  return info;
}

Result<Array> decode_array(const FileBytes& file, const DataType& type, const DataSpace& space,
                           Content raw) {
  if (type.type == ElementType::kUnsupported) {
    return unsupported("The HDF5 value is " + type.description + ", which is not read");
  }
  Array array;
  static_cast<ArrayInfo&>(array) = array_info(type, space);
  uint64_t bytes = 0;
  if (!checked_mul<uint64_t>(space.element_count, type.size, &bytes) || bytes > raw.data.size()) {
    return damaged("a value has fewer bytes than its shape needs");
  }
  raw.data = raw.data.first(static_cast<size_t>(bytes));
  if (type.type == ElementType::kString) {
    ZEOLITE_ASSIGN(array.strings, decode_strings(file, type, space.element_count, raw.data));
    return array;
  }
  const bool needs_swap = type.is_big_endian && type.size > 1 &&
                          type.type != ElementType::kOpaque && type.type != ElementType::kBool;
  if (needs_swap) {
    ZEOLITE_ASSIGN(Bytes swapped, Bytes::copy_of(raw.data, "values of the HDF5 file"));
    for (uint8_t* element = swapped.data(); element < swapped.data() + swapped.size();
         element += type.size) {
      std::reverse(element, element + type.size);
    }
    raw = Content::of(std::move(swapped));
  }
  array.content = std::move(raw);
  return array;
}

}  // namespace zeolite::hdf5
