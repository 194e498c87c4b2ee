#include "core/runtime/interpreter.h"

#include <cstring>

#include "core/base/checked.h"
#include "core/ops/subgraph_calls.h"
#include "core/ops/user_operators.h"
#include "core/runtime/subgraph_runner.h"

namespace zeolite {

struct Interpreter::State : public RunnerShared {
  Model owned_model;
  std::shared_ptr<ThreadPool> owned_pool;
  std::shared_ptr<UserOperators> owned_user_operators;
  uint64_t memory_limit = UINT64_MAX;
  std::vector<std::unique_ptr<SubgraphRunner>> runners;
  const std::function<bool(size_t, size_t)>* on_operator = nullptr;
  const SubgraphRunner* main_run = nullptr;  // The runner whose operators count as progress.
  size_t done = 0;

  MemoryUse memory() const {
    MemoryUse total;
    for (const auto& runner : runners) {
      const MemoryUse use = runner->memory();
      total.arena_bytes += use.arena_bytes;
      total.packed_bytes += use.packed_bytes;
      total.own_bytes += use.own_bytes;
    }
    total.own_bytes += resources.bytes();
    return total;
  }

  Status check_limit(std::string_view what, uint64_t more) const override {
    if (memory_limit == UINT64_MAX) return {};
    const MemoryUse use = memory();
    const uint64_t total = use.arena_bytes + use.packed_bytes + use.own_bytes + more;
    return total <= memory_limit ? Status() : out_of_memory(what, total);
  }

  Status report_progress(const SubgraphRunner& runner, size_t index) override {
    if (on_operator == nullptr) return {};
    if (&runner == main_run) done = index;
    if ((*on_operator)(done, main_run->subgraph().operators.size())) return {};
    return Status(ErrorCode::kAborted, "the run was cancelled");
  }

  // The runner of subgraph `index`, its inputs resized to these shapes.
  Result<SubgraphRunner*> resized_runner(int32_t index, std::span<const Operand* const> inputs) {
    if (index < 0 || static_cast<size_t>(index) >= runners.size()) {
      return bad_input("there is no subgraph " + std::to_string(index));
    }
    SubgraphRunner& runner = *runners[index];
    if (inputs.size() != runner.subgraph().inputs.size()) {
      return bad_input("subgraph " + std::to_string(index) + " takes " +
                       std::to_string(runner.subgraph().inputs.size()) + " inputs, not " +
                       std::to_string(inputs.size()));
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      ZEOLITE_TRY(runner.resize_input(i, inputs[i]->shape));
    }
    return &runner;
  }

  Result<std::span<const Operand* const>> plan_subgraph(
      int32_t index, std::span<const Operand* const> inputs) override {
    ZEOLITE_ASSIGN(SubgraphRunner* runner, resized_runner(index, inputs));
    ZEOLITE_TRY(runner->prepare());
    return runner->outputs();
  }

  Result<std::span<const Operand* const>> run_subgraph(
      int32_t index, std::span<const Operand* const> inputs) override {
    ZEOLITE_ASSIGN(SubgraphRunner* runner, resized_runner(index, inputs));
    // A loop hands the subgraph its own results: they must outlive a new plan of its memory, and
    // must not be overwritten before they are read.
    bool is_in_the_way = !runner->is_prepared();
    for (size_t i = 0; i < inputs.size() && !is_in_the_way; ++i) {
      for (size_t k = 0; k < inputs.size(); ++k) {
        if (k != i && inputs[i]->bytes > 0 && inputs[i]->data == runner->input(k).data) {
          is_in_the_way = true;
        }
      }
    }
    std::vector<Bytes> copies;
    std::vector<Operand> operands;
    std::vector<const Operand*> sources(inputs.begin(), inputs.end());
    if (is_in_the_way) {
      operands.reserve(inputs.size());
      for (const Operand*& source : sources) {
        ZEOLITE_ASSIGN(
            Bytes copy,
            Bytes::copy_of({source->data, static_cast<size_t>(source->bytes)}, "a loop's tensor"));
        operands.push_back(*source);
        operands.back().data = copy.data();
        copies.push_back(std::move(copy));
        source = &operands.back();
      }
    }
    ZEOLITE_TRY(runner->prepare());
    for (size_t i = 0; i < sources.size(); ++i) ZEOLITE_TRY(runner->set_input(i, *sources[i]));
    ZEOLITE_TRY(runner->run());
    return runner->outputs();
  }
};

Interpreter::Interpreter(std::unique_ptr<State> state) : state_(std::move(state)) {}
Interpreter::~Interpreter() = default;

Result<std::unique_ptr<Interpreter>> Interpreter::create(Model model, InterpreterOptions options) {
  std::vector<Issue> issues = support_issues(model, options.user_operators.get());
  if (!issues.empty()) {
    return Status(error_of_issues(ErrorCode::kUnsupported, "the model can't run here",
                                  std::move(issues)));
  }
  if (model.subgraphs.empty()) return corrupt("the model has no subgraph");
  auto state = std::make_unique<State>();
  state->owned_model = std::move(model);
  state->model = &state->owned_model;
  state->owned_pool = std::move(options.pool);
  state->pool = state->owned_pool.get();
  state->memory_limit = options.memory_limit;
  state->owned_user_operators = std::move(options.user_operators);
  state->user = state->owned_user_operators.get();
  for (size_t i = 0; i < state->owned_model.subgraphs.size(); ++i) {
    state->runners.push_back(std::make_unique<SubgraphRunner>(*state, static_cast<int32_t>(i)));
  }
  ZEOLITE_TRY(check_subgraph_calls(state->owned_model));
  for (const Subgraph& subgraph : state->owned_model.subgraphs) {
    for (const Operator& op : subgraph.operators) {
      const auto* loop = op.options.get<WhileOptions>();
      if (loop != nullptr) state->runners[loop->body_subgraph_index]->set_in_loop();
    }
  }
  ErrorCode code = ErrorCode::kCorrupt;
  for (const auto& runner : state->runners) {
    ZEOLITE_TRY(runner->load_constants());
    runner->check(&issues, &code);
  }
  if (!issues.empty()) {
    return Status(error_of_issues(code, "the model's shapes and options do not fit",
                                  std::move(issues)));
  }
  // Where an input is free, 1 may be too small for the model: the caller's shapes will tell.
  SubgraphRunner& main = *state->runners[0];
  Status status = main.prepare();
  if (!status.ok() &&
      (!main.has_free_input() || status.error().code == ErrorCode::kOutOfMemory)) {
    return status;
  }
  return std::unique_ptr<Interpreter>(new Interpreter(std::move(state)));
}

const Model& Interpreter::model() const { return state_->owned_model; }

const Signature* Interpreter::find_signature(std::string_view key) const {
  for (const Signature& signature : state_->owned_model.signatures) {
    if (signature.key == key) return &signature;
  }
  return nullptr;
}

Status Interpreter::resize_input(int32_t subgraph, size_t input, Shape shape) {
  return state_->runners[subgraph]->resize_input(input, std::move(shape));
}

Status Interpreter::prepare(int32_t subgraph) { return state_->runners[subgraph]->prepare(); }

Result<std::span<uint8_t>> Interpreter::input_data(int32_t subgraph, size_t input) {
  SubgraphRunner& runner = *state_->runners[subgraph];
  if (!runner.is_prepared()) return bad_input("the inputs' shapes are not settled yet");
  const Operand& operand = runner.input(input);
  return std::span<uint8_t>(operand.writable, static_cast<size_t>(operand.bytes));
}

Result<std::span<uint8_t>> Interpreter::resize_input_data(int32_t subgraph, size_t input,
                                                          uint64_t bytes) {
  SubgraphRunner& runner = *state_->runners[subgraph];
  if (bits_per_element(runner.input(input).type) != 0) {
    return bad_input("the shape of input " + std::string(runner.input(input).name) +
                     " settles its bytes");
  }
  return runner.resize_input_data(input, bytes);
}

const Operand& Interpreter::input(int32_t subgraph, size_t input) const {
  return state_->runners[subgraph]->input(input);
}

Status Interpreter::run(int32_t subgraph, const RunOptions& options) {
  SubgraphRunner& runner = *state_->runners[subgraph];
  if (options.profile != nullptr) options.profile->clear();
  state_->profile = options.profile;
  state_->on_operator = options.on_operator ? &options.on_operator : nullptr;
  state_->main_run = &runner;
  state_->done = 0;
  runner.forget_inputs();
  Status status = runner.run();
  state_->profile = nullptr;
  state_->on_operator = nullptr;
  state_->main_run = nullptr;
  return status;
}

const Operand& Interpreter::output(int32_t subgraph, size_t output) const {
  return state_->runners[subgraph]->output(output);
}

void Interpreter::reset() {
  for (const auto& runner : state_->runners) runner->reset();
  state_->resources.clear();
}

MemoryUse Interpreter::memory() const { return state_->memory(); }

}  // namespace zeolite
