#include "core/runtime/rows_ahead.h"

#include <algorithm>
#include <cstring>

#include "core/kernels/split.h"
#include "core/ops/check.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;

// Rows of a product at once: so many that reading the weights counts little, so few that a loop
// that ends early loses little.
constexpr int64_t kMaxRows = 32;
// With fewer turns at once there is nothing to gain.
constexpr int64_t kMinSteps = 4;

// Takes the input's elements as they are.
bool only_reshapes(Code code) {
  return code == Code::kReshape || code == Code::kSqueeze || code == Code::kExpandDims;
}

// Whether a loop hands the tensor on from turn to turn.
bool is_kept(const Subgraph& subgraph, int32_t tensor) {
  for (size_t i = 0; i < subgraph.inputs.size(); ++i) {
    if (subgraph.inputs[i] != tensor) continue;
    return i < subgraph.outputs.size() && subgraph.outputs[i] == tensor;
  }
  return false;
}

}  // namespace

std::vector<const Operator*> row_gathers(const Subgraph& subgraph) {
  std::vector<const Operator*> by_tensor(subgraph.tensors.size());  // The GATHER of its data.
  std::vector<const Operator*> by_operator(subgraph.operators.size());
  for (size_t i = 0; i < by_operator.size(); ++i) {
    const Operator& op = subgraph.operators[i];
    if (op.code == Code::kGather) {
      const auto* options = op.options.get<GatherOptions>();
      const bool is_first_axis =
          options == nullptr || (options->axis == 0 && options->batch_dims == 0);
      if (is_first_axis && is_kept(subgraph, op.inputs[0])) by_tensor[op.outputs[0]] = &op;
    } else if (only_reshapes(op.code)) {
      by_tensor[op.outputs[0]] = by_tensor[op.inputs[0]];
    } else if (op.code == Code::kFullyConnected && op.outputs.size() == 1) {
      by_operator[i] = by_tensor[op.inputs[0]];
    }
  }
  return by_operator;
}

RowsAhead::RowsAhead(const Operator& op, const OpKernel& kernel,
                     std::span<const Operand* const> inputs, const Operand& output,
                     const Operand& sequence, const Operand& position)
    : op_(op),
      kernel_(kernel),
      input_(*inputs[0]),
      output_(output),
      sequence_(sequence),
      position_(position),
      inputs_(inputs.begin(), inputs.end()) {
  inputs_[0] = &rows_;
}

void RowsAhead::forget() {
  first_ = last_ = -1;
  has_given_ = false;
}

Status RowsAhead::prepare(int threads) {
  forget();
  steps_ = 0;
  record_.begin_prepare();
  const bool has_constants =
      std::all_of(inputs_.begin() + 1, inputs_.end(),
                  [](const Operand* input) { return input == nullptr || input->is_constant; });
  const int64_t rows = product(output_.shape, 0, output_.shape.size() - 1);
  if (!has_constants || rows < 1 || product(position_.shape) != 1 ||
      position_.type == TensorType::kInt16 || input_.bytes == 0 ||
      input_.rank() == kMaxOperandRank) {
    return {};
  }
  const int64_t length = sequence_.shape[0];
  const int64_t most = std::min(length, kMaxRows / rows);
  if (most < kMinSteps) return {};
  // Blocks of about the same size, so that the last one repeats little.
  const int64_t blocks = (length + most - 1) / most;
  const int64_t steps = (length + blocks - 1) / blocks;
  rows_ = input_;
  rows_.shape.insert(rows_.shape.begin(), static_cast<int32_t>(steps));
  rows_.bytes = static_cast<uint64_t>(steps) * input_.bytes;
  results_ = output_;
  Operand* const outputs[] = {&results_};
  InferContext infer(op_, inputs_, outputs);
  ZEOLITE_TRY(kernel_.infer(infer));
  PrepareContext prepare(op_, inputs_, outputs, record_, threads);
  ZEOLITE_TRY(kernel_.prepare(prepare));
  // The results, then the scratch memory.
  uint64_t bytes = results_.bytes;
  for (uint64_t more : record_.scratch_bytes) bytes = align_up(bytes) + more;
  if (memory_.size() < bytes) {
    memory_ = Bytes();
    ZEOLITE_ASSIGN(memory_, Bytes::allocate(bytes, "a loop's products"));
  }
  results_.writable = memory_.data();
  results_.data = results_.writable;
  uint8_t* at = results_.writable + align_up(results_.bytes);
  for (uint64_t more : record_.scratch_bytes) {
    record_.scratch.push_back(at);
    at += align_up(more);
  }
  steps_ = steps;
  return {};
}

Status RowsAhead::give(OpHost& host, uint8_t* output) {
  int32_t at;  // Of int64 the lower half: it is less than a dimension.
  std::memcpy(&at, position_.data, sizeof(at));
  const bool is_there = first_ >= 0 && at >= first_ && at < first_ + steps_;
  flops_ = 0;
  has_given_ = is_there || at == last_ + 1;
  last_ = at;
  if (!has_given_) return {};
  if (!is_there) {
    first_ = -1;
    const int64_t first = std::min<int64_t>(at, sequence_.shape[0] - steps_);
    rows_.data = sequence_.data + static_cast<uint64_t>(first) * input_.bytes;
    Operand* const outputs[] = {&results_};
    EvalContext eval(op_, inputs_, outputs, record_, host);
    ZEOLITE_TRY(kernel_.eval(eval));
    first_ = first;
    flops_ = record_.flops;
  }
  std::memcpy(output, results_.data + static_cast<uint64_t>(at - first_) * output_.bytes,
              output_.bytes);
  return {};
}

}  // namespace zeolite
