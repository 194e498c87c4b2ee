#include "core/kernels/f32_conv_2d.h"

#include <algorithm>

#include "core/kernels/f32_conv_parts.h"
#include "core/kernels/f32_matmul.h"
#include "core/kernels/f32_tile.h"

namespace zeolite {
namespace {

// Few enough input channels that one tap's run of them is too short for the inner loop.
constexpr int32_t kRowsMaxInputChannels = 8;

// Densities of the weights up to which skipping zeros is as fast as the dense algorithm or faster.
// At 0.2, in GFLOP/s of the dense count (Intel Xeon, Node 20, relaxed madd, one thread, 2026-11):
//   1x1 84 to 124 (dense 47 to 54), 3x3 with stride 2 87 to 108 (40 to 51),
//   3x3 beside Winograd: 56x56x64 84 (100), 28x28x128 87 (99), 14x14x256 107 (102),
//   7x7x512 86 (85).
// Packed, a weight of density d takes 8 d bytes, under Winograd 7.
constexpr double kSparseMaxDensity = 0.4;
constexpr double kSparseMaxDensityBesideWinograd = 0.15;
constexpr double kSparseMaxDensityBesideDeepWinograd = 0.22;
constexpr int32_t kDeepChannels = 128;

bool is_matrix_product(const Conv2DShape& shape) {
  const Window2D& w = shape.window;
  return w.kernel_height == 1 && w.kernel_width == 1 && w.stride_height == 1 &&
         w.stride_width == 1 && w.pad_top == 0 && w.pad_left == 0 && shape.groups == 1 &&
         shape.output_height == shape.input_height && shape.output_width == shape.input_width;
}

bool fits_winograd(const Conv2DShape& shape) {
  const Window2D& w = shape.window;
  return w.kernel_height == 3 && w.kernel_width == 3 && w.stride_height == 1 &&
         w.stride_width == 1 && w.dilation_height == 1 && w.dilation_width == 1 &&
         shape.groups == 1 && shape.input_channels >= 16 && shape.output_channels >= 16 &&
         int64_t{shape.batch} * ((shape.output_height + 1) / 2) * ((shape.output_width + 1) / 2) >=
             kF32TileRows;
}

int64_t pixel_count(const Conv2DShape& shape) {
  return int64_t{shape.batch} * shape.output_height * shape.output_width;
}

// The share of the weights that are not zero.
double density(const Conv2DShape& shape, const float* weights) {
  const int64_t count = f32_conv_taps(shape) * shape.output_channels *
                        (shape.input_channels / std::max(shape.groups, 1));
  return count == 0 ? 1.0
                    : 1.0 - static_cast<double>(std::count(weights, weights + count, 0.0f)) /
                                static_cast<double>(count);
}

// Whether skipping zeros is faster than `dense` for weights of this density.
bool worth_skipping_zeros(const Conv2DShape& shape, F32ConvAlgorithm dense, double density) {
  if (shape.groups != 1 || pixel_count(shape) < 16 || shape.output_channels < 16) return false;
  if (dense != F32ConvAlgorithm::kWinograd) return density <= kSparseMaxDensity;
  const bool deep = std::min(shape.input_channels, shape.output_channels) > kDeepChannels;
  return density <=
         (deep ? kSparseMaxDensityBesideDeepWinograd : kSparseMaxDensityBesideWinograd);
}

F32ConvAlgorithm choose_dense(const Conv2DShape& shape, const F32Conv2DOptions& options) {
  if (is_matrix_product(shape)) {
    return pixel_count(shape) < kF32PackedGemmMinRows ? F32ConvAlgorithm::kGemv
                                                      : F32ConvAlgorithm::kGemm;
  }
  if (options.winograd && fits_winograd(shape)) return F32ConvAlgorithm::kWinograd;
  if (shape.groups == 1 && shape.input_channels <= kRowsMaxInputChannels &&
      shape.window.kernel_width > 1 && shape.window.dilation_width == 1) {
    return F32ConvAlgorithm::kRows;
  }
  return F32ConvAlgorithm::kIndirect;
}

}  // namespace

F32Conv2DPlan f32_conv_2d_plan(const Conv2DShape& shape, int threads,
                               const F32Conv2DOptions& options, const float* weights) {
  F32Conv2DPlan plan;
  plan.shape = shape;
  plan.threads = std::max(threads, 1);
  plan.algorithm = choose_dense(shape, options);
  if (weights != nullptr &&
      worth_skipping_zeros(shape, plan.algorithm, density(shape, weights))) {
    plan.algorithm = F32ConvAlgorithm::kSparse;
  }
  switch (plan.algorithm) {
    case F32ConvAlgorithm::kGemm:
      plan.packed_bytes = f32_gemm_packed_bytes(shape.output_channels, shape.input_channels);
      break;
    case F32ConvAlgorithm::kGemv:
      plan.packed_bytes = (uint64_t{1} + static_cast<uint64_t>(shape.input_channels)) *
                          static_cast<uint64_t>(shape.output_channels) * sizeof(float);
      break;
    case F32ConvAlgorithm::kIndirect:
      f32_conv_indirect_plan(&plan);
      break;
    case F32ConvAlgorithm::kRows:
      f32_conv_rows_plan(&plan);
      break;
    case F32ConvAlgorithm::kWinograd:
      f32_conv_winograd_plan(&plan);
      break;
    case F32ConvAlgorithm::kSparse:
      f32_conv_sparse_plan(weights, &plan);
      break;
  }
  return plan;
}

void f32_conv_2d_pack(const F32Conv2DPlan& plan, const float* weights, const float* bias,
                      void* packed) {
  float* const target = static_cast<float*>(packed);
  const int64_t n = plan.shape.output_channels;
  const int64_t k = plan.shape.input_channels;
  switch (plan.algorithm) {
    case F32ConvAlgorithm::kGemm:
      f32_gemm_pack(n, k, weights, k, 1, bias, target);
      break;
    case F32ConvAlgorithm::kGemv:
      for (int64_t i = 0; i < n; ++i) target[i] = bias != nullptr ? bias[i] : 0.0f;
      std::copy(weights, weights + n * k, target + n);
      break;
    case F32ConvAlgorithm::kIndirect:
      f32_conv_indirect_pack(plan, weights, bias, target);
      break;
    case F32ConvAlgorithm::kRows:
      f32_conv_rows_pack(plan, weights, bias, target);
      break;
    case F32ConvAlgorithm::kWinograd:
      f32_conv_winograd_pack(plan, weights, bias, target);
      break;
    case F32ConvAlgorithm::kSparse:
      f32_conv_sparse_pack(plan, weights, bias, target);
      break;
  }
}

void f32_conv_2d_run(const F32Conv2DPlan& plan, const void* packed, const float* input,
                     float* output, F32Clamp clamp, void* scratch, ThreadPool* pool) {
  const float* const source = static_cast<const float*>(packed);
  const int64_t n = plan.shape.output_channels;
  const int64_t k = plan.shape.input_channels;
  switch (plan.algorithm) {
    case F32ConvAlgorithm::kGemm:
      f32_gemm(pixel_count(plan.shape), n, k, input, k, source, output, n, clamp, pool);
      break;
    case F32ConvAlgorithm::kGemv:
      f32_gemv_rows(pixel_count(plan.shape), n, k, input, k, source + n, k, source, output, n,
                    clamp, pool);
      break;
    case F32ConvAlgorithm::kIndirect:
      f32_conv_indirect_run(plan, source, input, output, clamp, scratch, pool);
      break;
    case F32ConvAlgorithm::kRows:
      f32_conv_rows_run(plan, source, input, output, clamp, scratch, pool);
      break;
    case F32ConvAlgorithm::kWinograd:
      f32_conv_winograd_run(plan, source, input, output, clamp, scratch, pool);
      break;
    case F32ConvAlgorithm::kSparse:
      f32_conv_sparse_run(plan, source, input, output, clamp, scratch, pool);
      break;
  }
}

}  // namespace zeolite
