// ATAN2 (1): the angle of the point (x, y) in (-pi, pi].
//   y, x  float32, float64 or bfloat16 of one rank    output the shape of y
// Nothing is broadcast: x may have more elements than y, of which the first are taken.
#include <cmath>
#include <type_traits>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  const Shape& y = context.input(0).shape;
  if (y.size() != context.input(1).shape.size()) {
    return bad_input(input_text(context, 0) + " and " + input_text(context, 1) +
                     " have different shapes");
  }
  const int64_t wanted = product(y);
  const int64_t given = product(context.input(1).shape);
  if (wanted != kFree && given != kFree && given < wanted) {
    return bad_input(input_text(context, 1) + " has fewer elements than " + input_text(context, 0));
  }
  return context.set_output(0, context.input(0).type, y);
}

Status eval(EvalContext& context) {
  return dispatch<kF32 | kF64 | kBF16>(context.input(0).type, [&]<class T>() -> Status {
    using Real = std::conditional_t<std::is_same_v<T, double>, double, float>;
    const int64_t count = product(context.output(0).shape);
    for (int64_t i = 0; i < count; ++i) {
      context.out<T>(0)[i] = static_cast<T>(std::atan2(static_cast<Real>(context.in<T>(0)[i]),
                                                       static_cast<Real>(context.in<T>(1)[i])));
    }
    return {};
  });
}

}  // namespace

const OpKernel kAtan2Op = {infer, nullptr, eval};

}  // namespace zeolite
