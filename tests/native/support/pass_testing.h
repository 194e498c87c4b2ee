// Small graphs for the tests of passes, and the check that a pass changes no result.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "core/passes/passes.h"

namespace zeolite {

// Adds tensors and operators to a model of one subgraph. Random numbers are seeded: the same calls
// make the same model.
class TestGraph {
 public:
  TestGraph();

  int32_t input(Shape shape, TensorType type = TensorType::kFloat32);
  int32_t constant(Shape shape, std::vector<float> values);
  int32_t ints(std::vector<int32_t> values);                // Rank 1.
  int32_t ints(Shape shape, std::vector<int32_t> values);
  int32_t random(Shape shape);                              // Between -1 and 1.

  // Appends an operator with one output, whose shape is inferred; its type is too, or `type` where
  // the operator leaves it open. The operator's number is its only source.
  int32_t add(BuiltinOperator code, std::vector<int32_t> inputs, Options options = {},
              TensorType type = TensorType::kFloat32);
  // Gives the tensor out of the graph, under this name.
  void output(int32_t tensor, std::string name = "");

  int32_t conv(int32_t input, Shape filter, Padding padding = Padding::kSame, int32_t stride = 1);
  int32_t depthwise(int32_t input, Shape filter, Padding padding = Padding::kSame);
  int32_t fully_connected(int32_t input, int32_t outputs, bool has_bias = true);
  int32_t reshape(int32_t input, Shape shape);
  int32_t transpose(int32_t input, std::vector<int32_t> order);
  int32_t reduce(BuiltinOperator code, int32_t input, std::vector<int32_t> axes, bool keep_dims);

  Model take() { return std::move(model_); }
  const Shape& shape(int32_t tensor) const;
  Subgraph& graph() { return model_.subgraphs[0]; }

 private:
  Model model_;
  std::mt19937 random_{1};
};

using MakeGraph = std::function<void(TestGraph&)>;

// Makes the graph, runs all passes, and expects: the same outputs (within rounding) under the same
// names as without; nothing left to do for a second run. The result after the passes.
Model optimized(const MakeGraph& make, const PassOptions& options = {});

// Names of the operators in order, such as "CONV_2D RELU".
std::string operators_of(const Model& model);
// The same, straight from the graph after the passes.
std::string optimized_operators(const MakeGraph& make);

ActivationFunctionType activation_of_operator(const Model& model, size_t index);

}  // namespace zeolite
