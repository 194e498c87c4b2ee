#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/formats/json.h"

// What is read can be written and read again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zeolite;
  Result<json::Value> value =
      json::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value.ok()) return 0;
  Result<json::Value> again = json::parse(json::write(value.value()));
  if (!again.ok()) __builtin_trap();
  return 0;
}
