#include "core/ops/strings.h"

#include <cstring>
#include <limits>

namespace zeolite {

Status set_strings(EvalContext& context, size_t index, Shape shape,
                   std::span<const std::string_view> strings) {
  uint64_t bytes = (strings.size() + 2) * 4;
  for (std::string_view text : strings) bytes += text.size();
  if (bytes > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
    return unsupported("a tensor's strings take more than 2 GB");
  }
  ZEOLITE_TRY(context.host().resize_output(index, std::move(shape), bytes));
  uint8_t* to = context.out<uint8_t>(index);
  const auto put = [&](size_t at, uint64_t value) {
    const auto word = static_cast<int32_t>(value);
    std::memcpy(to + at * 4, &word, sizeof(word));
  };
  put(0, strings.size());
  uint64_t offset = (strings.size() + 2) * 4;
  for (size_t i = 0; i < strings.size(); ++i) {
    put(i + 1, offset);
    if (!strings[i].empty()) std::memcpy(to + offset, strings[i].data(), strings[i].size());
    offset += strings[i].size();
  }
  put(strings.size() + 1, offset);
  return {};
}

}  // namespace zeolite
