// Versions of operators: which one a use of an operator needs, and since when runtimes have it.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/graph/graph.h"

namespace zeolite {

// The lowest version of `op` that has every feature that it uses (types, options, ranks, inputs):
// what a writer states, so that the file runs on the oldest runtimes.
int32_t minimal_version(const Model& model, const Subgraph& subgraph, const Operator& op);

// The TensorFlow release whose runtime first ran that version, such as "1.14.0"; empty when none is
// known.
std::string_view runtime_since(BuiltinOperator code, int32_t version);

// Whether release `a` came before `b`; an empty one comes before all.
bool is_older_release(std::string_view a, std::string_view b);

// The release since which a runtime runs all operators of `model`, at their stated versions.
std::string_view minimal_runtime(const Model& model);

}  // namespace zeolite
