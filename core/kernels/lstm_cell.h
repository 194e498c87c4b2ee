// One step of an LSTM's cell, element by element: what follows the products with the weights.
//
//   i, f, o = logistic(gate)        g = activation(gate)
//   cell    = f * cell + i * g      hidden = o * activation(cell)
// A gate is its products' sum, plus peephole * cell, normalized where there are coefficients.
// Without an input gate (coupled gates) i = 1 - f.
#pragma once

#include <cstdint>

#include "core/kernels/f32_unary.h"
#include "core/kernels/quantized.h"

namespace zeolite {

// In this order wherever there are four of something.
enum LstmGate { kInputGate, kForgetGate, kCellGate, kOutputGate, kLstmGates };

struct F32LstmCell {
  int64_t cells = 0;
  bool is_coupled = false;
  F32Unary activation = F32Unary::kTanh;  // kTanh or kClamp.
  F32UnaryParameters activation_parameters;
  float clip = 0;  // Above 0: of the cell's state.
  // Null where there is none; the cell gate has no peephole. With layer_norm, `bias` is added after
  // it; else it is in the gates already.
  const float* peephole[kLstmGates] = {};
  const float* layer_norm[kLstmGates] = {};
  const float* bias[kLstmGates] = {};
};

// Changes `gates` (the input gate's may be null when coupled) and `cell`; writes `hidden`. All have
// `cells` elements.
void f32_lstm_cell(const F32LstmCell& parameters, float* const* gates, float* cell, float* hidden);

struct I16LstmGate {
  FixedPointFactor input;      // From the sums of the input's products to the gate.
  FixedPointFactor recurrent;  // The same of the state's.
  FixedPointFactor peephole;
  const int16_t* peephole_weights = nullptr;
  const int16_t* layer_norm = nullptr;
  FixedPointFactor layer_norm_scale;
  int32_t variance_guard = 1;
  const int32_t* bias = nullptr;  // Added after the layer norm.
};

// The fully integer cell: gates have 3 integer bits, their functions none, the cell's state has
// cell_exponent + 15 (its scale is 2^cell_exponent).
struct I16LstmCell {
  int64_t cells = 0;
  bool is_coupled = false;
  int cell_exponent = -11;
  int16_t clip = 0;
  I16LstmGate gates[kLstmGates];
  // 8x8_8: layer norm and functions are computed in float32.
  bool in_float = false;
};

// Leaves o in gates[kOutputGate] and activation(cell) in gates[kCellGate]; their product is the
// caller's to scale.
void i16_lstm_cell(const I16LstmCell& parameters, int16_t* const* gates, int16_t* cell);

}  // namespace zeolite
