// DEPTHWISE_CONV_2D (1 to 7): each input channel has its own `multiplier` filters:
//   output[n,y,x,o] = act(bias[o] + sum over ky,kx of
//     input[n, y*stride_h + ky*dilation_h - pad_top, x*stride_w + ..., o / multiplier]
//       * filter[0,ky,kx,o])
//   input [N,H,W,I]    filter [1,KH,KW,I*multiplier]    bias [I*multiplier] or absent
//   output [N,OH,OW,I*multiplier]
// Float32, or integers as integer_product.h says; float activations with an integer filter are
// quantized by each run, image by image, with a zero point. The multiplier follows from the shapes;
// the option depth_multiplier is not looked at, as in the real runtime. Outside the input is zero;
// SAME puts the odd padding at the end.
#include "core/kernels/f32_depthwise_conv_2d.h"
#include "core/kernels/i8_depthwise_conv_2d.h"
#include "core/ops/float_weights.h"
#include "core/ops/integer_product.h"
#include "core/ops/kernels.h"
#include "core/ops/packed_weights.h"
#include "core/ops/window.h"

namespace zeolite {
namespace {

struct State : OpState {
  F32DepthwiseConv2DPlan plan;
  F32Clamp clamp;
  PackedWeights weights;
  // Where the filter's numbers are integers.
  IntegerProduct product;
  I8DepthwiseConv2DPlan integer_plan;
};

ProductRoles roles_of(const OpContext& context) {
  ProductRoles roles;
  roles.symmetric_weights = true;
  roles.channel_axis = 3;
  roles.asymmetric = true;
  // The real runtime leaves other weights to its reference kernel, and uint8 to an older one.
  const bool is_int8 = context.input(0).type == TensorType::kInt8 &&
                       context.input(1).type == TensorType::kInt8;
  if (is_int8) roles.rounding = SumRounding::kBlocks;
  return roles;
}

Result<WindowAxes> window_of(const OpContext& context) {
  return resolve_filter(context.input(0).shape, context.input(1).shape,
                        context.options<DepthwiseConv2DOptions>());
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(check_filter(context, 0, 1,
                           context.options<DepthwiseConv2DOptions>().fused_activation_function));
  const Shape& input = context.input(0).shape;
  const Shape& filter = context.input(1).shape;
  ZEOLITE_TRY(require_size(context, 1, 0, 1, "filters in its first dimension"));
  if (input[3] >= 0 && (input[3] == 0 || filter[3] % input[3] != 0)) {
    return bad_input("filter " + shape_text(filter) + " has " + std::to_string(filter[3]) +
                     " channels, expected a multiple of the input's " + std::to_string(input[3]));
  }
  ZEOLITE_TRY(check_bias(context, 2, filter[3]));
  ZEOLITE_TRY(check_integer_product(
      context, roles_of(context), filter[3],
      context.options<DepthwiseConv2DOptions>().fused_activation_function));
  ZEOLITE_ASSIGN(const WindowAxes window, window_of(context));
  return context.set_output(0, context.input(0).type,
                            {input[0], window.height.output, window.width.output, filter[3]});
}

Status prepare_integers(PrepareContext& context, const DepthwiseConv2DShape& shape) {
  State& state = context.state<State>();
  const Shape& filter = context.input(1).shape;
  ZEOLITE_ASSIGN(state.product,
                 integer_product(context, roles_of(context), filter[3],
                                 context.options<DepthwiseConv2DOptions>()
                                     .fused_activation_function));
  state.integer_plan = i8_depthwise_conv_2d_plan(
      shape, state.product.activations, state.product.stage,
      state.product.wide_weights ? 255 : 128, context.thread_count());
  context.choose("i8_depthwise_conv_2d",
                 2.0 * product(context.output(0).shape) * filter[1] * filter[2]);
  context.request_scratch(state.integer_plan.scratch_bytes);
  return state.weights.prepare(context, 1, 2, state.integer_plan.packed_bytes, true,
                               [&](void* to) {
                                 i8_depthwise_conv_2d_pack(
                                     state.integer_plan, state.product.weights_of(context),
                                     state.product.columns(context), to);
                               });
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const Shape& input = context.input(0).shape;
  const Shape& filter = context.input(1).shape;
  const Shape& output = context.output(0).shape;
  ZEOLITE_ASSIGN(const WindowAxes window, window_of(context));
  DepthwiseConv2DShape shape;
  set_planes(input, output, window, &shape);
  shape.input_channels = input[3];
  shape.multiplier = filter[3] / input[3];
  if (has_integer_weights(context, roles_of(context))) return prepare_integers(context, shape);
  ZEOLITE_ASSIGN(state.clamp, fused_clamp(context.options<DepthwiseConv2DOptions>()
                                              .fused_activation_function));
  state.plan = f32_depthwise_conv_2d_plan(shape, context.thread_count());
  context.choose("f32_depthwise_conv_2d", 2.0 * product(output) * filter[1] * filter[2]);
  context.request_scratch(state.plan.scratch_bytes);
  ZEOLITE_ASSIGN(const FloatWeights weights, FloatWeights::of(context, 1));
  return state.weights.prepare(context, 1, 2, state.plan.packed_bytes, true, [&](void* to) {
    f32_depthwise_conv_2d_pack(state.plan, weights.data(), data_or_null<float>(context, 2), to);
  });
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  if (has_integer_weights(context, roles_of(context))) {
    const void* packed = state.weights.get(context, 1, [&](void* to) {
      i8_depthwise_conv_2d_pack(state.integer_plan, state.product.weights_of(context),
                                state.product.columns(context), to);
    });
    i8_depthwise_conv_2d_run(state.integer_plan, packed, context.in<uint8_t>(0),
                             context.out<uint8_t>(0), context.scratch(0), context.threads());
    return {};
  }
  const void* packed = state.weights.get(context, 1, [&](void* to) {
    f32_depthwise_conv_2d_pack(state.plan, context.in<float>(1), data_or_null<float>(context, 2),
                               to);
  });
  f32_depthwise_conv_2d_run(state.plan, packed, context.in<float>(0), context.out<float>(0),
                            state.clamp, context.scratch(0), context.threads());
  return {};
}

}  // namespace

const OpKernel kDepthwiseConv2dOp = {infer, prepare, eval};

}  // namespace zeolite
