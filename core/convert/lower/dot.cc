// Dot: the product of two inputs, summed along one axis of each, for each sample of the batch.
#include <algorithm>
#include <utility>

#include "core/base/checked.h"
#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

// x / |x| along `axis`.
int32_t normalize(GraphBuilder& builder, int32_t x, int32_t axis) {
  if (axis == static_cast<int32_t>(builder.shape(x).size()) - 1) {
    return builder.unary(Op::kL2Normalization, x, L2NormOptions());
  }
  const int32_t sum =
      builder.reduce(Op::kSum, builder.unary(Op::kSquare, x), std::span(&axis, 1), true);
  // Keras' l2_normalize keeps clear of a division by zero in the same way.
  const int32_t safe = builder.binary(Op::kMaximum, sum, builder.float_scalar(1e-12f));
  return builder.binary(Op::kMul, x, builder.unary(Op::kRsqrt, safe));
}

// An operand of BATCH_MATMUL, [N,rows,columns], with the summed axis last or not.
struct Operand {
  int32_t tensor = kNoTensor;
  bool is_summed_last = true;
  Shape rest;  // The axes that remain, without batch and summed axis.
};

Result<Operand> make_operand(GraphBuilder& builder, int32_t x, int32_t axis) {
  const Shape shape = builder.shape(x);
  const auto rank = static_cast<int32_t>(shape.size());
  Operand operand;
  for (int32_t i = 1; i < rank; ++i) {
    if (i != axis) operand.rest.push_back(shape[static_cast<size_t>(i)]);
  }
  if (rank == 3) {
    operand.tensor = x;
    operand.is_summed_last = axis == 2;
    return operand;
  }
  if (rank > 3 && axis != rank - 1) {
    std::vector<int32_t> permutation;
    for (int32_t i = 0; i < rank; ++i) {
      if (i != axis) permutation.push_back(i);
    }
    permutation.push_back(axis);
    x = builder.transpose(x, permutation);
  }
  int64_t rows = 1;
  for (int32_t size : operand.rest) {
    if (size < 0) return refuse("an input of free size and more than three axes");
    if (!checked_mul<int64_t>(rows, size, &rows) || rows > kLargestSize) {
      return corrupt("an input of shape " + shape_text(shape) + " holds too many elements");
    }
  }
  ZEOLITE_ASSIGN(operand.tensor, builder.reshape(x, {shape[0], static_cast<int32_t>(rows),
                                                     shape[static_cast<size_t>(axis)]}));
  return operand;
}

}  // namespace

Status lower_dot(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(2));
  GraphBuilder& builder = layer.builder();
  const json::Value& axes = layer.config()["axes"];
  int32_t tensors[2];
  int32_t axis[2];
  for (size_t i = 0; i < 2; ++i) {
    ZEOLITE_ASSIGN(tensors[i], layer.input(i));
    const size_t rank = builder.shape(tensors[i]).size();
    if (rank < 2) return refuse("an input without an axis beside the batch");
    ZEOLITE_ASSIGN(axis[i], layer.axis(axes.is_array() ? axes.at(i) : axes, rank, -1));
    if (axis[i] == 0) return refuse("it sums along the batch");
  }
  const int32_t sizes[] = {builder.shape(tensors[0])[static_cast<size_t>(axis[0])],
                           builder.shape(tensors[1])[static_cast<size_t>(axis[1])]};
  if (sizes[0] >= 0 && sizes[1] >= 0 && sizes[0] != sizes[1]) {
    return corrupt("it sums along axes of " + std::to_string(sizes[0]) + " and " +
                   std::to_string(sizes[1]) + " elements");
  }
  if (layer.config().bool_or("normalize", false)) {
    for (size_t i = 0; i < 2; ++i) tensors[i] = normalize(builder, tensors[i], axis[i]);
  }
  if (builder.shape(tensors[0]).size() == 2 && builder.shape(tensors[1]).size() == 2) {
    const int32_t product = builder.binary(Op::kMul, tensors[0], tensors[1]);
    layer.set_output(builder.reduce(Op::kSum, product, std::span<const int32_t>(axis, 1), true));
    return Status();
  }
  ZEOLITE_ASSIGN(const Operand a, make_operand(builder, tensors[0], axis[0]));
  ZEOLITE_ASSIGN(const Operand b, make_operand(builder, tensors[1], axis[1]));
  const Shape& a_shape = builder.shape(a.tensor);
  const Shape& b_shape = builder.shape(b.tensor);
  BatchMatMulOptions options;
  options.adj_x = !a.is_summed_last;
  options.adj_y = b.is_summed_last;
  const int32_t product =
      builder.add(Op::kBatchMatmul, options, {a.tensor, b.tensor}, builder.type(a.tensor),
                  {a_shape[0], a_shape[a.is_summed_last ? 1 : 2],
                   b_shape[b.is_summed_last ? 1 : 2]});
  Shape shape = {builder.shape(tensors[0])[0]};
  shape.insert(shape.end(), a.rest.begin(), a.rest.end());
  shape.insert(shape.end(), b.rest.begin(), b.rest.end());
  if (shape.size() == 1) shape.push_back(1);
  ZEOLITE_ASSIGN(const int32_t result, builder.reshape(product, std::move(shape)));
  layer.set_output(result);
  return Status();
}

}  // namespace zeolite
