// THE graph: model, subgraphs, operators and tensors. Interpreter, converter, optimizer and viewer
// all work on this one; read.h and write.h turn it from and into a .tflite file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/graph/options.h"
#include "core/graph/types.h"

namespace zeolite {

// Index of an absent optional input.
inline constexpr int32_t kNoTensor = -1;
// Every model's buffer 0 is empty: tensors without constant data point at it.
inline constexpr uint32_t kNoBuffer = 0;

// Constant data: a view into the file's bytes, or into `owned` once something made or changed it.
// Copies share the owned bytes, which nothing changes any more.
struct Buffer {
  std::span<const uint8_t> data;
  std::shared_ptr<const Bytes> owned;

  static Buffer of(Bytes bytes) {
    Buffer result;
    result.owned = std::make_shared<const Bytes>(std::move(bytes));
    result.data = result.owned->span();
    return result;
  }
};

// real = scale * (stored - zero_point), for the whole tensor (one scale), per index of
// `quantized_dimension` (several), or per block (`block_size` > 0: `scale` is empty and the scales
// are the tensor `block_scales`).
struct Quantization {
  std::vector<float> scale;
  std::vector<int64_t> zero_point;
  std::vector<float> min;  // Seen while training or calibrating; only informative.
  std::vector<float> max;
  int32_t quantized_dimension = 0;
  // Blockwise quantization: tensors of this subgraph with scales and zero points, or kNoTensor.
  int32_t block_scales = kNoTensor;
  int32_t block_zero_points = kNoTensor;
  int32_t block_size = 0;
};

// One dimension of a sparse tensor in the order of traversal.
struct SparseDimension {
  DimensionType format = DimensionType::kDense;
  int32_t dense_size = 0;
  std::vector<int32_t> segments;  // Only kSparseCsr: where each row begins in `indices`.
  std::vector<int32_t> indices;   // Only kSparseCsr: the index of each stored entry.
};

// The sparse encoding of a constant (SparsityParameters in the schema).
struct Sparsity {
  std::vector<int32_t> traversal_order;
  std::vector<int32_t> block_map;
  std::vector<SparseDimension> dimensions;
};

struct Tensor {
  std::string name;
  TensorType type = TensorType::kFloat32;
  // The shape as stored; in the file a free dimension is stored as 1 and as -1 in
  // `shape_signature`: here `shape` holds -1 for it.
  Shape shape;
  bool has_rank = true;  // false: nothing is known of the shape (an unranked tensor, shape empty).
  uint32_t buffer = kNoBuffer;
  bool is_variable = false;
  std::unique_ptr<Quantization> quantization;
  std::unique_ptr<Sparsity> sparsity;
  // RESOURCE and VARIANT tensors: element type and shape of what they hold.
  std::optional<TensorType> variant_type;
  Shape variant_shape;

  // Whether the file gives the tensor's values. Constants without elements need no bytes.
  bool is_constant() const { return buffer != kNoBuffer; }

  Tensor() = default;
  Tensor(Tensor&&) = default;
  Tensor& operator=(Tensor&&) = default;
  Tensor clone() const;
};

struct Operator {
  BuiltinOperator code = BuiltinOperator::kCustom;
  std::string custom_name;  // Only of kCustom.
  int32_t version = 1;
  std::vector<int32_t> inputs;  // Tensor indices, or kNoTensor.
  std::vector<int32_t> outputs;
  std::vector<int32_t> intermediates;
  Options options;
  std::span<const uint8_t> custom_options;  // A view into the file, or into a Buffer of the model.
  // Conversion only: the source layers that this operator came from, as indices into the source
  // graph's nodes. Passes that merge operators join their lists.
  std::vector<int32_t> sources;
};

struct Subgraph {
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::vector<Operator> operators;  // In the order of execution.
};

struct SignatureTensor {
  std::string name;  // As callers know it.
  int32_t tensor;    // In the signature's subgraph.
};

struct Signature {
  std::string key;
  std::vector<SignatureTensor> inputs;
  std::vector<SignatureTensor> outputs;
  int32_t subgraph = 0;
};

struct Metadata {
  std::string name;
  uint32_t buffer = kNoBuffer;
};

struct Model {
  std::string description;
  std::vector<Subgraph> subgraphs;  // The first is the main one.
  std::vector<Buffer> buffers = std::vector<Buffer>(1);
  std::vector<Metadata> metadata;
  std::vector<Signature> signatures;
  // Keeps the bytes alive that buffers and custom options point into.
  std::shared_ptr<const Bytes> file;

  // Adds constant data and returns its buffer's index.
  uint32_t add_buffer(Bytes bytes);
  // The constant data of `tensor`; empty when it has none.
  std::span<const uint8_t> data(const Tensor& tensor) const { return buffers[tensor.buffer].data; }
};

// The schema's name of the operator, or the custom operator's own.
std::string operator_name(const Operator& op);

}  // namespace zeolite
