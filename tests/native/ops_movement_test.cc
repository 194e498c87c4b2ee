// Operators that move elements: hand-made cases, and what each must refuse.
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

TEST(Concatenation, JoinsAlongAnInnerAxis) {
  ConcatenationOptions options;
  options.axis = -1;
  const auto result = run_op(Code::kConcatenation, options,
                             {given<float>({2, 1}, {1, 2}), given<float>({2, 2}, {3, 4, 5, 6})});
  EXPECT_EQ(result.shape(), (Shape{2, 3}));
  EXPECT_EQ(result.values<float>(), (Floats{1, 3, 4, 2, 5, 6}));
}

TEST(Concatenation, TakesAnEmptyInput) {
  const auto result = run_op(Code::kConcatenation, ConcatenationOptions{},
                             {given<int32_t>({0, 2}, {}), given<int32_t>({1, 2}, {7, 8})});
  EXPECT_EQ(result.values<int32_t>(), (Ints{7, 8}));
}

TEST(Concatenation, KnowsWhatIsFreeAndWhatIsNot) {
  ConcatenationOptions options;
  options.axis = 1;
  EXPECT_THAT(infer_shapes(Code::kConcatenation, options,
                           {unknown<float>({-1, 2, -1}), unknown<float>({-1, 3, 4})}),
              ElementsAre("[?,5,4]"));
  EXPECT_THAT(infer_shapes(Code::kConcatenation, options,
                           {unknown<float>({2, -1}), unknown<float>({2, 3})}),
              ElementsAre("[2,?]"));
}

TEST(Concatenation, RefusesAFusedActivation) {
  ConcatenationOptions options;
  options.fused_activation_function = ActivationFunctionType::kRelu;
  EXPECT_THAT(run_op(Code::kConcatenation, options, {counting<float>({2})}).error,
              HasSubstr("activation"));
}

TEST(Pack, PutsTheNewDimensionAtTheAxis) {
  PackOptions options;
  options.values_count = 2;
  options.axis = 1;
  const auto result =
      run_op(Code::kPack, options, {given<float>({2}, {1, 2}), given<float>({2}, {3, 4})});
  EXPECT_EQ(result.shape(), (Shape{2, 2}));
  EXPECT_EQ(result.values<float>(), (Floats{1, 3, 2, 4}));
}

TEST(Pack, StacksScalars) {
  PackOptions options;
  options.values_count = 3;
  const auto result =
      run_op(Code::kPack, options, {scalar<int32_t>(4), scalar<int32_t>(5), scalar<int32_t>(6)});
  EXPECT_EQ(result.shape(), (Shape{3}));
  EXPECT_EQ(result.values<int32_t>(), (Ints{4, 5, 6}));
}

TEST(Unpack, GivesEachRowWithoutTheDimension) {
  UnpackOptions options;
  options.num = 3;
  options.axis = -1;
  const auto result = run_op(Code::kUnpack, options, {counting<float>({2, 3})},
                             std::vector<TensorType>(3, TensorType::kFloat32));
  ASSERT_EQ(result.error, "");
  EXPECT_EQ(result.shape(2), (Shape{2}));
  EXPECT_EQ(result.values<float>(2), (Floats{2, 5}));
}

TEST(Split, CutsEqualParts) {
  SplitOptions options;
  options.num_splits = 2;
  const std::vector<testing::Given> inputs = {scalar<int32_t>(1), counting<float>({2, 4})};
  const auto result =
      run_op(Code::kSplit, options, inputs, std::vector<TensorType>(2, TensorType::kFloat32));
  ASSERT_EQ(result.error, "");
  EXPECT_EQ(result.values<float>(0), (Floats{0, 1, 4, 5}));
  EXPECT_EQ(result.values<float>(1), (Floats{2, 3, 6, 7}));
  EXPECT_THAT(infer_shapes(Code::kSplit, options, {scalar<int32_t>(1), unknown<float>({-1, 4})}, 2),
              ElementsAre("[?,2]", "[?,2]"));
}

TEST(SplitV, GivesTheRestToTheSizeThatIsMinusOne) {
  SplitVOptions options;
  options.num_splits = 3;
  const auto result =
      run_op(Code::kSplitV, options,
             {counting<float>({6}), given<int32_t>({3}, {1, -1, 2}), scalar<int32_t>(0)},
             std::vector<TensorType>(3, TensorType::kFloat32));
  ASSERT_EQ(result.error, "");
  EXPECT_EQ(result.values<float>(1), (Floats{1, 2, 3}));
  EXPECT_EQ(result.values<float>(2), (Floats{4, 5}));
}

TEST(Slice, TakesABoxAndTheRestForMinusOne) {
  const auto result = run_op(Code::kSlice, SliceOptions{},
                             {counting<float>({3, 4}), given<int64_t>({2}, {1, 2}),
                              given<int64_t>({2}, {-1, 1})});
  EXPECT_EQ(result.shape(), (Shape{2, 1}));
  EXPECT_EQ(result.values<float>(), (Floats{6, 10}));
}

TEST(Slice, RefusesABoxThatLeavesTheInput) {
  EXPECT_NE(run_op(Code::kSlice, SliceOptions{},
                   {counting<float>({3}), given<int32_t>({1}, {2}), given<int32_t>({1}, {2})})
                .error,
            "");
  EXPECT_NE(run_op(Code::kSlice, SliceOptions{},
                   {counting<float>({3}), given<int32_t>({1}, {-1}), given<int32_t>({1}, {1})})
                .error,
            "");
}

testing::Outcome strided(StridedSliceOptions options, testing::Given input, Ints begin, Ints end,
                         Ints strides) {
  const Shape length = {static_cast<int32_t>(begin.size())};
  return run_op(Code::kStridedSlice, options,
                {std::move(input), given<int32_t>(length, begin), given<int32_t>(length, end),
                 given<int32_t>(length, strides)});
}

TEST(StridedSlice, WalksBackwardsWithANegativeStride) {
  EXPECT_EQ(strided({}, counting<float>({6}), {-1}, {0}, {-2}).values<float>(), (Floats{5, 3, 1}));
  StridedSliceOptions whole;
  whole.begin_mask = whole.end_mask = 1;
  EXPECT_EQ(strided(whole, counting<float>({3}), {0}, {0}, {-1}).values<float>(),
            (Floats{2, 1, 0}));
}

TEST(StridedSlice, MovesPositionsOutsideToTheBorder) {
  EXPECT_EQ(strided({}, counting<float>({3}), {-9}, {9}, {1}).values<float>(), (Floats{0, 1, 2}));
  EXPECT_EQ(strided({}, counting<float>({3}), {2}, {1}, {1}).shape(), (Shape{0}));
}

TEST(StridedSlice, ShrinksAddsAndSkipsDimensions) {
  // x[..., None, 1] of [2, 2, 3].
  StridedSliceOptions options;
  options.ellipsis_mask = 1;
  options.new_axis_mask = 2;
  options.shrink_axis_mask = 4;
  const auto result = strided(options, counting<float>({2, 2, 3}), {0, 0, 1}, {0, 0, 0}, {1, 1, 1});
  EXPECT_EQ(result.shape(), (Shape{2, 2, 1}));
  EXPECT_EQ(result.values<float>(), (Floats{1, 4, 7, 10}));
}

TEST(StridedSlice, CountsTheEndFromBeginWithOffset) {
  StridedSliceOptions options;
  options.offset = true;
  EXPECT_EQ(strided(options, counting<float>({6}), {2}, {3}, {1}).values<float>(),
            (Floats{2, 3, 4}));
}

TEST(StridedSlice, RefusesStrideZeroAndAnIndexOutside) {
  EXPECT_NE(strided({}, counting<float>({3}), {0}, {1}, {0}).error, "");
  StridedSliceOptions shrink;
  shrink.shrink_axis_mask = 1;
  EXPECT_THAT(strided(shrink, counting<float>({3}), {3}, {4}, {1}).error, HasSubstr("index 3"));
}

TEST(Gather, SharesBatchDimensions) {
  GatherOptions options;
  options.axis = 1;
  options.batch_dims = 1;
  const auto result = run_op(Code::kGather, options,
                             {counting<float>({2, 3}), given<int16_t>({2, 2}, {2, 0, 1, 1})});
  EXPECT_EQ(result.shape(), (Shape{2, 2}));
  EXPECT_EQ(result.values<float>(), (Floats{2, 0, 4, 4}));
}

TEST(Gather, RefusesNegativeIndicesAndThoseOutside) {
  for (int32_t index : {-1, 3}) {
    EXPECT_THAT(run_op(Code::kGather, GatherOptions{},
                       {counting<float>({3}), given<int32_t>({1}, {index})})
                    .error,
                HasSubstr("index " + std::to_string(index)));
  }
}

TEST(GatherNd, PicksRowsAndElements) {
  EXPECT_EQ(run_op(Code::kGatherNd, GatherNdOptions{},
                   {counting<float>({2, 2}), given<int64_t>({2, 1}, {1, 0})})
                .values<float>(),
            (Floats{2, 3, 0, 1}));
  EXPECT_EQ(run_op(Code::kGatherNd, GatherNdOptions{},
                   {counting<float>({2, 2}), given<int32_t>({1, 2}, {1, 0})})
                .values<float>(),
            (Floats{2}));
}

TEST(Pad, FillsWithTheZeroPoint) {
  testing::Given input = given<int8_t>({2}, {1, 2});
  input.quantization = Quantization{};
  input.quantization->scale = {0.5f};
  input.quantization->zero_point = {-3};
  const auto result = run_op(Code::kPad, PadOptions{}, {input, given<int32_t>({1, 2}, {1, 2})});
  EXPECT_EQ(result.values<int8_t>(), (std::vector<int8_t>{-3, 1, 2, -3, -3}));
}

TEST(Padv2, FillsWithTheGivenValue) {
  const auto result = run_op(Code::kPadv2, PadV2Options{},
                             {given<float>({1, 2}, {1, 2}), given<int64_t>({2, 2}, {1, 0, 0, 1}),
                              scalar<float>(9)});
  EXPECT_EQ(result.shape(), (Shape{2, 3}));
  EXPECT_EQ(result.values<float>(), (Floats{9, 9, 9, 1, 2, 9}));
}

TEST(MirrorPad, RepeatsTheBorderOnlyWhenSymmetric) {
  MirrorPadOptions options;
  const std::vector<testing::Given> inputs = {given<float>({3}, {1, 2, 3}),
                                              given<int32_t>({1, 2}, {2, 2})};
  options.mode = MirrorPadMode::kReflect;
  EXPECT_EQ(run_op(Code::kMirrorPad, options, inputs).values<float>(),
            (Floats{3, 2, 1, 2, 3, 2, 1}));
  options.mode = MirrorPadMode::kSymmetric;
  EXPECT_EQ(run_op(Code::kMirrorPad, options, inputs).values<float>(),
            (Floats{2, 1, 1, 2, 3, 3, 2}));
}

TEST(MirrorPad, RefusesMoreThanThereIs) {
  MirrorPadOptions options;
  options.mode = MirrorPadMode::kReflect;
  EXPECT_NE(run_op(Code::kMirrorPad, options,
                   {counting<float>({2}), given<int32_t>({1, 2}, {2, 0})})
                .error,
            "");
}

TEST(Tile, RepeatsEachDimension) {
  const auto result = run_op(Code::kTile, TileOptions{},
                             {given<float>({2, 1}, {1, 2}), given<int32_t>({2}, {2, 2})});
  EXPECT_EQ(result.shape(), (Shape{4, 2}));
  EXPECT_EQ(result.values<float>(), (Floats{1, 1, 2, 2, 1, 1, 2, 2}));
}

TEST(BroadcastTo, RepeatsOnesAndMissingDimensions) {
  const auto result = run_op(Code::kBroadcastTo, BroadcastToOptions{},
                             {given<float>({2, 1}, {1, 2}), given<int64_t>({3}, {2, 2, 2})});
  EXPECT_EQ(result.values<float>(), (Floats{1, 1, 2, 2, 1, 1, 2, 2}));
  EXPECT_NE(run_op(Code::kBroadcastTo, BroadcastToOptions{},
                   {counting<float>({3}), given<int32_t>({1}, {1})})
                .error,
            "");
}

TEST(Transpose, PermutesAnyRank) {
  const auto result = run_op(Code::kTranspose, TransposeOptions{},
                             {counting<uint16_t>({2, 1, 3}), given<int32_t>({3}, {-1, 0, 1})});
  EXPECT_EQ(result.shape(), (Shape{3, 2, 1}));
  EXPECT_EQ(result.values<uint16_t>(), (std::vector<uint16_t>{0, 3, 1, 4, 2, 5}));
}

TEST(Transpose, RefusesARepeatedDimension) {
  EXPECT_NE(run_op(Code::kTranspose, TransposeOptions{},
                   {counting<float>({2, 2}), given<int32_t>({2}, {0, 0})})
                .error,
            "");
}

TEST(ExpandDims, CountsFromTheEndOfTheResult) {
  EXPECT_EQ(run_op(Code::kExpandDims, ExpandDimsOptions{},
                   {counting<float>({2, 3}), scalar<int32_t>(-1)})
                .shape(),
            (Shape{2, 3, 1}));
}

TEST(Squeeze, DropsListedDimensionsOrAllOfSizeOne) {
  SqueezeOptions options;
  EXPECT_EQ(run_op(Code::kSqueeze, options, {counting<float>({1, 2, 1})}).shape(), (Shape{2}));
  options.squeeze_dims = {-1};
  EXPECT_EQ(run_op(Code::kSqueeze, options, {counting<float>({1, 2, 1})}).shape(), (Shape{1, 2}));
  options.squeeze_dims = {1};
  EXPECT_NE(run_op(Code::kSqueeze, options, {counting<float>({1, 2, 1})}).error, "");
}

TEST(SpaceToBatchNd, PadsThenTakesEveryBlockthPosition) {
  const auto result = run_op(Code::kSpaceToBatchNd, SpaceToBatchNDOptions{},
                             {given<float>({1, 3, 1}, {1, 2, 3}), given<int32_t>({1}, {2}),
                              given<int32_t>({1, 2}, {1, 0})});
  EXPECT_EQ(result.shape(), (Shape{2, 2, 1}));
  EXPECT_EQ(result.values<float>(), (Floats{0, 2, 1, 3}));
}

TEST(BatchToSpaceNd, UndoesSpaceToBatch) {
  const auto result = run_op(Code::kBatchToSpaceNd, BatchToSpaceNDOptions{},
                             {given<float>({2, 2, 1}, {0, 2, 1, 3}), given<int32_t>({1}, {2}),
                              given<int32_t>({1, 2}, {1, 0})});
  EXPECT_EQ(result.shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(result.values<float>(), (Floats{1, 2, 3}));
}

TEST(SpaceToDepth, AndBack) {
  SpaceToDepthOptions to_depth;
  to_depth.block_size = 2;
  const auto deep = run_op(Code::kSpaceToDepth, to_depth, {counting<float>({1, 2, 4, 1})});
  EXPECT_EQ(deep.shape(), (Shape{1, 1, 2, 4}));
  EXPECT_EQ(deep.values<float>(), (Floats{0, 1, 4, 5, 2, 3, 6, 7}));
  DepthToSpaceOptions to_space;
  to_space.block_size = 2;
  const auto wide =
      run_op(Code::kDepthToSpace, to_space, {given<float>({1, 1, 2, 4}, deep.values<float>())});
  EXPECT_EQ(wide.values<float>(), (Floats{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(ReverseV2, TurnsSeveralAxes) {
  const auto result = run_op(Code::kReverseV2, ReverseV2Options{},
                             {counting<float>({2, 3}), given<int32_t>({2}, {0, 1})});
  EXPECT_EQ(result.values<float>(), (Floats{5, 4, 3, 2, 1, 0}));
}

TEST(ReverseSequence, TurnsTheFirstElementsOfEachEntry) {
  ReverseSequenceOptions options;
  options.seq_dim = 1;
  options.batch_dim = 0;
  const std::vector<testing::Given> inputs = {counting<float>({3, 3}),
                                              given<int64_t>({3}, {0, 2, 3})};
  EXPECT_EQ(run_op(Code::kReverseSequence, options, inputs).values<float>(),
            (Floats{0, 1, 2, 4, 3, 5, 8, 7, 6}));
  options.seq_dim = 0;
  options.batch_dim = 1;
  EXPECT_EQ(run_op(Code::kReverseSequence, options, inputs).values<float>(),
            (Floats{0, 4, 8, 3, 1, 5, 6, 7, 2}));
}

TEST(ReverseSequence, RefusesALengthBeyondTheAxis) {
  ReverseSequenceOptions options;
  options.seq_dim = 1;
  EXPECT_THAT(run_op(Code::kReverseSequence, options,
                     {counting<float>({1, 3}), given<int32_t>({1}, {4})})
                  .error,
              HasSubstr("length 4"));
}

TEST(DynamicUpdateSlice, MovesTheBoxInside) {
  const std::vector<testing::Given> tensors = {counting<float>({2, 3}),
                                               given<float>({1, 2}, {8, 9})};
  for (const auto& [start, expected] :
       std::vector<std::pair<Ints, Floats>>{{{0, 0}, {8, 9, 2, 3, 4, 5}},
                                            {{9, 9}, {0, 1, 2, 3, 8, 9}},
                                            {{-4, 1}, {0, 8, 9, 3, 4, 5}}}) {
    EXPECT_EQ(run_op(Code::kDynamicUpdateSlice, DynamicUpdateSliceOptions{},
                     {tensors[0], tensors[1], given<int32_t>({2}, start)})
                  .values<float>(),
              expected);
  }
}

TEST(DynamicUpdateSlice, RefusesALargerUpdate) {
  EXPECT_THAT(run_op(Code::kDynamicUpdateSlice, DynamicUpdateSliceOptions{},
                     {counting<float>({2}), counting<float>({3}), given<int32_t>({1}, {0})})
                  .error,
              HasSubstr("larger"));
}

// Shapes may name huge sizes beside a zero: nothing may overflow, and nothing is to be done.
TEST(Movement, TakesHugeDimensionsBesideAnEmptyOne) {
  constexpr int32_t kHuge = INT32_MAX;
  const Shape shape = {0, kHuge, kHuge, kHuge};
  const testing::Given input = given<float>(shape, {});
  const Ints zeros(8, 0);
  const Ints ones(4, 1);
  const testing::Given four = given<int32_t>({4}, Ints(4, 0));
  const testing::Given axes = given<int32_t>({4}, {0, 2, 3, 1});
  EXPECT_EQ(run_op(Code::kTranspose, TransposeOptions{}, {input, axes}).error, "");
  EXPECT_EQ(run_op(Code::kTile, TileOptions{}, {input, given<int32_t>({4}, ones)}).error, "");
  EXPECT_EQ(run_op(Code::kSlice, SliceOptions{}, {input, four, given<int32_t>({4}, Ints(4, -1))})
                .error,
            "");
  StridedSliceOptions whole;
  whole.begin_mask = whole.end_mask = 15;
  EXPECT_EQ(strided(whole, input, Ints(4, 0), Ints(4, 0), {1, -1, 1, -1}).error, "");
  EXPECT_EQ(run_op(Code::kReverseV2, ReverseV2Options{}, {input, given<int32_t>({1}, {1})}).error,
            "");
  CumsumOptions cumsum;
  EXPECT_EQ(run_op(Code::kCumsum, cumsum, {input, scalar<int32_t>(0)}).error, "");
  EXPECT_EQ(run_op(Code::kConcatenation, ConcatenationOptions{}, {input, input}).error, "");
  EXPECT_EQ(run_op(Code::kGather, GatherOptions{}, {input, given<int32_t>({0}, {})}).error, "");
  ReverseSequenceOptions sequence;
  sequence.seq_dim = 1;
  EXPECT_EQ(run_op(Code::kReverseSequence, sequence, {input, given<int32_t>({0}, {})}).error, "");
  EXPECT_EQ(run_op(Code::kDynamicUpdateSlice, DynamicUpdateSliceOptions{}, {input, input, four})
                .error,
            "");
  EXPECT_EQ(run_op(Code::kBroadcastTo, BroadcastToOptions{},
                   {input, given<int32_t>({4}, {0, kHuge, kHuge, kHuge})})
                .error,
            "");
  EXPECT_EQ(run_op(Code::kWhere, WhereOptions{}, {input}, {TensorType::kInt64}).error, "");
  EXPECT_EQ(run_op(Code::kZerosLike, ZerosLikeOptions{}, {input}).error, "");
  SpaceToDepthOptions to_depth;
  to_depth.block_size = 1;
  EXPECT_EQ(run_op(Code::kSpaceToDepth, to_depth, {input}).error, "");
  // These would have to grow a dimension or refuse it: an error is as good, an overflow is none.
  run_op(Code::kPad, PadOptions{}, {input, given<int32_t>({4, 2}, zeros)});
  run_op(Code::kMirrorPad, MirrorPadOptions{}, {input, given<int32_t>({4, 2}, zeros)});
  run_op(Code::kSpaceToBatchNd, SpaceToBatchNDOptions{},
         {input, given<int32_t>({2}, {1, 1}), given<int32_t>({2, 2}, Ints(4, 0))});
  SplitOptions split;
  split.num_splits = 1;
  EXPECT_EQ(run_op(Code::kSplit, split, {scalar<int32_t>(0), input}).error, "");
  TopKV2Options top;
  EXPECT_EQ(run_op(Code::kTopkV2, top, {given<float>({0, kHuge, kHuge, 3}, {}), scalar<int32_t>(1)},
                   {TensorType::kFloat32, TensorType::kInt32})
                .error,
            "");
}

// A converter infers shapes before it knows the data.
TEST(Movement, LeavesShapesOpenThatDependOnUnknownData) {
  EXPECT_THAT(infer_shapes(Code::kTile, TileOptions{},
                           {unknown<float>({-1, 2}), unknown<int32_t>({2})}),
              ElementsAre("unknown"));
  EXPECT_THAT(infer_shapes(Code::kTranspose, TransposeOptions{},
                           {unknown<float>({-1, 2, 3}), given<int32_t>({3}, {2, 0, 1})}),
              ElementsAre("[3,?,2]"));
  EXPECT_THAT(infer_shapes(Code::kPad, PadOptions{},
                           {unknown<float>({-1, 2}), given<int32_t>({2, 2}, {0, 0, 1, 1})}),
              ElementsAre("[?,4]"));
  EXPECT_THAT(infer_shapes(Code::kGather, GatherOptions{},
                           {unknown<float>({5, -1}), unknown<int32_t>({-1, 2})}),
              ElementsAre("[?,2,?]"));
  EXPECT_THAT(infer_shapes(Code::kSpaceToBatchNd, SpaceToBatchNDOptions{},
                           {unknown<float>({-1, 4, 3}), given<int32_t>({1}, {2}),
                            given<int32_t>({1, 2}, {0, 0})}),
              ElementsAre("[?,2,3]"));
  StridedSliceOptions first;
  first.shrink_axis_mask = 1;
  EXPECT_THAT(infer_shapes(Code::kStridedSlice, first,
                           {unknown<int32_t>({4}), given<int32_t>({1}, {0}),
                            given<int32_t>({1}, {1}), given<int32_t>({1}, {1})}),
              ElementsAre("[]"));
}

}  // namespace
}  // namespace zeolite
