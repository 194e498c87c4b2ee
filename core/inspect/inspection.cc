#include "core/inspect/inspection.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/inspect/operator_roles.h"
#include "core/inspect/statistics.h"
#include "core/inspect/tensor_json.h"
#include "core/ops/table.h"
#include "core/ops/versions.h"

namespace zeolite {
namespace {

template <class T>
json::Value list_json(const void* member) {
  json::Value result = json::Value::array();
  for (const T& value : *static_cast<const std::vector<T>*>(member)) {
    if constexpr (std::is_floating_point_v<T>) {
      result.push(static_cast<double>(value));
    } else {
      result.push(static_cast<int64_t>(value));
    }
  }
  return result;
}

// An enumeration's value by its name, or the number when the schema does not know it.
json::Value integer_json(int64_t value, const OptionField& field) {
  for (const EnumName& entry : field.enum_names) {
    if (entry.value == value) return json::Value(entry.name);
  }
  return json::Value(value);
}

json::Value field_json(const OptionField& field, const void* member) {
  switch (field.kind) {
    case FieldKind::kBool: return json::Value(*static_cast<const bool*>(member));
    case FieldKind::kInt8: return integer_json(*static_cast<const int8_t*>(member), field);
    case FieldKind::kUint8: return integer_json(*static_cast<const uint8_t*>(member), field);
    case FieldKind::kInt32: return integer_json(*static_cast<const int32_t*>(member), field);
    case FieldKind::kUint32: return integer_json(*static_cast<const uint32_t*>(member), field);
    case FieldKind::kInt64: return integer_json(*static_cast<const int64_t*>(member), field);
    case FieldKind::kFloat32:
      return json::Value(static_cast<double>(*static_cast<const float*>(member)));
    case FieldKind::kString: return json::Value(*static_cast<const std::string*>(member));
    case FieldKind::kInt32List: return list_json<int32_t>(member);
    case FieldKind::kUint32List: return list_json<uint32_t>(member);
    case FieldKind::kInt64List: return list_json<int64_t>(member);
    case FieldKind::kFloat32List: return list_json<float>(member);
    case FieldKind::kUint8List: return list_json<uint8_t>(member);
  }
  return {};
}

json::Value attributes_of(const Operator& op) {
  json::Value attributes = json::Value::object();
  attributes.set("version", op.version);
  if (const OptionsInfo* info = op.options.info()) {
    const auto* base = static_cast<const uint8_t*>(op.options.raw());
    for (const OptionField& field : info->fields) {
      attributes.set(field.name, field_json(field, base + field.offset));
    }
  }
  if (!op.custom_options.empty()) {
    attributes.set("custom_options",
                   std::to_string(op.custom_options.size()) + " bytes");
  }
  return attributes;
}

std::string operator_path(size_t subgraph, size_t index) {
  return std::to_string(subgraph) + "/" + std::to_string(index);
}

InspectedGraph inspect_subgraph(const Model& model, size_t index, const ExternalPlaces& places) {
  const Subgraph& subgraph = model.subgraphs[index];
  InspectedGraph graph;
  graph.name = subgraph.name.empty() ? "subgraph " + std::to_string(index) : subgraph.name;
  graph.inputs = subgraph.inputs;
  graph.outputs = subgraph.outputs;
  for (const Tensor& tensor : subgraph.tensors) {
    InspectedTensor& entry = graph.tensors.emplace_back();
    entry.name = tensor.name;
    entry.type = tensor.type;
    entry.shape = tensor.shape;
    entry.has_rank = tensor.has_rank;
    if (tensor.quantization && !tensor.quantization->scale.empty()) {
      entry.quantization = std::make_shared<const Quantization>(*tensor.quantization);
    }
    entry.constant = tensor.is_constant();
    entry.variable = tensor.is_variable;
    entry.bytes = model.data(tensor).size();
    if (const auto place = places.find(tensor.buffer); place != places.end()) {
      entry.bytes = place->second.bytes;
      entry.file = place->second.file;
    }
  }
  for (size_t i = 0; i < subgraph.operators.size(); ++i) {
    const Operator& op = subgraph.operators[i];
    InspectedNode& node = graph.nodes.emplace_back();
    node.path = operator_path(index, i);
    node.class_name = operator_name(op);
    node.family = operator_family(op.code);
    node.attributes = attributes_of(op);
    for (size_t k = 0; k < op.inputs.size(); ++k) {
      node.inputs.push_back({input_role(op, k), op.inputs[k]});
    }
    for (size_t k = 0; k < op.outputs.size(); ++k) {
      node.outputs.push_back({output_role(op, k), op.outputs[k]});
    }
    if (!op.outputs.empty() && op.outputs[0] != kNoTensor) {
      node.name = subgraph.tensors[op.outputs[0]].name;
    }
  }
  return graph;
}

// Weights are what training makes: floating-point and quantized constants. Integer constants are
// shapes, axes and indices. A buffer that several tensors share counts once.
void count_weights(const Model& model, const ExternalPlaces& places, Inspection* inspection) {
  std::set<uint32_t> counted;
  for (const Subgraph& subgraph : model.subgraphs) {
    for (const Tensor& tensor : subgraph.tensors) {
      const bool is_weight = tensor.is_constant() &&
                             (is_float(tensor.type) ||
                              (tensor.quantization && !tensor.quantization->scale.empty()));
      if (!is_weight || !counted.insert(tensor.buffer).second) continue;
      const Result<int64_t> count = element_count(tensor.shape);
      if (!count.ok()) continue;
      inspection->parameters += count.value();
      const auto place = places.find(tensor.buffer);
      if (place != places.end() && place->second.is_missing) continue;
      const std::span<const uint8_t> data = model.data(tensor);
      inspection->zeros +=
          count_zeros(tensor.type, data, tensor.shape, tensor.quantization.get());
      if (tensor.sparsity) {
        const auto stored =
            static_cast<int64_t>(data.size() * 8 / std::max(1, bits_per_element(tensor.type)));
        inspection->zeros += std::max<int64_t>(0, count.value() - stored);
      }
    }
  }
}

// One line for each file beside the model that was not given.
void add_missing_files(const ExternalPlaces& places, std::vector<Compatibility>* lines) {
  std::set<std::string_view> names;
  for (const auto& [buffer, place] : places) {
    if (place.is_missing) names.insert(place.file);
  }
  for (std::string_view name : names) {
    lines->push_back({Compatibility::Severity::kBlocks, {}, {},
                      "Weights lie in the file \"" + std::string(name) + "\", which is missing",
                      "Put it where the model lies, or give it together with the model",
                      std::string(name)});
  }
}

std::string_view severity_name(Compatibility::Severity severity) {
  switch (severity) {
    case Compatibility::Severity::kOk: return "ok";
    case Compatibility::Severity::kNote: return "note";
    case Compatibility::Severity::kBlocks: return "blocks";
  }
  return "note";
}

json::Value operands_json(const std::vector<InspectedOperand>& operands) {
  json::Value result = json::Value::array();
  for (const InspectedOperand& operand : operands) {
    json::Value& entry = result.push(json::Value::object());
    entry.set("role", operand.role);
    entry.set("tensor", operand.tensor);
  }
  return result;
}

json::Value graph_json(const InspectedGraph& graph) {
  json::Value result = json::Value::object();
  result.set("name", graph.name);
  result.set("inputs", list_json<int32_t>(&graph.inputs));
  result.set("outputs", list_json<int32_t>(&graph.outputs));
  json::Value nodes = json::Value::array();
  for (const InspectedNode& node : graph.nodes) {
    json::Value& entry = nodes.push(json::Value::object());
    entry.set("path", node.path);
    entry.set("name", node.name);
    entry.set("class", node.class_name);
    entry.set("family", node_family_name(node.family));
    entry.set("attributes", node.attributes);
    entry.set("inputs", operands_json(node.inputs));
    entry.set("outputs", operands_json(node.outputs));
  }
  result.set("nodes", std::move(nodes));
  json::Value tensors = json::Value::array();
  for (const InspectedTensor& tensor : graph.tensors) {
    json::Value& entry = tensors.push(tensor_info_json(tensor.name, tensor));
    entry.set("constant", tensor.constant);
    if (tensor.variable) entry.set("variable", true);
    entry.set("bytes", tensor.bytes);
    if (!tensor.file.empty()) entry.set("file", tensor.file);
  }
  result.set("tensors", std::move(tensors));
  return result;
}

json::Value signature_side_json(const std::vector<SignatureTensor>& entries,
                                const InspectedGraph& graph) {
  json::Value result = json::Value::array();
  for (const SignatureTensor& entry : entries) {
    result.push(tensor_info_json(entry.name, graph.tensors[static_cast<size_t>(entry.tensor)]));
  }
  return result;
}

}  // namespace

std::vector<Compatibility> model_compatibility(const Model& model) {
  std::vector<Compatibility> result;
  for (size_t s = 0; s < model.subgraphs.size(); ++s) {
    const Subgraph& subgraph = model.subgraphs[s];
    for (size_t i = 0; i < subgraph.operators.size(); ++i) {
      const Operator& op = subgraph.operators[i];
      const std::vector<std::string> problems = support_problems(subgraph, op);
      for (const std::string& problem : problems) {
        result.push_back({Compatibility::Severity::kBlocks, {}, operator_path(s, i), problem,
                          support_help(op)});
      }
      if (!problems.empty()) continue;
      std::string types;
      for (int32_t input : op.inputs) {
        if (input == kNoTensor) continue;
        if (!types.empty()) types += ", ";
        types += tensor_type_name(subgraph.tensors[input].type);
      }
      std::string line = operator_name(op) + " version " + std::to_string(op.version) + " on " +
                         (types.empty() ? "no input" : types);
      const std::string_view since = runtime_since(op.code, op.version);
      if (!since.empty()) line += ", runs since TensorFlow " + std::string(since);
      result.push_back(
          {Compatibility::Severity::kOk, {}, operator_path(s, i), std::move(line), {}});
    }
  }
  return result;
}

Inspection inspect_model(const Model& model, const ExternalPlaces& places) {
  Inspection inspection;
  inspection.format = "tflite";
  inspection.producer = model.description;
  inspection.bytes = model.file != nullptr ? model.file->size() : 0;
  for (size_t i = 0; i < model.subgraphs.size(); ++i) {
    inspection.graphs.push_back(inspect_subgraph(model, i, places));
  }
  // No release of TensorFlow reads weights from other files.
  if (places.empty()) inspection.min_runtime = minimal_runtime(model);
  inspection.signatures = model.signatures;
  count_weights(model, places, &inspection);
  inspection.compatibility = model_compatibility(model);
  add_missing_files(places, &inspection.compatibility);
  return inspection;
}

json::Value tensor_info_json(std::string_view name, const InspectedTensor& tensor) {
  return tensor_info_json(name, tensor.type, tensor.shape, tensor.has_rank,
                          tensor.quantization.get());
}

json::Value compatibility_json(const std::vector<Compatibility>& entries) {
  json::Value result = json::Value::array();
  for (const Compatibility& entry : entries) {
    json::Value subject = json::Value::object();
    if (!entry.layer.empty()) subject.set("layer", entry.layer);
    if (!entry.operator_path.empty()) subject.set("operator", entry.operator_path);
    if (!entry.file.empty()) subject.set("file", entry.file);
    json::Value& line = result.push(json::Value::object());
    line.set("subject", std::move(subject));
    line.set("severity", severity_name(entry.severity));
    line.set("reason", entry.reason);
    line.set("help", entry.help);
  }
  return result;
}

json::Value inspection_json(const Inspection& inspection) {
  json::Value result = json::Value::object();
  result.set("format", inspection.format);
  result.set("producer", inspection.producer);
  result.set("bytes", inspection.bytes);
  result.set("parameters", inspection.parameters);
  const double share = inspection.parameters > 0 ? static_cast<double>(inspection.zeros) /
                                                       static_cast<double>(inspection.parameters)
                                                 : 0;
  result.set("zeros", share);
  if (!inspection.min_runtime.empty()) result.set("minRuntime", inspection.min_runtime);
  json::Value graphs = json::Value::array();
  for (const InspectedGraph& graph : inspection.graphs) graphs.push(graph_json(graph));
  result.set("graphs", std::move(graphs));
  std::vector<json::Member> signatures;
  for (const Signature& signature : inspection.signatures) {
    const InspectedGraph& graph = inspection.graphs[static_cast<size_t>(signature.subgraph)];
    json::Value entry = json::Value::object();
    entry.set("inputs", signature_side_json(signature.inputs, graph));
    entry.set("outputs", signature_side_json(signature.outputs, graph));
    signatures.push_back({signature.key, std::move(entry)});
  }
  result.set("signatures", json::Value(std::move(signatures)));
  result.set("compatibility", compatibility_json(inspection.compatibility));
  return result;
}

}  // namespace zeolite
