// NumericVerify: how far quantized numbers are from what they stand for.
//   input int8, uint8 or int16 with a scale, or float16    reference float32, the same elements
//   output float32 [as input] = input - reference
// Options (FlexBuffers): tolerance (in units of the scale), log_if_failed: with it and a tolerance
// of 0.1 or more, a larger difference is an error.
#include <cmath>

#include "core/base/decimal.h"
#include "core/base/half.h"
#include "core/ops/check.h"
#include "core/ops/custom_options.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/quantization.h"

namespace zeolite {
namespace {

constexpr TypeSet kTypes = kI8 | kU8 | kI16 | kF16;

Status infer(InferContext& context) {
  ZEOLITE_TRY(CustomOptions::read(context.op()).take_status());
  const Operand& input = context.input(0);
  if (input.type != TensorType::kFloat16) {
    ZEOLITE_TRY(input_affine(context, 0).take_status());
  }
  const int64_t count = product(input.shape);
  const int64_t references = product(context.input(1).shape);
  if (count >= 0 && references >= 0 && count != references) {
    return bad_input(input_text(context, 0) + " and " + input_text(context, 1) +
                     " have different numbers of elements");
  }
  return context.set_output(0, TensorType::kFloat32, input.shape);
}

Status eval(EvalContext& context) {
  ZEOLITE_ASSIGN(const CustomOptions options, CustomOptions::read(context.op()));
  const auto tolerance = static_cast<float>(options.real("tolerance"));
  const bool is_checked = options.boolean("log_if_failed") && tolerance >= 0.1f;
  const Operand& input = context.input(0);
  Affine affine;
  if (input.type != TensorType::kFloat16) {
    ZEOLITE_ASSIGN(affine, input_affine(context, 0));
  }
  return dispatch<kTypes>(input.type, [&]<class T>() -> Status {
    const int64_t count = product(input.shape);
    for (int64_t i = 0; i < count; ++i) {
      float real;
      if constexpr (std::is_integral_v<T>) {
        const int32_t centred = static_cast<int32_t>(context.in<T>(0)[i]) - affine.zero_point;
        real = static_cast<float>(affine.scale * centred);
      } else {
        real = static_cast<float>(context.in<T>(0)[i]);
      }
      const float difference = real - context.in<float>(1)[i];
      context.out<float>(0)[i] = difference;
      if (is_checked && std::fabs(difference) > tolerance * affine.scale) {
        return bad_input("element " + std::to_string(i) + " is off by " +
                         decimal_text(difference));
      }
    }
    return {};
  });
}

}  // namespace

const OpKernel kNumericVerifyOp = {infer, nullptr, eval};

}  // namespace zeolite
