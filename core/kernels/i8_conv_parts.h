// What the algorithms behind i8_conv_2d.h share.
#pragma once

#include "core/kernels/i8_conv_2d.h"
#include "core/kernels/split.h"

namespace zeolite {

// Elements of the widened images.
int64_t i8_image_elements(const I8Conv2DPlan& plan);
// Bytes of the images, with zeros for a pixel outside behind them.
uint64_t i8_images_bytes(const I8Conv2DPlan& plan);
// Bytes of one BatchScale an image; 0 where activations are integers.
uint64_t i8_scales_bytes(const I8Conv2DPlan& plan);
// Writes the images, and the scales of float activations.
void i8_widen_images(const I8Conv2DPlan& plan, const void* input, int16_t* images,
                     BatchScale* scales, ThreadPool* pool);

// F(2x2, 3x3).
bool i8_fits_winograd(const I8Conv2DPlan& plan);
void i8_winograd_plan(I8Conv2DPlan* plan);
void i8_winograd_pack(const I8Conv2DPlan& plan, const I8Weights& weights,
                      const SumColumns& columns, void* packed);
void i8_winograd_run(const I8Conv2DPlan& plan, const void* packed, const int16_t* images,
                     const BatchScale* scales, void* output, void* scratch, ThreadPool* pool);

}  // namespace zeolite
