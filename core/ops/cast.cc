// CAST (1 to 9): the same values in another type.
//   input any shape    output the same shape, the type that the tensor says
// Integers wrap around (but not into 4 or 2 bits), floats to integers are cut towards zero (what
// does not fit becomes the nearest value, NaN the largest), anything but 0 is true. Of a complex
// number the real part stays.
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/base/half.h"
#include "core/kernels/sub_byte.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/quantization.h"

namespace zeolite {
namespace {

constexpr TypeSet kNumbers =
    kF32 | kF64 | kI8 | kU8 | kI16 | kU16 | kI32 | kU32 | kI64 | kU64;

Status infer(InferContext& context) {
  return context.set_output(0, context.output(0).type, context.input(0).shape);
}

// From each type to one of two that hold all its values, and from these to each type: a few loops
// for all pairs of types.
constexpr int64_t kChunk = 256;  // A whole number of bytes of elements of 2 bits too.

bool is_sub_byte(TensorType type) { return bits_per_element(type) < 8; }

template <class Wide>
Status load(TensorType type, const uint8_t* data, int64_t from, int64_t count, Wide* to) {
  if (type == TensorType::kFloat16 || type == TensorType::kBfloat16) {
    const uint16_t* bits = reinterpret_cast<const uint16_t*>(data) + from;
    const bool is_half = type == TensorType::kFloat16;
    for (int64_t i = 0; i < count; ++i) {
      to[i] = static_cast<Wide>(is_half ? half_to_float(bits[i]) : bfloat16_to_float(bits[i]));
    }
    return {};
  }
  if (is_sub_byte(type)) {
    std::array<int8_t, kChunk> bytes;
    unpack_sub_byte(data, bits_per_element(type), type != TensorType::kUint4, from, count,
                    bytes.data());
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<Wide>(bytes[i]);
    return {};
  }
  if (type == TensorType::kBool) {
    for (int64_t i = 0; i < count; ++i) to[i] = data[from + i] != 0;
    return {};
  }
  if (type == TensorType::kComplex64) {
    const auto* values = reinterpret_cast<const std::complex<float>*>(data) + from;
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<Wide>(values[i].real());
    return {};
  }
  return dispatch<kNumbers>(type, [&]<class T>() -> Status {
    const T* values = reinterpret_cast<const T*>(data) + from;
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<Wide>(values[i]);
    return {};
  });
}

template <class T>
T from_double(double value) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(value)) return Limits::max();
  // 2^63 - 1 is no double: the bound that it rounds to is outside.
  if (value >= static_cast<double>(Limits::max())) return Limits::max();
  if (value <= static_cast<double>(Limits::lowest())) return Limits::lowest();
  return static_cast<T>(value);
}

template <class Wide>
Status store(TensorType type, const Wide* from, int64_t count, uint8_t* data, int64_t at) {
  if (type == TensorType::kFloat16 || type == TensorType::kBfloat16) {
    uint16_t* bits = reinterpret_cast<uint16_t*>(data) + at;
    const bool is_half = type == TensorType::kFloat16;
    for (int64_t i = 0; i < count; ++i) {
      const float value = static_cast<float>(from[i]);
      bits[i] = is_half ? float_to_half(value) : float_to_bfloat16(value);
    }
    return {};
  }
  if (is_sub_byte(type)) {
    const StoredRange range = stored_range(type);
    std::array<int8_t, kChunk> bytes;
    for (int64_t i = 0; i < count; ++i) {
      const auto value = static_cast<double>(from[i]);
      bytes[i] = std::isnan(value) ? static_cast<int8_t>(range.max)
                                   : static_cast<int8_t>(std::clamp<double>(
                                         std::trunc(value), range.min, range.max));
    }
    pack_sub_byte(bytes.data(), bits_per_element(type), count,
                  data + at * bits_per_element(type) / 8);
    return {};
  }
  if (type == TensorType::kBool) {
    for (int64_t i = 0; i < count; ++i) data[at + i] = from[i] != 0;
    return {};
  }
  if (type == TensorType::kComplex64) {
    auto* values = reinterpret_cast<std::complex<float>*>(data) + at;
    for (int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(from[i]);
    return {};
  }
  return dispatch<kNumbers>(type, [&]<class T>() -> Status {
    T* values = reinterpret_cast<T*>(data) + at;
    for (int64_t i = 0; i < count; ++i) {
      if constexpr (std::is_floating_point_v<Wide> && std::is_integral_v<T>) {
        values[i] = from_double<T>(from[i]);
      } else {
        values[i] = static_cast<T>(from[i]);
      }
    }
    return {};
  });
}

template <class Wide>
Status convert(EvalContext& context) {
  const Operand& input = context.input(0);
  const Operand& output = context.output(0);
  const int64_t count = product(output.shape);
  std::array<Wide, kChunk> chunk;
  for (int64_t at = 0; at < count; at += kChunk) {
    const int64_t size = std::min(kChunk, count - at);
    ZEOLITE_TRY(load(input.type, input.data, at, size, chunk.data()));
    ZEOLITE_TRY(store(output.type, chunk.data(), size, output.writable, at));
  }
  return {};
}

Status eval(EvalContext& context) {
  const TensorType from_type = context.input(0).type;
  const Operand& output = context.output(0);
  if (from_type == output.type) {
    if (output.bytes > 0) std::memcpy(output.writable, context.input(0).data, output.bytes);
    return {};
  }
  // Float16 weights are the case that has to be quick.
  if (from_type == TensorType::kFloat16 && output.type == TensorType::kFloat32) {
    const uint16_t* from = context.in<uint16_t>(0);
    float* to = context.out<float>(0);
    const int64_t count = product(output.shape);
    widen_halves(from, count, to);
    return {};
  }
  const bool has_fractions = is_float(from_type) || from_type == TensorType::kComplex64;
  return has_fractions ? convert<double>(context) : convert<int64_t>(context);
}

}  // namespace

const OpKernel kCastOp = {infer, nullptr, eval};

}  // namespace zeolite
