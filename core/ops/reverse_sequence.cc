// REVERSE_SEQUENCE (1): of each entry of a batch, the first elements along an axis turned round.
//   input    any shape and type of whole bytes; the options name the batch dimension b and the axis
//            s
//   lengths  int32 or int64 [batch], 0 to the axis' size: how many elements are turned round
//   output   like the input
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/strided_loop.h"

namespace zeolite {
namespace {

struct Axes {
  int batch = 0;
  int sequence = 0;
};

Result<Axes> axes_of(const OpContext& context) {
  const auto& options = context.options<ReverseSequenceOptions>();
  const int rank = context.input(0).rank();
  Axes axes;
  ZEOLITE_ASSIGN(axes.batch, checked_axis(options.batch_dim, rank));
  ZEOLITE_ASSIGN(axes.sequence, checked_axis(options.seq_dim, rank));
  if (axes.batch == axes.sequence) return bad_input("batch and sequence are the same dimension");
  return axes;
}

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  ZEOLITE_ASSIGN(const Axes axes, axes_of(context));
  ZEOLITE_TRY(require_rank(context, 1, 1));
  ZEOLITE_TRY(require_size(context, 1, 0, input.shape[axes.batch], "lengths"));
  return context.set_output(0, input.type, input.shape);
}

// `count` elements of the sequence of one entry, which stand `step` apart in the input.
StridedLoop<2> part_of(const Shape& shape, const Axes& axes, int64_t count, int64_t step) {
  const auto strides = dense_strides(shape);
  StridedLoop<2> loop;
  for (int i = 0; i < static_cast<int>(shape.size()); ++i) {
    if (i == axes.batch) continue;
    const bool is_sequence = i == axes.sequence;
    loop.add(is_sequence ? count : shape[i],
             {strides[i], is_sequence ? step * strides[i] : strides[i]});
  }
  return loop;
}

Status eval(EvalContext& context) {
  const Shape& shape = context.input(0).shape;
  ZEOLITE_ASSIGN(const Axes axes, axes_of(context));
  if (context.output(0).bytes == 0) return {};
  const auto strides = dense_strides(shape);
  const int64_t size = shape[axes.sequence];
  for (int64_t entry = 0; entry < shape[axes.batch]; ++entry) {
    const int64_t length = context.input(1).type == TensorType::kInt64
                               ? context.in<int64_t>(1)[entry]
                               : context.in<int32_t>(1)[entry];
    if (length < 0 || length > size) {
      return bad_input("length " + std::to_string(length) + " is not between 0 and " +
                       std::to_string(size));
    }
    const int64_t start = entry * strides[axes.batch];
    const int64_t stride = strides[axes.sequence];
    const StridedLoop<2> turned = part_of(shape, axes, length, -1);
    const StridedLoop<2> kept = part_of(shape, axes, size - length, 1);
    ZEOLITE_TRY(dispatch_width(context.input(0).type, [&]<class T>() -> Status {
      const T* from = context.in<T>(0);
      T* to = context.out<T>(0);
      copy_strided(turned, to, start, from, start + (length - 1) * stride);
      copy_strided(kept, to, start + length * stride, from, start + length * stride);
      return {};
    }));
  }
  return {};
}

}  // namespace

const OpKernel kReverseSequenceOp = {infer, nullptr, eval};

}  // namespace zeolite
