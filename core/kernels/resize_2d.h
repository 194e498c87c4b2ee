// RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR over NHWC.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/shapes.h"

namespace zeolite {

void f32_resize_bilinear(const Resize2DShape& shape, const float* input, float* output,
                         ThreadPool* pool);

// Any type: `element_bytes` is the size of one element.
void resize_nearest(const Resize2DShape& shape, int64_t element_bytes, const void* input,
                    void* output, ThreadPool* pool);

}  // namespace zeolite
