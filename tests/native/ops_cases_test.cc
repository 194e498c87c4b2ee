// Tiny cases of operators that can be checked by hand, each run twice: with inputs that come at run
// time and with constant ones, which are evaluated while planning.
#include <gmock/gmock.h>

#include <limits>
#include <set>

#include "core/ops/evaluate.h"
#include "core/ops/table.h"
#include "tests/native/support/model_builder.h"

namespace zeolite::testing {
namespace {

using Code = BuiltinOperator;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr TensorType kFloat = TensorType::kFloat32;
constexpr TensorType kInt = TensorType::kInt32;

// An input of any type; a fixed one is always constant (axes, shapes).
struct Arg {
  TensorType type;
  Shape shape;
  std::vector<uint8_t> bytes;
  bool is_fixed = false;
};

template <class T>
Arg arg(Shape shape, const std::vector<T>& values) {
  Arg result{type_of<T>(), std::move(shape), std::vector<uint8_t>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(result.bytes.data(), values.data(), result.bytes.size());
  return result;
}
Arg floats(Shape shape, const std::vector<float>& values) { return arg(std::move(shape), values); }
Arg ints(Shape shape, const std::vector<int32_t>& values) { return arg(std::move(shape), values); }
Arg bools(Shape shape, const std::vector<uint8_t>& values) { return arg(std::move(shape), values); }
Arg fixed(Arg value) {
  value.is_fixed = true;
  return value;
}

// The outputs of one operator, or the error's message.
struct Outcome {
  std::vector<Values<uint8_t>> outputs;
  std::string error;

  template <class T>
  std::vector<T> values(size_t index = 0) const {
    const std::vector<uint8_t>& bytes = outputs[index].data;
    std::vector<T> result(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }
};

Outcome run_once(Code code, const std::vector<Arg>& args, TensorType type, const Options& options,
                 int outputs, bool constant) {
  ModelBuilder builder;
  std::vector<int32_t> tensors;
  for (const Arg& value : args) {
    const int32_t tensor = constant || value.is_fixed
                               ? builder.constant<uint8_t>(value.shape, value.bytes)
                               : builder.input(value.type, value.shape);
    builder.main().tensors[tensor].type = value.type;
    tensors.push_back(tensor);
  }
  const int32_t first = builder.ops(code, tensors, type, outputs, options);
  for (int i = 0; i < outputs; ++i) builder.output(first + i);
  Result<std::unique_ptr<Interpreter>> created = builder.interpreter();
  if (!created.ok()) return {{}, created.error().message};
  Interpreter& interpreter = *created.value();
  size_t input = 0;
  for (const Arg& value : args) {
    if (constant || value.is_fixed) continue;
    Result<std::span<uint8_t>> target = interpreter.input_data(0, input++);
    EXPECT_EQ(target->size(), value.bytes.size());
    if (!value.bytes.empty()) std::memcpy(target->data(), value.bytes.data(), value.bytes.size());
  }
  const Status status = interpreter.run(0);
  if (!status.ok()) return {{}, status.error().message};
  Outcome outcome;
  for (int i = 0; i < outputs; ++i) {
    outcome.outputs.push_back(output_values<uint8_t>(interpreter, static_cast<size_t>(i)));
  }
  return outcome;
}

Outcome run(Code code, const std::vector<Arg>& args, TensorType type = kFloat,
            const Options& options = {}, int outputs = 1) {
  const Outcome at_run_time = run_once(code, args, type, options, outputs, false);
  const Outcome while_planning = run_once(code, args, type, options, outputs, true);
  EXPECT_EQ(at_run_time.error.empty(), while_planning.error.empty())
      << at_run_time.error << while_planning.error;
  if (at_run_time.error.empty() && while_planning.error.empty()) {
    for (int i = 0; i < outputs; ++i) {
      EXPECT_EQ(at_run_time.outputs[i].shape, while_planning.outputs[i].shape);
      EXPECT_EQ(at_run_time.outputs[i].data, while_planning.outputs[i].data);
    }
  }
  return at_run_time;
}

TEST(Conv2d, SameWithStride2PutsTheOddPaddingAtTheEnd) {
  Conv2DOptions options;
  options.stride_h = options.stride_w = 2;
  // 4 wide, 3x1 filter, stride 2: one element of padding, at the right.
  const Outcome outcome = run(Code::kConv2d,
                              {floats({1, 1, 4, 1}, {1, 2, 3, 4}),
                               floats({1, 1, 3, 1}, {1, 10, 100}), floats({1}, {0.5f})},
                              kFloat, options);
  EXPECT_THAT(outcome.outputs[0].shape, ElementsAre(1, 1, 2, 1));
  EXPECT_THAT(outcome.values<float>(), ElementsAre(321.5f, 43.5f));
}

TEST(Conv2d, FewerFilterChannelsMakeGroups) {
  Conv2DOptions options;
  options.stride_h = options.stride_w = 1;
  options.padding = Padding::kValid;
  const Outcome outcome =
      run(Code::kConv2d,
          {floats({1, 1, 1, 4}, {1, 2, 3, 4}), floats({2, 1, 1, 2}, {1, 10, 1, 10}),
           floats({2}, {0, 0})},
          kFloat, options);
  EXPECT_THAT(outcome.values<float>(), ElementsAre(21, 43));
}

TEST(Conv2d, RefusesChannelsThatDoNotFitAndStridesOfZero) {
  Conv2DOptions options;
  options.stride_h = options.stride_w = 1;
  const std::vector<Arg> args = {floats({1, 1, 1, 3}, {1, 2, 3}), floats({1, 1, 1, 2}, {1, 1}),
                                 floats({1}, {0})};
  EXPECT_THAT(run(Code::kConv2d, args, kFloat, options).error,
              HasSubstr("operator 0 CONV_2D (t3): filter [1,1,1,2] has 2 input channels, input "
                        "[1,1,1,3] has 3"));
  options.stride_w = 0;
  EXPECT_THAT(run(Code::kConv2d, args, kFloat, options).error, HasSubstr("width: stride 0"));
}

TEST(DepthwiseConv2d, EachInputChannelHasItsOwnFilters) {
  DepthwiseConv2DOptions options;
  options.stride_h = options.stride_w = 1;
  options.padding = Padding::kValid;
  const Outcome outcome =
      run(Code::kDepthwiseConv2d,
          {floats({1, 1, 1, 2}, {3, 5}), floats({1, 1, 1, 4}, {1, 2, 10, 20}),
           floats({4}, {0, 0, 0, 1})},
          kFloat, options);
  EXPECT_THAT(outcome.values<float>(), ElementsAre(3, 6, 50, 101));
}

TEST(TransposeConv, SpreadsEachPixelOverTheOutput) {
  TransposeConvOptions options;
  options.stride_h = 1;
  options.stride_w = 2;
  options.padding = Padding::kValid;
  const Outcome outcome = run(Code::kTransposeConv,
                              {fixed(ints({4}, {1, 1, 5, 1})), floats({1, 1, 3, 1}, {1, 10, 100}),
                               floats({1, 1, 2, 1}, {1, 2}), floats({1}, {0.5f})},
                              kFloat, options);
  EXPECT_THAT(outcome.values<float>(), ElementsAre(1.5f, 10.5f, 102.5f, 20.5f, 200.5f));
}

TEST(FullyConnected, FlattensUnlessDimensionsAreKept) {
  FullyConnectedOptions options;
  const std::vector<Arg> args = {floats({2, 1, 2}, {1, 2, 3, 4}), floats({1, 2}, {1, 10})};
  EXPECT_THAT(run(Code::kFullyConnected, args, kFloat, options).outputs[0].shape,
              ElementsAre(2, 1));
  options.keep_num_dims = true;
  const Outcome kept = run(Code::kFullyConnected, args, kFloat, options);
  EXPECT_THAT(kept.outputs[0].shape, ElementsAre(2, 1, 1));
  EXPECT_THAT(kept.values<float>(), ElementsAre(21, 43));
}

TEST(BatchMatmul, TransposesAndBroadcastsTheBatch) {
  BatchMatMulOptions options;
  options.adj_y = true;
  const Outcome outcome =
      run(Code::kBatchMatmul,
          {floats({2, 1, 2}, {1, 2, 3, 4}), floats({3, 2}, {1, 0, 0, 1, 1, 1})}, kFloat, options);
  EXPECT_THAT(outcome.outputs[0].shape, ElementsAre(2, 1, 3));
  EXPECT_THAT(outcome.values<float>(), ElementsAre(1, 2, 3, 3, 4, 7));
}

TEST(Pool2d, PaddingCountsNeitherAsValuesNorInTheDivisor) {
  Pool2DOptions options;
  options.filter_height = 1;
  options.filter_width = 3;
  options.stride_h = options.stride_w = 1;
  const std::vector<Arg> args = {floats({1, 1, 3, 1}, {-3, -6, -9})};
  EXPECT_THAT(run(Code::kAveragePool2d, args, kFloat, options).values<float>(),
              ElementsAre(-4.5f, -6, -7.5f));
  EXPECT_THAT(run(Code::kMaxPool2d, args, kFloat, options).values<float>(),
              ElementsAre(-3, -3, -6));
}

TEST(Binary, BroadcastsOnBothSides) {
  const Outcome outcome = run(
      Code::kSub, {floats({2, 1}, {10, 20}), floats({3}, {1, 2, 3})}, kFloat, SubOptions());
  EXPECT_THAT(outcome.outputs[0].shape, ElementsAre(2, 3));
  EXPECT_THAT(outcome.values<float>(), ElementsAre(9, 8, 7, 19, 18, 17));
}

TEST(Binary, IntegersWrapAroundAndClampToTheirActivation) {
  const int32_t largest = std::numeric_limits<int32_t>::max();
  EXPECT_THAT(run(Code::kAdd, {ints({1}, {largest}), ints({1}, {1})}, kInt, AddOptions())
                  .values<int32_t>(),
              ElementsAre(std::numeric_limits<int32_t>::min()));
  AddOptions relu6;
  relu6.fused_activation_function = ActivationFunctionType::kRelu6;
  EXPECT_THAT(run(Code::kAdd, {ints({3}, {-9, 2, 7}), ints({}, {1})}, kInt, relu6)
                  .values<int32_t>(),
              ElementsAre(0, 3, 6));
}

TEST(Binary, FloorDivisionRoundsDownAndTheRemainderTakesTheDivisorsSign) {
  const std::vector<Arg> args = {ints({4}, {7, -7, 7, -7}), ints({4}, {2, 2, -2, -2})};
  EXPECT_THAT(run(Code::kFloorDiv, args, kInt, FloorDivOptions()).values<int32_t>(),
              ElementsAre(3, -4, -4, 3));
  EXPECT_THAT(run(Code::kFloorMod, args, kInt, FloorModOptions()).values<int32_t>(),
              ElementsAre(1, 1, -1, -1));
  const int32_t lowest = std::numeric_limits<int32_t>::min();
  EXPECT_THAT(run(Code::kDiv, {ints({1}, {lowest}), ints({1}, {-1})}, kInt, DivOptions())
                  .values<int32_t>(),
              ElementsAre(lowest));
  EXPECT_THAT(run(Code::kDiv, {ints({1}, {1}), ints({1}, {0})}, kInt, DivOptions()).error,
              HasSubstr("division by zero"));
}

TEST(Comparison, GivesBoolsOfTheCommonShape) {
  const Outcome outcome = run(Code::kLess, {floats({2, 1}, {1, 3}), floats({2}, {2, 3})},
                              TensorType::kBool, LessOptions());
  EXPECT_THAT(outcome.outputs[0].shape, ElementsAre(2, 2));
  EXPECT_THAT(outcome.values<uint8_t>(), ElementsAre(1, 1, 0, 0));
}

TEST(Select, OldFormTakesAConditionForEachRowNewFormBroadcasts) {
  const Arg x = floats({2, 2}, {1, 2, 3, 4});
  const Arg y = floats({2, 2}, {-1, -2, -3, -4});
  EXPECT_THAT(run(Code::kSelect, {bools({2}, {1, 0}), x, y}, kFloat, SelectOptions())
                  .values<float>(),
              ElementsAre(1, 2, -3, -4));
  EXPECT_THAT(run(Code::kSelectV2, {bools({2}, {1, 0}), x, y}, kFloat, SelectV2Options())
                  .values<float>(),
              ElementsAre(1, -2, 3, -4));
}

TEST(Unary, RoundTakesTiesToEven) {
  EXPECT_THAT(run(Code::kRound, {floats({4}, {0.5f, 1.5f, -2.5f, 2.4f})}).values<float>(),
              ElementsAre(0, 2, -2, 2));
}

TEST(Reduce, TakesAnyAxesInAnyOrderAndKeepsDimensionsOnDemand) {
  const Arg x = floats({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  ReducerOptions keep;
  keep.keep_dims = true;
  const Outcome mean = run(Code::kMean, {x, fixed(ints({2}, {-1, 0}))}, kFloat, keep);
  EXPECT_THAT(mean.outputs[0].shape, ElementsAre(1, 2, 1));
  EXPECT_THAT(mean.values<float>(), ElementsAre(3.5f, 5.5f));
  EXPECT_THAT(run(Code::kSum, {x, fixed(ints({1}, {1}))}, kFloat, ReducerOptions()).values<float>(),
              ElementsAre(4, 6, 12, 14));
  EXPECT_THAT(run(Code::kReduceMax, {x, fixed(ints({1}, {2}))}, kFloat, ReducerOptions())
                  .values<float>(),
              ElementsAre(2, 4, 6, 8));
  EXPECT_THAT(run(Code::kReduceProd, {x, fixed(ints({3}, {0, 1, 2}))}, kFloat, ReducerOptions())
                  .values<float>(),
              ElementsAre(40320));
}

TEST(Reduce, OfNothingIsTheNeutralElement) {
  const Arg nothing = floats({0, 2}, {});
  const Arg axis = fixed(ints({1}, {0}));
  EXPECT_THAT(run(Code::kSum, {nothing, axis}, kFloat, ReducerOptions()).values<float>(),
              ElementsAre(0, 0));
  EXPECT_THAT(run(Code::kReduceProd, {nothing, axis}, kFloat, ReducerOptions()).values<float>(),
              ElementsAre(1, 1));
}

TEST(StridedSlice, CountsFromTheEndStepsBackAndDropsDimensions) {
  const Arg x = ints({2, 3}, {0, 1, 2, 3, 4, 5});
  const Arg ones = fixed(ints({2}, {1, 1}));
  StridedSliceOptions shrink;
  shrink.shrink_axis_mask = 1;
  // x[-1, 0:2]
  const Outcome row = run(Code::kStridedSlice,
                          {x, fixed(ints({2}, {-1, 0})), fixed(ints({2}, {0, 2})), ones}, kInt,
                          shrink);
  EXPECT_THAT(row.outputs[0].shape, ElementsAre(2));
  EXPECT_THAT(row.values<int32_t>(), ElementsAre(3, 4));
  // x[:, ::-2]
  StridedSliceOptions edges;
  edges.begin_mask = edges.end_mask = 3;
  EXPECT_THAT(
      run(Code::kStridedSlice,
          {x, fixed(ints({2}, {0, 0})), fixed(ints({2}, {0, 0})), fixed(ints({2}, {1, -2}))}, kInt,
          edges)
          .values<int32_t>(),
      ElementsAre(2, 0, 5, 3));
  // x[..., newaxis, 1:99]
  StridedSliceOptions ellipsis;
  ellipsis.ellipsis_mask = 1;
  ellipsis.new_axis_mask = 2;
  const Outcome cut = run(Code::kStridedSlice,
                          {x, fixed(ints({3}, {0, 0, 1})), fixed(ints({3}, {0, 0, 99})),
                           fixed(ints({3}, {1, 1, 1}))},
                          kInt, ellipsis);
  EXPECT_THAT(cut.outputs[0].shape, ElementsAre(2, 1, 2));
  EXPECT_THAT(cut.values<int32_t>(), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(run(Code::kStridedSlice,
                  {x, fixed(ints({2}, {2, 0})), fixed(ints({2}, {3, 2})), ones}, kInt, shrink)
                  .error,
              HasSubstr("index 2 is outside dimension 0"));
}

TEST(Gather, PicksAlongAnAxisWithinEachBatch) {
  GatherOptions options;
  options.axis = 1;
  options.batch_dims = 1;
  const Arg x = floats({2, 3}, {0, 1, 2, 10, 11, 12});
  EXPECT_THAT(run(Code::kGather, {x, ints({2, 1}, {2, 0})}, kFloat, options).values<float>(),
              ElementsAre(2, 10));
  EXPECT_THAT(run(Code::kGather, {x, ints({2, 1}, {3, 0})}, kFloat, options).error,
              HasSubstr("index 3 is outside a dimension of 3"));
}

TEST(Split, TheRestGoesToTheSizeOfMinus1) {
  SplitVOptions options;
  options.num_splits = 2;
  const Outcome outcome = run(Code::kSplitV,
                              {floats({1, 5}, {1, 2, 3, 4, 5}), fixed(ints({2}, {-1, 2})),
                               fixed(ints({}, {1}))},
                              kFloat, options, 2);
  EXPECT_THAT(outcome.values<float>(0), ElementsAre(1, 2, 3));
  EXPECT_THAT(outcome.values<float>(1), ElementsAre(4, 5));
}

TEST(Pack, AndUnpackAreEachOthersReverse) {
  PackOptions pack;
  pack.axis = -1;
  pack.values_count = 2;
  const Outcome packed =
      run(Code::kPack, {floats({2}, {1, 2}), floats({2}, {3, 4})}, kFloat, pack);
  EXPECT_THAT(packed.values<float>(), ElementsAre(1, 3, 2, 4));
  UnpackOptions unpack;
  unpack.axis = 1;
  unpack.num = 2;
  const Outcome unpacked =
      run(Code::kUnpack, {floats({2, 2}, {1, 3, 2, 4})}, kFloat, unpack, 2);
  EXPECT_THAT(unpacked.values<float>(1), ElementsAre(3, 4));
}

TEST(Pad, MirrorsWithAndWithoutTheEdge) {
  const Arg x = floats({3}, {1, 2, 3});
  const Arg paddings = fixed(ints({1, 2}, {2, 1}));
  MirrorPadOptions options;
  EXPECT_THAT(run(Code::kMirrorPad, {x, paddings}, kFloat, options).values<float>(),
              ElementsAre(3, 2, 1, 2, 3, 2));
  options.mode = MirrorPadMode::kSymmetric;
  EXPECT_THAT(run(Code::kMirrorPad, {x, paddings}, kFloat, options).values<float>(),
              ElementsAre(2, 1, 1, 2, 3, 3));
  EXPECT_THAT(run(Code::kPadv2, {x, paddings, floats({}, {9})}, kFloat, PadV2Options())
                  .values<float>(),
              ElementsAre(9, 9, 1, 2, 3, 9));
}

TEST(Concatenation, JoinsAnyNumberAlongAnAxis) {
  ConcatenationOptions options;
  options.axis = 1;
  EXPECT_THAT(run(Code::kConcatenation,
                  {floats({2, 1}, {1, 4}), floats({2, 0}, {}), floats({2, 2}, {2, 3, 5, 6})},
                  kFloat, options)
                  .values<float>(),
              ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Reshape, TellsShapesThatDoNotFit) {
  const Arg x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(run(Code::kReshape, {x, fixed(ints({2}, {3, -1}))}, kFloat, ReshapeOptions())
                  .outputs[0].shape,
              ElementsAre(3, 2));
  EXPECT_THAT(run(Code::kReshape, {x, fixed(ints({2}, {4, -1}))}, kFloat, ReshapeOptions()).error,
              HasSubstr("input of shape [2,3] can't take the shape [4,?]"));
}

TEST(Dequantize, KeepsEveryFloat16) {
  const Outcome outcome = run(Code::kDequantize,
                              {arg<uint16_t>({4}, {0x3c00, 0xc000, 0x0001, 0x7c00})}, kFloat,
                              DequantizeOptions());
  EXPECT_THAT(outcome.values<float>(), ElementsAre(1.0f, -2.0f, 0x1p-24f,
                                                   std::numeric_limits<float>::infinity()));
}

TEST(EvaluateConstant, GivesOutputsWithoutAnInterpreter) {
  const std::vector<float> values = {1, 2, 3};
  Operand x;
  x.shape = {3};
  x.data = reinterpret_cast<const uint8_t*>(values.data());
  x.bytes = 12;
  x.has_data = x.is_constant = true;
  Operator op;
  op.code = Code::kMul;
  op.options = MulOptions();
  const Operand* inputs[] = {&x, &x};
  const TensorType types[] = {kFloat};
  Result<std::vector<ConstantTensor>> result = evaluate_constant(op, inputs, types);
  ASSERT_TRUE(result.ok()) << result.error().message;
  const float* squares = reinterpret_cast<const float*>(result.value()[0].data.data());
  EXPECT_THAT(std::vector<float>(squares, squares + 3), ElementsAre(1, 4, 9));
}

TEST(InferSubgraph, KeepsAFreeBatchFree) {
  ModelBuilder builder;
  const int32_t image = builder.input(kFloat, {-1, 8, 8, 3});
  Conv2DOptions conv;
  conv.stride_h = conv.stride_w = 2;
  const int32_t x = builder.op(
      Code::kConv2d, {image, builder.constant<float>({4, 3, 3, 3}, std::vector<float>(108)),
                      builder.constant<float>({4}, std::vector<float>(4))},
      kFloat, conv);
  ReshapeOptions flat;
  const int32_t y = builder.op(Code::kReshape, {x, builder.constant<int32_t>({2}, {-1, 64})},
                               kFloat, flat);
  const Status status = infer_subgraph(builder.model(), builder.main());
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_THAT(builder.main().tensors[x].shape, ElementsAre(-1, 4, 4, 4));
  EXPECT_THAT(builder.main().tensors[y].shape, ElementsAre(-1, 64));
}

TEST(OperatorTable, HasEachOperatorOnceAndOnlyTrueVersions) {
  std::set<std::string_view> seen;
  for (const OpEntry& entry : operator_table()) {
    const bool is_custom = entry.code == BuiltinOperator::kCustom;
    const std::string_view name =
        is_custom ? entry.custom_name : builtin_operator_name(entry.code);
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(is_custom, !entry.custom_name.empty()) << name;
    EXPECT_TRUE(seen.insert(name).second) << name;
    EXPECT_LE(1, entry.min_version) << name;
    EXPECT_LE(entry.min_version, entry.max_version) << name;
    EXPECT_NE(entry.kernel->infer, nullptr) << name;
    EXPECT_NE(entry.kernel->eval, nullptr) << name;
  }
}

}  // namespace
}  // namespace zeolite::testing
