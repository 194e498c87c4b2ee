#include "wasm/converter/inspect_source_session.h"

#include <utility>

#include "core/convert/report.h"
#include "core/inspect/metadata.h"
#include "core/inspect/statistics.h"
#include "wasm/common/reply.h"

namespace zeolite::wasm {
namespace {

// The stages that leave a graph behind; before them there is only the source.
constexpr ConvertStage kGraphStages[] = {ConvertStage::kLower, ConvertStage::kPasses,
                                         ConvertStage::kOptimize, ConvertStage::kWrite};

std::string stage_names() {
  std::string names(convert_stage_name(ConvertStage::kRead));
  for (ConvertStage stage : kGraphStages) names += ", " + std::string(convert_stage_name(stage));
  return names;
}

}  // namespace

Result<Inspection> InspectSourceSession::inspect_stage(const std::string& stage,
                                                       const std::string& format) {
  for (ConvertStage wanted : kGraphStages) {
    if (stage != convert_stage_name(wanted)) continue;
    ConvertOptions options;
    options.format = format;
    conversion_ = std::make_unique<Conversion>(files_.take(), std::move(options));
    while (conversion_->progress().stage <= wanted && !conversion_->is_done()) {
      ZEOLITE_TRY(conversion_->step());
    }
    return inspect_model(*conversion_->model());
  }
  return bad_input("the converter has no stage '" + stage + "': there are " + stage_names());
}

std::string InspectSourceSession::inspect(const std::string& options) {
  const Result<json::Value> parsed = json::parse(options);
  if (!parsed.ok()) return error_reply(parsed.error());
  const std::string format = parsed.value().string_or("format", "");
  const std::string stage = parsed.value().string_or("stage", "");
  Inspection inspection;
  if (stage.empty() || stage == convert_stage_name(ConvertStage::kRead)) {
    const std::vector<SourceFile> files = files_.take();
    Result<SourceGraph> source = read_source(files, format);
    if (!source.ok()) return error_reply(source.error());
    source_ = std::move(source).value();
    Result<Inspection> result = inspect_source(&*source_);
    if (!result.ok()) return error_reply(result.error());
    inspection = std::move(result).value();
  } else {
    Result<Inspection> result = inspect_stage(stage, format);
    if (!result.ok()) return error_reply(result.error());
    inspection = std::move(result).value();
  }
  json::Value reply = inspection_json(inspection);
  reply.set("metadata", metadata_value(ModelMetadata()));
  return json::write(reply);
}

std::string InspectSourceSession::stats(int graph, int tensor) const {
  const Result<TensorStats> stats =
      source_ ? source_stats(*source_, tensor) : tensor_stats(*conversion_->model(), graph, tensor);
  return stats.ok() ? json::write(stats_json(stats.value())) : error_reply(stats.error());
}

}  // namespace zeolite::wasm
