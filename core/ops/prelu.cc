// PRELU (1): output = x where x >= 0, else alpha * x.
//   input any shape    alpha broadcasts to it    output the input's shape
// Float32, or quantized int8, uint8 and int16.
#include "core/kernels/broadcast.h"
#include "core/kernels/f32_unary.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/quantized_binary.h"

namespace zeolite {
namespace {

struct State : OpState {
  BroadcastPlan plan;
  bool is_per_channel = false;
  QuantizedBinaryParameters quantized;
};

Status infer(InferContext& context) {
  const Shape& input = context.input(0).shape;
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  ZEOLITE_ASSIGN(Shape shape, broadcast_shape(input, context.input(1).shape));
  return context.set_output(0, context.input(0).type, std::move(shape));
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const Shape& input = context.input(0).shape;
  const Shape& alpha = context.input(1).shape;
  const Shape& output = context.output(0).shape;
  if (!make_broadcast_plan(input, alpha, &state.plan)) return bad_input("alpha does not fit");
  if (is_quantized_type(context.input(0).type)) {
    ZEOLITE_ASSIGN(state.quantized,
                   quantized_binary_parameters(context, ActivationFunctionType::kNone));
    context.choose("quantized_binary");
    if (input == output) context.allow_in_place();
    return {};
  }
  state.is_per_channel = input == output && !alpha.empty() && !input.empty() &&
                         product(alpha) == alpha.back() && alpha.back() == input.back();
  if (state.is_per_channel) context.choose("f32_prelu");
  if (input == output) context.allow_in_place();
  return {};
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  if (is_quantized_type(context.input(0).type)) {
    quantized_binary(state.quantized, state.plan, context.input(0).data, context.input(1).data,
                     context.output(0).writable, context.threads());
    return {};
  }
  const Shape& shape = context.output(0).shape;
  const float* input = context.in<float>(0);
  const float* alpha = context.in<float>(1);
  float* output = context.out<float>(0);
  if (context.output(0).bytes == 0) return {};
  if (state.is_per_channel) {
    f32_prelu(product(shape, 0, shape.size() - 1), shape.back(), input, alpha, output,
              context.threads());
    return {};
  }
  for_each_broadcast_row(state.plan, [&](int64_t out, int64_t at_input, int64_t at_alpha,
                                         int64_t count, int64_t input_stride,
                                         int64_t alpha_stride) {
    for (int64_t i = 0; i < count; ++i) {
      const float x = input[at_input + i * input_stride];
      output[out + i] = x >= 0 ? x : x * alpha[at_alpha + i * alpha_stride];
    }
  });
  return {};
}

}  // namespace

const OpKernel kPreluOp = {infer, prepare, eval};

}  // namespace zeolite
