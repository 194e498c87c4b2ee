// REVERSE_V2 (1 to 4): the order of the elements turned round along the axes (int32 [n]).
//   input any shape and type of whole bytes    output the same
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/strided_loop.h"

namespace zeolite {
namespace {

Result<uint32_t> axes_of(const OpContext& context) {
  ZEOLITE_ASSIGN(const std::vector<int64_t> values, integers_of(context, 1, kMaxRank));
  uint32_t mask = 0;
  for (int64_t value : values) {
    ZEOLITE_ASSIGN(const int axis, checked_axis(value, context.input(0).rank()));
    mask |= 1u << axis;
  }
  return mask;
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 1, 1));
  if (context.input(1).has_data) {
    Result<uint32_t> axes = axes_of(context);
    if (!axes.ok()) return axes.take_status();
  }
  return context.set_output(0, context.input(0).type, context.input(0).shape);
}

Status eval(EvalContext& context) {
  if (context.output(0).bytes == 0) return {};
  const Shape& shape = context.input(0).shape;
  ZEOLITE_ASSIGN(const uint32_t axes, axes_of(context));
  const auto strides = dense_strides(shape);
  StridedLoop<2> loop;
  int64_t start = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool turns = (axes >> i & 1) != 0;
    if (turns) start += (shape[i] - 1) * strides[i];
    loop.add(shape[i], {strides[i], turns ? -strides[i] : strides[i]});
  }
  return dispatch_width(context.input(0).type, [&]<class T>() -> Status {
    copy_strided(loop, context.out<T>(0), 0, context.in<T>(0), start);
    return {};
  });
}

}  // namespace

const OpKernel kReverseOp = {infer, nullptr, eval};

}  // namespace zeolite
