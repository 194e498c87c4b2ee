// A file of which nothing is in memory but what is read of it.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "core/formats/byte_source.h"

namespace zeolite {

class PiecewiseSource : public ByteSource {
 public:
  explicit PiecewiseSource(std::span<const uint8_t> bytes)
      : ByteSource(bytes.size()), bytes_(bytes.begin(), bytes.end()) {}

  Status read(uint64_t offset, std::span<uint8_t> target) const override {
    if (target.size() > bytes_.size() || offset > bytes_.size() - target.size()) __builtin_trap();
    if (is_gone) return Status(ErrorCode::kEnvironment, "the file is gone");
    if (!target.empty()) std::memcpy(target.data(), bytes_.data() + offset, target.size());
    bytes_read += target.size();
    return Status();
  }

  mutable uint64_t bytes_read = 0;
  bool is_gone = false;

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace zeolite
