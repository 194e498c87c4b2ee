// The source graph: a model as its author wrote it, whatever the format of its file. The converter
// lowers it to operators; viewers and reports show it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/byte_source.h"
#include "core/formats/content.h"
#include "core/formats/json.h"
#include "core/graph/types.h"

namespace zeolite {

// One file of a source, as its owner named it. Several make one model when architecture and weights
// lie apart.
struct SourceFile {
  std::string name;  // A path or file name; may be empty.
  std::shared_ptr<const ByteSource> bytes;
};

// What is known of a value that flows between nodes.
struct SourceTensor {
  TensorType type = TensorType::kFloat32;
  Shape shape;            // -1: free.
  bool has_rank = false;  // false: nothing is known of the shape.
};

// Output `output` of node `node`.
struct SourceLink {
  int32_t node = -1;
  int32_t output = 0;
};

// A trained array. Weights are most of a model, and each is looked at once: its elements are in
// memory only between load_weights() and drop_weights() of its node.
struct SourceWeight {
  std::string name;  // Its role in the layer, such as "kernel".
  TensorType type = TensorType::kFloat32;
  Shape shape;
  // Reads the elements: dense, little-endian, perhaps unaligned.
  std::function<Result<Content>()> read;
  Content data;
};

// One call of one layer (or one operation).
struct SourceNode {
  std::string path;   // Unique: outer models first ("encoder/conv"), later calls of a shared layer
                      // with their number ("conv#2").
  std::string name;   // The layer's own.
  std::string class_name;
  const json::Value* config = nullptr;  // Of the layer; never null, an object or null.
  // The arguments of the call besides plain inputs, or null: an object with "args" and "kwargs".
  // Where an argument is one of `inputs`, there stands {"input": index}.
  const json::Value* call = nullptr;
  std::vector<SourceWeight> weights;
  std::vector<SourceLink> inputs;
  std::vector<SourceTensor> outputs;
  int32_t first_call = -1;  // The node that called the same layer first; -1 when it is this one.
};

// An input or output of the whole, under the name that the source gives it.
struct SourcePort {
  std::string name;
  SourceLink link;
};

struct SourceGraph {
  std::string format;    // Such as "keras-h5"; see convert.h.
  std::string producer;  // Such as "Keras 3.15.1".
  std::string name;      // The model's own.
  int32_t keras_major = 0;  // 1, 2 or 3; decides what some names mean.
  std::vector<SourceNode> nodes;  // In an order in which they can run.
  std::vector<SourcePort> inputs;
  std::vector<SourcePort> outputs;
  int64_t parameters = 0;  // Elements of all weights, those of shared layers once.
  int64_t zeros = 0;       // How many of them are zero.
  uint64_t bytes = 0;      // Of the files.
  std::vector<std::string> warnings;
  // What the nodes point into.
  std::vector<std::shared_ptr<const json::Value>> documents;
};

// The elements of a weight. Errors: those of its file's reader; kCorrupt when the file has more or
// fewer of them than the shape says.
Result<Content> read_weight(const SourceWeight& weight);

// Puts the elements of the node's weights into memory.
Status load_weights(SourceNode* node);
void drop_weights(SourceNode* node);

// Bytes of the weight's elements as its file has them.
uint64_t weight_bytes(const SourceWeight& weight);

// Adds the node's parameters and zeros to the graph's; its weights must be there.
void count_parameters(const SourceNode& node, SourceGraph* graph);
// Counts those of all nodes from scratch, with the weights of one node at a time in memory.
Status count_parameters(SourceGraph* graph);

// Element `index` of a weight that is there, as a float; 0 for types that hold no numbers.
float weight_value(const SourceWeight& weight, int64_t index);

}  // namespace zeolite
