// Bytes taken out of a container: a view into the container's own bytes where that is possible.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/base/bytes.h"

namespace zeolite {

// `data` lies in the container's bytes (then `owned` is null and the container's bytes must outlive
// it, and nothing is promised of its alignment) or in `owned`. Copies share the owned bytes.
struct Content {
  std::span<const uint8_t> data;
  std::shared_ptr<const Bytes> owned;

  static Content view_of(std::span<const uint8_t> bytes) { return {bytes, nullptr}; }
  static Content of(Bytes bytes) {
    Content result;
    result.owned = std::make_shared<const Bytes>(std::move(bytes));
    result.data = result.owned->span();
    return result;
  }
};

}  // namespace zeolite
