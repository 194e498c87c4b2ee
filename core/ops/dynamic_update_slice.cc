// DYNAMIC_UPDATE_SLICE (1 to 6): the operand, with a box of it replaced by the update.
//   operand  any shape and type of whole bytes
//   update   the same type and rank, no dimension larger
//   start    int32 or int64 [rank]: where the box begins, moved as far as it must to lie inside
//   output   like the operand; may overwrite it
#include <algorithm>
#include <cstring>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/strided_loop.h"
#include "core/ops/widened.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const Operand& operand = context.input(0);
  const Operand& update = context.input(1);
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  ZEOLITE_TRY(require_rank(context, 1, operand.rank()));
  ZEOLITE_TRY(require_rank(context, 2, 1));
  ZEOLITE_TRY(require_size(context, 2, 0, operand.rank(), "values"));
  for (int i = 0; i < operand.rank(); ++i) {
    if (operand.shape[i] != kFree && update.shape[i] > operand.shape[i]) {
      return bad_input(input_text(context, 1) + " is larger than " + input_text(context, 0));
    }
  }
  return context.set_output(0, operand.type, operand.shape);
}

Status prepare(PrepareContext& context) {
  context.choose("copy");
  context.allow_in_place();
  return {};
}

Status eval(EvalContext& context) {
  const Operand& output = context.output(0);
  const Shape& update = context.input(1).shape;
  if (output.bytes == 0) return {};
  if (output.data != context.input(0).data) {
    std::memcpy(output.writable, context.input(0).data, output.bytes);
  }
  const auto to = dense_strides(output.shape);
  const auto from = dense_strides(update);
  StridedLoop<2> loop;
  int64_t start = 0;
  for (size_t i = 0; i < update.size(); ++i) {
    const int64_t wanted = context.input(2).type == TensorType::kInt64 ? context.in<int64_t>(2)[i]
                                                                       : context.in<int32_t>(2)[i];
    start += std::clamp<int64_t>(wanted, 0, output.shape[i] - update[i]) * to[i];
    loop.add(update[i], {to[i], from[i]});
  }
  return dispatch_width(output.type, [&]<class T>() -> Status {
    copy_strided(loop, context.out<T>(0), start, context.in<T>(1), 0);
    return {};
  });
}

}  // namespace

const OpKernel kDynamicUpdateSliceOp = widened<infer, prepare, eval, kWidenMoved>();

}  // namespace zeolite
