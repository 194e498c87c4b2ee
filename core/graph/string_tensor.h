// String tensors as TFLite stores them: int32 count, count + 1 offsets of int32 from the beginning
// (the last is the end), then the bytes of all strings. A tensor of no bytes has no strings.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "core/base/status.h"

namespace zeolite {

// Errors unless `data` holds exactly `count` strings, all inside of it.
Status check_strings(std::span<const uint8_t> data, int64_t count);

// The strings of a checked tensor. Valid as long as its data.
class Strings {
 public:
  explicit Strings(std::span<const uint8_t> data) : data_(data) {}

  int64_t size() const { return data_.empty() ? 0 : word(0); }
  std::string_view operator[](int64_t index) const {
    const int32_t begin = word(index + 1);
    return {reinterpret_cast<const char*>(data_.data()) + begin,
            static_cast<size_t>(word(index + 2) - begin)};
  }

 private:
  int32_t word(int64_t index) const {
    int32_t value;
    std::memcpy(&value, data_.data() + index * 4, sizeof(value));
    return value;
  }

  std::span<const uint8_t> data_;
};

}  // namespace zeolite
