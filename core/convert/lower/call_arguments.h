// The arguments of a function that is called on tensors, wherever the source keeps them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "core/convert/lower/layer.h"

namespace zeolite {

// For `argument`: the source never gives it by position.
inline constexpr size_t kByName = ~size_t{0};

// The argument at `position` of the call, or of one of these names in the call or (Keras 3) in the
// configuration. Null when there is none or it is null. Tensors are {"input": index}.
const json::Value* argument(const LayerContext& layer, size_t position,
                            std::initializer_list<std::string_view> names);

// Whole numbers that are known: one, or a list of them; empty when the argument is absent. Errors:
// kUnsupported when one is computed by the model.
Result<std::vector<int32_t>> whole_numbers(const LayerContext& layer, size_t position,
                                           std::initializer_list<std::string_view> names);

// The same as axes of a value of `rank`, from the end when negative.
Result<std::vector<int32_t>> axes_of(const LayerContext& layer, size_t rank, size_t position,
                                     std::initializer_list<std::string_view> names);

}  // namespace zeolite
