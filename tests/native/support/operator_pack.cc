#include "tests/native/support/operator_pack.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/kernels/sub_byte.h"
#include "core/base/half.h"
#include "core/formats/inflate.h"
#include "core/formats/json.h"
#include "tests/native/support/safetensors.h"

namespace zeolite {
namespace {

std::vector<int32_t> sizes_of(const json::Value& list) {
  std::vector<int32_t> sizes;
  for (const json::Value& size : list.items()) {
    sizes.push_back(static_cast<int32_t>(size.as_int().value_or(0)));
  }
  return sizes;
}

class PackReader {
 public:
  explicit PackReader(const std::vector<uint8_t>& zipped) {
    uint32_t size = 0;
    if (zipped.size() < 18) return;
    std::memcpy(&size, zipped.data() + zipped.size() - 4, 4);
    bytes_.resize(size);
    size_t start = 10;
    if (zipped[3] & 8) {  // The file's name.
      while (start < zipped.size() && zipped[start] != 0) ++start;
      ++start;
    }
    Result<InflateResult> result =
        inflate_raw(std::span(zipped).subspan(start), std::span(bytes_));
    EXPECT_TRUE(result.ok());
  }

  std::vector<PackCase> cases() {
    uint32_t length = 0;
    if (bytes_.size() < 12) return {};
    std::memcpy(&length, bytes_.data() + 8, 4);
    blob_ = 12 + length;
    Result<json::Value> index =
        json::parse({reinterpret_cast<const char*>(bytes_.data()) + 12, length});
    if (!index.ok()) {
      ADD_FAILURE() << index.error().message;
      return {};
    }
    std::vector<PackCase> cases;
    for (const json::Value& entry : index.value()["cases"].items()) cases.push_back(read(entry));
    return cases;
  }

 private:
  std::vector<uint8_t> slice(const json::Value& at) const {
    const int64_t offset = at.at(0).as_int().value_or(0);
    const int64_t length = at.at(1).as_int().value_or(0);
    const uint8_t* start = bytes_.data() + blob_ + offset;
    return std::vector<uint8_t>(start, start + length);
  }

  std::vector<PackTensor> tensors(const json::Value& list) const {
    std::vector<PackTensor> result;
    for (const json::Value& entry : list.items()) {
      const std::string dtype = entry.string_or("dtype", "");
      result.push_back({dtype, sizes_of(entry["shape"]), in_memory(dtype, slice(entry["at"]))});
    }
    return result;
  }

  // The pack gives each 4-bit and 2-bit element a byte, and strings one after the other, each after
  // its length.
  static std::vector<uint8_t> in_memory(const std::string& dtype, std::vector<uint8_t> stored) {
    if (dtype == "string") return string_tensor(stored);
    const int bits = dtype.ends_with("int4") ? 4 : dtype == "int2" ? 2 : 8;
    if (bits == 8) return stored;
    std::vector<uint8_t> packed((stored.size() * bits + 7) / 8);
    pack_sub_byte(reinterpret_cast<const int8_t*>(stored.data()), bits,
                  static_cast<int64_t>(stored.size()), packed.data());
    return packed;
  }

  static std::vector<uint8_t> string_tensor(const std::vector<uint8_t>& stored) {
    std::vector<std::vector<uint8_t>> strings;
    for (size_t at = 0; at + 4 <= stored.size();) {
      uint32_t length;
      std::memcpy(&length, stored.data() + at, sizeof(length));
      strings.emplace_back(stored.begin() + at + 4, stored.begin() + at + 4 + length);
      at += 4 + length;
    }
    std::vector<uint8_t> tensor((strings.size() + 2) * 4);
    const auto put = [&](size_t word, size_t value) {
      const auto number = static_cast<int32_t>(value);
      std::memcpy(tensor.data() + word * 4, &number, sizeof(number));
    };
    put(0, strings.size());
    for (size_t i = 0; i < strings.size(); ++i) {
      put(i + 1, tensor.size());
      tensor.insert(tensor.end(), strings[i].begin(), strings[i].end());
    }
    put(strings.size() + 1, tensor.size());
    return tensor;
  }

  PackCase read(const json::Value& entry) const {
    PackCase result;
    result.id = entry.string_or("id", "");
    result.is_valid = entry.string_or("kind", "") == "ok";
    const json::Value& lenient = entry["tags"]["lenient"];
    result.is_lenient = !lenient.is_null() && lenient.as_bool().value_or(true);
    result.message = entry["tags"].string_or("message", "");
    result.model = slice(entry["model"]);
    for (const json::Value& step : entry["steps"].items()) {
      PackStep next;
      for (const json::Member& member : step["resize"].members()) {
        next.resize[std::stoul(member.key)] = sizes_of(member.value);
      }
      next.inputs = tensors(step["inputs"]);
      if (result.is_valid) next.accepted.push_back(tensors(step["outputs"]));
      for (const json::Value& other : step["alternatives"].items()) {
        next.accepted.push_back(tensors(other));
      }
      result.steps.push_back(std::move(next));
    }
    for (const json::Value& tolerance : entry["tolerance"].items()) {
      result.tolerances.push_back(
          {tolerance.number_or("abs", 0), tolerance.number_or("rel", 0)});
    }
    return result;
  }

  std::vector<uint8_t> bytes_;
  size_t blob_ = 0;
};

template <class T>
T element(const std::vector<uint8_t>& data, size_t index) {
  T value;
  std::memcpy(&value, data.data() + index * sizeof(T), sizeof(T));
  return value;
}

double float_at(const std::string& dtype, const std::vector<uint8_t>& data, size_t index) {
  if (dtype == "float16") return half_to_float(element<uint16_t>(data, index));
  if (dtype == "bfloat16") return bfloat16_to_float(element<uint16_t>(data, index));
  if (dtype == "float64" || dtype == "complex128") return element<double>(data, index);
  return element<float>(data, index);
}

size_t float_bytes(const std::string& dtype) {
  if (dtype == "float32" || dtype == "complex64") return 4;
  if (dtype == "float64" || dtype == "complex128") return 8;
  return dtype == "float16" || dtype == "bfloat16" ? 2 : 0;
}

}  // namespace

std::vector<PackCase> read_operator_pack(const std::filesystem::path& path) {
  return PackReader(read_bytes(path)).cases();
}

std::string difference(const PackTensor& golden, const std::vector<uint8_t>& data,
                       PackCase::Tolerance tolerance) {
  if (data == golden.data) return {};
  if (data.size() != golden.data.size()) {
    return std::to_string(data.size()) + " bytes, expected " + std::to_string(golden.data.size());
  }
  const size_t bytes = float_bytes(golden.dtype);
  if (bytes == 0) {
    const size_t at = std::mismatch(data.begin(), data.end(), golden.data.begin()).first -
                      data.begin();
    return "byte " + std::to_string(at) + " is " + std::to_string(data[at]) + ", expected " +
           std::to_string(golden.data[at]);
  }
  for (size_t i = 0; i < data.size() / bytes; ++i) {
    const double got = float_at(golden.dtype, data, i);
    const double want = float_at(golden.dtype, golden.data, i);
    const bool is_right =
        std::isnan(want)   ? std::isnan(got)
        : std::isinf(want) ? got == want
                           : std::abs(got - want) <=
                                 tolerance.absolute + tolerance.relative * std::abs(want);
    if (!is_right) {
      return "element " + std::to_string(i) + " is " + std::to_string(got) + ", expected " +
             std::to_string(want);
    }
  }
  return {};
}

}  // namespace zeolite
