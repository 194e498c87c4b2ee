// What an operator is to everything above it.
//
// An operator is one file in this folder that fills an OpKernel with up to three functions:
//   infer    checks all that the file says (options, types against each other, shapes) and gives
//            the outputs' types and shapes. Runs wherever shapes are needed: in the converter, in
//            passes, while planning and, for shapes that depend on data, while running. Only the
//            data that are known at that time can be read.
//   prepare  runs when all shapes are known and before eval: chooses the kernel, packs constant
//            weights (once; the state outlives resizing), asks for scratch memory.
//   eval     computes. Needs no checks of what infer checked; must check indices that are data.
// What it needs from above (memory, threads, other subgraphs) comes through its context and OpHost,
// which the runtime and the constant evaluation of evaluate.h implement.
// docs/adding-an-operator.md shows one being written.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/graph/graph.h"

namespace zeolite {

// The most dimensions of an operand. The real runtime's arithmetic takes 8 at most (kMaxRank), and
// what only moves or reshapes elements takes more.
inline constexpr int kMaxOperandRank = 16;

class Resources;
class ThreadPool;
class UserOperators;

// One input or output of an operator.
struct Operand {
  std::string_view name;
  TensorType type = TensorType::kFloat32;
  Shape shape;            // -1 is a free dimension: only outside the runtime.
  bool has_shape = true;  // false: not known before the operator that makes it has run.
  const Quantization* quantization = nullptr;
  const Sparsity* sparsity = nullptr;
  const Operand* block_scales = nullptr;  // Of blockwise quantization, where they are known.
  const uint8_t* data = nullptr;  // Null while not known, and for tensors of no bytes perhaps.
  uint8_t* writable = nullptr;    // The same memory where it may be written.
  uint64_t bytes = 0;
  bool has_data = false;     // The data can be read now.
  bool is_constant = false;  // ... and never change.
  bool is_variable = false;  // State: the operator that reads it may write it, through `writable`.

  int rank() const { return static_cast<int>(shape.size()); }
};

// What an operator keeps between prepare and eval; each derives its own.
struct OpState {
  virtual ~OpState() = default;
};

// What prepare leaves behind for eval and for the planner.
struct OpRecord {
  std::unique_ptr<OpState> state;
  std::vector<uint64_t> scratch_bytes;
  std::vector<uint8_t*> scratch;  // One for each request, set by the host before eval.
  const char* kernel = "reference";
  double flops = 0;
  int in_place_input = -1;    // The input that output 0 may overwrite, or -1.
  uint64_t packed_bytes = 0;  // Of constants in another order, held by the state.

  // Forgets the last prepare, except for the state.
  void begin_prepare();
};

// What only the caller of an operator can give.
class OpHost {
 public:
  virtual ~OpHost() = default;

  // The threads of this run; null when there is only the calling one.
  virtual ThreadPool* threads() = 0;

  // Gives an output whose shape infer could not tell its shape and memory of `bytes`.
  virtual Status resize_output(size_t index, Shape shape, uint64_t bytes) = 0;

  // Runs another subgraph of the model on copies of `inputs`, which may be results of its own last
  // run. The results are valid until the same subgraph runs again.
  virtual Result<std::span<const Operand* const>> run_subgraph(
      int32_t index, std::span<const Operand* const> inputs) = 0;

  // The model that the operator is part of, or null.
  virtual const Model* model() const = 0;
  // Those that the user brought along, or null.
  virtual UserOperators* user_operators() = 0;
  // The model's variables and tables.
  virtual Resources& resources() = 0;
};

// What shapes another subgraph gives, or a user's operator; the runtime knows.
class SubgraphShapes {
 public:
  virtual ~SubgraphShapes() = default;
  virtual UserOperators* user_operators() = 0;
  // The outputs for inputs of these shapes, where has_shape is false for those that only data can
  // tell. Valid until the next call.
  virtual Result<std::span<const Operand* const>> plan_subgraph(
      int32_t index, std::span<const Operand* const> inputs) = 0;
};

// An operator with its operands: what all three functions may look at.
class OpContext {
 public:
  // An absent input is null. Everything must outlive the context.
  OpContext(const Operator& op, std::span<const Operand* const> inputs,
            std::span<Operand* const> outputs)
      : op_(op), inputs_(inputs), outputs_(outputs) {}

  const Operator& op() const { return op_; }
  BuiltinOperator code() const { return op_.code; }
  std::span<const Operand* const> inputs() const { return inputs_; }
  size_t input_count() const { return inputs_.size(); }
  size_t output_count() const { return outputs_.size(); }
  bool has_input(size_t index) const {
    return index < inputs_.size() && inputs_[index] != nullptr;
  }
  // Only where has_input().
  const Operand& input(size_t index) const { return *inputs_[index]; }
  const Operand& output(size_t index) const { return *outputs_[index]; }
  // Tensors that only give the quantization of what an operator computes on its way; an absent one
  // is null.
  std::span<const Operand* const> intermediates() const { return intermediates_; }
  void set_intermediates(std::span<const Operand* const> tensors) { intermediates_ = tensors; }

  // The options, with the schema's defaults where the file leaves them out.
  template <class T>
  const T& options() const {
    static const T defaults{};
    const T* options = op_.options.get<T>();
    return options != nullptr ? *options : defaults;
  }

 protected:
  const Operator& op_;
  std::span<const Operand* const> inputs_;
  std::span<Operand* const> outputs_;
  std::span<const Operand* const> intermediates_;
};

class InferContext : public OpContext {
 public:
  // `adopt_types`: the outputs' types follow from the operator (a converter makes the graph);
  // else the file says them and a difference is an error. `model` and `shapes` are for operators
  // that run subgraphs, where they are known.
  InferContext(const Operator& op, std::span<const Operand* const> inputs,
               std::span<Operand* const> outputs, bool adopt_types = false,
               const Model* model = nullptr, SubgraphShapes* shapes = nullptr)
      : OpContext(op, inputs, outputs),
        adopt_types_(adopt_types),
        model_(model),
        shapes_(shapes) {}

  // The model that the operator is part of, or null.
  const Model* model() const { return model_; }
  // Null where shapes are not settled yet.
  SubgraphShapes* shapes() const { return shapes_; }

  // Declares what output `index` is; an error when the file says another type.
  Status set_output(size_t index, TensorType type, Shape shape);
  // The shape follows from data that are not known yet. `type` is checked all the same.
  Status set_output_unknown(size_t index, TensorType type);

 private:
  bool adopt_types_;
  const Model* model_;
  SubgraphShapes* shapes_;
};

class PrepareContext : public OpContext {
 public:
  PrepareContext(const Operator& op, std::span<const Operand* const> inputs,
                 std::span<Operand* const> outputs, OpRecord& record, int thread_count,
                 bool is_in_loop = false)
      : OpContext(op, inputs, outputs),
        record_(record),
        thread_count_(thread_count),
        is_in_loop_(is_in_loop) {}

  // The operator's own memory: made at the first prepare, and kept when shapes change.
  template <class T>
  T& state() {
    if (record_.state == nullptr) record_.state = std::make_unique<T>();
    return static_cast<T&>(*record_.state);
  }
  OpRecord& record() { return record_; }
  // How many threads eval will have, where memory is needed for each.
  int thread_count() const { return thread_count_; }
  // Whether one run of the model calls eval many times.
  bool is_in_loop() const { return is_in_loop_; }
  // Memory for the time of eval, aligned to kBufferAlignment; eval finds it under the number of the
  // request, counted from 0, which is returned.
  size_t request_scratch(uint64_t bytes) {
    record_.scratch_bytes.push_back(bytes);
    return record_.scratch_bytes.size() - 1;
  }
  // Memory that the state shall keep, counted as packed weights.
  Result<Bytes> allocate_packed(uint64_t bytes);
  // Tells that the state keeps `bytes` from an earlier prepare.
  void keep_packed(uint64_t bytes) { record_.packed_bytes += bytes; }
  // The chosen kernel's name, for the profile, and its floating-point operations in one run.
  void choose(const char* kernel, double flops = 0) {
    record_.kernel = kernel;
    record_.flops = flops;
  }
  // Eval may be given the same memory for `input` and output 0. Only for equal sizes.
  void allow_in_place(int input = 0) { record_.in_place_input = input; }

 private:
  OpRecord& record_;
  int thread_count_;
  bool is_in_loop_;
};

class EvalContext : public OpContext {
 public:
  EvalContext(const Operator& op, std::span<const Operand* const> inputs,
              std::span<Operand* const> outputs, OpRecord& record, OpHost& host)
      : OpContext(op, inputs, outputs), record_(record), host_(host) {}

  template <class T>
  const T* in(size_t index) const {
    return reinterpret_cast<const T*>(inputs_[index]->data);
  }
  template <class T>
  T* out(size_t index) const {
    return reinterpret_cast<T*>(outputs_[index]->writable);
  }
  // Only after a prepare that asked for it.
  template <class T>
  T& state() const {
    return static_cast<T&>(*record_.state);
  }
  OpRecord& record() const { return record_; }
  uint8_t* scratch(size_t request) const { return record_.scratch[request]; }
  ThreadPool* threads() const { return host_.threads(); }
  OpHost& host() const { return host_; }

 private:
  OpRecord& record_;
  OpHost& host_;
};

struct OpKernel {
  Status (*infer)(InferContext&);
  Status (*prepare)(PrepareContext&);  // Null when there is nothing to prepare.
  Status (*eval)(EvalContext&);
};

}  // namespace zeolite
