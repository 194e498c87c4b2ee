#include "core/formats/json.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "core/base/decimal.h"

namespace zeolite::json {
namespace {

const Value kNullValue;

void append_utf8(uint32_t code_point, std::string* text) {
  if (code_point < 0x80) {
    *text += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    *text += static_cast<char>(0xC0 | code_point >> 6);
    *text += static_cast<char>(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    *text += static_cast<char>(0xE0 | code_point >> 12);
    *text += static_cast<char>(0x80 | (code_point >> 6 & 0x3F));
    *text += static_cast<char>(0x80 | (code_point & 0x3F));
  } else {
    *text += static_cast<char>(0xF0 | code_point >> 18);
    *text += static_cast<char>(0x80 | (code_point >> 12 & 0x3F));
    *text += static_cast<char>(0x80 | (code_point >> 6 & 0x3F));
    *text += static_cast<char>(0x80 | (code_point & 0x3F));
  }
}

constexpr uint32_t kReplacementCharacter = 0xFFFD;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_high_surrogate(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low_surrogate(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Value> parse_document() {
    if (text_.starts_with("\xEF\xBB\xBF")) position_ = 3;
    Value value;
    ZEOLITE_TRY(parse_value(0, &value));
    skip_space();
    if (position_ != text_.size()) return fail("expected the end of the text");
    return value;
  }

 private:
  Status fail(std::string_view what) const {
    int line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < position_ && i < text_.size(); ++i) {
      if (text_[i] == '\n') {
        ++line;
        line_start = i + 1;
      }
    }
    std::string message = "JSON, line " + std::to_string(line) + ", column " +
                          std::to_string(position_ - line_start + 1) + ": " + std::string(what);
    message += position_ < text_.size() ? "" : ", but the text ends here";
    return corrupt(std::move(message));
  }

  void skip_space() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
      ++position_;
    }
  }

  bool at(char c) const { return position_ < text_.size() && text_[position_] == c; }

  bool take(char c) {
    if (!at(c)) return false;
    ++position_;
    return true;
  }

  bool take_word(std::string_view word) {
    if (!text_.substr(position_).starts_with(word)) return false;
    position_ += word.size();
    return true;
  }

  Status parse_value(int depth, Value* value) {
    skip_space();
    if (position_ >= text_.size()) return fail("expected a value");
    switch (text_[position_]) {
      case '{': return parse_object(depth, value);
      case '[': return parse_array(depth, value);
      case '"': {
        std::string text;
        ZEOLITE_TRY(parse_string(&text));
        *value = Value(std::move(text));
        return {};
      }
      case 't':
        if (!take_word("true")) break;
        *value = Value(true);
        return {};
      case 'f':
        if (!take_word("false")) break;
        *value = Value(false);
        return {};
      case 'n':
        if (!take_word("null")) break;
        *value = Value();
        return {};
      case 'N':
        if (!take_word("NaN")) break;
        *value = Value(std::numeric_limits<double>::quiet_NaN());
        return {};
      case 'I':
        if (!take_word("Infinity")) break;
        *value = Value(std::numeric_limits<double>::infinity());
        return {};
      case '-':
        if (take_word("-Infinity")) {
          *value = Value(-std::numeric_limits<double>::infinity());
          return {};
        }
        return parse_number(value);
      default:
        if (is_digit(text_[position_])) return parse_number(value);
    }
    return fail("expected a value");
  }

  Status parse_object(int depth, Value* value) {
    if (depth >= kMaxDepth) return fail("nested too deeply");
    ++position_;
    *value = Value::object();
    skip_space();
    if (take('}')) return {};
    // Keys are appended without a search for an equal one: a text of many keys stays linear.
    std::vector<Member> members;
    while (true) {
      skip_space();
      if (!at('"')) return fail("expected a key in quotes");
      Member& member = members.emplace_back();
      ZEOLITE_TRY(parse_string(&member.key));
      skip_space();
      if (!take(':')) return fail("expected ':'");
      ZEOLITE_TRY(parse_value(depth + 1, &member.value));
      skip_space();
      if (take('}')) break;
      if (!take(',')) return fail("expected ',' or '}'");
    }
    *value = Value(std::move(members));
    return {};
  }

  Status parse_array(int depth, Value* value) {
    if (depth >= kMaxDepth) return fail("nested too deeply");
    ++position_;
    *value = Value::array();
    skip_space();
    if (take(']')) return {};
    while (true) {
      ZEOLITE_TRY(parse_value(depth + 1, &value->push(Value())));
      skip_space();
      if (take(']')) return {};
      if (!take(',')) return fail("expected ',' or ']'");
    }
  }

  Status parse_number(Value* value) {
    const size_t start = position_;
    take('-');
    if (take('0')) {
      if (position_ < text_.size() && is_digit(text_[position_])) {
        return fail("a number has no leading zeros");
      }
    } else if (!take_digits()) {
      return fail("expected a digit");
    }
    if (take('.') && !take_digits()) return fail("expected a digit");
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!take_digits()) return fail("expected a digit");
    }
    const std::string_view digits = text_.substr(start, position_ - start);
    *value = Value(parse_decimal(digits));
    return {};
  }

  bool take_digits() {
    const size_t start = position_;
    while (position_ < text_.size() && is_digit(text_[position_])) ++position_;
    return position_ > start;
  }

  Status parse_string(std::string* text) {
    ++position_;
    while (true) {
      const size_t start = position_;
      while (position_ < text_.size() && text_[position_] != '"' && text_[position_] != '\\' &&
             static_cast<unsigned char>(text_[position_]) >= 0x20) {
        ++position_;
      }
      text->append(text_.substr(start, position_ - start));
      if (take('"')) return {};
      if (!take('\\')) return fail("expected the end of a string");
      ZEOLITE_TRY(parse_escape(text));
    }
  }

  Status parse_escape(std::string* text) {
    if (position_ >= text_.size()) return fail("expected an escape");
    switch (text_[position_++]) {
      case '"': *text += '"'; return {};
      case '\\': *text += '\\'; return {};
      case '/': *text += '/'; return {};
      case 'b': *text += '\b'; return {};
      case 'f': *text += '\f'; return {};
      case 'n': *text += '\n'; return {};
      case 'r': *text += '\r'; return {};
      case 't': *text += '\t'; return {};
      case 'u': break;
      default: --position_; return fail("unknown escape");
    }
    uint32_t unit = 0;
    ZEOLITE_TRY(parse_hex(&unit));
    if (is_high_surrogate(unit) && text_.substr(position_).starts_with("\\u")) {
      const size_t second = position_;
      position_ += 2;
      uint32_t low = 0;
      ZEOLITE_TRY(parse_hex(&low));
      if (is_low_surrogate(low)) {
        append_utf8(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), text);
        return {};
      }
      position_ = second;
    }
    // Half a pair stands for no character.
    const bool is_half = is_high_surrogate(unit) || is_low_surrogate(unit);
    append_utf8(is_half ? kReplacementCharacter : unit, text);
    return {};
  }

  Status parse_hex(uint32_t* unit) {
    const std::string_view digits = text_.substr(position_, 4);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), *unit, 16);
    if (digits.size() != 4 || error != std::errc() || end != digits.data() + 4) {
      return fail("expected four hexadecimal digits");
    }
    position_ += 4;
    return {};
  }

  std::string_view text_;
  size_t position_ = 0;
};

// Length of the well-formed UTF-8 sequence at the start of `text`; 0 when there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) -> uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto continues = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const uint32_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    if (!continues(1) || !continues(2)) return 0;
    const uint32_t code_point = (first & 0xF) << 12 | (byte(1) & 0x3F) << 6;
    return code_point >= 0x800 && !(code_point >= 0xD800 && code_point < 0xE000) ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    const uint32_t code_point = (first & 0x7) << 18 | (byte(1) & 0x3F) << 12;
    return code_point >= 0x10000 && code_point < 0x110000 ? 4 : 0;
  }
  return 0;
}

void write_string(std::string_view text, std::string* out) {
  *out += '"';
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text.substr(i));
    if (length == 0) {
      append_utf8(kReplacementCharacter, out);
      ++i;
      continue;
    }
    const char c = text[i];
    if (length > 1) {
      out->append(text.substr(i, length));
    } else if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (c == '\n') {
      *out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr char kHex[] = "0123456789abcdef";
      *out += "\\u00";
      *out += kHex[c >> 4];
      *out += kHex[c & 0xF];
    } else {
      *out += c;
    }
    i += length;
  }
  *out += '"';
}

void write_value(const Value& value, std::string* out) {
  switch (value.kind()) {
    case Value::Kind::kNull: *out += "null"; break;
    case Value::Kind::kBool: *out += *value.as_bool() ? "true" : "false"; break;
    case Value::Kind::kNumber: {
      const double number = *value.as_number();
      *out += std::isfinite(number) ? decimal_text(number) : "null";
      break;
    }
    case Value::Kind::kString: write_string(*value.as_string(), out); break;
    case Value::Kind::kArray: {
      *out += '[';
      bool is_first = true;
      for (const Value& item : value.items()) {
        if (!is_first) *out += ',';
        is_first = false;
        write_value(item, out);
      }
      *out += ']';
      break;
    }
    case Value::Kind::kObject: {
      *out += '{';
      bool is_first = true;
      for (const Member& member : value.members()) {
        if (!is_first) *out += ',';
        is_first = false;
        write_string(member.key, out);
        *out += ':';
        write_value(member.value, out);
      }
      *out += '}';
      break;
    }
  }
}

}  // namespace

Value::Value() = default;
Value::Value(bool value) : data_(value) {}
Value::Value(double value) : data_(value) {}
Value::Value(int value) : data_(static_cast<double>(value)) {}
Value::Value(int64_t value) : data_(static_cast<double>(value)) {}
Value::Value(uint64_t value) : data_(static_cast<double>(value)) {}
Value::Value(std::string value) : data_(std::move(value)) {}
Value::Value(std::string_view value) : data_(std::string(value)) {}
Value::Value(const char* value) : data_(std::string(value)) {}
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;

Value::Kind Value::kind() const { return static_cast<Kind>(data_.index()); }

Value::Value(std::vector<Member> members) : data_(std::move(members)) {}

Value Value::array() {
  Value value;
  value.data_ = std::vector<Value>();
  return value;
}

Value Value::object() { return Value(std::vector<Member>()); }

std::optional<bool> Value::as_bool() const {
  const bool* value = std::get_if<bool>(&data_);
  return value != nullptr ? std::optional<bool>(*value) : std::nullopt;
}

std::optional<double> Value::as_number() const {
  const double* value = std::get_if<double>(&data_);
  return value != nullptr ? std::optional<double>(*value) : std::nullopt;
}

std::optional<int64_t> Value::as_int() const {
  if (const bool* value = std::get_if<bool>(&data_)) return *value ? 1 : 0;
  const double* value = std::get_if<double>(&data_);
  // Both limits are exact doubles; the upper one is the first that does not fit.
  if (value == nullptr || !(*value >= -0x1p63 && *value < 0x1p63)) return std::nullopt;
  if (*value != std::trunc(*value)) return std::nullopt;
  return static_cast<int64_t>(*value);
}

std::optional<std::string_view> Value::as_string() const {
  const std::string* value = std::get_if<std::string>(&data_);
  return value != nullptr ? std::optional<std::string_view>(*value) : std::nullopt;
}

std::span<const Value> Value::items() const {
  const auto* items = std::get_if<std::vector<Value>>(&data_);
  return items != nullptr ? std::span<const Value>(*items) : std::span<const Value>();
}

std::span<const Member> Value::members() const {
  const auto* members = std::get_if<std::vector<Member>>(&data_);
  return members != nullptr ? std::span<const Member>(*members) : std::span<const Member>();
}

size_t Value::size() const { return is_object() ? members().size() : items().size(); }

const Value& Value::at(size_t index) const {
  return index < items().size() ? items()[index] : kNullValue;
}

const Value* Value::find(std::string_view key) const {
  const std::span<const Member> all = members();
  for (size_t i = all.size(); i > 0; --i) {
    if (all[i - 1].key == key) return &all[i - 1].value;
  }
  return nullptr;
}

const Value* Value::find_path(std::initializer_list<std::string_view> keys) const {
  const Value* value = this;
  for (std::string_view key : keys) {
    value = value->find(key);
    if (value == nullptr) return nullptr;
  }
  return value;
}

const Value& Value::operator[](std::string_view key) const {
  const Value* value = find(key);
  return value != nullptr ? *value : kNullValue;
}

bool Value::bool_or(std::string_view key, bool fallback) const {
  return (*this)[key].as_bool().value_or(fallback);
}

double Value::number_or(std::string_view key, double fallback) const {
  return (*this)[key].as_number().value_or(fallback);
}

int64_t Value::int_or(std::string_view key, int64_t fallback) const {
  return (*this)[key].as_int().value_or(fallback);
}

std::string Value::string_or(std::string_view key, std::string_view fallback) const {
  return std::string((*this)[key].as_string().value_or(fallback));
}

Value& Value::push(Value item) {
  if (!is_array()) data_ = std::vector<Value>();
  return std::get_if<std::vector<Value>>(&data_)->emplace_back(std::move(item));
}

Value& Value::set(std::string_view key, Value value) {
  if (!is_object()) data_ = std::vector<Member>();
  auto& members = *std::get_if<std::vector<Member>>(&data_);
  for (Member& member : members) {
    if (member.key == key) return member.value = std::move(value);
  }
  return members.emplace_back(Member{std::string(key), std::move(value)}).value;
}

Result<Value> parse(std::string_view text) { return Parser(text).parse_document(); }

std::string write(const Value& value) {
  std::string out;
  write_value(value, &out);
  return out;
}

}  // namespace zeolite::json
