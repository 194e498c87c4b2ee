// Two tensors that broadcast to each other -> bool:
//   EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL of numbers; EQUAL, NOT_EQUAL of bools and
//   strings too. int8 and uint8 are quantized (quantized_binary.cc), in EQUAL and NOT_EQUAL int16
//   with a scale too.
//   LOGICAL_AND LOGICAL_OR of bools
//   a, b the same type    output bool, the common shape
#include <functional>

#include "core/kernels/broadcast.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/quantized_binary.h"
#include "core/ops/strings.h"
#include "core/ops/widened.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;

struct State : OpState {
  BroadcastPlan plan;
  QuantizedBinaryParameters quantized;
};

bool is_quantized(const OpContext& context) {
  const TensorType type = context.input(0).type;
  if (type == TensorType::kInt8 || type == TensorType::kUint8) return true;
  const bool is_equality = context.code() == Code::kEqual || context.code() == Code::kNotEqual;
  return is_equality && type == TensorType::kInt16 && has_scale(context.input(0));
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  ZEOLITE_ASSIGN(Shape shape, broadcast_shape(context.input(0).shape, context.input(1).shape));
  return context.set_output(0, TensorType::kBool, std::move(shape));
}

Status prepare(PrepareContext& context) {
  if (!make_broadcast_plan(context.input(0).shape, context.input(1).shape,
                           &context.state<State>().plan)) {
    return bad_input("shapes do not fit");
  }
  if (is_quantized(context)) {
    ZEOLITE_ASSIGN(context.state<State>().quantized,
                   quantized_binary_parameters(context, ActivationFunctionType::kNone));
    context.choose("quantized_binary");
  }
  return {};
}

// Strings are equal or not.
Status compare_strings(EvalContext& context) {
  const Strings a = strings_of(context.input(0));
  const Strings b = strings_of(context.input(1));
  const bool wanted = context.code() == Code::kEqual;
  uint8_t* output = context.out<uint8_t>(0);
  for_each_broadcast_row(
      context.state<State>().plan,
      [&](int64_t out, int64_t at_a, int64_t at_b, int64_t count, int64_t a_stride,
          int64_t b_stride) {
        for (int64_t i = 0; i < count; ++i) {
          output[out + i] = (a[at_a + i * a_stride] == b[at_b + i * b_stride]) == wanted ? 1 : 0;
        }
      });
  return {};
}

// A comparison of a row of pairs; strides are 0 or 1.
template <class T>
using Row = void (*)(const T* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t count,
                     uint8_t* output);

template <class T, class Function>
void row(const T* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t count,
         uint8_t* output) {
  for (int64_t i = 0; i < count; ++i) {
    output[i] = Function{}(a[i * a_stride], b[i * b_stride]) ? 1 : 0;
  }
}

template <class T>
Status compare(EvalContext& context, Row<T> function) {
  const T* a = context.in<T>(0);
  const T* b = context.in<T>(1);
  uint8_t* output = context.out<uint8_t>(0);
  for_each_broadcast_row(
      context.state<State>().plan,
      [&](int64_t out, int64_t at_a, int64_t at_b, int64_t count, int64_t a_stride,
          int64_t b_stride) {
        function(a + at_a, a_stride, b + at_b, b_stride, count, output + out);
      });
  return {};
}

Status eval(EvalContext& context) {
  const TensorType type = context.input(0).type;
  if (type == TensorType::kString) return compare_strings(context);
  if (is_quantized(context)) {
    const State& state = context.state<State>();
    quantized_binary(state.quantized, state.plan, context.input(0).data, context.input(1).data,
                     context.output(0).writable, context.threads());
    return {};
  }
  if (type == TensorType::kBool) {
    const auto loop = []<class Function>(Function) -> Row<uint8_t> {
      return row<uint8_t, Function>;
    };
    switch (context.code()) {
      case Code::kLogicalAnd:
        return compare(context, loop([](uint8_t x, uint8_t y) { return x != 0 && y != 0; }));
      case Code::kLogicalOr:
        return compare(context, loop([](uint8_t x, uint8_t y) { return x != 0 || y != 0; }));
      case Code::kEqual:
        return compare(context, loop([](uint8_t x, uint8_t y) { return (x != 0) == (y != 0); }));
      default:
        return compare(context, loop([](uint8_t x, uint8_t y) { return (x != 0) != (y != 0); }));
    }
  }
  return dispatch<kF32 | kI16 | kI32 | kI64>(type, [&]<class T>() {
    switch (context.code()) {
      case Code::kEqual: return compare<T>(context, row<T, std::equal_to<T>>);
      case Code::kNotEqual: return compare<T>(context, row<T, std::not_equal_to<T>>);
      case Code::kLess: return compare<T>(context, row<T, std::less<T>>);
      case Code::kLessEqual: return compare<T>(context, row<T, std::less_equal<T>>);
      case Code::kGreater: return compare<T>(context, row<T, std::greater<T>>);
      default: return compare<T>(context, row<T, std::greater_equal<T>>);
    }
  });
}

}  // namespace

const OpKernel kComparisonOp = widened<infer, prepare, eval, kWidenFloats>();

}  // namespace zeolite
