// BITCAST (1): the same bytes as elements of another type.
//   input any shape    output the type that the file says: the same shape for elements of the same
//   size; smaller ones get a last dimension of as many as make one element of the input; larger
//   ones are made of the input's last dimension, which must have just as many.
// Elements of 4 bits count as a byte, as in the real runtime: between them and bytes the shape
// stays, and only the first half of the bytes is kept.
#include <algorithm>
#include <cstring>

#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  const TensorType type = context.output(0).type;
  const int from = std::max(8, bits_per_element(input.type));
  const int to = std::max(8, bits_per_element(type));
  Shape shape = input.shape;
  if (from > to) {
    shape.push_back(from / to);
  } else if (from < to) {
    if (shape.empty() || (shape.back() != to / from && shape.back() != kFree)) {
      return bad_input(input_text(context, 0) + ": its last dimension must be " +
                       std::to_string(to / from) + " to become " +
                       std::string(tensor_type_name(type)));
    }
    shape.pop_back();
  }
  return context.set_output(0, type, std::move(shape));
}

Status prepare(PrepareContext& context) {
  if (context.input(0).bytes == context.output(0).bytes) context.allow_in_place();
  return {};
}

Status eval(EvalContext& context) {
  const uint64_t bytes = std::min(context.input(0).bytes, context.output(0).bytes);
  if (bytes > 0 && context.out<uint8_t>(0) != context.in<uint8_t>(0)) {
    std::memcpy(context.out<uint8_t>(0), context.in<uint8_t>(0), bytes);
  }
  return {};
}

}  // namespace

const OpKernel kBitcastOp = {infer, prepare, eval};

}  // namespace zeolite
