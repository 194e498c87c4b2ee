// ONE_HOT (1): output[..., d, ...] = (indices[...] == d) ? on : off, with d at `axis` (-1: last).
//   indices int32 or int64    depth int32 scalar    on, off scalars of one type
//   output the shape of indices with depth inserted
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const Operand& indices = context.input(0);
  const TensorType type = context.input(2).type;
  ZEOLITE_TRY(require_same_type(context, 2, 3));
  for (size_t i = 1; i < 4; ++i) ZEOLITE_TRY(require_one(context, i, "value"));
  if (!context.input(1).has_data) return context.set_output_unknown(0, type);
  ZEOLITE_ASSIGN(const int64_t depth, integer_of(context, 1));
  if (depth < 0 || depth > INT32_MAX) return bad_input("depth is " + std::to_string(depth));
  const int32_t option = context.options<OneHotOptions>().axis;
  ZEOLITE_ASSIGN(const int axis, checked_axis(option, indices.rank() + 1));
  Shape shape = indices.shape;
  shape.insert(shape.begin() + axis, static_cast<int32_t>(depth));
  return context.set_output(0, type, std::move(shape));
}

Status eval(EvalContext& context) {
  const Shape& shape = context.output(0).shape;
  int axis = context.options<OneHotOptions>().axis;
  if (axis < 0) axis += static_cast<int>(shape.size());
  const int64_t outer = product(shape, 0, axis);
  const int64_t depth = shape[axis];
  const int64_t inner = product(shape, axis + 1, shape.size());
  return dispatch_width(context.input(2).type, [&]<class T>() {
    return dispatch<kI32 | kI64>(context.input(0).type, [&]<class Index>() -> Status {
      const Index* indices = context.in<Index>(0);
      const T on = *context.in<T>(2);
      const T off = *context.in<T>(3);
      T* output = context.out<T>(0);
      for (int64_t o = 0; o < outer; ++o) {
        for (int64_t d = 0; d < depth; ++d) {
          for (int64_t i = 0; i < inner; ++i) {
            *output++ = indices[o * inner + i] == static_cast<Index>(d) ? on : off;
          }
        }
      }
      return {};
    });
  });
}

}  // namespace

const OpKernel kOneHotOp = {infer, nullptr, eval};

}  // namespace zeolite
