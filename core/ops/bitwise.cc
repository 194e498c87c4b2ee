// Operators on the bits of integers, element by element:
//   BITWISE_XOR (1), RIGHT_SHIFT (1)  a, b of the same type, shapes that broadcast
//   STABLEHLO_SHIFT_LEFT (1)          a, b of the same type and shape
// A right shift of signed numbers keeps the sign; by less than 0 it is by 0, by more bits than
// there are it leaves the sign alone. A left shift is one of 32 bits, by b modulo 32, as processors
// do it.
#include <algorithm>

#include "core/kernels/broadcast.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  ZEOLITE_ASSIGN(Shape shape, broadcast_shape(context.input(0).shape, context.input(1).shape));
  return context.set_output(0, context.input(0).type, std::move(shape));
}

template <class T>
T apply(Code code, T a, T b) {
  constexpr int kBits = sizeof(T) * 8;
  if (code == Code::kBitwiseXor) return static_cast<T>(a ^ b);
  if (code == Code::kRightShift) {
    const auto by = static_cast<int64_t>(b);
    return static_cast<T>(a >> static_cast<int>(std::clamp<int64_t>(by, 0, kBits - 1)));
  }
  return static_cast<T>(static_cast<uint32_t>(a) << (static_cast<uint32_t>(b) & 31));
}

Status eval(EvalContext& context) {
  BroadcastPlan plan;
  if (!make_broadcast_plan(context.input(0).shape, context.input(1).shape, &plan)) {
    return bad_input("shapes do not fit");
  }
  return dispatch<kI8 | kU8 | kI16 | kU16 | kI32 | kU32>(
      context.input(0).type, [&]<class T>() -> Status {
        const T* a = context.in<T>(0);
        const T* b = context.in<T>(1);
        T* to = context.out<T>(0);
        for_each_broadcast_row(plan, [&](int64_t out, int64_t at_a, int64_t at_b, int64_t count,
                                         int64_t a_stride, int64_t b_stride) {
          for (int64_t i = 0; i < count; ++i) {
            to[out + i] = apply(context.code(), a[at_a + i * a_stride], b[at_b + i * b_stride]);
          }
        });
        return {};
      });
}

}  // namespace

const OpKernel kBitwiseOp = {infer, nullptr, eval};

}  // namespace zeolite
