// DENSIFY (1): a constant in the sparse encoding of the schema (SparsityParameters) -> dense.
//   input  constant with sparsity, or a dense one
//   output the same shape and type
// The dimensions of the tensor, followed by those inside of blocks, are walked in traversal_order.
// A dense level has `dense_size` entries for each entry of the level above; a compressed one has,
// for entry p above, those of indices[segments[p] .. segments[p + 1]]. The last level's entries are
// the stored values, in order. Index of a blocked dimension = outer index * block size + inner.
#include "core/ops/densify.h"

#include <cstring>
#include <vector>

#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

// One level of the walk.
struct Level {
  const SparseDimension* source = nullptr;
  int64_t size = 0;            // Of the dimension that it walks.
  uint64_t stride_bytes = 0;   // In the dense tensor.
};

class Decoder {
 public:
  explicit Decoder(const Operand& tensor) : tensor_(tensor), sparsity_(*tensor.sparsity) {}

  Result<Bytes> decode() {
    ZEOLITE_ASSIGN(const uint64_t bytes, byte_size(tensor_.type, tensor_.shape));
    element_bytes_ = static_cast<uint64_t>(bits_per_element(tensor_.type)) / 8;
    if (element_bytes_ == 0) return unsupported("sparse values of less than a byte");
    ZEOLITE_TRY(set_levels());
    ZEOLITE_TRY(check_entries());
    ZEOLITE_ASSIGN(dense_, Bytes::allocate_zeroed(bytes, "a sparse constant"));
    if (entries_ > 0) walk(0, 0, 0);
    return std::move(dense_);
  }

 private:
  Status set_levels() {
    const size_t rank = tensor_.shape.size();
    const size_t blocks = sparsity_.block_map.size();
    const size_t count = rank + blocks;
    if (blocks > rank || sparsity_.traversal_order.size() != count ||
        sparsity_.dimensions.size() != count) {
      return corrupt("its sparsity does not describe " + std::to_string(rank) + " dimensions");
    }
    // The level that walks each dimension.
    std::vector<int> level_of(count, -1);
    for (size_t i = 0; i < count; ++i) {
      const int32_t dimension = sparsity_.traversal_order[i];
      if (dimension < 0 || static_cast<size_t>(dimension) >= count || level_of[dimension] >= 0) {
        return corrupt("the traversal order of its sparsity is no permutation");
      }
      level_of[dimension] = static_cast<int>(i);
    }
    std::vector<int32_t> block_size(rank, 1);
    std::vector<uint64_t> stride(rank, element_bytes_);
    for (size_t i = rank; i-- > 1;) {
      stride[i - 1] = stride[i] * static_cast<uint64_t>(tensor_.shape[i]);
    }
    levels_.resize(count);
    for (size_t i = 0; i < count; ++i) levels_[i].source = &sparsity_.dimensions[i];
    for (size_t b = 0; b < blocks; ++b) {
      const int32_t dimension = sparsity_.block_map[b];
      Level& level = levels_[level_of[rank + b]];
      const int32_t size = level.source->dense_size;
      if (dimension < 0 || static_cast<size_t>(dimension) >= rank || block_size[dimension] != 1 ||
          level.source->format != DimensionType::kDense || size < 1 ||
          tensor_.shape[dimension] % size != 0) {
        return corrupt("the blocks of its sparsity do not divide its shape " +
                       shape_text(tensor_.shape));
      }
      block_size[dimension] = size;
      level.size = size;
      level.stride_bytes = stride[dimension];
    }
    for (size_t d = 0; d < rank; ++d) {
      Level& level = levels_[level_of[d]];
      level.size = tensor_.shape[d] / block_size[d];
      level.stride_bytes = stride[d] * static_cast<uint64_t>(block_size[d]);
      if (level.source->format == DimensionType::kDense && level.source->dense_size != level.size) {
        return corrupt("dimension " + std::to_string(d) + " of its sparsity has " +
                       std::to_string(level.source->dense_size) + " entries, expected " +
                       std::to_string(level.size));
      }
    }
    return {};
  }

  // Counts the entries of each level, so that the walk needs no checks.
  Status check_entries() {
    int64_t entries = 1;
    for (const Level& level : levels_) {
      const SparseDimension& source = *level.source;
      if (source.format == DimensionType::kDense) {
        if (!checked_mul<int64_t>(entries, level.size, &entries)) {
          return corrupt("its sparsity has too many entries");
        }
        continue;
      }
      if (source.segments.size() != static_cast<uint64_t>(entries) + 1 ||
          source.segments.front() != 0 ||
          source.indices.size() != static_cast<size_t>(source.segments.back())) {
        return corrupt("the segments of its sparsity do not fit its indices");
      }
      for (size_t i = 1; i < source.segments.size(); ++i) {
        if (source.segments[i] < source.segments[i - 1]) {
          return corrupt("the segments of its sparsity do not ascend");
        }
      }
      for (int32_t index : source.indices) {
        if (index < 0 || index >= level.size) {
          return corrupt("its sparsity holds the index " + std::to_string(index) +
                         " in a dimension of " + std::to_string(level.size));
        }
      }
      entries = source.segments.back();
    }
    if (static_cast<uint64_t>(entries) * element_bytes_ != tensor_.bytes) {
      return corrupt("its sparsity describes " + std::to_string(entries) + " values, but " +
                     std::to_string(tensor_.bytes / element_bytes_) + " are stored");
    }
    entries_ = entries;
    return {};
  }

  void walk(size_t depth, int64_t entry, uint64_t offset) {
    if (depth == levels_.size()) {
      std::memcpy(dense_.data() + offset, tensor_.data + entry * element_bytes_, element_bytes_);
      return;
    }
    const Level& level = levels_[depth];
    if (level.source->format == DimensionType::kDense) {
      for (int64_t i = 0; i < level.size; ++i) {
        walk(depth + 1, entry * level.size + i, offset + i * level.stride_bytes);
      }
      return;
    }
    for (int64_t i = level.source->segments[entry]; i < level.source->segments[entry + 1]; ++i) {
      walk(depth + 1, i, offset + level.source->indices[i] * level.stride_bytes);
    }
  }

  const Operand& tensor_;
  const Sparsity& sparsity_;
  uint64_t element_bytes_ = 0;
  int64_t entries_ = 0;
  std::vector<Level> levels_;
  Bytes dense_;
};

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  return context.set_output(0, input.type, input.shape);
}

Status eval(EvalContext& context) {
  const Operand& input = context.input(0);
  const Operand& output = context.output(0);
  if (input.sparsity == nullptr) {
    if (output.bytes > 0) std::memcpy(output.writable, input.data, output.bytes);
    return {};
  }
  ZEOLITE_ASSIGN(const Bytes dense, decode_sparse(input));
  if (output.bytes > 0) std::memcpy(output.writable, dense.data(), output.bytes);
  return {};
}

}  // namespace

Result<Bytes> decode_sparse(const Operand& tensor) { return Decoder(tensor).decode(); }

const OpKernel kDensifyOp = {infer, nullptr, eval};

}  // namespace zeolite
