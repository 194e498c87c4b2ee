#include "wasm/runtime/inspect_session.h"

#include "core/inspect/inspection.h"
#include "core/inspect/statistics.h"
#include "wasm/common/reply.h"

namespace zeolite::wasm {

double InspectSession::add_file(const std::string&, double size) { return files_.reserve(size); }

std::string InspectSession::wanted_files() { return files_.wanted(); }

double InspectSession::reserve_wanted(int index, double size) {
  return files_.reserve_wanted(index, size);
}

std::string InspectSession::inspect(const std::string&) {
  Result<Model> model = files_.open(&places_);
  if (!model.ok()) return error_reply(model.error());
  model_ = std::move(model).value();
  json::Value reply = inspection_json(inspect_model(*model_, places_));
  metadata_ = read_metadata(*model_);
  reply.set("metadata", metadata_value(metadata_));
  return json::write(reply);
}

std::string InspectSession::stats(int graph, int tensor) const {
  const Result<TensorStats> stats = tensor_stats(*model_, graph, tensor, places_);
  return stats.ok() ? json::write(stats_json(stats.value())) : error_reply(stats.error());
}

}  // namespace zeolite::wasm
