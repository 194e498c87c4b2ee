// WHERE (1, 2): the positions of what is not zero, in row-major order.
//   condition  any shape; bool or numbers (NaN is not zero)
//   output     int64 [count, rank of the condition]: known only when the condition is
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) { return context.set_output_unknown(0, TensorType::kInt64); }

template <class T>
Status find(EvalContext& context) {
  const Shape& shape = context.input(0).shape;
  const T* condition = context.in<T>(0);
  const int64_t total = product(shape);
  int64_t count = 0;
  for (int64_t i = 0; i < total; ++i) count += condition[i] != T{0};
  if (count > INT32_MAX) return bad_input("more positions than a dimension can have");
  const int32_t rank = static_cast<int32_t>(shape.size());
  Shape found = {static_cast<int32_t>(count), rank};
  ZEOLITE_ASSIGN(const uint64_t bytes, byte_size(TensorType::kInt64, found));
  ZEOLITE_TRY(context.host().resize_output(0, std::move(found), bytes));
  int64_t* output = context.out<int64_t>(0);
  for (int64_t i = 0; i < total; ++i) {
    if (condition[i] == T{0}) continue;
    int64_t rest = i;
    for (int32_t axis = rank; axis-- > 0; rest /= shape[axis]) output[axis] = rest % shape[axis];
    output += rank;
  }
  return {};
}

Status eval(EvalContext& context) {
  return dispatch<kBool | kF32 | kI32 | kU32 | kI64 | kI8 | kU8>(
      context.input(0).type, [&]<class T>() { return find<T>(context); });
}

}  // namespace

const OpKernel kWhereOp = {infer, nullptr, eval};

}  // namespace zeolite
