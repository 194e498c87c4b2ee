// An LSTM layer before it runs: its memory, packed weights and fixed-point factors.
#include "core/ops/lstm_layer.h"

#include <algorithm>
#include <cmath>

#include "core/kernels/f32_matmul.h"
#include "core/kernels/split.h"
#include "core/ops/check.h"
#include "core/ops/quantization.h"

namespace zeolite {
namespace {

// Rows of the input that are multiplied at once: enough for the weights to be read seldom, few
// enough for their gates to stay in L2.
constexpr int64_t kChunkRows = 96;

float scale_of(const Operand& operand) {
  const Quantization* quantization = operand.quantization;
  return quantization != nullptr && !quantization->scale.empty() ? quantization->scale[0] : 1.0f;
}

}  // namespace

Status LstmLayer::prepare(PrepareContext& context, const LstmRoles& roles,
                          const LstmSettings& settings, const RecurrentSequence& sequence) {
  roles_ = roles;
  settings_ = settings;
  sequence_ = sequence;
  ZEOLITE_ASSIGN(sizes_, check_lstm(context, roles, settings, sequence.batch));
  chunk_steps_ = std::clamp<int64_t>(kChunkRows / std::max<int64_t>(sequence.batch, 1), 1,
                                     std::max<int64_t>(sequence.steps, 1));
  first_gate_ = context.has_input(roles.input_weights) ? kInputGate : kForgetGate;
  has_layer_norm_ =
      roles.layer_norm != kNoInput && context.has_input(roles.layer_norm + kForgetGate);
  is_diagonal_ = context.input(roles.recurrent_weights + kOutputGate).rank() == 1;
  for (int gate = first_gate_; gate < kLstmGates; ++gate) {
    input_[gate] = weight_matrix(context, roles.input_weights + gate, sizes_.cells, sizes_.input);
    recurrent_[gate] =
        weight_matrix(context, roles.recurrent_weights + gate, sizes_.cells, sizes_.outputs);
    if (sizes_.aux > 0) {
      aux_[gate] = weight_matrix(context, roles.aux_weights + gate, sizes_.cells, sizes_.aux);
    }
  }
  projection_ = weight_matrix(context, roles.projection, sizes_.outputs, sizes_.cells);
  if (sizes_.arithmetic == LstmArithmetic::kInteger) {
    ZEOLITE_TRY(prepare_integer_cell(context));
  } else {
    prepare_float_cell();
  }

  scratch_request_ = context.request_scratch(working_bytes());
  // Where each matrix lies in the packed memory, and all that is read to fill it.
  uint64_t bytes = 0;
  const auto take = [&](uint64_t size) {
    const uint64_t offset = bytes;
    bytes += align_up(size);
    return offset;
  };
  std::vector<size_t> sources;
  const bool is_float = sizes_.arithmetic == LstmArithmetic::kFloat;
  const auto place = [&](WeightMatrix& matrix) {
    if (!matrix.exists()) return;
    if (is_float) {
      if (!is_packed_float(matrix)) return;
      matrix.offset = take(f32_gemm_packed_bytes(matrix.n, matrix.k));
    } else {
      matrix.offset = take(matrix.packed_bytes());
    }
    sources.push_back(matrix.input);
  };
  for (int gate = first_gate_; gate < kLstmGates; ++gate) {
    place(input_[gate]);
    place(aux_[gate]);
    if (!is_diagonal_) place(recurrent_[gate]);
    sources.push_back(roles_.bias + gate);
  }
  place(projection_);
  if (!is_float) {
    peephole_offset_ = take(kLstmGates * static_cast<uint64_t>(sizes_.cells) * sizeof(float));
    for (size_t i = 0; i < 3; ++i) sources.push_back(roles_.peephole + i);
  }
  if (sizes_.arithmetic == LstmArithmetic::kInteger) {
    integer_bias_offset_ =
        take((2 * kLstmGates * static_cast<uint64_t>(sizes_.cells) + sizes_.outputs) *
             sizeof(int32_t));
    sources.push_back(roles_.projection_bias);
  }
  const double products = static_cast<double>(sizes_.cells) *
                              (sizes_.input + sizes_.aux + (is_diagonal_ ? 1 : sizes_.outputs)) *
                              (kLstmGates - first_gate_) +
                          static_cast<double>(projection_.n) * projection_.k;
  static constexpr const char* kNames[] = {"f32_lstm", "f32_i8_lstm", "i8_lstm"};
  context.choose(kNames[static_cast<int>(sizes_.arithmetic)],
                 2.0 * products * sequence.batch * sequence.steps);
  packed_request_ = scratch_request_ + 1;
  return packed_.prepare(context, sources, bytes, true,
                         [&](uint8_t* to) { pack(context, to); });
}

void LstmLayer::prepare_float_cell() {
  cell_ = {};
  cell_.cells = sizes_.cells;
  cell_.is_coupled = first_gate_ != kInputGate;
  cell_.clip = settings_.cell_clip;
  const RecurrentActivation activation(settings_.activation);
  cell_.activation = activation.function;
  cell_.activation_parameters = activation.parameters;
}

Status LstmLayer::prepare_integer_cell(const OpContext& context) {
  I16LstmCell& cell = integer_cell_;
  cell = {};
  cell.cells = sizes_.cells;
  cell.is_coupled = first_gate_ != kInputGate;
  const size_t count = context.intermediates().size();
  if (count != 5 && count != 12) {
    return bad_input("has " + std::to_string(count) +
                     " intermediate tensors; an integer LSTM has 5 or 12");
  }
  cell.in_float = count == 12;
  if (cell.in_float && (!has_layer_norm_ || !projection_.exists())) {
    return unsupported("an 8x8_8 LSTM without layer norm or projection");
  }
  const auto intermediate = [&](size_t index) -> Result<Affine> {
    const Operand* operand = context.intermediates()[index];
    const std::string role = "intermediate " + std::to_string(index);
    if (operand == nullptr) return bad_input(role + " is absent");
    return affine_of(*operand, role);
  };
  ZEOLITE_ASSIGN(const Affine input, input_affine(context, roles_.input));
  ZEOLITE_ASSIGN(const Affine state, input_affine(context, roles_.output_state));
  ZEOLITE_ASSIGN(const Affine cell_state, input_affine(context, roles_.cell_state));
  ZEOLITE_ASSIGN(const Affine output, output_affine(context, 0));

  const float exponent = std::log2(cell_state.scale);
  if (std::abs(exponent - std::round(exponent)) >= 1e-3f) {
    return unsupported("a cell state whose scale is not a power of two");
  }
  cell.cell_exponent = static_cast<int>(std::round(exponent));
  if (cell.cell_exponent < -15 || cell.cell_exponent > -9) {
    return unsupported("a cell state whose scale is not between 2^-15 and 2^-9");
  }
  if (cell.in_float && cell.cell_exponent != -15) {
    return unsupported("an 8x8_8 LSTM whose cell state's scale is not 2^-15");
  }
  if (settings_.cell_clip > 0 && (!cell.in_float || settings_.cell_clip < 1)) {
    cell.clip = static_cast<int16_t>(
        std::clamp(settings_.cell_clip / cell_state.scale, -32768.0f, 32767.0f));
  }
  integer_proj_clip_ = 0;
  if (settings_.proj_clip > 0) {
    integer_proj_clip_ =
        static_cast<int8_t>(std::clamp(settings_.proj_clip / output.scale, -128.0f, 127.0f));
  }

  for (int gate = first_gate_; gate < kLstmGates; ++gate) {
    I16LstmGate& part = cell.gates[gate];
    // What the sums of the input's and the state's products are stored with, and their sum.
    float input_scale = 1.0f / 4096;
    float recurrent_scale = input_scale;
    float gate_scale = input_scale;
    if (cell.in_float) {
      ZEOLITE_ASSIGN(const Affine whole, intermediate(3 * gate));
      ZEOLITE_ASSIGN(const Affine from_input, intermediate(3 * gate + 1));
      ZEOLITE_ASSIGN(const Affine from_state, intermediate(3 * gate + 2));
      gate_scale = whole.scale;
      input_scale = from_input.scale;
      recurrent_scale = from_state.scale;
      input_sums_[gate] = {from_input.zero_point, fixed_point_factor(input_scale / gate_scale)};
      recurrent_sums_[gate] = {from_state.zero_point,
                               fixed_point_factor(recurrent_scale / gate_scale)};
    } else if (has_layer_norm_) {
      ZEOLITE_ASSIGN(const Affine whole, intermediate(gate));
      gate_scale = input_scale = recurrent_scale = whole.scale;
    }
    part.input = fixed_point_factor(input_[gate].scale * input.scale / input_scale);
    part.recurrent = fixed_point_factor(recurrent_[gate].scale * state.scale / recurrent_scale);
    // The cell gate has no peephole, so that the output's is the third.
    const size_t peephole = roles_.peephole + (gate == kOutputGate ? 2 : gate);
    if (!cell.in_float && gate != kCellGate && context.has_input(peephole)) {
      part.peephole = fixed_point_factor(static_cast<float>(
          std::ldexp(1.0, cell.cell_exponent) * scale_of(context.input(peephole)) / gate_scale));
    }
    if (has_layer_norm_) {
      const float scale = scale_of(context.input(roles_.layer_norm + gate));
      part.layer_norm_scale = fixed_point_factor(scale);
      part.variance_guard =
          std::max(1, static_cast<int32_t>(std::min(10000 * scale, 2147483520.0f)));
    }
  }
  if (cell.in_float) {
    projection_factor_ = fixed_point_factor(
        static_cast<float>(projection_.scale * std::ldexp(1.0, -15) / state.scale));
    hidden_zero_point_ = 0;
    return {};
  }
  ZEOLITE_ASSIGN(const Affine hidden, intermediate(4));
  hidden_zero_point_ = hidden.zero_point;
  hidden_factor_ = fixed_point_factor(
      static_cast<float>(std::ldexp(1.0, -15) / hidden.scale * std::ldexp(1.0, -15)));
  projection_factor_ = fixed_point_factor(projection_.scale * hidden.scale / state.scale);
  return {};
}

void LstmLayer::pack(const OpContext& context, uint8_t* to) const {
  const bool is_float = sizes_.arithmetic == LstmArithmetic::kFloat;
  const auto pack_one = [&](const WeightMatrix& matrix, const float* bias) {
    if (!is_float) {
      matrix.pack(context, to);
    } else if (matrix.exists() && is_packed_float(matrix)) {
      f32_gemm_pack(matrix.n, matrix.k,
                    reinterpret_cast<const float*>(context.input(matrix.input).data), matrix.k, 1,
                    bias, reinterpret_cast<float*>(to + matrix.offset));
    }
  };
  for (int gate = first_gate_; gate < kLstmGates; ++gate) {
    const float* bias =
        is_float && !has_layer_norm_ ? data_or_null<float>(context, roles_.bias + gate) : nullptr;
    pack_one(input_[gate], bias);
    pack_one(aux_[gate], nullptr);
    if (!is_diagonal_) pack_one(recurrent_[gate], nullptr);
  }
  pack_one(projection_, nullptr);
  if (is_float) return;
  if (sizes_.arithmetic == LstmArithmetic::kHybrid) {
    for (int gate : {kInputGate, kForgetGate, kOutputGate}) {
      const size_t index = roles_.peephole + (gate == kOutputGate ? 2 : gate);
      if (!context.has_input(index)) continue;
      const float scale = scale_of(context.input(index));
      const auto* weights = reinterpret_cast<const int8_t*>(context.input(index).data);
      auto* real = reinterpret_cast<float*>(to + peephole_offset_) + gate * sizes_.cells;
      for (int32_t i = 0; i < sizes_.cells; ++i) real[i] = scale * weights[i];
    }
    return;
  }
  // The zero points' part of each sum, with the bias where it is not the layer norm's.
  const auto constant_part = [&](const WeightMatrix& matrix, int32_t zero_point,
                                 const int32_t* bias, int32_t* part) {
    const I8Matrix view = matrix.view(to);
    for (int64_t i = 0; i < matrix.n; ++i) {
      part[i] = wrapping_add(bias != nullptr ? bias[i] : 0,
                             wrapping_mul(zero_point, view.row_sums[i]));
    }
  };
  auto* part = reinterpret_cast<int32_t*>(to + integer_bias_offset_);
  for (int gate = 0; gate < kLstmGates; ++gate, part += 2 * sizes_.cells) {
    if (gate < first_gate_) continue;
    const int32_t* bias =
        has_layer_norm_ ? nullptr : data_or_null<int32_t>(context, roles_.bias + gate);
    constant_part(input_[gate], -zero_point_of(context.input(roles_.input)), bias, part);
    constant_part(recurrent_[gate], -zero_point_of(context.input(roles_.output_state)),
                  nullptr, part + sizes_.cells);
  }
  if (projection_.exists()) {
    constant_part(projection_, hidden_zero_point_,
                  data_or_null<int32_t>(context, roles_.projection_bias), part);
  }
}

}  // namespace zeolite
