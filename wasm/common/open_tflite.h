// Bytes that JavaScript wrote -> the graph.
#pragma once

#include "core/base/bytes.h"
#include "core/graph/graph.h"

namespace zeolite::wasm {

// Reads the .tflite in `file`. Errors: those of read_tflite(); of a file that is something else
// kNotAModel says what it is and what to do with it.
Result<Model> open_tflite(Bytes file);

}  // namespace zeolite::wasm
