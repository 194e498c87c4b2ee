// What the operands of operators are called.
#pragma once

#include <string>

#include "core/graph/graph.h"

namespace zeolite {

// The role of input `index`, such as "filter"; "input" or "input 1" where the schema has no name.
std::string input_role(const Operator& op, size_t index);
std::string output_role(const Operator& op, size_t index);

}  // namespace zeolite
