#include "wasm/runtime/inspect_session.h"

#include "core/inspect/inspection.h"
#include "core/inspect/statistics.h"
#include "wasm/common/open_tflite.h"
#include "wasm/common/reply.h"

namespace zeolite::wasm {

double InspectSession::add_file(const std::string&, double size) {
  Result<Bytes> file = Bytes::allocate(static_cast<uint64_t>(size), "the file");
  if (!file.ok()) return 0;
  file_ = std::move(file).value();
  return heap_offset(file_.data());
}

std::string InspectSession::inspect(const std::string&) {
  Result<Model> model = open_tflite(std::move(file_));
  if (!model.ok()) return error_reply(model.error());
  model_ = std::move(model).value();
  json::Value reply = inspection_json(inspect_model(*model_));
  metadata_ = read_metadata(*model_);
  reply.set("metadata", metadata_value(metadata_));
  return json::write(reply);
}

std::string InspectSession::stats(int graph, int tensor) const {
  const Result<TensorStats> stats = tensor_stats(*model_, graph, tensor);
  return stats.ok() ? json::write(stats_json(stats.value())) : error_reply(stats.error());
}

}  // namespace zeolite::wasm
