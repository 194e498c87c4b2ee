// Stores constants that are mostly zeros in TFLite's sparse encoding.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/base/status.h"
#include "core/graph/graph.h"

namespace zeolite {

// A constant in the sparse encoding: the entries that are not zero, and where they stand.
struct SparseConstant {
  Sparsity sparsity;
  Bytes values;
};

// Encodes dense float32 `values` of `shape`: every axis dense but the last, whose entries are
// listed for each row, as the real converter writes them. Nothing when that would not be smaller.
Result<std::optional<SparseConstant>> encode_sparse(std::span<const float> values,
                                                    std::span<const int32_t> shape);

// Encodes the weights of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED for which that makes the
// file smaller, and puts a DENSIFY before their operators: runtimes compute with them dense, and
// those that can read the encoding itself look through it. Returns how many it encoded.
Result<int> sparsify_weights(Model* model);

}  // namespace zeolite
