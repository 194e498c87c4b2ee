// BUCKETIZE (1): the number of boundaries that are not above each element.
//   input float32, float64, int32 or int64 of any shape    output int32 of the same shape
// The option's boundaries are in ascending order.
#include <algorithm>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const std::vector<float>& boundaries = context.options<BucketizeOptions>().boundaries;
  if (boundaries.empty()) return bad_input("there are no boundaries");
  if (!std::is_sorted(boundaries.begin(), boundaries.end())) {
    return bad_input("the boundaries do not ascend");
  }
  return context.set_output(0, TensorType::kInt32, context.input(0).shape);
}

Status eval(EvalContext& context) {
  const std::vector<float>& boundaries = context.options<BucketizeOptions>().boundaries;
  return dispatch<kF32 | kF64 | kI32 | kI64>(context.input(0).type, [&]<class T>() -> Status {
    const int64_t count = product(context.output(0).shape);
    for (int64_t i = 0; i < count; ++i) {
      const T value = context.in<T>(0)[i];
      // Integers meet the boundaries as float32, as in the real runtime.
      const auto above = std::upper_bound(boundaries.begin(), boundaries.end(), value,
                                          [](T a, float b) { return a < b; });
      context.out<int32_t>(0)[i] = static_cast<int32_t>(above - boundaries.begin());
    }
    return {};
  });
}

}  // namespace

const OpKernel kBucketizeOp = {infer, nullptr, eval};

}  // namespace zeolite
