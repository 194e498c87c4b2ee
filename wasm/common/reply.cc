#include "wasm/common/reply.h"

#include <cstdint>

#include "core/graph/types.h"

namespace zeolite::wasm {
namespace {

json::Value place(std::string_view name, std::span<const uint8_t> bytes) {
  json::Value entry = json::Value::object();
  entry.set("name", name);
  entry.set("offset", heap_offset(bytes.data()));
  entry.set("size", static_cast<double>(bytes.size()));
  return entry;
}

}  // namespace

json::Value error_value(const Error& error) {
  json::Value issues = json::Value::array();
  for (const Issue& issue : error.issues) {
    json::Value entry = json::Value::object();
    if (issue.subject == Issue::Subject::kOperator) entry.set("operator", issue.type);
    if (issue.subject == Issue::Subject::kLayer) entry.set("layer", issue.type);
    entry.set("index", issue.index);
    entry.set("name", issue.name);
    entry.set("reason", issue.reason);
    entry.set("help", issue.help);
    issues.push(std::move(entry));
  }
  json::Value value = json::Value::object();
  value.set("code", error_code_name(error.code));
  value.set("message", error.message);
  value.set("issues", std::move(issues));
  return value;
}

std::string error_text(const Error& error) { return json::write(error_value(error)); }

std::string error_reply(const Error& error) {
  json::Value reply = json::Value::object();
  reply.set("error", error_value(error));
  return json::write(reply);
}

std::string status_reply(const Status& status) {
  return status.ok() ? "{}" : error_reply(status.error());
}

double heap_offset(const void* address) {
  return static_cast<double>(reinterpret_cast<uintptr_t>(address));
}

json::Value tensor_info(std::string_view name, const Tensor& tensor) {
  json::Value shape = json::Value::array();
  for (int32_t size : tensor.shape) shape.push(size);
  json::Value info = json::Value::object();
  info.set("name", name);
  info.set("dtype", tensor_type_name(tensor.type));
  info.set("shape", std::move(shape));
  if (!tensor.has_rank) info.set("unranked", true);
  json::Value quantization = quantization_value(tensor.quantization.get());
  if (!quantization.is_null()) info.set("quantization", std::move(quantization));
  return info;
}

json::Value quantization_value(const Quantization* quantization) {
  if (quantization == nullptr || quantization->scale.empty()) return {};
  json::Value scales = json::Value::array();
  for (float scale : quantization->scale) scales.push(static_cast<double>(scale));
  json::Value zero_points = json::Value::array();
  for (int64_t zero_point : quantization->zero_point) zero_points.push(zero_point);
  json::Value value = json::Value::object();
  value.set("scale", std::move(scales));
  value.set("zeroPoint", std::move(zero_points));
  value.set("axis", quantization->quantized_dimension);
  return value;
}

json::Value metadata_value(const ModelMetadata& metadata) {
  json::Value labels = json::Value::array();
  for (const std::string& label : metadata.labels) labels.push(label);
  json::Value files = json::Value::array();
  for (const AssociatedFile& file : metadata.files) {
    json::Value& entry = files.push(place(file.name, file.content.data));
    entry.set("description", file.description);
  }
  json::Value entries = json::Value::array();
  for (const ModelMetadata::Entry& entry : metadata.entries) {
    entries.push(place(entry.name, entry.data));
  }
  json::Value value = json::Value::object();
  value.set("name", metadata.name);
  value.set("description", metadata.description);
  value.set("version", metadata.version);
  value.set("author", metadata.author);
  value.set("license", metadata.license);
  value.set("labels", std::move(labels));
  value.set("files", std::move(files));
  value.set("entries", std::move(entries));
  return value;
}

}  // namespace zeolite::wasm
