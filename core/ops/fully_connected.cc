// FULLY_CONNECTED (1 to 14): output[m,n] = act(bias[n] + sum over k of input[m,k] * weights[n,k]).
//   input  any shape of M*K elements    weights [N,K]    bias [N] or absent
//   output [M,N], or with keep_num_dims the input's shape with N for its last size, which must be K
// Float32, or integers as integer_product.h says; float rows with integer weights are quantized by
// each run, row by row, with a zero point where asymmetric_quantize_inputs says so. Int4 weights
// may have a float16 scale for each block of k; the rows then always have a zero point. Shuffled
// weights (uint8, zero points 128, int16 out) have a second output, the real runtime's workspace:
// the input with its top bits turned over.
#include <algorithm>

#include "core/base/half.h"
#include "core/kernels/f32_matmul.h"
#include "core/kernels/i8_blockwise.h"
#include "core/ops/float_weights.h"
#include "core/ops/integer_product.h"
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
  // Where the weights are integers.
  IntegerProduct product;
  I8Conv2DPlan integer_plan;
};

bool is_shuffled(const OpContext& context) {
  return context.options<FullyConnectedOptions>().weights_format ==
         FullyConnectedOptionsWeightsFormat::kShuffled4x16int8;
}

bool is_blockwise(const OpContext& context) {
  const Quantization* quantization = context.input(1).quantization;
  return quantization != nullptr && quantization->block_size > 0;
}

ProductRoles roles_of(const OpContext& context) {
  // Only a bias of 64 bits makes the sums so wide.
  const bool is_wide = context.has_input(2) && context.input(2).type == TensorType::kInt64;
  ProductRoles roles;
  roles.float_product = !is_wide;
  roles.rounding = is_shuffled(context) ? SumRounding::kTwice : SumRounding::kHalvesUp;
  roles.rounding_16 = is_wide ? SumRounding::kOnce : SumRounding::kHalvesUp;
  roles.narrow_without_bias = true;
  roles.asymmetric = context.options<FullyConnectedOptions>().asymmetric_quantize_inputs;
  return roles;
}

Status check_shuffled(const OpContext& context) {
  const Shape& weights = context.input(1).shape;
  if (context.input(0).type != TensorType::kUint8 ||
      context.output(0).type != TensorType::kInt16 || context.output_count() != 2) {
    return bad_input("shuffled weights are for uint8 and have two outputs, the first int16");
  }
  if (weights[0] % 4 != 0 || weights[1] % 16 != 0) {
    return bad_input("shuffled weights " + shape_text(weights) + " do not divide into blocks of " +
                     "4 by 16");
  }
  for (size_t i = 0; i < 2; ++i) {
    ZEOLITE_ASSIGN(const Affine affine, input_affine(context, i));
    if (affine.zero_point != 128) {
      return bad_input(input_text(context, i) + " needs the zero point 128, its format implies it");
    }
  }
  return {};
}

Status check_blockwise(const OpContext& context) {
  const Shape& weights = context.input(1).shape;
  const int32_t size = context.input(1).quantization->block_size;
  if (context.input(0).type != TensorType::kFloat32 ||
      context.input(1).type != TensorType::kInt4) {
    return unsupported("blockwise quantization is supported for int4 weights with float32 inputs");
  }
  if (weights[1] % size != 0) {
    return bad_input("blocks of " + std::to_string(size) + " do not divide weights " +
                     shape_text(weights));
  }
  if (context.input(1).quantization->block_zero_points != kNoTensor) {
    return unsupported("blockwise quantization with zero points is not supported");
  }
  const Operand* scales = context.input(1).block_scales;
  if (scales == nullptr) return {};  // Not known yet.
  if (scales->type != TensorType::kFloat16 || !scales->is_constant ||
      product(scales->shape) != int64_t{weights[0]} * (weights[1] / size)) {
    return unsupported("the scales of blocks must be constant float16, one for each block");
  }
  return {};
}

Status check_numbers(const OpContext& context) {
  const auto& options = context.options<FullyConnectedOptions>();
  switch (options.weights_format) {
    case FullyConnectedOptionsWeightsFormat::kDefault:
      if (context.output_count() != 1) {
        return bad_input("only shuffled weights have a second output");
      }
      break;
    case FullyConnectedOptionsWeightsFormat::kShuffled4x16int8:
      ZEOLITE_TRY(check_shuffled(context));
      break;
    default:
      return unsupported("weights format " +
                         std::to_string(static_cast<int>(options.weights_format)) +
                         " is not known");
  }
  if (is_blockwise(context)) return check_blockwise(context);
  return check_integer_product(context, roles_of(context), context.input(1).shape[0],
                               options.fused_activation_function);
}

Status infer(InferContext& context) {
  const auto& options = context.options<FullyConnectedOptions>();
  ZEOLITE_TRY(require_rank(context, 1, 2));
  const Shape& input = context.input(0).shape;
  const Shape& weights = context.input(1).shape;
  if (!is_static(weights)) return bad_input("the weights' shape is not known");
  ZEOLITE_TRY(check_fused(options.fused_activation_function));
  ZEOLITE_TRY(check_bias(context, 2, weights[0]));
  ZEOLITE_TRY(check_numbers(context));
  if (context.output_count() == 2) {
    ZEOLITE_TRY(context.set_output(1, TensorType::kUint8, context.output(1).shape));
  }
  // A converter's graph has the input's type; in a file the output's own was checked by the table.
  const TensorType type = context.input(0).type == TensorType::kUint8 ? context.output(0).type
                                                                      : context.input(0).type;
  if (options.keep_num_dims) {
    if (input.empty() || (input.back() >= 0 && input.back() != weights[1])) {
      return bad_input("weights " + shape_text(weights) + " need an input whose last size is " +
                       std::to_string(weights[1]) + ", found " + shape_text(input));
    }
    Shape shape = input;
    shape.back() = weights[0];
    return context.set_output(0, type, std::move(shape));
  }
  const int64_t count = product(input);
  if (weights[1] < 1 || (count >= 0 && count % weights[1] != 0)) {
    return bad_input("input " + shape_text(input) + " does not divide into rows of " +
                     std::to_string(weights[1]) + ", the depth of weights " + shape_text(weights));
  }
  const int64_t rows = count >= 0 ? count / weights[1] : kFree;
  if (rows > INT32_MAX) return bad_input("the input has too many rows");
  return context.set_output(0, type, {static_cast<int32_t>(rows), weights[0]});
}

// `weights`: where they are floats.
void pack(const OpContext& context, const State& state, const float* weights, uint8_t* to) {
  if (is_blockwise(context)) {
    i8_blockwise_pack(state.n * state.k, state.product.weights_of(context), to);
  } else if (has_integer_weights(context, roles_of(context))) {
    i8_conv_2d_pack(state.integer_plan, state.product.weights_of(context), state.k, 1,
                    state.product.columns(context), to);
  } else {
    f32_gemm_pack(state.n, state.k, weights, state.k, 1, data_or_null<float>(context, 2),
                  reinterpret_cast<float*>(to));
  }
}

// Packs, into what the last request of scratch memory was not for.
Status prepare_packed(PrepareContext& context, State& state, uint64_t bytes,
                      const float* weights = nullptr) {
  return state.weights.prepare(context, 1, 2, bytes, true,
                               [&](uint8_t* to) { pack(context, state, weights, to); });
}

Status prepare_integers(PrepareContext& context, State& state) {
  const auto& options = context.options<FullyConnectedOptions>();
  if (is_blockwise(context)) {
    state.product.weights.bits = 4;
    context.choose("i8_fully_connected_blockwise", 2.0 * state.m * state.n * state.k);
    context.request_scratch(i8_blockwise_scratch_bytes(state.m, state.k));
    return prepare_packed(context, state, static_cast<uint64_t>(state.n) * state.k);
  }
  ZEOLITE_ASSIGN(state.product, integer_product(context, roles_of(context), state.n,
                                                options.fused_activation_function));
  if (is_shuffled(context)) {
    state.product.weights.shuffled_depth = state.k;
    state.product.wide_weights = false;
  }
  ZEOLITE_ASSIGN(state.integer_plan,
                 product_plan(state.product, state.m, state.n, state.k, context.thread_count()));
  context.choose("i8_fully_connected", 2.0 * state.m * state.n * state.k);
  context.request_scratch(state.integer_plan.scratch_bytes);
  return prepare_packed(context, state, state.integer_plan.packed_bytes);
}

// Whether one row after the other goes faster through packed weights. Not where no cache holds
// them, and not through halves, which are half as much to read.
bool is_worth_packing(const OpContext& context, const State& state) {
  const Operand& weights = context.input(1);
  return state.m == 1 && state.n >= kF32PackedGemvMinColumns &&
         weights.type == TensorType::kFloat32 && weights.bytes <= kF32PackedGemvMaxBytes &&
         weights.is_constant && (!context.has_input(2) || context.input(2).is_constant);
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
  if (has_integer_weights(context, roles_of(context))) return prepare_integers(context, state);
  state.use_packed = state.m >= kF32PackedGemmMinRows ||
                     (context.input(1).type == TensorType::kFloat16 &&
                      !FloatWeights::are_finite_halves(context, 1)) ||
                     (context.is_in_loop() && is_worth_packing(context, state));
  context.choose(state.use_packed ? "f32_gemm" : "f32_gemv_rows",
                 2.0 * state.m * state.n * state.k);
  if (!state.use_packed) return {};
  ZEOLITE_ASSIGN(const FloatWeights floats, FloatWeights::of(context, 1));
  return prepare_packed(context, state, f32_gemm_packed_bytes(state.n, state.k), floats.data());
}

// What the real runtime leaves in its workspace: for 4 rows blocks of 16 of each row in turn.
void write_workspace(const EvalContext& context, const State& state) {
  const uint8_t* const input = context.in<uint8_t>(0);
  uint8_t* const target = context.out<uint8_t>(1);
  const int64_t count =
      std::min<int64_t>(static_cast<int64_t>(context.output(1).bytes), state.m * state.k);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t from = state.m == 4 ? i / 16 % 4 * state.k + i / 64 * 16 + i % 16 : i;
    target[i] = input[from] ^ 0x80;
  }
}

Status eval_integers(EvalContext& context, const State& state) {
  const uint8_t* const packed =
      state.weights.get(context, 1, [&](uint8_t* to) { pack(context, state, nullptr, to); });
  if (is_blockwise(context)) {
    BlockwiseShape shape;
    shape.m = state.m;
    shape.n = state.n;
    shape.k = state.k;
    shape.block = context.input(1).quantization->block_size;
    const Operand* scales = context.input(1).block_scales;
    if (scales == nullptr) return unsupported("the scales of its blocks are not known");
    i8_blockwise_run(shape, packed, reinterpret_cast<const Float16*>(scales->data),
                     data_or_null<float>(context, 2), context.in<float>(0), context.out<float>(0),
                     state.clamp, context.scratch(0), context.threads());
    return {};
  }
  i8_conv_2d_run(state.integer_plan, packed, context.in<uint8_t>(0), context.out<uint8_t>(0),
                 context.scratch(0), context.threads());
  if (context.output_count() == 2) write_workspace(context, state);
  return {};
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  if (has_integer_weights(context, roles_of(context))) return eval_integers(context, state);
  const float* input = context.in<float>(0);
  float* output = context.out<float>(0);
  if (!state.use_packed) {
    const auto run = [&](const auto* weights) {
      f32_gemv_rows(state.m, state.n, state.k, input, state.k, weights, state.k,
                    data_or_null<float>(context, 2), output, state.n, state.clamp,
                    context.threads());
    };
    if (context.input(1).type == TensorType::kFloat16) {
      run(context.in<Float16>(1));
    } else {
      run(context.in<float>(1));
    }
    return {};
  }
  const float* packed = reinterpret_cast<const float*>(
      state.weights.get(
      context, 0, [&](uint8_t* to) { pack(context, state, context.in<float>(1), to); }));
  f32_gemm(state.m, state.n, state.k, input, state.k, packed, output, state.n, state.clamp,
           context.threads());
  return {};
}

}  // namespace

const OpKernel kFullyConnectedOp = {infer, prepare, eval};

}  // namespace zeolite
