// A Keras architecture with weights -> the nodes of the source graph.
#pragma once

#include "core/base/status.h"
#include "core/convert/sources/keras_model.h"
#include "core/convert/sources/source_graph.h"

namespace zeolite::keras {

// Appends a node for every call of every layer to `graph`, nested models in the place of their
// calls, and sets its inputs and outputs. Errors: kCorrupt when a call refers to what is not there
// or calls run in a circle.
Status flatten_model(Model& model, SourceGraph* graph);

}  // namespace zeolite::keras
