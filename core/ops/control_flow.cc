// Operators that run other subgraphs of the model:
//   IF (1)                   inputs: bool, x...      -> then(x...) or else(x...)
//   STABLEHLO_CASE (1)       inputs: int32 i, x...   -> branch i; the last one for any other number
//   WHILE (1)                inputs: x...            -> x = body(x...) while cond(x...) is true
//   STABLEHLO_COMPOSITE (1)  inputs: x...            -> decomposition(x...)
//   CALL_ONCE (1)            nothing -> nothing; runs its subgraph the first time, and again
//                            after a reset
// The types of the operands are those of the subgraphs' inputs and outputs. Where shapes are the
// same whatever way the data take they are settled beforehand, so that the operators behind can be
// planned.
#include <cstring>
#include <vector>

#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/resources.h"
#include "core/ops/subgraph_calls.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;
using Operands = std::span<const Operand* const>;

// The operands that the subgraphs get: without the choice among them.
size_t first_passed(const OpContext& context) {
  return context.code() == Code::kIf || context.code() == Code::kStablehloCase ? 1 : 0;
}

Operands passed(const InferContext& context) {
  return context.inputs().subspan(first_passed(context));
}

Status check_types(const Subgraph& subgraph, const std::vector<int32_t>& tensors, size_t count,
                   const char* role, const auto& type_of) {
  if (tensors.size() != count) {
    return bad_input("subgraph " + subgraph.name + " has " + std::to_string(tensors.size()) + " " +
                     role + "s, expected " + std::to_string(count));
  }
  for (size_t i = 0; i < count; ++i) {
    const TensorType type = subgraph.tensors[tensors[i]].type;
    if (type != type_of(i)) {
      return bad_input(std::string(role) + " " + std::to_string(i) + " of subgraph " +
                       subgraph.name + " has type " + std::string(tensor_type_name(type)) +
                       ", expected " + std::string(tensor_type_name(type_of(i))));
    }
  }
  return {};
}

Status check_inputs(const InferContext& context, const Subgraph& subgraph) {
  const Operands inputs = passed(context);
  return check_types(subgraph, subgraph.inputs, inputs.size(), "input",
                     [&](size_t i) { return inputs[i]->type; });
}

Status check_outputs(const InferContext& context, const Subgraph& subgraph) {
  return check_types(subgraph, subgraph.outputs, context.output_count(), "output",
                     [&](size_t i) { return context.output(i).type; });
}

// The subgraphs that the operator names, which must exist.
Result<std::vector<const Subgraph*>> subgraphs_of(const InferContext& context) {
  if (context.model() == nullptr) return unsupported("an operator outside of a model");
  std::vector<const Subgraph*> subgraphs;
  for (int32_t index : called_subgraphs(context.op())) {
    if (index < 0 || static_cast<size_t>(index) >= context.model()->subgraphs.size()) {
      return bad_input("there is no subgraph " + std::to_string(index));
    }
    subgraphs.push_back(&context.model()->subgraphs[index]);
  }
  if (subgraphs.empty()) return bad_input("no subgraph is named");
  return subgraphs;
}

// Declares the outputs: `shapes` are those of all ways that data can take, null where unknown.
Status set_outputs(InferContext& context, const std::vector<std::vector<Operand>>& ways) {
  for (size_t i = 0; i < context.output_count(); ++i) {
    const TensorType type = context.output(i).type;
    bool is_known = !ways.empty();
    for (const std::vector<Operand>& way : ways) {
      is_known = is_known && way[i].has_shape && way[i].shape == ways[0][i].shape;
    }
    ZEOLITE_TRY(is_known ? context.set_output(i, type, ways[0][i].shape)
                         : context.set_output_unknown(i, type));
  }
  return {};
}

// What `index` gives for the operator's inputs; false where that can't be told beforehand.
bool plan(InferContext& context, int32_t index, std::vector<std::vector<Operand>>* ways) {
  Result<Operands> outputs = context.shapes()->plan_subgraph(index, passed(context));
  // Data may never take the way whose shapes do not fit.
  if (!outputs.ok()) return false;
  std::vector<Operand>& way = ways->emplace_back();
  for (const Operand* output : outputs.value()) way.push_back(*output);
  return true;
}

Status infer_choice(InferContext& context) {
  if (context.code() != Code::kStablehloComposite) {
    ZEOLITE_TRY(require_one(context, 0, "value to choose by"));
  }
  ZEOLITE_ASSIGN(const std::vector<const Subgraph*> subgraphs, subgraphs_of(context));
  for (const Subgraph* subgraph : subgraphs) {
    ZEOLITE_TRY(check_inputs(context, *subgraph));
    ZEOLITE_TRY(check_outputs(context, *subgraph));
  }
  std::vector<std::vector<Operand>> ways;
  bool is_known = context.shapes() != nullptr;
  for (int32_t index : called_subgraphs(context.op())) {
    is_known = is_known && plan(context, index, &ways);
  }
  if (!is_known) ways.clear();
  return set_outputs(context, ways);
}

Status infer_while(InferContext& context) {
  ZEOLITE_ASSIGN(const std::vector<const Subgraph*> subgraphs, subgraphs_of(context));
  const Subgraph& cond = *subgraphs[0];
  const Subgraph& body = *subgraphs[1];
  ZEOLITE_TRY(check_inputs(context, cond));
  ZEOLITE_TRY(check_types(cond, cond.outputs, 1, "output",
                          [](size_t) { return TensorType::kBool; }));
  ZEOLITE_TRY(check_inputs(context, body));
  ZEOLITE_TRY(check_outputs(context, body));
  const Operands inputs = passed(context);
  ZEOLITE_TRY(check_types(body, body.outputs, inputs.size(), "output",
                          [&](size_t i) { return inputs[i]->type; }));
  std::vector<std::vector<Operand>> ways;
  if (context.shapes() != nullptr &&
      plan(context, called_subgraphs(context.op())[1], &ways)) {
    // Known when the first turn changes no shape: then no turn does.
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!ways[0][i].has_shape || ways[0][i].shape != inputs[i]->shape) {
        ways[0][i].has_shape = false;
      }
    }
    // One input that changes can change any output of the next turn.
    bool is_settled = true;
    for (const Operand& output : ways[0]) is_settled = is_settled && output.has_shape;
    if (!is_settled) ways.clear();
  }
  return set_outputs(context, ways);
}

Status infer_call_once(InferContext& context) {
  ZEOLITE_ASSIGN(const std::vector<const Subgraph*> subgraphs, subgraphs_of(context));
  if (!subgraphs[0]->inputs.empty() || !subgraphs[0]->outputs.empty()) {
    return bad_input("subgraph " + subgraphs[0]->name + " has inputs or outputs");
  }
  return {};
}

Status give_outputs(EvalContext& context, Operands results) {
  for (size_t i = 0; i < results.size(); ++i) {
    const Operand& result = *results[i];
    const Operand& output = context.output(i);
    if (!output.has_shape || output.shape != result.shape || output.bytes != result.bytes ||
        output.writable == nullptr) {
      ZEOLITE_TRY(context.host().resize_output(i, result.shape, result.bytes));
    }
    if (result.bytes > 0) std::memcpy(context.out<uint8_t>(i), result.data, result.bytes);
  }
  return {};
}

Status eval_choice(EvalContext& context) {
  const std::vector<int32_t> branches = called_subgraphs(context.op());
  size_t chosen = 0;
  if (context.code() == Code::kIf) {
    chosen = *context.in<uint8_t>(0) != 0 ? 0 : 1;
  } else if (context.code() == Code::kStablehloCase) {
    const int32_t index = *context.in<int32_t>(0);
    const bool is_one = index >= 0 && static_cast<size_t>(index) < branches.size();
    chosen = is_one ? static_cast<size_t>(index) : branches.size() - 1;
  }
  ZEOLITE_ASSIGN(const Operands results,
                 context.host().run_subgraph(branches[chosen],
                                             context.inputs().subspan(first_passed(context))));
  return give_outputs(context, results);
}

Status eval_while(EvalContext& context) {
  const auto& options = context.options<WhileOptions>();
  Operands values = context.inputs();
  while (true) {
    ZEOLITE_ASSIGN(const Operands decision,
                   context.host().run_subgraph(options.cond_subgraph_index, values));
    if (decision[0]->bytes != 1) return bad_input("the condition gives more than one value");
    if (*decision[0]->data == 0) break;
    ZEOLITE_ASSIGN(values, context.host().run_subgraph(options.body_subgraph_index, values));
  }
  return give_outputs(context, values);
}

Status eval_call_once(EvalContext& context) {
  const int32_t index = context.options<CallOnceOptions>().init_subgraph_index;
  if (!context.host().resources().is_first_call(index)) return {};
  return context.host().run_subgraph(index, {}).take_status();
}

}  // namespace

const OpKernel kChoiceOp = {infer_choice, nullptr, eval_choice};
const OpKernel kWhileOp = {infer_while, nullptr, eval_while};
const OpKernel kCallOnceOp = {infer_call_once, nullptr, eval_call_once};

}  // namespace zeolite
