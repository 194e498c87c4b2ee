// Operators without an interpreter: shapes of a graph, and operators whose inputs are all constant.
#pragma once

#include <vector>

#include "core/ops/op.h"

namespace zeolite {

// What is known of `tensor`: its type, shape, and its data where they are constant (of a sparse one
// the stored entries).
Operand operand_of(const Model& model, const Tensor& tensor);

// Sets type and shape of the outputs of operator `index` from its inputs. Where a shape depends on
// data that are not constant, has_rank becomes false. Errors name the operator.
Status infer_operator(const Model& model, Subgraph& subgraph, size_t index);

// infer_operator for every operator in order; all problems are in one error.
Status infer_subgraph(const Model& model, Subgraph& subgraph);

// An output of evaluate_constant.
struct ConstantTensor {
  TensorType type = TensorType::kFloat32;
  Shape shape;
  Bytes data;
};

// The outputs of `op`, given inputs that all have data (an absent one is null). `output_types`
// holds a type for each output, which counts where the operator leaves it open (CAST, QUANTIZE).
// Runs on the calling thread. Errors: operators that have effects, that are not known, or that need
// another subgraph.
Result<std::vector<ConstantTensor>> evaluate_constant(const Operator& op,
                                                      std::span<const Operand* const> inputs,
                                                      std::span<const TensorType> output_types);

}  // namespace zeolite
