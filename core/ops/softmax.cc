// Along the last axis:
//   SOFTMAX (1 to 4):     output = exp(beta * x) / sum of exp(beta * x); a scalar gives 1
//   LOG_SOFTMAX (1, 2):   output = x - log(sum of exp(x))
//   input  any shape, float32, float16 or quantized    output the same
// Quantized SOFTMAX takes int8, uint8 and int16, and gives the same type or int16; LOG_SOFTMAX
// takes int8 and uint8. The output's scale is fixed: 1/256 with the lowest number for 0; int16 has
// 1/32768 with 0 for 0, or from 8 bits 1/65536 with the lowest; LOG_SOFTMAX 1/16 with the largest
// number.
#include <cmath>

#include "core/base/decimal.h"
#include "core/kernels/f32_softmax.h"
#include "core/kernels/quantized_softmax.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/quantization.h"
#include "core/ops/quantized_binary.h"
#include "core/ops/widened.h"

namespace zeolite {
namespace {

bool is_log_softmax(const OpContext& context) {
  return context.code() == BuiltinOperator::kLogSoftmax;
}

Status infer(InferContext& context) {
  const TensorType type = context.input(0).type;
  const bool is_to_16_bits = !is_log_softmax(context) && is_quantized_type(type) &&
                             context.output(0).type == TensorType::kInt16;
  return context.set_output(0, is_to_16_bits ? TensorType::kInt16 : type, context.input(0).shape);
}

struct State : OpState {
  Affine output;
  float input_scale = 1;
  ExponentialTable exponentials;          // Of 8-bit inputs.
  std::unique_ptr<SoftmaxPoints> points;  // Of int16.
  FixedPointFactor factor;
};

Status prepare_quantized(PrepareContext& context) {
  State& state = context.state<State>();
  const TensorType type = context.output(0).type;
  ZEOLITE_ASSIGN(const Affine input, input_affine(context, 0));
  ZEOLITE_ASSIGN(state.output, output_affine(context, 0));
  const bool is_log = is_log_softmax(context);
  const StoredRange range = stored_range(type);
  const bool is_from_16_bits = context.input(0).type == TensorType::kInt16;
  const bool is_symmetric =
      type == TensorType::kInt16 && (is_from_16_bits || state.output.zero_point == 0);
  const float scale = is_log                       ? 1.0f / 16
                      : is_symmetric               ? 1.0f / 32768
                      : type == TensorType::kInt16 ? 1.0f / 65536
                                                   : 1.0f / 256;
  const int32_t zero_point = is_log ? range.max : is_symmetric ? 0 : range.min;
  if (std::abs(state.output.scale - scale) > scale / 1000 ||
      state.output.zero_point != zero_point) {
    return bad_input("the output's scale and zero point are " +
                     decimal_text(state.output.scale) + " and " +
                     std::to_string(state.output.zero_point) + ", expected " +
                     decimal_text(scale) + " and " + std::to_string(zero_point));
  }
  const float beta = is_log ? 1.0f : context.options<SoftmaxOptions>().beta;
  if (!std::isfinite(beta) || beta < 0) return bad_input("beta is negative or not finite");
  state.input_scale = input.scale;
  context.choose(is_log ? "quantized_log_softmax" : "quantized_softmax");
  if (is_from_16_bits) {
    if (state.points == nullptr) state.points = std::make_unique<SoftmaxPoints>();
    fill_softmax_points(state.points.get());
    state.factor = fixed_point_factor(double{input.scale * beta} / (10.0 / 65535.0));
  } else {
    fill_exponentials(input.scale, beta, &state.exponentials);
  }
  return {};
}

Status prepare(PrepareContext& context) {
  const bool is_log = is_log_softmax(context);
  if (is_quantized_type(context.input(0).type)) return prepare_quantized(context);
  context.choose(is_log ? "f32_log_softmax" : "f32_softmax");
  context.allow_in_place();
  return {};
}

Status eval(EvalContext& context) {
  const Shape& shape = context.input(0).shape;
  const int64_t depth = shape.empty() ? 1 : shape.back();
  const int64_t rows = shape.empty() ? 1 : product(shape, 0, shape.size() - 1);
  const TensorType type = context.input(0).type;
  if (context.output(0).bytes == 0) return {};
  if (type == TensorType::kInt16) {
    const State& state = context.state<State>();
    int16_softmax(*state.points, rows, depth, state.factor, context.in<int16_t>(0),
                  context.out<int16_t>(0), context.threads());
    return {};
  }
  if (is_quantized_type(type)) {
    const State& state = context.state<State>();
    const uint8_t* from = context.in<uint8_t>(0);
    uint8_t* to = context.out<uint8_t>(0);
    if (is_log_softmax(context)) {
      quantized_log_softmax(state.exponentials, rows, depth, small_integer(type), from,
                            state.input_scale, state.output, to, context.threads());
    } else {
      quantized_softmax(state.exponentials, rows, depth, small_integer(type), from, state.output,
                        small_integer(context.output(0).type), to, context.threads());
    }
    return {};
  }
  if (is_log_softmax(context)) {
    f32_log_softmax(rows, depth, context.in<float>(0), context.out<float>(0), context.threads());
  } else {
    f32_softmax(rows, depth, context.options<SoftmaxOptions>().beta, context.in<float>(0),
                context.out<float>(0), context.threads());
  }
  return {};
}

}  // namespace

const OpKernel kSoftmaxOp = widened<infer, prepare, eval, kWidenFloats>();

}  // namespace zeolite
