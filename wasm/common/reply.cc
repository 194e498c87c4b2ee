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
