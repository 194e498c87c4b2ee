// CONV_3D (1): output[n,z,y,x,o] = act(bias[o] + sum over kz,ky,kx,i of
//   input[n, z*stride_d + kz*dilation_d - pad, y*..., x*..., i] * filter[kz,ky,kx,i,o])
//   input [N,D,H,W,I]    filter [KD,KH,KW,I,O]    bias [O] or absent    output [N,OD,OH,OW,O]
// CONV_3D_TRANSPOSE (1): its transpose with respect to the input: input pixel z,y,x adds
//   filter[kz,ky,kx,o,:] . input[n,z,y,x,:] to output pixel (z*stride_d + kz*dilation_d - pad, ...)
//   output_shape int32 [5]    filter [KD,KH,KW,O,I]    input [N,D,H,W,I]    bias [O] or absent
//   output as output_shape says: a convolution of it must give the input's sizes
// Float32. Outside the input is zero; SAME puts the odd padding at the end.
#include "core/kernels/f32_conv_3d.h"
#include "core/ops/kernels.h"
#include "core/ops/packed_weights.h"
#include "core/ops/window.h"

namespace zeolite {
namespace {

struct State : OpState {
  Conv3DShape shape;
  F32Clamp clamp;
  PackedWeights weights;
};

struct Roles {
  bool transposed;
  size_t input;
  size_t filter = 1;
  size_t bias;
};

Roles roles_of(const OpContext& context) {
  if (context.code() == BuiltinOperator::kConv3dTranspose) return {true, 2, 1, 3};
  return {false, 0, 1, 2};
}

struct Window3D {
  WindowAxis axes[3];
};

// The window over the larger side: the input, or the transposed one's output.
Result<Window3D> window_of(const OpContext& context, const Shape& larger) {
  const auto& options = context.options<Conv3DOptions>();
  const Shape& filter = context.input(1).shape;
  const int32_t strides[3] = {options.stride_d, options.stride_h, options.stride_w};
  const int32_t dilations[3] = {options.dilation_d_factor, options.dilation_h_factor,
                                options.dilation_w_factor};
  const char* const names[3] = {"depth", "height", "width"};
  Window3D window;
  for (int a = 0; a < 3; ++a) {
    window.axes[a] = {larger[a + 1], filter[a], strides[a], dilations[a]};
    ZEOLITE_TRY(resolve_window(&window.axes[a], options.padding, names[a]));
  }
  return window;
}

Status infer(InferContext& context) {
  const Roles roles = roles_of(context);
  ZEOLITE_TRY(require_rank(context, roles.input, 5));
  ZEOLITE_TRY(require_rank(context, roles.filter, 5));
  const Shape& input = context.input(roles.input).shape;
  const Shape& filter = context.input(roles.filter).shape;
  if (!is_static(filter)) return bad_input("the filter's shape is not known");
  ZEOLITE_TRY(check_fused(context.options<Conv3DOptions>().fused_activation_function));
  const int32_t inputs = filter[roles.transposed ? 4 : 3];
  const int32_t outputs = filter[roles.transposed ? 3 : 4];
  ZEOLITE_TRY(require_size(context, roles.input, 4, inputs, "channels"));
  ZEOLITE_TRY(check_bias(context, roles.bias, outputs));
  const TensorType type = context.input(roles.input).type;
  if (!roles.transposed) {
    ZEOLITE_ASSIGN(const Window3D window, window_of(context, input));
    return context.set_output(0, type,
                              {input[0], window.axes[0].output, window.axes[1].output,
                               window.axes[2].output, outputs});
  }
  ZEOLITE_TRY(require_rank(context, 0, 1));
  if (!context.input(0).has_data) return context.set_output_unknown(0, type);
  ZEOLITE_ASSIGN(Shape output, shape_of_integers(context, 0));
  if (output.size() != 5 || output[4] != outputs || (input[0] >= 0 && output[0] != input[0])) {
    return bad_input("output shape " + shape_text(output) + " does not fit input " +
                     shape_text(input) + " and filter " + shape_text(filter));
  }
  ZEOLITE_ASSIGN(const Window3D window, window_of(context, output));
  for (int a = 0; a < 3; ++a) {
    ZEOLITE_TRY(require_size(context, roles.input, a + 1, window.axes[a].output, "elements"));
  }
  return context.set_output(0, type, std::move(output));
}

void pack(const OpContext& context, const State& state, void* to) {
  const float* const weights = data_or_null<float>(context, 1);
  const Roles roles = roles_of(context);
  if (roles.transposed) {
    f32_conv_3d_transpose_pack(state.shape, weights, to);
  } else {
    f32_conv_3d_pack(state.shape, weights, data_or_null<float>(context, roles.bias), to);
  }
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const Roles roles = roles_of(context);
  const Shape& input = context.input(roles.input).shape;
  const Shape& output = context.output(0).shape;
  ZEOLITE_ASSIGN(const Window3D window, window_of(context, roles.transposed ? output : input));
  ZEOLITE_ASSIGN(state.clamp,
                 fused_clamp(context.options<Conv3DOptions>().fused_activation_function));
  Conv3DShape& shape = state.shape;
  shape.batch = input[0];
  shape.input_channels = input[4];
  shape.output_channels = output[4];
  for (int a = 0; a < 3; ++a) {
    const WindowAxis& axis = window.axes[a];
    shape.axes[a] = {input[a + 1],  output[a + 1],  axis.filter,
                     axis.stride, axis.dilation, axis.pad_before};
  }
  const double pixels = static_cast<double>(
      shape.batch * (roles.transposed ? shape.input_pixels() : shape.output_pixels()));
  context.choose(roles.transposed ? "f32_conv_3d_transpose" : "f32_conv_3d",
                 2.0 * pixels * shape.taps() * shape.input_channels * shape.output_channels);
  context.request_scratch(roles.transposed
                              ? f32_conv_3d_transpose_scratch_bytes(shape)
                              : f32_conv_3d_scratch_bytes(shape, context.thread_count()));
  return state.weights.prepare(context, 1, roles.bias,
                               roles.transposed ? f32_conv_3d_transpose_packed_bytes(shape)
                                                : f32_conv_3d_packed_bytes(shape),
                               true, [&](void* to) { pack(context, state, to); });
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  const Roles roles = roles_of(context);
  const void* const packed =
      state.weights.get(context, 1, [&](void* to) { pack(context, state, to); });
  const float* const input = context.in<float>(roles.input);
  if (roles.transposed) {
    f32_conv_3d_transpose_run(state.shape, packed, data_or_null<float>(context, roles.bias), input,
                              context.out<float>(0), state.clamp, context.scratch(0),
                              context.threads());
  } else {
    f32_conv_3d_run(state.shape, packed, input, context.out<float>(0), state.clamp,
                    context.scratch(0), context.threads());
  }
  return {};
}

}  // namespace

const OpKernel kConv3dOp = {infer, prepare, eval};

}  // namespace zeolite
