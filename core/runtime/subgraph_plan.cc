// What happens before a run: checks, shapes, and the plan of the memory.
#include <algorithm>

#include "core/ops/evaluate.h"
#include "core/runtime/arena_plan.h"
#include "core/runtime/subgraph_runner.h"

namespace zeolite {
namespace {

// Results that follow from shapes alone are computed while planning when they are this small: they
// are other operators' shapes and indices. Larger ones are activations, which belong in the arena.
constexpr uint64_t kMaxShapeDataBytes = 4096;

bool lacks_shape(std::span<const Operand* const> inputs) {
  return std::ranges::any_of(
      inputs, [](const Operand* input) { return input != nullptr && !input->has_shape; });
}

}  // namespace

void SubgraphRunner::check_order(std::vector<Issue>* issues) const {
  std::vector<bool> is_written(operands_.size());
  for (size_t i = 0; i < operands_.size(); ++i) {
    is_written[i] = operands_[i].is_constant || is_state_[i];
  }
  for (int32_t tensor : subgraph_.inputs) is_written[tensor] = true;
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Operator& op = subgraph_.operators[i];
    for (int32_t tensor : op.inputs) {
      if (tensor == kNoTensor || is_written[tensor]) continue;
      issues->push_back(operator_issue(
          subgraph_, i, "nothing has written its input " + subgraph_.tensors[tensor].name));
    }
    for (int32_t tensor : op.outputs) is_written[tensor] = true;
  }
  for (int32_t tensor : subgraph_.outputs) {
    if (is_written[tensor]) continue;
    Issue issue;
    issue.name = subgraph_.tensors[tensor].name;
    issue.reason = "nothing writes this output";
    issues->push_back(std::move(issue));
  }
}

void SubgraphRunner::check(std::vector<Issue>* issues, ErrorCode* code) const {
  check_order(issues);
  std::vector<Operand> operands = operands_;
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Operator& op = subgraph_.operators[i];
    std::vector<const Operand*> inputs;
    std::vector<Operand*> outputs;
    for (int32_t tensor : op.inputs) {
      inputs.push_back(tensor == kNoTensor ? nullptr : &operands[tensor]);
    }
    for (int32_t tensor : op.outputs) outputs.push_back(&operands[tensor]);
    Status status;
    if (!lacks_shape(inputs)) {
      InferContext context(op, inputs, outputs, false, shared_.model);
      context.set_intermediates(steps_[i].intermediates);
      status = steps_[i].entry->kernel->infer(context);
      if (status.ok()) continue;
      if (status.error().code == ErrorCode::kUnsupported) *code = ErrorCode::kUnsupported;
      issues->push_back(operator_issue(subgraph_, i, status.error().message));
    }
    for (Operand* output : outputs) output->has_shape = false;
  }
}

Status SubgraphRunner::prepare() {
  if (prepared_) return {};
  if (running_) return unsupported("subgraph " + subgraph_.name + " calls itself");
  for (size_t i = 0; i < operands_.size(); ++i) {
    if (!operands_[i].is_constant) operands_[i].has_data = false;
  }
  for (size_t i = 0; i < subgraph_.inputs.size(); ++i) {
    Operand& operand = input(i);
    operand.shape = input_shapes_[i];
    operand.has_shape = true;
    if (bits_per_element(operand.type) == 0) continue;
    Result<uint64_t> bytes = byte_size(operand.type, operand.shape);
    if (!bytes.ok()) {
      return bytes.take_status().with_context("input " + std::string(operand.name));
    }
    operand.bytes = bytes.value();
  }
  std::vector<Issue> issues;
  ErrorCode code = ErrorCode::kBadInput;
  for (size_t i = 0; i < steps_.size(); ++i) {
    Status status = plan_step(i);
    if (status.ok()) continue;
    if (status.error().code == ErrorCode::kOutOfMemory) {
      return std::move(status).with_context(operator_context(subgraph_, i));
    }
    if (status.error().code == ErrorCode::kUnsupported) code = ErrorCode::kUnsupported;
    issues.push_back(operator_issue(subgraph_, i, status.error().message));
    for (Operand* output : steps_[i].outputs) output->has_shape = false;
  }
  if (!issues.empty()) {
    return Status(error_of_issues(code, "the shapes do not fit the model", std::move(issues)));
  }
  ZEOLITE_TRY(lay_out());
  prepared_ = true;
  return {};
}

Status SubgraphRunner::plan_step(size_t index) {
  Step& step = steps_[index];
  if (step.folded_for_ever) return {};
  step.mode = Mode::kDeferred;
  if (lacks_shape(step.inputs)) {
    for (Operand* output : step.outputs) output->has_shape = false;
    return {};
  }
  ZEOLITE_TRY(infer_step(index));
  uint64_t output_bytes = 0;
  bool has_state = false;  // Which a later operator may change.
  for (const Operand* output : step.outputs) {
    if (!output->has_shape || bits_per_element(output->type) == 0) return {};
    output_bytes = std::max(output_bytes, output->bytes);
    has_state = has_state || output->is_variable;
  }
  const bool is_known = (step.entry->traits & kShapeOnly) != 0 ||
                        std::ranges::all_of(step.inputs, [](const Operand* input) {
                          return input == nullptr || input->has_data;
                        });
  const bool is_constant = !step.inputs.empty() &&
                           std::ranges::all_of(step.inputs, [](const Operand* input) {
                             return input == nullptr || input->is_constant;
                           });
  if ((step.entry->traits & kStateful) == 0 && !has_state && is_known &&
      (is_constant || output_bytes <= kMaxShapeDataBytes)) {
    step.mode = Mode::kFolded;
    ZEOLITE_TRY(compute_with_own_memory(index));
    step.folded_for_ever = is_constant;
    for (Operand* output : step.outputs) {
      output->has_data = true;
      output->is_constant = is_constant;
    }
    return {};
  }
  step.mode = Mode::kPlanned;
  return prepare_step(index);
}

Status SubgraphRunner::infer_step(size_t index) {
  Step& step = steps_[index];
  InferContext infer(subgraph_.operators[index], step.inputs, step.outputs, false, shared_.model,
                     &shared_);
  infer.set_intermediates(step.intermediates);
  ZEOLITE_TRY(step.entry->kernel->infer(infer));
  for (const Operand* output : step.outputs) {
    if (output->has_shape) ZEOLITE_TRY(check_shape(output->shape));
  }
  return {};
}

Status SubgraphRunner::prepare_step(size_t index) {
  Step& step = steps_[index];
  step.record.begin_prepare();
  if (step.entry->kernel->prepare == nullptr) return {};
  const int threads = shared_.pool != nullptr ? shared_.pool->threads() : 1;
  if (step.ahead != nullptr && step.mode == Mode::kPlanned) {
    ZEOLITE_TRY(step.ahead->prepare(threads));
  }
  // What is computed ahead comes here seldom.
  const bool is_often = is_in_loop_ && (step.ahead == nullptr || !step.ahead->is_used());
  PrepareContext context(subgraph_.operators[index], step.inputs, step.outputs, step.record,
                         threads, is_often);
  context.set_intermediates(step.intermediates);
  ZEOLITE_TRY(step.entry->kernel->prepare(context));
  return shared_.check_limit("packed weights");
}

Status SubgraphRunner::lay_out() {
  const int32_t end = static_cast<int32_t>(steps_.size());
  struct Life {
    bool in_arena = false;
    int32_t last = -1;
    size_t request = 0;
  };
  std::vector<Life> lives(operands_.size());
  for (int32_t i = 0; i < end; ++i) {
    for (int32_t tensor : subgraph_.operators[i].inputs) {
      if (tensor != kNoTensor) lives[tensor].last = i;
    }
    if (steps_[i].ahead != nullptr) lives[&steps_[i].ahead->position() - operands_.data()].last = i;
  }
  for (int32_t tensor : subgraph_.outputs) lives[tensor].last = end;

  std::vector<ArenaRequest> requests;
  const auto place = [&](int32_t tensor, int32_t first, int32_t last) {
    lives[tensor].in_arena = true;
    lives[tensor].request = requests.size();
    requests.push_back({operands_[tensor].bytes, first, last, 0});
  };
  // Inputs stay for the whole run, so that it can be repeated without writing them again.
  for (int32_t tensor : subgraph_.inputs) {
    if (lives[tensor].in_arena || operands_[tensor].has_data ||
        bits_per_element(operands_[tensor].type) == 0 || is_state_[tensor]) {
      continue;
    }
    place(tensor, 0, end);
    lives[tensor].last = end;
  }
  for (int32_t i = 0; i < end; ++i) {
    Step& step = steps_[i];
    if (step.mode != Mode::kPlanned) continue;
    const Operator& op = subgraph_.operators[i];
    for (size_t k = 0; k < op.outputs.size(); ++k) {
      const int32_t tensor = op.outputs[k];
      const int32_t last = std::max(lives[tensor].last, i);
      const int in_place = step.record.in_place_input;
      const int32_t source = k == 0 && in_place >= 0 ? op.inputs[in_place] : kNoTensor;
      if (source != kNoTensor && lives[source].in_arena && lives[source].last == i &&
          operands_[source].bytes == operands_[tensor].bytes) {
        lives[tensor].in_arena = true;
        lives[tensor].request = lives[source].request;
        requests[lives[tensor].request].last = last;
      } else {
        place(tensor, i, last);
      }
    }
    step.scratch_requests.clear();
    for (uint64_t bytes : step.record.scratch_bytes) {
      step.scratch_requests.push_back(requests.size());
      requests.push_back({bytes, i, i, 0});
    }
  }
  for (const ArenaRequest& request : requests) {
    if (request.bytes > kMaxArenaRequest) return out_of_memory("activations", request.bytes);
  }
  // At least one line, so that tensors without elements point somewhere too.
  const uint64_t total = std::max<uint64_t>(plan_arena(requests), kBufferAlignment);
  if (total > arena_.size()) {
    arena_ = Bytes();
    ZEOLITE_TRY(shared_.check_limit("activations", total));
    ZEOLITE_ASSIGN(arena_, Bytes::allocate(total, "activations"));
  }
  for (size_t i = 0; i < operands_.size(); ++i) {
    if (!lives[i].in_arena) continue;
    operands_[i].writable = arena_.data() + requests[lives[i].request].offset;
    operands_[i].data = operands_[i].writable;
  }
  for (Step& step : steps_) {
    if (step.mode != Mode::kPlanned) continue;
    step.record.scratch.clear();
    for (size_t request : step.scratch_requests) {
      step.record.scratch.push_back(arena_.data() + requests[request].offset);
    }
  }
  return {};
}

}  // namespace zeolite
