#include "core/ops/weight_matrix.h"

#include "core/kernels/f32_matmul.h"

namespace zeolite {

WeightMatrix weight_matrix(const OpContext& context, size_t input, int64_t n, int64_t k) {
  if (!context.has_input(input)) return {};
  const Operand& operand = context.input(input);
  const Quantization* quantization = operand.quantization;
  const bool has_scale = quantization != nullptr && !quantization->scale.empty();
  return {input, n, k, 0, has_scale ? quantization->scale[0] : 1.0f,
          operand.type != TensorType::kFloat32};
}

uint64_t ProductMemory::place(uint8_t* memory, uint64_t rows, int64_t longest_k,
                              int64_t longest_n) {
  uint64_t bytes = 0;
  const auto take = [&](uint64_t size) {
    const uint64_t at = bytes;
    bytes += align_up(size);
    return memory + at;
  };
  x = reinterpret_cast<int16_t*>(take(rows * i8_padded(longest_k) * sizeof(int16_t)));
  sums = reinterpret_cast<int32_t*>(take(rows * longest_n * sizeof(int32_t)));
  scales = reinterpret_cast<RowScale*>(take(rows * sizeof(RowScale)));
  return bytes;
}

void quantize_for(const WeightMatrix& matrix, ProductMemory& memory, int64_t rows,
                  const float* x) {
  if (!matrix.exists() || !matrix.is_int8) return;
  quantize_rows(rows, matrix.k, x, matrix.k, memory.asymmetric, memory.x, memory.scales);
}

void accumulate_product(const EvalContext& context, const WeightMatrix& matrix,
                        const ProductMemory& memory, int64_t rows, const float* x, float* out,
                        int64_t out_stride) {
  if (matrix.is_int8) {
    const I8Matrix view = matrix.view(memory.packed);
    i8_matrix_product(view, rows, memory.x, memory.sums, memory.pool);
    accumulate_scaled(view, rows, memory.sums, memory.scales, matrix.scale, out, out_stride);
    return;
  }
  // Each output is read as the bias and written afterwards.
  const float* weights = context.in<float>(matrix.input);
  for (int64_t row = 0; row < rows; ++row, x += matrix.k, out += out_stride) {
    f32_gemv_rows(1, matrix.n, matrix.k, x, matrix.k, weights, matrix.k, out, out, matrix.n,
                  kNoClamp, memory.pool);
  }
}

}  // namespace zeolite
