#include "core/convert/sources/keras_weights.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace zeolite::keras {
namespace {

std::optional<TensorType> tensor_type_of(hdf5::ElementType type) {
  switch (type) {
    case hdf5::ElementType::kFloat16: return TensorType::kFloat16;
    case hdf5::ElementType::kBfloat16: return TensorType::kBfloat16;
    case hdf5::ElementType::kFloat32: return TensorType::kFloat32;
    case hdf5::ElementType::kFloat64: return TensorType::kFloat64;
    case hdf5::ElementType::kInt8: return TensorType::kInt8;
    case hdf5::ElementType::kInt16: return TensorType::kInt16;
    case hdf5::ElementType::kInt32: return TensorType::kInt32;
    case hdf5::ElementType::kInt64: return TensorType::kInt64;
    case hdf5::ElementType::kUint8: return TensorType::kUint8;
    case hdf5::ElementType::kUint16: return TensorType::kUint16;
    case hdf5::ElementType::kUint32: return TensorType::kUint32;
    case hdf5::ElementType::kUint64: return TensorType::kUint64;
    case hdf5::ElementType::kBool: return TensorType::kBool;
    default: return std::nullopt;
  }
}

Result<SourceWeight> read_weight(const hdf5::Object& dataset, std::string name) {
  if (!dataset.is_dataset()) {
    return corrupt("the weights file has a group where the weight " + dataset.path() +
                   " should be");
  }
  ZEOLITE_ASSIGN(const hdf5::ArrayInfo array, dataset.info());
  SourceWeight weight;
  weight.name = std::move(name);
  std::optional<TensorType> type = tensor_type_of(array.type);
  // Keras keeps bfloat16 as raw pairs of bytes and says so in an attribute.
  if (array.type == hdf5::ElementType::kOpaque && array.element_bytes == 2 &&
      dataset.has_attribute("dtype")) {
    ZEOLITE_ASSIGN(const std::string stored, dataset.string_attribute("dtype"));
    if (stored == "bfloat16") type = TensorType::kBfloat16;
  }
  if (!type) {
    return unsupported("the weight " + dataset.path() + " is stored as " +
                       std::string(hdf5::element_type_name(array.type)) +
                       ", which no layer's weights are");
  }
  weight.type = *type;
  for (uint64_t size : array.shape) {
    if (size > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
      return unsupported("the weight " + dataset.path() + " has a dimension of " +
                         std::to_string(size) + ", more than a .tflite file can hold");
    }
    weight.shape.push_back(static_cast<int32_t>(size));
  }
  weight.read = [dataset]() -> Result<Content> {
    ZEOLITE_ASSIGN(hdf5::Array elements, dataset.read());
    return std::move(elements.content);
  };
  return weight;
}

// A list of names, which files with many of them split into NAME0, NAME1, ...
Result<std::vector<std::string>> name_list(const hdf5::Object& group, const std::string& name) {
  if (group.has_attribute(name)) return group.string_list_attribute(name);
  std::vector<std::string> names;
  for (int part = 0;; ++part) {
    const std::string key = name + std::to_string(part);
    if (!group.has_attribute(key)) break;
    ZEOLITE_ASSIGN(std::vector<std::string> more, group.string_list_attribute(key));
    names.insert(names.end(), more.begin(), more.end());
  }
  return names;
}

// "dense/kernel:0" -> "kernel".
std::string role_of(std::string_view dataset_name) {
  const size_t slash = dataset_name.rfind('/');
  if (slash != std::string_view::npos) dataset_name.remove_prefix(slash + 1);
  return std::string(dataset_name.substr(0, dataset_name.find(':')));
}

// A model's layers with those of nested models in their place.
void collect_leaves(Model* model, std::vector<Layer*>* leaves) {
  for (Layer& layer : model->layers) {
    if (layer.model != nullptr) {
      collect_leaves(layer.model.get(), leaves);
    } else {
      leaves->push_back(&layer);
    }
  }
}

Status wrong_count(const Layer& layer, size_t found, size_t expected) {
  return corrupt("layer \"" + layer.name + "\" (" + layer.class_name + ") has " +
                 std::to_string(found) + " weights in the file; its configuration asks for " +
                 std::to_string(expected) +
                 ". Architecture and weights are probably not of the same model");
}

Status assign_leaf(std::vector<SourceWeight> weights, Layer* layer) {
  std::vector<WeightRole> roles;
  if (weight_roles(*layer, &roles)) {
    size_t needed = 0;
    for (const WeightRole& role : roles) needed += !role.optional;
    if (weights.size() < needed || weights.size() > roles.size()) {
      return wrong_count(*layer, weights.size(), needed);
    }
    for (size_t i = 0; i < weights.size(); ++i) weights[i].name = roles[i].name;
  }
  layer->weights = std::move(weights);
  return Status();
}

// Deals a nested model's flat list out to its layers.
Status assign_flat(std::vector<SourceWeight> weights, Layer* nested) {
  std::vector<Layer*> leaves;
  collect_leaves(nested->model.get(), &leaves);
  std::vector<std::vector<WeightRole>> roles(leaves.size());
  size_t total = 0;
  size_t optional = 0;
  for (size_t i = 0; i < leaves.size(); ++i) {
    // How many weights an unknown layer has is unknown, so nobody's place is. Lowering reports it.
    if (!weight_roles(*leaves[i], &roles[i])) return Status();
    for (const WeightRole& role : roles[i]) {
      total += !role.optional;
      optional += role.optional;
    }
  }
  const bool with_optional = weights.size() == total + optional;
  if (weights.size() != total && !with_optional) return wrong_count(*nested, weights.size(), total);
  size_t next = 0;
  for (const bool trainable : {true, false}) {
    for (size_t i = 0; i < leaves.size(); ++i) {
      for (const WeightRole& role : roles[i]) {
        if ((role.trainable && leaves[i]->trainable) != trainable) continue;
        if (role.optional && !with_optional) continue;
        weights[next].name = role.name;
        leaves[i]->weights.push_back(std::move(weights[next]));
        ++next;
      }
    }
  }
  return Status();
}

Result<std::vector<SourceWeight>> read_listed(const hdf5::Object& group) {
  ZEOLITE_ASSIGN(const std::vector<std::string> names, name_list(group, "weight_names"));
  std::vector<SourceWeight> weights;
  for (const std::string& name : names) {
    ZEOLITE_ASSIGN(const hdf5::Object dataset, group.find(name));
    ZEOLITE_ASSIGN(SourceWeight weight, read_weight(dataset, role_of(name)));
    weights.push_back(std::move(weight));
  }
  return weights;
}

// "vars/0", "vars/1", ... of a layer's group.
Result<std::vector<SourceWeight>> read_variables(const hdf5::Object& place) {
  std::vector<SourceWeight> weights;
  ZEOLITE_ASSIGN(const bool has_variables, has_link(place, "vars"));
  if (!has_variables) return weights;
  ZEOLITE_ASSIGN(const hdf5::Object variables, place.find("vars"));
  ZEOLITE_ASSIGN(const std::vector<hdf5::Link> links, variables.links());
  for (size_t i = 0; i < links.size(); ++i) {
    const std::string name = std::to_string(i);
    ZEOLITE_ASSIGN(const hdf5::Object dataset, variables.find(name));
    ZEOLITE_ASSIGN(SourceWeight weight, read_weight(dataset, name));
    weights.push_back(std::move(weight));
  }
  return weights;
}

bool expects_weights(Layer& layer) {
  std::vector<Layer*> leaves;
  if (layer.model != nullptr) {
    collect_leaves(layer.model.get(), &leaves);
  } else {
    leaves.push_back(&layer);
  }
  std::vector<WeightRole> roles;
  for (const Layer* leaf : leaves) {
    if (!weight_roles(*leaf, &roles) || !roles.empty()) return true;
  }
  return false;
}

Status assign_either(std::vector<SourceWeight> weights, Layer* layer) {
  return layer->model != nullptr ? assign_flat(std::move(weights), layer)
                                 : assign_leaf(std::move(weights), layer);
}

}  // namespace

bool has_listed_weights(const hdf5::Object& root) {
  return root.has_attribute("layer_names") || root.has_attribute("layer_names0");
}

Result<bool> has_link(const hdf5::Object& group, std::string_view name) {
  if (group.has_link(name)) return true;
  ZEOLITE_ASSIGN(const std::vector<hdf5::Link> links, group.links());
  return std::any_of(links.begin(), links.end(),
                     [name](const hdf5::Link& link) { return link.name == name; });
}

Result<bool> has_stored_weights(const hdf5::Object& root) {
  for (const char* name : {"layers", "_layer_checkpoint_dependencies", "vars"}) {
    ZEOLITE_ASSIGN(const bool found, has_link(root, name));
    if (found) return true;
  }
  return false;
}

Status assign_listed_weights(const hdf5::Object& group, Model* model) {
  ZEOLITE_ASSIGN(const std::vector<std::string> names, name_list(group, "layer_names"));
  std::unordered_map<std::string, const std::string*> by_name;
  for (const std::string& name : names) by_name.emplace(name, &name);
  bool all_named = true;
  for (Layer& layer : model->layers) {
    if (expects_weights(layer) && !by_name.contains(layer.name)) all_named = false;
  }
  if (all_named) {
    for (Layer& layer : model->layers) {
      if (!by_name.contains(layer.name)) continue;
      ZEOLITE_ASSIGN(const hdf5::Object child, group.find(layer.name));
      ZEOLITE_ASSIGN(std::vector<SourceWeight> weights, read_listed(child));
      ZEOLITE_TRY(assign_either(std::move(weights), &layer));
    }
    return Status();
  }
  // The names differ (weights saved from a model built anew): as Keras itself does, layers with
  // weights are taken in order.
  std::vector<std::vector<SourceWeight>> lists;
  for (const std::string& name : names) {
    ZEOLITE_ASSIGN(const hdf5::Object child, group.find(name));
    ZEOLITE_ASSIGN(std::vector<SourceWeight> weights, read_listed(child));
    if (!weights.empty()) lists.push_back(std::move(weights));
  }
  std::vector<Layer*> takers;
  for (Layer& layer : model->layers) {
    if (expects_weights(layer)) takers.push_back(&layer);
  }
  if (lists.size() != takers.size()) {
    return corrupt("the weights file has " + std::to_string(lists.size()) +
                   " layers with weights, the architecture " + std::to_string(takers.size()) +
                   ", and their names do not match: they are not of the same model");
  }
  for (size_t i = 0; i < takers.size(); ++i) {
    ZEOLITE_TRY(assign_either(std::move(lists[i]), takers[i]));
  }
  return Status();
}

Status assign_stored_weights(const hdf5::Object& root, Model* model) {
  std::string folder = "layers";
  std::map<std::string, hdf5::Object> places;
  for (const char* name : {"layers", "_layer_checkpoint_dependencies"}) {
    ZEOLITE_ASSIGN(const bool is_there, has_link(root, name));
    if (!is_there) continue;
    folder = name;
    ZEOLITE_ASSIGN(const hdf5::Object container, root.find(name));
    ZEOLITE_ASSIGN(const std::vector<hdf5::Link> links, container.links());
    for (const hdf5::Link& link : links) {
      ZEOLITE_ASSIGN(hdf5::Object place, container.find(link.name));
      places.emplace(link.name, std::move(place));
    }
    break;
  }
  std::map<std::string, int> used;
  for (Layer& layer : model->layers) {
    const size_t package = layer.class_name.find('>');
    std::string key = snake_case(
        package == std::string::npos ? layer.class_name : layer.class_name.substr(package + 1));
    const int number = used[key]++;
    if (number > 0) key += "_" + std::to_string(number);
    const auto place = places.find(key);
    if (layer.model != nullptr) {
      if (place != places.end()) {
        ZEOLITE_TRY(assign_stored_weights(place->second, layer.model.get()));
      } else if (expects_weights(layer)) {
        return corrupt("the weights file has nothing for the nested model \"" + layer.name +
                       "\" (looked for " + folder + "/" + key + ")");
      }
      continue;
    }
    std::vector<SourceWeight> weights;
    if (place != places.end()) {
      ZEOLITE_ASSIGN(weights, read_variables(place->second));
    }
    std::vector<WeightRole> roles;
    if (weights.empty() && weight_roles(layer, &roles) && !roles.empty()) {
      return corrupt("the weights file has nothing for layer \"" + layer.name + "\" (looked for " +
                     folder + "/" + key + "/vars)");
    }
    ZEOLITE_TRY(assign_leaf(std::move(weights), &layer));
  }
  return Status();
}

}  // namespace zeolite::keras
