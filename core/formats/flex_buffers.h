// FlexBuffers, the form of most custom operators' options, as JSON values.
//   https://flatbuffers.dev/internals/#flexbuffers
#pragma once

#include <cstdint>
#include <span>

#include "core/formats/json.h"

namespace zeolite {

// The root of `data`: maps become objects; vectors of all kinds and blobs arrays. Errors: kCorrupt
// for bytes that are none, kUnsupported for more than 65,000 values or 32 levels.
Result<json::Value> read_flex_buffer(std::span<const uint8_t> data);

}  // namespace zeolite
