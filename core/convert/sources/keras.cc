#include "core/convert/sources/keras.h"

#include <optional>
#include <string>
#include <utility>

#include "core/convert/sources/keras_graph.h"
#include "core/convert/sources/keras_model.h"
#include "core/convert/sources/keras_weights.h"
#include "core/formats/detect.h"
#include "core/formats/hdf5.h"
#include "core/formats/zip.h"

namespace zeolite {
namespace {

using keras::Model;

std::string_view text_of(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Where the parts of a model lie, before any of them is understood.
struct Parts {
  const json::Value* architecture = nullptr;
  std::string version;                   // "3.15.1", or empty.
  std::string backend;                   // "tensorflow", or empty.
  std::optional<hdf5::Object> weights;   // The group with layer_names, or the root of layers/.
  std::string format;
};

int32_t major_of(const Parts& parts) {
  if (!parts.version.empty() && parts.version[0] >= '1' && parts.version[0] <= '9') {
    return parts.version[0] - '0';
  }
  // Keras 3's to_json() writes no version, but names modules.
  if (parts.architecture->find("module") != nullptr) return 3;
  return parts.architecture->find("keras_version") == nullptr && parts.weights ? 1 : 2;
}

Result<const json::Value*> parse_document(std::string_view text, std::string_view what,
                                          SourceGraph& graph) {
  Result<json::Value> parsed = json::parse(text);
  if (!parsed.ok()) return parsed.take_status().with_context(what);
  graph.documents.push_back(
      std::make_shared<const json::Value>(std::move(parsed).value()));
  return graph.documents.back().get();
}

// Keras writes attributes as strings; Keras 1 under Python 2 as bytes. Both are text here.
Result<std::string> text_attribute(const hdf5::Object& object, std::string_view name) {
  if (!object.has_attribute(name)) return std::string();
  return object.string_attribute(name);
}

Status take_weights(const hdf5::Object& root, Parts* parts) {
  ZEOLITE_ASSIGN(const bool is_model, keras::has_link(root, "model_weights"));
  if (is_model) {
    ZEOLITE_ASSIGN(parts->weights, root.find("model_weights"));
    return Status();
  }
  ZEOLITE_ASSIGN(const bool has_stored, keras::has_stored_weights(root));
  if (has_stored || keras::has_listed_weights(root)) parts->weights = root;
  return Status();
}

// A .h5: the whole model, or weights alone.
Status take_hdf5(const SourceFile& source, Parts* parts, SourceGraph& graph) {
  ZEOLITE_ASSIGN(const hdf5::File file, hdf5::File::open(source.bytes));
  const hdf5::Object& root = file.root();
  if (root.has_attribute("model_config")) {
    ZEOLITE_ASSIGN(const std::string config, root.string_attribute("model_config"));
    ZEOLITE_ASSIGN(parts->architecture, parse_document(config, "model_config", graph));
    ZEOLITE_ASSIGN(parts->version, text_attribute(root, "keras_version"));
    ZEOLITE_ASSIGN(parts->backend, text_attribute(root, "backend"));
    // Files older than the attribute are of Keras 1, as Keras' own loader takes them.
    if (parts->version.empty()) parts->version = "1";
    parts->format = "keras-h5";
  }
  return take_weights(root, parts);
}

// The members of a .keras, from the zip or unpacked.
Status take_metadata(std::string_view text, Parts* parts, SourceGraph& graph) {
  ZEOLITE_ASSIGN(const json::Value* metadata, parse_document(text, "metadata.json", graph));
  parts->version = metadata->string_or("keras_version", parts->version);
  return Status();
}

Status take_zip(const SourceFile& file, Parts* parts, SourceGraph& graph) {
  Result<zip::Archive> opened = zip::Archive::open(file.bytes);
  if (!opened.ok()) {
    return corrupt("the .keras file is a zip archive that is damaged or was cut short: " +
                   opened.error().message);
  }
  const zip::Archive& archive = opened.value();
  if (archive.find("config.json") == nullptr) {
    return unsupported("the zip archive has no config.json, so it is no .keras file");
  }
  ZEOLITE_ASSIGN(Content config, archive.read("config.json"));
  ZEOLITE_ASSIGN(parts->architecture, parse_document(text_of(config.data), "config.json", graph));
  if (archive.find("metadata.json") != nullptr) {
    ZEOLITE_ASSIGN(Content metadata, archive.read("metadata.json"));
    ZEOLITE_TRY(take_metadata(text_of(metadata.data), parts, graph));
  }
  parts->format = "keras";
  if (archive.find("model.weights.h5") != nullptr) {
    ZEOLITE_ASSIGN(std::shared_ptr<const ByteSource> weights,
                   archive.open_entry("model.weights.h5"));
    ZEOLITE_ASSIGN(const hdf5::File stored, hdf5::File::open(std::move(weights)));
    return take_weights(stored.root(), parts);
  }
  for (const char* other : {"model.weights.npz", "model.weights.json"}) {
    if (archive.find(other) != nullptr) {
      return unsupported("the .keras file keeps its weights as " + std::string(other) +
                         ", which is not read; save it again with model.save(\"name.keras\") and "
                         "default settings");
    }
  }
  return Status();
}

Status take_json(const SourceFile& file, Parts* parts, SourceGraph& graph) {
  ZEOLITE_ASSIGN(const Content text, file.bytes->content("the JSON"));
  ZEOLITE_ASSIGN(const json::Value* root, parse_document(text_of(text.data), file.name, graph));
  // An unpacked .keras has a metadata.json beside its config.json.
  if (root->find("config") == nullptr && root->find("keras_version") != nullptr) {
    parts->version = root->string_or("keras_version", parts->version);
    return Status();
  }
  parts->architecture = root;
  parts->version = root->string_or("keras_version", parts->version);
  if (parts->format.empty()) parts->format = "keras-json";
  return Status();
}

Status collect_parts(std::span<const SourceFile> files, Parts* parts, SourceGraph& graph) {
  for (const SourceFile& file : files) {
    switch (detect_format(file.bytes)) {
      case Format::kHdf5: ZEOLITE_TRY(take_hdf5(file, parts, graph)); break;
      case Format::kKerasZip: ZEOLITE_TRY(take_zip(file, parts, graph)); break;
      case Format::kKerasJson:
      case Format::kJson: ZEOLITE_TRY(take_json(file, parts, graph)); break;
      default: break;
    }
  }
  if (parts->architecture == nullptr && parts->weights) {
    return unsupported(
        "this file holds weights only (it has no model_config): which layers they belong to is not "
        "in it. Give the architecture as a second file (model.to_json() written to a .json), or "
        "save the whole model with model.save(\"model.h5\") or model.save(\"model.keras\")");
  }
  if (parts->architecture == nullptr) {
    return unsupported(
        "this HDF5 file holds no Keras model: it has neither a model_config attribute nor groups "
        "of weights");
  }
  if (!parts->weights) {
    return unsupported(
        "there is an architecture (model_config or JSON) but there are no weights: give the "
        "weights file (.weights.h5) together with it, or save the whole model again");
  }
  return Status();
}

}  // namespace

Result<SourceGraph> read_keras(std::span<const SourceFile> files) {
  SourceGraph graph;
  for (const SourceFile& file : files) graph.bytes += file.bytes->size();
  Parts parts;
  ZEOLITE_TRY(collect_parts(files, &parts, graph));
  graph.format = parts.format;
  graph.keras_major = major_of(parts);
  graph.producer = "Keras " + (parts.version.size() > 1 ? parts.version
                                                        : std::to_string(graph.keras_major));
  keras::Reading reading{&graph.documents, graph.keras_major};
  ZEOLITE_ASSIGN(Model model, keras::parse_model(*parts.architecture, reading));
  graph.name = model.name;
  ZEOLITE_TRY(keras::has_listed_weights(*parts.weights)
                  ? keras::assign_listed_weights(*parts.weights, &model)
                  : keras::assign_stored_weights(*parts.weights, &model));
  ZEOLITE_TRY(keras::modernize_weights(&model, graph.keras_major, parts.backend));
  ZEOLITE_TRY(keras::flatten_model(model, &graph));
  return graph;
}

}  // namespace zeolite
