// CUMSUM (1): the sum of all elements up to each one along an axis; `exclusive` leaves the element
// itself out, `reverse` starts at the end.
//   input any shape    axis int32, one value    output the same shape and type
// Integers wrap around.
#include "core/base/wrapping.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_one(context, 1, "axis"));
  return context.set_output(0, context.input(0).type, context.input(0).shape);
}

Status eval(EvalContext& context) {
  if (context.output(0).bytes == 0) return {};
  const Shape& shape = context.input(0).shape;
  const auto& options = context.options<CumsumOptions>();
  const int64_t value = *context.in<int32_t>(1);
  ZEOLITE_ASSIGN(const int axis, checked_axis(value, static_cast<int>(shape.size())));
  const int64_t outer = product(shape, 0, axis);
  const int64_t size = shape[axis];
  const int64_t inner = product(shape, axis + 1, shape.size());
  return dispatch<kF32 | kI32 | kI64>(context.input(0).type, [&]<class T>() -> Status {
    const T* input = context.in<T>(0);
    T* output = context.out<T>(0);
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < inner; ++i) {
        T sum = 0;
        for (int64_t d = 0; d < size; ++d) {
          const int64_t step = options.reverse ? size - 1 - d : d;
          const int64_t at = (o * size + step) * inner + i;
          const T next = wrapping_add(sum, input[at]);
          output[at] = options.exclusive ? sum : next;
          sum = next;
        }
      }
    }
    return {};
  });
}

}  // namespace

const OpKernel kCumsumOp = {infer, nullptr, eval};

}  // namespace zeolite
