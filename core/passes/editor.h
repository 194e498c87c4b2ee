// Changes one subgraph, with an account of who makes and who uses each tensor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/graph/graph.h"

namespace zeolite {

// Operators and tensors keep their index while an editor lives; apply() then brings the subgraph
// into order. Every change of operands must go through the editor.
class Editor {
 public:
  Editor(Model* model, size_t subgraph);

  const Model& model() const { return *model_; }
  Model& model() { return *model_; }
  Subgraph& graph() { return model_->subgraphs[subgraph_]; }
  const Subgraph& graph() const { return model_->subgraphs[subgraph_]; }

  // Operators with the removed ones and those inserted; look at is_live() before use.
  int operator_count() const { return static_cast<int>(graph().operators.size()); }
  bool is_live(int op) const { return live_[static_cast<size_t>(op)]; }
  Operator& op(int index) { return graph().operators[static_cast<size_t>(index)]; }
  const Operator& op(int index) const { return graph().operators[static_cast<size_t>(index)]; }
  Tensor& tensor(int32_t index) { return graph().tensors[static_cast<size_t>(index)]; }
  const Tensor& tensor(int32_t index) const { return graph().tensors[static_cast<size_t>(index)]; }
  const Shape& shape(int32_t index) const { return tensor(index).shape; }

  // The operator that makes the tensor; -1 for inputs, constants and absent tensors.
  int producer(int32_t tensor) const;
  // The operators that use the tensor, once for each use.
  std::span<const int> consumers(int32_t tensor) const;
  bool is_output(int32_t tensor) const;  // Of the graph.
  bool is_input(int32_t tensor) const;
  // Whether `op` alone uses the tensor (once), and the graph does not give it out.
  bool is_only_use(int32_t tensor, int op) const;

  bool is_constant(int32_t tensor) const;
  std::span<const uint8_t> data(int32_t tensor) const { return model_->data(this->tensor(tensor)); }
  // Elements of a dense float32 or int32 constant without quantization; empty for all others.
  std::vector<float> floats(int32_t tensor) const;
  std::vector<int32_t> ints(int32_t tensor) const;
  // Whether `tensor` is such a float32 constant, without copying it.
  bool is_float_constant(int32_t tensor) const;
  // Whether it is float32 without quantization, constant or not.
  bool is_float(int32_t tensor) const;

  // Operand `index` of the operator, or kNoTensor.
  int32_t input(int op, size_t index) const;
  void set_input(int op, size_t index, int32_t tensor);  // Adds absent ones up to `index`.
  void set_inputs(int op, std::vector<int32_t> inputs);
  void set_output(int op, size_t index, int32_t tensor);
  // Every operator that uses `from` uses `to`.
  void replace_uses(int32_t from, int32_t to);

  void remove(int op);
  // Removes `op`, whose only output is the same as `input`. False, and nothing changed, when the
  // graph gives the output out and its name can't be kept.
  bool bypass(int op, int32_t input);
  // `earlier` makes what `later` did, which is removed; its own output had no other use.
  void take_over(int earlier, int later);
  // Adds the sources of `from` to those of `to`.
  void join_sources(int to, int from);

  int32_t add_tensor(std::string name, TensorType type, Shape shape);
  int32_t add_constant(std::string name, TensorType type, Shape shape, Bytes data);
  Result<int32_t> add_floats(std::string name, Shape shape, std::span<const float> values);
  Result<int32_t> add_ints(std::string name, Shape shape, std::span<const int32_t> values);
  // The new operator stands before or after `anchor` in the order of execution.
  int insert_before(int anchor, Operator op);
  int insert_after(int anchor, Operator op);

  void mark_changed() { has_changed_ = true; }
  // Whether anything changed since the last call.
  bool take_changed() { return std::exchange(has_changed_, false); }

  // Puts the operators in order and drops the removed ones. The editor ends with it.
  void apply();

 private:
  int insert(int anchor, Operator op, bool is_before);
  void add_use(int32_t tensor, int op);
  void remove_use(int32_t tensor, int op);
  // Gives a constant's memory back when nothing uses it any more.
  void release(int32_t tensor);

  struct Insertion {
    int anchor;
    bool is_before;
  };

  Model* model_;
  size_t subgraph_;
  size_t original_count_;
  std::vector<bool> live_;
  std::vector<int> producer_;
  std::vector<std::vector<int>> consumers_;
  std::vector<int> output_uses_;       // By tensor: how often the graph gives it out.
  std::vector<bool> is_input_;
  std::vector<int> buffer_users_;      // In all subgraphs and the metadata.
  std::vector<Insertion> insertions_;  // Of the operators from original_count_ on.
  bool has_changed_ = false;
};

}  // namespace zeolite
