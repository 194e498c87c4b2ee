// What must hold of every graph, whoever made it.
#pragma once

#include "core/graph/external_files.h"
#include "core/graph/graph.h"

namespace zeolite {

// Checks every index, shape, type and size of the model: tensors of operators, subgraphs and
// signatures; constant data against shape and type; quantization against shape; that operators
// stand in an order in which they can run. Constants that `places` says are missing count with the
// size that they have there. One kCorrupt error with all reasons.
Status verify_model(const Model& model, const ExternalPlaces& places = {});

}  // namespace zeolite
