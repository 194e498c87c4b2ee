// TRANSPOSE_CONV (1 to 5): the transpose of CONV_2D with respect to its input: input pixel (y, x)
// adds filter[o,ky,kx,:] . input[n,y,x,:] to output pixel (y*stride_h + ky - pad_top, ...);
// then bias and activation.
//   output_shape int32 [4]    filter [O,KH,KW,I]    input [N,H,W,I]    bias [O] or absent
//   output as output_shape says: a convolution of it must give the input's height and width
// Float32, or integers as integer_product.h says; float activations with an integer filter are
// quantized by each run, image by image.
#include "core/kernels/f32_transpose_conv.h"
#include "core/kernels/i8_transpose_conv.h"
#include "core/ops/float_weights.h"
#include "core/ops/integer_product.h"
#include "core/ops/kernels.h"
#include "core/ops/packed_weights.h"
#include "core/ops/window.h"

namespace zeolite {
namespace {

struct State : OpState {
  F32TransposeConvPlan plan;
  F32Clamp clamp;
  PackedWeights weights;
  // Where the filter's numbers are integers.
  IntegerProduct product;
  I8TransposeConvPlan integer_plan;
};

// Float images are quantized with a zero point.
ProductRoles roles_of(const OpContext& context) {
  ProductRoles roles;
  roles.symmetric_weights = true;
  roles.input = 2;
  roles.rounding = context.input(2).type == TensorType::kUint8 ? SumRounding::kHalvesUp
                                                               : SumRounding::kBlocks;
  roles.bias = 3;
  roles.asymmetric = true;
  return roles;
}

// The window as the convolution of the output that gives the input.
Result<WindowAxes> window_of(const OpContext& context, const Shape& output) {
  return resolve_filter(output, context.input(1).shape, context.options<TransposeConvOptions>());
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 1));
  ZEOLITE_TRY(check_filter(context, 2, 1,
                           context.options<TransposeConvOptions>().fused_activation_function));
  const Shape& filter = context.input(1).shape;
  const Shape& input = context.input(2).shape;
  const TensorType type = context.input(2).type;
  ZEOLITE_TRY(check_bias(context, 3, filter[0]));
  ZEOLITE_TRY(check_integer_product(
      context, roles_of(context), filter[0],
      context.options<TransposeConvOptions>().fused_activation_function));
  ZEOLITE_TRY(require_size(context, 2, 3, filter[3], "channels"));
  if (!context.input(0).has_data) return context.set_output_unknown(0, type);
  ZEOLITE_ASSIGN(Shape output, shape_of_integers(context, 0));
  if (output.size() != 4 || output[3] != filter[0] ||
      (input[0] >= 0 && output[0] != input[0])) {
    return bad_input("output shape " + shape_text(output) + " does not fit input " +
                     shape_text(input) + " and filter " + shape_text(filter));
  }
  ZEOLITE_ASSIGN(const WindowAxes window, window_of(context, output));
  ZEOLITE_TRY(require_size(context, 2, 1, window.height.output, "rows"));
  ZEOLITE_TRY(require_size(context, 2, 2, window.width.output, "columns"));
  return context.set_output(0, type, std::move(output));
}

void pack_integers(const OpContext& context, const State& state, void* to) {
  i8_transpose_conv_pack(state.integer_plan, state.product.weights_of(context),
                         state.product.columns(context), to);
}

Status prepare_integers(PrepareContext& context, const TransposeConvShape& shape) {
  State& state = context.state<State>();
  ZEOLITE_ASSIGN(state.product,
                 integer_product(context, roles_of(context), shape.output_channels,
                                 context.options<TransposeConvOptions>()
                                     .fused_activation_function));
  state.integer_plan =
      i8_transpose_conv_plan(shape, state.product.activations, state.product.stage,
                             state.product.wide_weights, context.thread_count());
  context.choose("i8_transpose_conv", 2.0 * product(context.input(2).shape) *
                                          product(context.input(1).shape, 0, 3));
  context.request_scratch(state.integer_plan.scratch_bytes);
  return state.weights.prepare(context, 1, 3, state.integer_plan.packed_bytes, true,
                               [&](void* to) { pack_integers(context, state, to); });
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const Shape& filter = context.input(1).shape;
  const Shape& input = context.input(2).shape;
  const Shape& output = context.output(0).shape;
  ZEOLITE_ASSIGN(const WindowAxes window, window_of(context, output));
  TransposeConvShape shape;
  set_planes(input, output, window, &shape);
  shape.input_channels = input[3];
  shape.output_channels = output[3];
  if (has_integer_weights(context, roles_of(context))) return prepare_integers(context, shape);
  ZEOLITE_ASSIGN(state.clamp, fused_clamp(context.options<TransposeConvOptions>()
                                              .fused_activation_function));
  state.plan = f32_transpose_conv_plan(shape, context.thread_count());
  context.choose("f32_transpose_conv", 2.0 * product(input) * product(filter, 0, 3));
  context.request_scratch(state.plan.scratch_bytes);
  ZEOLITE_ASSIGN(const FloatWeights weights, FloatWeights::of(context, 1));
  return state.weights.prepare(context, 1, 3, state.plan.packed_bytes, true, [&](void* to) {
    f32_transpose_conv_pack(state.plan, weights.data(), data_or_null<float>(context, 3), to);
  });
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  if (has_integer_weights(context, roles_of(context))) {
    const void* packed =
        state.weights.get(context, 1, [&](void* to) { pack_integers(context, state, to); });
    i8_transpose_conv_run(state.integer_plan, packed, context.in<uint8_t>(2),
                          context.out<uint8_t>(0), context.scratch(0), context.threads());
    return {};
  }
  const void* packed = state.weights.get(context, 1, [&](void* to) {
    f32_transpose_conv_pack(state.plan, context.in<float>(1), data_or_null<float>(context, 3), to);
  });
  f32_transpose_conv_run(state.plan, packed, context.in<float>(2), context.out<float>(0),
                         state.clamp, context.scratch(0), context.threads());
  return {};
}

}  // namespace

const OpKernel kTransposeConvOp = {infer, prepare, eval};

}  // namespace zeolite
