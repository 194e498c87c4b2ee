// Custom operators that JavaScript computes (LoadOptions.customOps).
#pragma once

#include <emscripten/val.h>

#include <set>
#include <string>

#include "core/ops/user_operators.h"

namespace zeolite::wasm {

// `handler` has three functions, which answer with JSON (web/src/custom_operators.ts):
//   infer(call)          [{"dtype", "shape"}] of the outputs
//   eval(call)           [{"dtype", "shape", "bytes"}], keeping their data
//   write(index, offset) puts the data of output `index` into memory; answers nothing
// or {"error": words}. A call is {"name", "options": {"offset", "size", "parsed"}, "inputs":
// [{"name", "dtype", "shape", "quantization"?, "offset", "size"}]}; absent inputs are null.
class JsOperators : public UserOperators {
 public:
  JsOperators(std::set<std::string, std::less<>> names, emscripten::val handler)
      : names_(std::move(names)), handler_(std::move(handler)) {}

  bool has(std::string_view name) const override { return names_.contains(name); }
  Status infer(InferContext& context) override;
  Status eval(EvalContext& context) override;

 private:
  std::set<std::string, std::less<>> names_;
  emscripten::val handler_;
};

}  // namespace zeolite::wasm
