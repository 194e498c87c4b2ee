// REDUCE_WINDOW (1): joins the elements of each window of a tensor.
//   input [...], start value, window, strides and dilations int64 [rank] -> [places, ...]
// STABLEHLO_REDUCE_WINDOW (1): the same with everything in the options, and before it padding and
// empty places between elements (base_dilations), all of which hold the start value. The function
// is a subgraph (reducer.h).
//   https://openxla.org/stablehlo/spec#reduce_window
#include <array>
#include <cstring>
#include <limits>

#include "core/ops/dispatch.h"
#include "core/ops/index_loop.h"
#include "core/ops/kernels.h"
#include "core/ops/reducer.h"

namespace zeolite {
namespace {

struct Axis {
  int64_t size = 0;
  int64_t base_dilation = 1;
  int64_t pad_before = 0;
  int64_t window = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int32_t places = 0;
};

bool is_stablehlo(const OpContext& context) {
  return context.code() == BuiltinOperator::kStablehloReduceWindow;
}

// Fills `places` from the rest and the padding behind.
Status resolve(Axis* axis, int64_t pad_after) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  for (int64_t number : {axis->window, axis->stride, axis->dilation, axis->base_dilation}) {
    if (number < 1 || number > kMost) {
      return bad_input("a window, stride or dilation of " + std::to_string(number));
    }
  }
  for (int64_t pad : {axis->pad_before, pad_after}) {
    if (pad < -kMost || pad > kMost) return bad_input("a padding of " + std::to_string(pad));
  }
  // Products of numbers below 2^31: no overflow.
  const int64_t spread = axis->size > 0 ? (axis->size - 1) * axis->base_dilation + 1 : 0;
  const int64_t padded = axis->pad_before + spread + pad_after;
  const int64_t reach = (axis->window - 1) * axis->dilation + 1;
  const int64_t places = padded < reach ? 0 : (padded - reach) / axis->stride + 1;
  if (places > kMost) return bad_input("the result is too large");
  axis->places = static_cast<int32_t>(places);
  return {};
}

Result<std::vector<Axis>> axes_of(const OpContext& context) {
  const Shape& shape = context.input(0).shape;
  std::vector<Axis> axes(shape.size());
  const auto check_count = [&](size_t count, size_t expected, const char* what) -> Status {
    if (count == expected) return {};
    return bad_input(std::string(what) + " has " + std::to_string(count) + " numbers, expected " +
                     std::to_string(expected));
  };
  if (is_stablehlo(context)) {
    const auto& options = context.options<StablehloReduceWindowOptions>();
    ZEOLITE_TRY(check_count(options.window_dimensions.size(), axes.size(), "window_dimensions"));
    const auto or_ones = [&](const std::vector<int64_t>& list) {
      return list.empty() ? std::vector<int64_t>(axes.size(), 1) : list;
    };
    const std::vector<int64_t> strides = or_ones(options.window_strides);
    const std::vector<int64_t> base = or_ones(options.base_dilations);
    const std::vector<int64_t> dilations = or_ones(options.window_dilations);
    const std::vector<int64_t> padding =
        options.padding.empty() ? std::vector<int64_t>(axes.size() * 2) : options.padding;
    ZEOLITE_TRY(check_count(strides.size(), axes.size(), "window_strides"));
    ZEOLITE_TRY(check_count(base.size(), axes.size(), "base_dilations"));
    ZEOLITE_TRY(check_count(dilations.size(), axes.size(), "window_dilations"));
    ZEOLITE_TRY(check_count(padding.size(), axes.size() * 2, "padding"));
    for (size_t i = 0; i < axes.size(); ++i) {
      axes[i] = {shape[i], base[i], padding[2 * i], options.window_dimensions[i], strides[i],
                 dilations[i]};
      ZEOLITE_TRY(resolve(&axes[i], padding[2 * i + 1]));
    }
    return axes;
  }
  std::vector<int64_t> numbers[3];
  for (size_t k = 0; k < 3; ++k) {
    ZEOLITE_ASSIGN(numbers[k], integers_of(context, 2 + k, kMaxRank));
    ZEOLITE_TRY(check_count(numbers[k].size(), axes.size(), "an input"));
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    axes[i] = {shape[i], 1, 0, numbers[0][i], numbers[1][i], numbers[2][i]};
    ZEOLITE_TRY(resolve(&axes[i], 0));
  }
  return axes;
}

Result<Reducer> reducer_for(const OpContext& context, const Model* model) {
  if (is_stablehlo(context)) {
    return reducer_of(model, context.options<StablehloReduceWindowOptions>().body_subgraph_index);
  }
  switch (context.options<ReduceWindowOptions>().reduce_function) {
    case ReduceWindowFunction::kAdd: return Reducer::kAdd;
    case ReduceWindowFunction::kMul: return Reducer::kMul;
    case ReduceWindowFunction::kMinimum: return Reducer::kMinimum;
    case ReduceWindowFunction::kMaximum: return Reducer::kMaximum;
    case ReduceWindowFunction::kAll: return Reducer::kAll;
    case ReduceWindowFunction::kAny: return Reducer::kAny;
    default: return unsupported("no function to join elements by");
  }
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  ZEOLITE_TRY(require_one(context, 1, "start value"));
  ZEOLITE_TRY(reducer_for(context, context.model()).take_status());
  const TensorType type = context.input(0).type;
  const bool is_known = is_stablehlo(context) || (context.input(2).has_data &&
                                                  context.input(3).has_data &&
                                                  context.input(4).has_data);
  if (!is_known || !is_static(context.input(0).shape)) return context.set_output_unknown(0, type);
  ZEOLITE_ASSIGN(const std::vector<Axis> axes, axes_of(context));
  Shape shape;
  for (const Axis& axis : axes) shape.push_back(axis.places);
  return context.set_output(0, type, std::move(shape));
}

// The element that place `at` of the padded tensor holds, or -1 where it holds the start value.
int64_t element_at(const Axis& axis, int64_t at) {
  const int64_t spread = at - axis.pad_before;
  if (spread < 0 || spread % axis.base_dilation != 0) return -1;
  const int64_t element = spread / axis.base_dilation;
  return element < axis.size ? element : -1;
}

// Joins the elements of a list, in its order, to `joined`; -1 stands for the start value.
using Join = void (*)(Reducer reducer, const void* input, std::span<const int64_t> elements,
                      const void* start, void* joined);

template <class T>
void join(Reducer reducer, const void* input, std::span<const int64_t> elements,
          const void* start, void* joined) {
  T result = *static_cast<const T*>(joined);
  for (int64_t element : elements) {
    const void* from = element < 0 ? start : static_cast<const T*>(input) + element;
    result = reduce_pair(reducer, result, *static_cast<const T*>(from));
  }
  *static_cast<T*>(joined) = result;
}

// Elements that are found before they are joined.
constexpr size_t kListSize = 256;

// The same for all types: which elements each window holds is most of the work.
Status compute(EvalContext& context, const std::vector<Axis>& axes, Reducer reducer, Join join) {
  const int64_t element_bytes = bits_per_element(context.input(0).type) / 8;
  const void* start = context.in<uint8_t>(1);
  uint8_t* to = context.out<uint8_t>(0);
  Shape window;
  for (const Axis& axis : axes) window.push_back(static_cast<int32_t>(axis.window));
  std::array<int64_t, kListSize> list;
  return for_each_index(context.output(0).shape, [&](const Index& place) -> Status {
    std::memcpy(to, start, static_cast<size_t>(element_bytes));
    size_t listed = 0;
    const auto join_list = [&] {
      join(reducer, context.in<uint8_t>(0), std::span(list).first(listed), start, to);
      listed = 0;
    };
    ZEOLITE_TRY(for_each_index(window, [&](const Index& in_window) -> Status {
      int64_t at = 0;
      for (size_t i = 0; i < axes.size() && at >= 0; ++i) {
        const int64_t element = element_at(
            axes[i], place[i] * axes[i].stride + in_window[i] * axes[i].dilation);
        at = element < 0 ? -1 : at * axes[i].size + element;
      }
      list[listed++] = at;
      if (listed == kListSize) join_list();
      return {};
    }));
    join_list();
    to += element_bytes;
    return {};
  });
}

Status eval(EvalContext& context) {
  ZEOLITE_ASSIGN(const std::vector<Axis> axes, axes_of(context));
  ZEOLITE_ASSIGN(const Reducer reducer, reducer_for(context, context.host().model()));
  return dispatch<kF32 | kI8 | kU8 | kI16 | kI32 | kI64 | kBool>(
      context.input(0).type,
      [&]<class T>() -> Status { return compute(context, axes, reducer, join<T>); });
}

}  // namespace

const OpKernel kReduceWindowOp = {infer, nullptr, eval};

}  // namespace zeolite
