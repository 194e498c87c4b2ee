#include "wasm/runtime/js_operators.h"

#include "core/formats/flex_buffers.h"
#include "core/formats/json.h"
#include "core/graph/string_tensor.h"
#include "core/inspect/tensor_json.h"
#include "core/ops/check.h"
#include "wasm/common/reply.h"

namespace zeolite::wasm {
namespace {

// Custom options are FlexBuffers more often than not; JavaScript gets them parsed then.
void add_options(const Operator& op, json::Value* call) {
  const std::span<const uint8_t> bytes = op.custom_options;
  json::Value options = json::Value::object();
  options.set("offset", heap_offset(bytes.data()));
  options.set("size", static_cast<double>(bytes.size()));
  Result<json::Value> parsed = read_flex_buffer(bytes);
  if (parsed.ok()) options.set("parsed", std::move(parsed).value());
  call->set("options", std::move(options));
}

std::string call_text(const OpContext& context) {
  json::Value call = json::Value::object();
  call.set("name", context.op().custom_name);
  add_options(context.op(), &call);
  json::Value inputs = json::Value::array();
  for (size_t i = 0; i < context.input_count(); ++i) {
    if (!context.has_input(i)) {
      inputs.push(json::Value());
      continue;
    }
    const Operand& input = context.input(i);
    json::Value entry =
        tensor_info_json(input.name, input.type, input.shape, true, input.quantization);
    entry.set("offset", heap_offset(input.data));
    entry.set("size", static_cast<double>(input.bytes));
    inputs.push(std::move(entry));
  }
  call.set("inputs", std::move(inputs));
  return json::write(call);
}

// What JavaScript says of one output.
struct Told {
  Shape shape;
  uint64_t bytes = 0;
};

// The outputs that `reply` lists; of the types that the file says.
Result<std::vector<Told>> outputs_of(const OpContext& context, const std::string& reply) {
  ZEOLITE_ASSIGN(const json::Value parsed, json::parse(reply));
  if (const json::Value* error = parsed.find("error")) {
    return bad_input(std::string(error->as_string().value_or("it failed")));
  }
  if (parsed.size() != context.output_count()) {
    return bad_input("customOps gave " + std::to_string(parsed.size()) + " outputs, expected " +
                     std::to_string(context.output_count()));
  }
  std::vector<Told> outputs;
  for (size_t i = 0; i < context.output_count(); ++i) {
    const json::Value& entry = parsed.at(i);
    const std::string_view wanted = tensor_type_name(context.output(i).type);
    if (entry.string_or("dtype", "") != wanted) {
      return bad_input("customOps gave output " + std::to_string(i) + " as " +
                       entry.string_or("dtype", "nothing") + ", the file says " +
                       std::string(wanted));
    }
    Told told;
    for (const json::Value& size : entry["shape"].items()) {
      told.shape.push_back(static_cast<int32_t>(size.as_int().value_or(kFree)));
    }
    told.bytes = static_cast<uint64_t>(entry["bytes"].as_int().value_or(0));
    outputs.push_back(std::move(told));
  }
  return outputs;
}

}  // namespace

Status JsOperators::infer(InferContext& context) {
  ZEOLITE_ASSIGN(const std::vector<Told> outputs,
                 outputs_of(context, handler_.call<std::string>("infer", call_text(context))));
  for (size_t i = 0; i < outputs.size(); ++i) {
    const TensorType type = context.output(i).type;
    ZEOLITE_TRY(is_static(outputs[i].shape) ? context.set_output(i, type, outputs[i].shape)
                                            : context.set_output_unknown(i, type));
  }
  return {};
}

Status JsOperators::eval(EvalContext& context) {
  ZEOLITE_ASSIGN(const std::vector<Told> outputs,
                 outputs_of(context, handler_.call<std::string>("eval", call_text(context))));
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Operand& output = context.output(i);
    const bool has_size = bits_per_element(output.type) != 0;
    if (has_size) {
      ZEOLITE_ASSIGN(const uint64_t bytes, byte_size(output.type, outputs[i].shape));
      if (bytes != outputs[i].bytes) {
        return bad_input("customOps gave " + std::to_string(outputs[i].bytes) +
                         " bytes for output " + std::to_string(i) + " of shape " +
                         shape_text(outputs[i].shape) + ", expected " + std::to_string(bytes));
      }
    }
    if (!has_size || !output.has_shape || output.writable == nullptr) {
      ZEOLITE_TRY(context.host().resize_output(i, outputs[i].shape, outputs[i].bytes));
    } else if (output.shape != outputs[i].shape) {
      return bad_input("customOps gave output " + std::to_string(i) + " the shape " +
                       shape_text(outputs[i].shape) + ", but infer said " +
                       shape_text(output.shape));
    }
    handler_.call<void>("write", static_cast<int>(i), heap_offset(context.output(i).data));
    if (output.type == TensorType::kString) {
      ZEOLITE_TRY(check_strings({output.data, static_cast<size_t>(output.bytes)},
                                product(output.shape)));
    }
  }
  return {};
}

}  // namespace zeolite::wasm
