// PACK (1 to 5): stacks tensors of one shape along a new dimension `axis`.
// UNPACK (1 to 6): its reverse, one output for each index of dimension `axis`.
//   PACK:   inputs [D...] x values_count    output [D[:axis], values_count, D[axis:]]
//   UNPACK: input [D...]    outputs without dimension `axis`, `num` of them
#include "core/kernels/data_movement.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/widened.h"

namespace zeolite {
namespace {

Status infer_pack(InferContext& context) {
  const auto& options = context.options<PackOptions>();
  Shape shape = context.input(0).shape;
  if (options.values_count != static_cast<int32_t>(context.input_count())) {
    return bad_input("values_count is " + std::to_string(options.values_count) +
                     ", but there are " + std::to_string(context.input_count()) + " inputs");
  }
  ZEOLITE_ASSIGN(const int axis, checked_axis(options.axis, static_cast<int>(shape.size()) + 1));
  for (size_t i = 1; i < context.input_count(); ++i) {
    ZEOLITE_TRY(require_same_type(context, 0, i));
    ZEOLITE_TRY(require_rank(context, i, static_cast<int>(shape.size())));
    for (size_t d = 0; d < shape.size(); ++d) {
      ZEOLITE_TRY(require_size(context, i, static_cast<int>(d), shape[d],
                               "elements in a dimension"));
      if (shape[d] == kFree) shape[d] = context.input(i).shape[d];
    }
  }
  shape.insert(shape.begin() + axis, options.values_count);
  return context.set_output(0, context.input(0).type, std::move(shape));
}

Status infer_unpack(InferContext& context) {
  const auto& options = context.options<UnpackOptions>();
  Shape shape = context.input(0).shape;
  ZEOLITE_ASSIGN(const int axis, checked_axis(options.axis, static_cast<int>(shape.size())));
  if (options.num != static_cast<int32_t>(context.output_count())) {
    return bad_input("num is " + std::to_string(options.num) + ", but there are " +
                     std::to_string(context.output_count()) + " outputs");
  }
  ZEOLITE_TRY(require_size(context, 0, axis, options.num, "elements to unpack"));
  shape.erase(shape.begin() + axis);
  for (size_t i = 0; i < context.output_count(); ++i) {
    ZEOLITE_TRY(context.set_output(i, context.input(0).type, shape));
  }
  return {};
}

Status eval(EvalContext& context) {
  const bool is_pack = context.code() == BuiltinOperator::kPack;
  const Operand& whole = is_pack ? context.output(0) : context.input(0);
  const int64_t parts = static_cast<int64_t>(is_pack ? context.input_count()
                                                     : context.output_count());
  int axis = is_pack ? context.options<PackOptions>().axis : context.options<UnpackOptions>().axis;
  if (axis < 0) axis += whole.rank();
  const int64_t outer = product(whole.shape, 0, axis);
  const int64_t block = product(whole.shape, axis + 1, whole.shape.size()) *
                        bits_per_element(whole.type) / 8;
  if (outer * block == 0) return {};
  for (int64_t i = 0; i < parts; ++i) {
    if (is_pack) {
      copy_blocks(outer, block, context.input(i).data, block,
                  context.output(0).writable + i * block, parts * block);
    } else {
      copy_blocks(outer, block, context.input(0).data + i * block, parts * block,
                  context.output(i).writable, block);
    }
  }
  return {};
}

}  // namespace

const OpKernel kPackOp = widened<infer_pack, nullptr, eval, kWidenMoved>();
const OpKernel kUnpackOp = widened<infer_unpack, nullptr, eval, kWidenMoved>();

}  // namespace zeolite
