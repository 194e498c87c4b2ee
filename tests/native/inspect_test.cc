// What viewers are told of a model and of its constants.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/half.h"
#include "core/inspect/inspection.h"
#include "core/inspect/statistics.h"

namespace zeolite {
namespace {

template <class T>
std::span<const uint8_t> bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T)};
}

TEST(Half, EveryValueSurvivesTheWayThroughFloat) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = half_to_float(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(half_to_float(float_to_half(value))));
    } else {
      EXPECT_EQ(float_to_half(value), half) << value;
    }
  }
}

TEST(Half, RoundsToNearestEvenAndOverflowsToInfinity) {
  EXPECT_EQ(float_to_half(1.0f + 1.0f / 2048), 0x3c00);
  EXPECT_EQ(float_to_half(1.0f + 3.0f / 2048), 0x3c02);
  EXPECT_EQ(float_to_half(65519.0f), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(-1e30f), 0xfc00);
  EXPECT_EQ(half_to_float(1), 0x1p-24f);
}

TEST(Half, BfloatRoundsToNearestEven) {
  EXPECT_EQ(float_to_bfloat16(1.0f), 0x3f80);
  EXPECT_EQ(float_to_bfloat16(1.00390625f), 0x3f80);
  EXPECT_EQ(float_to_bfloat16(1.01171875f), 0x3f82);
  EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(NAN))));
}

TEST(Statistics, AreOfRealValues) {
  const std::vector<float> values = {0, -1, 3, 0};
  const auto stats = data_stats(TensorType::kFloat32, bytes_of(values), Shape{4}, nullptr);
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(stats->zeros, 2);
  EXPECT_EQ(stats->min, -1);
  EXPECT_EQ(stats->max, 3);
  EXPECT_EQ(stats->mean, 0.5);
  EXPECT_DOUBLE_EQ(stats->std, 1.5);
  int64_t total = 0;
  for (int64_t bin : stats->histogram) total += bin;
  EXPECT_EQ(total, 4);
  EXPECT_EQ(stats->histogram.front(), 1);
  EXPECT_EQ(stats->histogram.back(), 1);
}

TEST(Statistics, QuantizedValuesCountAtTheirZeroPoint) {
  Quantization quantization;
  quantization.scale = {0.5f, 2.0f};
  quantization.zero_point = {1, -1};
  quantization.quantized_dimension = 1;
  const std::vector<int8_t> values = {1, -1, 3, 0};
  const auto stats = data_stats(TensorType::kInt8, bytes_of(values), Shape{2, 2}, &quantization);
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(stats->zeros, 2);
  EXPECT_EQ(stats->max, 2);
  EXPECT_EQ(stats->min, 0);
}

TEST(Statistics, LeaveOutWhatIsNotFinite) {
  const std::vector<float> values = {1, NAN, INFINITY, 1};
  const auto stats = data_stats(TensorType::kFloat32, bytes_of(values), Shape{4}, nullptr);
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(stats->max, 1);
  EXPECT_EQ(stats->std, 0);
  EXPECT_EQ(stats->histogram[0], 2);
}

TEST(Statistics, EmptyAndPackedConstants) {
  const auto empty = data_stats(TensorType::kFloat32, {}, Shape{0}, nullptr);
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->count, 0);
  const std::vector<uint8_t> nibbles = {0x8f};  // -1, -8
  const auto packed = data_stats(TensorType::kInt4, nibbles, Shape{2}, nullptr);
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(packed->min, -8);
  EXPECT_EQ(packed->max, -1);
  EXPECT_FALSE(data_stats(TensorType::kString, {}, Shape{1}, nullptr).ok());
}

TEST(Inspection, TellsAScalarFromATensorOfUnknownRank) {
  Model model;
  Subgraph& subgraph = model.subgraphs.emplace_back();
  subgraph.tensors.resize(2);
  subgraph.tensors[1].has_rank = false;
  const json::Value shown = inspection_json(inspect_model(model));
  const json::Value& tensors = shown["graphs"].at(0)["tensors"];
  EXPECT_EQ(tensors.at(0).find("unranked"), nullptr);
  EXPECT_TRUE(tensors.at(1).bool_or("unranked", false));
}

TEST(Inspection, ShowsOperatorsWithTheirRolesAndAttributes) {
  Model model;
  Subgraph& subgraph = model.subgraphs.emplace_back();
  for (const char* name : {"x", "w", "y"}) subgraph.tensors.emplace_back().name = name;
  const std::vector<float> weights = {1, 0};
  subgraph.tensors[1].shape = {1, 2};
  subgraph.tensors[1].buffer =
      model.add_buffer(std::move(Bytes::copy_of(bytes_of(weights), "a test")).value());
  subgraph.tensors[0].shape = {-1, 2};
  subgraph.tensors[2].shape = {-1, 1};
  subgraph.inputs = {0};
  subgraph.outputs = {2};
  Operator& op = subgraph.operators.emplace_back();
  op.code = BuiltinOperator::kFullyConnected;
  op.inputs = {0, 1, kNoTensor};
  op.outputs = {2};
  FullyConnectedOptions options;
  options.fused_activation_function = ActivationFunctionType::kRelu6;
  op.options = options;
  model.signatures.push_back({"serving_default", {{"in", 0}}, {{"out", 2}}, 0});
  const Inspection inspection = inspect_model(model);
  EXPECT_EQ(inspection.parameters, 2);
  EXPECT_EQ(inspection.zeros, 1);
  const json::Value shown = inspection_json(inspection);
  const json::Value& node = shown["graphs"].at(0)["nodes"].at(0);
  EXPECT_EQ(node.string_or("class", ""), "FULLY_CONNECTED");
  EXPECT_EQ(node.string_or("family", ""), "dense");
  EXPECT_EQ(node["inputs"].at(1).string_or("role", ""), "weights");
  EXPECT_EQ(node["inputs"].at(2).int_or("tensor", 0), -1);
  EXPECT_EQ(node["attributes"].string_or("fused_activation_function", ""), "RELU6");
  EXPECT_EQ(shown["signatures"]["serving_default"]["inputs"].at(0)["shape"].at(0).as_int(), -1);
}

}  // namespace
}  // namespace zeolite
