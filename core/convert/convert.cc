#include "core/convert/convert.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/checked.h"
#include "core/convert/report.h"
#include "core/convert/sources/keras.h"
#include "core/formats/detect.h"
#include "core/formats/zip.h"
#include "core/optimize/sparsify.h"
#include "core/ops/versions.h"

namespace zeolite {
namespace {

// What is lowered in one step, whichever is reached first: small enough to show progress, large
// enough not to matter.
constexpr size_t kLayersAStep = 16;
constexpr uint64_t kWeightBytesAStep = 4 * 1024 * 1024;

constexpr uint64_t kMaxTfliteBytes = 0x7fffffff;

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
    if (is_keras(detect_format(file.bytes))) return read_keras(files);
  }
  const Format found = detect_format(files.front().bytes);
  const std::string name =
      files.front().name.empty() ? "the file" : "\"" + files.front().name + "\"";
  if (found == Format::kTflite) {
    return unsupported(name + " is a .tflite file already: there is nothing to convert");
  }
  if (found == Format::kZip) {
    // What its directory says decides; one that cannot be read was cut off with the end.
    const Result<zip::Archive> archive = zip::Archive::open(files.front().bytes);
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
  // From here on the graph's weights alone hold them, so that they go when those go.
  files_.clear();
  source_ = std::make_unique<SourceGraph>(std::move(graph));
  ZEOLITE_TRY(select_outputs());
  ZEOLITE_TRY(refuse_too_large());
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

// Before any of the weights is read. What is stored sparsely may become smaller than it looks.
Status Conversion::refuse_too_large() const {
  uint64_t bytes = 0;
  for (const SourceNode& node : source_->nodes) {
    if (node.first_call >= 0) continue;
    for (const SourceWeight& weight : node.weights) {
      const Result<uint64_t> size = byte_size(TensorType::kFloat32, weight.shape);
      if (!size.ok() || !checked_add(bytes, size.value(), &bytes)) bytes = ~uint64_t{0};
    }
  }
  if (options_.sparsify || bytes <= kMaxTfliteBytes) return Status();
  return unsupported("the model's weights take " + std::to_string(bytes) +
                     " bytes as float32; a .tflite file holds at most 2 GB");
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
  uint64_t bytes = 0;
  for (size_t i = 0; i < kLayersAStep && bytes < kWeightBytesAStep &&
                     lowering_->done() < lowering_->total(); ++i) {
    SourceNode& node = source_->nodes[lowering_->done()];
    ZEOLITE_TRY(load_weights(&node));
    count_parameters(node, source_.get());
    for (const SourceWeight& weight : node.weights) bytes += weight.data.data.size();
    lowering_->step();
    drop_weights(&node);
  }
  progress_.done = lowering_->done();
  if (lowering_->done() < lowering_->total()) return Status();
  ZEOLITE_ASSIGN(model_, lowering_->finish());
  has_model_ = true;
  lowering_.reset();
  // All constants are copies now.
  for (SourceNode& node : source_->nodes) node.weights.clear();
  passes_ = std::make_unique<ConversionPasses>(&model_);
  advance(ConvertStage::kPasses, passes_->total());
  return Status();
}

Status Conversion::run_passes() {
  ZEOLITE_TRY(passes_->step());
  progress_.done = passes_->done();
  progress_.total = passes_->total();
  if (!passes_->is_done()) return Status();
  passes_.reset();
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
  ZEOLITE_ASSIGN(tflite_, lay_out_tflite(model_));
  advance(ConvertStage::kDone);
  return Status();
}

json::Value Conversion::report() const {
  return convert_report(*source_, model_, tflite_.size);
}

}  // namespace zeolite
