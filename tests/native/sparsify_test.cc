// The sparse encoding of constants.
#include "core/optimize/sparsify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/ops/densify.h"

namespace zeolite {
namespace {

using testing::ElementsAre;

// `rows` rows of `columns`, every `step`-th element not zero.
std::vector<float> every(int step, int rows, int columns) {
  std::vector<float> values(static_cast<size_t>(rows * columns), 0.0f);
  for (size_t i = 0; i < values.size(); i += static_cast<size_t>(step)) {
    values[i] = 1.0f + static_cast<float>(i);
  }
  return values;
}

TEST(Sparsify, ListsTheEntriesOfEachRow) {
  std::vector<float> values(3 * 1024, 0.0f);
  values[5] = 1;
  values[1023] = 2;
  values[2048] = 3;
  const Shape shape = {3, 1024};
  Result<std::optional<SparseConstant>> sparse = encode_sparse(values, shape);
  ASSERT_TRUE(sparse.ok() && sparse.value());
  const SparseConstant& constant = *sparse.value();
  EXPECT_THAT(constant.sparsity.traversal_order, ElementsAre(0, 1));
  EXPECT_EQ(constant.sparsity.dimensions[0].dense_size, 3);
  EXPECT_THAT(constant.sparsity.dimensions[1].segments, ElementsAre(0, 2, 2, 3));
  EXPECT_THAT(constant.sparsity.dimensions[1].indices, ElementsAre(5, 1023, 0));
  const auto* stored = reinterpret_cast<const float*>(constant.values.data());
  EXPECT_THAT(std::vector<float>(stored, stored + 3), ElementsAre(1, 2, 3));
}

TEST(Sparsify, DecodingGivesTheSameConstantBack) {
  const Shape shape = {8, 3, 3, 40};
  const std::vector<float> values = every(7, 8 * 9, 40);
  Result<std::optional<SparseConstant>> sparse = encode_sparse(values, shape);
  ASSERT_TRUE(sparse.ok() && sparse.value());
  Operand operand;
  operand.shape = shape;
  operand.sparsity = &sparse.value()->sparsity;
  operand.data = sparse.value()->values.data();
  operand.bytes = sparse.value()->values.size();
  operand.has_data = true;
  operand.is_constant = true;
  Result<Bytes> dense = decode_sparse(operand);
  ASSERT_TRUE(dense.ok()) << dense.error().message;
  ASSERT_EQ(dense->size(), values.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(dense->data(), values.data(), dense->size()), 0);
}

TEST(Sparsify, WhatWouldNotBecomeSmallerStaysDense) {
  const Shape shape = {64, 64};
  Result<std::optional<SparseConstant>> half = encode_sparse(every(1, 64, 64), shape);
  ASSERT_TRUE(half.ok());
  EXPECT_FALSE(half.value());
  const Shape tiny = {4, 4};
  Result<std::optional<SparseConstant>> few = encode_sparse(every(16, 4, 4), tiny);
  ASSERT_TRUE(few.ok());
  EXPECT_FALSE(few.value());
}

TEST(Sparsify, WeightsThatTwoOperatorsShareGetOneDensify) {
  Model model;
  model.subgraphs.resize(1);
  Subgraph& main = model.subgraphs[0];
  const std::vector<float> values = every(10, 64, 64);
  const auto* bytes = reinterpret_cast<const uint8_t*>(values.data());
  const uint32_t buffer = model.add_buffer(
      Bytes::copy_of({bytes, values.size() * sizeof(float)}, "weights").value());
  for (int i = 0; i < 4; ++i) {
    Tensor tensor;
    tensor.shape = {1, 64};
    main.tensors.push_back(std::move(tensor));
  }
  main.tensors[1].shape = {64, 64};
  main.tensors[1].buffer = buffer;
  for (int i = 0; i < 2; ++i) {
    Operator op;
    op.code = BuiltinOperator::kFullyConnected;
    op.inputs = {i == 0 ? 0 : 2, 1, kNoTensor};
    op.outputs = {i + 2};
    main.operators.push_back(std::move(op));
  }
  Result<int> count = sparsify_weights(&model);
  ASSERT_TRUE(count.ok());
  EXPECT_EQ(count.value(), 1);
  ASSERT_EQ(main.operators.size(), 3u);
  EXPECT_EQ(main.operators[0].code, BuiltinOperator::kDensify);
  EXPECT_EQ(main.operators[1].inputs[1], main.operators[0].outputs[0]);
  EXPECT_EQ(main.operators[2].inputs[1], main.operators[0].outputs[0]);
  // The dense bytes are given back.
  EXPECT_TRUE(model.buffers[buffer].data.empty());
}

}  // namespace
}  // namespace zeolite
