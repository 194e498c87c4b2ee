// ADD_N (1): the sum of two tensors or more of one shape, float32 or int32. Integers wrap around.
#include "core/base/wrapping.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  if (context.input_count() < 2) return bad_input("has one input, expected at least 2");
  const Shape& shape = context.input(0).shape;
  for (size_t i = 1; i < context.input_count(); ++i) {
    ZEOLITE_TRY(require_same_type(context, 0, i));
    ZEOLITE_TRY(require_rank(context, i, static_cast<int>(shape.size())));
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      ZEOLITE_TRY(require_size(context, i, static_cast<int>(axis), shape[axis],
                               "elements in a dimension"));
    }
  }
  return context.set_output(0, context.input(0).type, shape);
}

Status eval(EvalContext& context) {
  const int64_t count = product(context.output(0).shape);
  return dispatch<kF32 | kI32>(context.input(0).type, [&]<class T>() -> Status {
    T* to = context.out<T>(0);
    for (int64_t i = 0; i < count; ++i) {
      T sum = context.in<T>(0)[i];
      for (size_t k = 1; k < context.input_count(); ++k) {
        sum = wrapping_add(sum, context.in<T>(k)[i]);
      }
      to[i] = sum;
    }
    return {};
  });
}

}  // namespace

const OpKernel kAddNOp = {infer, nullptr, eval};

}  // namespace zeolite
