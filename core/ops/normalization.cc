// Along the last axis of [..., C], float32:
//   L2_NORMALIZATION (1, 2): output = x / max(sqrt(sum of x^2), 1e-6)
//   LOCAL_RESPONSE_NORMALIZATION (1): output[c] = x[c] *
//     (bias + alpha * sum of x[i]^2 for |i - c| <= radius)^-beta; 4 dimensions
#include <algorithm>
#include <cmath>

#include "core/ops/check.h"
#include "core/ops/kernels.h"

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

const OpKernel kNormalizationOp = {infer, nullptr, eval};

}  // namespace zeolite
