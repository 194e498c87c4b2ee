#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/convert/convert.h"
#include "core/convert/report.h"
#include "core/graph/read.h"
#include "tests/native/support/piecewise_source.h"

// Converts what the bytes hold, and looks at it; what comes out must be a sound .tflite file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zeolite;
  const SourceFile file = {"", MemorySource::view_of({data, size})};
  Result<SourceGraph> source = read_source(std::span(&file, 1), "");
  if (source.ok()) (void)inspect_source(&source.value()).ok();
  // Read in pieces, as large files are.
  Conversion conversion({{"", std::make_shared<PiecewiseSource>(std::span(data, size))}}, {});
  while (!conversion.is_done()) {
    if (!conversion.step().ok()) return 0;
  }
  (void)conversion.report();
  Result<Bytes> bytes = put_together(conversion.tflite());
  if (!bytes.ok()) return 0;
  Result<Model> model = read_tflite(std::make_shared<const Bytes>(std::move(bytes).value()));
  if (!model.ok()) __builtin_trap();
  return 0;
}
