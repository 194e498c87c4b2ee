// ARG_MAX, ARG_MIN (1 to 3): the index of the largest or smallest element along an axis; the first
// of equals.
//   input [O..., n, R...]    axis int32 or int64, one value    output [O..., R...], int32 or int64
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

struct State : OpState {
  int axis = 0;
};

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  const TensorType type = context.code() == BuiltinOperator::kArgMax
                              ? context.options<ArgMaxOptions>().output_type
                              : context.options<ArgMinOptions>().output_type;
  if (type != TensorType::kInt32 && type != TensorType::kInt64) {
    return bad_input("the output's type is " + std::string(tensor_type_name(type)) +
                     ", expected int32 or int64");
  }
  ZEOLITE_TRY(require_one(context, 1, "axis"));
  if (!context.input(1).has_data) return context.set_output_unknown(0, type);
  ZEOLITE_ASSIGN(const int64_t value, integer_of(context, 1));
  ZEOLITE_ASSIGN(const int axis, checked_axis(value, input.rank()));
  if (input.shape[axis] == 0) return bad_input("there is nothing to choose from");
  Shape shape = input.shape;
  shape.erase(shape.begin() + axis);
  return context.set_output(0, type, std::move(shape));
}

Status prepare(PrepareContext& context) {
  ZEOLITE_ASSIGN(const int64_t value, integer_of(context, 1));
  ZEOLITE_ASSIGN(context.state<State>().axis, checked_axis(value, context.input(0).rank()));
  return {};
}

Status eval(EvalContext& context) {
  if (context.output(0).bytes == 0) return {};
  const Shape& shape = context.input(0).shape;
  const int axis = context.state<State>().axis;
  const int64_t outer = product(shape, 0, axis);
  const int64_t size = shape[axis];
  const int64_t inner = product(shape, axis + 1, shape.size());
  const bool is_max = context.code() == BuiltinOperator::kArgMax;
  return dispatch<kF32 | kI32 | kI8 | kU8 | kBool>(context.input(0).type, [&]<class T>() {
    return dispatch<kI32 | kI64>(context.output(0).type, [&]<class Index>() -> Status {
      const T* input = context.in<T>(0);
      Index* output = context.out<Index>(0);
      for (int64_t o = 0; o < outer; ++o, input += size * inner) {
        for (int64_t i = 0; i < inner; ++i) {
          int64_t best = 0;
          for (int64_t d = 1; d < size; ++d) {
            const T value = input[d * inner + i];
            const T so_far = input[best * inner + i];
            // NaN, which equals not even itself, is passed over.
            if (so_far != so_far || (is_max ? value > so_far : value < so_far)) best = d;
          }
          *output++ = static_cast<Index>(best);
        }
      }
      return {};
    });
  });
}

}  // namespace

const OpKernel kArgMinMaxOp = {infer, prepare, eval};

}  // namespace zeolite
