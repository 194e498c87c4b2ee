// Over the given axes (all of a list that may be empty or repeat itself):
//   MEAN, SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN of numbers; REDUCE_ANY, REDUCE_ALL of bools.
//   input  any shape    axes int32, any number of them, negative counts from the end
//   output the sizes that are not reduced; with keep_dims size 1 in place of the others
// int8, uint8 and int16 with a scale are quantized in MEAN, SUM, and REDUCE_PROD but of uint8; else
// they are plain integers. Sums of floats are added up in float64, or in the fixed order of the
// kernels; an integer MEAN is the sum in int64 divided towards zero; other integers wrap around.
// Nothing to reduce gives 0, 1, false, true, or the type's lowest or largest value; MEAN of nothing
// is NaN, or 0 for integers.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/base/wrapping.h"
#include "core/kernels/f32_pool_2d.h"
#include "core/kernels/quantized_pool_2d.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/quantized_binary.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;

// The input as alternating kept and reduced dimensions: neighbours of a kind are one.
struct Dimension {
  int64_t size = 1;
  bool is_reduced = false;
};

enum class Layout : uint8_t { kGeneral, kRows, kLast };

// Real numbers by their scales.
struct QuantizedReduction {
  int32_t input_zero_point = 0;
  int32_t zero_point = 0;
  FixedPointFactor factor;  // Of the sum (MEAN), or of each product.
  // MEAN of images: the factor is of the sum of stored numbers, zero_point has all zero points.
  bool of_stored = false;
  int64_t channels = 0;
  float scale = 1;          // Of the sum (SUM).
  StoredRange range;
};

struct State : OpState {
  std::array<Dimension, kMaxOperandRank> dimensions;
  int rank = 0;
  int64_t input_count = 0;
  int64_t output_count = 1;
  int64_t reduced_count = 1;
  Layout layout = Layout::kGeneral;
  bool is_quantized = false;
  QuantizedReduction quantized;
};

Result<uint32_t> axis_mask(const OpContext& context) {
  const int rank = context.input(0).rank();
  ZEOLITE_ASSIGN(const std::vector<int64_t> axes, integers_of(context, 1));
  uint32_t mask = 0;
  for (int64_t value : axes) {
    // A scalar takes axis 0 too, which reduces nothing.
    if (rank == 0 && (value == 0 || value == -1)) continue;
    ZEOLITE_ASSIGN(const int axis, checked_axis(value, rank));
    mask |= 1u << axis;
  }
  return mask;
}

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  ZEOLITE_TRY(require_rank(context, 1, 0, 1));
  if (!context.input(1).has_data) return context.set_output_unknown(0, input.type);
  ZEOLITE_ASSIGN(const uint32_t mask, axis_mask(context));
  Shape shape;
  for (int i = 0; i < input.rank(); ++i) {
    if ((mask >> i & 1) == 0) {
      shape.push_back(input.shape[i]);
    } else if (context.options<ReducerOptions>().keep_dims) {
      shape.push_back(1);
    }
  }
  return context.set_output(0, input.type, std::move(shape));
}

bool is_sum(Code code) { return code == Code::kMean || code == Code::kSum; }

// Whether the stored numbers count as real ones.
bool is_quantized(const OpContext& context) {
  const Operand& input = context.input(0);
  if (!is_quantized_type(input.type)) return false;
  switch (context.code()) {
    case Code::kMean:
    case Code::kSum: return has_scale(input);
    case Code::kReduceProd: return has_scale(input) && input.type != TensorType::kUint8;
    default: return false;
  }
}

// MEAN divides in the factor: its multiplier, moved up by as many bits as the count has, divided by
// the count.
void divide_by(int64_t count, FixedPointFactor* factor) {
  int shift = 63 - std::countl_zero(static_cast<uint64_t>(count));
  shift = std::min({shift, 32, 31 + factor->shift});
  factor->multiplier = static_cast<int32_t>((int64_t{factor->multiplier} << shift) / count);
  factor->shift -= shift;
}

// The real runtime's default kernel has a way of its own to take the mean of int8 images' height
// and width where these dimensions are kept: zero points are rounded apart, and sums as those of
// matrix products are in whole vectors of 16 channels.
bool is_mean_of_images(const OpContext& context) {
  if (context.code() != Code::kMean || context.input(0).type != TensorType::kInt8 ||
      context.input(0).rank() != 4 || !context.options<ReducerOptions>().keep_dims) {
    return false;
  }
  const Result<uint32_t> mask = axis_mask(context);
  return mask.ok() && mask.value() == 0b0110;
}

Status prepare_quantized(PrepareContext& context, State* state) {
  QuantizedReduction& quantized = state->quantized;
  ZEOLITE_ASSIGN(const Affine input, input_affine(context, 0));
  ZEOLITE_ASSIGN(const Affine output, output_affine(context, 0));
  quantized.input_zero_point = input.zero_point;
  quantized.zero_point = output.zero_point;
  quantized.range = stored_range(context.input(0).type);
  const double input_scale = input.scale;
  const double output_scale = output.scale;
  if (context.code() == Code::kSum) {
    quantized.scale = input.scale / output.scale;
  } else if (context.code() == Code::kMean) {
    quantized.factor = fixed_point_factor(input_scale / output_scale);
    if (state->reduced_count > 0) divide_by(state->reduced_count, &quantized.factor);
    const float shift = static_cast<float>(input.zero_point) * input.scale / output.scale;
    if (is_mean_of_images(context) && state->reduced_count > 0 && std::abs(shift) < 1 << 30) {
      quantized.of_stored = true;
      quantized.channels = context.input(0).shape[3];
      quantized.factor = fixed_point_factor(
          input.scale / (static_cast<float>(state->reduced_count) * output.scale));
      quantized.zero_point -= static_cast<int32_t>(std::round(shift));
    }
  } else if (state->reduced_count > 0) {
    // Each product takes its share of the output's scale.
    quantized.factor = fixed_point_factor(
        input_scale / std::pow(output_scale, 1.0 / static_cast<double>(state->reduced_count)));
  }
  return {};
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const Operand& input = context.input(0);
  ZEOLITE_ASSIGN(const uint32_t mask, axis_mask(context));
  state = State();
  state.input_count = product(input.shape);
  for (int i = 0; i < input.rank(); ++i) {
    const bool is_reduced = (mask >> i & 1) != 0;
    (is_reduced ? state.reduced_count : state.output_count) *= input.shape[i];
    if (input.shape[i] == 1) continue;
    if (state.rank == 0 || state.dimensions[state.rank - 1].is_reduced != is_reduced) {
      state.dimensions[state.rank++] = {1, is_reduced};
    }
    state.dimensions[state.rank - 1].size *= input.shape[i];
  }
  state.is_quantized = is_quantized(context);
  if (state.is_quantized) ZEOLITE_TRY(prepare_quantized(context, &state));
  const bool is_rows_type = input.type == TensorType::kFloat32 || state.is_quantized;
  if (is_rows_type && is_sum(context.code())) {
    const auto& dimensions = state.dimensions;
    if (state.rank == 2 && dimensions[1].is_reduced) {
      state.layout = Layout::kLast;
    } else if ((state.rank == 2 && dimensions[0].is_reduced) ||
               (state.rank == 3 && dimensions[1].is_reduced)) {
      state.layout = Layout::kRows;
    }
  }
  if (state.is_quantized) {
    // Sums of stored numbers, or products so far.
    context.request_scratch(state.output_count * sizeof(int64_t));
    if (is_sum(context.code())) context.choose("quantized_sum");
    return {};
  }
  switch (state.layout) {
    case Layout::kRows:
      context.choose("f32_sum_rows", static_cast<double>(state.input_count));
      break;
    case Layout::kLast:
      context.choose("f32_sum_last", static_cast<double>(state.input_count));
      break;
    // Sums in a wider type than the output's.
    case Layout::kGeneral:
      if (is_sum(context.code())) context.request_scratch(state.output_count * sizeof(double));
      break;
  }
  return {};
}

// Joins `run` elements with the accumulators that lie `stride` apart. Only these are made for each
// type and function; the loops around them are one.
using Run = void (*)(const void* input, int64_t run, void* sums, int64_t stride,
                     const void* constants);

// Joins each input element with its output's accumulator. The innermost dimension is a run either
// of one accumulator or of neighbouring ones.
void accumulate(const State& state, const void* input, int64_t input_bytes, void* sums,
                int64_t sum_bytes, Run function, const void* constants = nullptr) {
  if (state.input_count == 0) return;
  std::array<int64_t, kMaxOperandRank> stride = {};
  int64_t next = 1;
  for (int i = state.rank; i-- > 0;) {
    if (state.dimensions[i].is_reduced) continue;
    stride[i] = next;
    next *= state.dimensions[i].size;
  }
  const int last = state.rank - 1;
  const int64_t run = state.rank == 0 ? 1 : state.dimensions[last].size;
  const int64_t run_stride = state.rank == 0 ? 0 : stride[last];
  std::array<int64_t, kMaxOperandRank> index = {};
  int64_t at = 0;
  for (int64_t from = 0; from < state.input_count; from += run) {
    function(static_cast<const uint8_t*>(input) + from * input_bytes, run,
             static_cast<uint8_t*>(sums) + at * sum_bytes, run_stride, constants);
    for (int axis = last - 1; axis >= 0; --axis) {
      at += stride[axis];
      if (++index[axis] < state.dimensions[axis].size) break;
      at -= stride[axis] * state.dimensions[axis].size;
      index[axis] = 0;
    }
  }
}

// Function{}(so far, element) of a run; or with the constants as a third argument.
template <class T, class Accumulator, class Constants, class Function>
void run(const void* input, int64_t count, void* sums, int64_t stride, const void* constants) {
  const T* from = static_cast<const T*>(input);
  Accumulator* to = static_cast<Accumulator*>(sums);
  for (int64_t i = 0; i < count; ++i) {
    Accumulator& sum = to[i * stride];
    if constexpr (std::is_void_v<Constants>) {
      sum = Function{}(sum, from[i]);
    } else {
      sum = Function{}(sum, from[i], *static_cast<const Constants*>(constants));
    }
  }
}

// Calls accumulate with the loop for a function of two elements.
template <class T, class Accumulator, class Function>
void accumulate(const State& state, const T* input, Accumulator* sums, Function) {
  accumulate(state, input, sizeof(T), sums, sizeof(Accumulator),
             run<T, Accumulator, void, Function>);
}

template <class T>
Status sum(EvalContext& context, const State& state) {
  using Wide = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;
  Wide* sums = reinterpret_cast<Wide*>(context.scratch(0));
  std::fill_n(sums, state.output_count, Wide{0});
  accumulate(state, context.in<T>(0), sums,
             [](Wide total, T value) { return total + static_cast<Wide>(value); });
  T* output = context.out<T>(0);
  const bool is_mean = context.code() == Code::kMean;
  for (int64_t i = 0; i < state.output_count; ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      output[i] = static_cast<T>(is_mean ? sums[i] / static_cast<double>(state.reduced_count)
                                         : sums[i]);
    } else {
      int64_t total = static_cast<int64_t>(sums[i]);
      if (is_mean) total = state.reduced_count == 0 ? 0 : total / state.reduced_count;
      output[i] = static_cast<T>(total);
    }
  }
  return {};
}

int32_t stored(int32_t scaled, const QuantizedReduction& quantized) {
  return std::clamp(wrapping_add(scaled, quantized.zero_point), quantized.range.min,
                    quantized.range.max);
}

template <class T>
Status quantized_sum(EvalContext& context, const State& state) {
  const QuantizedReduction& quantized = state.quantized;
  int64_t* sums = reinterpret_cast<int64_t*>(context.scratch(0));
  T* output = context.out<T>(0);
  if (state.layout == Layout::kRows && state.reduced_count <= (1 << 15)) {
    const int64_t channels = state.dimensions[state.rank - 1].size;
    integer_sum_rows(small_integer(context.input(0).type),
                     state.rank == 3 ? state.dimensions[0].size : 1, state.reduced_count, channels,
                     context.in<T>(0), sums, context.threads());
  } else if (state.layout == Layout::kLast && state.reduced_count <= (1 << 15)) {
    integer_sum_last(small_integer(context.input(0).type), state.dimensions[0].size,
                     state.reduced_count, context.in<T>(0), sums, context.threads());
  } else {
    std::fill_n(sums, state.output_count, int64_t{0});
    accumulate(state, context.in<T>(0), sums,
               [](int64_t total, T value) { return total + value; });
  }
  // TFLite's MEAN is in integers, its SUM in float32.
  const bool is_mean = context.code() == Code::kMean;
  const float bias = static_cast<float>(-quantized.input_zero_point) * quantized.scale *
                     static_cast<float>(state.reduced_count);
  for (int64_t i = 0; i < state.output_count; ++i) {
    if (quantized.of_stored) {
      const auto sum = static_cast<int32_t>(sums[i]);
      const bool is_in_vector = i % quantized.channels < quantized.channels / 16 * 16;
      output[i] = static_cast<T>(stored(is_in_vector ? scale_sum_by(sum, quantized.factor)
                                                     : scale_by(sum, quantized.factor),
                                        quantized));
    } else if (is_mean) {
      const int64_t centered = sums[i] - state.reduced_count * quantized.input_zero_point;
      const int32_t mean = scale_by(static_cast<int32_t>(static_cast<uint32_t>(centered)),
                                    quantized.factor);
      output[i] = static_cast<T>(stored(state.reduced_count == 0 ? 0 : mean, quantized));
    } else {
      const float sum = std::round(static_cast<float>(sums[i]) * quantized.scale + bias) +
                        static_cast<float>(quantized.zero_point);
      output[i] = static_cast<T>(std::clamp(sum, static_cast<float>(quantized.range.min),
                                            static_cast<float>(quantized.range.max)));
    }
  }
  return {};
}

constexpr int64_t kNoProduct = std::numeric_limits<int64_t>::min();

// The first element as it is, each further one times the product so far, scaled; at last once more.
template <class T>
Status quantized_product(EvalContext& context, const State& state) {
  const QuantizedReduction& quantized = state.quantized;
  int64_t* products = reinterpret_cast<int64_t*>(context.scratch(0));
  std::fill_n(products, state.output_count, kNoProduct);
  const auto multiply = [](int64_t product, T value, const QuantizedReduction& by) -> int64_t {
    const int64_t x = value - by.input_zero_point;
    return product == kNoProduct ? x : scale_by(product * x, by.factor);
  };
  accumulate(state, context.in<T>(0), sizeof(T), products, sizeof(int64_t),
             run<T, int64_t, QuantizedReduction, decltype(multiply)>, &quantized);
  T* output = context.out<T>(0);
  for (int64_t i = 0; i < state.output_count; ++i) {
    const int32_t product =
        products[i] == kNoProduct ? 0 : scale_by(products[i], quantized.factor);
    output[i] = static_cast<T>(stored(product, quantized));
  }
  return {};
}

template <class T>
Status extreme_or_product(EvalContext& context, const State& state) {
  using Limits = std::numeric_limits<T>;
  T* output = context.out<T>(0);
  const T* input = context.in<T>(0);
  // Of no elements the extremes are finite.
  const bool is_infinite = Limits::has_infinity && context.input(0).bytes > 0;
  const T lowest = is_infinite ? -Limits::infinity() : Limits::lowest();
  const T highest = is_infinite ? Limits::infinity() : Limits::max();
  const auto apply = [&](T start, auto function) {
    std::fill_n(output, state.output_count, start);
    accumulate(state, input, output, function);
  };
  switch (context.code()) {
    // A NaN takes the place of what came before it, and what comes behind it the place of the NaN,
    // as in the real runtime.
    case Code::kReduceMax:
      apply(lowest, [](T so_far, T value) { return so_far > value ? so_far : value; });
      break;
    case Code::kReduceMin:
      apply(highest, [](T so_far, T value) { return so_far < value ? so_far : value; });
      break;
    default:
      apply(T{1}, [](T a, T b) { return wrapping_mul(a, b); });
  }
  return {};
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  const Code code = context.code();
  const auto& dimensions = state.dimensions;
  if (state.is_quantized) {
    return dispatch<kI8 | kU8 | kI16>(context.input(0).type, [&]<class T>() -> Status {
      return is_sum(code) ? quantized_sum<T>(context, state) : quantized_product<T>(context, state);
    });
  }
  if (state.layout == Layout::kRows) {
    const int64_t batch = state.rank == 3 ? dimensions[0].size : 1;
    const int64_t rows = dimensions[state.rank - 2].size;
    const auto kernel = code == Code::kMean ? f32_mean_rows : f32_sum_rows;
    kernel(batch, rows, dimensions[state.rank - 1].size, context.in<float>(0),
           context.out<float>(0), context.threads());
    return {};
  }
  if (state.layout == Layout::kLast) {
    f32_sum_last(dimensions[0].size, dimensions[1].size, context.in<float>(0),
                 context.out<float>(0), context.threads());
    if (code == Code::kMean) {
      float* output = context.out<float>(0);
      const float count = static_cast<float>(dimensions[1].size);
      for (int64_t i = 0; i < state.output_count; ++i) output[i] /= count;
    }
    return {};
  }
  if (code == Code::kReduceAny || code == Code::kReduceAll) {
    const bool is_any = code == Code::kReduceAny;
    uint8_t* output = context.out<uint8_t>(0);
    const uint8_t* input = context.in<uint8_t>(0);
    std::fill_n(output, state.output_count, is_any ? uint8_t{0} : uint8_t{1});
    if (is_any) {
      accumulate(state, input, output, [](uint8_t so_far, uint8_t value) {
        return static_cast<uint8_t>(so_far | (value != 0));
      });
    } else {
      accumulate(state, input, output, [](uint8_t so_far, uint8_t value) {
        return static_cast<uint8_t>(so_far & (value != 0));
      });
    }
    return {};
  }
  return dispatch<kF32 | kI8 | kU8 | kI16 | kI32 | kI64>(
      context.input(0).type, [&]<class T>() {
        return is_sum(code) ? sum<T>(context, state) : extreme_or_product<T>(context, state);
      });
}

}  // namespace

const OpKernel kReduceOp = {infer, prepare, eval};

}  // namespace zeolite
