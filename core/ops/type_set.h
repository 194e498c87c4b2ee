// Sets of element types: what an operator accepts in one position.
#pragma once

#include <cstdint>
#include <string>

#include "core/graph/types.h"

namespace zeolite {

// One bit a type, and the flags below.
using TypeSet = uint32_t;

constexpr TypeSet type_bit(TensorType type) { return TypeSet{1} << static_cast<int>(type); }

inline constexpr TypeSet kF16 = type_bit(TensorType::kFloat16);
inline constexpr TypeSet kBF16 = type_bit(TensorType::kBfloat16);
inline constexpr TypeSet kF32 = type_bit(TensorType::kFloat32);
inline constexpr TypeSet kF64 = type_bit(TensorType::kFloat64);
inline constexpr TypeSet kI2 = type_bit(TensorType::kInt2);
inline constexpr TypeSet kI4 = type_bit(TensorType::kInt4);
inline constexpr TypeSet kU4 = type_bit(TensorType::kUint4);
inline constexpr TypeSet kI8 = type_bit(TensorType::kInt8);
inline constexpr TypeSet kU8 = type_bit(TensorType::kUint8);
inline constexpr TypeSet kI16 = type_bit(TensorType::kInt16);
inline constexpr TypeSet kU16 = type_bit(TensorType::kUint16);
inline constexpr TypeSet kI32 = type_bit(TensorType::kInt32);
inline constexpr TypeSet kU32 = type_bit(TensorType::kUint32);
inline constexpr TypeSet kI64 = type_bit(TensorType::kInt64);
inline constexpr TypeSet kU64 = type_bit(TensorType::kUint64);
inline constexpr TypeSet kBool = type_bit(TensorType::kBool);
inline constexpr TypeSet kString = type_bit(TensorType::kString);
inline constexpr TypeSet kC64 = type_bit(TensorType::kComplex64);
inline constexpr TypeSet kC128 = type_bit(TensorType::kComplex128);
inline constexpr TypeSet kF8 =
    type_bit(TensorType::kFloat8E4m3fn) | type_bit(TensorType::kFloat8E5m2);
inline constexpr TypeSet kResource = type_bit(TensorType::kResource);

// Types whose elements take a whole number of bytes, all alike: what merely moves takes these.
inline constexpr TypeSet kWholeBytes = kBool | kI8 | kU8 | kF8 | kI16 | kU16 | kF16 | kBF16 | kI32 |
                                       kU32 | kF32 | kI64 | kU64 | kF64 | kC64 | kC128;

// A position of an operator may also be marked so:
inline constexpr TypeSet kOptional = TypeSet{1} << 30;  // The tensor may be absent.
inline constexpr TypeSet kRepeated = TypeSet{1} << 31;  // Stands for this and all that follow.

constexpr bool contains(TypeSet set, TensorType type) { return (set & type_bit(type)) != 0; }

// The names of the types in `set`, such as "float32 or int32".
std::string type_set_text(TypeSet set);

}  // namespace zeolite
