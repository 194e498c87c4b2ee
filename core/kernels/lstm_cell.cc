#include "core/kernels/lstm_cell.h"

#include <algorithm>
#include <cmath>

#include "core/kernels/fixed_point.h"

namespace zeolite {
namespace {

void add_product(int64_t count, const float* a, const float* b, float* sum) {
  for (int64_t i = 0; i < count; ++i) sum[i] += a[i] * b[i];
}

void layer_norm(int64_t count, const float* coefficients, const float* bias, float* x) {
  float sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += x[i];
  const float mean = sum / static_cast<float>(count);
  float squares = 0;
  for (int64_t i = 0; i < count; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const float factor = 1.0f / std::sqrt(squares / static_cast<float>(count) + 1e-8f);
  for (int64_t i = 0; i < count; ++i) x[i] = (x[i] - mean) * factor * coefficients[i] + bias[i];
}

}  // namespace

void f32_lstm_cell(const F32LstmCell& p, float* const* gates, float* cell, float* hidden) {
  const int64_t n = p.cells;
  const auto finish = [&](LstmGate gate) {
    float* x = gates[gate];
    if (p.peephole[gate] != nullptr) add_product(n, p.peephole[gate], cell, x);
    if (p.layer_norm[gate] != nullptr) layer_norm(n, p.layer_norm[gate], p.bias[gate], x);
    if (gate == kCellGate) {
      f32_unary(p.activation, p.activation_parameters, x, x, n, nullptr);
    } else {
      f32_unary(F32Unary::kLogistic, {}, x, x, n, nullptr);
    }
  };
  if (!p.is_coupled) finish(kInputGate);
  finish(kForgetGate);
  finish(kCellGate);
  const float* forget = gates[kForgetGate];
  const float* update = gates[kCellGate];
  if (p.is_coupled) {
    for (int64_t i = 0; i < n; ++i) cell[i] = forget[i] * cell[i] + (1 - forget[i]) * update[i];
  } else {
    const float* input = gates[kInputGate];
    for (int64_t i = 0; i < n; ++i) cell[i] = forget[i] * cell[i] + input[i] * update[i];
  }
  if (p.clip > 0) {
    for (int64_t i = 0; i < n; ++i) cell[i] = std::clamp(cell[i], -p.clip, p.clip);
  }
  finish(kOutputGate);
  f32_unary(p.activation, p.activation_parameters, cell, hidden, n, nullptr);
  const float* output = gates[kOutputGate];
  for (int64_t i = 0; i < n; ++i) hidden[i] *= output[i];
}

namespace {

// x / 2^shift, rounded; shift may be anything.
int32_t shifted(int32_t x, int shift) { return rounding_shift_right(x, std::clamp(shift, 0, 31)); }

void layer_norm(const I16LstmGate& gate, int64_t count, int16_t* x) {
  int64_t sum = 0;
  int64_t squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    sum += x[i];
    squares += int32_t{x[i]} * x[i];
  }
  // 10 bits more than x has, so that normalized numbers are fine enough.
  const auto mean = static_cast<int32_t>(sum * 1024 / count);
  const int64_t variance = squares * ((1 << 20) / count) - int64_t{mean} * mean;
  auto rounded = static_cast<int32_t>(variance / (1 << 20));
  if (rounded < 1) rounded = gate.variance_guard;
  const FixedPointFactor factor = fixed_inverse_sqrt(rounded);
  const FixedPointFactor scale = {gate.layer_norm_scale.multiplier,
                                  gate.layer_norm_scale.shift + 12};
  for (int64_t i = 0; i < count; ++i) {
    const int32_t normal = scale_by(wrapping_add(1024 * x[i], -mean), factor);
    const int64_t y = wrapping_add(wrapping_mul(normal, int32_t{gate.layer_norm[i]}), gate.bias[i]);
    const auto without_bits = static_cast<int32_t>((y > 0 ? y + 512 : y - 512) / 1024);
    x[i] = saturate_i16(scale_by(without_bits, scale));
  }
}

// The layer norm of 8x8_8.
void layer_norm_in_float(const I16LstmGate& gate, int64_t count, int16_t* x) {
  const auto scale = static_cast<float>(
      std::ldexp(static_cast<double>(gate.layer_norm_scale.multiplier),
                 gate.layer_norm_scale.shift - 31));
  const float bias_scale = static_cast<float>(1.0 / 1024) * scale;
  float sum = 0;
  float squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(x[i]);
    sum += value;
    squares += value * value;
  }
  const auto n = static_cast<float>(count);
  const float mean = sum / n;
  const float variance = squares / n - mean * mean;
  const auto factor =
      static_cast<float>(1.0 / std::sqrt(variance == 0 ? 1e-8 : static_cast<double>(variance)));
  for (int64_t i = 0; i < count; ++i) {
    const float normal = (static_cast<float>(x[i]) - mean) * factor;
    const float y = normal * gate.layer_norm[i] * scale +
                    static_cast<float>(gate.bias[i]) * bias_scale;
    const double stored = std::round(y * 4096.0);
    x[i] = static_cast<int16_t>(std::clamp(std::isnan(stored) ? 0 : stored, -32768.0, 32767.0));
  }
}

int16_t in_float(float y) {
  return static_cast<int16_t>(std::clamp(std::trunc(y * 32768.0f), -32768.0f, 32767.0f));
}

}  // namespace

void i16_lstm_cell(const I16LstmCell& p, int16_t* const* gates, int16_t* cell) {
  const int64_t n = p.cells;
  if (n == 0) return;
  const auto tanh_of = [&](int16_t x, int integer_bits) {
    if (!p.in_float) return fixed_tanh(x, integer_bits);
    return in_float(std::tanh(static_cast<float>(std::ldexp(x, integer_bits - 15))));
  };
  const auto finish = [&](LstmGate index) {
    const I16LstmGate& gate = p.gates[index];
    int16_t* x = gates[index];
    if (gate.peephole_weights != nullptr) {
      for (int64_t i = 0; i < n; ++i) {
        const int32_t y = scale_by(int32_t{gate.peephole_weights[i]} * cell[i], gate.peephole);
        x[i] = saturate_i16(wrapping_add(y, int32_t{x[i]}));
      }
    }
    if (gate.layer_norm != nullptr && p.in_float) {
      layer_norm_in_float(gate, n, x);
    } else if (gate.layer_norm != nullptr) {
      layer_norm(gate, n, x);
    }
    if (index == kCellGate) {
      for (int64_t i = 0; i < n; ++i) x[i] = tanh_of(x[i], 3);
    } else if (p.in_float) {
      for (int64_t i = 0; i < n; ++i) {
        x[i] = in_float(1.0f / (1.0f + std::exp(-std::ldexp(static_cast<float>(x[i]), -12))));
      }
    } else {
      for (int64_t i = 0; i < n; ++i) x[i] = fixed_logistic(x[i]);
    }
  };
  if (!p.is_coupled) finish(kInputGate);
  finish(kForgetGate);
  finish(kCellGate);
  const int16_t* forget = gates[kForgetGate];
  const int16_t* update = gates[kCellGate];
  for (int64_t i = 0; i < n; ++i) {
    const int32_t kept =
        static_cast<int16_t>(rounding_shift_right(int32_t{forget[i]} * cell[i], 15));
    const int32_t input = p.is_coupled ? 32767 - forget[i] : gates[kInputGate][i];
    const int32_t added = static_cast<int16_t>(
        shifted(static_cast<int16_t>(input) * update[i], 30 + p.cell_exponent));
    cell[i] = saturate_i16(kept + added);
    if (p.clip > 0) cell[i] = std::clamp<int16_t>(cell[i], static_cast<int16_t>(-p.clip), p.clip);
  }
  finish(kOutputGate);
  for (int64_t i = 0; i < n; ++i) gates[kCellGate][i] = tanh_of(cell[i], 15 + p.cell_exponent);
}

}  // namespace zeolite
