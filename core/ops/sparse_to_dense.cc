// SPARSE_TO_DENSE (1 to 3): a tensor of a default value with others at some places.
//   indices, int32 or int64: [n, rank], or [n] for a vector, or one for one value
//   shape [rank]    values [n], or one for all places    default, one value    output of that shape
#include <algorithm>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  ZEOLITE_TRY(require_same_type(context, 2, 3));
  ZEOLITE_TRY(require_rank(context, 0, 0, 2));
  ZEOLITE_TRY(require_rank(context, 1, 1));
  ZEOLITE_TRY(require_rank(context, 2, 0, 1));
  ZEOLITE_TRY(require_one(context, 3, "value"));
  const Shape& indices = context.input(0).shape;
  const int32_t places = indices.empty() ? 1 : indices[0];
  if (context.input(2).rank() == 1) ZEOLITE_TRY(require_size(context, 2, 0, places, "values"));
  const int32_t depth = indices.size() == 2 ? indices[1] : 1;
  ZEOLITE_TRY(require_size(context, 1, 0, depth, "sizes"));
  const TensorType type = context.input(2).type;
  if (!context.input(1).has_data) return context.set_output_unknown(0, type);
  ZEOLITE_ASSIGN(Shape shape, shape_of_integers(context, 1));
  return context.set_output(0, type, std::move(shape));
}

Status eval(EvalContext& context) {
  const Operand& output = context.output(0);
  const int64_t rank = output.rank();
  const int64_t places = context.input(0).rank() == 0 ? 1 : context.input(0).shape[0];
  const bool is_one_value = context.input(2).rank() == 0;
  return dispatch_width(output.type, [&]<class T>() -> Status {
    T* to = context.out<T>(0);
    std::fill_n(to, product(output.shape), *context.in<T>(3));
    return dispatch<kI32 | kI64>(context.input(0).type, [&]<class Index>() -> Status {
      const Index* index = context.in<Index>(0);
      for (int64_t i = 0; i < places; ++i) {
        int64_t at = 0;
        for (int64_t d = 0; d < rank; ++d) {
          const int64_t place = *index++;
          if (place < 0 || place >= output.shape[d]) {
            return bad_input("index " + std::to_string(place) + " is outside a dimension of " +
                             std::to_string(output.shape[d]));
          }
          at = at * output.shape[d] + place;
        }
        to[at] = context.in<T>(2)[is_one_value ? 0 : i];
      }
      return {};
    });
  });
}

}  // namespace

const OpKernel kSparseToDenseOp = {infer, nullptr, eval};

}  // namespace zeolite
