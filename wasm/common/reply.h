// What crosses to JavaScript: small JSON texts. Everything large is read and written in place, in
// the module's memory.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/formats/json.h"
#include "core/graph/graph.h"
#include "core/inspect/metadata.h"

namespace zeolite::wasm {

// {"code", "message", "issues": [{"operator" | "layer", "index", "name", "reason", "help"}]}
json::Value error_value(const Error& error);
std::string error_text(const Error& error);

// {"error": ...}: what a function that answers with JSON gives when it fails.
std::string error_reply(const Error& error);
// The same, or {} when all is well.
std::string status_reply(const Status& status);

// A position in the module's memory as JavaScript takes it: exact in a double.
double heap_offset(const void* address);

// The interface's ModelMetadata, with "offset" and "size" in the module's memory in place of bytes:
// valid as long as `metadata`.
json::Value metadata_value(const ModelMetadata& metadata);

}  // namespace zeolite::wasm
