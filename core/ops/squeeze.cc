// The same elements in another rank:
//   SQUEEZE (1, 2):   drops the dimensions of size 1 that squeeze_dims names (all without names)
//   EXPAND_DIMS (1):  puts a dimension of size 1 before `axis` (int32 or int64, one value)
// Any type; the output may share the input's memory.
#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/same_bytes.h"

namespace zeolite {
namespace {

Status infer_squeeze(InferContext& context) {
  const Operand& input = context.input(0);
  uint32_t named = 0;
  for (int32_t value : context.options<SqueezeOptions>().squeeze_dims) {
    ZEOLITE_ASSIGN(const int axis, checked_axis(value, input.rank()));
    if (input.shape[axis] != 1 && input.shape[axis] != kFree) {
      return bad_input("dimension " + std::to_string(axis) + " of " + input_text(context, 0) +
                       " is to be dropped, but is not 1");
    }
    named |= 1u << axis;
  }
  Shape shape;
  for (int i = 0; i < input.rank(); ++i) {
    const bool drop = named != 0 ? (named >> i & 1) != 0 : input.shape[i] == 1;
    if (!drop) shape.push_back(input.shape[i]);
  }
  return context.set_output(0, input.type, std::move(shape));
}

Status infer_expand(InferContext& context) {
  const Operand& input = context.input(0);
  if (!context.input(1).has_data) return context.set_output_unknown(0, input.type);
  ZEOLITE_ASSIGN(const int64_t value, integer_of(context, 1));
  ZEOLITE_ASSIGN(const int axis, checked_axis(value, input.rank() + 1));
  Shape shape = input.shape;
  shape.insert(shape.begin() + axis, 1);
  return context.set_output(0, input.type, std::move(shape));
}

}  // namespace

const OpKernel kSqueezeOp = {infer_squeeze, prepare_same_bytes, eval_same_bytes};
const OpKernel kExpandDimsOp = {infer_expand, prepare_same_bytes, eval_same_bytes};

}  // namespace zeolite
