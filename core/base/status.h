// Errors as values: what every function of the core that can fail returns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace zeolite {

// Why something failed; the names that users see are those of `ZeoliteError.code`.
enum class ErrorCode : uint8_t {
  kNotAModel,    // The bytes are of no format that we know.
  kCorrupt,      // The format is known, but the file contradicts itself or ends early.
  kUnsupported,  // The file is sound, but needs what is not there.
  kBadInput,     // A caller's argument does not fit the model.
  kOutOfMemory,
  kAborted,
  kEnvironment,  // The surroundings lack what is needed (threads, memory, a file).
};

// The name of `code` in the public interface, such as "not-a-model".
std::string_view error_code_name(ErrorCode code);

// One reason of a failure. An error carries all of them, not the first.
struct Issue {
  enum class Subject : uint8_t { kNone, kOperator, kLayer };
  Subject subject = Subject::kNone;
  int32_t index = -1;   // Of the operator or layer in its graph; -1 when there is none.
  std::string type;     // Operator or layer class, such as CONV_2D or Lambda.
  std::string name;     // The operator's output tensor or the layer's path.
  std::string reason;   // What is wrong.
  std::string help;     // What the user can do about it; may be empty.
};

struct Error {
  ErrorCode code;
  std::string message;  // What, where and what helps, in words for people.
  std::vector<Issue> issues;
};

// Success, or an error that travels up with its context.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(ErrorCode code, std::string message)
      : error_(std::make_unique<Error>(Error{code, std::move(message), {}})) {}
  explicit Status(Error error) : error_(std::make_unique<Error>(std::move(error))) {}

  bool ok() const { return error_ == nullptr; }
  // Only when !ok().
  const Error& error() const { return *error_; }
  Error take_error() { return std::move(*error_); }

  // Puts `context` and ": " before the message, so that it reads from the outside in.
  Status&& with_context(std::string_view context) &&;

 private:
  std::unique_ptr<Error> error_;
};

Status not_a_model(std::string message);
Status corrupt(std::string message);
Status unsupported(std::string message);
Status bad_input(std::string message);
Status out_of_memory(std::string_view what, uint64_t bytes);

// A value, or the error that kept it from being made.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : value_(std::move(status)) {}

  bool ok() const { return std::holds_alternative<T>(value_); }
  T& value() & { return *std::get_if<T>(&value_); }
  const T& value() const& { return *std::get_if<T>(&value_); }
  T&& value() && { return std::move(*std::get_if<T>(&value_)); }
  T* operator->() { return std::get_if<T>(&value_); }
  const T* operator->() const { return std::get_if<T>(&value_); }
  // Only when !ok().
  const Error& error() const { return std::get_if<Status>(&value_)->error(); }
  // The error, or a Status that is ok.
  Status take_status() {
    Status* status = std::get_if<Status>(&value_);
    return status != nullptr ? std::move(*status) : Status();
  }

 private:
  std::variant<T, Status> value_;
};

}  // namespace zeolite

#define ZEOLITE_CONCAT_INNER(a, b) a##b
#define ZEOLITE_CONCAT(a, b) ZEOLITE_CONCAT_INNER(a, b)

// Returns from the calling function when `expression`, a Status, is an error.
#define ZEOLITE_TRY(expression)                                    \
  do {                                                             \
    ::zeolite::Status zeolite_status = (expression);               \
    if (!zeolite_status.ok()) return zeolite_status;               \
  } while (false)

// `ZEOLITE_ASSIGN(auto x, f());` gives x the value of the Result f(), or returns its error.
#define ZEOLITE_ASSIGN(target, expression) \
  ZEOLITE_ASSIGN_AS(ZEOLITE_CONCAT(zeolite_result_, __LINE__), target, expression)
#define ZEOLITE_ASSIGN_AS(result, target, expression)  \
  auto result = (expression);                          \
  if (!result.ok()) return result.take_status();       \
  target = std::move(result).value()
