// Cuts a tensor into pieces along a dimension, one output each:
//   SPLIT (1 to 5):   axis int32, input; num_splits equal pieces
//   SPLIT_V (1 to 3): input, sizes int32 or int64 [num_splits], axis int32;
//     one size may be -1: the rest
#include <vector>

#include "core/kernels/data_movement.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

struct State : OpState {
  int axis = 0;
};

bool has_sizes(const OpContext& context) { return context.code() == BuiltinOperator::kSplitV; }
size_t input_position(const OpContext& context) { return has_sizes(context) ? 0 : 1; }
size_t axis_position(const OpContext& context) { return has_sizes(context) ? 2 : 0; }

Result<std::vector<int64_t>> sizes_of(const OpContext& context, int32_t total) {
  const size_t count = context.output_count();
  if (!has_sizes(context)) {
    if (total % static_cast<int64_t>(count) != 0) {
      return bad_input("a dimension of " + std::to_string(total) + " does not divide into " +
                       std::to_string(count) + " equal pieces");
    }
    return std::vector<int64_t>(count, total / static_cast<int64_t>(count));
  }
  ZEOLITE_ASSIGN(std::vector<int64_t> sizes, integers_of(context, 1));
  if (sizes.size() != count) {
    return bad_input("there are " + std::to_string(sizes.size()) + " sizes for " +
                     std::to_string(count) + " outputs");
  }
  int64_t known = 0;
  int64_t* rest = nullptr;
  for (int64_t& size : sizes) {
    if (size == -1 && rest == nullptr) {
      rest = &size;
    } else if (size < 0 || size > total) {
      return bad_input("a piece can't have the size " + std::to_string(size));
    } else {
      known += size;
    }
  }
  if (rest != nullptr) *rest = total - known;
  if (rest != nullptr ? *rest < 0 : known != total) {
    return bad_input("the sizes of the pieces add up to " + std::to_string(known) +
                     ", the dimension has " + std::to_string(total));
  }
  return sizes;
}

Status infer(InferContext& context) {
  const int32_t num = has_sizes(context) ? context.options<SplitVOptions>().num_splits
                                         : context.options<SplitOptions>().num_splits;
  if (num != static_cast<int32_t>(context.output_count())) {
    return bad_input("num_splits is " + std::to_string(num) + ", but there are " +
                     std::to_string(context.output_count()) + " outputs");
  }
  const Operand& input = context.input(input_position(context));
  const size_t axis_input = axis_position(context);
  if (!context.input(axis_input).has_data || (has_sizes(context) && !context.input(1).has_data)) {
    for (size_t i = 0; i < context.output_count(); ++i) {
      ZEOLITE_TRY(context.set_output_unknown(i, input.type));
    }
    return {};
  }
  ZEOLITE_ASSIGN(const int64_t value, integer_of(context, axis_input));
  ZEOLITE_ASSIGN(const int axis, checked_axis(value, input.rank()));
  std::vector<int64_t> sizes(context.output_count(), kFree);
  if (input.shape[axis] >= 0) {
    ZEOLITE_ASSIGN(sizes, sizes_of(context, input.shape[axis]));
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    Shape shape = input.shape;
    shape[axis] = static_cast<int32_t>(sizes[i]);
    ZEOLITE_TRY(context.set_output(i, input.type, std::move(shape)));
  }
  return {};
}

Status prepare(PrepareContext& context) {
  ZEOLITE_ASSIGN(const int64_t value, integer_of(context, axis_position(context)));
  ZEOLITE_ASSIGN(context.state<State>().axis,
                 checked_axis(value, context.input(input_position(context)).rank()));
  context.choose("copy");
  return {};
}

Status eval(EvalContext& context) {
  const Operand& input = context.input(input_position(context));
  if (input.bytes == 0) return {};
  const int64_t outer = product(input.shape, 0, context.state<State>().axis);
  const int64_t stride = static_cast<int64_t>(input.bytes) / outer;
  int64_t at = 0;
  for (size_t i = 0; i < context.output_count(); ++i) {
    const int64_t block = static_cast<int64_t>(context.output(i).bytes) / outer;
    if (block > 0) {
      copy_blocks(outer, block, input.data + at, stride, context.output(i).writable, block);
    }
    at += block;
  }
  return {};
}

}  // namespace

const OpKernel kSplitOp = {infer, prepare, eval};

}  // namespace zeolite
