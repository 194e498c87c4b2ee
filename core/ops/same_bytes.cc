#include "core/ops/same_bytes.h"

#include <cstring>

namespace zeolite {

Status prepare_same_bytes(PrepareContext& context) {
  context.choose("copy");
  context.allow_in_place();
  return {};
}

Status eval_same_bytes(EvalContext& context) {
  const Operand& output = context.output(0);
  if (output.type == TensorType::kString) {
    ZEOLITE_TRY(context.host().resize_output(0, output.shape, context.input(0).bytes));
  }
  if (output.bytes > 0 && output.data != context.input(0).data) {
    std::memcpy(output.writable, context.input(0).data, output.bytes);
  }
  return {};
}

}  // namespace zeolite
