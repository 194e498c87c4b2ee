#include "core/runtime/subgraph_runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "core/base/checked.h"
#include "core/graph/string_tensor.h"
#include "core/ops/check.h"
#include "core/ops/densify.h"
#include "core/ops/evaluate.h"
#include "core/runtime/arena_plan.h"

namespace zeolite {

// What an operator of this subgraph gets while it computes.
class SubgraphRunner::Host : public OpHost {
 public:
  Host(SubgraphRunner& runner, Step& step) : runner_(runner), step_(step) {}

  ThreadPool* threads() override { return runner_.shared_.pool; }

  Status resize_output(size_t index, Shape shape, uint64_t bytes) override {
    Operand& output = *step_.outputs[index];
    // Those that come later are planned for what infer said, and read as many bytes as a shape has.
    if (output.has_shape && output.shape != shape) {
      return bad_input("output " + std::to_string(index) + " has the shape " + shape_text(shape) +
                       ", but " + shape_text(output.shape) + " was expected");
    }
    ZEOLITE_TRY(check_shape(shape));
    if (bits_per_element(output.type) != 0) {
      ZEOLITE_ASSIGN(const uint64_t expected, byte_size(output.type, shape));
      if (bytes != expected) {
        return bad_input("output " + std::to_string(index) + " has " + std::to_string(bytes) +
                         " bytes for the shape " + shape_text(shape));
      }
    }
    ZEOLITE_TRY(runner_.give_own_memory(output, bytes));
    output.shape = std::move(shape);
    output.has_shape = true;
    return {};
  }

  Result<std::span<const Operand* const>> run_subgraph(
      int32_t index, std::span<const Operand* const> inputs) override {
    return runner_.shared_.run_subgraph(index, inputs);
  }

  const Model* model() const override { return runner_.shared_.model; }
  UserOperators* user_operators() override { return runner_.shared_.user; }
  Resources& resources() override { return runner_.shared_.resources; }

 private:
  SubgraphRunner& runner_;
  Step& step_;
};

SubgraphRunner::SubgraphRunner(RunnerShared& shared, int32_t index)
    : shared_(shared), subgraph_(shared.model->subgraphs[index]) {
  const size_t count = subgraph_.tensors.size();
  operands_.reserve(count);
  for (const Tensor& tensor : subgraph_.tensors) {
    operands_.push_back(operand_of(*shared.model, tensor));
  }
  for (size_t i = 0; i < count; ++i) {
    const Quantization* quantization = operands_[i].quantization;
    if (quantization != nullptr && quantization->block_scales != kNoTensor) {
      operands_[i].block_scales = &operands_[quantization->block_scales];
    }
  }
  own_.resize(count);
  // An input's data come from the caller, whatever the file holds for it.
  for (int32_t tensor : subgraph_.inputs) {
    Operand& operand = operands_[tensor];
    operand.has_data = operand.is_constant = false;
    operand.data = nullptr;
    input_shapes_.push_back(operand.shape);
    for (int32_t& size : input_shapes_.back()) size = std::max(size, 1);
    for (size_t i = 0; i < operand.shape.size(); ++i) {
      if (operand.shape[i] == 0) input_shapes_.back()[i] = 0;
    }
  }
  for (int32_t tensor : subgraph_.outputs) output_operands_.push_back(&operands_[tensor]);
  std::vector<bool> is_read(count);
  for (const Operator& op : subgraph_.operators) {
    for (int32_t tensor : op.inputs) {
      if (tensor != kNoTensor) is_read[tensor] = true;
    }
  }
  for (int32_t tensor : subgraph_.outputs) is_read[tensor] = true;
  for (int32_t tensor : subgraph_.inputs) is_input_read_.push_back(is_read[tensor]);
  // What is no operator's output is a constant, if only one without elements.
  std::vector<bool> is_produced(count);
  for (const Operator& op : subgraph_.operators) {
    for (int32_t tensor : op.outputs) is_produced[tensor] = true;
  }
  for (size_t i = 0; i < count; ++i) {
    if (operands_[i].has_data && !is_produced[i]) operands_[i].is_constant = true;
    if (is_produced[i]) operands_[i].has_data = operands_[i].is_constant = false;
    // What an operator writes is no state: a loop's result that another operator begins with.
    is_state_.push_back(operands_[i].is_variable && !is_produced[i]);
    // Only what the file stores can be stored sparsely.
    if (!operands_[i].is_constant) operands_[i].sparsity = nullptr;
  }
  steps_.resize(subgraph_.operators.size());
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Operator& op = subgraph_.operators[i];
    steps_[i].entry = find_operator(op, shared.user);
    for (int32_t tensor : op.inputs) {
      steps_[i].inputs.push_back(tensor == kNoTensor ? nullptr : &operands_[tensor]);
    }
    for (int32_t tensor : op.outputs) steps_[i].outputs.push_back(&operands_[tensor]);
    for (int32_t tensor : op.intermediates) {
      steps_[i].intermediates.push_back(tensor == kNoTensor ? nullptr : &operands_[tensor]);
    }
  }
  keep_half_weights();
}

void SubgraphRunner::set_in_loop() {
  if (is_in_loop_) return;
  is_in_loop_ = true;
  const std::vector<const Operator*> gathers = row_gathers(subgraph_);
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (gathers[i] == nullptr || is_state_[gathers[i]->inputs[0]]) continue;
    Step& step = steps_[i];
    step.ahead = std::make_unique<RowsAhead>(
        subgraph_.operators[i], *step.entry->kernel, step.inputs, *step.outputs[0],
        operands_[gathers[i]->inputs[0]], operands_[gathers[i]->inputs[1]]);
    ahead_.push_back(static_cast<int32_t>(i));
  }
}

void SubgraphRunner::forget_inputs() {
  for (int32_t step : ahead_) steps_[step].ahead->forget();
}

void SubgraphRunner::keep_half_weights() {
  // The DEQUANTIZE that widens a constant float16 into this tensor.
  std::vector<Step*> widened_by(operands_.size(), nullptr);
  const auto step_of = [&](const Operand* operand) -> Step*& {
    return widened_by[operand - operands_.data()];
  };
  for (Step& step : steps_) {
    if (step.entry->code != BuiltinOperator::kDequantize) continue;
    const Operand& source = *step.inputs[0];
    if (source.type != TensorType::kFloat16 || !source.is_constant || source.sparsity != nullptr) {
      continue;
    }
    step_of(step.outputs[0]) = &step;
    step.mode = Mode::kFolded;
    step.folded_for_ever = true;
  }
  // Those that somebody else reads are computed as all constants are.
  const auto compute = [&](const Operand* operand) {
    if (Step* step = operand == nullptr ? nullptr : step_of(operand)) step->folded_for_ever = false;
  };
  for (const Operand* output : output_operands_) compute(output);
  for (Step& step : steps_) {
    // Weights are packed beforehand only together with a bias, the last input, that is known too.
    const auto is_known = [&](size_t input) {
      const Operand* operand = input < step.inputs.size() ? step.inputs[input] : nullptr;
      return operand == nullptr || operand->is_constant || step_of(operand) != nullptr;
    };
    const auto takes_half = [&](size_t input) {
      if (input == 0) return (step.entry->traits & kHalfTable) != 0;
      return input == 1 && (step.entry->traits & kHalfWeights) != 0 &&
             is_known(step.entry->inputs.size() - 1);
    };
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (step.inputs[i] != nullptr && step_of(step.inputs[i]) != nullptr && takes_half(i)) {
        step.inputs[i] = step_of(step.inputs[i])->inputs[0];
      } else {
        compute(step.inputs[i]);
      }
    }
  }
}

Status SubgraphRunner::load_constants() {
  // DENSIFY decodes by itself; everybody else reads the elements that the shape promises.
  std::vector<bool> is_left_sparse(operands_.size());
  for (const Step& step : steps_) {
    if (step.entry->code != BuiltinOperator::kDensify) continue;
    is_left_sparse[step.inputs[0] - operands_.data()] = true;
  }
  for (const Step& step : steps_) {
    if (step.entry->code == BuiltinOperator::kDensify) continue;
    for (const Operand* input : step.inputs) {
      if (input != nullptr) is_left_sparse[input - operands_.data()] = false;
    }
  }
  for (const Operand* output : output_operands_) is_left_sparse[output - operands_.data()] = false;
  for (size_t i = 0; i < operands_.size(); ++i) {
    Operand& operand = operands_[i];
    if (operand.sparsity == nullptr || is_left_sparse[i]) continue;
    Result<Bytes> dense = decode_sparse(operand);
    if (!dense.ok()) {
      return dense.take_status().with_context("tensor " + std::string(operand.name));
    }
    own_[i] = std::move(dense).value();
    operand.data = own_[i].data();
    operand.bytes = own_[i].size();
    operand.sparsity = nullptr;
  }
  for (size_t i = 0; i < operands_.size(); ++i) {
    if (!is_state_[i]) continue;
    Operand& operand = operands_[i];
    // A free dimension (a batch) has the size that the file stores: 1.
    for (int32_t& size : operand.shape) size = size < 0 ? 1 : size;
    Result<uint64_t> bytes = byte_size(operand.type, operand.shape);
    if (!bytes.ok()) {
      return bytes.take_status().with_context("variable " + std::string(operand.name));
    }
    ZEOLITE_TRY(give_own_memory(operand, bytes.value()));
  }
  reset();
  return {};
}

Status SubgraphRunner::check_shape(std::span<const int32_t> shape) {
  if (!is_static(shape)) return bad_input("shape " + shape_text(shape) + " has a free dimension");
  if (shape.size() > kMaxOperandRank) {
    return bad_input("shape " + shape_text(shape) + " is too long");
  }
  return {};
}

bool SubgraphRunner::has_free_input() const {
  return std::ranges::any_of(subgraph_.inputs, [&](int32_t tensor) {
    return !subgraph_.tensors[tensor].has_rank || !is_static(subgraph_.tensors[tensor].shape);
  });
}

Status SubgraphRunner::resize_input(size_t input, const Shape& shape) {
  if (shape == input_shapes_[input]) return {};
  ZEOLITE_TRY(check_shape(shape));
  // Its memory is there from the start, with what it holds.
  if (is_state_[subgraph_.inputs[input]]) {
    return bad_input("input " + std::string(this->input(input).name) + " is a variable of shape " +
                     shape_text(input_shapes_[input]) + ", which can't become " +
                     shape_text(shape));
  }
  input_shapes_[input] = shape;
  prepared_ = false;
  return {};
}

Result<std::span<uint8_t>> SubgraphRunner::resize_input_data(size_t index, uint64_t bytes) {
  Operand& operand = input(index);
  ZEOLITE_TRY(give_own_memory(operand, bytes));
  return std::span<uint8_t>(operand.writable, static_cast<size_t>(bytes));
}

Status SubgraphRunner::set_input(size_t index, const Operand& source) {
  Operand& target = input(index);
  if (target.type != source.type) {
    return bad_input("input " + std::string(target.name) + " of subgraph " + subgraph_.name +
                     " has type " + std::string(tensor_type_name(target.type)) + ", given is " +
                     std::string(tensor_type_name(source.type)));
  }
  // Loops hand large tensors to conditions that look at a counter only.
  if (!is_input_read_[index] || source.data == target.data) return {};
  if (bits_per_element(target.type) == 0) ZEOLITE_TRY(give_own_memory(target, source.bytes));
  if (source.bytes != target.bytes) {
    return bad_input("input " + std::string(target.name) + " of subgraph " + subgraph_.name +
                     " takes " + std::to_string(target.bytes) + " bytes, given are " +
                     std::to_string(source.bytes));
  }
  if (source.bytes > 0) std::memcpy(target.writable, source.data, source.bytes);
  for (int32_t step : ahead_) {
    if (&steps_[step].ahead->sequence() == &target) steps_[step].ahead->forget();
  }
  return {};
}

Status SubgraphRunner::give_own_memory(Operand& operand, uint64_t bytes) {
  Bytes& own = own_[&operand - operands_.data()];
  if (own.data() == nullptr || own.size() < bytes) {
    own = Bytes();
    if (bytes > kMaxArenaRequest) return out_of_memory("a tensor", bytes);
    ZEOLITE_ASSIGN(own, Bytes::allocate(std::max<uint64_t>(bytes, 1), "a tensor"));
    ZEOLITE_TRY(shared_.check_limit("a tensor"));
  }
  operand.bytes = bytes;
  operand.writable = own.data();
  operand.data = own.data();
  return {};
}

Status SubgraphRunner::compute_with_own_memory(size_t index) {
  Step& step = steps_[index];
  for (Operand* output : step.outputs) {
    if (output->has_shape) ZEOLITE_TRY(give_own_memory(*output, output->bytes));
  }
  ZEOLITE_TRY(prepare_step(index));
  step.own_scratch.resize(step.record.scratch_bytes.size());
  for (size_t i = 0; i < step.own_scratch.size(); ++i) {
    const uint64_t bytes = std::max<uint64_t>(step.record.scratch_bytes[i], 1);
    if (step.own_scratch[i].size() < bytes) {
      step.own_scratch[i] = Bytes();
      ZEOLITE_ASSIGN(step.own_scratch[i], Bytes::allocate(bytes, "scratch memory"));
    }
    step.record.scratch.push_back(step.own_scratch[i].data());
  }
  Host host(*this, step);
  EvalContext context(subgraph_.operators[index], step.inputs, step.outputs, step.record, host);
  ZEOLITE_TRY(step.entry->kernel->eval(context));
  for (const Operand* output : step.outputs) {
    if (!output->has_shape) {
      return bad_input("output " + std::string(output->name) + " was given no value");
    }
  }
  if (step.mode == Mode::kFolded) {
    step.own_scratch.clear();
    step.record.state.reset();
    step.record.packed_bytes = 0;
  }
  return {};
}

Status SubgraphRunner::run() {
  if (running_) return unsupported("subgraph " + subgraph_.name + " calls itself");
  ZEOLITE_TRY(prepare());
  running_ = true;
  Status status = run_steps();
  running_ = false;
  return status;
}

Status SubgraphRunner::run_steps() {
  for (size_t i = 0; i < subgraph_.inputs.size(); ++i) {
    Operand& operand = input(i);
    if (operand.type == TensorType::kString && is_input_read_[i]) {
      Status status = check_strings({operand.data, static_cast<size_t>(operand.bytes)},
                                    product(operand.shape));
      if (!status.ok()) {
        return bad_input("input " + std::string(operand.name) + ": " + status.error().message);
      }
    }
    operand.has_data = true;
  }
  // Whoever asks after a run that failed must not take the last one's results for its own.
  for (const Step& step : steps_) {
    if (step.mode == Mode::kFolded) continue;
    for (Operand* output : step.outputs) output->has_data = false;
  }
  for (size_t i = 0; i < steps_.size(); ++i) {
    Step& step = steps_[i];
    ZEOLITE_TRY(shared_.report_progress(*this, i));
    if (step.mode == Mode::kFolded) continue;
    // A loop's steps may be shorter than reading the clock takes.
    using Clock = std::chrono::steady_clock;
    const Clock::time_point start = shared_.profile != nullptr ? Clock::now() : Clock::time_point();
    Status status = step.mode == Mode::kDeferred ? run_deferred(i) : eval_planned(i);
    if (!status.ok()) return std::move(status).with_context(operator_context(subgraph_, i));
    for (Operand* output : step.outputs) output->has_data = true;
    if (shared_.profile != nullptr) {
      const std::chrono::duration<double, std::milli> time = Clock::now() - start;
      add_profile(i, time.count());
    }
  }
  return {};
}

Status SubgraphRunner::eval_planned(size_t index) {
  Step& step = steps_[index];
  Host host(*this, step);
  if (step.ahead != nullptr && step.ahead->is_used()) {
    ZEOLITE_TRY(step.ahead->give(host, step.outputs[0]->writable));
    if (step.ahead->has_given()) return {};
  }
  EvalContext context(subgraph_.operators[index], step.inputs, step.outputs, step.record, host);
  return step.entry->kernel->eval(context);
}

Status SubgraphRunner::run_deferred(size_t index) {
  ZEOLITE_TRY(infer_step(index));
  return compute_with_own_memory(index);
}

void SubgraphRunner::add_profile(size_t index, double time_ms) {
  const Step& step = steps_[index];
  const Operator& op = subgraph_.operators[index];
  OperatorProfile profile;
  profile.index = static_cast<int32_t>(index);
  profile.type = operator_name(op);
  if (!step.outputs.empty()) profile.name = step.outputs[0]->name;
  const bool is_given = step.ahead != nullptr && step.ahead->has_given();
  profile.kernel = is_given ? step.ahead->kernel() : step.record.kernel;
  profile.time_ms = time_ms;
  if (time_ms > 0) {
    double bytes = 0;
    for (const Operand* input : step.inputs) {
      if (input != nullptr) bytes += static_cast<double>(input->bytes);
    }
    for (const Operand* output : step.outputs) bytes += static_cast<double>(output->bytes);
    const double flops = is_given ? step.ahead->flops() : step.record.flops;
    profile.gflop_per_s = flops / time_ms * 1e-6;
    profile.gbyte_per_s = bytes / time_ms * 1e-6;
  }
  shared_.profile->push_back(std::move(profile));
}

void SubgraphRunner::reset() {
  for (size_t i = 0; i < operands_.size(); ++i) {
    if (is_state_[i] && own_[i].size() > 0) {
      // Zero is the zero point in int8; other types the runtime of TFLite clears to zero bytes too.
      const bool is_int8 = operands_[i].type == TensorType::kInt8;
      const int64_t zero = is_int8 ? zero_point_of(operands_[i]) : 0;
      std::memset(own_[i].data(), static_cast<int>(zero), own_[i].size());
    }
  }
}

MemoryUse SubgraphRunner::memory() const {
  MemoryUse use;
  use.arena_bytes = arena_.size();
  for (const Bytes& own : own_) use.own_bytes += own.size();
  for (const Step& step : steps_) {
    use.packed_bytes += step.record.packed_bytes;
    for (const Bytes& scratch : step.own_scratch) use.own_bytes += scratch.size();
  }
  for (int32_t step : ahead_) {
    use.packed_bytes += steps_[step].ahead->packed_bytes();
    use.own_bytes += steps_[step].ahead->own_bytes();
  }
  return use;
}

}  // namespace zeolite
