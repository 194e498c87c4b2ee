// Along the last axis of [..., C], float32:
//   L2_NORMALIZATION (1, 2): output = x / max(sqrt(sum of x^2), 1e-6); int8 and uint8 too, where
//     the output's scale is 1/128 and its zero point 0 or 128
//   LOCAL_RESPONSE_NORMALIZATION (1): output[c] = x[c] *
//     (bias + alpha * sum of x[i]^2 for |i - c| <= radius)^-beta; 4 dimensions
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/kernels/fixed_point.h"
#include "core/ops/kernels.h"
#include "core/ops/quantization.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  if (context.code() == BuiltinOperator::kL2Normalization) {
    if (context.options<L2NormOptions>().fused_activation_function !=
        ActivationFunctionType::kNone) {
      return unsupported("a fused activation is not supported here");
    }
  } else {
    ZEOLITE_TRY(require_rank(context, 0, 4));
    if (context.options<LocalResponseNormalizationOptions>().radius < 0) {
      return bad_input("the radius is negative");
    }
  }
  return context.set_output(0, context.input(0).type, context.input(0).shape);
}

struct State : OpState {
  int32_t zero_point = 0;  // Of a quantized input.
};

Status prepare(PrepareContext& context) {
  const TensorType type = context.input(0).type;
  if (!is_quantized_type(type)) return {};
  ZEOLITE_ASSIGN(const Affine input, input_affine(context, 0));
  ZEOLITE_ASSIGN(const Affine output, output_affine(context, 0));
  const int32_t zero_point = type == TensorType::kUint8 ? 128 : 0;
  if (output.scale != 1.0f / 128 || output.zero_point != zero_point) {
    return bad_input("the output's scale and zero point are not 1/128 and " +
                     std::to_string(zero_point));
  }
  context.state<State>().zero_point = input.zero_point;
  return {};
}

// The scale of the input plays no part.
template <class T>
void l2_normalize_stored(int64_t depth, int32_t zero_point, const T* input, T* output) {
  constexpr int32_t kOutputZero = std::is_signed_v<T> ? 0 : 128;
  constexpr int kOutputBits = 7;
  int64_t sum = 0;
  for (int64_t c = 0; c < depth; ++c) {
    const int32_t x = input[c] - zero_point;
    sum += x * x;
  }
  FixedPointFactor factor =
      fixed_inverse_sqrt(static_cast<int32_t>(std::min<int64_t>(sum, INT32_MAX)));
  if (std::is_signed_v<T>) factor.shift += kOutputBits;
  for (int64_t c = 0; c < depth; ++c) {
    const int32_t x = (input[c] - zero_point) * (std::is_signed_v<T> ? 1 : 1 << kOutputBits);
    const int32_t stored = scale_by(x, factor) + kOutputZero;
    output[c] = static_cast<T>(std::clamp<int32_t>(stored, std::numeric_limits<T>::lowest(),
                                                   std::numeric_limits<T>::max()));
  }
}

void l2_normalize(int64_t depth, const float* input, float* output) {
  double sum = 0;
  for (int64_t c = 0; c < depth; ++c) sum += double{input[c]} * input[c];
  const float norm = std::max(static_cast<float>(std::sqrt(sum)), 1e-6f);
  for (int64_t c = 0; c < depth; ++c) output[c] = input[c] / norm;
}

void local_response(const LocalResponseNormalizationOptions& options, int64_t depth,
                    const float* input, float* output) {
  for (int64_t c = 0; c < depth; ++c) {
    const int64_t from = std::max<int64_t>(0, c - options.radius);
    const int64_t to = std::min<int64_t>(depth, c + options.radius + 1);
    float sum = 0;
    for (int64_t i = from; i < to; ++i) sum += input[i] * input[i];
    output[c] = input[c] * std::pow(options.bias + options.alpha * sum, -options.beta);
  }
}

Status eval(EvalContext& context) {
  const Shape& shape = context.input(0).shape;
  const int64_t depth = shape.empty() ? 1 : shape.back();
  const int64_t rows = shape.empty() ? 1 : product(shape, 0, shape.size() - 1);
  const TensorType type = context.input(0).type;
  if (is_quantized_type(type)) {
    const int32_t zero_point = context.state<State>().zero_point;
    return dispatch<kI8 | kU8>(type, [&]<class T>() -> Status {
      for (int64_t row = 0; row < rows; ++row) {
        l2_normalize_stored(depth, zero_point, context.in<T>(0) + row * depth,
                            context.out<T>(0) + row * depth);
      }
      return {};
    });
  }
  const float* input = context.in<float>(0);
  float* output = context.out<float>(0);
  const bool is_l2 = context.code() == BuiltinOperator::kL2Normalization;
  const auto& options = context.options<LocalResponseNormalizationOptions>();
  for (int64_t row = 0; row < rows; ++row, input += depth, output += depth) {
    if (is_l2) {
      l2_normalize(depth, input, output);
    } else {
      local_response(options, depth, input, output);
    }
  }
  return {};
}

}  // namespace

const OpKernel kNormalizationOp = {infer, prepare, eval};

}  // namespace zeolite
