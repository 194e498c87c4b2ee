// What all LSTM operators share: one layer in one direction, over any number of time steps.
//
//   gate_x = input . W_x + aux input . A_x + h . R_x + bias_x    for the gates x = i, f, c, o
// then the cell of kernels/lstm_cell.h, and
//   h = clip(hidden . projection + projection bias), or hidden where there is no projection.
// h and the cell are state: variables that the operator writes, kept from run to run.
//
// Float32; hybrid (int8 weights, in uint8 tensors of old files too: float32 vectors are quantized
// row by row); integer 8x8_16 (gates of 16 bits) and 8x8_8.
#pragma once

#include "core/kernels/lstm_cell.h"
#include "core/ops/op.h"
#include "core/ops/packed_weights.h"
#include "core/ops/recurrent_sequence.h"
#include "core/ops/weight_matrix.h"

namespace zeolite {

// Where an operator has its tensors. Of four (one a gate: input, forget, cell, output) or three
// (without the cell gate), the position of the first.
struct LstmRoles {
  size_t input = 0;
  size_t input_weights = 1;
  size_t recurrent_weights = 5;
  size_t peephole = 9;
  size_t bias = 12;
  size_t projection = 16;
  size_t projection_bias = 17;
  size_t output_state = 18;
  size_t cell_state = 19;
  size_t layer_norm = 20;
  size_t aux_input = kNoInput;
  size_t aux_weights = kNoInput;
};

struct LstmSettings {
  ActivationFunctionType activation = ActivationFunctionType::kNone;
  float cell_clip = 0;
  float proj_clip = 0;
  bool asymmetric_quantize_inputs = false;
  bool diagonal_recurrent = false;
};

enum class LstmArithmetic : uint8_t { kFloat, kHybrid, kInteger };

struct LstmSizes {
  LstmArithmetic arithmetic = LstmArithmetic::kFloat;
  int32_t input = 0;
  int32_t aux = 0;
  int32_t cells = 0;
  int32_t outputs = 0;
};

// Checks all of a layer's tensors against each other. `batch` may be kFree.
Result<LstmSizes> check_lstm(const OpContext& context, const LstmRoles& roles,
                             const LstmSettings& settings, int32_t batch);

// Part of an operator's state; prepared and evaluated with the operator.
class LstmLayer {
 public:
  // The roles as far as inputs are there. What check_lstm found right.
  Status prepare(PrepareContext& context, const LstmRoles& roles, const LstmSettings& settings,
                 const RecurrentSequence& sequence);
  void eval(EvalContext& context, void* output);

 private:
  struct Products;  // The working memory of one eval.

  bool is_packed_float(const WeightMatrix& matrix) const;
  uint64_t working_bytes() const;
  void pack(const OpContext& context, uint8_t* to) const;
  void prepare_float_cell();
  Status prepare_integer_cell(const OpContext& context);

  void eval_real(EvalContext& context, Products& products, float* output);
  void eval_integer(EvalContext& context, Products& products, int8_t* output);

  LstmRoles roles_;
  LstmSettings settings_;
  RecurrentSequence sequence_;
  LstmSizes sizes_;
  int first_gate_ = 0;  // kForgetGate when coupled.
  bool is_diagonal_ = false;
  bool has_layer_norm_ = false;
  int64_t chunk_steps_ = 1;
  WeightMatrix input_[kLstmGates];
  WeightMatrix aux_[kLstmGates];
  WeightMatrix recurrent_[kLstmGates];
  WeightMatrix projection_;
  uint64_t peephole_offset_ = 0;
  uint64_t integer_bias_offset_ = 0;
  F32LstmCell cell_;
  I16LstmCell integer_cell_;
  FixedPointFactor hidden_factor_;
  FixedPointFactor projection_factor_;
  int32_t hidden_zero_point_ = 0;
  int8_t integer_proj_clip_ = 0;
  struct GateSum {  // 8x8_8: products are rounded to 8 bits before they meet in a gate.
    int32_t zero_point = 0;
    FixedPointFactor to_gate;
  };
  GateSum input_sums_[kLstmGates];
  GateSum recurrent_sums_[kLstmGates];
  PackedWeights packed_;
  size_t packed_request_ = 0;
  size_t scratch_request_ = 0;
};

}  // namespace zeolite
