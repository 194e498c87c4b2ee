#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/graph/read.h"
#include "core/graph/write.h"
#include "core/passes/passes.h"

// A model that was sound is sound after the passes: it can be written and read again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zeolite;
  Result<Bytes> bytes = Bytes::copy_of({data, size}, "the input");
  if (!bytes.ok()) return 0;
  Result<Model> model =
      read_tflite(std::make_shared<const Bytes>(std::move(bytes).value()));
  if (!model.ok() || !run_conversion_passes(&model.value()).ok()) return 0;
  Result<Bytes> written = write_tflite(model.value());
  if (!written.ok()) __builtin_trap();
  Result<Model> again =
      read_tflite(std::make_shared<const Bytes>(std::move(written).value()));
  if (!again.ok()) __builtin_trap();
  return 0;
}
