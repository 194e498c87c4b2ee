// Datatype and dataspace messages: what elements are, and how many.
#pragma once

#include <optional>

#include "core/formats/hdf5.h"
#include "core/formats/hdf5/file_bytes.h"

namespace zeolite::hdf5 {

struct DataType {
  ElementType type = ElementType::kUnsupported;
  uint32_t size = 0;  // Bytes of an element as it is stored.
  bool is_big_endian = false;
  bool is_variable_length = false;  // Strings by reference to a global heap.
  bool is_space_padded = false;     // Fixed strings.
  std::string description;          // For kUnsupported, such as "a compound type".
};

struct DataSpace {
  std::vector<uint64_t> shape;
  std::vector<uint64_t> max_shape;  // kUnlimited where the file sets no limit.
  bool is_null = false;
  uint64_t element_count = 1;
};

inline constexpr uint64_t kUnlimited = ~uint64_t{0};
inline constexpr int kMaxDimensions = 32;  // The format's own limit.

Result<DataType> parse_data_type(const FileBytes& file, std::span<const uint8_t> message);
Result<DataSpace> parse_data_space(const FileBytes& file, std::span<const uint8_t> message);

// What users are told of a value of this type and space.
ArrayInfo array_info(const DataType& type, const DataSpace& space);

// `raw`, the elements as they are stored, as an Array: numbers in little-endian order, strings out
// of the padding or out of the global heap. `raw` must hold all elements.
Result<Array> decode_array(const FileBytes& file, const DataType& type, const DataSpace& space,
                           Content raw);

}  // namespace zeolite::hdf5
