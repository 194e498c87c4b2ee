// CONV_2D (1 to 8): output[n,y,x,o] = act(bias[o] +
//   sum over ky,kx,i of input[n, y*stride_h + ky*dilation_h - pad_top, x*stride_w + ..., i]
//                       * filter[o,ky,kx,i])
//   input  [N,H,W,I]    filter [O,KH,KW,I/groups]    bias [O] or absent    output [N,OH,OW,O]
// Float32, or integers as integer_product.h says; float activations with integer filters are
// quantized by each run, image by image (dynamic range). With fewer filter channels than input
// channels the channels form groups, each with its own share of the filters. Outside the input is
// zero; SAME puts the odd padding at the end.
#include "core/kernels/f32_conv_2d.h"
#include "core/ops/float_weights.h"
#include "core/ops/integer_product.h"
#include "core/ops/kernels.h"
#include "core/ops/packed_weights.h"
#include "core/ops/window.h"

namespace zeolite {
namespace {

struct State : OpState {
  F32Conv2DPlan plan;
  F32Clamp clamp;
  PackedWeights weights;
  // Where the filter's numbers are integers.
  IntegerProduct product;
  I8Conv2DPlan integer_plan;
};

struct Geometry {
  WindowAxes window;
  int32_t groups = 1;
};

Result<Geometry> geometry_of(const OpContext& context) {
  const Shape& input = context.input(0).shape;
  const Shape& filter = context.input(1).shape;
  Geometry geometry;
  ZEOLITE_ASSIGN(geometry.window,
                 resolve_filter(input, filter, context.options<Conv2DOptions>()));
  if (input[3] >= 0) geometry.groups = filter[3] > 0 ? input[3] / filter[3] : 0;
  return geometry;
}

// Float images are quantized with a zero point where each channel has its own scale, as in the real
// runtime.
ProductRoles roles_of(const OpContext& context) {
  ProductRoles roles;
  roles.asymmetric = !has_one_scale(context, roles);
  // Groups the real runtime leaves to its reference kernel, which rounds otherwise.
  const bool has_groups = context.input(0).shape[3] != context.input(1).shape[3];
  if (!has_groups) roles.rounding = SumRounding::kHalvesUp;
  return roles;
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(
      check_filter(context, 0, 1, context.options<Conv2DOptions>().fused_activation_function));
  const Shape& input = context.input(0).shape;
  const Shape& filter = context.input(1).shape;
  ZEOLITE_ASSIGN(const Geometry geometry, geometry_of(context));
  if (input[3] >= 0 &&
      (filter[3] < 1 || input[3] % filter[3] != 0 || geometry.groups < 1 ||
       filter[0] % geometry.groups != 0)) {
    return bad_input("filter " + shape_text(filter) + " has " + std::to_string(filter[3]) +
                     " input channels, input " + shape_text(input) + " has " +
                     std::to_string(input[3]) + "; expected equal or groups that divide both");
  }
  ZEOLITE_TRY(check_bias(context, 2, filter[0]));
  ZEOLITE_TRY(check_integer_product(
      context, roles_of(context), filter[0],
      context.options<Conv2DOptions>().fused_activation_function));
  return context.set_output(0, context.input(0).type,
                            {input[0], geometry.window.height.output,
                             geometry.window.width.output, filter[0]});
}

const char* kernel_name(F32ConvAlgorithm algorithm) {
  switch (algorithm) {
    case F32ConvAlgorithm::kGemm: return "f32_conv_2d_gemm";
    case F32ConvAlgorithm::kGemv: return "f32_conv_2d_gemv";
    case F32ConvAlgorithm::kIndirect: return "f32_conv_2d_indirect";
    case F32ConvAlgorithm::kRows: return "f32_conv_2d_rows";
    case F32ConvAlgorithm::kWinograd: return "f32_conv_2d_winograd";
    case F32ConvAlgorithm::kSparse: return "f32_conv_2d_sparse";
  }
  return "f32_conv_2d";
}

Result<Conv2DShape> shape_of(const OpContext& context) {
  const Shape& input = context.input(0).shape;
  const Shape& output = context.output(0).shape;
  ZEOLITE_ASSIGN(const Geometry geometry, geometry_of(context));
  Conv2DShape shape;
  set_planes(input, output, geometry.window, &shape);
  shape.input_channels = input[3];
  shape.output_channels = output[3];
  shape.groups = geometry.groups;
  return shape;
}

void pack_integers(const OpContext& context, const State& state, void* to) {
  i8_conv_2d_pack(state.integer_plan, state.product.weights_of(context),
                  product(context.input(1).shape, 1, 4), 1, state.product.columns(context), to);
}

Status prepare_integers(PrepareContext& context, const Conv2DShape& shape) {
  State& state = context.state<State>();
  ZEOLITE_ASSIGN(state.product,
                 integer_product(context, roles_of(context), shape.output_channels,
                                 context.options<Conv2DOptions>().fused_activation_function));
  const IntegerProduct& numbers = state.product;
  const I8ConvAlgorithm before = state.integer_plan.algorithm;
  state.integer_plan = i8_conv_2d_plan(shape, numbers.activations, numbers.stage,
                                       numbers.wide_weights, context.thread_count());
  context.choose("i8_conv_2d", 2.0 * product(context.output(0).shape) *
                                   product(context.input(1).shape, 1, 4));
  context.request_scratch(state.integer_plan.scratch_bytes);
  return state.weights.prepare(context, 1, 2, state.integer_plan.packed_bytes,
                               state.integer_plan.algorithm == before,
                               [&](void* to) { pack_integers(context, state, to); });
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const Shape& filter = context.input(1).shape;
  const Shape& output = context.output(0).shape;
  ZEOLITE_ASSIGN(const Conv2DShape shape, shape_of(context));
  if (has_integer_weights(context, roles_of(context))) return prepare_integers(context, shape);
  ZEOLITE_ASSIGN(state.clamp,
                 fused_clamp(context.options<Conv2DOptions>().fused_activation_function));
  ZEOLITE_ASSIGN(const FloatWeights weights, FloatWeights::of(context, 1));
  const F32Conv2DPlan plan =
      f32_conv_2d_plan(shape, context.thread_count(), F32Conv2DOptions(), weights.data());
  const bool same_form = plan.algorithm == state.plan.algorithm;
  state.plan = plan;
  context.choose(kernel_name(plan.algorithm), 2.0 * product(output) * product(filter, 1, 4));
  context.request_scratch(plan.scratch_bytes);
  return state.weights.prepare(context, 1, 2, plan.packed_bytes, same_form, [&](void* to) {
    f32_conv_2d_pack(plan, weights.data(), data_or_null<float>(context, 2), to);
  });
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  if (has_integer_weights(context, roles_of(context))) {
    const void* packed =
        state.weights.get(context, 1, [&](void* to) { pack_integers(context, state, to); });
    i8_conv_2d_run(state.integer_plan, packed, context.in<uint8_t>(0), context.out<uint8_t>(0),
                   context.scratch(0), context.threads());
    return {};
  }
  const void* packed = state.weights.get(context, 1, [&](void* to) {
    f32_conv_2d_pack(state.plan, context.in<float>(1), data_or_null<float>(context, 2), to);
  });
  f32_conv_2d_run(state.plan, packed, context.in<float>(0), context.out<float>(0), state.clamp,
                  context.scratch(0), context.threads());
  return {};
}

}  // namespace

const OpKernel kConv2dOp = {infer, prepare, eval};

}  // namespace zeolite
