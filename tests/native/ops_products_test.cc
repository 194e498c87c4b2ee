// Convolutions and matrix products with integers, in cases small enough to check by hand.
#include <gmock/gmock.h>

#include "tests/native/support/model_builder.h"

namespace zeolite::testing {
namespace {

using Code = BuiltinOperator;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void quantize(ModelBuilder& builder, int32_t tensor, std::vector<float> scale,
              std::vector<int64_t> zero_point, int32_t dimension = 0) {
  auto made = std::make_unique<Quantization>();
  made->scale = std::move(scale);
  made->zero_point = std::move(zero_point);
  made->quantized_dimension = dimension;
  builder.main().tensors[tensor].quantization = std::move(made);
}

// FULLY_CONNECTED of int8 [1, 3] with weights [[1, 2, -1], [-128, 127, 0]], bias [4, -4]; input
// scale 0.5 and zero point -1, output scale 1 and zero point 10.
ModelBuilder fully_connected(std::vector<float> weight_scales, int64_t weight_zero_point = 0) {
  ModelBuilder builder;
  const int32_t input = builder.input(TensorType::kInt8, {1, 3});
  const int32_t weights = builder.constant<int8_t>({2, 3}, {1, 2, -1, -128, 127, 0});
  const int32_t bias = builder.constant<int32_t>({2}, {4, -4});
  const int32_t output = builder.op(Code::kFullyConnected, {input, weights, bias},
                                    TensorType::kInt8, FullyConnectedOptions());
  builder.output(output);
  quantize(builder, input, {0.5f}, {-1});
  quantize(builder, weights, weight_scales,
           std::vector<int64_t>(weight_scales.size(), weight_zero_point));
  quantize(builder, output, {1.0f}, {10});
  return builder;
}

template <class In, class Out>
std::vector<Out> run(ModelBuilder builder, Shape shape, const std::vector<In>& values) {
  Result<std::unique_ptr<Interpreter>> made = builder.interpreter();
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  if (!made.ok()) return {};
  set_input<In>(*made.value(), 0, {std::move(shape), values});
  const Status status = made.value()->run(0);
  EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
  return output_values<Out>(*made.value()).data;
}

std::string error_of(ModelBuilder builder) {
  Result<std::unique_ptr<Interpreter>> made = builder.interpreter();
  if (!made.ok()) return made.error().message;
  const Status status = made.value()->prepare(0);
  return status.ok() ? "" : status.error().message;
}

TEST(FullyConnected, TakesZeroPointsAwayAndAddsTheOutputs) {
  // Input minus -1: [2, -3, 4]. Sums 2 - 6 - 4 + 4 = -4 and -256 - 381 - 4 = -641; times 0.5 *
  // 0.25, halves up: -0.5 is 0.
  EXPECT_THAT((run<int8_t, int8_t>(fully_connected({0.25f}), {1, 3}, {1, -4, 3})),
              ElementsAre(10 - 0, 10 - 80));
}

TEST(FullyConnected, ScalesEachChannelByItsOwnAndSaturates) {
  EXPECT_THAT((run<int8_t, int8_t>(fully_connected({0.5f, 1.0f}), {1, 3}, {1, -4, 3})),
              ElementsAre(10 - 1, -128));
}

TEST(FullyConnected, TakesTheWeightsZeroPointAwayToo) {
  // Weights minus 1: [0, 1, -2] and [-129, 126, -1]: sums -3 - 8 + 4 = -7, -258 - 378 - 4 - 4
  // = -644, an eighth of which is -80.5.
  EXPECT_THAT((run<int8_t, int8_t>(fully_connected({0.25f}, 1), {1, 3}, {1, -4, 3})),
              ElementsAre(10 - 1, 10 - 80));
}

TEST(FullyConnected, RefusesQuantizedTensorsWithoutScales) {
  ModelBuilder builder = fully_connected({0.25f});
  builder.main().tensors[builder.main().outputs[0]].quantization = nullptr;
  EXPECT_THAT(error_of(std::move(builder)), HasSubstr("output 0 (t3) has no scale"));
  builder = fully_connected({0.25f});
  builder.main().tensors[1].quantization = nullptr;
  EXPECT_THAT(error_of(std::move(builder)), HasSubstr("has no scale"));
}

TEST(FullyConnected, RefusesScalesOfAnotherNumberOfChannels) {
  EXPECT_THAT(error_of(fully_connected({0.25f, 0.5f, 1.0f})), HasSubstr("3 scales"));
}

// Float rows with int8 weights [[1, 2, -1], [3, 0, 0]] of scale 0.5.
ModelBuilder hybrid(bool asymmetric) {
  ModelBuilder builder;
  FullyConnectedOptions options;
  options.asymmetric_quantize_inputs = asymmetric;
  const int32_t input = builder.input(TensorType::kFloat32, {2, 3});
  const int32_t weights = builder.constant<int8_t>({2, 3}, {1, 2, -1, 3, 0, 0});
  builder.output(
      builder.op(Code::kFullyConnected, {input, weights}, TensorType::kFloat32, options));
  quantize(builder, weights, {0.5f}, {0});
  return builder;
}

TEST(FullyConnected, QuantizesEachFloatRowByItsLargest) {
  // 127 and 12.7 become 127; 50.4 rounds to 50, 5.04 to 50 of 0.1.
  const auto values = run<float, float>(hybrid(false), {2, 3}, {127, 50.4f, 0, 12.7f, 5.04f, 0});
  ASSERT_EQ(values.size(), 4u);
  EXPECT_FLOAT_EQ(values[0], 0.5f * (127 + 100));
  EXPECT_FLOAT_EQ(values[1], 0.5f * 3 * 127);
  EXPECT_FLOAT_EQ(values[2], 0.5f * 0.1f * (127 + 100));
  EXPECT_FLOAT_EQ(values[3], 0.5f * 0.1f * 3 * 127);
}

TEST(FullyConnected, QuantizesFloatRowsWithAZeroPointWhenAsked) {
  // The range [0, 255] in steps of 1: what symmetric steps of 2 would lose is kept.
  const auto values = run<float, float>(hybrid(true), {2, 3}, {255, 51, 0, 0, 0, 0});
  EXPECT_THAT(values, ElementsAre(0.5f * (255 + 102), 0.5f * 3 * 255, 0, 0));
}

TEST(BatchMatmul, GivesBareSumsOfStoredNumbersInInt32) {
  ModelBuilder builder;
  const int32_t x = builder.input(TensorType::kInt8, {2, 1, 2});
  const int32_t y = builder.constant<int8_t>({2, 3}, {1, 2, 3, 4, 5, -128});
  builder.output(builder.op(Code::kBatchMatmul, {x, y}, TensorType::kInt32, BatchMatMulOptions()));
  quantize(builder, x, {0.5f}, {7});
  quantize(builder, y, {0.5f}, {9});
  EXPECT_THAT((run<int8_t, int32_t>(std::move(builder), {2, 1, 2}, {1, 10, -128, 1})),
              ElementsAre(41, 52, -1277, -124, -251, -512));
}

TEST(BatchMatmul, TurnsEitherSideOverAndRepeatsBatches) {
  ModelBuilder builder;
  BatchMatMulOptions options;
  options.adj_x = options.adj_y = true;
  const int32_t x = builder.input(TensorType::kInt8, {1, 2, 1});  // [K, M]
  const int32_t y = builder.constant<int8_t>({2, 1, 2}, {1, 2, 3, 4});  // [N, K] twice
  const int32_t output = builder.op(Code::kBatchMatmul, {x, y}, TensorType::kInt8, options);
  builder.output(output);
  quantize(builder, x, {1}, {0});
  quantize(builder, y, {1}, {1});
  quantize(builder, output, {1}, {-1});
  // [5, 6] . [0, 1] and [5, 6] . [2, 3], minus 1.
  EXPECT_THAT((run<int8_t, int8_t>(std::move(builder), {1, 2, 1}, {5, 6})), ElementsAre(5, 27));
}

TEST(Conv3d, SumsOverAllThreeAxes) {
  ModelBuilder builder;
  Conv3DOptions options;
  options.padding = Padding::kSame;
  options.stride_d = 2;
  options.stride_h = options.stride_w = 1;
  const int32_t input = builder.input(TensorType::kFloat32, {1, 2, 1, 3, 1});
  const int32_t filter = builder.constant<float>({2, 1, 2, 1, 1}, {1, 10, 100, 1000});
  const int32_t bias = builder.constant<float>({1}, {0.5f});
  builder.output(builder.op(Code::kConv3d, {input, filter, bias}, TensorType::kFloat32, options));
  // Depth 2 in one step; width padded by one at the end.
  EXPECT_THAT((run<float, float>(std::move(builder), {1, 2, 1, 3, 1}, {1, 2, 3, 4, 5, 6})),
              ElementsAre(1 + 20 + 400 + 5000 + 0.5f, 2 + 30 + 500 + 6000 + 0.5f, 3 + 600 + 0.5f));
}

TEST(Conv3dTranspose, AddsWhereTapsMeet) {
  ModelBuilder builder;
  Conv3DOptions options;
  options.padding = Padding::kValid;
  options.stride_d = options.stride_h = 1;
  options.stride_w = 2;
  const int32_t input = builder.input(TensorType::kFloat32, {1, 1, 1, 2, 1});
  const int32_t shape = builder.constant<int32_t>({5}, {1, 2, 1, 5, 1});
  const int32_t filter = builder.constant<float>({2, 1, 3, 1, 1}, {1, 2, 3, 10, 20, 30});
  builder.output(builder.op(Code::kConv3dTranspose, {shape, filter, input}, TensorType::kFloat32,
                            options));
  EXPECT_THAT((run<float, float>(std::move(builder), {1, 1, 1, 2, 1}, {1, 2})),
              ElementsAre(1, 2, 3 + 2, 4, 6, 10, 20, 30 + 20, 40, 60));
}

}  // namespace
}  // namespace zeolite::testing
