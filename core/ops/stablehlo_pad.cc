// STABLEHLO_PAD (1): a tensor with other elements before, behind and between its own.
//   input [...], padding value    output [low + size + (size - 1) * interior + high, ...]
// A negative low or high cuts elements off.
// DILATE (1): the same without edges.
//   input [...], dilations int32 [rank] (1 or more), padding value
//   output [size + (size - 1) * (dilation - 1), ...]
//   https://openxla.org/stablehlo/spec#pad
#include <algorithm>
#include <limits>

#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/strided_loop.h"

namespace zeolite {
namespace {

struct Edges {
  int64_t low = 0;
  int64_t high = 0;
  int64_t interior = 0;
};

bool is_dilate(const OpContext& context) { return context.code() == BuiltinOperator::kDilate; }

// The padding of each dimension; for DILATE its dilations must be known.
Result<std::vector<Edges>> edges_of(const OpContext& context) {
  const size_t rank = context.input(0).shape.size();
  std::vector<Edges> edges(rank);
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (is_dilate(context)) {
    ZEOLITE_ASSIGN(const std::vector<int64_t> dilations, integers_of(context, 1, kMaxRank));
    if (dilations.size() != rank) {
      return bad_input(input_text(context, 1) + ": expected " + std::to_string(rank) + " numbers");
    }
    for (size_t i = 0; i < rank; ++i) {
      if (dilations[i] < 1) return bad_input("a dilation is " + std::to_string(dilations[i]));
      edges[i].interior = dilations[i] - 1;
    }
    return edges;
  }
  const auto& options = context.options<StablehloPadOptions>();
  if (options.edge_padding_low.size() != rank || options.edge_padding_high.size() != rank ||
      options.interior_padding.size() != rank) {
    return bad_input("the paddings do not fit " + input_text(context, 0));
  }
  for (size_t i = 0; i < rank; ++i) {
    edges[i] = {options.edge_padding_low[i], options.edge_padding_high[i],
                options.interior_padding[i]};
    if (std::abs(edges[i].low) > kMost || std::abs(edges[i].high) > kMost ||
        edges[i].interior < 0 || edges[i].interior > kMost) {
      return bad_input("the padding of dimension " + std::to_string(i) + " is out of range");
    }
  }
  return edges;
}

Status infer(InferContext& context) {
  const size_t value = is_dilate(context) ? 2 : 1;
  ZEOLITE_TRY(require_same_type(context, 0, value));
  ZEOLITE_TRY(require_one(context, value, "value"));
  const TensorType type = context.input(0).type;
  if (is_dilate(context) && !context.input(1).has_data) return context.set_output_unknown(0, type);
  ZEOLITE_ASSIGN(const std::vector<Edges> edges, edges_of(context));
  Shape shape = context.input(0).shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == kFree) continue;
    int64_t between = 0;
    int64_t size = 0;
    const bool fits =
        checked_mul<int64_t>(std::max(shape[i] - 1, 0), edges[i].interior, &between) &&
        checked_add<int64_t>(shape[i] + edges[i].low + edges[i].high, between, &size);
    if (!fits || size > std::numeric_limits<int32_t>::max()) {
      return bad_input("dimension " + std::to_string(i) + " becomes too large");
    }
    shape[i] = static_cast<int32_t>(std::max<int64_t>(size, 0));
  }
  return context.set_output(0, type, std::move(shape));
}

Status eval(EvalContext& context) {
  const Operand& input = context.input(0);
  const Operand& output = context.output(0);
  ZEOLITE_ASSIGN(const std::vector<Edges> edges, edges_of(context));
  if (output.bytes == 0) return {};
  const auto from_strides = dense_strides(input.shape);
  const auto to_strides = dense_strides(output.shape);
  StridedLoop<2> loop;
  int64_t from = 0;
  int64_t to = 0;
  for (size_t i = 0; i < edges.size(); ++i) {
    const int64_t step = edges[i].interior + 1;
    // The elements of the input that stay: those whose place is inside the output.
    const int64_t first = edges[i].low >= 0 ? 0 : (-edges[i].low + step - 1) / step;
    const int64_t room = output.shape[i] - 1 - edges[i].low;
    const int64_t last = room < 0 ? -1 : std::min<int64_t>(input.shape[i] - 1, room / step);
    from += first * from_strides[i];
    to += (first * step + edges[i].low) * to_strides[i];
    loop.add(std::max<int64_t>(last - first + 1, 0), {to_strides[i] * step, from_strides[i]});
  }
  return dispatch_width(output.type, [&]<class T>() -> Status {
    std::fill_n(context.out<T>(0), product(output.shape),
                *context.in<T>(is_dilate(context) ? 2 : 1));
    copy_strided(loop, context.out<T>(0), to, context.in<T>(0), from);
    return {};
  });
}

}  // namespace

const OpKernel kStablehloPadOp = {infer, nullptr, eval};

}  // namespace zeolite
