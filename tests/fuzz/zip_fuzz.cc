#include <cstddef>
#include <cstdint>

#include "core/formats/zip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zeolite;
  Result<zip::Archive> archive = zip::Archive::open({data, size});
  if (!archive.ok()) return 0;
  for (const zip::Entry& entry : archive->entries()) {
    // A view may lie anywhere in the bytes: touch all of it.
    Result<Content> content = archive->read(entry);
    if (content.ok() && content->data.size() > (uint64_t{1} << 31)) __builtin_trap();
  }
  return 0;
}
