// Operators that make or read strings; see graph/string_tensor.h.
#pragma once

#include <span>
#include <string_view>

#include "core/graph/string_tensor.h"
#include "core/ops/op.h"

namespace zeolite {

// The interpreter has checked every string tensor that an operator is given.
inline Strings strings_of(const Operand& operand) {
  return Strings({operand.data, static_cast<size_t>(operand.bytes)});
}

// Makes output `index` a tensor of these strings, which may be those of an input.
Status set_strings(EvalContext& context, size_t index, Shape shape,
                   std::span<const std::string_view> strings);

}  // namespace zeolite
