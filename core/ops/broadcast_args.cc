// BROADCAST_ARGS (1): the shape that two shapes broadcast to.
//   a [m], b [n] int32 or int64    output [max(m, n)] the same type
#include <algorithm>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  ZEOLITE_TRY(require_rank(context, 0, 1));
  ZEOLITE_TRY(require_rank(context, 1, 1));
  const int32_t a = context.input(0).shape[0];
  const int32_t b = context.input(1).shape[0];
  return context.set_output(0, context.input(0).type,
                            {a == kFree || b == kFree ? kFree : std::max(a, b)});
}

Status eval(EvalContext& context) {
  return dispatch<kI32 | kI64>(context.input(0).type, [&]<class T>() -> Status {
    const int64_t count = context.output(0).shape[0];
    // Counted from the last size on; missing ones are 1.
    const auto size = [&](size_t input, int64_t from_end) {
      const int64_t length = context.input(input).shape[0];
      return from_end < length ? context.in<T>(input)[length - 1 - from_end] : T{1};
    };
    for (int64_t i = 0; i < count; ++i) {
      const T a = size(0, i);
      const T b = size(1, i);
      if (a != b && a != 1 && b != 1) {
        return bad_input("sizes " + std::to_string(a) + " and " + std::to_string(b) +
                         " do not broadcast to each other");
      }
      context.out<T>(0)[count - 1 - i] = a == 1 ? b : a;
    }
    return {};
  });
}

}  // namespace

const OpKernel kBroadcastArgsOp = {infer, nullptr, eval};

}  // namespace zeolite
