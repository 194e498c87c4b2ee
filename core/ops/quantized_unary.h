// Functions of one quantized element: RELU, RELU6, RELU_N1_TO_1, RELU_0_TO_1, LEAKY_RELU, ABS, ELU,
// EXP, GELU, HARD_SWISH, LOG, LOGISTIC, RSQRT, SQRT, TANH.
#pragma once

#include <array>
#include <limits>

#include "core/base/thread_pool.h"
#include "core/kernels/interpolated.h"
#include "core/ops/quantization.h"

namespace zeolite {

class QuantizedUnary {
 public:
  // The function that the operator applies to its int8, uint8 or int16 input. Errors: missing or
  // impossible scales and zero points, those among them that TFLite's arithmetic asks for.
  static Result<QuantizedUnary> of(const OpContext& context);

  // The stored result for a stored input.
  int32_t operator()(int32_t stored) const;

  // What one step of the stored input is in steps of the result where the real function's slope is
  // 1.
  double slope() const { return double{input_.scale} / double{output_.scale}; }

  // The RELUs: `count` int16 by the kernel that moves numbers between scales. False for others.
  bool rescale_int16(const int16_t* input, int64_t count, int16_t* output, ThreadPool* pool) const;

  // Inputs below have no result (SQRT and RSQRT of negative numbers).
  int32_t least_input() const { return least_input_; }

 private:
  enum class Kind : uint8_t {
    kRelu, kLeakyRelu, kAbs, kRounded, kInterpolated, kSqrt, kRsqrt, kHardSwish, kSigmoid, kTanh,
    kFixedSigmoid, kFixedTanh
  };

  Status set(const OpContext& context);
  Status set_hard_swish();
  Status set_sigmoid(bool is_tanh);
  void set_interpolated();
  float real_function(float x) const;
  // The input at the scale at which SigmoidPoints are looked up.
  int32_t at_table_scale(int32_t stored) const;
  int32_t sigmoid(int32_t stored) const;
  int32_t tanh(int32_t stored) const;
  int32_t hard_swish(int32_t centered) const;

  Kind kind_ = Kind::kRounded;
  BuiltinOperator code_ = BuiltinOperator::kRelu;
  bool is_approximate_ = false;  // Of GELU.
  Affine input_;
  Affine output_;
  StoredRange range_;
  int32_t least_input_ = std::numeric_limits<int32_t>::min();
  FixedPointFactor factor_;
  FixedPointFactor negative_factor_;  // Of LEAKY_RELU; of HARD_SWISH, that of its gate.
  std::array<int16_t, kInterpolatedPoints> points_ = {};  // Of kInterpolated.
};

}  // namespace zeolite
