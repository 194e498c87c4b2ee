// DEPTHWISE_CONV_2D with integers: plan once for a shape, pack the weights once, run often.
#pragma once

#include "core/kernels/i8_conv_2d.h"

namespace zeolite {

struct I8DepthwiseConv2DPlan {
  DepthwiseConv2DShape shape;
  ActivationForm activations;
  SumStage stage;
  // Rows are interleaved (i8_depthwise_rows.cc), with `quads` for i32x4_dot4_add. Else plain loops.
  bool in_rows = false;
  bool quads = false;
  int32_t offset = 0;  // Of activations taken as unsigned numbers.
  int threads = 1;
  uint64_t packed_bytes = 0;
  uint64_t scratch_bytes = 0;
};

// `largest_weight`: the largest magnitude that a weight minus its zero point can have. `quads`: as
// in i8_conv_2d.h.
I8DepthwiseConv2DPlan i8_depthwise_conv_2d_plan(const DepthwiseConv2DShape& shape,
                                                const ActivationForm& activations,
                                                const SumStage& stage, int32_t largest_weight,
                                                int threads, bool quads);
I8DepthwiseConv2DPlan i8_depthwise_conv_2d_plan(const DepthwiseConv2DShape& shape,
                                                const ActivationForm& activations,
                                                const SumStage& stage, int32_t largest_weight,
                                                int threads);

// Writes plan.packed_bytes; weights [kernel_height, kernel_width, input_channels * multiplier].
void i8_depthwise_conv_2d_pack(const I8DepthwiseConv2DPlan& plan, const I8Weights& weights,
                               const SumColumns& columns, void* packed);

// `input` and `output` NHWC without gaps; they may not overlap. `pool` may be null.
void i8_depthwise_conv_2d_run(const I8DepthwiseConv2DPlan& plan, const void* packed,
                              const void* input, void* output, void* scratch, ThreadPool* pool);

}  // namespace zeolite
