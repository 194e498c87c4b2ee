#include "core/ops/lstm_layer.h"

#include <algorithm>

#include "core/kernels/f32_matmul.h"
#include "core/kernels/fixed_point.h"
#include "core/kernels/split.h"
#include "core/ops/check.h"

namespace zeolite {

// The working memory of one eval, in the order in which it lies in the scratch memory.
struct LstmLayer::Products : ProductMemory {
  uint8_t* gates = nullptr;   // [rows of a chunk][gates][cells], float32 or int16.
  uint8_t* hidden = nullptr;  // [batch][cells], float32 or int16; rows of int16 are padded.
  uint64_t bytes = 0;

  Products(const LstmLayer& layer, uint8_t* scratch) {
    const LstmSizes& sizes = layer.sizes_;
    const uint64_t batch = layer.sequence_.batch;
    const uint64_t rows = batch * layer.chunk_steps_;
    const uint64_t cells = sizes.cells;
    const auto take = [&](uint64_t size) {
      uint8_t* at = scratch + bytes;
      bytes += align_up(size);
      return at;
    };
    const bool is_integer = sizes.arithmetic == LstmArithmetic::kInteger;
    gates = take(rows * (kLstmGates - layer.first_gate_) * cells * (is_integer ? 2 : 4));
    hidden = take(batch * (cells + 1) * (is_integer ? 2 : 4));
    if (sizes.arithmetic == LstmArithmetic::kFloat) return;
    bytes += place(scratch + bytes, rows,
                   std::max({sizes.input, sizes.aux, sizes.cells, sizes.outputs}),
                   std::max(sizes.cells, sizes.outputs));
  }
};

bool LstmLayer::is_packed_float(const WeightMatrix& matrix) const {
  return &matrix >= input_ && &matrix < input_ + kLstmGates &&
         sequence_.batch * sequence_.steps >= kF32PackedGemmMinRows;
}

uint64_t LstmLayer::working_bytes() const { return Products(*this, nullptr).bytes; }

void LstmLayer::eval(EvalContext& context, void* output) {
  if (sequence_.batch == 0 || sequence_.steps == 0) return;
  Products products(*this, context.scratch(scratch_request_));
  products.asymmetric = settings_.asymmetric_quantize_inputs;
  products.pool = context.threads();
  products.packed =
      packed_.get(context, packed_request_, [&](uint8_t* to) { pack(context, to); });
  if (sizes_.arithmetic == LstmArithmetic::kInteger) {
    eval_integer(context, products, static_cast<int8_t*>(output));
  } else {
    eval_real(context, products, static_cast<float*>(output));
  }
}

void LstmLayer::eval_real(EvalContext& context, Products& products, float* output) {
  const int64_t batch = sequence_.batch;
  const int64_t cells = sizes_.cells;
  const int64_t outputs = sizes_.outputs;
  const int64_t gates_stride = (kLstmGates - first_gate_) * cells;
  const bool is_hybrid = sizes_.arithmetic == LstmArithmetic::kHybrid;
  auto* const gates = reinterpret_cast<float*>(products.gates);
  auto* const hidden = reinterpret_cast<float*>(products.hidden);
  auto* const state = reinterpret_cast<float*>(context.input(roles_.output_state).writable);
  auto* const cell_state = reinterpret_cast<float*>(context.input(roles_.cell_state).writable);
  const auto gate_of = [&](int64_t row, int gate) {
    return gates + row * gates_stride + (gate - first_gate_) * cells;
  };
  for (int gate = first_gate_; gate < kLstmGates; ++gate) {
    const size_t peephole = roles_.peephole + (gate == kOutputGate ? 2 : gate);
    if (gate != kCellGate && context.has_input(peephole)) {
      cell_.peephole[gate] =
          is_hybrid ? reinterpret_cast<const float*>(products.packed + peephole_offset_) +
                          gate * cells
                    : context.in<float>(peephole);
    }
    cell_.bias[gate] = context.in<float>(roles_.bias + gate);
    if (has_layer_norm_) cell_.layer_norm[gate] = context.in<float>(roles_.layer_norm + gate);
  }

  // The input's part of the gates of `rows` rows, which lie together.
  const auto fill = [&](int64_t first_row, int64_t rows, int64_t gate_row) {
    const float* x = context.in<float>(roles_.input) + first_row * sizes_.input;
    quantize_for(input_[kOutputGate], products, rows, x);
    for (int gate = first_gate_; gate < kLstmGates; ++gate) {
      const WeightMatrix& matrix = input_[gate];
      float* out = gate_of(gate_row, gate);
      if (!is_hybrid && is_packed_float(matrix)) {
        f32_gemm(rows, cells, matrix.k, x, matrix.k,
                 reinterpret_cast<const float*>(products.packed + matrix.offset), out,
                 gates_stride, kNoClamp, products.pool);
        continue;
      }
      for (int64_t row = 0; row < rows; ++row) {
        float* to = out + row * gates_stride;
        if (has_layer_norm_) {
          std::fill_n(to, cells, 0.0f);
        } else {
          std::copy_n(cell_.bias[gate], cells, to);
        }
      }
      accumulate_product(context, matrix, products, rows, x, out, gates_stride);
    }
    if (sizes_.aux == 0) return;
    const float* aux = context.in<float>(roles_.aux_input) + first_row * sizes_.aux;
    quantize_for(aux_[kOutputGate], products, rows, aux);
    for (int gate = first_gate_; gate < kLstmGates; ++gate) {
      accumulate_product(context, aux_[gate], products, rows, aux, gate_of(gate_row, gate),
                         gates_stride);
    }
  };

  // The step whose gates lie at row first, first + row_step, ...
  const auto step = [&](int64_t time, int64_t first, int64_t row_step) {
    if (!is_diagonal_) quantize_for(recurrent_[kOutputGate], products, batch, state);
    for (int gate = first_gate_; gate < kLstmGates; ++gate) {
      if (is_diagonal_) {
        const float* weights = context.in<float>(recurrent_[gate].input);
        for (int64_t b = 0; b < batch; ++b) {
          float* to = gate_of(first + b * row_step, gate);
          for (int64_t i = 0; i < cells; ++i) to[i] += weights[i] * state[b * outputs + i];
        }
      } else {
        accumulate_product(context, recurrent_[gate], products, batch, state,
                           gate_of(first, gate), row_step * gates_stride);
      }
    }
    const bool has_projection = projection_.exists();
    for (int64_t b = 0; b < batch; ++b) {
      float* row_gates[kLstmGates] = {};
      for (int gate = first_gate_; gate < kLstmGates; ++gate) {
        row_gates[gate] = gate_of(first + b * row_step, gate);
      }
      f32_lstm_cell(cell_, row_gates, cell_state + b * cells,
                    has_projection ? hidden + b * cells : state + b * outputs);
    }
    if (has_projection) {
      const float* bias = data_or_null<float>(context, roles_.projection_bias);
      for (int64_t b = 0; b < batch; ++b) {
        if (bias != nullptr) {
          std::copy_n(bias, outputs, state + b * outputs);
        } else {
          std::fill_n(state + b * outputs, outputs, 0.0f);
        }
      }
      quantize_for(projection_, products, batch, hidden);
      accumulate_product(context, projection_, products, batch, hidden, state, outputs);
      if (settings_.proj_clip > 0) {
        for (int64_t i = 0; i < batch * outputs; ++i) {
          state[i] = std::clamp(state[i], -settings_.proj_clip, settings_.proj_clip);
        }
      }
    }
    for (int64_t b = 0; b < batch; ++b) {
      std::copy_n(state + b * outputs, outputs,
                  output + sequence_.row(b, time) * sequence_.output_stride +
                      sequence_.output_offset);
    }
  };

  sequence_.run(chunk_steps_, fill, step);
}

void LstmLayer::eval_integer(EvalContext& context, Products& products, int8_t* output) {
  const int64_t batch = sequence_.batch;
  const int64_t cells = sizes_.cells;
  const int64_t outputs = sizes_.outputs;
  const int64_t gates_stride = (kLstmGates - first_gate_) * cells;
  auto* const gates = reinterpret_cast<int16_t*>(products.gates);
  auto* const hidden = reinterpret_cast<int16_t*>(products.hidden);
  auto* const state = reinterpret_cast<int8_t*>(context.input(roles_.output_state).writable);
  auto* const cell_state = reinterpret_cast<int16_t*>(context.input(roles_.cell_state).writable);
  const auto* const parts =
      reinterpret_cast<const int32_t*>(products.packed + integer_bias_offset_);
  const int32_t state_zero_point = zero_point_of(context.input(roles_.output_state));
  const auto gate_of = [&](int64_t row, int gate) {
    return gates + row * gates_stride + (gate - first_gate_) * cells;
  };
  I16LstmCell& cell = integer_cell_;
  for (int gate = first_gate_; gate < kLstmGates; ++gate) {
    const size_t peephole = roles_.peephole + (gate == kOutputGate ? 2 : gate);
    if (!cell.in_float && gate != kCellGate && context.has_input(peephole)) {
      cell.gates[gate].peephole_weights = context.in<int16_t>(peephole);
    }
    cell.gates[gate].bias = context.in<int32_t>(roles_.bias + gate);
    if (has_layer_norm_) {
      cell.gates[gate].layer_norm = context.in<int16_t>(roles_.layer_norm + gate);
    }
  }
  const auto widen = [&](int64_t rows, int64_t k, const int8_t* x) {
    int16_t* to = products.x;
    for (int64_t row = 0; row < rows; ++row, x += k) {
      to = std::copy_n(x, k, to);
      if (k % 2 != 0) *to++ = 0;
    }
  };
  const auto multiply_sums = [&](const WeightMatrix& matrix, int64_t rows, const int16_t* x) {
    i8_matrix_product(matrix.view(products.packed), rows, x, products.sums, products.pool);
  };
  // The sum as 8x8_8 stores it, without its zero point.
  const auto rounded_to_8 = [](int32_t sum, int32_t zero_point) {
    return saturate_i8(wrapping_add(sum, zero_point)) - zero_point;
  };

  const auto fill = [&](int64_t first_row, int64_t rows, int64_t gate_row) {
    widen(rows, sizes_.input, context.in<int8_t>(roles_.input) + first_row * sizes_.input);
    for (int gate = first_gate_; gate < kLstmGates; ++gate) {
      multiply_sums(input_[gate], rows, products.x);
      const int32_t* part = parts + 2 * gate * cells;
      const int32_t* sums = products.sums;
      for (int64_t row = 0; row < rows; ++row, sums += cells) {
        int16_t* to = gate_of(gate_row + row, gate);
        for (int64_t i = 0; i < cells; ++i) {
          const int32_t sum = scale_by(wrapping_add(sums[i], part[i]), cell.gates[gate].input);
          to[i] = saturate_i16(cell.in_float ? rounded_to_8(sum, input_sums_[gate].zero_point)
                                             : sum);
        }
      }
    }
  };

  const auto step = [&](int64_t time, int64_t first, int64_t row_step) {
    widen(batch, outputs, state);
    for (int gate = first_gate_; gate < kLstmGates; ++gate) {
      multiply_sums(recurrent_[gate], batch, products.x);
      const int32_t* part = parts + (2 * gate + 1) * cells;
      const int32_t* sums = products.sums;
      for (int64_t b = 0; b < batch; ++b, sums += cells) {
        int16_t* to = gate_of(first + b * row_step, gate);
        for (int64_t i = 0; i < cells; ++i) {
          int32_t sum = scale_by(wrapping_add(sums[i], part[i]), cell.gates[gate].recurrent);
          int32_t before = to[i];
          if (cell.in_float) {
            before = scale_by(before, input_sums_[gate].to_gate);
            sum = scale_by(rounded_to_8(sum, recurrent_sums_[gate].zero_point),
                           recurrent_sums_[gate].to_gate);
          }
          to[i] = saturate_i16(wrapping_add(before, sum));
        }
      }
    }
    const bool has_projection = projection_.exists();
    for (int64_t b = 0; b < batch; ++b) {
      int16_t* row_gates[kLstmGates] = {};
      for (int gate = first_gate_; gate < kLstmGates; ++gate) {
        row_gates[gate] = gate_of(first + b * row_step, gate);
      }
      i16_lstm_cell(cell, row_gates, cell_state + b * cells);
      int16_t* row_hidden = hidden + b * i8_padded(cells);
      for (int64_t i = 0; i < cells; ++i) {
        const int32_t value = int32_t{row_gates[kOutputGate][i]} * row_gates[kCellGate][i];
        if (cell.in_float) {
          row_hidden[i] = static_cast<int16_t>(rounding_shift_right(value, 15));
        } else {
          // The projection's constant part brings the zero point back with the opposite sign.
          const int32_t zero_point = has_projection ? -hidden_zero_point_ : hidden_zero_point_;
          row_hidden[i] = saturate_i8(wrapping_add(scale_by(value, hidden_factor_), zero_point));
        }
        if (!has_projection) state[b * outputs + i] = static_cast<int8_t>(row_hidden[i]);
      }
      if (cells % 2 != 0) row_hidden[cells] = 0;
    }
    if (has_projection) {
      multiply_sums(projection_, batch, hidden);
      const int32_t* part = parts + 2 * kLstmGates * cells;
      for (int64_t i = 0; i < batch * outputs; ++i) {
        const int32_t sum = wrapping_add(products.sums[i], part[i % outputs]);
        int8_t y = saturate_i8(
            wrapping_add(scale_by(sum, projection_factor_), state_zero_point));
        if (integer_proj_clip_ > 0) {
          y = std::clamp(y, static_cast<int8_t>(-integer_proj_clip_), integer_proj_clip_);
        }
        state[i] = y;
      }
    }
    for (int64_t b = 0; b < batch; ++b) {
      std::copy_n(state + b * outputs, outputs,
                  output + sequence_.row(b, time) * sequence_.output_stride +
                      sequence_.output_offset);
    }
  };

  sequence_.run(chunk_steps_, fill, step);
}

}  // namespace zeolite
