// Sums and extremes over slices with the same id:
//   SEGMENT_SUM (1)  data [n, ...], ids int32 [n] from 0 on, each equal to the one before or 1 more
//                    -> [last id + 1, ...]
//   UNSORTED_SEGMENT_SUM, _PROD, _MAX, _MIN (1)  data [ids..., ...], ids int32, count int32
//                    -> [count, ...]; slices with a negative id are left out
// A segment without slices holds 0, 1, or the lowest or highest number. Float32 and int32; integers
// wrap around.
#include <algorithm>
#include <limits>

#include "core/base/wrapping.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;

// The output, of `segments` slices: the dimensions of data behind those of the ids.
Shape result_shape(const OpContext& context, int32_t segments) {
  const Shape& data = context.input(0).shape;
  Shape shape = {segments};
  shape.insert(shape.end(), data.begin() + context.input(1).rank(), data.end());
  return shape;
}

Status check_ids_shape(const OpContext& context) {
  const Shape& data = context.input(0).shape;
  const Shape& ids = context.input(1).shape;
  if (ids.empty() || ids.size() > data.size()) {
    return bad_input(input_text(context, 1) + " does not fit " + input_text(context, 0));
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    ZEOLITE_TRY(require_size(context, 1, static_cast<int>(i), data[i], "ids in a dimension"));
  }
  return {};
}

Status infer_sorted(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 1, 1));
  ZEOLITE_TRY(check_ids_shape(context));
  if (!context.input(1).has_data) return context.set_output_unknown(0, context.input(0).type);
  ZEOLITE_ASSIGN(const std::vector<int64_t> ids, integers_of(context, 1, SIZE_MAX));
  for (size_t i = 0; i < ids.size(); ++i) {
    const int64_t before = i == 0 ? 0 : ids[i - 1];
    if (ids[i] < before || ids[i] > before + (i == 0 ? 0 : 1)) {
      return bad_input("the ids must start at 0 and go up by 0 or 1; id " + std::to_string(i) +
                       " is " + std::to_string(ids[i]));
    }
  }
  const auto segments = static_cast<int32_t>(ids.empty() ? 0 : ids.back() + 1);
  return context.set_output(0, context.input(0).type, result_shape(context, segments));
}

Status infer_unsorted(InferContext& context) {
  ZEOLITE_TRY(check_ids_shape(context));
  ZEOLITE_TRY(require_one(context, 2, "number of segments"));
  if (!context.input(2).has_data) return context.set_output_unknown(0, context.input(0).type);
  ZEOLITE_ASSIGN(const int64_t segments, integer_of(context, 2));
  if (segments < 0) return bad_input("there can't be " + std::to_string(segments) + " segments");
  return context.set_output(0, context.input(0).type,
                            result_shape(context, static_cast<int32_t>(segments)));
}

template <class T>
T start_of(Code code) {
  switch (code) {
    case Code::kUnsortedSegmentProd: return 1;
    case Code::kUnsortedSegmentMax: return std::numeric_limits<T>::lowest();
    case Code::kUnsortedSegmentMin: return std::numeric_limits<T>::max();
    default: return 0;
  }
}

template <class T>
T joined(Code code, T a, T b) {
  switch (code) {
    case Code::kUnsortedSegmentProd: return wrapping_mul(a, b);
    case Code::kUnsortedSegmentMax: return std::max(a, b);
    case Code::kUnsortedSegmentMin: return std::min(a, b);
    default: return wrapping_add(a, b);
  }
}

Status eval(EvalContext& context) {
  const Shape& shape = context.output(0).shape;
  const int64_t segments = shape[0];
  const int64_t slice = product(shape, 1, shape.size());
  const int64_t count = product(context.input(1).shape);
  const int32_t* ids = context.in<int32_t>(1);
  const Code code = context.code();
  return dispatch<kF32 | kI32>(context.input(0).type, [&]<class T>() -> Status {
    T* to = context.out<T>(0);
    std::fill_n(to, segments * slice, start_of<T>(code));
    const T* from = context.in<T>(0);
    for (int64_t i = 0; i < count; ++i, from += slice) {
      if (ids[i] < 0) continue;
      if (ids[i] >= segments) {
        return bad_input("id " + std::to_string(ids[i]) + " is outside of " +
                         std::to_string(segments) + " segments");
      }
      T* row = to + ids[i] * slice;
      for (int64_t k = 0; k < slice; ++k) row[k] = joined(code, row[k], from[k]);
    }
    return {};
  });
}

}  // namespace

const OpKernel kSegmentSumOp = {infer_sorted, nullptr, eval};
const OpKernel kUnsortedSegmentOp = {infer_unsorted, nullptr, eval};

}  // namespace zeolite
