// A window of filter_height x filter_width slides over each channel:
//   AVERAGE_POOL_2D (1 to 3): the mean of the window's pixels that lie inside the input
//   MAX_POOL_2D (1 to 3):     their largest
//   L2_POOL_2D (1):           the square root of the mean of their squares
//   input [N,H,W,C]    output [N,OH,OW,C], then the fused activation
// Float32; AVERAGE and MAX of int8, uint8 and int16 too, whose input and output have one scale (a
// difference plays no part). Padding counts neither as values nor in the divisor.
#include <algorithm>
#include <cmath>

#include "core/kernels/f32_pool_2d.h"
#include "core/kernels/pool_windows.h"
#include "core/kernels/quantized_pool_2d.h"
#include "core/ops/kernels.h"
#include "core/ops/quantized_binary.h"
#include "core/ops/window.h"

namespace zeolite {
namespace {

struct State : OpState {
  Pool2DShape shape;
  F32Clamp clamp;
  StoredRange range;
};

Result<WindowAxes> window_of(const OpContext& context) {
  const auto& options = context.options<Pool2DOptions>();
  const Shape& input = context.input(0).shape;
  return resolve_window({{input[1], options.filter_height, options.stride_h},
                         {input[2], options.filter_width, options.stride_w}},
                        options.padding);
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 4));
  ZEOLITE_TRY(check_fused(context.options<Pool2DOptions>().fused_activation_function));
  ZEOLITE_ASSIGN(const WindowAxes window, window_of(context));
  const Shape& input = context.input(0).shape;
  return context.set_output(0, context.input(0).type,
                            {input[0], window.height.output, window.width.output, input[3]});
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const Shape& input = context.input(0).shape;
  const Shape& output = context.output(0).shape;
  ZEOLITE_ASSIGN(const WindowAxes window, window_of(context));
  ZEOLITE_ASSIGN(state.clamp,
                 fused_clamp(context.options<Pool2DOptions>().fused_activation_function));
  set_planes(input, output, window, &state.shape);
  state.shape.channels = input[3];
  if (is_quantized_type(context.input(0).type)) {
    ZEOLITE_ASSIGN(const Affine affine, output_affine(context, 0));
    ZEOLITE_ASSIGN(state.range,
                   fused_range(context.options<Pool2DOptions>().fused_activation_function,
                               context.input(0).type, affine));
    context.choose(context.code() == BuiltinOperator::kMaxPool2d ? "quantized_max_pool_2d"
                                                                 : "quantized_average_pool_2d");
    return {};
  }
  const double flops = 1.0 * product(output) * window.height.filter * window.width.filter;
  switch (context.code()) {
    case BuiltinOperator::kAveragePool2d: context.choose("f32_average_pool_2d", flops); break;
    case BuiltinOperator::kMaxPool2d: context.choose("f32_max_pool_2d", flops); break;
    default: context.choose("reference", 2 * flops);
  }
  return {};
}

void l2_pool(const Pool2DShape& shape, const float* input, float* output, F32Clamp clamp,
             ThreadPool* pool) {
  const int64_t channels = shape.channels;
  for_each_pool_window(shape, channels, pool, [&](const PoolWindow& window, int64_t at) {
    const auto count = static_cast<float>(window.count());
    for (int64_t c = 0; c < channels; ++c) {
      float sum = 0;
      for (int64_t y = 0; y < window.rows; ++y) {
        const float* row = input + window.first + y * window.row_step + c;
        for (int64_t x = 0; x < window.columns; ++x) sum += row[x * channels] * row[x * channels];
      }
      output[at + c] = std::min(std::max(std::sqrt(sum / count), clamp.min), clamp.max);
    }
  });
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  const TensorType type = context.input(0).type;
  if (is_quantized_type(type)) {
    const auto pool = context.code() == BuiltinOperator::kMaxPool2d ? quantized_max_pool_2d
                                                                    : quantized_average_pool_2d;
    pool(state.shape, small_integer(type), context.input(0).data, state.range.min, state.range.max,
         context.output(0).writable, context.threads());
    return {};
  }
  const float* input = context.in<float>(0);
  float* output = context.out<float>(0);
  switch (context.code()) {
    case BuiltinOperator::kAveragePool2d:
      f32_average_pool_2d(state.shape, input, output, state.clamp, context.threads());
      break;
    case BuiltinOperator::kMaxPool2d:
      f32_max_pool_2d(state.shape, input, output, state.clamp, context.threads());
      break;
    default: l2_pool(state.shape, input, output, state.clamp, context.threads());
  }
  return {};
}

}  // namespace

const OpKernel kPool2dOp = {infer, prepare, eval};

}  // namespace zeolite
