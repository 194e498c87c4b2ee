// Moving elements of any type without looking at them.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/thread_pool.h"

namespace zeolite {

inline constexpr int kMaxTransposeRank = 16;

// TRANSPOSE: output dimension i is input dimension permutation[i]. `dimensions` are the input's, at
// most kMaxTransposeRank; `element_bytes` is the size of one element. Not in place.
void transpose(std::span<const int32_t> dimensions, std::span<const int32_t> permutation,
               int64_t element_bytes, const void* input, void* output, ThreadPool* pool);

// Copies `count` blocks of `block_bytes`, their starts source_stride and target_stride bytes apart.
// One call for each input is CONCATENATION, for each output SPLIT, for each row SLICE.
void copy_blocks(int64_t count, int64_t block_bytes, const void* source, int64_t source_stride,
                 void* target, int64_t target_stride);

}  // namespace zeolite
