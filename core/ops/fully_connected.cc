// FULLY_CONNECTED (1 to 14): output[m,n] = act(bias[n] + sum over k of input[m,k] * weights[n,k]).
//   input  any shape of M*K elements    weights [N,K]    bias [N] or absent
//   output [M,N], or with keep_num_dims the input's shape with N for its last size, which must be K
// Float32.
#include "core/kernels/f32_matmul.h"
#include "core/ops/kernels.h"
#include "core/ops/packed_weights.h"
#include "core/ops/window.h"

namespace zeolite {
namespace {

struct State : OpState {
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  F32Clamp clamp;
  bool use_packed = false;  // Few rows read the weights where they are.
  PackedWeights weights;
};

Status infer(InferContext& context) {
  const auto& options = context.options<FullyConnectedOptions>();
  ZEOLITE_TRY(require_rank(context, 1, 2));
  const Shape& input = context.input(0).shape;
  const Shape& weights = context.input(1).shape;
  if (!is_static(weights)) return bad_input("the weights' shape is not known");
  if (options.weights_format != FullyConnectedOptionsWeightsFormat::kDefault) {
    return unsupported("shuffled weights are not supported for this type");
  }
  ZEOLITE_TRY(check_fused(options.fused_activation_function));
  ZEOLITE_TRY(check_bias(context, 2, weights[0]));
  if (options.keep_num_dims) {
    if (input.empty() || (input.back() >= 0 && input.back() != weights[1])) {
      return bad_input("weights " + shape_text(weights) + " need an input whose last size is " +
                       std::to_string(weights[1]) + ", found " + shape_text(input));
    }
    Shape shape = input;
    shape.back() = weights[0];
    return context.set_output(0, context.input(0).type, std::move(shape));
  }
  const int64_t count = product(input);
  if (weights[1] < 1 || (count >= 0 && count % weights[1] != 0)) {
    return bad_input("input " + shape_text(input) + " does not divide into rows of " +
                     std::to_string(weights[1]) + ", the depth of weights " + shape_text(weights));
  }
  const int64_t rows = count >= 0 ? count / weights[1] : kFree;
  if (rows > INT32_MAX) return bad_input("the input has too many rows");
  return context.set_output(0, context.input(0).type, {static_cast<int32_t>(rows), weights[0]});
}

void pack(const OpContext& context, const State& state, uint8_t* to) {
  f32_gemm_pack(state.n, state.k, data_or_null<float>(context, 1), state.k, 1,
                data_or_null<float>(context, 2), reinterpret_cast<float*>(to));
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const Shape& weights = context.input(1).shape;
  const Shape& output = context.output(0).shape;
  state.n = weights[0];
  state.k = weights[1];
  state.m = product(output, 0, output.size() - 1);
  ZEOLITE_ASSIGN(state.clamp, fused_clamp(context.options<FullyConnectedOptions>()
                                              .fused_activation_function));
  state.use_packed = state.m >= kF32PackedGemmMinRows;
  context.choose(state.use_packed ? "f32_gemm" : "f32_gemv_rows",
                 2.0 * state.m * state.n * state.k);
  if (!state.use_packed) return {};
  return state.weights.prepare(
      context, 1, 2, f32_gemm_packed_bytes(state.n, state.k), true,
      [&](uint8_t* to) { pack(context, state, to); });
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  const float* input = context.in<float>(0);
  float* output = context.out<float>(0);
  if (!state.use_packed) {
    f32_gemv_rows(state.m, state.n, state.k, input, state.k, context.in<float>(1), state.k,
                  data_or_null<float>(context, 2), output, state.n, state.clamp, context.threads());
    return {};
  }
  const float* packed = reinterpret_cast<const float*>(
      state.weights.get(context, 0, [&](uint8_t* to) { pack(context, state, to); }));
  f32_gemm(state.m, state.n, state.k, input, state.k, packed, output, state.n, state.clamp,
           context.threads());
  return {};
}

}  // namespace

const OpKernel kFullyConnectedOp = {infer, prepare, eval};

}  // namespace zeolite
