#include "tests/native/support/safetensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/formats/json.h"

namespace zeolite {
namespace {

template <class T>
std::vector<double> as_doubles(const std::vector<uint8_t>& bytes) {
  std::vector<double> values(bytes.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<double>(value);
  }
  return values;
}

double half_value(uint16_t bits) {
  const double sign = bits & 0x8000 ? -1.0 : 1.0;
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  if (exponent == 31) return fraction != 0 ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

}  // namespace

std::vector<double> GoldenTensor::values() const {
  if (dtype == "F32") return as_doubles<float>(data);
  if (dtype == "F64") return as_doubles<double>(data);
  if (dtype == "I64") return as_doubles<int64_t>(data);
  if (dtype == "I32") return as_doubles<int32_t>(data);
  if (dtype == "I16") return as_doubles<int16_t>(data);
  if (dtype == "I8") return as_doubles<int8_t>(data);
  if (dtype == "U8" || dtype == "BOOL") return as_doubles<uint8_t>(data);
  if (dtype == "F16") {
    std::vector<double> values = as_doubles<uint16_t>(data);
    for (double& value : values) value = half_value(static_cast<uint16_t>(value));
    return values;
  }
  ADD_FAILURE() << "no reader for dtype " << dtype;
  return {};
}

std::vector<uint8_t> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << "cannot open " << path;
  return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
}

std::map<std::string, GoldenTensor> read_safetensors(const std::filesystem::path& path) {
  std::map<std::string, GoldenTensor> tensors;
  const std::vector<uint8_t> bytes = read_bytes(path);
  uint64_t header = 0;
  if (bytes.size() < 8) return tensors;
  std::memcpy(&header, bytes.data(), 8);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, header);
  Result<json::Value> parsed = json::parse(text);
  if (!parsed.ok()) {
    ADD_FAILURE() << path << ": " << parsed.error().message;
    return tensors;
  }
  for (const json::Member& member : parsed->members()) {
    if (member.key == "__metadata__") continue;
    GoldenTensor tensor;
    tensor.dtype = member.value.string_or("dtype", "");
    for (const json::Value& size : member.value["shape"].items()) {
      tensor.shape.push_back(static_cast<int32_t>(size.as_int().value_or(0)));
    }
    const int64_t begin = member.value["data_offsets"].at(0).as_int().value_or(0);
    const int64_t end = member.value["data_offsets"].at(1).as_int().value_or(0);
    const uint8_t* start = bytes.data() + 8 + header;
    tensor.data.assign(start + begin, start + end);
    tensors[member.key] = std::move(tensor);
  }
  return tensors;
}

}  // namespace zeolite
