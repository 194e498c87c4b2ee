// RNN (1 to 3): h = activation(x . W + h . R + bias), h being state.
//   input [B, I], W [N, I], R [N, N], bias [N], h [B, N], a variable    output [B, N]
// UNIDIRECTIONAL_SEQUENCE_RNN (1 to 3): the same for each step of an input [T, B, I] (time_major)
// or [B, T, I].
// BIDIRECTIONAL_SEQUENCE_RNN (1 to 3): two such, one forward and one backward in time.
//   input, then W, R, bias, h forward, the same backward; auxiliary input, and its weights [N, A]
//   forward and backward: all three may be absent. An auxiliary input without weights is the
//   backward one's input.
//   output forward [.., N], output backward [.., M]; with merge_outputs one of [.., N + M]
// Float32, or with weights of int8 (in uint8 tensors of old files too), for which input and state
// are quantized row by row.
#include "core/ops/kernels.h"
#include "core/ops/packed_weights.h"
#include "core/ops/quantization.h"
#include "core/ops/recurrent_sequence.h"
#include "core/ops/weight_matrix.h"

namespace zeolite {
namespace {

// Rows that are quantized at once.
constexpr int64_t kChunkRows = 96;

struct Roles {
  size_t input = 0;
  size_t weights = 1;
  size_t recurrent = 2;
  size_t bias = 3;
  size_t state = 4;
  size_t aux_input = kNoInput;
  size_t aux_weights = kNoInput;
};

struct Settings {
  ActivationFunctionType activation;
  bool asymmetric_quantize_inputs;
  bool time_major = true;
  bool merge_outputs = false;
};

Settings settings_of(const OpContext& context) {
  if (context.code() == BuiltinOperator::kRnn) {
    const auto& options = context.options<RNNOptions>();
    return {options.fused_activation_function, options.asymmetric_quantize_inputs};
  }
  if (context.code() == BuiltinOperator::kUnidirectionalSequenceRnn) {
    const auto& options = context.options<SequenceRNNOptions>();
    return {options.fused_activation_function, options.asymmetric_quantize_inputs,
            options.time_major};
  }
  const auto& options = context.options<BidirectionalSequenceRNNOptions>();
  return {options.fused_activation_function, options.asymmetric_quantize_inputs,
          options.time_major, options.merge_outputs};
}

bool is_bidirectional(const OpContext& context) {
  return context.code() == BuiltinOperator::kBidirectionalSequenceRnn;
}

// The layer's tensors; direction 1 is the backward one.
Roles roles_of(const OpContext& context, int direction) {
  if (!is_bidirectional(context)) return {};
  const size_t first = 1 + 4 * direction;
  Roles roles = {0, first, first + 1, first + 2, first + 3};
  if (!context.has_input(9)) return roles;
  if (context.has_input(10)) {
    roles.aux_input = 9;
    roles.aux_weights = 10 + direction;
  } else if (direction == 1) {
    roles.input = 9;
  }
  return roles;
}

Status check_matrix(const OpContext& context, size_t index, int32_t rows, int32_t columns,
                    TensorType type) {
  if (!context.has_input(index)) {
    return bad_input("input " + std::to_string(index) + ", of weights, is absent");
  }
  ZEOLITE_TRY(require_rank(context, index, 2));
  ZEOLITE_TRY(require_size(context, index, 0, rows, "rows"));
  ZEOLITE_TRY(require_size(context, index, 1, columns, "columns"));
  if (context.input(index).type != type) {
    return bad_input(input_text(context, index) + ": its weights must have one type");
  }
  return type == TensorType::kFloat32 ? Status() : input_affine(context, index).take_status();
}

// Checks one direction and gives its units.
Result<int32_t> check(const OpContext& context, const Roles& roles, int rank, int32_t batch) {
  ZEOLITE_TRY(require_rank(context, roles.input, rank));
  ZEOLITE_TRY(require_rank(context, roles.weights, 2));
  ZEOLITE_TRY(require_rank(context, roles.bias, 1));
  const Operand& weights = context.input(roles.weights);
  const int32_t units = weights.shape[0];
  ZEOLITE_TRY(check_matrix(context, roles.weights, units,
                           context.input(roles.input).shape.back(), weights.type));
  ZEOLITE_TRY(check_matrix(context, roles.recurrent, units, units, weights.type));
  ZEOLITE_TRY(require_size(context, roles.bias, 0, units, "elements"));
  ZEOLITE_TRY(
      require_state(context, roles.state, TensorType::kFloat32, batch, units, "hidden state"));
  if (roles.aux_input != kNoInput) {
    ZEOLITE_TRY(check_matrix(context, roles.aux_weights, units,
                             context.input(roles.aux_input).shape.back(), weights.type));
  }
  return units;
}

// The inputs of both directions have the same times and batch.
Status check_same_rows(const OpContext& context, size_t index) {
  ZEOLITE_TRY(require_rank(context, index, 3));
  ZEOLITE_TRY(require_size(context, index, 0, context.input(0).shape[0], "rows"));
  return require_size(context, index, 1, context.input(0).shape[1], "rows");
}

Status infer(InferContext& context) {
  const Settings settings = settings_of(context);
  if (!RecurrentActivation::is_supported(settings.activation)) {
    return unsupported("its activation function");
  }
  const int rank = context.code() == BuiltinOperator::kRnn ? 2 : 3;
  ZEOLITE_TRY(require_rank(context, 0, rank));
  const Shape& input = context.input(0).shape;
  const int32_t batch = rank == 2 || !settings.time_major ? input[0] : input[1];
  if (is_bidirectional(context) && context.has_input(9)) {
    ZEOLITE_TRY(check_same_rows(context, 9));
  }
  const size_t outputs = is_bidirectional(context) && !settings.merge_outputs ? 2 : 1;
  if (context.output_count() != outputs) {
    return bad_input("has " + std::to_string(context.output_count()) + " outputs, expected " +
                     std::to_string(outputs));
  }
  ZEOLITE_ASSIGN(int32_t units, check(context, roles_of(context, 0), rank, batch));
  Shape shape = input;
  if (is_bidirectional(context)) {
    ZEOLITE_ASSIGN(const int32_t backward, check(context, roles_of(context, 1), rank, batch));
    if (outputs == 2) {
      shape.back() = backward;
      ZEOLITE_TRY(context.set_output(1, TensorType::kFloat32, shape));
    } else if (units < 0 || backward < 0) {
      units = kFree;
    } else if (__builtin_add_overflow(units, backward, &units)) {
      return bad_input("too many units");
    }
  }
  shape.back() = units;
  return context.set_output(0, TensorType::kFloat32, std::move(shape));
}

// One direction.
class Layer {
 public:
  Status prepare(PrepareContext& context, const Roles& roles, const Settings& settings,
                 const RecurrentSequence& sequence) {
    roles_ = roles;
    sequence_ = sequence;
    activation_ = RecurrentActivation(settings.activation);
    products_.asymmetric = settings.asymmetric_quantize_inputs;
    units_ = context.input(roles.weights).shape[0];
    chunk_ = std::clamp<int64_t>(kChunkRows / std::max<int64_t>(sequence.batch, 1), 1,
                                 std::max<int64_t>(sequence.steps, 1));
    const int64_t columns = context.input(roles.input).shape.back();
    input_ = weight_matrix(context, roles.weights, units_, columns);
    recurrent_ = weight_matrix(context, roles.recurrent, units_, units_);
    aux_ = {};
    if (roles.aux_input != kNoInput) {
      aux_ = weight_matrix(context, roles.aux_weights, units_,
                           context.input(roles.aux_input).shape.back());
    }
    uint64_t bytes = 0;
    for (WeightMatrix* matrix : {&input_, &recurrent_, &aux_}) {
      matrix->offset = bytes;
      bytes += matrix->packed_bytes();
    }
    longest_ = std::max({columns, units_, aux_.k});
    scratch_request_ = context.request_scratch(
        ProductMemory().place(nullptr, rows(), longest_, units_));
    context.choose(input_.is_int8 ? "f32_i8_rnn" : "f32_rnn",
                   2.0 * static_cast<double>(units_) * (columns + units_ + aux_.k) *
                       sequence.batch * sequence.steps);
    const size_t sources[] = {input_.input, recurrent_.input, aux_.input};
    return packed_.prepare(context, sources, bytes, true,
                           [&](uint8_t* to) { pack(context, to); });
  }

  void eval(EvalContext& context, float* output) {
    if (sequence_.batch == 0 || sequence_.steps == 0) return;
    products_.place(context.scratch(scratch_request_), rows(), longest_, units_);
    products_.pool = context.threads();
    products_.packed =
        packed_.get(context, scratch_request_ + 1, [&](uint8_t* to) { pack(context, to); });
    auto* const state = reinterpret_cast<float*>(context.input(roles_.state).writable);
    const float* const bias = context.in<float>(roles_.bias);
    const int64_t stride = sequence_.output_stride;
    output += sequence_.output_offset;
    // The output's own rows hold the sums until their step.
    const auto fill = [&](int64_t first, int64_t count, int64_t) {
      float* const to = output + first * stride;
      for (int64_t row = 0; row < count; ++row) std::copy_n(bias, units_, to + row * stride);
      multiply(context, input_, count, context.in<float>(roles_.input) + first * input_.k, to,
               stride);
      if (aux_.exists()) {
        multiply(context, aux_, count, context.in<float>(roles_.aux_input) + first * aux_.k, to,
                 stride);
      }
    };
    const auto step = [&](int64_t time, int64_t, int64_t) {
      float* const to = output + sequence_.row(0, time) * stride;
      const int64_t batch_stride = sequence_.batch_step() * stride;
      multiply(context, recurrent_, sequence_.batch, state, to, batch_stride);
      for (int64_t b = 0; b < sequence_.batch; ++b) {
        float* const row = to + b * batch_stride;
        activation_.apply(row, row, units_);
        std::copy_n(row, units_, state + b * units_);
      }
    };
    sequence_.run(chunk_, fill, step);
  }

 private:
  uint64_t rows() const { return static_cast<uint64_t>(chunk_) * sequence_.batch; }
  void pack(const OpContext& context, uint8_t* to) const {
    for (const WeightMatrix* matrix : {&input_, &recurrent_, &aux_}) matrix->pack(context, to);
  }
  void multiply(const EvalContext& context, const WeightMatrix& matrix, int64_t count,
                const float* x, float* out, int64_t out_stride) {
    quantize_for(matrix, products_, count, x);
    accumulate_product(context, matrix, products_, count, x, out, out_stride);
  }

  Roles roles_;
  RecurrentSequence sequence_;
  RecurrentActivation activation_;
  int64_t units_ = 0;
  int64_t chunk_ = 1;
  int64_t longest_ = 0;
  WeightMatrix input_;
  WeightMatrix recurrent_;
  WeightMatrix aux_;
  ProductMemory products_;
  PackedWeights packed_;
  size_t scratch_request_ = 0;
};

struct State : OpState {
  Layer forward;
  Layer backward;
};

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const Settings settings = settings_of(context);
  const Roles roles = roles_of(context, 0);
  RecurrentSequence sequence(context.input(0).shape, settings.time_major);
  sequence.output_stride = context.output(0).shape.back();
  ZEOLITE_TRY(state.forward.prepare(context, roles, settings, sequence));
  if (!is_bidirectional(context)) return {};
  sequence.backward = true;
  if (settings.merge_outputs) {
    sequence.output_offset = context.input(roles.weights).shape[0];
  } else {
    sequence.output_stride = context.output(1).shape.back();
  }
  return state.backward.prepare(context, roles_of(context, 1), settings, sequence);
}

Status eval(EvalContext& context) {
  State& state = context.state<State>();
  state.forward.eval(context, context.out<float>(0));
  if (is_bidirectional(context)) {
    state.backward.eval(context, context.out<float>(context.output_count() - 1));
  }
  return {};
}

}  // namespace

const OpKernel kRnnOp = {infer, prepare, eval};

}  // namespace zeolite
