// What is known of a tensor without its data:
//   SHAPE (1): its sizes, int32 or int64 as the options say    RANK (1): their number, int32 scalar
#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  if (context.code() == BuiltinOperator::kRank) {
    return context.set_output(0, TensorType::kInt32, {});
  }
  const TensorType type = context.options<ShapeOptions>().out_type;
  if (type != TensorType::kInt32 && type != TensorType::kInt64) {
    return bad_input("the output's type is " + std::string(tensor_type_name(type)) +
                     ", expected int32 or int64");
  }
  return context.set_output(0, type, {context.input(0).rank()});
}

template <class T>
void write_shape(const Shape& shape, T* output) {
  for (size_t i = 0; i < shape.size(); ++i) output[i] = shape[i];
}

Status eval(EvalContext& context) {
  const Shape& shape = context.input(0).shape;
  if (context.code() == BuiltinOperator::kRank) {
    *context.out<int32_t>(0) = static_cast<int32_t>(shape.size());
  } else if (context.output(0).type == TensorType::kInt64) {
    write_shape(shape, context.out<int64_t>(0));
  } else {
    write_shape(shape, context.out<int32_t>(0));
  }
  return {};
}

}  // namespace

const OpKernel kShapeOp = {infer, nullptr, eval};

}  // namespace zeolite
