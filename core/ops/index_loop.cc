#include "core/ops/index_loop.h"

#include <algorithm>

namespace zeolite {

Status check_dimensions(const std::vector<int64_t>& list, int64_t rank, const char* what) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i] < 0 || list[i] >= rank) {
      return bad_input(std::string(what) + " names dimension " + std::to_string(list[i]) + " of " +
                       std::to_string(rank));
    }
    if (std::count(list.begin(), list.end(), list[i]) > 1) {
      return bad_input(std::string(what) + " names dimension " + std::to_string(list[i]) +
                       " more than once");
    }
  }
  return {};
}

}  // namespace zeolite
