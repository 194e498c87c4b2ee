#include "core/runtime/interpreter.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/native/support/model_builder.h"

// Counts what C++ allocates, to see that a run allocates nothing.
static std::atomic<int64_t> allocation_count = 0;
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocation_count;
  return std::malloc(size);
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocation_count;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace zeolite::testing {
namespace {

using Code = BuiltinOperator;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr TensorType kFloat = TensorType::kFloat32;

// image [?,4,4,1] -> CONV_2D 3x3 -> ADD constant -> RELU -> MEAN over the pixels.
ModelBuilder small_network() {
  ModelBuilder builder;
  const int32_t image = builder.input(kFloat, {-1, 4, 4, 1});
  const int32_t filter = builder.constant<float>({2, 3, 3, 1}, std::vector<float>(18, 0.5f));
  const int32_t bias = builder.constant<float>({2}, {1.0f, -1.0f});
  Conv2DOptions conv;
  conv.stride_h = conv.stride_w = 1;
  int32_t x = builder.op(Code::kConv2d, {image, filter, bias}, kFloat, conv);
  x = builder.op(Code::kAdd, {x, builder.constant<float>({2}, {0.25f, 0.5f})}, kFloat,
                 AddOptions());
  x = builder.op(Code::kRelu, {x}, kFloat);
  x = builder.op(Code::kMean, {x, builder.constant<int32_t>({2}, {1, 2})}, kFloat,
                 ReducerOptions());
  builder.output(x);
  return builder;
}

std::unique_ptr<Interpreter> ready(ModelBuilder builder, InterpreterOptions options = {}) {
  Result<std::unique_ptr<Interpreter>> interpreter = builder.interpreter(std::move(options));
  EXPECT_TRUE(interpreter.ok()) << interpreter.error().message;
  return std::move(interpreter).value();
}

void expect_run(Interpreter& interpreter, const RunOptions& options = {}) {
  Status status = interpreter.run(0, options);
  ASSERT_TRUE(status.ok()) << status.error().message;
}

TEST(Interpreter, RunsAgainForFixedShapesWithoutAllocating) {
  const auto interpreter = ready(small_network());
  set_input<float>(*interpreter, 0, {{1, 4, 4, 1}, std::vector<float>(16, 1.0f)});
  expect_run(*interpreter);
  const std::vector<float> first = output_values<float>(*interpreter).data;
  const int64_t before = allocation_count;
  const Status status = interpreter->run(0);
  EXPECT_EQ(allocation_count, before);
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(output_values<float>(*interpreter).data, first);
}

TEST(Interpreter, GivesEachImageOfABatchItsOwnResult) {
  const auto interpreter = ready(small_network());
  std::vector<float> images;
  for (int i = 0; i < 3 * 16; ++i) images.push_back(static_cast<float>(i % 7) - 3.0f);
  set_input<float>(*interpreter, 0, {{3, 4, 4, 1}, images});
  expect_run(*interpreter);
  const Values<float> all = output_values<float>(*interpreter);
  EXPECT_THAT(all.shape, ElementsAre(3, 2));
  for (int n = 0; n < 3; ++n) {
    const std::vector<float> image(images.begin() + n * 16, images.begin() + (n + 1) * 16);
    set_input<float>(*interpreter, 0, {{1, 4, 4, 1}, image});
    expect_run(*interpreter);
    const std::vector<float> one = output_values<float>(*interpreter).data;
    for (int o = 0; o < 2; ++o) EXPECT_NEAR(one[o], all.data[n * 2 + o], 1e-5);
  }
}

TEST(Interpreter, GivesTheSameBytesWithAnyNumberOfThreads) {
  std::vector<float> images(5 * 16);
  for (size_t i = 0; i < images.size(); ++i) images[i] = static_cast<float>(i * 37 % 11) / 11.0f;
  std::vector<float> results[2];
  for (int threads = 1; threads <= 2; ++threads) {
    InterpreterOptions options;
    options.pool = std::make_shared<ThreadPool>(threads);
    const auto interpreter = ready(small_network(), std::move(options));
    set_input<float>(*interpreter, 0, {{5, 4, 4, 1}, images});
    expect_run(*interpreter);
    results[threads - 1] = output_values<float>(*interpreter).data;
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(Interpreter, TakesABatchOfNothing) {
  const auto interpreter = ready(small_network());
  set_input<float>(*interpreter, 0, {{0, 4, 4, 1}, {}});
  expect_run(*interpreter);
  EXPECT_THAT(output_values<float>(*interpreter).shape, ElementsAre(0, 2));
}

TEST(Interpreter, ComputesWhatFollowsFromShapesWhilePlanning) {
  // x [?,6] -> RESHAPE to [batch, 2, 3], where the batch comes from SHAPE.
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, {-1, 6});
  ShapeOptions shape_options;
  shape_options.out_type = TensorType::kInt32;
  const int32_t shape = builder.op(Code::kShape, {x}, TensorType::kInt32, shape_options);
  StridedSliceOptions slice;
  slice.shrink_axis_mask = 1;
  const int32_t batch = builder.op(
      Code::kStridedSlice,
      {shape, builder.constant<int32_t>({1}, {0}), builder.constant<int32_t>({1}, {1}),
       builder.constant<int32_t>({1}, {1})},
      TensorType::kInt32, slice);
  PackOptions pack;
  pack.values_count = 3;
  const int32_t target = builder.op(Code::kPack,
                                    {batch, builder.constant<int32_t>({}, {2}),
                                     builder.constant<int32_t>({}, {3})},
                                    TensorType::kInt32, pack);
  builder.output(builder.op(Code::kReshape, {x, target}, kFloat, ReshapeOptions()));
  const auto interpreter = ready(std::move(builder));
  set_input<float>(*interpreter, 0, {{2, 6}, std::vector<float>(12, 1.0f)});
  std::vector<OperatorProfile> profile;
  expect_run(*interpreter, {{}, &profile});
  EXPECT_THAT(output_values<float>(*interpreter).shape, ElementsAre(2, 2, 3));
  ASSERT_EQ(profile.size(), 1u);
  EXPECT_EQ(profile[0].type, "RESHAPE");
}

TEST(Interpreter, FindsShapesThatDependOnDataWhileRunning) {
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, {4});
  const int32_t shape = builder.input(TensorType::kInt32, {2});
  const int32_t reshaped = builder.op(Code::kReshape, {x, shape}, kFloat, ReshapeOptions());
  builder.output(builder.op(Code::kNeg, {reshaped}, kFloat, NegOptions()));
  const auto interpreter = ready(std::move(builder));
  set_input<float>(*interpreter, 0, {{4}, {1, 2, 3, 4}});
  set_input<int32_t>(*interpreter, 1, {{2}, {2, 2}});
  set_input<float>(*interpreter, 0, {{4}, {1, 2, 3, 4}});
  expect_run(*interpreter);
  EXPECT_THAT(output_values<float>(*interpreter).shape, ElementsAre(2, 2));
  EXPECT_THAT(output_values<float>(*interpreter).data, ElementsAre(-1, -2, -3, -4));
  set_input<int32_t>(*interpreter, 1, {{2}, {1, -1}});
  expect_run(*interpreter);
  EXPECT_THAT(output_values<float>(*interpreter).shape, ElementsAre(1, 4));
  set_input<int32_t>(*interpreter, 1, {{2}, {3, 3}});
  const Status status = interpreter->run(0);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("operator 0 RESHAPE (t2)"));
}

TEST(Interpreter, OverwritesAnInputOnlyWhenNobodyNeedsItLater) {
  // y = relu(x + x), z = y * y, out = z - y: y must survive the MUL.
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, {3});
  int32_t y = builder.op(Code::kAdd, {x, x}, kFloat, AddOptions());
  y = builder.op(Code::kRelu, {y}, kFloat);
  const int32_t z = builder.op(Code::kMul, {y, y}, kFloat, MulOptions());
  builder.output(builder.op(Code::kSub, {z, y}, kFloat, SubOptions()));
  builder.output(z);
  const auto interpreter = ready(std::move(builder));
  set_input<float>(*interpreter, 0, {{3}, {-1, 1, 2}});
  expect_run(*interpreter);
  EXPECT_THAT(output_values<float>(*interpreter, 0).data, ElementsAre(0, 2, 12));
  EXPECT_THAT(output_values<float>(*interpreter, 1).data, ElementsAre(0, 4, 16));
  // Inputs stay as they are, so that a run can be repeated.
  expect_run(*interpreter);
  EXPECT_THAT(output_values<float>(*interpreter, 0).data, ElementsAre(0, 2, 12));
}

TEST(Interpreter, ReadsSparseWeights) {
  // [[0, 2], [3, 0]] as compressed rows.
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, {1, 2});
  const int32_t weights = builder.constant<float>({2, 2}, {2.0f, 3.0f});
  auto sparsity = std::make_unique<Sparsity>();
  sparsity->traversal_order = {0, 1};
  sparsity->dimensions.resize(2);
  sparsity->dimensions[0].dense_size = 2;
  sparsity->dimensions[1] = {DimensionType::kSparseCsr, 0, {0, 1, 2}, {1, 0}};
  builder.main().tensors[weights].sparsity = std::move(sparsity);
  const int32_t dense = builder.op(Code::kDensify, {weights}, kFloat, DensifyOptions());
  builder.output(
      builder.op(Code::kFullyConnected, {x, dense}, kFloat, FullyConnectedOptions()));
  builder.output(
      builder.op(Code::kFullyConnected, {x, weights}, kFloat, FullyConnectedOptions()));
  const auto interpreter = ready(std::move(builder));
  set_input<float>(*interpreter, 0, {{1, 2}, {10, 100}});
  expect_run(*interpreter);
  EXPECT_THAT(output_values<float>(*interpreter, 0).data, ElementsAre(200, 30));
  EXPECT_THAT(output_values<float>(*interpreter, 1).data, ElementsAre(200, 30));
}

TEST(Interpreter, SaysAllReasonsWhyAModelCantRun) {
  ModelBuilder builder;
  const int32_t x = builder.input(TensorType::kString, {2});
  const int32_t y = builder.op(Code::kConcatEmbeddings, {x}, TensorType::kString);
  builder.output(builder.op(Code::kRelu, {y}, TensorType::kString));
  builder.output(builder.ops(Code::kRank, {x, x}, TensorType::kInt32, 1, RankOptions(), 9));
  const auto result = builder.interpreter();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
  EXPECT_GE(result.error().issues.size(), 4u);
  EXPECT_THAT(result.error().message, HasSubstr("operator 0 CONCAT_EMBEDDINGS (t1): "));
  EXPECT_THAT(result.error().message,
              HasSubstr("operator 1 RELU (t2): input 0 (t1) has type string, expected float32"));
  EXPECT_THAT(result.error().message, HasSubstr("operator 2 RANK (t3): version 9"));
}

TEST(Interpreter, RefusesAnOperatorThatReadsWhatNothingHasWritten) {
  ModelBuilder builder;
  const int32_t nowhere = builder.tensor(kFloat, {2});
  builder.output(builder.op(Code::kRelu, {nowhere}, kFloat));
  const auto result = builder.interpreter();
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("nothing has written its input t0"));
}

TEST(Interpreter, NamesTheOperatorWhoseShapesDoNotFit) {
  const auto interpreter = ready(small_network());
  ASSERT_TRUE(interpreter->resize_input(0, 0, {1, 4, 4, 3}).ok());
  const Status status = interpreter->prepare(0);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kBadInput);
  EXPECT_THAT(status.error().message, HasSubstr("operator 0 CONV_2D (t3)"));
  // And the next shape works.
  set_input<float>(*interpreter, 0, {{1, 4, 4, 1}, std::vector<float>(16, 1.0f)});
  expect_run(*interpreter);
}

TEST(Interpreter, EndsWhenTheCallerGivesUp) {
  const auto interpreter = ready(small_network());
  size_t seen = 0;
  RunOptions options;
  options.on_operator = [&](size_t done, size_t total) {
    EXPECT_EQ(total, 4u);
    seen = done;
    return done < 2;
  };
  const Status status = interpreter->run(0, options);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kAborted);
  EXPECT_EQ(seen, 2u);
}

TEST(Interpreter, RefusesWhatNeedsMoreMemoryThanTheLimit) {
  InterpreterOptions options;
  options.memory_limit = 1 << 16;
  const auto interpreter = ready(small_network(), std::move(options));
  ASSERT_TRUE(interpreter->resize_input(0, 0, {10000, 4, 4, 1}).ok());
  const Status status = interpreter->prepare(0);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kOutOfMemory);
}

}  // namespace
}  // namespace zeolite::testing
