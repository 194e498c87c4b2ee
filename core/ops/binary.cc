// Arithmetic on two tensors that broadcast to each other, element by element:
//   ADD, SUB, MUL, DIV (with a fused activation), MAXIMUM, MINIMUM, SQUARED_DIFFERENCE, POW,
//   FLOOR_DIV (rounded towards minus infinity), FLOOR_MOD (the sign of the divisor).
//   a, b   the same type, shapes that broadcast (sizes from the last on are equal or 1)
//   output the same type, the common shape
// Integers wrap around. Integer division by zero is an error; FLOOR_DIV refuses a float zero too,
// as the real runtime does. int8, uint8 and int16 are quantized in ADD, SUB, MUL, DIV and
// SQUARED_DIFFERENCE (quantized_binary.cc); for the others they are plain integers, as is int16
// without a scale for the first three.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/base/wrapping.h"
#include "core/kernels/broadcast.h"
#include "core/kernels/f32_binary.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/quantized_binary.h"
#include "core/ops/widened.h"
#include "core/ops/window.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;

struct State : OpState {
  BroadcastPlan plan;
  ActivationFunctionType activation = ActivationFunctionType::kNone;
  QuantizedBinaryParameters quantized;
};

// Whether the numbers are real ones by their scales.
bool is_quantized(const OpContext& context) {
  switch (context.code()) {
    case Code::kAdd:
    case Code::kSub:
    case Code::kMul:
      // Without a scale int16 are plain integers.
      if (context.input(0).type == TensorType::kInt16 && !has_scale(context.input(0))) return false;
      return is_quantized_type(context.input(0).type);
    case Code::kDiv:
    case Code::kSquaredDifference: return is_quantized_type(context.input(0).type);
    default: return false;
  }
}

ActivationFunctionType activation_of(const OpContext& context) {
  switch (context.code()) {
    case Code::kAdd: return context.options<AddOptions>().fused_activation_function;
    case Code::kSub: return context.options<SubOptions>().fused_activation_function;
    case Code::kMul: return context.options<MulOptions>().fused_activation_function;
    case Code::kDiv: return context.options<DivOptions>().fused_activation_function;
    default: return ActivationFunctionType::kNone;
  }
}

// The functions that have a SIMD kernel.
bool fast_function(Code code, F32Binary* function) {
  switch (code) {
    case Code::kAdd: *function = F32Binary::kAdd; return true;
    case Code::kSub: *function = F32Binary::kSub; return true;
    case Code::kMul: *function = F32Binary::kMul; return true;
    case Code::kDiv: *function = F32Binary::kDiv; return true;
    case Code::kMaximum: *function = F32Binary::kMaximum; return true;
    case Code::kMinimum: *function = F32Binary::kMinimum; return true;
    case Code::kSquaredDifference: *function = F32Binary::kSquaredDifference; return true;
    default: return false;
  }
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  ZEOLITE_TRY(check_fused(activation_of(context)));
  ZEOLITE_ASSIGN(Shape shape, broadcast_shape(context.input(0).shape, context.input(1).shape));
  return context.set_output(0, context.input(0).type, std::move(shape));
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const Operand& a = context.input(0);
  const Operand& b = context.input(1);
  const Shape& shape = context.output(0).shape;
  state.activation = activation_of(context);
  if (!make_broadcast_plan(a.shape, b.shape, &state.plan)) return bad_input("shapes do not fit");
  F32Binary function;
  if (is_quantized(context)) {
    ZEOLITE_ASSIGN(state.quantized, quantized_binary_parameters(context, state.activation));
    context.choose("quantized_binary", static_cast<double>(state.plan.count));
  } else if (a.type == TensorType::kFloat32 && fast_function(context.code(), &function)) {
    context.choose("f32_binary", static_cast<double>(state.plan.count));
  }
  if (a.shape == shape) {
    context.allow_in_place(0);
  } else if (b.shape == shape) {
    context.allow_in_place(1);
  }
  return {};
}

// A function on a row of pairs; strides are 0 or 1. Only these are made for each type and function,
// the loops around them but once a type.
template <class T>
using Row = void (*)(const T* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t count,
                     T* output);

template <class T, class Function>
void row(const T* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t count, T* output) {
  for (int64_t i = 0; i < count; ++i) output[i] = Function{}(a[i * a_stride], b[i * b_stride]);
}

template <class T>
void for_each_row(const BroadcastPlan& plan, const T* a, const T* b, T* output, Row<T> function) {
  for_each_broadcast_row(plan, [&](int64_t out, int64_t at_a, int64_t at_b, int64_t count,
                                   int64_t a_stride, int64_t b_stride) {
    function(a + at_a, a_stride, b + at_b, b_stride, count, output + out);
  });
}

// The same on int8, uint8 and int16, by way of int32; what does not fit wraps around.
void for_each_small_row(const BroadcastPlan& plan, SmallInteger type, const void* a, const void* b,
                        void* output, Row<int32_t> function) {
  for_each_broadcast_row(plan, [&](int64_t out, int64_t at_a, int64_t at_b, int64_t count,
                                   int64_t a_stride, int64_t b_stride) {
    for (int64_t i = 0; i < count; i += kIntegerBlock) {
      const int64_t size = std::min(kIntegerBlock, count - i);
      IntegerBlock x;
      IntegerBlock y;
      load_integers(type, a, at_a + i * a_stride, a_stride, size, 0, &x);
      load_integers(type, b, at_b + i * b_stride, b_stride, size, 0, &y);
      function(x.values, 1, y.values, 1, size, x.values);
      for (int64_t k = 0; k < size; ++k) {
        if (type == SmallInteger::kInt16) {
          static_cast<int16_t*>(output)[out + i + k] = static_cast<int16_t>(x.values[k]);
        } else {
          static_cast<uint8_t*>(output)[out + i + k] = static_cast<uint8_t>(x.values[k]);
        }
      }
    }
  });
}

template <class T>
bool has_zero(const Operand& operand) {
  const T* values = reinterpret_cast<const T*>(operand.data);
  return std::find(values, values + operand.bytes / sizeof(T), T{0}) !=
         values + operand.bytes / sizeof(T);
}

template <class T>
bool has_negative(const Operand& operand) {
  const T* values = reinterpret_cast<const T*>(operand.data);
  return std::any_of(values, values + operand.bytes / sizeof(T), [](T x) { return x < 0; });
}

template <class T>
T integer_power(T base, T exponent) {  // exponent >= 0
  T result = 1;
  for (; exponent > 0; exponent /= 2, base = wrapping_mul(base, base)) {
    if (exponent % 2 != 0) result = wrapping_mul(result, base);
  }
  return result;
}

template <class T>
T quotient(T a, T b) {
  if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
    if (b == -1) return wrapping_sub(T{0}, a);
  }
  return static_cast<T>(a / b);
}

template <class T>
T floor_quotient(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::floor(a / b);
  } else {
    const T result = quotient(a, b);
    return static_cast<T>(result - ((a < 0) != (b < 0) && static_cast<T>(result * b) != a));
  }
}

template <class T>
T floor_remainder(T a, T b) {
  T remainder;
  if constexpr (std::is_floating_point_v<T>) {
    remainder = std::fmod(a, b);
  } else if constexpr (std::is_signed_v<T>) {
    remainder = b == -1 ? T{0} : static_cast<T>(a % b);
  } else {
    remainder = a % b;
  }
  return remainder != 0 && (remainder < 0) != (b < 0) ? static_cast<T>(remainder + b) : remainder;
}

template <class T>
void clamp_integers(T* values, int64_t count, ActivationFunctionType activation) {
  T low = std::numeric_limits<T>::lowest();
  T high = std::numeric_limits<T>::max();
  switch (activation) {
    case ActivationFunctionType::kRelu: low = 0; break;
    case ActivationFunctionType::kRelu6: low = 0, high = 6; break;
    case ActivationFunctionType::kReluN1To1: low = static_cast<T>(-1), high = 1; break;
    default: return;
  }
  for (int64_t i = 0; i < count; ++i) values[i] = std::clamp(values[i], low, high);
}

// The loop of a function, or null where there is none.
template <class T>
Row<T> row_of(Code code) {
  const auto loop = []<class Function>(Function) -> Row<T> { return row<T, Function>; };
  switch (code) {
    case Code::kFloorDiv: return loop([](T x, T y) { return floor_quotient<T>(x, y); });
    case Code::kFloorMod: return loop([](T x, T y) { return floor_remainder<T>(x, y); });
    default: break;
  }
  if constexpr (std::is_integral_v<T>) {
    switch (code) {
      case Code::kAdd: return loop([](T x, T y) { return wrapping_add(x, y); });
      case Code::kSub: return loop([](T x, T y) { return wrapping_sub(x, y); });
      case Code::kMul: return loop([](T x, T y) { return wrapping_mul(x, y); });
      case Code::kSquaredDifference:
        return loop([](T x, T y) { return wrapping_mul(wrapping_sub(x, y), wrapping_sub(x, y)); });
      case Code::kDiv: return loop([](T x, T y) { return quotient<T>(x, y); });
      case Code::kPow: return loop([](T x, T y) { return integer_power<T>(x, y); });
      case Code::kMaximum: return loop([](T x, T y) { return std::max(x, y); });
      case Code::kMinimum: return loop([](T x, T y) { return std::min(x, y); });
      default: return nullptr;
    }
  } else {
    if (code == Code::kPow) return loop([](T x, T y) { return std::pow(x, y); });
    return nullptr;
  }
}

// Whether the divisors, or the exponents of integers, hold what has no result.
template <class T>
Status check_second(Code code, const Operand& second) {
  constexpr bool kInteger = std::is_integral_v<T>;
  if ((code == Code::kFloorDiv || ((code == Code::kDiv || code == Code::kFloorMod) && kInteger)) &&
      has_zero<T>(second)) {
    return bad_input("division by zero");
  }
  if (kInteger && code == Code::kPow && has_negative<T>(second)) {
    return bad_input("an integer to the power of a negative number");
  }
  return {};
}

template <class T>
Status reference(EvalContext& context, const State& state) {
  const Code code = context.code();
  if (state.plan.count > 0) ZEOLITE_TRY(check_second<T>(code, context.input(1)));
  T* out = context.out<T>(0);
  if constexpr (sizeof(T) < 4) {
    const Row<int32_t> function = row_of<int32_t>(code);
    if (function == nullptr) return unsupported("no such function");
    for_each_small_row(state.plan, small_integer(context.input(0).type), context.input(0).data,
                       context.input(1).data, out, function);
  } else {
    const Row<T> function = row_of<T>(code);
    if (function == nullptr) return unsupported("no such function");
    for_each_row(state.plan, context.in<T>(0), context.in<T>(1), out, function);
  }
  if constexpr (std::is_integral_v<T>) clamp_integers(out, state.plan.count, state.activation);
  return {};
}

// Whether a divisor is 0, which is its zero point.
bool has_zero_divisor(const Operand& divisor, int32_t zero_point) {
  bool found = false;
  (void)dispatch<kI8 | kU8 | kI16>(divisor.type, [&]<class T>() -> Status {
    const T* values = reinterpret_cast<const T*>(divisor.data);
    const T* end = values + divisor.bytes / sizeof(T);
    found = std::find(values, end, static_cast<T>(zero_point)) != end;
    return {};
  });
  return found;
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  if (is_quantized(context)) {
    if (context.code() == Code::kDiv && state.plan.count > 0 &&
        has_zero_divisor(context.input(1), state.quantized.b_zero_point)) {
      return bad_input("division by zero");
    }
    quantized_binary(state.quantized, state.plan, context.input(0).data, context.input(1).data,
                     context.output(0).writable, context.threads());
    return {};
  }
  F32Binary function;
  if (context.input(0).type == TensorType::kFloat32 && fast_function(context.code(), &function)) {
    ZEOLITE_ASSIGN(F32Clamp clamp, fused_clamp(state.activation));
    switch (function) {
      case F32Binary::kAdd:
      case F32Binary::kSub:
      case F32Binary::kMul:
      case F32Binary::kDiv:
        // The real runtime gives the largest number in place of an infinity, in operators that have
        // a fused activation.
        clamp.min = std::max(clamp.min, std::numeric_limits<float>::lowest());
        clamp.max = std::min(clamp.max, std::numeric_limits<float>::max());
        break;
      default: break;
    }
    f32_binary(function, state.plan, context.in<float>(0), context.in<float>(1),
               context.out<float>(0), clamp, context.threads());
    return {};
  }
  return dispatch<kF32 | kI8 | kU8 | kI16 | kI32 | kU32 | kI64>(
      context.input(0).type, [&]<class T>() { return reference<T>(context, state); });
}

}  // namespace

const OpKernel kBinaryOp = widened<infer, prepare, eval, kWidenFloats>();

}  // namespace zeolite
