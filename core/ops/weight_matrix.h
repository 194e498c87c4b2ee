// Matrices of weights that multiply vectors of float32 step by step: float32 ones where they lie,
// int8 ones (in uint8 tensors of old files too) packed, for vectors quantized row by row.
#pragma once

#include <algorithm>

#include "core/kernels/i8_matrix.h"
#include "core/kernels/split.h"
#include "core/ops/op.h"

namespace zeolite {

inline constexpr size_t kNoInput = ~size_t{0};

// One matrix [n, k]: an operator's input, and where it lies in the packed memory if it is packed.
struct WeightMatrix {
  size_t input = kNoInput;  // kNoInput: there is no such matrix.
  int64_t n = 0;
  int64_t k = 0;
  uint64_t offset = 0;
  float scale = 1;
  bool is_int8 = false;

  bool exists() const { return input != kNoInput; }
  uint64_t packed_bytes() const {
    return exists() && is_int8 ? align_up(i8_matrix_packed_bytes(n, k)) : 0;
  }
  // Packs int8 weights to `offset` of the memory.
  void pack(const OpContext& context, uint8_t* packed) const {
    if (!exists() || !is_int8) return;
    i8_matrix_pack(n, k, reinterpret_cast<const int8_t*>(context.input(input).data),
                   packed + offset);
  }
  I8Matrix view(const uint8_t* packed) const { return i8_matrix_view(n, k, packed + offset); }
};

// The matrix that input `input` holds, if it is there.
WeightMatrix weight_matrix(const OpContext& context, size_t input, int64_t n, int64_t k);

// Working memory of products of up to `rows` vectors with int8 matrices.
struct ProductMemory {
  ThreadPool* pool = nullptr;
  const uint8_t* packed = nullptr;
  bool asymmetric = false;
  int16_t* x = nullptr;  // The quantized vectors.
  int32_t* sums = nullptr;
  RowScale* scales = nullptr;

  // Takes its parts from `memory` on (null: only counts); the bytes that it takes.
  uint64_t place(uint8_t* memory, uint64_t rows, int64_t longest_k, int64_t longest_n);
};

// Quantizes `rows` vectors of matrix.k, densely, for the products that follow.
void quantize_for(const WeightMatrix& matrix, ProductMemory& memory, int64_t rows, const float* x);

// out[r][i] += x[r] . matrix[i]; of int8 matrices, x must have been quantized.
void accumulate_product(const EvalContext& context, const WeightMatrix& matrix,
                        const ProductMemory& memory, int64_t rows, const float* x, float* out,
                        int64_t out_stride);

}  // namespace zeolite
