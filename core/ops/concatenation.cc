// CONCATENATION (1 to 7): joins tensors along dimension `axis`; all other sizes are equal.
//   inputs [D[:axis], n_i, D[axis+1:]]    output [D[:axis], sum of n_i, D[axis+1:]]
// No fused activation.
#include "core/base/checked.h"
#include "core/kernels/data_movement.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const auto& options = context.options<ConcatenationOptions>();
  if (options.fused_activation_function != ActivationFunctionType::kNone) {
    return unsupported("a fused activation is not supported here");
  }
  Shape shape = context.input(0).shape;
  const int rank = static_cast<int>(shape.size());
  ZEOLITE_ASSIGN(const int axis, checked_axis(options.axis, rank));
  for (size_t i = 0; i < context.input_count(); ++i) {
    if (is_integer(context.input(i).type)) {
      ZEOLITE_TRY(require_same_scale(context.input(i), context.output(0)));
    }
  }
  for (size_t i = 1; i < context.input_count(); ++i) {
    ZEOLITE_TRY(require_same_type(context, 0, i));
    ZEOLITE_TRY(require_rank(context, i, rank));
    const Shape& other = context.input(i).shape;
    for (int d = 0; d < rank; ++d) {
      if (d == axis) {
        if (shape[d] == kFree || other[d] == kFree) {
          shape[d] = kFree;
        } else if (!checked_add(shape[d], other[d], &shape[d])) {
          return bad_input("the joined dimension is too large");
        }
        continue;
      }
      ZEOLITE_TRY(require_size(context, i, d, shape[d],
                               "elements in dimension " + std::to_string(d)));
      if (shape[d] == kFree) shape[d] = other[d];
    }
  }
  return context.set_output(0, context.input(0).type, std::move(shape));
}

Status eval(EvalContext& context) {
  const Operand& output = context.output(0);
  int axis = context.options<ConcatenationOptions>().axis;
  if (axis < 0) axis += output.rank();
  const int64_t outer = product(output.shape, 0, axis);
  if (output.bytes == 0) return {};
  const int64_t stride = static_cast<int64_t>(output.bytes) / outer;
  int64_t at = 0;
  for (size_t i = 0; i < context.input_count(); ++i) {
    const int64_t block = static_cast<int64_t>(context.input(i).bytes) / outer;
    if (block > 0) {
      copy_blocks(outer, block, context.input(i).data, block, output.writable + at, stride);
    }
    at += block;
  }
  return {};
}

}  // namespace

const OpKernel kConcatenationOp = {infer, nullptr, eval};

}  // namespace zeolite
