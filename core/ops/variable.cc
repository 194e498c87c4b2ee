// Variables that subgraphs and runs share, by name:
//   VAR_HANDLE (1)       nothing -> the handle of a variable
//   ASSIGN_VARIABLE (1)  handle, value of any shape -> nothing
//   READ_VARIABLE (1)    handle -> the value last assigned
// Reading before anything was assigned is an error.
#include <cstring>

#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/resources.h"

namespace zeolite {
namespace {

Status infer_handle(InferContext& context) {
  return context.set_output(0, TensorType::kResource, {1});
}

Status eval_handle(EvalContext& context) {
  const auto& options = context.options<VarHandleOptions>();
  *context.out<int32_t>(0) =
      context.host().resources().variable_handle(options.container, options.shared_name);
  return {};
}

Result<Variable*> variable_of(EvalContext& context) {
  const int32_t handle = *context.in<int32_t>(0);
  Variable* variable = context.host().resources().find_variable(handle);
  if (variable == nullptr) return bad_input("there is no variable " + std::to_string(handle));
  return variable;
}

Status infer_assign(InferContext& context) { return require_one(context, 0, "handle"); }

Status eval_assign(EvalContext& context) {
  ZEOLITE_ASSIGN(Variable* variable, variable_of(context));
  const Operand& value = context.input(1);
  if (variable->is_assigned && variable->type != value.type) {
    return bad_input("the variable holds " + std::string(tensor_type_name(variable->type)) +
                     ", given is " + input_text(context, 1));
  }
  if (variable->data.size() != value.bytes) {
    ZEOLITE_ASSIGN(variable->data, Bytes::allocate(value.bytes, "a variable"));
  }
  if (value.bytes > 0) std::memcpy(variable->data.data(), value.data, value.bytes);
  variable->type = value.type;
  variable->shape = value.shape;
  variable->is_assigned = true;
  return {};
}

Status infer_read(InferContext& context) {
  ZEOLITE_TRY(require_one(context, 0, "handle"));
  return context.set_output_unknown(0, context.output(0).type);
}

Status eval_read(EvalContext& context) {
  ZEOLITE_ASSIGN(const Variable* variable, variable_of(context));
  if (!variable->is_assigned) return bad_input("the variable has no value yet");
  if (variable->type != context.output(0).type) {
    return bad_input("the variable holds " + std::string(tensor_type_name(variable->type)) +
                     ", expected " + std::string(tensor_type_name(context.output(0).type)));
  }
  ZEOLITE_TRY(context.host().resize_output(0, variable->shape, variable->data.size()));
  if (variable->data.size() > 0) {
    std::memcpy(context.out<uint8_t>(0), variable->data.data(), variable->data.size());
  }
  return {};
}

}  // namespace

const OpKernel kVarHandleOp = {infer_handle, nullptr, eval_handle};
const OpKernel kAssignVariableOp = {infer_assign, nullptr, eval_assign};
const OpKernel kReadVariableOp = {infer_read, nullptr, eval_read};

}  // namespace zeolite
