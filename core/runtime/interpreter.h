// Runs a model: loads, plans memory, calls the operators.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/thread_pool.h"
#include "core/graph/graph.h"
#include "core/ops/op.h"

namespace zeolite {

struct InterpreterOptions {
  // Threads that share the work of an operator; several interpreters may take turns with one pool.
  // Null: only the calling thread.
  std::shared_ptr<ThreadPool> pool;
  // Most bytes that activations, packed weights and state may take together.
  uint64_t memory_limit = UINT64_MAX;
  // Custom operators beside the built-in ones, or null.
  std::shared_ptr<UserOperators> user_operators;
};

// What one operator did in the last profiled run.
struct OperatorProfile {
  int32_t index = 0;  // In the subgraph.
  std::string type;   // Such as CONV_2D.
  std::string name;   // Of its first output.
  std::string kernel; // Chosen for it; "folded" when it was evaluated while planning.
  double time_ms = 0;
  double gflop_per_s = 0;  // 0 where the operator does not count its operations.
  double gbyte_per_s = 0;  // Of inputs read and outputs written, constants among them.
};

struct MemoryUse {
  uint64_t arena_bytes = 0;   // Activations and scratch, planned.
  uint64_t packed_bytes = 0;  // Weights in the order that kernels want.
  uint64_t own_bytes = 0;     // Variables, constants computed at load, shapes known when running.
};

struct RunOptions {
  // Called before each operator of the main run; false ends it with kAborted.
  std::function<bool(size_t done, size_t total)> on_operator;
  std::vector<OperatorProfile>* profile = nullptr;  // Filled when not null.
};

class SubgraphRunner;

// One model and its state. Not for use by several threads at a time. All pointers and operands are
// valid until the next resize or run of the same subgraph, or its end.
class Interpreter {
 public:
  // Errors: kUnsupported with every operator, version and type that can't run; kCorrupt when shapes
  // and options contradict each other; kOutOfMemory. Inputs whose shape is free start with 1 there.
  static Result<std::unique_ptr<Interpreter>> create(Model model, InterpreterOptions options);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  const Model& model() const;
  // Null when there is none of this key.
  const Signature* find_signature(std::string_view key) const;

  // Gives input number `input` of a subgraph another shape (no dimension free, also where the model
  // says a fixed size); does nothing when it is the same. Whether the operators take it, prepare
  // tells.
  Status resize_input(int32_t subgraph, size_t input, Shape shape);
  // Plans memory after resizing: before this the inputs' memory can't be written. Does nothing when
  // all is planned. Errors: shapes that do not fit the operators (all of them), kOutOfMemory.
  Status prepare(int32_t subgraph);
  // Only after prepare: where to write the input's data.
  Result<std::span<uint8_t>> input_data(int32_t subgraph, size_t input);
  // Memory for the data of an input whose elements have no fixed size (strings), which its shape
  // does not settle. The run checks what is written there.
  Result<std::span<uint8_t>> resize_input_data(int32_t subgraph, size_t input, uint64_t bytes);
  // Type, shape and bytes as they are now.
  const Operand& input(int32_t subgraph, size_t input) const;

  // Runs the subgraph on what its inputs hold, preparing it where needed. For fixed shapes nothing
  // is allocated. Errors: kAborted, and what only data can show (an index out of range).
  Status run(int32_t subgraph, const RunOptions& options = {});
  // The output of the last run; before it has_data is false.
  const Operand& output(int32_t subgraph, size_t output) const;

  // Forgets variables, tables and recurrent state: as after create.
  void reset();
  MemoryUse memory() const;

 private:
  struct State;
  explicit Interpreter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace zeolite
