#include "core/base/status.h"

namespace zeolite {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotAModel: return "not-a-model";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kBadInput: return "bad-input";
    case ErrorCode::kOutOfMemory: return "out-of-memory";
    case ErrorCode::kAborted: return "aborted";
    case ErrorCode::kEnvironment: return "environment";
  }
  return "environment";
}

Status&& Status::with_context(std::string_view context) && {
  if (error_ != nullptr) {
    std::string message(context);
    message += ": ";
    message += error_->message;
    error_->message = std::move(message);
  }
  return std::move(*this);
}

Status not_a_model(std::string message) {
  return Status(ErrorCode::kNotAModel, std::move(message));
}
Status corrupt(std::string message) { return Status(ErrorCode::kCorrupt, std::move(message)); }
Status unsupported(std::string message) {
  return Status(ErrorCode::kUnsupported, std::move(message));
}
Status bad_input(std::string message) { return Status(ErrorCode::kBadInput, std::move(message)); }

Status out_of_memory(std::string_view what, uint64_t bytes) {
  std::string message("Not enough memory for ");
  message += what;
  message += ": ";
  message += std::to_string(bytes);
  message += " bytes were asked for";
  return Status(ErrorCode::kOutOfMemory, std::move(message));
}

}  // namespace zeolite
