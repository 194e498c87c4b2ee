// Along the last axis:
//   SOFTMAX (1 to 4):     output = exp(beta * x) / sum of exp(beta * x); a scalar gives 1
//   LOG_SOFTMAX (1, 2):   output = x - log(sum of exp(x))
//   input  any shape, float32    output the same
#include "core/kernels/f32_softmax.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  return context.set_output(0, context.input(0).type, context.input(0).shape);
}

Status prepare(PrepareContext& context) {
  const bool is_log = context.code() == BuiltinOperator::kLogSoftmax;
  context.choose(is_log ? "f32_log_softmax" : "f32_softmax");
  context.allow_in_place();
  return {};
}

Status eval(EvalContext& context) {
  const Shape& shape = context.input(0).shape;
  const int64_t depth = shape.empty() ? 1 : shape.back();
  const int64_t rows = shape.empty() ? 1 : product(shape, 0, shape.size() - 1);
  if (context.code() == BuiltinOperator::kLogSoftmax) {
    f32_log_softmax(rows, depth, context.in<float>(0), context.out<float>(0), context.threads());
  } else {
    f32_softmax(rows, depth, context.options<SoftmaxOptions>().beta, context.in<float>(0),
                context.out<float>(0), context.threads());
  }
  return {};
}

}  // namespace

const OpKernel kSoftmaxOp = {infer, prepare, eval};

}  // namespace zeolite
