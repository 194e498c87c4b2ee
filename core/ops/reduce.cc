// Over the given axes (all of a list that may be empty or repeat itself):
//   MEAN, SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN of numbers; REDUCE_ANY, REDUCE_ALL of bools.
//   input  any shape    axes int32, any number of them, negative counts from the end
//   output the sizes that are not reduced; with keep_dims size 1 in place of the others
// Sums of floats are added up in float64, or in the fixed order of the kernels; an integer MEAN is
// the sum in int64 divided towards zero; other integers wrap around. Nothing to reduce gives 0, 1,
// false, true, or the type's lowest or largest value; MEAN of nothing is NaN, or 0 for integers.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/kernels/f32_pool_2d.h"
#include "core/ops/dispatch.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;

// The input as alternating kept and reduced dimensions: neighbours of a kind are one.
struct Dimension {
  int64_t size = 1;
  bool is_reduced = false;
};

enum class Layout : uint8_t { kGeneral, kRows, kLast };

struct State : OpState {
  std::array<Dimension, kMaxRank> dimensions;
  int rank = 0;
  int64_t input_count = 0;
  int64_t output_count = 1;
  int64_t reduced_count = 1;
  Layout layout = Layout::kGeneral;
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
  if (input.type == TensorType::kFloat32 && is_sum(context.code())) {
    const auto& dimensions = state.dimensions;
    if (state.rank == 2 && dimensions[1].is_reduced) {
      state.layout = Layout::kLast;
    } else if ((state.rank == 2 && dimensions[0].is_reduced) ||
               (state.rank == 3 && dimensions[1].is_reduced)) {
      state.layout = Layout::kRows;
    }
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

// Adds each input element to its output's accumulator. The innermost dimension is a run either of
// one accumulator or of neighbouring ones.
template <class T, class Accumulator, class Function>
void accumulate(const State& state, const T* input, Accumulator* sums, const Function& function) {
  if (state.input_count == 0) return;
  std::array<int64_t, kMaxRank> stride = {};
  int64_t next = 1;
  for (int i = state.rank; i-- > 0;) {
    if (state.dimensions[i].is_reduced) continue;
    stride[i] = next;
    next *= state.dimensions[i].size;
  }
  const int last = state.rank - 1;
  const int64_t run = state.rank == 0 ? 1 : state.dimensions[last].size;
  const int64_t run_stride = state.rank == 0 ? 0 : stride[last];
  std::array<int64_t, kMaxRank> index = {};
  int64_t at = 0;
  for (int64_t from = 0; from < state.input_count; from += run) {
    for (int64_t i = 0; i < run; ++i) {
      Accumulator& sum = sums[at + i * run_stride];
      sum = function(sum, input[from + i]);
    }
    for (int axis = last - 1; axis >= 0; --axis) {
      at += stride[axis];
      if (++index[axis] < state.dimensions[axis].size) break;
      at -= stride[axis] * state.dimensions[axis].size;
      index[axis] = 0;
    }
  }
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

template <class T>
Status extreme_or_product(EvalContext& context, const State& state) {
  using Limits = std::numeric_limits<T>;
  T* output = context.out<T>(0);
  const T* input = context.in<T>(0);
  const auto apply = [&](T start, auto function) {
    std::fill_n(output, state.output_count, start);
    accumulate(state, input, output, function);
  };
  switch (context.code()) {
    case Code::kReduceMax:
      apply(Limits::lowest(), [](T a, T b) { return std::max(a, b); });
      break;
    case Code::kReduceMin:
      apply(Limits::max(), [](T a, T b) { return std::min(a, b); });
      break;
    default:
      apply(T{1}, [](T a, T b) {
        if constexpr (std::is_integral_v<T>) {
          return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
        } else {
          return a * b;
        }
      });
  }
  return {};
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  const Code code = context.code();
  const auto& dimensions = state.dimensions;
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
    std::fill_n(output, state.output_count, uint8_t{is_any ? uint8_t{0} : uint8_t{1}});
    accumulate(state, context.in<uint8_t>(0), output, [&](uint8_t so_far, uint8_t value) {
      return static_cast<uint8_t>(is_any ? (so_far | (value != 0)) : (so_far & (value != 0)));
    });
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
