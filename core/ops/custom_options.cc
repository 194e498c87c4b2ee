#include "core/ops/custom_options.h"

#include <cmath>
#include <cstring>

#include "core/base/endian.h"
#include "core/ops/check.h"
// The header can turn strings into numbers, for which it wants a locale object of flatbuffers'
// library, which is not linked; numbers in strings are not read here.
#define FLATBUFFERS_LOCALE_INDEPENDENT 0
#include "flatbuffers/flexbuffers.h"

namespace zeolite {
namespace {

// Lists of indices and sizes; no known operator has longer ones.
constexpr size_t kMaxList = 1 << 16;

flexbuffers::Map map_of(const std::vector<uint64_t>& words, size_t bytes) {
  return flexbuffers::GetRoot(reinterpret_cast<const uint8_t*>(words.data()), bytes).AsMap();
}

bool is_number(const flexbuffers::Reference& value) { return value.IsNumeric() || value.IsBool(); }

}  // namespace

Result<CustomOptions> CustomOptions::read(const Operator& op) {
  CustomOptions options;
  options.bytes_ = op.custom_options.size();
  if (options.bytes_ == 0) return options;
  auto words = std::make_shared<std::vector<uint64_t>>((options.bytes_ + 7) / 8);
  std::memcpy(words->data(), op.custom_options.data(), options.bytes_);
  const auto* data = reinterpret_cast<const uint8_t*>(words->data());
  std::vector<uint8_t> seen;
  if (options.bytes_ < 3 || !flexbuffers::VerifyBuffer(data, options.bytes_, &seen)) {
    return bad_input("its custom options are no sound FlexBuffer");
  }
  if (!flexbuffers::GetRoot(data, options.bytes_).IsMap()) {
    return bad_input("its custom options are no FlexBuffers map");
  }
  options.words_ = std::move(words);
  return options;
}

bool CustomOptions::has(const char* key) const {
  return words_ != nullptr && !map_of(*words_, bytes_)[key].IsNull();
}

int64_t CustomOptions::integer(const char* key, int64_t missing) const {
  if (words_ == nullptr) return missing;
  const flexbuffers::Reference value = map_of(*words_, bytes_)[key];
  if (!is_number(value)) return missing;
  if (!value.IsFloat()) return value.AsInt64();
  const double real = value.AsDouble();
  return std::fabs(real) < 9e18 ? static_cast<int64_t>(real) : missing;
}

double CustomOptions::real(const char* key, double missing) const {
  if (words_ == nullptr) return missing;
  const flexbuffers::Reference value = map_of(*words_, bytes_)[key];
  return is_number(value) ? value.AsDouble() : missing;
}

bool CustomOptions::boolean(const char* key, bool missing) const {
  return integer(key, missing ? 1 : 0) != 0;
}

std::vector<int64_t> CustomOptions::integers(const char* key) const {
  std::vector<int64_t> result;
  if (words_ == nullptr) return result;
  const flexbuffers::Reference value = map_of(*words_, bytes_)[key];
  const auto add = [&](const auto& list) {
    for (size_t i = 0; i < list.size() && i < kMaxList; ++i) result.push_back(list[i].AsInt64());
  };
  if (value.IsTypedVector()) {
    add(value.AsTypedVector());
  } else if (value.IsFixedTypedVector()) {
    add(value.AsFixedTypedVector());
  } else if (value.IsUntypedVector()) {
    add(value.AsVector());
  }
  return result;
}

std::string CustomOptions::text(const char* key) const {
  if (words_ == nullptr) return {};
  const flexbuffers::Reference value = map_of(*words_, bytes_)[key];
  return value.IsString() ? value.AsString().str() : std::string();
}

Result<int32_t> CustomOptions::integer_in(const char* key, int32_t least, int32_t most) const {
  const int64_t value = integer(key, int64_t{least} - 1);
  if (value >= least && value <= most) return static_cast<int32_t>(value);
  return bad_input(std::string("its option ") + key + " is " +
                   (has(key) ? std::to_string(value) : "absent") + ", expected " +
                   std::to_string(least) + " to " + std::to_string(most));
}

Result<std::vector<int32_t>> custom_struct(const Operator& op, size_t count) {
  if (op.custom_options.size() / sizeof(int32_t) < count) {
    return bad_input("its custom options have " + std::to_string(op.custom_options.size()) +
                     " bytes, expected " + std::to_string(count * sizeof(int32_t)));
  }
  std::vector<int32_t> values(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = static_cast<int32_t>(load_little_endian<uint32_t>(op.custom_options.data() + 4 * i));
  }
  return values;
}

}  // namespace zeolite
