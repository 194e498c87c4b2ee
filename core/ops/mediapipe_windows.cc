// Custom operators of MediaPipe's models with a window. Their options are C structs of int32:
// padding (1 SAME, 2 VALID), stride width, stride height, and of pools filter width, filter height,
// activation (the runtime's own numbers: 0 NONE, 1 RELU, 2 RELU_N1_TO_1, 3 RELU6).
//
// Convolution2DTransposeBias: TRANSPOSE_CONV with a bias, whose output's size follows from the
// input:
//   input [N,H,W,I], filter [O,KH,KW,I], bias [O]
//   output [N, (H - 1) * stride + KH - pad, .., O]; pad is 0, or under SAME
//   max(0, KH - (H - 1) % stride - 1), of which the smaller half comes first
// MaxPoolingWithArgmax2D: MAX_POOL_2D and, as float32, where in its window each maximum is:
//   row * filter width + column + 0.1
// MaxUnpooling2D: puts each value back there: input [N,H,W,C], places [N,H,W,C]
//   output [N, H * filter height, W * filter width, C], zeros elsewhere
// All float32.
#include <algorithm>

#include "core/kernels/f32_transpose_conv.h"
#include "core/ops/custom_options.h"
#include "core/ops/kernels.h"
#include "core/ops/packed_weights.h"
#include "core/ops/window.h"

namespace zeolite {
namespace {

struct WindowOptions {
  Padding padding = Padding::kSame;
  WindowAxes axes;  // Strides, and filters of pools.
  ActivationFunctionType activation = ActivationFunctionType::kNone;
};

Result<WindowOptions> window_options(const OpContext& context, bool is_pool) {
  ZEOLITE_ASSIGN(const std::vector<int32_t> fields,
                 custom_struct(context.op(), is_pool ? 6 : 3));
  WindowOptions options;
  if (fields[0] != 1 && fields[0] != 2) return bad_input("its padding is neither SAME nor VALID");
  options.padding = fields[0] == 1 ? Padding::kSame : Padding::kValid;
  options.axes.width.stride = fields[1];
  options.axes.height.stride = fields[2];
  if (fields[1] < 1 || fields[2] < 1) return bad_input("its strides are not above 0");
  if (!is_pool) return options;
  options.axes.width.filter = fields[3];
  options.axes.height.filter = fields[4];
  if (fields[3] < 1 || fields[4] < 1) return bad_input("its filter is not above 0");
  // The numbers of the C struct and of the file are the same ones up to 3.
  if (fields[5] < 0 || fields[5] > 3) return unsupported("its activation function");
  options.activation = static_cast<ActivationFunctionType>(fields[5]);
  return options;
}

// The output's size of a transposed convolution along one axis, and its padding.
Status resolve_transposed(WindowAxis* axis, Padding padding) {
  if (axis->filter < 1) return bad_input("its filter has no elements");
  if (axis->input < 0) {
    axis->output = kFree;
    return {};
  }
  if (axis->input == 0) return bad_input("its input has no elements");
  const int64_t pad =
      padding == Padding::kSame
          ? std::max<int64_t>(0, int64_t{axis->filter} - (axis->input - 1) % axis->stride - 1)
          : 0;
  const int64_t output = int64_t{axis->stride} * (axis->input - 1) + axis->filter - pad;
  if (output > std::numeric_limits<int32_t>::max()) return bad_input("its output is too large");
  axis->output = static_cast<int32_t>(output);
  axis->pad_before = static_cast<int32_t>(pad / 2);
  return {};
}

Result<WindowAxes> transposed_axes(const OpContext& context) {
  ZEOLITE_ASSIGN(WindowOptions options, window_options(context, false));
  const Shape& input = context.input(0).shape;
  const Shape& filter = context.input(1).shape;
  options.axes.height.input = input[1];
  options.axes.height.filter = filter[1];
  options.axes.width.input = input[2];
  options.axes.width.filter = filter[2];
  ZEOLITE_TRY(resolve_transposed(&options.axes.height, options.padding));
  ZEOLITE_TRY(resolve_transposed(&options.axes.width, options.padding));
  return options.axes;
}

Status infer_transposed(InferContext& context) {
  ZEOLITE_TRY(check_filter(context, 0, 1, ActivationFunctionType::kNone));
  const Shape& input = context.input(0).shape;
  const Shape& filter = context.input(1).shape;
  ZEOLITE_TRY(require_size(context, 0, 3, filter[3], "channels"));
  ZEOLITE_TRY(check_bias(context, 2, filter[0]));
  ZEOLITE_ASSIGN(const WindowAxes axes, transposed_axes(context));
  return context.set_output(0, TensorType::kFloat32,
                            {input[0], axes.height.output, axes.width.output, filter[0]});
}

struct TransposedState : OpState {
  F32TransposeConvPlan plan;
  PackedWeights weights;
};

Status prepare_transposed(PrepareContext& context) {
  TransposedState& state = context.state<TransposedState>();
  const Shape& input = context.input(0).shape;
  const Shape& output = context.output(0).shape;
  ZEOLITE_ASSIGN(const WindowAxes axes, transposed_axes(context));
  TransposeConvShape shape;
  set_planes(input, output, axes, &shape);
  shape.input_channels = input[3];
  shape.output_channels = output[3];
  state.plan = f32_transpose_conv_plan(shape, context.thread_count());
  context.choose("f32_transpose_conv",
                 2.0 * product(input) * product(context.input(1).shape, 0, 3));
  context.request_scratch(state.plan.scratch_bytes);
  return state.weights.prepare(context, 1, 2, state.plan.packed_bytes, true, [&](void* to) {
    f32_transpose_conv_pack(state.plan, data_or_null<float>(context, 1),
                            data_or_null<float>(context, 2), to);
  });
}

Status eval_transposed(EvalContext& context) {
  const TransposedState& state = context.state<TransposedState>();
  const void* packed = state.weights.get(context, 1, [&](void* to) {
    f32_transpose_conv_pack(state.plan, context.in<float>(1), context.in<float>(2), to);
  });
  f32_transpose_conv_run(state.plan, packed, context.in<float>(0), context.out<float>(0), kNoClamp,
                         context.scratch(0), context.threads());
  return {};
}

Result<WindowAxes> pool_axes(const OpContext& context) {
  ZEOLITE_ASSIGN(const WindowOptions options, window_options(context, true));
  WindowAxes axes = options.axes;
  axes.height.input = context.input(0).shape[1];
  axes.width.input = context.input(0).shape[2];
  return resolve_window(axes, options.padding);
}

Status infer_argmax(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 4));
  ZEOLITE_ASSIGN(const WindowAxes axes, pool_axes(context));
  const Shape& input = context.input(0).shape;
  const Shape shape = {input[0], axes.height.output, axes.width.output, input[3]};
  ZEOLITE_TRY(context.set_output(0, TensorType::kFloat32, shape));
  return context.set_output(1, TensorType::kFloat32, shape);
}

Status eval_argmax(EvalContext& context) {
  ZEOLITE_ASSIGN(const WindowOptions options, window_options(context, true));
  ZEOLITE_ASSIGN(const F32Clamp clamp, fused_clamp(options.activation));
  ZEOLITE_ASSIGN(const WindowAxes axes, pool_axes(context));
  const WindowAxis& height = axes.height;
  const WindowAxis& width = axes.width;
  const int64_t channels = context.input(0).shape[3];
  float* values = context.out<float>(0);
  float* places = context.out<float>(1);
  for (int64_t n = 0; n < context.input(0).shape[0]; ++n) {
    const float* image = context.in<float>(0) + n * height.input * width.input * channels;
    for (int32_t y = 0; y < height.output; ++y) {
      const int64_t top = int64_t{y} * height.stride - height.pad_before;
      for (int32_t x = 0; x < width.output; ++x) {
        const int64_t left = int64_t{x} * width.stride - width.pad_before;
        for (int64_t c = 0; c < channels; ++c) {
          float best = std::numeric_limits<float>::lowest();
          int64_t place = 0;
          for (int64_t ky = std::max<int64_t>(0, -top);
               ky < std::min<int64_t>(height.filter, height.input - top); ++ky) {
            for (int64_t kx = std::max<int64_t>(0, -left);
                 kx < std::min<int64_t>(width.filter, width.input - left); ++kx) {
              const float value = image[((top + ky) * width.input + left + kx) * channels + c];
              if (value > best) {
                best = value;
                place = ky * width.filter + kx;
              }
            }
          }
          *values++ = std::clamp(best, clamp.min, clamp.max);
          *places++ = static_cast<float>(place) + 0.1f;
        }
      }
    }
  }
  return {};
}

// The window of the pooling that is undone.
Result<WindowAxes> unpool_axes(const OpContext& context) {
  ZEOLITE_ASSIGN(const WindowOptions options, window_options(context, true));
  WindowAxes axes = options.axes;
  const Shape& input = context.input(0).shape;
  for (const auto& [axis, size] : {std::pair{&axes.height, input[1]},
                                   std::pair{&axes.width, input[2]}}) {
    axis->input = size;
    axis->output = kFree;
    if (size < 0) continue;
    if (__builtin_mul_overflow(size, axis->filter, &axis->output)) {
      return bad_input("its output is too large");
    }
    const int64_t beyond =
        int64_t{size - 1} * axis->stride + axis->filter - int64_t{axis->output};
    axis->pad_before = static_cast<int32_t>(std::clamp<int64_t>(beyond / 2, 0, axis->filter));
  }
  return axes;
}

Status infer_unpooling(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 4));
  ZEOLITE_TRY(require_rank(context, 1, 4));
  const Shape& input = context.input(0).shape;
  for (int axis = 0; axis < 4; ++axis) {
    ZEOLITE_TRY(require_size(context, 1, axis, input[axis], "elements"));
  }
  ZEOLITE_ASSIGN(const WindowAxes axes, unpool_axes(context));
  return context.set_output(0, TensorType::kFloat32,
                            {input[0], axes.height.output, axes.width.output, input[3]});
}

Status eval_unpooling(EvalContext& context) {
  ZEOLITE_ASSIGN(const WindowAxes axes, unpool_axes(context));
  const WindowAxis& height = axes.height;
  const WindowAxis& width = axes.width;
  const Shape& input = context.input(0).shape;
  const int64_t channels = input[3];
  float* out = context.out<float>(0);
  std::fill_n(out, product(context.output(0).shape), 0.0f);
  const float* values = context.in<float>(0);
  const float* places = context.in<float>(1);
  const auto most = static_cast<float>(std::numeric_limits<int32_t>::max() / 2);
  for (int64_t n = 0; n < input[0]; ++n) {
    float* image = out + n * height.output * width.output * channels;
    for (int64_t y = 0; y < input[1]; ++y) {
      for (int64_t x = 0; x < input[2]; ++x) {
        for (int64_t c = 0; c < channels; ++c, ++values, ++places) {
          // What is no place in the output has nowhere to go.
          if (!(*places >= 0 && *places < most)) continue;
          const auto place = static_cast<int64_t>(*places);
          const int64_t to_y = y * height.stride - height.pad_before + place / width.filter;
          const int64_t to_x = x * width.stride - width.pad_before + place % width.filter;
          if (to_y < 0 || to_y >= height.output || to_x < 0 || to_x >= width.output) continue;
          image[(to_y * width.output + to_x) * channels + c] = *values;
        }
      }
    }
  }
  return {};
}

}  // namespace

const OpKernel kTransposeConvBiasOp = {infer_transposed, prepare_transposed, eval_transposed};
const OpKernel kMaxPoolArgmaxOp = {infer_argmax, nullptr, eval_argmax};
const OpKernel kMaxUnpoolingOp = {infer_unpooling, nullptr, eval_unpooling};

}  // namespace zeolite
