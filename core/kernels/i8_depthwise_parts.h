// The algorithm of i8_depthwise_conv_2d.h for most shapes.
#pragma once

#include "core/kernels/i8_depthwise_conv_2d.h"

namespace zeolite {

bool i8_fits_depthwise_rows(const I8DepthwiseConv2DPlan& plan);
void i8_depthwise_rows_plan(I8DepthwiseConv2DPlan* plan);
void i8_depthwise_rows_pack(const I8DepthwiseConv2DPlan& plan, const I8Weights& weights,
                            const SumColumns& columns, void* packed);
void i8_depthwise_rows_run(const I8DepthwiseConv2DPlan& plan, const void* packed,
                           const void* input, void* output, void* scratch, ThreadPool* pool);

}  // namespace zeolite
