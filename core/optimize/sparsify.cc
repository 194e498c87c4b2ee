#include "core/optimize/sparsify.h"

#include <map>
#include <utility>
#include <vector>

namespace zeolite {
namespace {

// What a DENSIFY, its tensor and the encoding's tables take in the file, about; less is not worth
// an operator.
constexpr uint64_t kOverheadBytes = 512;

// Bytes of a list of numbers up to `largest`: the writer picks the narrowest type.
uint64_t list_bytes(uint64_t count, uint64_t largest) {
  const uint64_t width = largest < 256 ? 1 : (largest < 65536 ? 2 : 4);
  return count * width;
}

bool takes_weights(BuiltinOperator code) {
  return code == BuiltinOperator::kConv2d || code == BuiltinOperator::kDepthwiseConv2d ||
         code == BuiltinOperator::kFullyConnected;
}

std::optional<std::span<const float>> floats_of(const Model& model, const Tensor& tensor) {
  const std::span<const uint8_t> data = model.data(tensor);
  const bool is_aligned = reinterpret_cast<uintptr_t>(data.data()) % alignof(float) == 0;
  if (tensor.type != TensorType::kFloat32 || tensor.sparsity != nullptr || data.empty() ||
      !is_aligned) {
    return std::nullopt;
  }
  return std::span(reinterpret_cast<const float*>(data.data()), data.size() / sizeof(float));
}

// Lets go of data that no tensor shows any more.
void release_buffer(Model* model, uint32_t buffer) {
  for (const Subgraph& subgraph : model->subgraphs) {
    for (const Tensor& tensor : subgraph.tensors) {
      if (tensor.buffer == buffer) return;
    }
  }
  model->buffers[buffer] = Buffer();
}

// Encodes tensor `index` of `subgraph`; returns the tensor for its dense form, or kNoTensor when it
// stays dense.
Result<int32_t> encode_tensor(Model* model, Subgraph& subgraph, int32_t index) {
  Tensor& tensor = subgraph.tensors[static_cast<size_t>(index)];
  const std::optional<std::span<const float>> values = floats_of(*model, tensor);
  if (!values) return kNoTensor;
  ZEOLITE_ASSIGN(std::optional<SparseConstant> sparse, encode_sparse(*values, tensor.shape));
  if (!sparse) return kNoTensor;
  Tensor dense;
  dense.type = tensor.type;
  dense.shape = tensor.shape;
  const uint32_t old = tensor.buffer;
  tensor.sparsity = std::make_unique<Sparsity>(std::move(sparse->sparsity));
  tensor.buffer = model->add_buffer(std::move(sparse->values));
  release_buffer(model, old);
  subgraph.tensors.push_back(std::move(dense));
  return static_cast<int32_t>(subgraph.tensors.size() - 1);
}

}  // namespace

Result<std::optional<SparseConstant>> encode_sparse(std::span<const float> values,
                                                    std::span<const int32_t> shape) {
  if (shape.empty() || values.empty()) return std::optional<SparseConstant>();
  const auto columns = static_cast<size_t>(shape.back());
  const size_t rows = values.size() / columns;
  uint64_t kept = 0;
  for (float value : values) kept += value != 0.0f;
  const uint64_t encoded = kept * sizeof(float) + list_bytes(kept, columns) +
                           list_bytes(rows + 1, kept) + kOverheadBytes;
  if (encoded >= values.size_bytes()) return std::optional<SparseConstant>();

  SparseConstant result;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    result.sparsity.traversal_order.push_back(static_cast<int32_t>(axis));
    SparseDimension dimension;
    if (axis + 1 < shape.size()) {
      dimension.dense_size = shape[axis];
    } else {
      dimension.format = DimensionType::kSparseCsr;
    }
    result.sparsity.dimensions.push_back(std::move(dimension));
  }
  SparseDimension& last = result.sparsity.dimensions.back();
  last.segments.reserve(rows + 1);
  last.indices.reserve(kept);
  ZEOLITE_ASSIGN(result.values, Bytes::allocate(kept * sizeof(float), "sparse weights"));
  auto* stored = reinterpret_cast<float*>(result.values.data());
  last.segments.push_back(0);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t column = 0; column < columns; ++column) {
      const float value = values[row * columns + column];
      if (value == 0.0f) continue;
      stored[last.indices.size()] = value;
      last.indices.push_back(static_cast<int32_t>(column));
    }
    last.segments.push_back(static_cast<int32_t>(last.indices.size()));
  }
  return std::optional<SparseConstant>(std::move(result));
}

Result<int> sparsify_weights(Model* model) {
  int encoded_count = 0;
  for (Subgraph& subgraph : model->subgraphs) {
    std::map<int32_t, int32_t> dense_of;  // By sparse tensor: what its DENSIFY makes.
    std::vector<Operator> operators;
    operators.reserve(subgraph.operators.size());
    for (Operator& op : subgraph.operators) {
      const bool has_weights =
          takes_weights(op.code) && op.inputs.size() > 1 && op.inputs[1] != kNoTensor;
      if (has_weights && !dense_of.contains(op.inputs[1])) {
        ZEOLITE_ASSIGN(const int32_t dense, encode_tensor(model, subgraph, op.inputs[1]));
        if (dense != kNoTensor) {
          dense_of[op.inputs[1]] = dense;
          Operator densify;
          densify.code = BuiltinOperator::kDensify;
          densify.inputs = {op.inputs[1]};
          densify.outputs = {dense};
          densify.sources = op.sources;
          operators.push_back(std::move(densify));
          ++encoded_count;
        }
      }
      for (int32_t& input : op.inputs) {
        if (const auto found = dense_of.find(input); found != dense_of.end()) {
          input = found->second;
        }
      }
      operators.push_back(std::move(op));
    }
    subgraph.operators = std::move(operators);
  }
  return encoded_count;
}

}  // namespace zeolite
