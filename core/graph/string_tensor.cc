#include "core/graph/string_tensor.h"

#include <string>

namespace zeolite {

Status check_strings(std::span<const uint8_t> data, int64_t count) {
  if (data.empty() && count == 0) return {};
  const auto word = [&](uint64_t index) {
    int32_t value;
    std::memcpy(&value, data.data() + index * 4, sizeof(value));
    return value;
  };
  const uint64_t head = (static_cast<uint64_t>(count) + 2) * 4;
  if (count < 0 || data.size() < 8 || head > data.size()) {
    return corrupt("the strings are cut off");
  }
  if (word(0) != count) {
    return corrupt(std::to_string(word(0)) + " strings are stored, expected " +
                   std::to_string(count));
  }
  uint64_t previous = head;
  for (int64_t i = 0; i <= count; ++i) {
    const int32_t offset = word(static_cast<uint64_t>(i) + 1);
    if (offset < 0 || static_cast<uint64_t>(offset) < previous ||
        static_cast<uint64_t>(offset) > data.size()) {
      return corrupt("string " + std::to_string(i) + " lies outside of its tensor");
    }
    previous = static_cast<uint64_t>(offset);
  }
  return {};
}

}  // namespace zeolite
