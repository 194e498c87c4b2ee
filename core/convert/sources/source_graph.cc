#include "core/convert/sources/source_graph.h"

#include <cstring>

#include "core/base/half.h"
#include "core/inspect/statistics.h"

namespace zeolite {
namespace {

template <class T>
T load(const uint8_t* data, int64_t index) {
  T value;
  std::memcpy(&value, data + static_cast<size_t>(index) * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

float weight_value(const SourceWeight& weight, int64_t index) {
  const uint8_t* data = weight.data.data.data();
  switch (weight.type) {
    case TensorType::kFloat32: return load<float>(data, index);
    case TensorType::kFloat64: return static_cast<float>(load<double>(data, index));
    case TensorType::kFloat16: return half_to_float(load<uint16_t>(data, index));
    case TensorType::kBfloat16: return bfloat16_to_float(load<uint16_t>(data, index));
    case TensorType::kInt8: return load<int8_t>(data, index);
    case TensorType::kUint8: return load<uint8_t>(data, index);
    case TensorType::kBool: return load<uint8_t>(data, index);
    case TensorType::kInt16: return load<int16_t>(data, index);
    case TensorType::kUint16: return load<uint16_t>(data, index);
    case TensorType::kInt32: return static_cast<float>(load<int32_t>(data, index));
    case TensorType::kUint32: return static_cast<float>(load<uint32_t>(data, index));
    case TensorType::kInt64: return static_cast<float>(load<int64_t>(data, index));
    case TensorType::kUint64: return static_cast<float>(load<uint64_t>(data, index));
    default: return 0.0f;
  }
}

Result<Content> read_weight(const SourceWeight& weight) {
  ZEOLITE_ASSIGN(Content data, weight.read());
  if (data.data.size() != weight_bytes(weight)) {
    return corrupt("the weight \"" + weight.name + "\" has " + std::to_string(data.data.size()) +
                   " bytes; its shape " + shape_text(weight.shape) + " needs " +
                   std::to_string(weight_bytes(weight)));
  }
  return data;
}

Status load_weights(SourceNode* node) {
  for (SourceWeight& weight : node->weights) {
    ZEOLITE_ASSIGN(weight.data, read_weight(weight));
  }
  return Status();
}

void drop_weights(SourceNode* node) {
  for (SourceWeight& weight : node->weights) weight.data = Content();
}

uint64_t weight_bytes(const SourceWeight& weight) {
  const Result<uint64_t> size = byte_size(weight.type, weight.shape);
  return size.ok() ? size.value() : 0;
}

void count_parameters(const SourceNode& node, SourceGraph* graph) {
  if (node.first_call >= 0) return;
  for (const SourceWeight& weight : node.weights) {
    const Result<int64_t> count = element_count(weight.shape);
    if (count.ok()) graph->parameters += count.value();
    graph->zeros += count_zeros(weight.type, weight.data.data, weight.shape, nullptr);
  }
}

Status count_parameters(SourceGraph* graph) {
  graph->parameters = 0;
  graph->zeros = 0;
  for (SourceNode& node : graph->nodes) {
    if (node.first_call >= 0) continue;
    ZEOLITE_TRY(load_weights(&node));
    count_parameters(node, graph);
    drop_weights(&node);
  }
  return Status();
}

}  // namespace zeolite
