// From a tensor's type to a C++ type: the one way that operators choose their loops.
#pragma once

#include <complex>
#include <cstdint>
#include <string>

#include "core/base/half.h"
#include "core/ops/op.h"
#include "core/ops/type_set.h"

namespace zeolite {

// Calls body.template operator()<T>() with the C++ type of `type`, which is one of kTypes (the
// table let no other through); a Status is what body returns. bool is uint8_t: a file's or a
// caller's bytes may hold more than 0 and 1.
template <TypeSet kTypes, class Body>
Status dispatch(TensorType type, const Body& body) {
#define ZEOLITE_CASE(set, name, ctype)                                   \
  if constexpr ((kTypes & (set)) != 0) {                                 \
    if (type == TensorType::name) return body.template operator()<ctype>(); \
  }
  ZEOLITE_CASE(kF32, kFloat32, float)
  ZEOLITE_CASE(kF64, kFloat64, double)
  ZEOLITE_CASE(kF16, kFloat16, Float16)
  ZEOLITE_CASE(kBF16, kBfloat16, Bfloat16)
  ZEOLITE_CASE(kC64, kComplex64, std::complex<float>)
  ZEOLITE_CASE(kI8, kInt8, int8_t)
  ZEOLITE_CASE(kU8, kUint8, uint8_t)
  ZEOLITE_CASE(kBool, kBool, uint8_t)
  ZEOLITE_CASE(kI16, kInt16, int16_t)
  ZEOLITE_CASE(kU16, kUint16, uint16_t)
  ZEOLITE_CASE(kI32, kInt32, int32_t)
  ZEOLITE_CASE(kU32, kUint32, uint32_t)
  ZEOLITE_CASE(kI64, kInt64, int64_t)
  ZEOLITE_CASE(kU64, kUint64, uint64_t)
#undef ZEOLITE_CASE
  return unsupported("type " + std::string(tensor_type_name(type)) + " is not supported here");
}

struct Bytes16 {
  uint64_t halves[2];
};

// The same for elements that are only moved: T is an unsigned type of their size.
template <class Body>
Status dispatch_width(TensorType type, const Body& body) {
  switch (bits_per_element(type)) {
    case 8: return body.template operator()<uint8_t>();
    case 16: return body.template operator()<uint16_t>();
    case 32: return body.template operator()<uint32_t>();
    case 64: return body.template operator()<uint64_t>();
    case 128: return body.template operator()<Bytes16>();
    default:
      return unsupported("type " + std::string(tensor_type_name(type)) + " is not supported here");
  }
}

}  // namespace zeolite
