// Keras models (.h5, .keras, architecture JSON with weights) -> the source graph.
#pragma once

#include <span>
#include <vector>

#include "core/base/status.h"
#include "core/convert/sources/source_graph.h"

namespace zeolite {

// Reads the model that `files` hold together: one .h5 or .keras, or an architecture as JSON and a
// weights .h5, or the files of an unpacked .keras. Layers that nobody can convert are nodes all the
// same: lowering reports them. Errors: kUnsupported (weights without an architecture, an unbuilt
// model, a variant of the format), kCorrupt, kOutOfMemory.
Result<SourceGraph> read_keras(std::span<const SourceFile> files);

}  // namespace zeolite
