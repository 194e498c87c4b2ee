#include "core/ops/evaluate.h"

#include <algorithm>

#include "core/ops/resources.h"
#include "core/ops/table.h"

namespace zeolite {
namespace {

// Gives outputs memory of their own, and nothing else.
class ConstantHost : public OpHost {
 public:
  ConstantHost(std::span<Operand* const> outputs, std::vector<ConstantTensor>* results)
      : outputs_(outputs), results_(results) {}

  ThreadPool* threads() override { return nullptr; }

  Status resize_output(size_t index, Shape shape, uint64_t bytes) override {
    ZEOLITE_ASSIGN((*results_)[index].data, Bytes::allocate(bytes, "a constant's value"));
    Operand& output = *outputs_[index];
    output.shape = std::move(shape);
    output.has_shape = true;
    output.bytes = bytes;
    output.writable = (*results_)[index].data.data();
    output.data = output.writable;
    return {};
  }

  Result<std::span<const Operand* const>> run_subgraph(
      int32_t, std::span<const Operand* const>) override {
    return unsupported("an operator that runs another subgraph is not evaluated beforehand");
  }

  const Model* model() const override { return nullptr; }
  UserOperators* user_operators() override { return nullptr; }
  Resources& resources() override { return resources_; }

 private:
  std::span<Operand* const> outputs_;
  std::vector<ConstantTensor>* results_;
  Resources resources_;
};

bool lacks_shape(std::span<const Operand* const> inputs) {
  for (const Operand* input : inputs) {
    if (input != nullptr && !input->has_shape) return true;
  }
  return false;
}

std::string joined(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems) text += (text.empty() ? "" : "; ") + problem;
  return text;
}

}  // namespace

Operand operand_of(const Model& model, const Tensor& tensor) {
  Operand operand;
  operand.name = tensor.name;
  operand.type = tensor.type;
  operand.shape = tensor.shape;
  operand.has_shape = tensor.has_rank;
  operand.quantization = tensor.quantization.get();
  operand.sparsity = tensor.sparsity.get();
  operand.is_variable = tensor.is_variable;
  const std::span<const uint8_t> data = model.data(tensor);
  if (tensor.buffer != kNoBuffer && !data.empty() && !tensor.is_variable) {
    operand.data = data.data();
    operand.bytes = data.size();
    operand.has_data = operand.is_constant = true;
  } else if (tensor.has_rank && is_static(tensor.shape) &&
             std::ranges::count(tensor.shape, 0) > 0) {
    operand.has_data = true;  // No elements: there is nothing to know.
  }
  return operand;
}

Status infer_operator(const Model& model, Subgraph& subgraph, size_t index) {
  const Operator& op = subgraph.operators[index];
  std::vector<std::string> problems = support_problems(subgraph, op, false);
  if (!problems.empty()) {
    return unsupported(joined(problems)).with_context(operator_context(subgraph, index));
  }
  std::vector<Operand> operands;
  operands.reserve(op.inputs.size() + op.outputs.size() + op.intermediates.size());
  std::vector<const Operand*> inputs;
  std::vector<const Operand*> intermediates;
  std::vector<Operand*> outputs;
  for (int32_t tensor : op.inputs) {
    if (tensor == kNoTensor) {
      inputs.push_back(nullptr);
    } else {
      operands.push_back(operand_of(model, subgraph.tensors[tensor]));
      // Only DENSIFY knows what the bytes of a sparse constant mean.
      if (operands.back().sparsity != nullptr) operands.back().has_data = false;
      inputs.push_back(&operands.back());
    }
  }
  for (int32_t tensor : op.outputs) {
    operands.push_back(operand_of(model, subgraph.tensors[tensor]));
    outputs.push_back(&operands.back());
  }
  for (int32_t tensor : op.intermediates) {
    if (tensor == kNoTensor) {
      intermediates.push_back(nullptr);
      continue;
    }
    operands.push_back(operand_of(model, subgraph.tensors[tensor]));
    intermediates.push_back(&operands.back());
  }
  InferContext context(op, inputs, outputs, true, &model);
  context.set_intermediates(intermediates);
  if (lacks_shape(inputs)) {
    for (Operand* output : outputs) output->has_shape = false;
  } else {
    Status status = find_operator(op)->kernel->infer(context);
    if (!status.ok()) return std::move(status).with_context(operator_context(subgraph, index));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    Tensor& tensor = subgraph.tensors[op.outputs[i]];
    tensor.type = outputs[i]->type;
    tensor.has_rank = outputs[i]->has_shape;
    tensor.shape = outputs[i]->has_shape ? outputs[i]->shape : Shape{};
  }
  return {};
}

Status infer_subgraph(const Model& model, Subgraph& subgraph) {
  std::vector<Issue> issues;
  for (size_t i = 0; i < subgraph.operators.size(); ++i) {
    Status status = infer_operator(model, subgraph, i);
    if (!status.ok()) issues.push_back(operator_issue(subgraph, i, status.error().message));
  }
  if (issues.empty()) return {};
  return Status(error_of_issues(ErrorCode::kUnsupported, "the graph does not hold together",
                                std::move(issues)));
}

Result<std::vector<ConstantTensor>> evaluate_constant(const Operator& op,
                                                      std::span<const Operand* const> inputs,
                                                      std::span<const TensorType> output_types) {
  const OpEntry* entry = find_operator(op);
  if (entry == nullptr || (entry->traits & kStateful) != 0) {
    return unsupported(operator_name(op) + " can't be evaluated beforehand");
  }
  for (const Operand* input : inputs) {
    if (input != nullptr && input->sparsity != nullptr && op.code != BuiltinOperator::kDensify) {
      return unsupported(operator_name(op) + " can't read a sparse constant");
    }
  }
  std::vector<Operand> operands(output_types.size());
  std::vector<Operand*> outputs;
  for (size_t i = 0; i < operands.size(); ++i) {
    operands[i].type = output_types[i];
    outputs.push_back(&operands[i]);
  }
  std::vector<ConstantTensor> results(outputs.size());
  ConstantHost host(outputs, &results);
  InferContext infer(op, inputs, outputs, true);
  const std::vector<std::string> problems = operand_problems(*entry, infer);
  if (!problems.empty()) return unsupported(joined(problems));
  ZEOLITE_TRY(entry->kernel->infer(infer));
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i]->has_shape) {
      ZEOLITE_TRY(host.resize_output(i, outputs[i]->shape, outputs[i]->bytes));
    }
  }
  OpRecord record;
  if (entry->kernel->prepare != nullptr) {
    PrepareContext prepare(op, inputs, outputs, record, 1);
    ZEOLITE_TRY(entry->kernel->prepare(prepare));
  }
  std::vector<Bytes> scratch;
  for (uint64_t bytes : record.scratch_bytes) {
    ZEOLITE_ASSIGN(Bytes memory, Bytes::allocate(bytes, "scratch memory"));
    record.scratch.push_back(memory.data());
    scratch.push_back(std::move(memory));
  }
  EvalContext eval(op, inputs, outputs, record, host);
  ZEOLITE_TRY(entry->kernel->eval(eval));
  for (size_t i = 0; i < outputs.size(); ++i) {
    results[i].type = outputs[i]->type;
    results[i].shape = outputs[i]->shape;
  }
  return results;
}

}  // namespace zeolite
