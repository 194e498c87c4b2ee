// Which subgraphs an operator runs.
#pragma once

#include <vector>

#include "core/graph/graph.h"

namespace zeolite {

// The subgraphs that the options of `op` name, in their order; they may not exist.
std::vector<int32_t> called_subgraphs(const Operator& op);

// Errors when an operator names a subgraph that does not exist, when a subgraph comes to call
// itself, when calls nest deeper than the stack of a tab can take, or when the condition of a loop
// comes to run its body.
Status check_subgraph_calls(const Model& model);

}  // namespace zeolite
