#include "core/convert/convert.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/convert/report.h"
#include "core/convert/sources/keras.h"
#include "core/formats/detect.h"
#include "core/formats/zip.h"
#include "core/graph/write.h"
#include "core/optimize/sparsify.h"
#include "core/ops/versions.h"
#include "core/passes/passes.h"

namespace zeolite {
namespace {

// Layers lowered in one step: small enough to show progress, large enough not to matter.
constexpr size_t kLayersAStep = 16;

// The runtime reads a string of this many bytes, zeros at its end.
constexpr size_t kRuntimeVersionBytes = 16;

Status add_runtime_version(Model* model) {
  const std::string_view version = minimal_runtime(*model);
  ZEOLITE_ASSIGN(Bytes bytes, Bytes::allocate_zeroed(kRuntimeVersionBytes, "metadata"));
  std::memcpy(bytes.data(), version.data(), std::min(version.size(), kRuntimeVersionBytes));
  model->metadata.push_back({"min_runtime_version", model->add_buffer(std::move(bytes))});
  return Status();
}

Status too_new(const Model& model, const std::string& wanted) {
  std::vector<Issue> issues;
  for (const Subgraph& subgraph : model.subgraphs) {
    for (size_t i = 0; i < subgraph.operators.size(); ++i) {
      const Operator& op = subgraph.operators[i];
      const std::string_view since = runtime_since(op.code, op.version);
      if (!is_older_release(wanted, since)) continue;
      Issue issue;
      issue.subject = Issue::Subject::kOperator;
      issue.index = static_cast<int32_t>(i);
      issue.type = operator_name(op);
      issue.reason = "version " + std::to_string(op.version) + " runs since TensorFlow " +
                     std::string(since);
      issues.push_back(std::move(issue));
    }
  }
  if (issues.empty()) return Status();
  std::string message = "the file would not run on TensorFlow " + wanted + ":";
  for (const Issue& issue : issues) message += " " + issue.type + " " + issue.reason + ";";
  message.back() = '.';
  return Status(Error{ErrorCode::kUnsupported, std::move(message), std::move(issues)});
}

bool is_keras(Format format) {
  return format == Format::kHdf5 || format == Format::kKerasZip || format == Format::kKerasJson;
}

}  // namespace

std::string_view convert_stage_name(ConvertStage stage) {
  switch (stage) {
    case ConvertStage::kRead: return "read";
    case ConvertStage::kLower: return "lower";
    case ConvertStage::kPasses: return "passes";
    case ConvertStage::kOptimize: return "optimize";
    case ConvertStage::kWrite: return "write";
    case ConvertStage::kDone: return "done";
  }
  return "done";
}

Result<SourceGraph> read_source(std::span<const SourceFile> files, std::string_view format) {
  if (files.empty()) return bad_input("there is no file to convert");
  if (!format.empty() && !format.starts_with("keras")) {
    return bad_input("the format \"" + std::string(format) +
                     "\" is not known; known are keras-h5, keras and keras-json");
  }
  if (!format.empty()) return read_keras(files);
  for (const SourceFile& file : files) {
    if (is_keras(detect_format(file.bytes->span()))) return read_keras(files);
  }
  const Format found = detect_format(files.front().bytes->span());
  const std::string name =
      files.front().name.empty() ? "the file" : "\"" + files.front().name + "\"";
  if (found == Format::kTflite) {
    return unsupported(name + " is a .tflite file already: there is nothing to convert");
  }
  if (found == Format::kZip) {
    // What its directory says decides; one that cannot be read was cut off with the end.
    const Result<zip::Archive> archive = zip::Archive::open(files.front().bytes->span());
    if (!archive.ok()) {
      return corrupt(name + " is a zip archive that is damaged or was cut short: " +
                     archive.error().message);
    }
    return not_a_model(name + " is a zip archive, but no .keras file: it has no config.json");
  }
  std::string message = name + " is no model that can be converted: it is " +
                        std::string(format_words(found)) + ".";
  const std::string_view help = format_help(found);
  if (!help.empty()) message += " What helps: " + std::string(help) + ".";
  return not_a_model(std::move(message));
}

Conversion::Conversion(std::vector<SourceFile> files, ConvertOptions options)
    : files_(std::move(files)), options_(std::move(options)) {}

Status Conversion::step() {
  switch (progress_.stage) {
    case ConvertStage::kRead: return read();
    case ConvertStage::kLower: return lower();
    case ConvertStage::kPasses: return run_passes();
    case ConvertStage::kOptimize: return optimize();
    case ConvertStage::kWrite: return write();
    case ConvertStage::kDone: break;
  }
  return Status();
}

Status Conversion::read() {
  ZEOLITE_ASSIGN(SourceGraph graph, read_source(files_, options_.format));
  // From here on the graph alone holds them, so that they go when it lets go.
  files_.clear();
  source_ = std::make_unique<SourceGraph>(std::move(graph));
  ZEOLITE_TRY(select_outputs());
  count_parameters(*source_);
  for (const auto& [name, shape] : options_.input_shapes) {
    const bool is_input =
        std::any_of(source_->inputs.begin(), source_->inputs.end(),
                    [&name = name](const SourcePort& port) { return port.name == name; });
    if (!is_input) {
      return bad_input("inputShapes names \"" + name + "\", which is no input of the model");
    }
  }
  lowering_ = std::make_unique<Lowering>(source_.get(), true, options_.input_shapes);
  advance(ConvertStage::kLower, source_->nodes.size());
  return Status();
}

Status Conversion::select_outputs() {
  if (options_.outputs.empty()) return Status();
  std::vector<SourcePort> chosen;
  for (const std::string& wanted : options_.outputs) {
    bool found = false;
    for (size_t i = 0; i < source_->nodes.size() && !found; ++i) {
      const SourceNode& node = source_->nodes[i];
      found = node.path == wanted || node.name == wanted;
      if (found) chosen.push_back({wanted, {static_cast<int32_t>(i), 0}});
    }
    if (!found) {
      return bad_input("outputs names \"" + wanted + "\", which is no layer of the model");
    }
  }
  source_->outputs = std::move(chosen);
  return Status();
}

Status Conversion::lower() {
  for (size_t i = 0; i < kLayersAStep && lowering_->done() < lowering_->total(); ++i) {
    lowering_->step();
  }
  progress_.done = lowering_->done();
  if (lowering_->done() < lowering_->total()) return Status();
  ZEOLITE_ASSIGN(model_, lowering_->finish());
  has_model_ = true;
  lowering_.reset();
  // All constants are copies now.
  for (SourceNode& node : source_->nodes) node.weights.clear();
  source_->files.clear();
  advance(ConvertStage::kPasses);
  return Status();
}

Status Conversion::run_passes() {
  ZEOLITE_TRY(run_conversion_passes(&model_));
  advance(ConvertStage::kOptimize);
  return Status();
}

Status Conversion::optimize() {
  if (options_.sparsify) {
    ZEOLITE_ASSIGN(const int count, sparsify_weights(&model_));
    if (count == 0) {
      source_->warnings.push_back("nothing is sparse enough to become smaller by sparsify");
    }
  }
  advance(ConvertStage::kWrite);
  return Status();
}

Status Conversion::write() {
  for (Subgraph& subgraph : model_.subgraphs) {
    for (Operator& op : subgraph.operators) op.version = minimal_version(model_, subgraph, op);
  }
  if (!options_.min_runtime.empty()) ZEOLITE_TRY(too_new(model_, options_.min_runtime));
  ZEOLITE_TRY(add_runtime_version(&model_));
  ZEOLITE_ASSIGN(tflite_, write_tflite(model_));
  advance(ConvertStage::kDone);
  return Status();
}

json::Value Conversion::report() const {
  return convert_report(*source_, model_, tflite_.size());
}

}  // namespace zeolite
