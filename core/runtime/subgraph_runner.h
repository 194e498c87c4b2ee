// One subgraph while it runs: its tensors, the plan of their memory, its operators.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/graph/graph.h"
#include "core/ops/op.h"
#include "core/ops/resources.h"
#include "core/ops/table.h"
#include "core/runtime/interpreter.h"
#include "core/runtime/rows_ahead.h"

namespace zeolite {

class SubgraphRunner;

// What the subgraphs of one interpreter share.
class RunnerShared : public SubgraphShapes {
 public:
  // Runs another subgraph for the operator that asks; see OpHost.
  virtual Result<std::span<const Operand* const>> run_subgraph(
      int32_t index, std::span<const Operand* const> inputs) = 0;
  // An error when all memory in use and `more` bytes go beyond the limit.
  virtual Status check_limit(std::string_view what, uint64_t more = 0) const = 0;
  // Tells that operator `index` of `runner` is next; kAborted when the user gave up.
  virtual Status report_progress(const SubgraphRunner& runner, size_t index) = 0;

  const Model* model = nullptr;
  ThreadPool* pool = nullptr;
  std::vector<OperatorProfile>* profile = nullptr;  // Of the run that goes on, or null.
  Resources resources;
  UserOperators* user = nullptr;

  UserOperators* user_operators() override { return user; }
};

class SubgraphRunner {
 public:
  SubgraphRunner(RunnerShared& shared, int32_t index);

  // Decodes sparse constants and makes variables. Before everything else, once.
  Status load_constants();
  // Checks that every operator's inputs are there when it runs, and with free dimensions left free
  // its shapes and options; every problem is one of `issues`. `code` becomes kUnsupported where
  // something is sound but not supported.
  void check(std::vector<Issue>* issues, ErrorCode* code) const;
  // Whether an input has a free dimension or no known rank.
  bool has_free_input() const;

  Status resize_input(size_t input, const Shape& shape);
  // Infers shapes, computes what follows from constants and shapes, prepares the operators, and
  // lays out the arena.
  Status prepare();
  Status run();
  // Sets variables to what stands for zero.
  void reset();

  // Tells, before prepare(), that this is the body of a loop.
  void set_in_loop();
  // Tells that the inputs' data may have changed since the last run, but for set_input.
  void forget_inputs();

  bool is_prepared() const { return prepared_; }
  const Subgraph& subgraph() const { return subgraph_; }
  Operand& input(size_t index) { return operands_[subgraph_.inputs[index]]; }
  // Copies the data of `source`, of the input's type and of the shape that prepare() knew.
  Status set_input(size_t index, const Operand& source);
  // Memory for an input whose elements have no fixed size.
  Result<std::span<uint8_t>> resize_input_data(size_t index, uint64_t bytes);
  const Operand& output(size_t index) const { return *output_operands_[index]; }
  std::span<const Operand* const> outputs() const { return output_operands_; }
  MemoryUse memory() const;

 private:
  // How an operator takes part in a run.
  enum class Mode : uint8_t {
    kPlanned,   // Its outputs lie in the arena.
    kDeferred,  // Its shapes are known only when its inputs' data are.
    kFolded,    // Its outputs are known already.
  };

  struct Step {
    const OpEntry* entry = nullptr;
    std::vector<const Operand*> inputs;
    std::vector<Operand*> outputs;
    std::vector<const Operand*> intermediates;
    OpRecord record;
    Mode mode = Mode::kPlanned;
    bool folded_for_ever = false;          // From constants only: survives resizing.
    std::vector<Bytes> own_scratch;        // Unless kPlanned.
    std::vector<size_t> scratch_requests;  // Of kPlanned: indices into the arena's requests.
    std::unique_ptr<RowsAhead> ahead;      // Null for most.
  };

  class Host;

  // Leaves weights in 16 bits where the operators behind their DEQUANTIZE take them so.
  void keep_half_weights();
  // An error unless a tensor of this shape can take part in a run.
  static Status check_shape(std::span<const int32_t> shape);
  void check_order(std::vector<Issue>* issues) const;
  Status plan_step(size_t index);
  // The shapes of an operator's outputs, as far as they are known now.
  Status infer_step(size_t index);
  Status prepare_step(size_t index);
  Status give_own_memory(Operand& operand, uint64_t bytes);
  // Prepares and evaluates an operator whose outputs do not lie in the arena.
  Status compute_with_own_memory(size_t index);
  Status lay_out();
  Status run_steps();
  Status eval_planned(size_t index);
  Status run_deferred(size_t index);
  void add_profile(size_t index, double time_ms);

  RunnerShared& shared_;
  const Subgraph& subgraph_;
  std::vector<Operand> operands_;  // By tensor.
  std::vector<Bytes> own_;         // By tensor: memory outside the arena.
  std::vector<Step> steps_;        // By operator.
  std::vector<int32_t> ahead_;     // The steps that have some of it.
  std::vector<Shape> input_shapes_;
  std::vector<bool> is_input_read_;  // By input: an operator reads it, or it is an output too.
  // By tensor: a variable that is kept from run to run. Converters mark the results of loops so,
  // too, with which an LSTM then begins: these are written anew in each run, and lie in the arena.
  std::vector<bool> is_state_;
  std::vector<const Operand*> output_operands_;
  Bytes arena_;
  bool prepared_ = false;
  bool running_ = false;
  bool is_in_loop_ = false;
};

}  // namespace zeolite
