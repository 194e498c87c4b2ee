#include "core/inspect/tensor_json.h"

namespace zeolite {
namespace {

template <class T>
json::Value list_json(const std::vector<T>& values) {
  json::Value list = json::Value::array();
  for (const T& value : values) list.push(value);
  return list;
}

}  // namespace

json::Value tensor_info_json(std::string_view name, TensorType type, const Shape& shape,
                             bool has_rank, const Quantization* quantization) {
  json::Value info = json::Value::object();
  info.set("name", name);
  info.set("dtype", tensor_type_name(type));
  info.set("shape", list_json(shape));
  if (!has_rank) info.set("unranked", true);
  if (quantization != nullptr && !quantization->scale.empty()) {
    json::Value value = json::Value::object();
    value.set("scale", list_json(quantization->scale));
    value.set("zeroPoint", list_json(quantization->zero_point));
    value.set("axis", quantization->quantized_dimension);
    info.set("quantization", std::move(value));
  }
  return info;
}

}  // namespace zeolite
