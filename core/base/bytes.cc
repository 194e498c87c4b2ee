#include "core/base/bytes.h"

#include <cstring>
#include <limits>

namespace zeolite {

Result<Bytes> Bytes::allocate(uint64_t size, std::string_view what) {
  // aligned_alloc wants a multiple of the alignment; a size of 0 still gets a valid block.
  const uint64_t rounded = (size / kBufferAlignment + 1) * kBufferAlignment;
  if (size > std::numeric_limits<size_t>::max() - 2 * kBufferAlignment) {
    return out_of_memory(what, size);
  }
  Bytes result;
  result.data_ =
      static_cast<uint8_t*>(std::aligned_alloc(kBufferAlignment, static_cast<size_t>(rounded)));
  if (result.data_ == nullptr) return out_of_memory(what, size);
  result.size_ = static_cast<size_t>(size);
  return result;
}

Result<Bytes> Bytes::allocate_zeroed(uint64_t size, std::string_view what) {
  ZEOLITE_ASSIGN(Bytes result, allocate(size, what));
  std::memset(result.data(), 0, result.size());
  return result;
}

Result<Bytes> Bytes::copy_of(std::span<const uint8_t> source, std::string_view what) {
  ZEOLITE_ASSIGN(Bytes result, allocate(source.size(), what));
  if (!source.empty()) std::memcpy(result.data(), source.data(), source.size());
  return result;
}

}  // namespace zeolite
