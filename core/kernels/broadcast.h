// How two tensors of different shapes meet element by element.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace zeolite {

inline constexpr int kMaxBroadcastRank = 16;

// A loop nest over the output's dimensions with the elements' distances in both inputs, in
// elements; 0 where an input is repeated. Neighbouring dimensions that run alike are merged and
// dimensions of size 1 left out, so that equal shapes have rank 1.
struct BroadcastPlan {
  int rank = 0;  // 0: one element.
  int64_t count = 0;  // Elements of the output.
  std::array<int64_t, kMaxBroadcastRank> dimensions = {};
  std::array<int64_t, kMaxBroadcastRank> a_strides = {};
  std::array<int64_t, kMaxBroadcastRank> b_strides = {};
};

// The plan for shapes `a` and `b`, aligned at their last dimension: each pair of sizes is equal or
// one of them is 1 (missing ones count as 1). False when they don't fit, have a negative size, or
// more than kMaxBroadcastRank dimensions.
bool make_broadcast_plan(std::span<const int32_t> a, std::span<const int32_t> b,
                         BroadcastPlan* plan);

// Runs of the innermost dimension: plan.count / its size.
inline int64_t broadcast_row_count(const BroadcastPlan& plan) {
  if (plan.count == 0) return 0;
  return plan.rank == 0 ? 1 : plan.count / plan.dimensions[plan.rank - 1];
}

// Calls body(out_offset, a_offset, b_offset, count, a_stride, b_stride) for the rows [first, last)
// of broadcast_row_count, in order. Strides are 0 or 1; the output's is 1.
template <class Body>
void for_each_broadcast_row(const BroadcastPlan& plan, int64_t first, int64_t last,
                            const Body& body) {
  if (first >= last) return;
  if (plan.rank == 0) {
    body(int64_t{0}, int64_t{0}, int64_t{0}, int64_t{1}, int64_t{0}, int64_t{0});
    return;
  }
  const int inner = plan.rank - 1;
  const int64_t count = plan.dimensions[inner];
  std::array<int64_t, kMaxBroadcastRank> index = {};
  int64_t a = 0;
  int64_t b = 0;
  int64_t rest = first;
  for (int axis = inner - 1; axis >= 0; --axis) {
    index[axis] = rest % plan.dimensions[axis];
    rest /= plan.dimensions[axis];
    a += index[axis] * plan.a_strides[axis];
    b += index[axis] * plan.b_strides[axis];
  }
  for (int64_t row = first; row < last; ++row) {
    body(row * count, a, b, count, plan.a_strides[inner], plan.b_strides[inner]);
    for (int axis = inner - 1; axis >= 0; --axis) {
      a += plan.a_strides[axis];
      b += plan.b_strides[axis];
      if (++index[axis] < plan.dimensions[axis]) break;
      a -= plan.a_strides[axis] * plan.dimensions[axis];
      b -= plan.b_strides[axis] * plan.dimensions[axis];
      index[axis] = 0;
    }
  }
}

template <class Body>
void for_each_broadcast_row(const BroadcastPlan& plan, const Body& body) {
  for_each_broadcast_row(plan, 0, broadcast_row_count(plan), body);
}

}  // namespace zeolite
