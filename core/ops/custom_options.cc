#include "core/ops/custom_options.h"

#include <cmath>

#include "core/base/endian.h"
#include "core/formats/flex_buffers.h"
#include "core/ops/check.h"

namespace zeolite {

Result<CustomOptions> CustomOptions::read(const Operator& op) {
  CustomOptions options;
  if (op.custom_options.empty()) return options;
  ZEOLITE_ASSIGN(options.map_, read_flex_buffer(op.custom_options));
  if (!options.map_.is_object()) return bad_input("its custom options are no FlexBuffers map");
  return options;
}

bool CustomOptions::has(const char* key) const { return map_.find(key) != nullptr; }

int64_t CustomOptions::integer(const char* key, int64_t missing) const {
  const double real = this->real(key, static_cast<double>(missing));
  return std::fabs(real) < 9e18 ? static_cast<int64_t>(real) : missing;
}

double CustomOptions::real(const char* key, double missing) const {
  const json::Value& value = map_[key];
  if (const std::optional<bool> flag = value.as_bool()) return *flag ? 1 : 0;
  return value.as_number().value_or(missing);
}

bool CustomOptions::boolean(const char* key, bool missing) const {
  return integer(key, missing ? 1 : 0) != 0;
}

std::vector<int64_t> CustomOptions::integers(const char* key) const {
  std::vector<int64_t> result;
  for (const json::Value& item : map_[key].items()) result.push_back(item.as_int().value_or(0));
  return result;
}

std::string CustomOptions::text(const char* key) const { return map_.string_or(key, ""); }

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
    values[i] =
        static_cast<int32_t>(load_little_endian<uint32_t>(op.custom_options.data() + 4 * i));
  }
  return values;
}

}  // namespace zeolite
