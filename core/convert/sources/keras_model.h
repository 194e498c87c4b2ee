// A Keras architecture as its JSON tells it: layers, nested models and the calls between them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/convert/sources/source_graph.h"
#include "core/formats/json.h"

namespace zeolite::keras {

// Output `tensor` of call `call` of the layer of that name, in the same model.
struct Reference {
  std::string layer;
  int32_t call = 0;
  int32_t tensor = 0;
};

// One call of a layer.
struct Call {
  std::vector<Reference> inputs;
  const json::Value* arguments = nullptr;  // SourceNode::call.
};

struct Model;

struct Layer {
  std::string class_name;  // In today's spelling; "package>Class" for a registered class.
  std::string name;
  const json::Value* config = nullptr;
  bool trainable = true;
  std::vector<Call> calls;
  std::unique_ptr<Model> model;  // Of a nested model, else null.
  std::vector<SourceWeight> weights;
};

struct Model {
  std::string name;
  std::vector<Layer> layers;
  std::vector<Reference> inputs;
  std::vector<Reference> outputs;
};

// What reading an architecture needs and fills: where made JSON values are kept, and the version.
struct Reading {
  std::vector<std::shared_ptr<const json::Value>>* documents = nullptr;
  int32_t major = 2;

  const json::Value* keep(json::Value value) {
    documents->push_back(std::make_shared<const json::Value>(std::move(value)));
    return documents->back().get();
  }
};

bool is_model_class(std::string_view class_name);

// The architecture in `root` ({"class_name", "config", ...}). Errors: kCorrupt, kUnsupported.
Result<Model> parse_model(const json::Value& root, Reading& reading);

// Keras 1: today's class name and argument names for an old layer (keras1.cc).
void modernize_layer(std::string* class_name, const json::Value** config, Reading& reading);

// Kernels of convolutions in today's order of axes: (rows, columns, inputs, filters). Files of
// Keras 1 (`major`) keep some in another; those of Keras on Theano (`backend`, as the file names
// it) hold them turned by 180 degrees, since Theano convolves where others correlate. Errors:
// kCorrupt where a kernel has neither order.
Status modernize_weights(Model* model, int32_t major, std::string_view backend);

// The weights that a layer keeps, in the order in which files keep them.
struct WeightRole {
  const char* name;
  bool trainable = true;
  bool optional = false;  // Files may leave it out.
};
// False when the class is not known.
bool weight_roles(const Layer& layer, std::vector<WeightRole>* roles);

// The name that weights files of .keras give an object of a class: Conv2D -> conv2d.
std::string snake_case(std::string_view class_name);

}  // namespace zeolite::keras
