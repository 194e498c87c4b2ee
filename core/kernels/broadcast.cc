#include "core/kernels/broadcast.h"

#include <algorithm>

#include "core/base/checked.h"

namespace zeolite {
namespace {

// The size of the dimension `from_end` places before the end; 1 where there is none.
int32_t size_from_end(std::span<const int32_t> shape, size_t from_end) {
  return from_end < shape.size() ? shape[shape.size() - 1 - from_end] : 1;
}

}  // namespace

bool make_broadcast_plan(std::span<const int32_t> a, std::span<const int32_t> b,
                         BroadcastPlan* plan) {
  const size_t rank = std::max(a.size(), b.size());
  if (rank > static_cast<size_t>(kMaxBroadcastRank)) return false;
  *plan = BroadcastPlan();
  plan->count = 1;
  // From the innermost dimension out; reversed at the end.
  int64_t a_count = 1;
  int64_t b_count = 1;
  for (size_t i = 0; i < rank; ++i) {
    const int32_t a_size = size_from_end(a, i);
    const int32_t b_size = size_from_end(b, i);
    if (a_size < 0 || b_size < 0 || (a_size != b_size && a_size != 1 && b_size != 1)) return false;
    const int64_t size = a_size == 1 ? b_size : a_size;
    if (!checked_mul(plan->count, size, &plan->count)) return false;
    if (size == 1) continue;
    const int64_t a_stride = a_size == 1 ? 0 : a_count;
    const int64_t b_stride = b_size == 1 ? 0 : b_count;
    a_count *= a_size;
    b_count *= b_size;
    if (plan->rank > 0) {
      const int last = plan->rank - 1;
      const int64_t inner = plan->dimensions[last];
      const bool a_runs_on = a_stride == plan->a_strides[last] * inner;
      const bool b_runs_on = b_stride == plan->b_strides[last] * inner;
      if (a_runs_on && b_runs_on) {
        plan->dimensions[last] *= size;
        continue;
      }
    }
    plan->dimensions[plan->rank] = size;
    plan->a_strides[plan->rank] = a_stride;
    plan->b_strides[plan->rank] = b_stride;
    ++plan->rank;
  }
  std::reverse(plan->dimensions.begin(), plan->dimensions.begin() + plan->rank);
  std::reverse(plan->a_strides.begin(), plan->a_strides.begin() + plan->rank);
  std::reverse(plan->b_strides.begin(), plan->b_strides.begin() + plan->rank);
  return true;
}

}  // namespace zeolite
