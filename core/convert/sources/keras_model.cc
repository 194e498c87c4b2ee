#include "core/convert/sources/keras_model.h"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>
#include <utility>

namespace zeolite::keras {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// ["layer", call, tensor, ...] as a reference.
bool read_reference(const json::Value& value, Reference* reference) {
  if (!value.is_array() || value.size() < 3) return false;
  const auto layer = value.at(0).as_string();
  const auto call = value.at(1).as_int();
  const auto tensor = value.at(2).as_int();
  if (!layer || !call || !tensor) return false;
  constexpr int64_t kMost = 1 << 24;
  if (*call < 0 || *call > kMost || *tensor < 0 || *tensor > kMost) return false;
  *reference = {std::string(*layer), static_cast<int32_t>(*call), static_cast<int32_t>(*tensor)};
  return true;
}

// The references in an "input_layers" or "output_layers": one triple, a list or dictionary of them,
// or lists within lists.
void collect_references(const json::Value& value, std::vector<Reference>* references) {
  Reference reference;
  if (read_reference(value, &reference)) {
    references->push_back(std::move(reference));
    return;
  }
  for (const json::Value& item : value.items()) collect_references(item, references);
  for (const json::Member& member : value.members()) collect_references(member.value, references);
}

json::Value input_mark(size_t index) {
  json::Value mark = json::Value::object();
  mark.set("input", static_cast<int64_t>(index));
  return mark;
}

// Copies the arguments of a Keras 3 call, with tensors replaced by marks and gathered in `inputs`.
json::Value copy_arguments(const json::Value& value, std::vector<Reference>* inputs) {
  if (value.is_object()) {
    if (value.string_or("class_name", "") == "__keras_tensor__") {
      const json::Value* history = value.find_path({"config", "keras_history"});
      Reference reference;
      if (history != nullptr && read_reference(*history, &reference)) {
        inputs->push_back(std::move(reference));
        return input_mark(inputs->size() - 1);
      }
    }
    json::Value copy = json::Value::object();
    for (const json::Member& member : value.members()) {
      copy.set(member.key, copy_arguments(member.value, inputs));
    }
    return copy;
  }
  if (value.is_array()) {
    json::Value copy = json::Value::array();
    for (const json::Value& item : value.items()) copy.push(copy_arguments(item, inputs));
    return copy;
  }
  return value;
}

// The same for a keyword argument of Keras 2, where a tensor is ["layer", call, tensor].
json::Value copy_keyword(const json::Value& value, std::vector<Reference>* inputs) {
  Reference reference;
  if (value.is_array()) {
    if (value.at(0).as_string() == "_CONSTANT_VALUE") return value.at(2);
    if (value.size() <= 4 && read_reference(value, &reference)) {
      inputs->push_back(std::move(reference));
      return input_mark(inputs->size() - 1);
    }
    json::Value copy = json::Value::array();
    for (const json::Value& item : value.items()) copy.push(copy_keyword(item, inputs));
    return copy;
  }
  return value;
}

json::Value call_value(json::Value args, json::Value kwargs) {
  json::Value call = json::Value::object();
  call.set("args", std::move(args));
  call.set("kwargs", std::move(kwargs));
  return call;
}

Result<Call> parse_call(const json::Value& node, std::string_view layer, Reading& reading) {
  Call call;
  json::Value args = json::Value::array();
  json::Value kwargs = json::Value::object();
  if (node.is_object()) {
    args = copy_arguments(node["args"], &call.inputs);
    kwargs = copy_arguments(node["kwargs"], &call.inputs);
  } else if (node.is_array()) {
    // A single tensor or constant may stand without the list around it.
    Reference single;
    const bool is_single =
        read_reference(node, &single) || node.at(0).as_string() == "_CONSTANT_VALUE";
    const std::span<const json::Value> entries = is_single ? std::span(&node, 1) : node.items();
    for (const json::Value& entry : entries) {
      if (entry.at(0).as_string() == "_CONSTANT_VALUE") {
        args.push(entry.at(2));
        continue;
      }
      Reference reference;
      if (!read_reference(entry, &reference)) {
        return corrupt("layer " + quoted(layer) + ": an input in inbound_nodes is not a list of "
                       "layer, call and tensor");
      }
      call.inputs.push_back(std::move(reference));
      args.push(input_mark(call.inputs.size() - 1));
    }
    if (!entries.empty()) {
      for (const json::Member& member : entries.front().at(3).members()) {
        kwargs.set(member.key, copy_keyword(member.value, &call.inputs));
      }
    }
  } else {
    return corrupt("layer " + quoted(layer) + ": inbound_nodes holds neither a list nor an object");
  }
  // Plain calls need no arguments kept: the inputs say all.
  bool is_plain = kwargs.size() == 0;
  for (const json::Value& item : args.items()) {
    if (item.find("input") != nullptr) continue;
    if (!item.is_array()) is_plain = false;
    for (const json::Value& inner : item.items()) {
      if (inner.find("input") == nullptr) is_plain = false;
    }
  }
  if (!is_plain) call.arguments = reading.keep(call_value(std::move(args), std::move(kwargs)));
  return call;
}

// A class's name as lowering looks it up.
std::string class_of(const json::Value& layer) {
  const std::string registered = layer.string_or("registered_name", "");
  const size_t separator = registered.find('>');
  if (separator != std::string::npos) {
    const std::string package = registered.substr(0, separator);
    if (package != "Keras" && package != "keras") return registered;
  }
  return layer.string_or("class_name", "");
}

// Whether this is a call of keras.ops and not of a layer, whose class may have the same name. Only
// .keras files name the module; every layer's configuration says whether it is trainable.
bool is_operation(const json::Value& value, const std::string& class_name) {
  if (is_model_class(class_name) || class_name == "InputLayer") return false;
  if (value.string_or("module", "").starts_with("keras.src.ops")) return true;
  return value.find("module") == nullptr && value["config"].find("trainable") == nullptr;
}

Result<Model> parse_model_of(const std::string& class_name, const json::Value& config,
                             Reading& reading);

Result<Layer> parse_layer(const json::Value& value, Reading& reading) {
  Layer layer;
  layer.class_name = class_of(value);
  layer.config = &value["config"];
  if (layer.class_name.empty()) return corrupt("a layer in the architecture has no class_name");
  if (reading.major == 1) modernize_layer(&layer.class_name, &layer.config, reading);
  if (reading.major >= 3 && is_operation(value, layer.class_name)) {
    layer.class_name = "ops." + layer.class_name;
  }
  layer.name = value.string_or("name", layer.config->string_or("name", ""));
  if (layer.name.empty()) layer.name = snake_case(layer.class_name);
  layer.trainable = layer.config->bool_or("trainable", true);
  for (const json::Value& node : value["inbound_nodes"].items()) {
    ZEOLITE_ASSIGN(Call call, parse_call(node, layer.name, reading));
    layer.calls.push_back(std::move(call));
  }
  if (is_model_class(layer.class_name)) {
    ZEOLITE_ASSIGN(Model model, parse_model_of(layer.class_name, *layer.config, reading));
    layer.model = std::make_unique<Model>(std::move(model));
  }
  return layer;
}

// An InputLayer for a Sequential model that only its first layer's arguments (or what it was built
// with) give a shape.
Layer implied_input(const Layer& first, const json::Value& config, Reading& reading) {
  const json::Value* shape = first.config->find("batch_input_shape");
  if (shape == nullptr) shape = config.find("build_input_shape");
  if (shape == nullptr && first.model != nullptr && !first.model->layers.empty()) {
    const Layer& inner = first.model->layers.front();
    shape = inner.config->find("batch_input_shape");
    if (shape == nullptr) shape = inner.config->find("batch_shape");
  }
  json::Value made = json::Value::object();
  if (shape != nullptr) made.set("batch_shape", *shape);
  if (const json::Value* dtype = first.config->find("dtype")) made.set("dtype", *dtype);
  Layer input;
  input.class_name = "InputLayer";
  input.name = first.name + "_input";
  input.config = reading.keep(std::move(made));
  return input;
}

// One layer after the other.
void chain(Model* model) {
  for (size_t i = 0; i < model->layers.size(); ++i) {
    Layer& layer = model->layers[i];
    layer.calls.assign(1, Call());
    if (i > 0) layer.calls[0].inputs.push_back({model->layers[i - 1].name, 0, 0});
  }
  model->inputs.push_back({model->layers.front().name, 0, 0});
  model->outputs.push_back({model->layers.back().name, 0, 0});
}

// Keras 2 counts the calls of most nested models from 1: the first is the one that made the model
// itself, which files leave out. Each call that is kept has a taker, so the lowest number tells.
void count_calls_from_zero(Model* model) {
  std::unordered_map<std::string, int32_t> lowest;
  const auto for_each_reference = [model](const auto& visit) {
    for (Layer& layer : model->layers) {
      for (Call& call : layer.calls) {
        for (Reference& reference : call.inputs) visit(reference);
      }
    }
    for (Reference& reference : model->outputs) visit(reference);
  };
  for (const Layer& layer : model->layers) {
    if (layer.model != nullptr) lowest.emplace(layer.name, std::numeric_limits<int32_t>::max());
  }
  if (lowest.empty()) return;
  for_each_reference([&lowest](Reference& reference) {
    const auto found = lowest.find(reference.layer);
    if (found != lowest.end()) found->second = std::min(found->second, reference.call);
  });
  for_each_reference([&lowest](Reference& reference) {
    const auto found = lowest.find(reference.layer);
    if (found != lowest.end()) reference.call -= found->second;
  });
}

Result<Model> parse_model_of(const std::string& class_name, const json::Value& config,
                             Reading& reading) {
  Model model;
  model.name = config.string_or("name", "");
  const bool is_sequential = class_name == "Sequential";
  const json::Value& list = config.is_array() ? config : config["layers"];
  if (!list.is_array()) return corrupt("the architecture's " + class_name + " has no layers list");
  for (const json::Value& value : list.items()) {
    ZEOLITE_ASSIGN(Layer layer, parse_layer(value, reading));
    model.layers.push_back(std::move(layer));
  }
  if (model.layers.empty()) return unsupported("the model has no layers");
  if (is_sequential) {
    if (model.layers.front().class_name != "InputLayer") {
      model.layers.insert(model.layers.begin(),
                          implied_input(model.layers.front(), config, reading));
    }
    chain(&model);
    return model;
  }
  collect_references(config["input_layers"], &model.inputs);
  collect_references(config["output_layers"], &model.outputs);
  if (model.inputs.empty() || model.outputs.empty()) {
    return corrupt("the architecture of model " + quoted(model.name) +
                   " does not say which layers are its inputs and outputs");
  }
  for (Layer& layer : model.layers) {
    if (layer.class_name == "InputLayer" && layer.calls.empty()) layer.calls.emplace_back();
  }
  count_calls_from_zero(&model);
  return model;
}

}  // namespace

bool is_model_class(std::string_view class_name) {
  return class_name == "Sequential" || class_name == "Functional" || class_name == "Model";
}

Result<Model> parse_model(const json::Value& root, Reading& reading) {
  const std::string class_name = class_of(root);
  if (!is_model_class(class_name)) {
    Error error{ErrorCode::kUnsupported,
                "the model is of class " + quoted(class_name) +
                    ", whose layers only its own Python code knows; only Sequential and functional "
                    "models can be read from this format",
                {}};
    error.issues.push_back({Issue::Subject::kLayer, -1, class_name,
                            root["config"].string_or("name", ""),
                            "a subclassed model's file does not say what it computes",
                            "build the same layers with keras.Input and keras.Model, load the "
                            "weights into that, and save it"});
    return Status(std::move(error));
  }
  return parse_model_of(class_name, root["config"], reading);
}

std::string snake_case(std::string_view class_name) {
  std::string kept;
  for (char c : class_name) {
    if (is_lower(c) || is_upper(c) || (c >= '0' && c <= '9') || c == '_') kept += c;
  }
  std::string result;
  for (size_t i = 0; i < kept.size(); ++i) {
    const bool before_lower = i + 1 < kept.size() && is_lower(kept[i + 1]);
    if (i > 0 && is_upper(kept[i]) && (before_lower || is_lower(kept[i - 1]))) result += '_';
    result += is_upper(kept[i]) ? static_cast<char>(kept[i] - 'A' + 'a') : kept[i];
  }
  return result;
}

bool weight_roles(const Layer& layer, std::vector<WeightRole>* roles) {
  const json::Value& config = *layer.config;
  const std::string_view name = layer.class_name;
  const auto any_of = [name](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  roles->clear();
  if (any_of({"Dense", "Conv1D", "Conv2D", "Conv1DTranspose", "Conv2DTranspose", "DepthwiseConv1D",
              "DepthwiseConv2D", "Convolution1D", "Convolution2D", "Conv3D", "Conv3DTranspose"})) {
    roles->push_back({"kernel"});
    if (config.bool_or("use_bias", true)) roles->push_back({"bias"});
    return true;
  }
  if (any_of({"SeparableConv1D", "SeparableConv2D"})) {
    roles->push_back({"depthwise_kernel"});
    roles->push_back({"pointwise_kernel"});
    if (config.bool_or("use_bias", true)) roles->push_back({"bias"});
    return true;
  }
  if (any_of({"BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2",
              "SyncBatchNormalization"})) {
    if (config.bool_or("scale", true)) roles->push_back({"gamma"});
    if (config.bool_or("center", true)) roles->push_back({"beta"});
    roles->push_back({"moving_mean", false});
    roles->push_back({"moving_variance", false});
    return true;
  }
  if (name == "PReLU") {
    roles->push_back({"alpha"});
    return true;
  }
  if (name == "Normalization") {
    // With statistics given as arguments there is nothing to keep.
    if (config["mean"].is_null()) {
      roles->push_back({"mean", false});
      roles->push_back({"variance", false});
      roles->push_back({"count", false, true});
    }
    return true;
  }
  static constexpr std::array kWithout = {
      "InputLayer", "Activation", "ReLU", "LeakyReLU", "ELU", "ThresholdedReLU", "Softmax",
      "Flatten", "Reshape", "Permute", "RepeatVector", "Dropout", "SpatialDropout1D",
      "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "GaussianNoise", "AlphaDropout",
      "ActivityRegularization", "Rescaling", "Resizing", "Add", "Subtract", "Multiply", "Average",
      "Maximum", "Minimum", "Concatenate", "Dot", "Merge", "MaxPooling1D", "MaxPooling2D",
      "AveragePooling1D", "AveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
      "GlobalAveragePooling1D", "GlobalAveragePooling2D", "ZeroPadding1D", "ZeroPadding2D",
      "Cropping1D", "Cropping2D", "UpSampling1D", "UpSampling2D", "TFOpLambda", "SlicingOpLambda",
      "Masking", "Identity", "CenterCrop", "Lambda"};
  return std::find(kWithout.begin(), kWithout.end(), name) != kWithout.end();
}

}  // namespace zeolite::keras
