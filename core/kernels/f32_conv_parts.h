// The algorithms behind f32_conv_2d.h; each has the sizes it needs, packing and running.
#pragma once

#include "core/kernels/f32_conv_2d.h"

namespace zeolite {

// Products over rows found through pointers; any convolution.
void f32_conv_indirect_plan(F32Conv2DPlan* plan);
void f32_conv_indirect_pack(const F32Conv2DPlan& plan, const float* weights, const float* bias,
                            float* packed);
void f32_conv_indirect_run(const F32Conv2DPlan& plan, const float* packed, const float* input,
                           float* output, F32Clamp clamp, void* scratch, ThreadPool* pool);

// Products over padded copies of the input's rows; one group, horizontal dilation 1.
void f32_conv_rows_plan(F32Conv2DPlan* plan);
void f32_conv_rows_pack(const F32Conv2DPlan& plan, const float* weights, const float* bias,
                        float* packed);
void f32_conv_rows_run(const F32Conv2DPlan& plan, const float* packed, const float* input,
                       float* output, F32Clamp clamp, void* scratch, ThreadPool* pool);

// F(2x2, 3x3); one group, 3x3, stride and dilation 1, at least 4 channels on either side.
void f32_conv_winograd_plan(F32Conv2DPlan* plan);
void f32_conv_winograd_pack(const F32Conv2DPlan& plan, const float* weights, const float* bias,
                            float* packed);
void f32_conv_winograd_run(const F32Conv2DPlan& plan, const float* packed, const float* input,
                           float* output, F32Clamp clamp, void* scratch, ThreadPool* pool);

}  // namespace zeolite
