// TOPK_V2 (1 to 3): the k largest of each row, in falling order; of equals the one that comes first.
//   input    [rows..., n], numbers
//   k        int16 or int32 scalar, 0 to n
//   values   [rows..., k]    indices  int16 or int32 [rows..., k]: where in the row they stand
// NaN counts as smaller than every number.
#include <algorithm>
#include <numeric>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  const TensorType index_type = context.output(1).type == TensorType::kInt16 ? TensorType::kInt16
                                                                             : TensorType::kInt32;
  ZEOLITE_TRY(require_rank(context, 0, 1, kMaxRank));
  ZEOLITE_TRY(require_one(context, 1, "value"));
  if (!context.input(1).has_data) {
    ZEOLITE_TRY(context.set_output_unknown(0, input.type));
    return context.set_output_unknown(1, index_type);
  }
  ZEOLITE_ASSIGN(const int64_t k, integer_of(context, 1));
  const int32_t size = input.shape.back();
  if (k < 0 || (size != kFree && k > size)) {
    return bad_input("k is " + std::to_string(k) + " for rows of " + std::to_string(size));
  }
  if (index_type == TensorType::kInt16 && size > INT16_MAX + 1) {
    return bad_input("int16 can't count rows of " + std::to_string(size));
  }
  Shape shape = input.shape;
  shape.back() = static_cast<int32_t>(k);
  ZEOLITE_TRY(context.set_output(0, input.type, shape));
  return context.set_output(1, index_type, std::move(shape));
}

Status prepare(PrepareContext& context) {
  context.request_scratch(static_cast<uint64_t>(context.input(0).shape.back()) * sizeof(int32_t));
  return {};
}

template <class T, class Index>
void pick(EvalContext& context, int64_t rows, int64_t size, int64_t k) {
  const T* row = context.in<T>(0);
  T* values = context.out<T>(0);
  Index* indices = context.out<Index>(1);
  int32_t* order = reinterpret_cast<int32_t*>(context.scratch(0));
  // A strict order of all elements, NaN too: std::partial_sort may read anywhere without.
  const auto before = [&](int32_t a, int32_t b) {
    if (row[a] > row[b]) return true;
    if (row[a] < row[b]) return false;
    const bool a_is_nan = row[a] != row[a];
    const bool b_is_nan = row[b] != row[b];
    return a_is_nan == b_is_nan ? a < b : b_is_nan;
  };
  for (int64_t i = 0; i < rows; ++i, row += size) {
    std::iota(order, order + size, 0);
    std::partial_sort(order, order + k, order + size, before);
    for (int64_t j = 0; j < k; ++j) {
      *values++ = row[order[j]];
      *indices++ = static_cast<Index>(order[j]);
    }
  }
}

Status eval(EvalContext& context) {
  const Shape& shape = context.input(0).shape;
  if (context.output(0).bytes == 0) return {};
  const int64_t rows = product(shape, 0, shape.size() - 1);
  const int64_t k = context.output(0).shape.back();
  return dispatch<kF32 | kI8 | kU8 | kI16 | kI32 | kI64>(
      context.input(0).type, [&]<class T>() -> Status {
        if (context.output(1).type == TensorType::kInt16) {
          pick<T, int16_t>(context, rows, shape.back(), k);
        } else {
          pick<T, int32_t>(context, rows, shape.back(), k);
        }
        return {};
      });
}

}  // namespace

const OpKernel kTopkV2Op = {infer, prepare, eval};

}  // namespace zeolite
