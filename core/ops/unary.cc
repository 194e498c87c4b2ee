// Functions of one element. input any shape, output the same shape and type.
//   ABS NEG SQUARE SIGN FLOOR CEIL ROUND (ties to even) EXP LOG SQRT RSQRT SIN COS TANH LOGISTIC
//   ELU (exp(x) - 1 below 0) GELU (by erf, or by tanh where `approximate`) HARD_SWISH
//   RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 LEAKY_RELU (alpha * x below 0) LOGICAL_NOT ZEROS_LIKE
// Float32 for all but LOGICAL_NOT (bool); ABS, NEG, SIGN and ZEROS_LIKE take integers too.
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/kernels/f32_unary.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;

// The functions that have a SIMD kernel.
bool fast_function(const OpContext& context, F32Unary* function, F32UnaryParameters* parameters) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto is = [&](F32Unary which) {
    *function = which;
    return true;
  };
  const auto clamps = [&](float low, float high) {
    parameters->clamp = {low, high};
    return is(F32Unary::kClamp);
  };
  switch (context.code()) {
    case Code::kRelu: return clamps(0.0f, kInfinity);
    case Code::kRelu6: return clamps(0.0f, 6.0f);
    case Code::kReluN1To1: return clamps(-1.0f, 1.0f);
    case Code::kRelu0To1: return clamps(0.0f, 1.0f);
    case Code::kLeakyRelu:
      parameters->alpha = context.options<LeakyReluOptions>().alpha;
      return is(F32Unary::kLeakyRelu);
    case Code::kElu: return is(F32Unary::kElu);
    case Code::kGelu:
      return is(context.options<GeluOptions>().approximate ? F32Unary::kGeluTanh : F32Unary::kGelu);
    case Code::kHardSwish: return is(F32Unary::kHardSwish);
    case Code::kLogistic: return is(F32Unary::kLogistic);
    case Code::kTanh: return is(F32Unary::kTanh);
    case Code::kExp: return is(F32Unary::kExp);
    case Code::kLog: return is(F32Unary::kLog);
    case Code::kSqrt: return is(F32Unary::kSqrt);
    case Code::kRsqrt: return is(F32Unary::kRsqrt);
    case Code::kSquare: return is(F32Unary::kSquare);
    case Code::kAbs: return is(F32Unary::kAbs);
    case Code::kNeg: return is(F32Unary::kNeg);
    case Code::kFloor: return is(F32Unary::kFloor);
    case Code::kCeil: return is(F32Unary::kCeil);
    case Code::kRound: return is(F32Unary::kRound);
    default: return false;
  }
}

Status infer(InferContext& context) {
  return context.set_output(0, context.input(0).type, context.input(0).shape);
}

Status prepare(PrepareContext& context) {
  F32Unary function;
  F32UnaryParameters parameters;
  if (context.input(0).type == TensorType::kFloat32 &&
      fast_function(context, &function, &parameters)) {
    context.choose("f32_unary");
  }
  context.allow_in_place();
  return {};
}

template <class T>
T reference(Code code, T x) {
  if constexpr (std::is_integral_v<T>) {
    using Wrapping = std::make_unsigned_t<T>;
    const T negated = static_cast<T>(Wrapping{0} - static_cast<Wrapping>(x));
    switch (code) {
      case Code::kAbs: return x < 0 ? negated : x;
      case Code::kNeg: return negated;
      default: return static_cast<T>((x > 0) - (x < 0));
    }
  } else {
    switch (code) {
      case Code::kSin: return std::sin(x);
      case Code::kCos: return std::cos(x);
      default: return x > 0 ? T{1} : x < 0 ? T{-1} : x;
    }
  }
}

Status eval(EvalContext& context) {
  const Operand& input = context.input(0);
  const Operand& output = context.output(0);
  if (output.bytes == 0) return {};
  if (context.code() == Code::kZerosLike) {
    std::memset(output.writable, 0, output.bytes);
    return {};
  }
  if (context.code() == Code::kLogicalNot) {
    for (uint64_t i = 0; i < output.bytes; ++i) output.writable[i] = input.data[i] == 0;
    return {};
  }
  F32Unary function;
  F32UnaryParameters parameters;
  if (input.type == TensorType::kFloat32 && fast_function(context, &function, &parameters)) {
    f32_unary(function, parameters, context.in<float>(0), context.out<float>(0),
              product(output.shape), context.threads());
    return {};
  }
  return dispatch<kF32 | kF64 | kI16 | kI32 | kI64>(input.type, [&]<class T>() -> Status {
    const T* from = context.in<T>(0);
    T* to = context.out<T>(0);
    const int64_t count = product(output.shape);
    for (int64_t i = 0; i < count; ++i) to[i] = reference<T>(context.code(), from[i]);
    return {};
  });
}

}  // namespace

const OpKernel kUnaryOp = {infer, prepare, eval};

}  // namespace zeolite
