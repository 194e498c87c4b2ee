// LSTM (1 to 4), full kernel: one step of kernels/lstm_cell.h for each batch entry.
//   0 input [B, I]                          1 to 4 input weights [C, I]: input (optional: coupled
//   5 to 8 recurrent weights [C, O]           gates without it), forget, cell and output gate
//   9 to 11 peephole weights [C], optional  12 to 15 biases [C]
//   16 projection [O, C], optional          17 its bias [O], optional
//   18 output state [B, O], 19 cell state [B, C]: variables
//   20 to 23 layer norm coefficients [C], optional, absent from files of 20 inputs
//   output [B, O]
// UNIDIRECTIONAL_SEQUENCE_LSTM (1 to 4): the same for each time step of input [T, B, I]
// (time_major)
// or [B, T, I].
// Types: lstm_layer.h. Integer ones have 5 intermediate tensors (8x8_16) or 12 (8x8_8).
//
// LSTM, basic kernel: one matrix of weights over input and last output.
//   input [B, I], last output [B, C], weights [4 C, I + C] (input, cell, forget and output gate),
//   bias [4 C], last cell state [B, C]
//   output [B, C], cell state [B, C], input and last output joined [B, I + C], gates [B, 4 C]
// Float32, or uint8 with a bias of int32, states and gates of int16 (3 integer bits; the cell
// state's scale is 2^-11). Where the last output and state are variables they become the new ones.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/kernels/f32_matmul.h"
#include "core/kernels/fixed_point.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/lstm_layer.h"
#include "core/ops/quantization.h"

namespace zeolite {
namespace {

struct State : OpState {
  LstmLayer layer;
};

LstmSettings settings_of(const OpContext& context) {
  if (context.code() == BuiltinOperator::kLstm) {
    const auto& options = context.options<LSTMOptions>();
    return {options.fused_activation_function, options.cell_clip, options.proj_clip,
            options.asymmetric_quantize_inputs, false};
  }
  const auto& options = context.options<UnidirectionalSequenceLSTMOptions>();
  return {options.fused_activation_function, options.cell_clip, options.proj_clip,
          options.asymmetric_quantize_inputs, options.diagonal_recurrent_tensors};
}

// The sequence that the input's shape says; one step where the input has no time.
RecurrentSequence sequence_of(const OpContext& context) {
  const bool is_sequence = context.code() == BuiltinOperator::kUnidirectionalSequenceLstm;
  return {context.input(0).shape,
          !is_sequence || context.options<UnidirectionalSequenceLSTMOptions>().time_major};
}

bool is_basic(const OpContext& context) {
  return context.code() == BuiltinOperator::kLstm &&
         context.options<LSTMOptions>().kernel_type == LSTMKernelType::kBasic;
}

Status infer_basic(InferContext& context) {
  if (context.input_count() != 5 || context.output_count() != 4) {
    return bad_input("the basic kernel has 5 inputs and 4 outputs");
  }
  for (size_t index : {0, 1, 2, 4}) ZEOLITE_TRY(require_rank(context, index, 2));
  ZEOLITE_TRY(require_rank(context, 3, 1));
  const TensorType type = context.input(0).type;
  const bool is_float = type == TensorType::kFloat32;
  const TensorType state_type = is_float ? type : TensorType::kInt16;
  ZEOLITE_TRY(require_same_type(context, 1, 0));
  ZEOLITE_TRY(require_same_type(context, 2, 0));
  if (context.input(3).type != (is_float ? type : TensorType::kInt32) ||
      context.input(4).type != state_type) {
    return bad_input("its bias and state do not fit inputs of " +
                     std::string(tensor_type_name(type)));
  }
  const int32_t batch = context.input(0).shape[0];
  const int32_t depth = context.input(0).shape[1];
  const int32_t cells = context.input(1).shape[1];
  int32_t total = kFree;
  int32_t gates = kFree;
  if (cells >= 0 && depth >= 0 && (__builtin_add_overflow(depth, cells, &total) ||
                                   __builtin_mul_overflow(4, cells, &gates))) {
    return bad_input("too many cells");
  }
  ZEOLITE_TRY(require_size(context, 1, 0, batch, "batch entries"));
  ZEOLITE_TRY(require_size(context, 2, 0, gates, "rows"));
  ZEOLITE_TRY(require_size(context, 2, 1, total, "columns"));
  ZEOLITE_TRY(require_size(context, 3, 0, gates, "elements"));
  ZEOLITE_TRY(require_size(context, 4, 0, batch, "batch entries"));
  ZEOLITE_TRY(require_size(context, 4, 1, cells, "cells"));
  if (!is_float) {
    ZEOLITE_ASSIGN(const Affine state, output_affine(context, 1));
    if (std::abs(std::log2(state.scale) + 11) >= 1e-3f) {
      return unsupported("a cell state whose scale is not 2^-11");
    }
    const Quantization* bias = context.input(3).quantization;
    if (bias == nullptr || bias->scale.size() != 1) return bad_input("its bias has no scale");
  }
  ZEOLITE_TRY(context.set_output(0, type, context.input(1).shape));
  ZEOLITE_TRY(context.set_output(1, state_type, context.input(4).shape));
  ZEOLITE_TRY(context.set_output(2, type, {batch, total}));
  return context.set_output(3, state_type, {batch, gates});
}

Status infer(InferContext& context) {
  if (is_basic(context)) return infer_basic(context);
  const bool is_sequence = context.code() == BuiltinOperator::kUnidirectionalSequenceLstm;
  if (context.input_count() != 20 && context.input_count() != 24) {
    return bad_input("has " + std::to_string(context.input_count()) +
                     " inputs, expected 20 or 24");
  }
  if (context.output_count() != 1) return bad_input("expected one output");
  ZEOLITE_TRY(require_rank(context, 0, is_sequence ? 3 : 2));
  const Operand& input = context.input(0);
  ZEOLITE_ASSIGN(const LstmSizes sizes,
                 check_lstm(context, {}, settings_of(context),
                            static_cast<int32_t>(sequence_of(context).batch)));
  Shape shape = input.shape;
  shape.back() = sizes.outputs;
  return context.set_output(0, input.type, std::move(shape));
}

Status prepare(PrepareContext& context) {
  if (is_basic(context)) return {};
  RecurrentSequence sequence = sequence_of(context);
  sequence.output_stride = context.output(0).shape.back();
  return context.state<State>().layer.prepare(context, {}, settings_of(context), sequence);
}

void eval_basic_float(EvalContext& context, int64_t batch, int64_t total, int64_t cells) {
  const float* joined = context.out<float>(2);
  float* const gates = context.out<float>(3);
  f32_gemv_rows(batch, 4 * cells, total, joined, total, context.in<float>(2), total,
                context.in<float>(3), gates, 4 * cells, kNoClamp, context.threads());
  for (int64_t b = 0; b < batch; ++b) {
    const float* gate = gates + b * 4 * cells;
    const float* last = context.in<float>(4) + b * cells;
    for (int64_t i = 0; i < cells; ++i) {
      const auto logistic = [](float x) { return 1.0f / (1.0f + std::exp(-x)); };
      const float state = logistic(gate[i]) * std::tanh(gate[cells + i]) +
                          logistic(gate[2 * cells + i]) * last[i];
      context.out<float>(1)[b * cells + i] = state;
      context.out<float>(0)[b * cells + i] = logistic(gate[3 * cells + i]) * std::tanh(state);
    }
  }
}

void eval_basic_integer(EvalContext& context, int64_t batch, int64_t total, int64_t cells) {
  constexpr int kStateBits = 4;
  const uint8_t* joined = context.out<uint8_t>(2);
  const uint8_t* weights = context.in<uint8_t>(2);
  const auto zero_point = static_cast<int32_t>(zero_point_of(context.input(2)));
  const FixedPointFactor factor =
      fixed_point_factor(4096.0 * context.input(3).quantization->scale[0]);
  int16_t* const gates = context.out<int16_t>(3);
  for (int64_t b = 0; b < batch; ++b, joined += total) {
    for (int64_t i = 0; i < 4 * cells; ++i) {
      int32_t sum = context.in<int32_t>(3)[i];
      for (int64_t k = 0; k < total; ++k) {
        sum = wrapping_add(sum, (joined[k] - 128) * (weights[i * total + k] - zero_point));
      }
      gates[b * 4 * cells + i] = saturate_i16(scale_sum_by(sum, factor));
    }
    const int16_t* gate = gates + b * 4 * cells;
    for (int64_t i = 0; i < cells; ++i) {
      const int16_t added =
          rounding_high_mul_16(fixed_logistic(gate[i]), fixed_tanh(gate[cells + i], 3));
      const int16_t kept = rounding_high_mul_16(fixed_logistic(gate[2 * cells + i]),
                                                context.in<int16_t>(4)[b * cells + i]);
      const int16_t state = saturate_i16(rounding_shift_right(added, kStateBits) + kept);
      context.out<int16_t>(1)[b * cells + i] = state;
      const int16_t output =
          rounding_high_mul_16(fixed_logistic(gate[3 * cells + i]), fixed_tanh(state, kStateBits));
      context.out<uint8_t>(0)[b * cells + i] =
          static_cast<uint8_t>(128 + saturate_i8(rounding_shift_right(output, 8)));
    }
  }
}

Status eval_basic(EvalContext& context) {
  const int64_t batch = context.input(0).shape[0];
  const int64_t depth = context.input(0).shape[1];
  const int64_t cells = context.input(1).shape[1];
  const int64_t total = depth + cells;
  const bool is_float = context.input(0).type == TensorType::kFloat32;
  const int64_t width = is_float ? sizeof(float) : 1;
  for (int64_t b = 0; b < batch; ++b) {
    uint8_t* to = context.out<uint8_t>(2) + b * total * width;
    std::copy_n(context.in<uint8_t>(0) + b * depth * width, depth * width, to);
    std::copy_n(context.in<uint8_t>(1) + b * cells * width, cells * width, to + depth * width);
  }
  if (is_float) {
    eval_basic_float(context, batch, total, cells);
  } else {
    eval_basic_integer(context, batch, total, cells);
  }
  for (const auto& [input, output] : {std::pair{1, 0}, std::pair{4, 1}}) {
    const Operand& state = context.input(input);
    if (state.is_variable && state.writable != nullptr) {
      std::copy_n(context.output(output).data, context.output(output).bytes, state.writable);
    }
  }
  return {};
}

Status eval(EvalContext& context) {
  if (is_basic(context)) return eval_basic(context);
  context.state<State>().layer.eval(context, context.out<uint8_t>(0));
  return {};
}

}  // namespace

const OpKernel kLstmOp = {infer, prepare, eval};

}  // namespace zeolite
