#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/formats/inflate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zeolite;
  std::vector<uint8_t> output(1 << 16);
  for (auto* function : {&inflate_raw, &inflate_zlib}) {
    Result<InflateResult> result = function({data, size}, output);
    if (result.ok() && (result->read > size || result->written > output.size())) __builtin_trap();
  }
  return 0;
}
