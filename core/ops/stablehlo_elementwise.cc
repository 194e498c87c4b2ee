// STABLEHLO_ADD, _MULTIPLY, _MAXIMUM, _MINIMUM, _AND (1): two tensors of one type and shape,
// element by element. Integers wrap around. Of bools the sum and the maximum are "or", the product
// and the minimum "and"; AND works on the bits of integers.
//   https://openxla.org/stablehlo/spec
#include <algorithm>
#include <type_traits>

#include "core/base/wrapping.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  const Shape& a = context.input(0).shape;
  const Shape& b = context.input(1).shape;
  if (a.size() != b.size()) {
    return bad_input("shapes " + shape_text(a) + " and " + shape_text(b) + " differ");
  }
  Shape shape = a;
  for (size_t i = 0; i < a.size(); ++i) {
    ZEOLITE_TRY(require_size(context, 1, static_cast<int>(i), a[i], "elements in a dimension"));
    if (shape[i] == kFree) shape[i] = b[i];
  }
  return context.set_output(0, context.input(0).type, std::move(shape));
}

Status prepare(PrepareContext& context) {
  context.allow_in_place();
  return {};
}

template <class T>
T apply(Code code, T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (code == Code::kStablehloAnd) return static_cast<T>(a & b);
  }
  if (code == Code::kStablehloAdd) return wrapping_add(a, b);
  if (code == Code::kStablehloMultiply) return wrapping_mul(a, b);
  return code == Code::kStablehloMaximum ? (a < b ? b : a) : (b < a ? b : a);
}

Status eval(EvalContext& context) {
  const int64_t count = product(context.output(0).shape);
  const Code code = context.code();
  if (context.input(0).type == TensorType::kBool) {
    const bool is_or = code == Code::kStablehloAdd || code == Code::kStablehloMaximum;
    for (int64_t i = 0; i < count; ++i) {
      const bool a = context.in<uint8_t>(0)[i] != 0;
      const bool b = context.in<uint8_t>(1)[i] != 0;
      context.out<uint8_t>(0)[i] = is_or ? a || b : a && b;
    }
    return {};
  }
  constexpr TypeSet kTypes =
      kF16 | kF32 | kF64 | kI8 | kU8 | kI16 | kU16 | kI32 | kU32 | kI64 | kU64;
  return dispatch<kTypes>(context.input(0).type, [&]<class T>() -> Status {
    const T* a = context.in<T>(0);
    const T* b = context.in<T>(1);
    T* to = context.out<T>(0);
    for (int64_t i = 0; i < count; ++i) to[i] = apply(code, a[i], b[i]);
    return {};
  });
}

}  // namespace

const OpKernel kStablehloElementwiseOp = {infer, prepare, eval};

}  // namespace zeolite
