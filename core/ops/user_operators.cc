#include "core/ops/user_operators.h"

#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  if (context.shapes() != nullptr) return context.shapes()->user_operators()->infer(context);
  for (size_t i = 0; i < context.output_count(); ++i) {
    ZEOLITE_TRY(context.set_output_unknown(i, context.output(i).type));
  }
  return {};
}

Status eval(EvalContext& context) { return context.host().user_operators()->eval(context); }

}  // namespace

const OpKernel kUserOp = {infer, nullptr, eval};

}  // namespace zeolite
