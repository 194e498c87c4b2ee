#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "core/graph/read.h"
#include "core/graph/write.h"
#include "core/inspect/inspection.h"
#include "core/inspect/metadata.h"
#include "core/runtime/interpreter.h"

namespace {

// A changed shape may ask for much; what a tab would refuse anyway need not be computed here.
constexpr uint64_t kMemoryLimit = uint64_t{16} << 20;
// The loops over a big shape take their time without finding more.
constexpr size_t kMostOperators = 64;

}  // namespace

// What is read can be shown, written and read again; what loads runs or says why not.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zeolite;
  Result<Bytes> file = Bytes::copy_of({data, size}, "the input");
  if (!file.ok()) return 0;
  const auto shared = std::make_shared<const Bytes>(std::move(file).value());
  // The files beside it that it wants could hold anything: here the same bytes.
  ReadOptions reading;
  for (const std::string& name : external_file_names(shared->span())) {
    reading.external_files[name] = shared;
  }
  ExternalPlaces places;
  ReadOptions looking;
  looking.places = &places;
  if (const Result<Model> model = read_tflite(shared, looking); model.ok()) {
    json::write(inspection_json(inspect_model(model.value(), places)));
  }
  Result<Model> model = read_tflite(shared, reading);
  if (!model.ok()) return 0;
  json::write(inspection_json(inspect_model(model.value())));
  read_metadata(model.value());
  Result<Bytes> written = write_tflite(model.value());
  if (written.ok()) {
    Result<Model> again = read_tflite(std::make_shared<const Bytes>(std::move(written).value()));
    if (!again.ok()) __builtin_trap();
  }
  InterpreterOptions options;
  options.memory_limit = kMemoryLimit;
  auto interpreter = Interpreter::create(std::move(model).value(), std::move(options));
  if (!interpreter.ok()) return 0;
  Interpreter& runner = *interpreter.value();
  if (!runner.prepare(0).ok()) return 0;
  for (size_t i = 0; i < runner.model().subgraphs[0].inputs.size(); ++i) {
    Result<std::span<uint8_t>> input = runner.input_data(0, i);
    if (input.ok() && !input->empty()) std::memset(input->data(), 1, input->size());
  }
  RunOptions run;
  run.on_operator = [](size_t done, size_t) { return done < kMostOperators; };
  (void)runner.run(0, run);
  return 0;
}
