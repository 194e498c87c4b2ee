// Loops over tensors of any rank by index, for operators whose arithmetic on indices is their
// point.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/ops/check.h"

namespace zeolite {

using Index = std::vector<int64_t>;

// Calls body(index) for each index of `shape`, the last dimension running fastest, until it returns
// an error.
template <class Body>
Status for_each_index(std::span<const int32_t> shape, const Body& body) {
  if (product(shape) == 0) return {};
  Index index(shape.size());
  while (true) {
    ZEOLITE_TRY(body(index));
    size_t d = shape.size();
    while (d > 0) {
      if (++index[d - 1] < shape[d - 1]) break;
      index[d - 1] = 0;
      --d;
    }
    if (d == 0) return {};
  }
}

// Whether `list` holds `value`.
inline bool is_in(const std::vector<int64_t>& list, int64_t value) {
  for (int64_t one : list) {
    if (one == value) return true;
  }
  return false;
}

// Errors unless `list` holds different dimensions of a tensor of `rank`. `what` names the option.
Status check_dimensions(const std::vector<int64_t>& list, int64_t rank, const char* what);

}  // namespace zeolite
