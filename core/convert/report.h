// What reports and viewers show of a source graph and of its conversion.
#pragma once

#include <vector>

#include "core/convert/sources/source_graph.h"
#include "core/formats/json.h"
#include "core/graph/graph.h"
#include "core/inspect/inspection.h"
#include "core/inspect/statistics.h"

namespace zeolite {

// The interface's ConvertReport for `model`, which was made of `source` and has `bytes_out` bytes.
json::Value convert_report(const SourceGraph& source, const Model& model, uint64_t bytes_out);

// The inspection of a source graph: one graph, a node a layer, the weights as constant tensors.
// Fills in what follows of its shapes; what could not be converted is in `compatibility`. Errors:
// of reading the weights.
Result<Inspection> inspect_source(SourceGraph* source);

// Statistics of the weight that is tensor `tensor` of inspect_source's graph. Errors: kBadInput
// when it is none, and those of reading it.
Result<TensorStats> source_stats(const SourceGraph& source, int32_t tensor);

}  // namespace zeolite
