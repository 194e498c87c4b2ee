#include "core/runtime/arena_plan.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/base/bytes.h"

namespace zeolite {

uint64_t plan_arena(std::span<ArenaRequest> requests) {
  const auto padded = [](uint64_t bytes) {
    return (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
  };
  std::vector<size_t> by_size(requests.size());
  std::iota(by_size.begin(), by_size.end(), size_t{0});
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](size_t a, size_t b) { return requests[a].bytes > requests[b].bytes; });
  std::vector<size_t> placed;  // By offset.
  uint64_t total = 0;
  for (size_t index : by_size) {
    ArenaRequest& request = requests[index];
    request.offset = 0;
    if (request.bytes == 0) continue;
    const uint64_t size = padded(request.bytes);
    for (size_t other : placed) {
      const ArenaRequest& taken = requests[other];
      if (taken.last < request.first || request.last < taken.first) continue;
      if (request.offset + size <= taken.offset) break;
      request.offset = std::max(request.offset, taken.offset + padded(taken.bytes));
    }
    total = std::max(total, request.offset + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](size_t a, size_t b) {
                                     return requests[a].offset < requests[b].offset;
                                   }),
                  index);
  }
  return total;
}

}  // namespace zeolite
