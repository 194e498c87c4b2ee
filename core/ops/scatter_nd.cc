// SCATTER_ND (1): zeros, with updates added at the places that the indices name:
//   output[indices[i..., :], r...] += updates[i..., r...]
//   indices  int32 [I..., K]    updates  [I..., R...]    shape  int32 [K + rank of R]
//   output   the updates' type, of the given shape; the last sizes are R
// Integers wrap around; bools are joined by "or". An index outside is an error.
#include <cstring>

#include "core/base/wrapping.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const Operand& indices = context.input(0);
  const Operand& updates = context.input(1);
  ZEOLITE_TRY(require_rank(context, 0, 1, kMaxRank));
  ZEOLITE_TRY(require_rank(context, 2, 1));
  if (!context.input(2).has_data) return context.set_output_unknown(0, updates.type);
  ZEOLITE_ASSIGN(Shape shape, shape_of_integers(context, 2));
  const int depth = indices.shape.back();
  if (depth == kFree) return context.set_output(0, updates.type, std::move(shape));
  const int outer = indices.rank() - 1;
  const int rank = static_cast<int>(shape.size());
  if (depth > rank) {
    return bad_input(input_text(context, 0) + " has " + std::to_string(depth) +
                     " indices for the shape " + shape_text(shape));
  }
  ZEOLITE_TRY(require_rank(context, 1, outer + rank - depth));
  for (int i = 0; i < updates.rank(); ++i) {
    const int64_t expected = i < outer ? indices.shape[i] : shape[depth + i - outer];
    ZEOLITE_TRY(
        require_size(context, 1, i, expected, "elements in dimension " + std::to_string(i)));
  }
  return context.set_output(0, updates.type, std::move(shape));
}

template <class T>
T added(T a, T b, bool is_bool) {
  return is_bool ? static_cast<T>(a != T(0) || b != T(0)) : wrapping_add(a, b);
}

Status eval(EvalContext& context) {
  const Operand& output = context.output(0);
  const Shape& indices = context.input(0).shape;
  if (output.bytes > 0) std::memset(output.writable, 0, output.bytes);
  const int64_t count = product(indices, 0, indices.size() - 1);
  const int32_t depth = indices.back();
  // Nothing to add: the run below may be of any length then.
  if (count == 0 || product(context.input(1).shape) == 0) return {};
  const int64_t run = product(output.shape, depth, output.shape.size());
  const bool is_bool = output.type == TensorType::kBool;
  const int32_t* index = context.in<int32_t>(0);
  return dispatch<kF32 | kI32 | kI64 | kI8 | kU8 | kBool>(output.type, [&]<class T>() -> Status {
    const T* from = context.in<T>(1);
    for (int64_t i = 0; i < count; ++i, from += run) {
      int64_t at = 0;
      for (int32_t d = 0; d < depth; ++d, ++index) {
        const int32_t size = output.shape[d];
        if (*index < 0 || *index >= size) {
          return bad_input("index " + std::to_string(*index) + " is outside a dimension of " +
                           std::to_string(size));
        }
        at = at * size + *index;
      }
      T* to = context.out<T>(0) + at * run;
      for (int64_t k = 0; k < run; ++k) to[k] = added(to[k], from[k], is_bool);
    }
    return {};
  });
}

}  // namespace

const OpKernel kScatterNdOp = {infer, nullptr, eval};

}  // namespace zeolite
