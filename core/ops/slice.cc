// A box cut out of a tensor of any type:
//   SLICE (1 to 8): input, begin, size (int32 or int64 [rank]): output[i] = input[begin + i];
//     a size of -1 reaches to the end
//   STRIDED_SLICE (1 to 8): input, begin, end, strides (int32 [n]), as NumPy's input[b:e:s, ...]:
//     bit i of a mask concerns entry i of these lists
//       begin_mask, end_mask: begin or end is the edge
//       ellipsis_mask: stands for all dimensions that the other entries leave over
//       new_axis_mask: puts a dimension of size 1
//       shrink_axis_mask: takes one index and drops the dimension
//     negative indices count from the end; what lies outside is cut off; `offset`: end counts from
//     begin
#include <algorithm>
#include <limits>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/strided_loop.h"
#include "core/ops/widened.h"

namespace zeolite {
namespace {

// What is taken of one input dimension.
struct Range {
  int64_t begin = 0;
  int64_t step = 1;
  int64_t count = 0;
};

// The ranges of all input dimensions, and the output's shape.
struct Box {
  std::vector<Range> ranges;
  Shape shape;
};

struct State : OpState {
  StridedLoop<2> loop;
  int64_t start = 0;
};

Result<Box> slice_box(const OpContext& context) {
  const Shape& input = context.input(0).shape;
  ZEOLITE_ASSIGN(const std::vector<int64_t> begin, integers_of(context, 1, kMaxOperandRank));
  ZEOLITE_ASSIGN(const std::vector<int64_t> size, integers_of(context, 2, kMaxOperandRank));
  if (begin.size() != input.size() || size.size() != input.size()) {
    return bad_input("begin and size have " + std::to_string(begin.size()) + " and " +
                     std::to_string(size.size()) + " values, the input has " +
                     std::to_string(input.size()) + " dimensions");
  }
  Box box;
  for (size_t i = 0; i < input.size(); ++i) {
    if (input[i] == kFree) {
      box.ranges.push_back({begin[i], 1, size[i]});
      box.shape.push_back(size[i] >= 0 && size[i] <= INT32_MAX ? static_cast<int32_t>(size[i])
                                                               : kFree);
      continue;
    }
    const int64_t count = size[i] == -1 ? input[i] - begin[i] : size[i];
    if (begin[i] < 0 || count < 0 || begin[i] > input[i] || count > input[i] - begin[i]) {
      return bad_input("begin " + std::to_string(begin[i]) + " and size " +
                       std::to_string(size[i]) + " leave dimension " + std::to_string(i) +
                       " of input " + shape_text(input));
    }
    box.ranges.push_back({begin[i], 1, count});
    box.shape.push_back(static_cast<int32_t>(count));
  }
  return box;
}

// begin:end:step of a dimension of `size`, as Python means it.
Range resolve_range(int64_t begin, int64_t end, int64_t step, bool from_edge, bool to_edge,
                    bool end_is_offset, int64_t size) {
  const int64_t low = step > 0 ? 0 : -1;
  const int64_t high = step > 0 ? size : size - 1;
  const auto inside = [&](int64_t index) {
    return std::clamp(index < 0 ? index + size : index, low, high);
  };
  const int64_t first = from_edge ? (step > 0 ? 0 : size - 1) : inside(begin);
  int64_t last;
  if (to_edge) {
    last = step > 0 ? size : -1;
  } else if (end_is_offset) {
    last = std::clamp(first + end, low, high);
  } else {
    last = inside(end);
  }
  const int64_t distance = step > 0 ? last - first : first - last;
  const int64_t stride = step > 0 ? step : -step;
  return {first, step, distance <= 0 ? 0 : (distance + stride - 1) / stride};
}

Result<Box> strided_box(const OpContext& context) {
  const auto& options = context.options<StridedSliceOptions>();
  const Shape& input = context.input(0).shape;
  ZEOLITE_ASSIGN(const std::vector<int64_t> begin, integers_of(context, 1, 32));
  ZEOLITE_ASSIGN(const std::vector<int64_t> end, integers_of(context, 2, 32));
  ZEOLITE_ASSIGN(const std::vector<int64_t> strides, integers_of(context, 3, 32));
  if (begin.size() != end.size() || begin.size() != strides.size()) {
    return bad_input("begin, end and strides have different lengths");
  }
  const auto bit = [](int32_t mask, size_t i) {
    return (static_cast<uint32_t>(mask) >> i & 1) != 0;
  };
  // Input dimensions that entries other than the ellipsis and new axes stand for.
  size_t named = 0;
  bool has_ellipsis = false;
  for (size_t i = 0; i < begin.size(); ++i) {
    if (bit(options.ellipsis_mask, i)) {
      if (has_ellipsis) return bad_input("ellipsis_mask has two bits");
      has_ellipsis = true;
    } else if (!bit(options.new_axis_mask, i)) {
      ++named;
    }
  }
  if (named > input.size()) {
    return bad_input("begin has " + std::to_string(begin.size()) + " values for an input of " +
                     std::to_string(input.size()) + " dimensions");
  }
  Box box;
  const auto take_whole = [&](size_t count) {
    for (size_t k = 0; k < count; ++k) {
      const int32_t size = input[box.ranges.size()];
      box.ranges.push_back({0, 1, size});
      box.shape.push_back(size);
    }
  };
  for (size_t i = 0; i < begin.size(); ++i) {
    if (bit(options.ellipsis_mask, i)) {
      take_whole(input.size() - named);
      continue;
    }
    if (bit(options.new_axis_mask, i)) {
      box.shape.push_back(1);
      continue;
    }
    const int32_t size = input[box.ranges.size()];
    const bool shrinks = bit(options.shrink_axis_mask, i);
    if (strides[i] == 0) return bad_input("stride " + std::to_string(i) + " is 0");
    if (strides[i] < -INT32_MAX || strides[i] > INT32_MAX) {
      return bad_input("a stride is too large");
    }
    const bool from_edge = bit(options.begin_mask, i);
    const bool to_edge = bit(options.end_mask, i);
    if (size == kFree) {
      const bool whole = from_edge && to_edge && (strides[i] == 1 || strides[i] == -1);
      box.ranges.push_back({0, strides[i], whole ? kFree : 0});
      if (!shrinks) box.shape.push_back(kFree);
      continue;
    }
    if (shrinks) {
      if (strides[i] < 0) {
        return bad_input("an index that drops its dimension has a negative stride");
      }
      const int64_t index = from_edge ? 0 : begin[i] < 0 ? begin[i] + size : begin[i];
      if (index < 0 || index >= size) {
        return bad_input("index " + std::to_string(begin[i]) + " is outside dimension " +
                         std::to_string(box.ranges.size()) + " of input " + shape_text(input));
      }
      box.ranges.push_back({index, 1, 1});
      continue;
    }
    const Range range = resolve_range(begin[i], end[i], strides[i], from_edge, to_edge,
                                      options.offset, size);
    box.ranges.push_back(range);
    box.shape.push_back(static_cast<int32_t>(range.count));
  }
  take_whole(input.size() - box.ranges.size());
  return box;
}

Result<Box> box_of(const OpContext& context) {
  return context.code() == BuiltinOperator::kSlice ? slice_box(context) : strided_box(context);
}

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  for (size_t i = 1; i < context.input_count(); ++i) {
    ZEOLITE_TRY(require_rank(context, i, 1));
    if (!context.input(i).has_data) return context.set_output_unknown(0, input.type);
  }
  ZEOLITE_ASSIGN(Box box, box_of(context));
  return context.set_output(0, input.type, std::move(box.shape));
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  ZEOLITE_ASSIGN(const Box box, box_of(context));
  const auto from = dense_strides(context.input(0).shape);
  state = State();
  if (product(context.output(0).shape) == 0) {
    state.loop.clear();
    return {};
  }
  int64_t to = 1;
  for (const Range& range : box.ranges) to *= range.count;
  for (size_t i = 0; i < box.ranges.size(); ++i) {
    const Range& range = box.ranges[i];
    to = range.count == 0 ? 0 : to / range.count;
    state.loop.add(range.count, {to, from[i] * range.step});
    state.start += range.begin * from[i];
  }
  context.choose("copy");
  return {};
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  return dispatch_width(context.input(0).type, [&]<class T>() -> Status {
    copy_strided(state.loop, context.out<T>(0), 0, context.in<T>(0), state.start);
    return {};
  });
}

}  // namespace

const OpKernel kSliceOp = widened<infer, prepare, eval, kWidenMoved>();

}  // namespace zeolite
