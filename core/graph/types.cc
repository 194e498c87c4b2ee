#include "core/graph/types.h"

#include <algorithm>

#include "core/base/checked.h"
#include "core/graph/option_fields.h"

namespace zeolite {

int bits_per_element(TensorType type) {
  switch (type) {
    case TensorType::kFloat32:
    case TensorType::kInt32:
    case TensorType::kUint32:
    case TensorType::kResource: return 32;
    case TensorType::kFloat16:
    case TensorType::kBfloat16:
    case TensorType::kInt16:
    case TensorType::kUint16: return 16;
    case TensorType::kUint8:
    case TensorType::kInt8:
    case TensorType::kBool:
    case TensorType::kFloat8E4m3fn:
    case TensorType::kFloat8E5m2: return 8;
    case TensorType::kInt64:
    case TensorType::kUint64:
    case TensorType::kFloat64:
    case TensorType::kComplex64: return 64;
    case TensorType::kComplex128: return 128;
    case TensorType::kInt4:
    case TensorType::kUint4: return 4;
    case TensorType::kInt2: return 2;
    case TensorType::kString:
    case TensorType::kVariant: return 0;
  }
  return 0;
}

std::string_view tensor_type_name(TensorType type) {
  switch (type) {
    case TensorType::kFloat32: return "float32";
    case TensorType::kFloat16: return "float16";
    case TensorType::kInt32: return "int32";
    case TensorType::kUint8: return "uint8";
    case TensorType::kInt64: return "int64";
    case TensorType::kString: return "string";
    case TensorType::kBool: return "bool";
    case TensorType::kInt16: return "int16";
    case TensorType::kComplex64: return "complex64";
    case TensorType::kInt8: return "int8";
    case TensorType::kFloat64: return "float64";
    case TensorType::kComplex128: return "complex128";
    case TensorType::kUint64: return "uint64";
    case TensorType::kResource: return "resource";
    case TensorType::kVariant: return "variant";
    case TensorType::kUint32: return "uint32";
    case TensorType::kUint16: return "uint16";
    case TensorType::kInt4: return "int4";
    case TensorType::kBfloat16: return "bfloat16";
    case TensorType::kInt2: return "int2";
    case TensorType::kUint4: return "uint4";
    case TensorType::kFloat8E4m3fn: return "float8_e4m3fn";
    case TensorType::kFloat8E5m2: return "float8_e5m2";
  }
  return "unknown";
}

std::string_view builtin_operator_name(BuiltinOperator code) {
  for (const EnumName& entry : builtin_operator_names()) {
    if (entry.value == static_cast<int32_t>(code)) return entry.name;
  }
  return {};
}

bool is_integer(TensorType type) {
  switch (type) {
    case TensorType::kInt2:
    case TensorType::kInt4:
    case TensorType::kUint4:
    case TensorType::kInt8:
    case TensorType::kUint8:
    case TensorType::kInt16:
    case TensorType::kUint16:
    case TensorType::kInt32:
    case TensorType::kUint32:
    case TensorType::kInt64:
    case TensorType::kUint64: return true;
    default: return false;
  }
}

bool is_float(TensorType type) {
  switch (type) {
    case TensorType::kFloat16:
    case TensorType::kBfloat16:
    case TensorType::kFloat32:
    case TensorType::kFloat64:
    case TensorType::kFloat8E4m3fn:
    case TensorType::kFloat8E5m2: return true;
    default: return false;
  }
}

bool is_static(std::span<const int32_t> shape) {
  return std::all_of(shape.begin(), shape.end(), [](int32_t size) { return size >= 0; });
}

Result<int64_t> element_count(std::span<const int32_t> shape) {
  int64_t count = 0;
  if (!is_static(shape)) return bad_input("shape " + shape_text(shape) + " is not known yet");
  if (!checked_product(shape, &count)) {
    return bad_input("shape " + shape_text(shape) + " holds too many elements");
  }
  return count;
}

Result<uint64_t> byte_size(TensorType type, std::span<const int32_t> shape) {
  ZEOLITE_ASSIGN(const int64_t count, element_count(shape));
  const int bits = bits_per_element(type);
  if (bits == 0) {
    return bad_input("a tensor of type " + std::string(tensor_type_name(type)) +
                     " has no fixed size");
  }
  uint64_t total = 0;
  if (!checked_mul<uint64_t>(static_cast<uint64_t>(count), static_cast<uint64_t>(bits), &total)) {
    return bad_input("shape " + shape_text(shape) + " holds too many bytes");
  }
  return total / 8 + (total % 8 != 0);
}

std::string shape_text(std::span<const int32_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ',';
    text += shape[i] < 0 ? "?" : std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace zeolite
