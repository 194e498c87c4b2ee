// RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR over NHWC.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/integer_blocks.h"
#include "core/kernels/shapes.h"

namespace zeolite {

void f32_resize_bilinear(const Resize2DShape& shape, const float* input, float* output,
                         ThreadPool* pool);

// In float32, rounded at the end, as TFLite's kernel.
void u8_resize_bilinear(const Resize2DShape& shape, const uint8_t* input, uint8_t* output,
                        ThreadPool* pool);

// int8 and int16. Positions and weights have 10 bits behind the point, as in TFLite's kernel.
void integer_resize_bilinear(const Resize2DShape& shape, SmallInteger type, const void* input,
                             void* output, ThreadPool* pool);

// Any type: `element_bytes` is the size of one element.
void resize_nearest(const Resize2DShape& shape, int64_t element_bytes, const void* input,
                    void* output, ThreadPool* pool);

}  // namespace zeolite
