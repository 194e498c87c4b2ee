// A .tflite file -> the graph.
#pragma once

#include <memory>

#include "core/graph/graph.h"

namespace zeolite {

// Reads the model in `file`, which the result shares: constants stay views into it. Every offset,
// index, shape and size is checked, so that nobody after this needs to; what can't hold is one
// error with all of its reasons. Operators that no kernel exists for are not refused here.
// Errors: kNotAModel when the bytes are no .tflite, kCorrupt.
Result<Model> read_tflite(std::shared_ptr<const Bytes> file);

// Whether the bytes start like a .tflite file.
bool looks_like_tflite(std::span<const uint8_t> bytes);

}  // namespace zeolite
