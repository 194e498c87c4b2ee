// output = condition ? x : y, element by element, for any type of whole bytes.
//   SELECT (1 to 4): x and y of one shape; the condition has it too, is a scalar, or has one value
//     for each index of the first dimension
//   SELECT_V2 (1, 2): all three broadcast to each other
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/strided_loop.h"

namespace zeolite {
namespace {

bool broadcasts(const OpContext& context) { return context.code() == BuiltinOperator::kSelectV2; }

Status infer(InferContext& context) {
  const Shape& condition = context.input(0).shape;
  const Shape& x = context.input(1).shape;
  const Shape& y = context.input(2).shape;
  ZEOLITE_TRY(require_same_type(context, 1, 2));
  ZEOLITE_ASSIGN(Shape shape, broadcast_shape(x, y));
  if (broadcasts(context)) {
    ZEOLITE_ASSIGN(shape, broadcast_shape(condition, shape));
  } else {
    const bool known = is_static(x) && is_static(y) && is_static(condition);
    const bool by_rows = condition.size() == 1 && !x.empty() && condition[0] == x[0];
    if (known && (x != y || !(condition == x || condition.empty() || by_rows))) {
      return bad_input("condition " + shape_text(condition) + " does not select from " +
                       shape_text(x) + " and " + shape_text(y));
    }
  }
  return context.set_output(0, context.input(1).type, std::move(shape));
}

struct State : OpState {
  StridedLoop<4> loop;  // Output, condition, x, y.
};

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  state = State();
  const Shape& shape = context.output(0).shape;
  Shape condition = context.input(0).shape;
  // A value for each index of the first dimension: broadcasts as a column.
  if (!broadcasts(context) && condition.size() == 1) condition.resize(shape.size(), 1);
  const auto to = dense_strides(shape);
  const auto by_condition = broadcast_strides(condition, shape.size());
  const auto by_x = broadcast_strides(context.input(1).shape, shape.size());
  const auto by_y = broadcast_strides(context.input(2).shape, shape.size());
  for (size_t i = 0; i < shape.size(); ++i) {
    state.loop.add(shape[i], {to[i], by_condition[i], by_x[i], by_y[i]});
  }
  return {};
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  return dispatch_width(context.input(1).type, [&]<class T>() -> Status {
    const uint8_t* condition = context.in<uint8_t>(0);
    const T* x = context.in<T>(1);
    const T* y = context.in<T>(2);
    T* output = context.out<T>(0);
    state.loop.for_each_run({}, [&](const auto& at, int64_t run, const auto& stride) {
      for (int64_t i = 0; i < run; ++i) {
        output[at[0] + i * stride[0]] = condition[at[1] + i * stride[1]] != 0
                                            ? x[at[2] + i * stride[2]]
                                            : y[at[3] + i * stride[3]];
      }
    });
    return {};
  });
}

}  // namespace

const OpKernel kSelectOp = {infer, prepare, eval};

}  // namespace zeolite
