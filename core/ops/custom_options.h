// Options of custom operators: a FlexBuffers map, or a C struct as it lay in memory. Both come from
// the file: nothing in them is believed.
#pragma once

#include <string>
#include <vector>

#include "core/formats/json.h"
#include "core/ops/op.h"

namespace zeolite {

// A FlexBuffers map of numbers, strings and lists of numbers.
class CustomOptions {
 public:
  // An error where the bytes are no sound FlexBuffers map. No bytes are an empty map.
  static Result<CustomOptions> read(const Operator& op);

  bool has(const char* key) const;
  // A number or a boolean; `missing` where the key is absent or something else.
  int64_t integer(const char* key, int64_t missing = 0) const;
  double real(const char* key, double missing = 0) const;
  bool boolean(const char* key, bool missing = false) const;
  // The integers of a list; empty where it is absent.
  std::vector<int64_t> integers(const char* key) const;
  std::string text(const char* key) const;

  // As integer(), where it must lie between `least` and `most`.
  Result<int32_t> integer_in(const char* key, int32_t least, int32_t most) const;

 private:
  json::Value map_;
};

// The 32-bit integers of a C struct: the first `count` of them, or an error where there are fewer.
Result<std::vector<int32_t>> custom_struct(const Operator& op, size_t count);

}  // namespace zeolite
