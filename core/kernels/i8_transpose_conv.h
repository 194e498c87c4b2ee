// TRANSPOSE_CONV with integers: plan once for a shape, pack the weights once, run often.
#pragma once

#include "core/kernels/i8_conv_2d.h"

namespace zeolite {

struct I8TransposeConvPlan {
  TransposeConvShape shape;
  ActivationForm activations;
  SumStage stage;
  bool wide_weights = false;
  bool quads = false;  // As in PanelForm, for integers of 8 bits.
  int threads = 1;
  uint64_t packed_bytes = 0;
  uint64_t scratch_bytes = 0;
};

// `quads`: as in i8_conv_2d.h.
I8TransposeConvPlan i8_transpose_conv_plan(const TransposeConvShape& shape,
                                           const ActivationForm& activations,
                                           const SumStage& stage, bool wide_weights, int threads,
                                           bool quads = has_fast_dot4());

// Writes plan.packed_bytes; weights [output_channels, kernel_height, kernel_width, input_channels].
void i8_transpose_conv_pack(const I8TransposeConvPlan& plan, const I8Weights& weights,
                            const SumColumns& columns, void* packed);

// `input` and `output` NHWC without gaps; they may not overlap. `pool` may be null.
void i8_transpose_conv_run(const I8TransposeConvPlan& plan, const void* packed, const void* input,
                           void* output, void* scratch, ThreadPool* pool);

}  // namespace zeolite
