// Weights of float32 kernels that the file stores as float16.
#pragma once

#include <algorithm>

#include "core/base/bytes.h"
#include "core/base/half.h"
#include "core/ops/op.h"

namespace zeolite {

// The constant weights of an input: where they are or, of float16, widened for as long as this
// lives, which is until they are packed. Null where they are not known yet. Errors: no memory.
class FloatWeights {
 public:
  static Result<FloatWeights> of(const OpContext& context, size_t input) {
    FloatWeights result;
    if (!context.has_input(input) || !context.input(input).has_data) return result;
    const Operand& operand = context.input(input);
    result.data_ = reinterpret_cast<const float*>(operand.data);
    if (operand.type != TensorType::kFloat16) return result;
    const auto* const halves = reinterpret_cast<const uint16_t*>(operand.data);
    const uint64_t count = operand.bytes / sizeof(uint16_t);
    ZEOLITE_ASSIGN(result.widened_, Bytes::allocate(count * sizeof(float), "widened weights"));
    auto* const wide = reinterpret_cast<float*>(result.widened_.data());
    widen_halves(halves, static_cast<int64_t>(count), wide);
    result.data_ = wide;
    return result;
  }

  // Whether they are float16 that kernels take as they are stored: finite numbers only.
  static bool are_finite_halves(const OpContext& context, size_t input) {
    const Operand& weights = context.input(input);
    if (weights.type != TensorType::kFloat16) return false;
    const auto* const halves = reinterpret_cast<const uint16_t*>(weights.data);
    return std::all_of(halves, halves + weights.bytes / sizeof(uint16_t),
                       [](uint16_t half) { return (half & 0x7c00) != 0x7c00; });
  }

  const float* data() const { return data_; }

 private:
  Bytes widened_;
  const float* data_ = nullptr;
};

}  // namespace zeolite
