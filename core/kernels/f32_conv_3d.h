// CONV_3D and CONV_3D_TRANSPOSE in float32.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/shapes.h"

namespace zeolite {

// One of depth, height and width.
struct Conv3DAxis {
  int32_t input = 0;
  int32_t output = 0;
  int32_t kernel = 1;
  int32_t stride = 1;
  int32_t dilation = 1;
  int32_t pad = 0;  // Before the first element; what lies behind the last is padding too.
};

// input [batch, D, H, W, input_channels], output [batch, D, H, W, output_channels]. Input and
// output are those of the operator: of the transposed one the output is the larger.
struct Conv3DShape {
  int32_t batch = 1;
  int32_t input_channels = 0;
  int32_t output_channels = 0;
  Conv3DAxis axes[3];

  int64_t taps() const {
    return int64_t{axes[0].kernel} * axes[1].kernel * axes[2].kernel;
  }
  int64_t input_pixels() const {  // Of one image.
    return int64_t{axes[0].input} * axes[1].input * axes[2].input;
  }
  int64_t output_pixels() const {
    return int64_t{axes[0].output} * axes[1].output * axes[2].output;
  }
};

// Weights [taps, input_channels, output_channels], bias [output_channels] or null; `packed` is
// aligned to 16 bytes.
uint64_t f32_conv_3d_packed_bytes(const Conv3DShape& shape);
void f32_conv_3d_pack(const Conv3DShape& shape, const float* weights, const float* bias,
                      void* packed);
uint64_t f32_conv_3d_scratch_bytes(const Conv3DShape& shape, int threads);
void f32_conv_3d_run(const Conv3DShape& shape, const void* packed, const float* input,
                     float* output, F32Clamp clamp, void* scratch, ThreadPool* pool);

// The transposed one: input pixel p adds to the output pixels p * stride + tap * dilation - pad.
// Weights [taps, output_channels, input_channels].
uint64_t f32_conv_3d_transpose_packed_bytes(const Conv3DShape& shape);
void f32_conv_3d_transpose_pack(const Conv3DShape& shape, const float* weights, void* packed);
uint64_t f32_conv_3d_transpose_scratch_bytes(const Conv3DShape& shape);
void f32_conv_3d_transpose_run(const Conv3DShape& shape, const void* packed, const float* bias,
                               const float* input, float* output, F32Clamp clamp, void* scratch,
                               ThreadPool* pool);

}  // namespace zeolite
