// TRANSPOSE (1 to 9): output dimension i is input dimension permutation[i].
//   input any shape, any type of whole bytes    permutation int32 [rank]
#include "core/kernels/data_movement.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/widened.h"

namespace zeolite {
namespace {

struct State : OpState {
  Shape permutation;
};

// The permutation with axes counted from the front.
Result<Shape> permutation_of(const OpContext& context) {
  const int rank = context.input(0).rank();
  ZEOLITE_ASSIGN(const std::vector<int64_t> values, integers_of(context, 1, kMaxOperandRank));
  if (static_cast<int>(values.size()) != rank) {
    return bad_input("the permutation has " + std::to_string(values.size()) + " axes, the input " +
                     std::to_string(rank) + " dimensions");
  }
  Shape permutation;
  uint32_t seen = 0;
  for (int64_t value : values) {
    ZEOLITE_ASSIGN(const int axis, checked_axis(value, rank));
    permutation.push_back(axis);
    seen |= 1u << axis;
  }
  if (seen + 1 != 1u << rank) return bad_input("the permutation names an axis twice");
  return permutation;
}

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  ZEOLITE_TRY(require_rank(context, 1, 1));
  if (!context.input(1).has_data) return context.set_output_unknown(0, input.type);
  ZEOLITE_ASSIGN(const Shape permutation, permutation_of(context));
  Shape shape;
  for (int32_t axis : permutation) shape.push_back(input.shape[axis]);
  return context.set_output(0, input.type, std::move(shape));
}

Status prepare(PrepareContext& context) {
  ZEOLITE_ASSIGN(context.state<State>().permutation, permutation_of(context));
  context.choose("transpose");
  return {};
}

Status eval(EvalContext& context) {
  const Operand& input = context.input(0);
  if (input.bytes == 0) return {};
  transpose(input.shape, context.state<State>().permutation, bits_per_element(input.type) / 8,
            input.data, context.output(0).writable, context.threads());
  return {};
}

}  // namespace

const OpKernel kTransposeOp = widened<infer, prepare, eval, kWidenMoved>();

}  // namespace zeolite
