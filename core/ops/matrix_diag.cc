// MATRIX_DIAG (1): vectors of n -> matrices of n x n with them on the diagonal, 0 elsewhere.
//   input [..., n]    output [..., n, n]
// MATRIX_SET_DIAG (1): matrices with another diagonal.
//   input [..., m, n]    diagonal [..., min(m, n)]    output [..., m, n]
#include <algorithm>
#include <cstring>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer_diag(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 1, kMaxRank));
  Shape shape = context.input(0).shape;
  shape.push_back(shape.back());
  return context.set_output(0, context.input(0).type, std::move(shape));
}

Status infer_set_diag(InferContext& context) {
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  ZEOLITE_TRY(require_rank(context, 0, 2, kMaxRank));
  const Shape& shape = context.input(0).shape;
  const int rank = static_cast<int>(shape.size());
  ZEOLITE_TRY(require_rank(context, 1, rank - 1));
  for (int i = 0; i + 2 < rank; ++i) {
    ZEOLITE_TRY(require_size(context, 1, i, shape[i], "matrices in a dimension"));
  }
  const int32_t rows = shape[rank - 2];
  const int32_t columns = shape[rank - 1];
  if (rows != kFree && columns != kFree) {
    ZEOLITE_TRY(require_size(context, 1, rank - 2, std::min(rows, columns),
                             "elements of the diagonal"));
  }
  return context.set_output(0, context.input(0).type, shape);
}

Status eval(EvalContext& context) {
  const Operand& output = context.output(0);
  if (output.bytes == 0) return {};
  const size_t rank = output.shape.size();
  const int64_t rows = output.shape[rank - 2];
  const int64_t columns = output.shape[rank - 1];
  const int64_t matrices = product(output.shape, 0, rank - 2);
  const int64_t length = std::min(rows, columns);
  const size_t diagonal = context.code() == BuiltinOperator::kMatrixDiag ? 0 : 1;
  if (diagonal == 0) {
    std::memset(output.writable, 0, output.bytes);
  } else if (output.writable != context.input(0).data) {
    std::memcpy(output.writable, context.input(0).data, output.bytes);
  }
  return dispatch_width(output.type, [&]<class T>() -> Status {
    const T* from = context.in<T>(diagonal);
    T* to = context.out<T>(0);
    for (int64_t m = 0; m < matrices; ++m, to += rows * columns) {
      for (int64_t i = 0; i < length; ++i) to[i * columns + i] = *from++;
    }
    return {};
  });
}

}  // namespace

const OpKernel kMatrixDiagOp = {infer_diag, nullptr, eval};
const OpKernel kMatrixSetDiagOp = {infer_set_diag, nullptr, eval};

}  // namespace zeolite
