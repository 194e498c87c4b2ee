#include "core/ops/reducer.h"

namespace zeolite {

Result<Reducer> reducer_of(const Model* model, int32_t subgraph) {
  if (model == nullptr) return unsupported("an operator outside of a model");
  if (subgraph < 0 || static_cast<size_t>(subgraph) >= model->subgraphs.size()) {
    return bad_input("there is no subgraph " + std::to_string(subgraph));
  }
  const Subgraph& body = model->subgraphs[subgraph];
  if (body.inputs.size() != 2 || body.outputs.size() != 1) {
    return bad_input("subgraph " + body.name + " has " + std::to_string(body.inputs.size()) +
                     " inputs and " + std::to_string(body.outputs.size()) +
                     " outputs, expected 2 and 1");
  }
  if (body.operators.empty() && body.outputs[0] == body.inputs[1]) return Reducer::kReplace;
  const Status other = unsupported("subgraph " + body.name +
                                   " computes something else than a sum, a product, an extreme, "
                                   "\"and\", \"or\" or a replacement");
  if (body.operators.size() != 1) return Status(other.error());
  const Operator& op = body.operators[0];
  const bool is_on_both = op.inputs == body.inputs ||
                          op.inputs == std::vector<int32_t>{body.inputs[1], body.inputs[0]};
  if (!is_on_both || op.outputs != body.outputs) return Status(other.error());
  const bool is_bool = body.tensors[body.inputs[0]].type == TensorType::kBool;
  switch (op.code) {
    case BuiltinOperator::kAdd: return Reducer::kAdd;
    case BuiltinOperator::kStablehloAdd: return is_bool ? Reducer::kAny : Reducer::kAdd;
    case BuiltinOperator::kMul: return Reducer::kMul;
    case BuiltinOperator::kStablehloMultiply: return is_bool ? Reducer::kAll : Reducer::kMul;
    case BuiltinOperator::kMaximum:
    case BuiltinOperator::kStablehloMaximum: return Reducer::kMaximum;
    case BuiltinOperator::kMinimum:
    case BuiltinOperator::kStablehloMinimum: return Reducer::kMinimum;
    case BuiltinOperator::kLogicalAnd: return Reducer::kAll;
    case BuiltinOperator::kStablehloAnd:
      return is_bool ? Result<Reducer>(Reducer::kAll) : Status(other.error());
    case BuiltinOperator::kLogicalOr: return Reducer::kAny;
    case BuiltinOperator::kStablehloOr:
      return is_bool ? Result<Reducer>(Reducer::kAny) : Status(other.error());
    default: return Status(other.error());
  }
}

}  // namespace zeolite
