// Functions of one element. input any shape, output the same shape and type.
//   ABS NEG SQUARE SIGN FLOOR CEIL ROUND (ties to even) EXP LOG SQRT RSQRT SIN COS TANH LOGISTIC
//   ELU (exp(x) - 1 below 0) GELU (by erf, or by tanh where `approximate`) HARD_SWISH
//   RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 LEAKY_RELU (alpha * x below 0) LOGICAL_NOT ZEROS_LIKE
// Float32 for all but LOGICAL_NOT (bool); NEG, SIGN and ZEROS_LIKE take integers too. int8 and
// uint8 are quantized, by a table of all results, except in NEG; so is int16 (quantized_unary.h),
// except in NEG and where an ABS has no scale.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>

#include "core/base/wrapping.h"
#include "core/kernels/f32_unary.h"
#include "core/kernels/lookup.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/quantized_unary.h"
#include "core/ops/widened.h"

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

struct State : OpState {
  ByteFunction bytes;                         // Of 8-bit inputs.
  std::unique_ptr<QuantizedUnary> quantized;  // Of 16-bit inputs.
  int32_t least_input = std::numeric_limits<int32_t>::min();
};

bool is_quantized(const OpContext& context) {
  const Operand& input = context.input(0);
  if (context.code() == Code::kNeg || !is_quantized_type(input.type)) return false;
  return has_scale(input) || context.code() != Code::kAbs || input.type != TensorType::kInt16;
}

Status prepare_quantized(PrepareContext& context) {
  State& state = context.state<State>();
  ZEOLITE_ASSIGN(const QuantizedUnary function, QuantizedUnary::of(context));
  state.least_input = function.least_input();
  if (context.input(0).type == TensorType::kInt16) {
    state.quantized = std::make_unique<QuantizedUnary>(function);
    return {};
  }
  const StoredRange range = stored_range(context.input(0).type);
  for (int32_t x = range.min; x <= range.max; ++x) {
    state.bytes.results[static_cast<uint8_t>(x)] =
        static_cast<uint8_t>(x < state.least_input ? 0 : function(x));
  }
  const bool is_signed = context.input(0).type == TensorType::kInt8;
  state.bytes.find_line(function.slope(), is_signed, is_signed);
  context.choose("lookup");
  return {};
}

template <class T>
bool has_less(const T* values, int64_t count, int32_t least) {
  return std::any_of(values, values + count, [&](T x) { return x < least; });
}

Status eval_quantized(EvalContext& context) {
  const State& state = context.state<State>();
  const int64_t count = product(context.output(0).shape);
  const TensorType type = context.input(0).type;
  if (state.least_input > stored_range(type).min) {
    const int32_t least = state.least_input;
    const bool is_outside =
        type == TensorType::kInt16  ? has_less(context.in<int16_t>(0), count, least)
        : type == TensorType::kInt8 ? has_less(context.in<int8_t>(0), count, least)
                                    : has_less(context.in<uint8_t>(0), count, least);
    if (is_outside) return bad_input("a negative number has no square root");
  }
  if (type != TensorType::kInt16) {
    lookup(state.bytes, context.in<uint8_t>(0), count, context.out<uint8_t>(0),
           context.threads());
    return {};
  }
  const int16_t* from = context.in<int16_t>(0);
  int16_t* to = context.out<int16_t>(0);
  const QuantizedUnary& function = *state.quantized;
  if (function.rescale_int16(from, count, to, context.threads())) return {};
  for (int64_t i = 0; i < count; ++i) to[i] = static_cast<int16_t>(function(from[i]));
  return {};
}

Status prepare(PrepareContext& context) {
  F32Unary function;
  F32UnaryParameters parameters;
  if (context.input(0).type == TensorType::kFloat32 &&
      fast_function(context, &function, &parameters)) {
    context.choose("f32_unary");
  }
  context.allow_in_place();
  return is_quantized(context) ? prepare_quantized(context) : Status();
}

template <class T>
T reference(Code code, T x) {
  if constexpr (std::is_integral_v<T>) {
    const T negated = wrapping_sub(T{0}, x);
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
  if (is_quantized(context)) return eval_quantized(context);
  F32Unary function;
  F32UnaryParameters parameters;
  if (input.type == TensorType::kFloat32 && fast_function(context, &function, &parameters)) {
    f32_unary(function, parameters, context.in<float>(0), context.out<float>(0),
              product(output.shape), context.threads());
    return {};
  }
  return dispatch<kF32 | kF64 | kI8 | kI16 | kI32 | kI64>(input.type, [&]<class T>() -> Status {
    const T* from = context.in<T>(0);
    T* to = context.out<T>(0);
    const int64_t count = product(output.shape);
    for (int64_t i = 0; i < count; ++i) to[i] = reference<T>(context.code(), from[i]);
    return {};
  });
}

// GELU of float16: 1 + tanh and erfc of what is rounded lose digits below 0, as many as each step
// in float16 keeps. So the steps are those of the real kernel: all numbers of 16 bits give what it
// gives.
bool is_half_gelu(const OpContext& context) {
  return context.code() == Code::kGelu && context.input(0).type == TensorType::kFloat16;
}

void half_gelu(bool approximate, const Float16* from, int64_t count, Float16* to) {
  const auto half = [](float x) { return static_cast<float>(Float16(x)); };
  const float slope = half(0.79788456f);
  const float cubic = half(0.044715f);
  const float root = half(0.70710678f);
  for (int64_t i = 0; i < count; ++i) {
    const float x = from[i];
    float gate;
    if (approximate) {
      const float cube = half(half(x * x) * x);
      const float argument = half(slope * half(x + half(cubic * cube)));
      gate = half(1.0f + half(std::tanh(argument)));
    } else {
      gate = half(std::erfc(-half(x * root)));
    }
    to[i] = Float16(half(0.5f * x) * gate);
  }
}

Status prepare_any(PrepareContext& context) {
  if (is_half_gelu(context)) return {};
  return prepare_widened(context, kWidenFloats, prepare);
}

Status eval_any(EvalContext& context) {
  if (!is_half_gelu(context)) return eval_widened(context, kWidenFloats, eval);
  half_gelu(context.options<GeluOptions>().approximate, context.in<Float16>(0),
            product(context.output(0).shape), context.out<Float16>(0));
  return {};
}

}  // namespace

const OpKernel kUnaryOp = {infer, prepare_any, eval_any};

}  // namespace zeolite
