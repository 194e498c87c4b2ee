// Element types, shapes, and what follows from them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "schema/enums.h"

namespace zeolite {

// Sizes of a tensor, outermost first; -1 is a dimension that is free until it is known.
using Shape = std::vector<int32_t>;

// The most dimensions of what is computed with; what only moves elements takes more.
inline constexpr int kMaxRank = 8;

// Bits of one element: 32 for float32, 4 for int4, 32 for resource (a handle, which is an int32); 0
// where elements have no fixed size (string, variant) or the type is unknown.
int bits_per_element(TensorType type);

// The public interface's name, such as "float32".
std::string_view tensor_type_name(TensorType type);

// The schema's name, such as "CONV_2D"; empty for a code that the schema does not know.
std::string_view builtin_operator_name(BuiltinOperator code);

bool is_integer(TensorType type);
bool is_float(TensorType type);

// Whether no dimension is free.
bool is_static(std::span<const int32_t> shape);

// Number of elements of a shape without free dimensions; an error when it overflows 63 bits.
Result<int64_t> element_count(std::span<const int32_t> shape);

// Bytes of a dense tensor, with 4-bit and 2-bit elements packed; an error on overflow and for types
// without a fixed size.
Result<uint64_t> byte_size(TensorType type, std::span<const int32_t> shape);

// Such as "[1,32,32,3]", with ? for a free dimension.
std::string shape_text(std::span<const int32_t> shape);

}  // namespace zeolite
