// What viewers and reports show of a model: the same shape for a .tflite and for a source model.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/formats/json.h"
#include "core/graph/external_files.h"
#include "core/graph/graph.h"

namespace zeolite {

// What a node is for; viewers colour by it.
enum class NodeFamily : uint8_t {
  kConvolution, kDense, kRecurrent, kPooling, kActivation, kNormalisation, kShape, kArithmetic,
  kOther,
};

std::string_view node_family_name(NodeFamily family);
NodeFamily operator_family(BuiltinOperator code);

struct InspectedTensor {
  std::string name;
  TensorType type = TensorType::kFloat32;
  Shape shape;           // -1: free.
  bool has_rank = true;  // false: nothing is known of the shape.
  std::shared_ptr<const Quantization> quantization;
  bool constant = false;
  bool variable = false;  // Keeps its values from run to run.
  uint64_t bytes = 0;  // Stored in the file, or in the one beside it.
  std::string file;    // The file beside the model that holds the values; empty: the model's own.
};

struct InspectedOperand {
  std::string role;  // Such as "filter".
  int32_t tensor;    // Of the graph, or kNoTensor.
};

struct InspectedNode {
  std::string path;        // Unique in the inspection; operators: "subgraph/index".
  std::string name;        // The layer's own; operators: their first output's.
  std::string class_name;  // Layer class or operator type.
  NodeFamily family = NodeFamily::kOther;
  json::Value attributes = json::Value::object();
  std::vector<InspectedOperand> inputs;
  std::vector<InspectedOperand> outputs;
};

struct InspectedGraph {
  std::string name;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::vector<InspectedNode> nodes;
  std::vector<InspectedTensor> tensors;
};

// One line of the compatibility report.
struct Compatibility {
  enum class Severity : uint8_t { kOk, kNote, kBlocks };
  Severity severity = Severity::kOk;
  std::string layer;          // Path of the layer that this is about, or empty.
  std::string operator_path;  // Path of the operator that this is about, or empty.
  std::string reason;
  std::string help;
  std::string file = {};  // The file beside the model that this is about, as the model calls it.
};

struct Inspection {
  std::string format;
  std::string producer;
  uint64_t bytes = 0;
  int64_t parameters = 0;  // Elements of all weights.
  int64_t zeros = 0;       // How many of them are exactly zero.
  // First TensorFlow release that runs a .tflite; empty when none does, and of sources.
  std::string min_runtime;
  std::vector<InspectedGraph> graphs;
  std::vector<Signature> signatures;  // Indices into the tensors of their graph.
  std::vector<Compatibility> compatibility;
};

// The inspection of a .tflite: one graph a subgraph. `places`: of constants outside of the model.
Inspection inspect_model(const Model& model, const ExternalPlaces& places = {});

// The line of the report for each operator of `model`, in their order: what types it takes, since
// which runtime it runs, what stands in the way of running it here.
std::vector<Compatibility> model_compatibility(const Model& model);

// The interface's `Inspection`, without `stats` and `metadata`.
json::Value inspection_json(const Inspection& inspection);
json::Value compatibility_json(const std::vector<Compatibility>& entries);
json::Value tensor_info_json(std::string_view name, const InspectedTensor& tensor);

}  // namespace zeolite
