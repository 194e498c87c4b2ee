#include "core/ops/op.h"

namespace zeolite {

void OpRecord::begin_prepare() {
  scratch_bytes.clear();
  scratch.clear();
  kernel = "reference";
  flops = 0;
  in_place_input = -1;
  packed_bytes = 0;
}

static Status set_type(Operand& output, size_t index, TensorType type, bool adopt) {
  if (adopt) output.type = type;
  if (output.type == type) return {};
  return bad_input("output " + std::to_string(index) + " has type " +
                   std::string(tensor_type_name(output.type)) + ", expected " +
                   std::string(tensor_type_name(type)));
}

Status InferContext::set_output(size_t index, TensorType type, Shape shape) {
  Operand& output = *outputs_[index];
  ZEOLITE_TRY(set_type(output, index, type, adopt_types_));
  if (shape.size() > kMaxOperandRank) {
    return unsupported("output " + std::to_string(index) + " has " + std::to_string(shape.size()) +
                       " dimensions, at most " + std::to_string(kMaxOperandRank) +
                       " are supported");
  }
  output.shape = std::move(shape);
  output.has_shape = true;
  if (!is_static(output.shape) || bits_per_element(type) == 0) return {};
  ZEOLITE_ASSIGN(output.bytes, byte_size(type, output.shape));
  return {};
}

Status InferContext::set_output_unknown(size_t index, TensorType type) {
  Operand& output = *outputs_[index];
  output.shape.clear();
  output.has_shape = false;
  return set_type(output, index, type, adopt_types_);
}

Result<Bytes> PrepareContext::allocate_packed(uint64_t bytes) {
  Result<Bytes> memory = Bytes::allocate(bytes, "packed weights");
  if (memory.ok()) record_.packed_bytes += bytes;
  return memory;
}

}  // namespace zeolite
