// CONV_2D, FULLY_CONNECTED and one matrix of BATCH_MATMUL with integers: plan once for a shape,
// pack the weights once, run often. A matrix product [m, k] * [k, n] is the convolution 1x1 of m
// images of one pixel.
//
//   I8Conv2DPlan plan = i8_conv_2d_plan(shape, activations, stage, wide_weights, threads);
//   ... allocate plan.packed_bytes and plan.scratch_bytes, both aligned to 16 bytes ...
//   i8_conv_2d_pack(plan, weight, columns, packed);
//   i8_conv_2d_run(plan, packed, input, output, scratch, &pool);
#pragma once

#include "core/base/thread_pool.h"
#include "core/kernels/i8_activations.h"
#include "core/kernels/i8_panel.h"
#include "core/kernels/shapes.h"

namespace zeolite {

enum class I8ConvAlgorithm : uint8_t {
  kRows,      // The input is widened into padded images: the taps of a row are neighbours.
  kTaps,      // A pointer for each tap: groups, horizontal dilation, padding beyond measure.
  kWinograd,  // F(2x2, 3x3) in integers: exact, see i8_winograd.cc.
};

struct I8Conv2DPlan {
  Conv2DShape shape;
  ActivationForm activations;
  SumStage stage;
  I8ConvAlgorithm algorithm = I8ConvAlgorithm::kRows;
  PanelForm form;             // Of one group.
  int64_t table_taps = 1;     // Runs of a pixel: the form's taps, or gathered into one.
  bool is_gathered = false;
  int64_t padded_height = 0;  // Of the widened images.
  int64_t padded_width = 0;
  int threads = 1;
  uint64_t packed_bytes = 0;
  uint64_t scratch_bytes = 0;
};

// `wide_weights`: minus their zero point they need more than 8 bits. `quads`: activations of 8 bits
// are multiplied four at a time, which must be exact (has_exact_dot4); where not given, if fast.
I8Conv2DPlan i8_conv_2d_plan(const Conv2DShape& shape, const ActivationForm& activations,
                             const SumStage& stage, bool wide_weights, int threads, bool quads);
I8Conv2DPlan i8_conv_2d_plan(const Conv2DShape& shape, const ActivationForm& activations,
                             const SumStage& stage, bool wide_weights, int threads);

// The weights in the order of the file, one number each, minus the zero point.
struct I8Weights {
  const void* data = nullptr;
  uint8_t bits = 8;  // 2 and 4: packed, signed. 16: signed.
  bool is_signed = true;
  int32_t zero_point = 0;
  // Not 0: weights [n, this] of 8 bits in blocks of 4 by 16 with the top bit turned over, the
  // shuffled format of FULLY_CONNECTED.
  int64_t shuffled_depth = 0;

  int32_t at(int64_t index) const {
    if (shuffled_depth != 0) {
      const int64_t n = index / shuffled_depth;
      const int64_t k = index % shuffled_depth;
      return static_cast<const int8_t*>(
          data)[(n / 4 * (shuffled_depth / 16) + k / 16) * 64 + n % 4 * 16 + k % 16];
    }
    const auto* bytes = static_cast<const uint8_t*>(data);
    if (bits == 8) {
      return (is_signed ? static_cast<int8_t>(bytes[index]) : bytes[index]) - zero_point;
    }
    if (bits == 16) return static_cast<const int16_t*>(data)[index] - zero_point;
    const int per_byte = 8 / bits;
    const int shift = static_cast<int>(index % per_byte) * bits;
    const auto up = static_cast<int8_t>(bytes[index / per_byte] << (8 - bits - shift));
    return (up >> (8 - bits)) - zero_point;
  }
};

// Writes plan.packed_bytes. Weight (o, tap, i) is number o * stride_o + (tap * channels of a group
// + i) * stride_k of `weights`; for OHWI stride_o is the number of a filter's weights and
// stride_k 1.
void i8_conv_2d_pack(const I8Conv2DPlan& plan, const I8Weights& weights, int64_t stride_o,
                     int64_t stride_k, const SumColumns& columns, void* packed);

// `input` and `output` NHWC without gaps; they may not overlap. `pool` may be null.
void i8_conv_2d_run(const I8Conv2DPlan& plan, const void* packed, const void* input, void* output,
                    void* scratch, ThreadPool* pool);

}  // namespace zeolite
