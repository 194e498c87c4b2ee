// The same elements more than once, any type:
//   TILE (1 to 3): `multiples` (int32 or int64 [rank]) copies side by side in each dimension
//   BROADCAST_TO (2 to 4): sizes of 1, and missing ones in front, repeated up to `shape`
//     (int32 or int64)
#include <limits>

#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/strided_loop.h"
#include "core/ops/widened.h"

namespace zeolite {
namespace {

bool is_tile(const OpContext& context) { return context.code() == BuiltinOperator::kTile; }

Result<Shape> shape_of(const OpContext& context) {
  const Shape& input = context.input(0).shape;
  ZEOLITE_ASSIGN(Shape shape, shape_of_integers(context, 1));
  if (!is_tile(context)) {
    ZEOLITE_ASSIGN(const Shape common, broadcast_shape(input, shape));
    if (common != shape) {
      return bad_input("input " + shape_text(input) + " does not broadcast to " +
                       shape_text(shape));
    }
    return shape;
  }
  if (shape.size() != input.size()) {
    return bad_input("there are " + std::to_string(shape.size()) + " multiples for " +
                     std::to_string(input.size()) + " dimensions");
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    if (input[i] == kFree) {
      shape[i] = kFree;
    } else if (!checked_mul(shape[i], input[i], &shape[i])) {
      return bad_input("dimension " + std::to_string(i) + " becomes too large");
    }
  }
  return shape;
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 1, 1));
  if (!context.input(1).has_data) return context.set_output_unknown(0, context.input(0).type);
  ZEOLITE_ASSIGN(Shape shape, shape_of(context));
  return context.set_output(0, context.input(0).type, std::move(shape));
}

struct State : OpState {
  StridedLoop<2> loop;
};

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  state = State();
  if (product(context.output(0).shape) == 0) {
    state.loop.clear();
    return {};
  }
  const Shape& input = context.input(0).shape;
  const Shape& output = context.output(0).shape;
  const auto to = dense_strides(output);
  if (is_tile(context)) {
    const auto from = dense_strides(input);
    for (size_t i = 0; i < output.size(); ++i) {
      const int64_t copies = input[i] == 0 ? 0 : output[i] / input[i];
      state.loop.add(copies, {to[i] * input[i], 0});
      state.loop.add(input[i], {to[i], from[i]});
    }
  } else {
    const auto from = broadcast_strides(input, output.size());
    for (size_t i = 0; i < output.size(); ++i) state.loop.add(output[i], {to[i], from[i]});
  }
  context.choose("copy");
  return {};
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  return dispatch_width(context.input(0).type, [&]<class T>() -> Status {
    copy_strided(state.loop, context.out<T>(0), 0, context.in<T>(0), 0);
    return {};
  });
}

}  // namespace

const OpKernel kRepeatOp = widened<infer, prepare, eval, kWidenMoved>();

}  // namespace zeolite
