// Large memory whose allocation may fail, as an error and not as a trap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>

#include "core/base/status.h"

namespace zeolite {

// Every buffer of tensor data starts at a multiple of this, so that SIMD loads are aligned.
inline constexpr size_t kBufferAlignment = 64;

// Owns a block of bytes aligned to kBufferAlignment. Movable, not copyable.
class Bytes {
 public:
  Bytes() = default;
  Bytes(Bytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Bytes& operator=(Bytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Bytes() { std::free(data_); }

  // `what` names the purpose in the error. The content is not initialized.
  static Result<Bytes> allocate(uint64_t size, std::string_view what);
  static Result<Bytes> allocate_zeroed(uint64_t size, std::string_view what);
  static Result<Bytes> copy_of(std::span<const uint8_t> source, std::string_view what);

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<uint8_t> span() { return {data_, size_}; }
  std::span<const uint8_t> span() const { return {data_, size_}; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace zeolite
