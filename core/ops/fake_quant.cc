// FAKE_QUANT (1 to 2): rounds to the values that `num_bits` bits can hold between min and max,
// moved so that 0 is one of them.
//   input float32 of any shape    output the same
//   Jacob et al., "Quantization and Training of Neural Networks ..." (CVPR 2018), section 3
#include <algorithm>
#include <cmath>

#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const auto& options = context.options<FakeQuantOptions>();
  if (options.narrow_range) return unsupported("narrow_range");
  if (options.num_bits < 2 || options.num_bits > 16) {
    return bad_input(std::to_string(options.num_bits) + " bits are not between 2 and 16");
  }
  if (!(options.min < options.max)) return bad_input("min is not below max");
  return context.set_output(0, TensorType::kFloat32, context.input(0).shape);
}

Status eval(EvalContext& context) {
  const auto& options = context.options<FakeQuantOptions>();
  const float highest = static_cast<float>((1 << options.num_bits) - 1);
  const float scale = (options.max - options.min) / highest;
  const float exact_zero = -options.min / scale;
  const float zero = std::clamp(std::round(exact_zero), 0.0f, highest);
  const float low = -zero * scale;
  const float high = (highest - zero) * scale;
  const float inverse = 1.0f / scale;
  const int64_t count = product(context.output(0).shape);
  for (int64_t i = 0; i < count; ++i) {
    const float clamped = std::min(std::max(low, context.in<float>(0)[i]), high);
    context.out<float>(0)[i] = std::round((clamped - low) * inverse) * scale + low;
  }
  return {};
}

}  // namespace

const OpKernel kFakeQuantOp = {infer, nullptr, eval};

}  // namespace zeolite
