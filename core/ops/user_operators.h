// Custom operators that the user of an interpreter brings along. They go before built-in ones of
// the same name.
#pragma once

#include <string_view>

#include "core/ops/op.h"

namespace zeolite {

class UserOperators {
 public:
  virtual ~UserOperators() = default;

  virtual bool has(std::string_view name) const = 0;
  // Declares all outputs, of the types that the file says.
  virtual Status infer(InferContext& context) = 0;
  // Gives all outputs, by resize_output where infer did not know them.
  virtual Status eval(EvalContext& context) = 0;
};

}  // namespace zeolite
