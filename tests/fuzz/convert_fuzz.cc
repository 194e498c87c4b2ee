#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/convert/convert.h"
#include "core/convert/report.h"
#include "core/graph/read.h"

// Converts what the bytes hold, and looks at it; what comes out must be a sound .tflite file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zeolite;
  Result<Bytes> copy = Bytes::copy_of({data, size}, "a fuzzed file");
  if (!copy.ok()) return 0;
  const SourceFile file = {"", std::make_shared<const Bytes>(std::move(copy).value())};
  Result<SourceGraph> source = read_source(std::span(&file, 1), "");
  if (source.ok()) (void)inspect_source(&source.value());
  Conversion conversion({file}, {});
  while (!conversion.is_done()) {
    if (!conversion.step().ok()) return 0;
  }
  (void)conversion.report();
  Result<Model> model =
      read_tflite(std::make_shared<const Bytes>(conversion.take_tflite()));
  if (!model.ok()) __builtin_trap();
  return 0;
}
