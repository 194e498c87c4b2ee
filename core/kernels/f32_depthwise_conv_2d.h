// DEPTHWISE_CONV_2D in float32: plan once for a shape, pack the weights once, run often.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/shapes.h"

namespace zeolite {

struct F32DepthwiseConv2DPlan {
  DepthwiseConv2DShape shape;
  int threads = 1;
  uint64_t packed_bytes = 0;   // Of the weights and bias in the form that run wants.
  uint64_t scratch_bytes = 0;  // Free memory that run needs; its content needn't last.
};

// `threads` is the largest pool that run will get.
F32DepthwiseConv2DPlan f32_depthwise_conv_2d_plan(const DepthwiseConv2DShape& shape, int threads);

// Writes plan.packed_bytes, aligned to 16 bytes; `weights` [kernel_height, kernel_width,
// input_channels * multiplier], `bias` [input_channels * multiplier] or null.
void f32_depthwise_conv_2d_pack(const F32DepthwiseConv2DPlan& plan, const float* weights,
                                const float* bias, void* packed);

// `input` and `output` NHWC without gaps; they may not overlap. `pool` may be null.
void f32_depthwise_conv_2d_run(const F32DepthwiseConv2DPlan& plan, const void* packed,
                               const float* input, float* output, F32Clamp clamp, void* scratch,
                               ThreadPool* pool);

}  // namespace zeolite
