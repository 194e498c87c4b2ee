// RESHAPE (1): the same elements in another shape.
//   input  any shape, any type
//   shape  int32 [rank] or absent: the options' new_shape then. One size may be -1: it is what
//          remains. Old files give the shape [0] with options for a scalar.
//   output the same type
// The bytes stay, so the output may share the input's memory.
#include <cstdint>

#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/same_bytes.h"

namespace zeolite {
namespace {

// Replaces the one -1 of `shape` by what `count` elements leave over for it.
Result<Shape> resolve(Shape shape, std::span<const int32_t> input) {
  const int64_t count = product(input);
  int wildcard = -1;
  int64_t known = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0) {
      if (!checked_mul<int64_t>(known, shape[i], &known)) {
        return bad_input("new shape " + shape_text(shape) + " is too large");
      }
    } else if (wildcard >= 0) {
      return bad_input("new shape " + shape_text(shape) + " has two sizes of -1");
    } else {
      wildcard = static_cast<int>(i);
    }
  }
  if (count == kFree) return shape;
  if (wildcard >= 0) {
    if (known == 0 ? count == 0 : count % known == 0) {
      const int64_t rest = known == 0 ? 0 : count / known;
      if (rest <= INT32_MAX) shape[wildcard] = static_cast<int32_t>(rest);
    }
  }
  if (!is_static(shape) || product(shape) != count) {
    return bad_input("input of shape " + shape_text(input) + " can't take the shape " +
                     shape_text(shape));
  }
  return shape;
}

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  Shape shape;
  const std::vector<int32_t>& from_options = context.options<ReshapeOptions>().new_shape;
  if (context.has_input(1)) {
    const Operand& target = context.input(1);
    ZEOLITE_TRY(require_rank(context, 1, 1));
    if (!target.has_data) return context.set_output_unknown(0, input.type);
    ZEOLITE_ASSIGN(shape, shape_of_integers(context, 1, true));
  } else {
    if (from_options.size() > kMaxOperandRank) {
      return bad_input("new shape has too many dimensions");
    }
    shape = from_options;
    for (int32_t size : shape) {
      if (size < -1) return bad_input("new shape " + shape_text(shape) + " has a negative size");
    }
  }
  // TensorFlow Lite's first converters wrote a scalar's shape so.
  if (shape == Shape{0} && product(input.shape) == 1) shape.clear();
  ZEOLITE_ASSIGN(shape, resolve(std::move(shape), input.shape));
  return context.set_output(0, input.type, std::move(shape));
}

}  // namespace

const OpKernel kReshapeOp = {infer, prepare_same_bytes, eval_same_bytes};

}  // namespace zeolite
