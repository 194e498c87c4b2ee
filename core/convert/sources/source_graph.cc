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

void count_parameters(SourceGraph& graph) {
  graph.parameters = 0;
  graph.zeros = 0;
  for (const SourceNode& node : graph.nodes) {
    if (node.first_call >= 0) continue;
    for (const SourceWeight& weight : node.weights) {
      int64_t count = 1;
      for (int32_t size : weight.shape) count *= size;
      graph.parameters += count;
      graph.zeros += count_zeros(weight.type, weight.data.data, weight.shape, nullptr);
    }
  }
}

}  // namespace zeolite
