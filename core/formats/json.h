// JSON text <-> a tree of values. Accepts what Python's json module writes, NaN and infinities
// included; writes what JavaScript's JSON.parse reads.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/status.h"

namespace zeolite::json {

struct Member;

// One value and all that it holds.
class Value {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

  Value();  // null
  Value(bool value);
  Value(double value);
  Value(int value);
  Value(int64_t value);
  Value(uint64_t value);
  Value(std::string value);
  Value(std::string_view value);
  Value(const char* value);
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();
  // An object of these members, in their order.
  explicit Value(std::vector<Member> members);
  static Value array();
  static Value object();

  Kind kind() const;
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_bool() const { return kind() == Kind::kBool; }
  bool is_number() const { return kind() == Kind::kNumber; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_object() const { return kind() == Kind::kObject; }

  // The value when it is of that kind; nothing otherwise.
  std::optional<bool> as_bool() const;
  std::optional<double> as_number() const;
  // A number without a fraction that fits; also from a bool, as Python counts with them.
  std::optional<int64_t> as_int() const;
  std::optional<std::string_view> as_string() const;

  // Items of an array, members of an object in the order of the text; empty for other kinds, so
  // that loops need no check. `size` counts either.
  std::span<const Value> items() const;
  std::span<const Member> members() const;
  size_t size() const;

  // Item `index` of an array; null (the JSON value) when there is none.
  const Value& at(size_t index) const;
  // The member `key` of an object, the last one where a key is repeated; null pointer when there is
  // none or this is no object.
  const Value* find(std::string_view key) const;
  // Follows `keys` through nested objects; null pointer when one is missing.
  const Value* find_path(std::initializer_list<std::string_view> keys) const;
  // Like find, but null (the JSON value) when there is no such member.
  const Value& operator[](std::string_view key) const;

  // The member `key` when it is there and of that kind, else `fallback`.
  bool bool_or(std::string_view key, bool fallback) const;
  double number_or(std::string_view key, double fallback) const;
  int64_t int_or(std::string_view key, int64_t fallback) const;
  std::string string_or(std::string_view key, std::string_view fallback) const;

  // Adds to an array (any other kind becomes an empty array first); returns the new item.
  Value& push(Value item);
  // Adds or replaces a member of an object (any other kind becomes an empty object first); returns
  // it. Searches all keys: for objects of few members.
  Value& set(std::string_view key, Value value);

 private:
  std::variant<std::monostate, bool, double, std::string, std::vector<Value>, std::vector<Member>>
      data_;
};

struct Member {
  std::string key;
  Value value;
};

// More levels of arrays and objects than any model's configuration needs; deeper text is refused.
inline constexpr int kMaxDepth = 512;

// Reads one value and nothing after it. Besides RFC 8259: NaN, Infinity, -Infinity, and a UTF-8
// byte order mark at the start. Errors: kCorrupt with line and column.
Result<Value> parse(std::string_view text);

// Compact text. NaN and infinities, which JSON lacks, become null; bytes that are no UTF-8 become
// U+FFFD; numbers read back to the same double.
std::string write(const Value& value);

}  // namespace zeolite::json
