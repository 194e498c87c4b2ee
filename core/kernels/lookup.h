// Functions of bytes by a table of all results.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"

namespace zeolite {

// output[i] = results[input[i]]. `output` may be `input`; else they don't overlap.
void lookup(const uint8_t* results, const uint8_t* input, int64_t count, uint8_t* output,
            ThreadPool* pool);

}  // namespace zeolite
