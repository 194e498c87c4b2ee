// UNIQUE (1): the different elements in the order of their first occurrence, and for each element
// the place of its equal among them.
//   input [n]    values [count], indices int32 or int64 [n]
// NaN is equal to nothing: each is a value of its own.
#include <unordered_map>
#include <vector>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 1));
  const TensorType wanted = context.options<UniqueOptions>().idx_out_type;
  ZEOLITE_TRY(context.set_output_unknown(0, context.input(0).type));
  return context.set_output(1, wanted, context.input(0).shape);
}

Status eval(EvalContext& context) {
  const int64_t count = product(context.input(0).shape);
  std::vector<int64_t> places(static_cast<size_t>(count));
  ZEOLITE_TRY((dispatch<kF32 | kI8 | kU8 | kI16 | kI32 | kI64>(
      context.input(0).type, [&]<class T>() -> Status {
        const T* from = context.in<T>(0);
        std::unordered_map<T, int64_t> known;
        std::vector<T> values;
        for (int64_t i = 0; i < count; ++i) {
          const auto [found, is_new] =
              known.try_emplace(from[i], static_cast<int64_t>(values.size()));
          if (is_new) values.push_back(from[i]);
          places[i] = found->second;
        }
        ZEOLITE_TRY(context.host().resize_output(0, {static_cast<int32_t>(values.size())},
                                                 values.size() * sizeof(T)));
        std::copy(values.begin(), values.end(), context.out<T>(0));
        return {};
      })));
  return dispatch<kI32 | kI64>(context.output(1).type, [&]<class T>() -> Status {
    for (int64_t i = 0; i < count; ++i) context.out<T>(1)[i] = static_cast<T>(places[i]);
    return {};
  });
}

}  // namespace

const OpKernel kUniqueOp = {infer, nullptr, eval};

}  // namespace zeolite
