// Tensors made of scalars:
//   RANGE (1, 2): start, limit, delta (scalars of one type): start, start + delta, ... before limit
//   FILL (1 to 5): dims int32 or int64 [rank], value scalar of any type: a tensor full of it
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/base/decimal.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/widened.h"

namespace zeolite {
namespace {

template <class T>
T value_of(const OpContext& context, size_t index) {
  return *reinterpret_cast<const T*>(context.input(index).data);
}

template <class T>
Result<int32_t> range_size(const OpContext& context) {
  const T start = value_of<T>(context, 0);
  const T limit = value_of<T>(context, 1);
  const T delta = value_of<T>(context, 2);
  if (delta == 0 || (start != limit && (delta > 0) != (limit > start))) {
    return bad_input("a range from " + decimal_text(start) + " to " + decimal_text(limit) +
                     " in steps of " + decimal_text(delta) + " has no end");
  }
  double size;
  if constexpr (std::is_integral_v<T>) {
    const double distance = std::abs(static_cast<double>(limit) - static_cast<double>(start));
    size = std::ceil(distance / std::abs(static_cast<double>(delta)));
  } else {
    size = std::ceil(std::abs((limit - start) / delta));
  }
  if (!(size <= std::numeric_limits<int32_t>::max())) return bad_input("the range is too long");
  return static_cast<int32_t>(size);
}

Status infer_range(InferContext& context) {
  const TensorType type = context.input(0).type;
  for (size_t i = 0; i < 3; ++i) {
    ZEOLITE_TRY(require_same_type(context, 0, i));
    ZEOLITE_TRY(require_one(context, i, "value"));
  }
  for (size_t i = 0; i < 3; ++i) {
    if (!context.input(i).has_data) return context.set_output_unknown(0, type);
  }
  return dispatch<kF32 | kI32 | kI64>(type, [&]<class T>() -> Status {
    ZEOLITE_ASSIGN(const int32_t size, range_size<T>(context));
    return context.set_output(0, type, {size});
  });
}

Status eval_range(EvalContext& context) {
  return dispatch<kF32 | kI32 | kI64>(context.input(0).type, [&]<class T>() -> Status {
    T value = value_of<T>(context, 0);
    const T delta = value_of<T>(context, 2);
    T* output = context.out<T>(0);
    const int64_t count = product(context.output(0).shape);
    for (int64_t i = 0; i < count; ++i) {
      output[i] = value;
      if (i + 1 < count) value += delta;
    }
    return {};
  });
}

Status infer_fill(InferContext& context) {
  const TensorType type = context.input(1).type;
  ZEOLITE_TRY(require_rank(context, 0, 1));
  ZEOLITE_TRY(require_rank(context, 1, 0));
  if (!context.input(0).has_data) return context.set_output_unknown(0, type);
  ZEOLITE_ASSIGN(Shape shape, shape_of_integers(context, 0));
  return context.set_output(0, type, std::move(shape));
}

Status eval_fill(EvalContext& context) {
  return dispatch_width(context.input(1).type, [&]<class T>() -> Status {
    const T value = *context.in<T>(1);
    std::fill_n(context.out<T>(0), context.output(0).bytes / sizeof(T), value);
    return {};
  });
}

}  // namespace

const OpKernel kRangeOp = {infer_range, nullptr, eval_range};
const OpKernel kFillOp = widened<infer_fill, nullptr, eval_fill, kWidenMoved>();

}  // namespace zeolite
