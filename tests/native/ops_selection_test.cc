// Operators that look for elements, add them up or change their type.
#include <cmath>

#include "tests/native/support/op_testing.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::counting;
using testing::given;
using testing::infer_shapes;
using testing::run_op;
using testing::scalar;
using testing::unknown;
using Floats = std::vector<float>;
using Ints = std::vector<int32_t>;
using Longs = std::vector<int64_t>;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Where, ListsPositionsInRowMajorOrder) {
  const auto result =
      run_op(Code::kWhere, WhereOptions{}, {given<bool>({2, 2}, {true, false, true, true})},
             {TensorType::kInt64});
  EXPECT_EQ(result.shape(), (Shape{3, 2}));
  EXPECT_EQ(result.values<int64_t>(), (Longs{0, 0, 1, 0, 1, 1}));
}

TEST(Where, TakesNanForTrueAndNegativeZeroForFalse) {
  EXPECT_EQ(run_op(Code::kWhere, WhereOptions{}, {given<float>({3}, {kNan, -0.0f, 2})},
                   {TensorType::kInt64})
                .values<int64_t>(),
            (Longs{0, 2}));
}

TEST(Where, GivesScalarsNoColumns) {
  EXPECT_EQ(
      run_op(Code::kWhere, WhereOptions{}, {scalar<int32_t>(5)}, {TensorType::kInt64}).shape(),
      (Shape{1, 0}));
  EXPECT_THAT(infer_shapes(Code::kWhere, WhereOptions{}, {unknown<bool>({3})}),
              ElementsAre("unknown"));
}

testing::Outcome scatter(testing::Given indices, testing::Given updates, Ints shape) {
  return run_op(Code::kScatterNd, ScatterNdOptions{},
                {std::move(indices), std::move(updates),
                 given<int32_t>({static_cast<int32_t>(shape.size())}, shape)});
}

TEST(ScatterNd, AddsUpWhatMeetsInOnePlace) {
  EXPECT_EQ(scatter(given<int32_t>({3, 1}, {2, 0, 2}), given<float>({3}, {1, 2, 4}), {4})
                .values<float>(),
            (Floats{2, 0, 5, 0}));
  EXPECT_EQ(scatter(given<int32_t>({2, 1}, {0, 0}), given<bool>({2}, {true, true}), {2})
                .values<bool>(),
            (std::vector<bool>{true, false}));
}

TEST(ScatterNd, PlacesRows) {
  EXPECT_EQ(scatter(given<int32_t>({1, 1}, {1}), given<int64_t>({1, 2}, {7, 8}), {2, 2})
                .values<int64_t>(),
            (Longs{0, 0, 7, 8}));
}

TEST(ScatterNd, WrapsAround) {
  EXPECT_EQ(scatter(given<int32_t>({2, 1}, {0, 0}), given<int8_t>({2}, {127, 1}), {1})
                .values<int8_t>(),
            (std::vector<int8_t>{-128}));
}

TEST(ScatterNd, RefusesIndicesOutsideAndOtherShapes) {
  EXPECT_THAT(scatter(given<int32_t>({1, 1}, {2}), given<float>({1}, {1}), {2}).error,
              HasSubstr("index 2"));
  EXPECT_THAT(scatter(given<int32_t>({1, 1}, {-1}), given<float>({1}, {1}), {2}).error,
              HasSubstr("index -1"));
  EXPECT_NE(scatter(given<int32_t>({1, 1}, {0}), given<float>({1, 3}, {1, 2, 3}), {2, 2}).error,
            "");
  EXPECT_NE(scatter(given<int32_t>({1, 3}, {0, 0, 0}), given<float>({1}, {1}), {2, 2}).error, "");
}

testing::Outcome top(testing::Given input, int32_t k, TensorType index_type) {
  const TensorType type = input.type;
  return run_op(Code::kTopkV2, TopKV2Options{}, {std::move(input), scalar<int32_t>(k)},
                {type, index_type});
}

TEST(TopkV2, TakesTheFirstOfEquals) {
  const auto result =
      top(given<float>({2, 4}, {1, 3, 3, 2, -1, -2, -1, -3}), 2, TensorType::kInt32);
  EXPECT_EQ(result.values<float>(0), (Floats{3, 3, -1, -1}));
  EXPECT_EQ(result.values<int32_t>(1), (Ints{1, 2, 0, 2}));
}

TEST(TopkV2, PutsNanLast) {
  EXPECT_EQ(top(given<float>({4}, {kNan, 1, kNan, 2}), 4, TensorType::kInt16).values<int16_t>(1),
            (std::vector<int16_t>{3, 1, 0, 2}));
}

TEST(TopkV2, TakesNothingForKZeroAndRefusesMoreThanARow) {
  EXPECT_EQ(top(counting<int32_t>({2, 3}), 0, TensorType::kInt32).shape(1), (Shape{2, 0}));
  EXPECT_THAT(top(counting<int32_t>({2, 3}), 4, TensorType::kInt32).error, HasSubstr("k is 4"));
  EXPECT_THAT(top(counting<int32_t>({2, 3}), -1, TensorType::kInt32).error, HasSubstr("k is -1"));
}

TEST(ArgMax, TakesTheFirstOfEqualsAlongAnyAxis) {
  ArgMaxOptions options;
  options.output_type = TensorType::kInt64;
  EXPECT_EQ(run_op(Code::kArgMax, options,
                   {given<float>({2, 3}, {1, 5, 5, 7, 0, 7}), scalar<int32_t>(-1)},
                   {TensorType::kInt64})
                .values<int64_t>(),
            (Longs{1, 0}));
  EXPECT_EQ(run_op(Code::kArgMax, options,
                   {given<float>({2, 3}, {1, 5, 5, 7, 0, 7}), scalar<int32_t>(0)},
                   {TensorType::kInt64})
                .values<int64_t>(),
            (Longs{1, 0, 1}));
}

TEST(Cumsum, RunsForwardBackwardAndWithoutItself) {
  CumsumOptions options;
  const std::vector<testing::Given> inputs = {given<int32_t>({3}, {1, 2, 3}), scalar<int32_t>(0)};
  EXPECT_EQ(run_op(Code::kCumsum, options, inputs).values<int32_t>(), (Ints{1, 3, 6}));
  options.exclusive = true;
  EXPECT_EQ(run_op(Code::kCumsum, options, inputs).values<int32_t>(), (Ints{0, 1, 3}));
  options.reverse = true;
  EXPECT_EQ(run_op(Code::kCumsum, options, inputs).values<int32_t>(), (Ints{5, 3, 0}));
}

TEST(OneHot, PutsTheNewDimensionAtTheAxisAndSkipsIndicesOutside) {
  OneHotOptions options;
  options.axis = 0;
  const auto result = run_op(Code::kOneHot, options,
                             {given<int32_t>({3}, {1, -1, 0}), scalar<int32_t>(2),
                              scalar<float>(5), scalar<float>(-1)});
  EXPECT_EQ(result.shape(), (Shape{2, 3}));
  EXPECT_EQ(result.values<float>(), (Floats{-1, -1, 5, 5, -1, -1}));
}

TEST(Range, CountsUpAndDown) {
  const auto range = [](auto start, auto limit, auto delta) {
    return run_op(Code::kRange, RangeOptions{}, {scalar(start), scalar(limit), scalar(delta)});
  };
  EXPECT_EQ(range(int32_t{5}, int32_t{0}, int32_t{-2}).values<int32_t>(), (Ints{5, 3, 1}));
  EXPECT_EQ(range(0.0f, 1.0f, 0.4f).shape(), (Shape{3}));
  EXPECT_NE(range(int32_t{0}, int32_t{3}, int32_t{0}).error, "");
  EXPECT_NE(range(int32_t{0}, int32_t{3}, int32_t{-1}).error, "");
  EXPECT_NE(range(0.0f, kNan, 1.0f).error, "");
}

TEST(Fill, MakesAScalarOfAnEmptyShape) {
  const auto result =
      run_op(Code::kFill, FillOptions{}, {given<int32_t>({0}, {}), scalar<int64_t>(7)});
  EXPECT_EQ(result.shape(), (Shape{}));
  EXPECT_EQ(result.values<int64_t>(), (Longs{7}));
}

TEST(Shape, IsKnownWithoutData) {
  ShapeOptions options;
  options.out_type = TensorType::kInt64;
  EXPECT_EQ(run_op(Code::kShape, options, {unknown<float>({3, 0, 2})}).values<int64_t>(),
            (Longs{3, 0, 2}));
  EXPECT_EQ(run_op(Code::kRank, RankOptions{}, {unknown<float>({3, 0, 2})}).values<int32_t>(),
            (Ints{3}));
}

TEST(Cast, CutsTowardsZeroAndMakesNanTheLargestInteger) {
  EXPECT_EQ(run_op(Code::kCast, CastOptions{}, {given<float>({4}, {1.9f, -1.9f, kNan, 1e20f})},
                   {TensorType::kInt32})
                .values<int32_t>(),
            (Ints{1, -1, INT32_MAX, INT32_MAX}));
}

TEST(Cast, WrapsIntegersAround) {
  EXPECT_EQ(run_op(Code::kCast, CastOptions{}, {given<int32_t>({2}, {300, -1})},
                   {TensorType::kUint8})
                .values<uint8_t>(),
            (std::vector<uint8_t>{44, 255}));
}

TEST(Cast, TakesTheRealPartOfComplexNumbers) {
  testing::Given input = given<float>({2, 2}, {1.5f, 9, -2.5f, 8});
  input.type = TensorType::kComplex64;
  input.shape = {2};
  EXPECT_EQ(run_op(Code::kCast, CastOptions{}, {input}).values<float>(), (Floats{1.5f, -2.5f}));
  const auto back = run_op(Code::kCast, CastOptions{}, {given<int8_t>({2}, {3, -4})},
                           {TensorType::kComplex64});
  const float* values = reinterpret_cast<const float*>(back.outputs[0].data.data());
  EXPECT_EQ(Floats(values, values + 4), (Floats{3, 0, -4, 0}));
}

}  // namespace
}  // namespace zeolite
