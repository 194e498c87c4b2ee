#include "core/convert/lower/lower.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

// The name in a dtype: itself, or in a policy's configuration.
std::string dtype_name(const json::Value& value) {
  if (const auto name = value.as_string()) return std::string(*name);
  const std::string name = value["config"].string_or("name", "float32");
  return name;
}

std::optional<TensorType> input_type(const std::string& name) {
  // Values of other precisions are computed in float32 here.
  for (const char* floating : {"float32", "float16", "bfloat16", "float64", "mixed_float16",
                               "mixed_bfloat16"}) {
    if (name == floating) return TensorType::kFloat32;
  }
  if (name == "int32") return TensorType::kInt32;
  if (name == "int64") return TensorType::kInt64;
  if (name == "uint8") return TensorType::kUint8;
  if (name == "int8") return TensorType::kInt8;
  if (name == "int16") return TensorType::kInt16;
  if (name == "bool") return TensorType::kBool;
  return std::nullopt;
}

// [null, 32, 32, 3] with -1 for null.
std::optional<Shape> read_shape(const json::Value& value) {
  if (!value.is_array() || value.size() > static_cast<size_t>(kMaxRank)) return std::nullopt;
  Shape shape;
  for (const json::Value& item : value.items()) {
    const auto size = item.as_int();
    if (!item.is_null() && (!size || *size < -1 || *size > kLargestSize)) return std::nullopt;
    shape.push_back(item.is_null() ? -1 : static_cast<int32_t>(*size));
  }
  return shape;
}

}  // namespace

Lowering::Lowering(SourceGraph* graph, bool with_data, std::map<std::string, Shape> input_shapes)
    : graph_(graph), input_shapes_(std::move(input_shapes)), model_(std::make_unique<Model>()),
      builder_(model_.get(), with_data), values_(graph->nodes.size()) {}

bool Lowering::is_known(const SourceLink& link) const {
  return link.node >= 0 && static_cast<size_t>(link.node) < values_.size() &&
         !values_[static_cast<size_t>(link.node)].empty();
}

void Lowering::record(const SourceNode& node, Error error) {
  Issue issue;
  if (!error.issues.empty()) issue = std::move(error.issues.front());
  issue.subject = Issue::Subject::kLayer;
  issue.index = static_cast<int32_t>(next_);
  issue.type = node.class_name;
  issue.name = node.path;
  issue.reason = std::move(error.message);
  // What is worse than a layer that we do not know decides what the whole is called.
  if (issues_.empty() || error.code != ErrorCode::kUnsupported) code_ = error.code;
  issues_.push_back(std::move(issue));
}

void Lowering::lower_input(SourceNode& node) {
  const json::Value& config = *node.config;
  const auto fail = [&](std::string reason, std::string help) {
    record(node, refuse(std::move(reason), std::move(help)).take_error());
  };
  std::optional<TensorType> type = input_type(dtype_name(config["dtype"]));
  if (config.find("dtype") == nullptr) type = TensorType::kFloat32;
  if (!type) {
    fail("an input of type " + dtype_name(config["dtype"]) + " is not converted yet",
         "feed numbers: compute them from text outside of the model");
    return;
  }
  const json::Value* stored = config.find("batch_shape");
  if (stored == nullptr) stored = config.find("batch_input_shape");
  std::optional<Shape> shape;
  if (stored != nullptr) shape = read_shape(*stored);
  if (const auto given = input_shapes_.find(node.name); given != input_shapes_.end()) {
    if (shape && shape->size() != given->second.size()) {
      fail("inputShapes gives it the shape " + shape_text(given->second) +
               ", which has another number of dimensions than " + shape_text(*shape),
           "name as many sizes as the input has, the batch first");
      return;
    }
    shape = given->second;
  }
  if (!shape) {
    fail("the file does not say which shape this input has",
         "give it with inputShapes, such as { \"" + node.name + "\": [-1, 224, 224, 3] }");
    return;
  }
  values_[next_] = {Value{builder_.add_input(node.name, *type, std::move(*shape)), {}}};
}

void Lowering::warn_of_precision(const SourceNode& node) {
  const std::string name = dtype_name((*node.config)["dtype"]);
  if (name.find("float") == std::string::npos || name == "float32") return;
  const std::string warning = "the source computes in " + name +
                              "; the file computes in float32, so that results can differ in the "
                              "last digits";
  std::vector<std::string>& warnings = graph_->warnings;
  if (std::find(warnings.begin(), warnings.end(), warning) == warnings.end()) {
    warnings.push_back(warning);
  }
}

void Lowering::step() {
  SourceNode& node = graph_->nodes[next_];
  warn_of_precision(node);
  // Values that depend on a failed layer are not looked at: its own issue says what is wrong.
  const bool is_ready = std::all_of(node.inputs.begin(), node.inputs.end(),
                                    [this](const SourceLink& link) { return is_known(link); });
  if (node.class_name == "InputLayer") {
    lower_input(node);
  } else if (const LowerFunction lower = find_layer(node.class_name); lower == nullptr) {
    const Refusal refusal = refusal_of(node.class_name);
    record(node, refuse(refusal.reason, refusal.help).take_error());
  } else if (is_ready) {
    std::vector<Value> inputs;
    Status status;
    for (const SourceLink& link : node.inputs) {
      const std::vector<Value>& values = values_[static_cast<size_t>(link.node)];
      if (static_cast<size_t>(link.output) >= values.size()) {
        status = corrupt("it takes output " + std::to_string(link.output) + " of layer \"" +
                         graph_->nodes[static_cast<size_t>(link.node)].path + "\", which has " +
                         std::to_string(values.size()));
        break;
      }
      inputs.push_back(values[static_cast<size_t>(link.output)]);
    }
    builder_.begin_layer(static_cast<int32_t>(next_), node.path);
    LayerContext context(*graph_, node, builder_, value_map_, std::move(inputs));
    if (status.ok()) status = context.cast_inputs();
    if (status.ok()) status = lower(context);
    if (status.ok()) status = builder_.take_status();
    for (const Value& value : context.outputs()) {
      for (int32_t size : builder_.shape(value.tensor)) {
        // Layers that enlarge could otherwise do so again and again, until numbers overflow.
        if (status.ok() && size > kLargestSize) {
          status = corrupt("it makes " + shape_text(builder_.shape(value.tensor)) +
                           ", more than a tensor can hold");
        }
      }
    }
    if (status.ok()) {
      values_[next_] = context.outputs();
      std::vector<int32_t> tensors;
      for (const Value& value : context.outputs()) tensors.push_back(value.tensor);
      builder_.end_layer(tensors);
      node.outputs.clear();
      for (const Value& value : context.outputs()) {
        node.outputs.push_back({builder_.type(value.tensor), context.shape_of(value), true});
      }
    } else {
      record(node, status.take_error());
    }
  }
  if (node.class_name == "InputLayer" && !values_[next_].empty()) {
    const int32_t tensor = values_[next_][0].tensor;
    node.outputs = {{builder_.type(tensor), builder_.shape(tensor), true}};
  }
  ++next_;
}

Result<Model> Lowering::finish() {
  if (!issues_.empty()) {
    const size_t count = issues_.size();
    std::string message = "the model cannot be converted: " + std::to_string(count) +
                          (count == 1 ? " layer stands" : " layers stand") + " in the way.";
    for (const Issue& issue : issues_) {
      message += " \"" + issue.name + "\" (" + issue.type + "): " + issue.reason + ".";
      if (count == 1 && !issue.help.empty()) message += " What helps: " + issue.help + ".";
    }
    return Status(Error{code_, std::move(message), issues_});
  }
  Subgraph& main = model_->subgraphs[0];
  Signature signature;
  signature.key = "serving_default";
  for (const SourcePort& port : graph_->inputs) {
    const int32_t tensor = values_[static_cast<size_t>(port.link.node)][0].tensor;
    main.inputs.push_back(tensor);
    signature.inputs.push_back({port.name, tensor});
  }
  builder_.begin_layer(-1, "output");
  for (const SourcePort& port : graph_->outputs) {
    const std::vector<Value>& values = values_[static_cast<size_t>(port.link.node)];
    if (static_cast<size_t>(port.link.output) >= values.size()) {
      return corrupt("the model's output \"" + port.name +
                     "\" is one that its layer does not have");
    }
    const Value& value = values[static_cast<size_t>(port.link.output)];
    ZEOLITE_ASSIGN(const int32_t tensor, value_map_.in_layout(builder_, value, {}));
    main.outputs.push_back(tensor);
    signature.outputs.push_back({port.name, tensor});
    builder_.end_layer(std::span(&tensor, 1));
  }
  ZEOLITE_TRY(builder_.take_status());
  model_->signatures.push_back(std::move(signature));
  model_->description = "Converted by Zeolite";
  return std::move(*model_);
}

std::vector<Issue> infer_source_shapes(SourceGraph* graph) {
  Lowering lowering(graph, false, {});
  while (lowering.done() < lowering.total()) lowering.step();
  return lowering.issues();
}

}  // namespace zeolite
