// CONV_2D in float32: plan once for a shape, pack the weights once, run often.
//
//   F32Conv2DPlan plan = f32_conv_2d_plan(shape, pool.threads(), {}, weights);
//   ... allocate plan.packed_bytes and plan.scratch_bytes, both aligned to 16 bytes ...
//   f32_conv_2d_pack(plan, weights, bias, packed);
//   f32_conv_2d_run(plan, packed, input, output, kReluClamp, scratch, &pool);
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/shapes.h"

namespace zeolite {

enum class F32ConvAlgorithm : uint8_t {
  kGemm,      // 1x1 without stride and padding: one matrix product.
  kGemv,      // The same with few pixels: weights as rows.
  kIndirect,  // A product over rows found through pointers, one for each pixel and tap; no im2col.
  kRows,      // Few input channels: padded rows, in which the taps of a row are neighbours.
  kWinograd,  // F(2x2, 3x3): 2.25 times fewer multiplications for 3x3 with stride 1.
  kSparse,    // Only the weights that are not zero; a zero times infinity or NaN counts as zero.
};

struct F32Conv2DOptions {
  // Allows F(2x2, 3x3). Its results differ from the direct sum's by up to about 1e-5 of the largest
  // output (2e-6 is usual); without it every output is the plain sum of its products.
  bool winograd = true;
};

struct F32Conv2DPlan {
  Conv2DShape shape;
  F32ConvAlgorithm algorithm = F32ConvAlgorithm::kIndirect;
  int threads = 1;
  uint64_t packed_bytes = 0;   // Of the weights and bias in the form that run wants.
  uint64_t scratch_bytes = 0;  // Free memory that run needs; its content needn't last.
};

// Chooses the algorithm. `threads` is the largest pool that run will get. `weights` (OHWI, may be
// null when they are not known yet) are looked at for zeros; packing then wants the same ones.
F32Conv2DPlan f32_conv_2d_plan(const Conv2DShape& shape, int threads,
                               const F32Conv2DOptions& options, const float* weights);

// Writes plan.packed_bytes; `weights` OHWI, `bias` [output_channels] or null.
void f32_conv_2d_pack(const F32Conv2DPlan& plan, const float* weights, const float* bias,
                      void* packed);

// `input` and `output` NHWC without gaps; they may not overlap. `pool` may be null.
void f32_conv_2d_run(const F32Conv2DPlan& plan, const void* packed, const float* input,
                     float* output, F32Clamp clamp, void* scratch, ThreadPool* pool);

}  // namespace zeolite
