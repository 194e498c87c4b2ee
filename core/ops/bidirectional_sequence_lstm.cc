// BIDIRECTIONAL_SEQUENCE_LSTM (1 to 3): two layers of lstm_layer.h, one forward and one backward in
// time.
//   0 input [T, B, I] (time_major) or [B, T, I]
//   1 to 17 the forward layer's weights, as LSTM has them, 18 to 34 the backward one's
//   35, 36 output and cell state forward, 37, 38 backward: variables
//   39 auxiliary input [.., A], 40 to 43 its weights forward, 44 to 47 backward: may be absent. An
//   auxiliary input without weights is the backward layer's input.
//   output forward [.., O], output backward [.., P]; with merge_outputs one of [.., O + P]
// Float32, or with weights of int8.
#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/lstm_layer.h"

namespace zeolite {
namespace {

constexpr size_t kAuxInput = 39;

struct State : OpState {
  LstmLayer forward;
  LstmLayer backward;
};

LstmRoles roles_of(const OpContext& context, bool backward) {
  LstmRoles roles;
  roles.layer_norm = kNoInput;
  roles.output_state = backward ? 37 : 35;
  roles.cell_state = backward ? 38 : 36;
  if (backward) {
    for (size_t* role : {&roles.input_weights, &roles.recurrent_weights, &roles.peephole,
                         &roles.bias, &roles.projection, &roles.projection_bias}) {
      *role += 17;
    }
  }
  if (!context.has_input(kAuxInput)) return roles;
  if (context.has_input(kAuxInput + 1 + kForgetGate)) {
    roles.aux_input = kAuxInput;
    roles.aux_weights = kAuxInput + (backward ? 5 : 1);
  } else if (backward) {
    roles.input = kAuxInput;
  }
  return roles;
}

LstmSettings settings_of(const OpContext& context) {
  const auto& options = context.options<BidirectionalSequenceLSTMOptions>();
  return {options.fused_activation_function, options.cell_clip, options.proj_clip,
          options.asymmetric_quantize_inputs, false};
}

Status infer(InferContext& context) {
  const auto& options = context.options<BidirectionalSequenceLSTMOptions>();
  if (context.input_count() != 48) {
    return bad_input("has " + std::to_string(context.input_count()) + " inputs, expected 48");
  }
  const size_t outputs = options.merge_outputs ? 1 : 2;
  if (context.output_count() != outputs) {
    return bad_input("has " + std::to_string(context.output_count()) + " outputs, expected " +
                     std::to_string(outputs));
  }
  ZEOLITE_TRY(require_rank(context, 0, 3));
  const Shape& input = context.input(0).shape;
  if (context.has_input(kAuxInput)) {
    ZEOLITE_TRY(require_rank(context, kAuxInput, 3));
    ZEOLITE_TRY(require_size(context, kAuxInput, 0, input[0], "rows"));
    ZEOLITE_TRY(require_size(context, kAuxInput, 1, input[1], "rows"));
  }
  const int32_t batch = input[options.time_major ? 1 : 0];
  ZEOLITE_ASSIGN(const LstmSizes forward,
                 check_lstm(context, roles_of(context, false), settings_of(context), batch));
  ZEOLITE_ASSIGN(const LstmSizes backward,
                 check_lstm(context, roles_of(context, true), settings_of(context), batch));
  Shape shape = input;
  shape.back() = forward.outputs;
  if (options.merge_outputs) {
    if (forward.outputs < 0 || backward.outputs < 0) {
      shape.back() = kFree;
    } else if (__builtin_add_overflow(forward.outputs, backward.outputs, &shape.back())) {
      return bad_input("too many cells");
    }
  } else {
    Shape other = input;
    other.back() = backward.outputs;
    ZEOLITE_TRY(context.set_output(1, TensorType::kFloat32, std::move(other)));
  }
  return context.set_output(0, TensorType::kFloat32, std::move(shape));
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const auto& options = context.options<BidirectionalSequenceLSTMOptions>();
  const LstmRoles roles = roles_of(context, false);
  RecurrentSequence sequence(context.input(0).shape, options.time_major);
  sequence.output_stride = context.output(0).shape.back();
  ZEOLITE_TRY(state.forward.prepare(context, roles, settings_of(context), sequence));
  sequence.backward = true;
  if (options.merge_outputs) {
    sequence.output_offset = context.input(roles.recurrent_weights + kOutputGate).shape.back();
  } else {
    sequence.output_stride = context.output(1).shape.back();
  }
  return state.backward.prepare(context, roles_of(context, true), settings_of(context), sequence);
}

Status eval(EvalContext& context) {
  State& state = context.state<State>();
  state.forward.eval(context, context.out<uint8_t>(0));
  state.backward.eval(context, context.out<uint8_t>(context.output_count() - 1));
  return {};
}

}  // namespace

const OpKernel kBidirectionalSequenceLstmOp = {infer, prepare, eval};

}  // namespace zeolite
