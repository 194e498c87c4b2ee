#include "core/convert/sources/keras_graph.h"

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace zeolite::keras {
namespace {

// A nested model called twice doubles its nodes, so that a small file could ask for any number.
constexpr size_t kMaxNodes = 200'000;

// One call of one layer of one model, while that model is being flattened.
struct PendingCall {
  size_t layer;
  size_t call;
};

std::string call_key(const std::string& layer, int32_t call) {
  return layer + '\n' + std::to_string(call);
}

class Flattener {
 public:
  explicit Flattener(SourceGraph* graph) : graph_(graph) {}

  // `given` are the values for the model's inputs; null for the outermost, whose InputLayers become
  // nodes. The values of the model's outputs go to `results`.
  Status flatten(Model& model, const std::string& prefix, const std::vector<SourceLink>* given,
                 std::vector<SourceLink>* results) {
    std::set<std::string_view> names;
    for (const Layer& layer : model.layers) {
      if (!names.insert(layer.name).second) {
        return corrupt("two layers of the model are called \"" + layer.name + "\"");
      }
    }
    Scope scope{&model, prefix, {}};
    if (given != nullptr) {
      if (given->size() != model.inputs.size()) {
        return corrupt("the nested model \"" + model.name + "\" has " +
                       std::to_string(model.inputs.size()) + " inputs and is called with " +
                       std::to_string(given->size()));
      }
      for (size_t i = 0; i < given->size(); ++i) {
        scope.values[call_key(model.inputs[i].layer, model.inputs[i].call)] = {(*given)[i]};
      }
    }
    ZEOLITE_TRY(run_calls(scope));
    for (const Reference& reference : model.outputs) {
      SourceLink link;
      if (!resolve(scope, reference, &link)) {
        return corrupt("the model's output \"" + reference.layer + "\" is of no layer in it");
      }
      results->push_back(link);
    }
    return Status();
  }

 private:
  struct Scope {
    Model* model;
    std::string prefix;
    std::unordered_map<std::string, std::vector<SourceLink>> values;  // By call_key.
  };

  static bool resolve(const Scope& scope, const Reference& reference, SourceLink* link) {
    const auto found = scope.values.find(call_key(reference.layer, reference.call));
    if (found == scope.values.end()) return false;
    if (static_cast<size_t>(reference.tensor) < found->second.size()) {
      *link = found->second[static_cast<size_t>(reference.tensor)];
    } else {
      // How many outputs a layer has is only known when it is lowered.
      *link = {found->second.front().node, reference.tensor};
    }
    return true;
  }

  // Makes every call once its inputs are there; a call that waits is tried again when what it
  // misses appears, so that the order in the file does not matter.
  Status run_calls(Scope& scope) {
    std::unordered_map<std::string, std::vector<PendingCall>> waiting;
    size_t waiting_count = 0;
    for (size_t i = 0; i < scope.model->layers.size(); ++i) {
      const Layer& layer = scope.model->layers[i];
      for (size_t j = 0; j < layer.calls.size(); ++j) {
        std::vector<PendingCall> ready = {{i, j}};
        while (!ready.empty()) {
          const PendingCall next = ready.back();
          ready.pop_back();
          std::string missing;
          ZEOLITE_TRY(make_call(scope, next, &missing));
          if (!missing.empty()) {
            waiting[missing].push_back(next);
            ++waiting_count;
            continue;
          }
          const Layer& made = scope.model->layers[next.layer];
          const auto found = waiting.find(call_key(made.name, static_cast<int32_t>(next.call)));
          if (found == waiting.end()) continue;
          waiting_count -= found->second.size();
          ready.insert(ready.end(), found->second.rbegin(), found->second.rend());
          waiting.erase(found);
        }
      }
    }
    if (waiting_count == 0) return Status();
    std::set<std::string> stuck;
    for (const auto& [missing, calls] : waiting) {
      const std::string source = missing.substr(0, missing.find('\n'));
      for (const PendingCall& call : calls) {
        stuck.insert("\"" + scope.model->layers[call.layer].name + "\" from \"" + source + "\"");
      }
    }
    std::string list;
    for (const std::string& link : stuck) list += (list.empty() ? "" : ", ") + link;
    return corrupt("layers take inputs that are not in the model, or wait for each other in a "
                   "circle: " + list);
  }

  // Sets `missing` to what has to come first, if anything.
  Status make_call(Scope& scope, PendingCall pending, std::string* missing) {
    Layer& layer = scope.model->layers[pending.layer];
    const Call& call = layer.calls[pending.call];
    const std::string key = call_key(layer.name, static_cast<int32_t>(pending.call));
    if (scope.values.contains(key)) return Status();  // A nested model's input.
    std::vector<SourceLink> inputs;
    for (const Reference& reference : call.inputs) {
      SourceLink link;
      if (!resolve(scope, reference, &link)) {
        *missing = call_key(reference.layer, reference.call);
        return Status();
      }
      inputs.push_back(link);
    }
    const std::string path = unique_path(scope.prefix + layer.name);
    if (layer.model != nullptr) {
      std::vector<SourceLink> results;
      ZEOLITE_TRY(flatten(*layer.model, path + "/", &inputs, &results));
      scope.values[key] = std::move(results);
      return Status();
    }
    if (graph_->nodes.size() >= kMaxNodes) {
      return unsupported("the model has more than " + std::to_string(kMaxNodes) + " layers");
    }
    const auto index = static_cast<int32_t>(graph_->nodes.size());
    SourceNode node;
    node.path = path;
    node.name = layer.name;
    node.class_name = layer.class_name;
    node.config = layer.config;
    node.call = call.arguments;
    node.weights = layer.weights;
    node.inputs = std::move(inputs);
    node.outputs.resize(1);
    const auto [first, is_first] = first_calls_.emplace(&layer, index);
    if (!is_first) node.first_call = first->second;
    graph_->nodes.push_back(std::move(node));
    scope.values[key] = {{index, 0}};
    return Status();
  }

  std::string unique_path(const std::string& wanted) {
    std::string path = wanted;
    for (int& count = path_counts_[wanted]; !paths_.insert(path).second;) {
      path = wanted + "#" + std::to_string(++count + 1);
    }
    return path;
  }

  SourceGraph* graph_;
  std::unordered_map<const Layer*, int32_t> first_calls_;
  std::unordered_map<std::string, int> path_counts_;  // Later calls by the path of the first.
  std::set<std::string> paths_;
};

// Names are used as keys: a second output of the same layer needs one of its own.
std::string unique_name(const std::string& wanted, std::set<std::string>* used) {
  std::string name = wanted;
  for (int i = 1; !used->insert(name).second; ++i) name = wanted + "_" + std::to_string(i);
  return name;
}

}  // namespace

Status flatten_model(Model& model, SourceGraph* graph) {
  Flattener flattener(graph);
  std::vector<SourceLink> results;
  ZEOLITE_TRY(flattener.flatten(model, "", nullptr, &results));
  std::set<std::string> used;
  for (const Reference& reference : model.inputs) {
    for (size_t i = 0; i < graph->nodes.size(); ++i) {
      const SourceNode& node = graph->nodes[i];
      if (node.path != reference.layer || node.class_name != "InputLayer") continue;
      graph->inputs.push_back({unique_name(node.name, &used), {static_cast<int32_t>(i), 0}});
      break;
    }
  }
  if (graph->inputs.size() != model.inputs.size()) {
    return corrupt("the model names an input layer that is not in it");
  }
  for (size_t i = 0; i < graph->nodes.size(); ++i) {
    const bool is_fed = std::any_of(
        graph->inputs.begin(), graph->inputs.end(),
        [i](const SourcePort& port) { return port.link.node == static_cast<int32_t>(i); });
    if (graph->nodes[i].class_name == "InputLayer" && !is_fed) {
      return corrupt("the input layer \"" + graph->nodes[i].path +
                     "\" is not among the inputs that the model names");
    }
  }
  used.clear();
  for (size_t i = 0; i < results.size(); ++i) {
    graph->outputs.push_back({unique_name(model.outputs[i].layer, &used), results[i]});
  }
  return Status();
}

}  // namespace zeolite::keras
