// EMBEDDING_LOOKUP (1 to 5): rows of a table.
//   indices int32 [n]    table [rows, ...]    output [n, ...] of the table's type, or float32 for a
//   quantized table (int8, uint8, int4): stored number * scale, one scale for all, one a row, or
//   one for each block of a row (float16); the bytes of a uint8 table are signed, as in all weights
//   of the first dynamic-range files
// EMBEDDING_LOOKUP_SPARSE (1): weighted rows joined by groups.
//   ids int32 [n], places int32 [n, groups], dense shape int32 [groups], weights float32 [n],
//   table float32 [rows, ...] -> [dense shape without its last..., ...]
//   All ids whose places agree but for the last number are one group; `combiner`: SUM, MEAN (over
//   the sum of weights), SQRTN (over the root of the sum of their squares).
// HASHTABLE_LOOKUP (1): rows of a table with sorted keys.
//   wanted int32 [n], keys int32 [rows] ascending, table [rows, ...] -> [n, ...], found uint8 [n]
//   What is not found is 0, or an empty string.
// An index outside of the table is an error.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/base/half.h"
#include "core/kernels/sub_byte.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/strings.h"

namespace zeolite {
namespace {

Status index_error(int64_t index, int64_t rows) {
  return bad_input("index " + std::to_string(index) + " is outside a table of " +
                   std::to_string(rows) + " rows");
}

// [count, ...] with the dimensions of a row of input `table`.
Shape rows_shape(const OpContext& context, size_t table, int32_t count) {
  Shape shape = context.input(table).shape;
  shape[0] = count;
  return shape;
}

bool is_dequantizing(const OpContext& context) {
  return context.output(0).type == TensorType::kFloat32 &&
         context.input(1).type != TensorType::kFloat32;
}

bool is_blockwise(const Operand& table) {
  return table.quantization != nullptr && table.quantization->block_size > 0;
}

Status check_scales(const OpContext& context) {
  const Operand& table = context.input(1);
  if (is_blockwise(table)) {
    const int64_t row = product(table.shape, 1, table.shape.size());
    const int64_t block = table.quantization->block_size;
    const Operand* scales = table.block_scales;
    if (row % block != 0) {
      return bad_input("blocks of " + std::to_string(block) + " do not divide rows of " +
                       shape_text(table.shape));
    }
    if (scales != nullptr &&
        (scales->type != TensorType::kFloat16 || !scales->is_constant ||
         product(scales->shape) != table.shape[0] * (row / block))) {
      return unsupported("the scales of blocks must be constant float16, one for each block");
    }
    return {};
  }
  const Quantization* quantization = table.quantization;
  const size_t scales = quantization != nullptr ? quantization->scale.size() : 0;
  if (scales == 0) return bad_input(input_text(context, 1) + " has no scale");
  if (scales > 1 && (quantization->quantized_dimension != 0 ||
                     static_cast<int64_t>(scales) != table.shape[0])) {
    return bad_input(input_text(context, 1) + " has " + std::to_string(scales) +
                     " scales, expected one, or one a row");
  }
  return {};
}

Status infer_lookup(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 1));
  const Operand& table = context.input(1);
  ZEOLITE_TRY(require_rank(context, 1, 1, kMaxRank));
  if (is_dequantizing(context)) ZEOLITE_TRY(check_scales(context));
  if (bits_per_element(table.type) < 8 && table.shape.size() > 1 &&
      product(table.shape, 1, table.shape.size()) * bits_per_element(table.type) % 8 != 0) {
    return unsupported("rows of " + shape_text(table.shape) + " " +
                       std::string(tensor_type_name(table.type)) + " begin inside of a byte");
  }
  const TensorType type = is_dequantizing(context) ? TensorType::kFloat32 : table.type;
  return context.set_output(0, type, rows_shape(context, 1, context.input(0).shape[0]));
}

void dequantize_row(const Operand& table, int64_t row, int64_t size, float* to) {
  const std::vector<float>& scales = table.quantization->scale;
  const int64_t block = is_blockwise(table) ? table.quantization->block_size : size;
  const auto scale_of = [&](int64_t i) {
    if (!is_blockwise(table)) return scales[scales.size() > 1 ? row : 0];
    const auto* halves = reinterpret_cast<const uint16_t*>(table.block_scales->data);
    return half_to_float(halves[row * (size / block) + i / block]);
  };
  const int bits = bits_per_element(table.type);
  for (int64_t i = 0; i < size; ++i) {
    const int64_t at = row * size + i;
    auto value = static_cast<int8_t>(table.data[bits < 8 ? 0 : at]);
    if (bits < 8) unpack_sub_byte(table.data, bits, true, at, 1, &value);
    to[i] = static_cast<float>(value) * scale_of(i);
  }
}

Status eval_lookup(EvalContext& context) {
  const Operand& table = context.input(1);
  const int64_t rows = table.shape[0];
  const int64_t size = product(table.shape, 1, table.shape.size());
  const int64_t row_bytes = size * bits_per_element(table.type) / 8;
  const int32_t* indices = context.in<int32_t>(0);
  if (is_blockwise(table) && is_dequantizing(context) && table.block_scales == nullptr) {
    return unsupported("the scales of blocks are not known");
  }
  for (int64_t i = 0; i < context.input(0).shape[0]; ++i) {
    if (indices[i] < 0 || indices[i] >= rows) return index_error(indices[i], rows);
    if (is_dequantizing(context)) {
      dequantize_row(table, indices[i], size, context.out<float>(0) + i * size);
    } else if (row_bytes > 0) {
      std::memcpy(context.out<uint8_t>(0) + i * row_bytes, table.data + indices[i] * row_bytes,
                  static_cast<size_t>(row_bytes));
    }
  }
  return {};
}

Status infer_sparse(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 1));
  ZEOLITE_TRY(require_rank(context, 1, 2));
  ZEOLITE_TRY(require_rank(context, 2, 1));
  ZEOLITE_TRY(require_rank(context, 3, 1));
  ZEOLITE_TRY(require_rank(context, 4, 2, kMaxRank));
  const int32_t count = context.input(0).shape[0];
  ZEOLITE_TRY(require_size(context, 1, 0, count, "places"));
  ZEOLITE_TRY(require_size(context, 3, 0, count, "weights"));
  ZEOLITE_TRY(require_size(context, 2, 0, context.input(1).shape[1], "sizes"));
  if (!context.input(2).has_data) return context.set_output_unknown(0, TensorType::kFloat32);
  ZEOLITE_ASSIGN(Shape shape, shape_of_integers(context, 2));
  if (shape.empty()) return bad_input(input_text(context, 2) + " has no sizes");
  shape.pop_back();
  const Shape& table = context.input(4).shape;
  shape.insert(shape.end(), table.begin() + 1, table.end());
  return context.set_output(0, TensorType::kFloat32, std::move(shape));
}

Status eval_sparse(EvalContext& context) {
  const Operand& output = context.output(0);
  const Shape& table = context.input(4).shape;
  const int64_t size = product(table, 1, table.size());
  const int64_t depth = context.input(1).shape[1];
  const int64_t groups = size == 0 ? 0 : product(output.shape) / size;
  const CombinerType combiner = context.options<EmbeddingLookupSparseOptions>().combiner;
  float* to = context.out<float>(0);
  std::fill_n(to, product(output.shape), 0.0f);
  std::vector<float> totals(static_cast<size_t>(groups));
  for (int64_t i = 0; i < context.input(0).shape[0]; ++i) {
    const int32_t id = context.in<int32_t>(0)[i];
    if (id < 0 || id >= table[0]) return index_error(id, table[0]);
    int64_t group = 0;
    for (int64_t d = 0; d + 1 < depth; ++d) {
      const int32_t place = context.in<int32_t>(1)[i * depth + d];
      if (place < 0 || place >= output.shape[d]) {
        return bad_input("place " + std::to_string(place) + " is outside a dimension of " +
                         std::to_string(output.shape[d]));
      }
      group = group * output.shape[d] + place;
    }
    if (group >= groups) continue;
    const float weight = context.in<float>(3)[i];
    totals[group] += combiner == CombinerType::kSqrtn ? weight * weight : weight;
    const float* row = context.in<float>(4) + id * size;
    for (int64_t k = 0; k < size; ++k) to[group * size + k] += row[k] * weight;
  }
  if (combiner == CombinerType::kSum) return {};
  for (int64_t g = 0; g < groups; ++g) {
    const float total = combiner == CombinerType::kSqrtn ? std::sqrt(totals[g]) : totals[g];
    if (total == 0) continue;
    for (int64_t k = 0; k < size; ++k) to[g * size + k] /= total;
  }
  return {};
}

Status infer_hash_lookup(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 1));
  ZEOLITE_TRY(require_rank(context, 1, 1));
  ZEOLITE_TRY(require_rank(context, 2, 1, kMaxRank));
  ZEOLITE_TRY(require_size(context, 2, 0, context.input(1).shape[0], "rows"));
  if (context.input(2).type == TensorType::kString) ZEOLITE_TRY(require_rank(context, 2, 1));
  const int32_t count = context.input(0).shape[0];
  ZEOLITE_TRY(context.set_output(0, context.input(2).type, rows_shape(context, 2, count)));
  return context.set_output(1, TensorType::kUint8, {count});
}

Status eval_hash_lookup(EvalContext& context) {
  const Operand& table = context.input(2);
  const int32_t* keys = context.in<int32_t>(1);
  const int64_t rows = table.shape[0];
  const int64_t count = context.input(0).shape[0];
  const int64_t row_bytes =
      product(table.shape, 1, table.shape.size()) * bits_per_element(table.type) / 8;
  std::vector<std::string_view> strings(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const int32_t wanted = context.in<int32_t>(0)[i];
    const int32_t* found = std::lower_bound(keys, keys + rows, wanted);
    const bool is_found = found != keys + rows && *found == wanted;
    const int64_t row = found - keys;
    context.out<uint8_t>(1)[i] = is_found;
    if (table.type == TensorType::kString) {
      if (is_found) strings[i] = strings_of(table)[row];
    } else if (row_bytes > 0) {
      uint8_t* to = context.out<uint8_t>(0) + i * row_bytes;
      if (is_found) {
        std::memcpy(to, table.data + row * row_bytes, static_cast<size_t>(row_bytes));
      } else {
        std::memset(to, 0, static_cast<size_t>(row_bytes));
      }
    }
  }
  if (table.type != TensorType::kString) return {};
  return set_strings(context, 0, {static_cast<int32_t>(count)}, strings);
}

}  // namespace

const OpKernel kEmbeddingLookupOp = {infer_lookup, nullptr, eval_lookup};
const OpKernel kEmbeddingLookupSparseOp = {infer_sparse, nullptr, eval_sparse};
const OpKernel kHashtableLookupOp = {infer_hash_lookup, nullptr, eval_hash_lookup};

}  // namespace zeolite
