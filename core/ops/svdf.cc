// SVDF (1 to 4): a layer of filters over the last M inputs, each of rank 1 (a product of a feature
// and a time vector); `rank` filters make a unit.
//   input [B, I], feature weights [F, I], time weights [F, M], bias [U] (may be absent) with
//   U = F / rank
//   state [B, F, M] as [B, F * M], a variable: of each filter the last M features, the newest last
//   output [B, U] = activation(bias + sum over a unit's filters and M of state * time weights)
// Float32; hybrid (int8 weights, in uint8 tensors of old files too: the input is quantized row by
// row); integer: int8 with time weights and state of int16 and a bias of int32, and RELU, which the
// output's zero point does.
#include <cstring>

#include "core/kernels/fixed_point.h"
#include "core/ops/kernels.h"
#include "core/ops/packed_weights.h"
#include "core/ops/quantization.h"
#include "core/ops/recurrent_sequence.h"
#include "core/ops/weight_matrix.h"

namespace zeolite {
namespace {

enum Input { kData, kFeatureWeights, kTimeWeights, kBias, kStateInput };

struct State : OpState {
  WeightMatrix features;
  uint64_t time_weights_offset = 0;  // Hybrid: as float32.
  ProductMemory products;
  PackedWeights packed;
  FixedPointFactor to_state;
  FixedPointFactor to_output;
  int32_t output_zero_point = 0;
};

bool is_integer(const OpContext& context) {
  return context.input(kData).type == TensorType::kInt8;
}

Status infer(InferContext& context) {
  const auto& options = context.options<SVDFOptions>();
  ZEOLITE_TRY(require_rank(context, kData, 2));
  ZEOLITE_TRY(require_rank(context, kFeatureWeights, 2));
  ZEOLITE_TRY(require_rank(context, kTimeWeights, 2));
  const int32_t batch = context.input(kData).shape[0];
  const int32_t filters = context.input(kFeatureWeights).shape[0];
  const int32_t memory = context.input(kTimeWeights).shape[1];
  if (options.rank <= 0 || (filters >= 0 && filters % options.rank != 0)) {
    return bad_input(std::to_string(filters) + " filters are no multiple of the rank " +
                     std::to_string(options.rank));
  }
  if (!RecurrentActivation::is_supported(options.fused_activation_function)) {
    return unsupported("its activation function");
  }
  ZEOLITE_TRY(
      require_size(context, kFeatureWeights, 1, context.input(kData).shape[1], "columns"));
  ZEOLITE_TRY(require_size(context, kTimeWeights, 0, filters, "filters"));
  const int32_t units = filters < 0 ? kFree : filters / options.rank;
  if (context.has_input(kBias)) {
    ZEOLITE_TRY(require_rank(context, kBias, 1));
    ZEOLITE_TRY(require_size(context, kBias, 0, units, "elements"));
  }
  int32_t state = kFree;
  if (filters >= 0 && memory >= 0 && __builtin_mul_overflow(filters, memory, &state)) {
    return bad_input("its state is too large");
  }
  const TensorType type = context.input(kData).type;
  ZEOLITE_TRY(require_state(context, kStateInput,
                            is_integer(context) ? TensorType::kInt16 : TensorType::kFloat32, batch,
                            state, "state"));
  if (is_integer(context)) {
    if (options.fused_activation_function != ActivationFunctionType::kRelu) {
      return unsupported("an integer SVDF with another activation than RELU");
    }
    for (size_t index : {kData, kFeatureWeights, kTimeWeights, kStateInput}) {
      ZEOLITE_TRY(input_affine(context, index).take_status());
    }
    ZEOLITE_TRY(output_affine(context, 0).take_status());
  } else if (context.input(kFeatureWeights).type != TensorType::kFloat32) {
    ZEOLITE_TRY(input_affine(context, kFeatureWeights).take_status());
    ZEOLITE_TRY(input_affine(context, kTimeWeights).take_status());
  }
  return context.set_output(0, type, {batch, units});
}

void pack(const OpContext& context, const State& state, uint8_t* to) {
  state.features.pack(context, to);
  if (is_integer(context) || !state.features.is_int8) return;
  const Operand& weights = context.input(kTimeWeights);
  const float scale = weights.quantization->scale[0];
  const auto* stored = reinterpret_cast<const int8_t*>(weights.data);
  auto* real = reinterpret_cast<float*>(to + state.time_weights_offset);
  const int64_t count = product(weights.shape);
  for (int64_t i = 0; i < count; ++i) real[i] = scale * stored[i];
}

// Scratch 0: features [B, F] in float32 or int32, and what products need.
Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const int64_t batch = context.input(kData).shape[0];
  const Shape& weights = context.input(kFeatureWeights).shape;
  const int64_t memory = context.input(kTimeWeights).shape[1];
  state.features = weight_matrix(context, kFeatureWeights, weights[0], weights[1]);
  state.products.asymmetric = context.options<SVDFOptions>().asymmetric_quantize_inputs;
  if (is_integer(context)) {
    ZEOLITE_ASSIGN(const Affine input, input_affine(context, kData));
    ZEOLITE_ASSIGN(const Affine time, input_affine(context, kTimeWeights));
    ZEOLITE_ASSIGN(const Affine stored, input_affine(context, kStateInput));
    ZEOLITE_ASSIGN(const Affine output, output_affine(context, 0));
    state.to_state = fixed_point_factor(input.scale * state.features.scale / stored.scale);
    state.to_output = fixed_point_factor(stored.scale * time.scale / output.scale);
    state.output_zero_point = output.zero_point;
  }
  context.choose(is_integer(context) ? "i8_svdf" : state.features.is_int8 ? "f32_i8_svdf"
                                                                          : "f32_svdf",
                 2.0 * static_cast<double>(weights[0]) * (weights[1] + memory) * batch);
  context.request_scratch(align_up(batch * weights[0] * sizeof(float)) +
                          ProductMemory().place(nullptr, batch, weights[1], weights[0]));
  uint64_t bytes = state.features.packed_bytes();
  state.time_weights_offset = bytes;
  if (state.features.is_int8) bytes += align_up(weights[0] * memory * sizeof(float));
  const size_t sources[] = {kFeatureWeights, kTimeWeights};
  return state.packed.prepare(context, sources, bytes, true,
                              [&](uint8_t* to) { pack(context, state, to); });
}

// Moves all features one place back and gives the newest one's place in each filter's M.
template <class T>
T* shift_state(const EvalContext& context, int64_t memory) {
  const Operand& state = context.input(kStateInput);
  T* const values = reinterpret_cast<T*>(state.writable);
  const int64_t count = product(state.shape);
  if (count > 1) std::memmove(values, values + 1, (count - 1) * sizeof(T));
  return values + memory - 1;
}

void eval_real(EvalContext& context, State& state, float* features) {
  const int64_t batch = context.input(kData).shape[0];
  const int64_t filters = state.features.n;
  const int64_t memory = context.input(kTimeWeights).shape[1];
  const int64_t rank = context.options<SVDFOptions>().rank;
  std::fill_n(features, batch * filters, 0.0f);
  const float* x = context.in<float>(kData);
  quantize_for(state.features, state.products, batch, x);
  accumulate_product(context, state.features, state.products, batch, x, features, filters);
  const float* weights =
      state.features.is_int8
          ? reinterpret_cast<const float*>(state.products.packed + state.time_weights_offset)
          : context.in<float>(kTimeWeights);
  float* newest = shift_state<float>(context, memory);
  const float* bias = data_or_null<float>(context, kBias);
  float* out = context.out<float>(0);
  const int64_t units = filters / rank;
  for (int64_t i = 0; i < batch * filters; ++i) {
    newest[i * memory] = features[i];
    const float* seen = newest + i * memory - (memory - 1);
    const float* weight = weights + i % filters * memory;
    float sum = 0;
    for (int64_t m = 0; m < memory; ++m) sum += weight[m] * seen[m];
    features[i] = sum;
  }
  for (int64_t i = 0; i < batch * units; ++i) {
    float sum = bias != nullptr ? bias[i % units] : 0.0f;
    for (int64_t r = 0; r < rank; ++r) sum += features[i * rank + r];
    out[i] = sum;
  }
  RecurrentActivation(context.options<SVDFOptions>().fused_activation_function)
      .apply(out, out, batch * units);
}

void eval_integer(EvalContext& context, State& state, int32_t* features) {
  const int64_t batch = context.input(kData).shape[0];
  const int64_t filters = state.features.n;
  const int64_t columns = state.features.k;
  const int64_t memory = context.input(kTimeWeights).shape[1];
  const int64_t rank = context.options<SVDFOptions>().rank;
  const I8Matrix matrix = state.features.view(state.products.packed);
  const auto zero_point = static_cast<int32_t>(zero_point_of(context.input(kData)));
  int16_t* x = state.products.x;
  for (int64_t b = 0; b < batch; ++b) {
    x = std::copy_n(context.in<int8_t>(kData) + b * columns, columns, x);
    if (columns % 2 != 0) *x++ = 0;
  }
  i8_matrix_product(matrix, batch, state.products.x, features, state.products.pool);
  int16_t* newest = shift_state<int16_t>(context, memory);
  const int16_t* weights = context.in<int16_t>(kTimeWeights);
  for (int64_t i = 0; i < batch * filters; ++i) {
    const int32_t moved = wrapping_mul(-zero_point, matrix.row_sums[i % filters]);
    newest[i * memory] = saturate_i16(scale_by(wrapping_add(features[i], moved), state.to_state));
    const int16_t* seen = newest + i * memory - (memory - 1);
    const int16_t* weight = weights + i % filters * memory;
    int32_t sum = 0;
    for (int64_t m = 0; m < memory; ++m) sum = wrapping_add(sum, int32_t{weight[m]} * seen[m]);
    features[i] = sum;
  }
  const int32_t* bias = data_or_null<int32_t>(context, kBias);
  const int64_t units = filters / rank;
  for (int64_t i = 0; i < batch * units; ++i) {
    int32_t sum = bias != nullptr ? bias[i % units] : 0;
    for (int64_t r = 0; r < rank; ++r) sum = wrapping_add(sum, features[i * rank + r]);
    context.out<int8_t>(0)[i] =
        saturate_i8(wrapping_add(scale_by(sum, state.to_output), state.output_zero_point));
  }
}

Status eval(EvalContext& context) {
  State& state = context.state<State>();
  const int64_t batch = context.input(kData).shape[0];
  const int64_t filters = state.features.n;
  const int64_t memory = context.input(kTimeWeights).shape[1];
  if (batch == 0 || filters == 0) return {};
  if (memory == 0) return bad_input("its time weights have no steps");
  uint8_t* const scratch = context.scratch(0);
  state.products.place(scratch + align_up(batch * filters * sizeof(float)), batch,
                       state.features.k, filters);
  state.products.pool = context.threads();
  state.products.packed =
      state.packed.get(context, 1, [&](uint8_t* to) { pack(context, state, to); });
  if (is_integer(context)) {
    eval_integer(context, state, reinterpret_cast<int32_t*>(scratch));
  } else {
    eval_real(context, state, reinterpret_cast<float*>(scratch));
  }
  return {};
}

}  // namespace

const OpKernel kSvdfOp = {infer, prepare, eval};

}  // namespace zeolite
