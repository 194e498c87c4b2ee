// A tensor's description as all answers to JavaScript have it.
#pragma once

#include <string_view>

#include "core/formats/json.h"
#include "core/graph/graph.h"

namespace zeolite {

// The interface's TensorInfo: {"name", "dtype", "shape", "unranked"?, "quantization"?}. -1 in the
// shape is a free dimension, and `quantization` may be null or without scales.
json::Value tensor_info_json(std::string_view name, TensorType type, const Shape& shape,
                             bool has_rank, const Quantization* quantization);

}  // namespace zeolite
