// The algorithms behind f32_conv_2d.h; each has the sizes it needs, packing and running.
#pragma once

#include "core/kernels/f32_conv_2d.h"
#include "core/kernels/split.h"

namespace zeolite {

inline int64_t f32_conv_taps(const Conv2DShape& shape) {
  return int64_t{shape.window.kernel_height} * shape.window.kernel_width;
}

// What stands for an input pixel in the padding: this many zeros before the packed weights.
inline int64_t f32_conv_zero_floats(const Conv2DShape& shape) {
  return static_cast<int64_t>(align_up(shape.input_channels * sizeof(float)) / sizeof(float));
}

// The pointers to the input's channels, or to `zeros` in the padding, for all taps of the output
// pixels [first, first + count): tiles of tile_pixels pixels, of each all taps, of each all pixels.
// This is the order of f32_indirect_panel for kF32TileRows.
void f32_conv_fill_table(const Conv2DShape& shape, const float* input, const float* zeros,
                         int64_t first, int64_t count, int64_t tile_pixels, const float** table);

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

// Only the weights that are not zero; one group. The plan needs them, and packing the same ones.
void f32_conv_sparse_plan(const float* weights, F32Conv2DPlan* plan);
void f32_conv_sparse_pack(const F32Conv2DPlan& plan, const float* weights, const float* bias,
                          float* packed);
void f32_conv_sparse_run(const F32Conv2DPlan& plan, const float* packed, const float* input,
                         float* output, F32Clamp clamp, void* scratch, ThreadPool* pool);

}  // namespace zeolite
