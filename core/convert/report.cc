#include "core/convert/report.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "core/convert/lower/lower.h"
#include "core/ops/versions.h"

namespace zeolite {
namespace {

NodeFamily layer_family(std::string_view name) {
  const auto has = [name](std::string_view part) { return name.find(part) != name.npos; };
  if (has("Conv")) return NodeFamily::kConvolution;
  if (has("Dense")) return NodeFamily::kDense;
  if (has("LSTM") || has("GRU") || has("RNN") || has("Bidirectional")) {
    return NodeFamily::kRecurrent;
  }
  if (has("Pooling")) return NodeFamily::kPooling;
  if (has("Normalization") || has("Rescaling")) return NodeFamily::kNormalisation;
  if (has("ReLU") || has("ELU") || has("Softmax") || has("Activation")) {
    return NodeFamily::kActivation;
  }
  for (const std::string_view shape : {"Flatten", "Reshape", "Permute", "RepeatVector", "Padding",
                                       "Cropping", "Crop", "UpSampling", "Resizing",
                                       "Concatenate"}) {
    if (has(shape)) return NodeFamily::kShape;
  }
  for (const std::string_view merge : {"Add", "Subtract", "Multiply", "Average", "Maximum",
                                       "Minimum", "Dot"}) {
    if (name == merge) return NodeFamily::kArithmetic;
  }
  return NodeFamily::kOther;
}

// Tensors of the inspected graph: first the outputs of all nodes, then their weights.
std::vector<int32_t> output_tensors(const SourceGraph& source, int32_t* count) {
  std::vector<int32_t> first(source.nodes.size());
  int32_t next = 0;
  for (size_t i = 0; i < source.nodes.size(); ++i) {
    first[i] = next;
    next += static_cast<int32_t>(source.nodes[i].outputs.size());
  }
  *count = next;
  return first;
}

// kNoTensor for an output that its node turned out not to have.
int32_t tensor_of(const SourceGraph& source, const std::vector<int32_t>& first,
                  const SourceLink& link) {
  const auto node = static_cast<size_t>(link.node);
  const bool is_there = static_cast<size_t>(link.output) < source.nodes[node].outputs.size();
  return is_there ? first[node] + link.output : kNoTensor;
}

json::Value operator_counts(const Model& model) {
  std::map<std::string, int64_t> counts;
  for (const Subgraph& subgraph : model.subgraphs) {
    for (const Operator& op : subgraph.operators) ++counts[operator_name(op)];
  }
  json::Value result = json::Value::object();
  for (const auto& [name, count] : counts) result.set(name, count);
  return result;
}

// What became of each source node.
struct Outcome {
  struct Place {
    size_t subgraph;
    size_t op;
  };
  std::vector<Place> operators;  // That it became or went into.
  bool owns_one = false;         // Whether one of them is its own: it is the first of the sources.
};

std::vector<Outcome> outcomes(const SourceGraph& source, const Model& model) {
  std::vector<Outcome> result(source.nodes.size());
  for (size_t s = 0; s < model.subgraphs.size(); ++s) {
    const std::vector<Operator>& list = model.subgraphs[s].operators;
    for (size_t i = 0; i < list.size(); ++i) {
      for (size_t k = 0; k < list[i].sources.size(); ++k) {
        Outcome& outcome = result[static_cast<size_t>(list[i].sources[k])];
        outcome.operators.push_back({s, i});
        outcome.owns_one |= k == 0;
      }
    }
  }
  return result;
}

// The operators that a node without one of its own went into, each with the layer that it is of,
// such as "CONV_2D (stem)".
std::string folded_into(const SourceGraph& source, const Model& model, const Outcome& outcome) {
  std::string text;
  for (const Outcome::Place& place : outcome.operators) {
    const Operator& op = model.subgraphs[place.subgraph].operators[place.op];
    if (!text.empty()) text += ", ";
    text +=
        operator_name(op) + " (" + source.nodes[static_cast<size_t>(op.sources[0])].path + ")";
  }
  return text;
}

json::Value layers_json(const SourceGraph& source, const Model& model,
                        const std::vector<Outcome>& outcomes) {
  json::Value layers = json::Value::array();
  for (size_t i = 0; i < source.nodes.size(); ++i) {
    const SourceNode& node = source.nodes[i];
    json::Value operators = json::Value::array();
    for (const Outcome::Place& place : outcomes[i].operators) {
      json::Value& entry = operators.push(json::Value::object());
      entry.set("subgraph", static_cast<int64_t>(place.subgraph));
      entry.set("operator", static_cast<int64_t>(place.op));
    }
    json::Value& layer = layers.push(json::Value::object());
    layer.set("path", node.path);
    layer.set("name", node.name);
    layer.set("class", node.class_name);
    layer.set("operators", std::move(operators));
    if (!outcomes[i].owns_one && !outcomes[i].operators.empty()) {
      layer.set("folded", folded_into(source, model, outcomes[i]));
    }
  }
  return layers;
}

// One line for each layer: all of them were converted, or there would be no report.
std::string layer_line(const SourceGraph& source, const Model& model, size_t index,
                       const Outcome& outcome) {
  const SourceNode& node = source.nodes[index];
  const bool is_input =
      std::any_of(source.inputs.begin(), source.inputs.end(), [&](const SourcePort& port) {
        return port.link.node == static_cast<int32_t>(index);
      });
  if (is_input) return node.class_name + " is an input of the model";
  if (outcome.operators.empty()) {
    return node.class_name + " changes nothing when the model runs and needs no operator";
  }
  if (outcome.owns_one) return node.class_name + " is converted";
  return node.class_name + " is folded into " + folded_into(source, model, outcome);
}

double share_of_zeros(const SourceGraph& source) {
  return source.parameters > 0
             ? static_cast<double>(source.zeros) / static_cast<double>(source.parameters)
             : 0;
}

}  // namespace

json::Value convert_report(const SourceGraph& source, const Model& model, uint64_t bytes_out) {
  json::Value report = json::Value::object();
  report.set("format", source.format);
  report.set("producer", source.producer);
  report.set("bytesIn", source.bytes);
  report.set("bytesOut", bytes_out);
  report.set("parameters", source.parameters);
  report.set("zeros", share_of_zeros(source));
  report.set("operators", operator_counts(model));
  const std::vector<Outcome> became = outcomes(source, model);
  report.set("layers", layers_json(source, model, became));
  report.set("minRuntime", minimal_runtime(model));
  json::Value warnings = json::Value::array();
  for (const std::string& warning : source.warnings) warnings.push(warning);
  report.set("warnings", std::move(warnings));
  std::vector<Compatibility> lines;
  for (size_t i = 0; i < source.nodes.size(); ++i) {
    lines.push_back({Compatibility::Severity::kOk, source.nodes[i].path, {},
                     layer_line(source, model, i, became[i]), {}});
  }
  std::vector<Compatibility> operators = model_compatibility(model);
  lines.insert(lines.end(), std::make_move_iterator(operators.begin()),
               std::make_move_iterator(operators.end()));
  report.set("compatibility", compatibility_json(lines));
  return report;
}

Result<Inspection> inspect_source(SourceGraph* source) {
  ZEOLITE_TRY(count_parameters(source));
  const std::vector<Issue> issues = infer_source_shapes(source);
  Inspection inspection;
  inspection.format = source->format;
  inspection.producer = source->producer;
  inspection.bytes = source->bytes;
  inspection.parameters = source->parameters;
  inspection.zeros = source->zeros;
  InspectedGraph graph;
  graph.name = source->name;
  int32_t count = 0;
  const std::vector<int32_t> first = output_tensors(*source, &count);
  graph.tensors.resize(static_cast<size_t>(count));
  for (size_t i = 0; i < source->nodes.size(); ++i) {
    const SourceNode& node = source->nodes[i];
    InspectedNode shown;
    shown.path = node.path;
    shown.name = node.name;
    shown.class_name = node.class_name;
    shown.family = layer_family(node.class_name);
    for (const json::Member& member : node.config->members()) {
      if (member.key != "name") shown.attributes.set(member.key, member.value);
    }
    for (const SourceLink& link : node.inputs) {
      shown.inputs.push_back({"input", tensor_of(*source, first, link)});
    }
    for (size_t j = 0; j < node.outputs.size(); ++j) {
      const auto index = first[i] + static_cast<int32_t>(j);
      InspectedTensor& tensor = graph.tensors[static_cast<size_t>(index)];
      tensor.name = node.path;
      tensor.type = node.outputs[j].type;
      tensor.shape = node.outputs[j].shape;
      tensor.has_rank = node.outputs[j].has_rank;
      shown.outputs.push_back({"output", index});
    }
    for (const SourceWeight& weight : node.weights) {
      shown.inputs.push_back({weight.name, static_cast<int32_t>(graph.tensors.size())});
      InspectedTensor tensor;
      tensor.name = node.path + "/" + weight.name;
      tensor.type = weight.type;
      tensor.shape = weight.shape;
      tensor.constant = true;
      tensor.bytes = weight_bytes(weight);
      graph.tensors.push_back(std::move(tensor));
    }
    graph.nodes.push_back(std::move(shown));
  }
  Signature signature;
  signature.key = "serving_default";
  for (const SourcePort& port : source->inputs) {
    graph.inputs.push_back(tensor_of(*source, first, port.link));
    signature.inputs.push_back({port.name, graph.inputs.back()});
  }
  for (const SourcePort& port : source->outputs) {
    graph.outputs.push_back(tensor_of(*source, first, port.link));
    signature.outputs.push_back({port.name, graph.outputs.back()});
  }
  inspection.graphs.push_back(std::move(graph));
  inspection.signatures.push_back(std::move(signature));
  for (const Issue& issue : issues) {
    inspection.compatibility.push_back({Compatibility::Severity::kBlocks, issue.name, {},
                                        issue.type + ": " + issue.reason, issue.help});
  }
  return inspection;
}

Result<TensorStats> source_stats(const SourceGraph& source, int32_t tensor) {
  int32_t next = 0;
  output_tensors(source, &next);
  for (const SourceNode& node : source.nodes) {
    for (const SourceWeight& weight : node.weights) {
      if (next++ == tensor) {
        ZEOLITE_ASSIGN(const Content data, read_weight(weight));
        return data_stats(weight.type, data.data, weight.shape, nullptr);
      }
    }
  }
  return bad_input("tensor " + std::to_string(tensor) + " is no weight");
}

}  // namespace zeolite
