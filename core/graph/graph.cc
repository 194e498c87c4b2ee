#include "core/graph/graph.h"

#include <utility>

namespace zeolite {

Tensor Tensor::clone() const {
  Tensor copy;
  copy.name = name;
  copy.type = type;
  copy.shape = shape;
  copy.has_rank = has_rank;
  copy.buffer = buffer;
  copy.is_variable = is_variable;
  if (quantization) copy.quantization = std::make_unique<Quantization>(*quantization);
  if (sparsity) copy.sparsity = std::make_unique<Sparsity>(*sparsity);
  copy.variant_type = variant_type;
  copy.variant_shape = variant_shape;
  return copy;
}

uint32_t Model::add_buffer(Bytes bytes) {
  buffers.push_back(Buffer::of(std::move(bytes)));
  return static_cast<uint32_t>(buffers.size() - 1);
}

std::string operator_name(const Operator& op) {
  if (op.code == BuiltinOperator::kCustom) return op.custom_name;
  const std::string_view name = builtin_operator_name(op.code);
  if (!name.empty()) return std::string(name);
  return "operator code " + std::to_string(static_cast<int32_t>(op.code));
}

}  // namespace zeolite
