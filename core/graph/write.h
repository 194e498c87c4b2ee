// The graph -> a .tflite file.
#pragma once

#include "core/graph/graph.h"

namespace zeolite {

// Bytes of the model as a .tflite file (schema version 3, identifier TFL3, buffers aligned to 16
// bytes; equal constants are stored once). Operator versions are written as they stand: see
// ops/versions.h. Errors: kUnsupported over 2 GB, kOutOfMemory.
Result<Bytes> write_tflite(const Model& model);

}  // namespace zeolite
