// Operators on quantized numbers, on 16-bit floats, on elements that share bytes and on strings:
// tiny cases that can be checked by hand.
#include <gmock/gmock.h>

#include "core/base/half.h"
#include "core/graph/string_tensor.h"
#include "tests/native/support/model_builder.h"

namespace zeolite::testing {
namespace {

using Code = BuiltinOperator;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A tensor of the model: constant where it has no place among the inputs.
struct Arg {
  TensorType type;
  Shape shape;
  std::vector<uint8_t> bytes;
  float scale = 0;  // 0: none.
  int64_t zero_point = 0;
  bool is_constant = false;
};

template <class T>
Arg of(TensorType type, Shape shape, const std::vector<T>& values, float scale = 0,
       int64_t zero_point = 0) {
  Arg arg{type, std::move(shape), std::vector<uint8_t>(values.size() * sizeof(T)), scale,
          zero_point};
  if (!values.empty()) std::memcpy(arg.bytes.data(), values.data(), arg.bytes.size());
  return arg;
}
Arg int8s(Shape shape, const std::vector<int8_t>& values, float scale = 0, int64_t zero = 0) {
  return of(TensorType::kInt8, std::move(shape), values, scale, zero);
}
Arg uint8s(Shape shape, const std::vector<uint8_t>& values, float scale = 0, int64_t zero = 0) {
  return of(TensorType::kUint8, std::move(shape), values, scale, zero);
}
Arg int16s(Shape shape, const std::vector<int16_t>& values, float scale = 0, int64_t zero = 0) {
  return of(TensorType::kInt16, std::move(shape), values, scale, zero);
}
Arg floats(Shape shape, const std::vector<float>& values) {
  return of(TensorType::kFloat32, std::move(shape), values);
}
Arg ints(Shape shape, const std::vector<int32_t>& values) {
  Arg arg = of(TensorType::kInt32, std::move(shape), values);
  arg.is_constant = true;
  return arg;
}
Arg halves(Shape shape, const std::vector<float>& values) {
  std::vector<uint16_t> bits;
  for (float value : values) bits.push_back(float_to_half(value));
  return of(TensorType::kFloat16, std::move(shape), bits);
}
Arg strings(Shape shape, const std::vector<std::string>& values) {
  std::vector<int32_t> head = {static_cast<int32_t>(values.size())};
  int32_t at = static_cast<int32_t>(4 * (values.size() + 2));
  std::string all;
  for (const std::string& value : values) {
    head.push_back(at);
    at += static_cast<int32_t>(value.size());
    all += value;
  }
  head.push_back(at);
  Arg arg = of(TensorType::kString, std::move(shape), head);
  arg.bytes.insert(arg.bytes.end(), all.begin(), all.end());
  return arg;
}
Arg sub_bytes(TensorType type, Shape shape, std::vector<uint8_t> bytes) {
  return of(type, std::move(shape), bytes);
}

struct Outcome {
  Shape shape;
  std::vector<uint8_t> bytes;
  std::string error;

  template <class T>
  std::vector<T> values() const {
    std::vector<T> result(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }
  std::vector<float> halves() const {
    std::vector<float> result;
    for (uint16_t bits : values<uint16_t>()) result.push_back(half_to_float(bits));
    return result;
  }
  std::vector<std::string> strings() const {
    std::vector<std::string> result;
    const Strings all(bytes);
    for (int64_t i = 0; i < all.size(); ++i) result.emplace_back(all[i]);
    return result;
  }
};

// `output` says type, scale and zero point.
Outcome run(Code code, const std::vector<Arg>& args, const Arg& output,
            const Options& options = {}) {
  ModelBuilder builder;
  std::vector<int32_t> tensors;
  const auto set_scale = [&](int32_t tensor, const Arg& arg) {
    if (arg.scale == 0) return;
    auto quantization = std::make_unique<Quantization>();
    quantization->scale = {arg.scale};
    quantization->zero_point = {arg.zero_point};
    builder.main().tensors[tensor].quantization = std::move(quantization);
  };
  for (const Arg& arg : args) {
    const int32_t tensor = arg.is_constant ? builder.constant<uint8_t>(arg.shape, arg.bytes)
                                           : builder.input(arg.type, arg.shape);
    builder.main().tensors[tensor].type = arg.type;
    set_scale(tensor, arg);
    tensors.push_back(tensor);
  }
  const int32_t result = builder.op(code, tensors, output.type, options);
  set_scale(result, output);
  builder.output(result);
  Result<std::unique_ptr<Interpreter>> created = builder.interpreter();
  if (!created.ok()) return {{}, {}, created.error().message};
  Interpreter& interpreter = *created.value();
  Status status = interpreter.prepare(0);
  if (!status.ok()) return {{}, {}, status.error().message};
  size_t input = 0;
  for (const Arg& arg : args) {
    if (arg.is_constant) continue;
    const auto target = arg.type == TensorType::kString
                            ? interpreter.resize_input_data(0, input, arg.bytes.size())
                            : interpreter.input_data(0, input);
    ++input;
    EXPECT_EQ(target->size(), arg.bytes.size());
    if (!arg.bytes.empty()) std::memcpy(target->data(), arg.bytes.data(), arg.bytes.size());
  }
  status = interpreter.run(0);
  if (!status.ok()) return {{}, {}, status.error().message};
  const Operand& operand = interpreter.output(0, 0);
  return {operand.shape, std::vector<uint8_t>(operand.data, operand.data + operand.bytes), ""};
}

TEST(QuantizedAdd, BringsBothInputsToTheOutputsScaleAndSaturates) {
  const Outcome outcome = run(Code::kAdd,
                              {int8s({4}, {10, -20, 127, -128}, 0.5f, 0),
                               int8s({4}, {4, 4, 127, -128}, 0.25f, 4)},
                              int8s({}, {}, 0.5f, 1));
  EXPECT_THAT(outcome.values<int8_t>(), ElementsAre(11, -19, 127, -128));
}

TEST(QuantizedAdd, FusedRelu6CutsAtTheStoredSix) {
  AddOptions options;
  options.fused_activation_function = ActivationFunctionType::kRelu6;
  const Outcome outcome =
      run(Code::kAdd, {uint8s({3}, {100, 130, 255}, 0.1f, 128), uint8s({1}, {128}, 0.1f, 128)},
          uint8s({}, {}, 0.1f, 128), options);
  EXPECT_THAT(outcome.values<uint8_t>(), ElementsAre(128, 130, 188));
}

// -127 + 72 / 3 = -103, half of which lies between two numbers. The operand that is scaled by a
// third comes out one unit higher where it is rounded to the nearest.
TEST(QuantizedAdd, RoundsWholeBlocksOfARowAsVectorLoopsDoAndTheRestByDefinition) {
  const auto sum = [](Shape a_shape, Shape b_shape) {
    const auto bytes = [](const Shape& shape, int8_t value) {
      size_t count = 1;
      for (int32_t size : shape) count *= static_cast<size_t>(size);
      return std::vector<int8_t>(count, value);
    };
    return run(Code::kAdd,
               {int8s(a_shape, bytes(a_shape, -127), 1, 0),
                int8s(b_shape, bytes(b_shape, 72), 1.0f / 3, 0)},
               int8s({}, {}, 2, 0))
        .values<int8_t>();
  };
  const auto first_and_rest = [](size_t first, size_t count) {
    std::vector<int8_t> values(count, -51);
    std::fill_n(values.begin(), first, int8_t{-52});
    return values;
  };
  EXPECT_EQ(sum({39}, {39}), first_and_rest(32, 39));
  EXPECT_EQ(sum({15}, {1}), first_and_rest(8, 15));
  EXPECT_EQ(sum({1, 9}, {1, 1}), first_and_rest(8, 9));
  // Shapes that the vector loops do not reach.
  EXPECT_EQ(sum({2, 1, 2, 1}, {1, 2, 1, 8}), first_and_rest(0, 64));
}

TEST(QuantizedAdd, OfUint8RoundsInBlocksOfEight) {
  const std::vector<uint8_t> a(17, 1);
  const std::vector<uint8_t> b(17, 200);
  std::vector<uint8_t> wanted(17, 76);
  wanted[16] = 77;
  EXPECT_EQ(run(Code::kAdd, {uint8s({17}, a, 1, 128), uint8s({17}, b, 1.0f / 3, 128)},
                uint8s({}, {}, 2, 128))
                .values<uint8_t>(),
            wanted);
}

// 127 * 127 * 3 is above 32767; the zero point is added in 16 bits.
TEST(QuantizedMul, WrapsAroundAt16BitsInWholeBlocks) {
  const std::vector<int8_t> a(17, 127);
  std::vector<int8_t> wanted(17, -128);
  wanted[16] = 127;
  EXPECT_EQ(run(Code::kMul, {int8s({17}, a, 1, 0), int8s({17}, a, 1, 0)},
                int8s({}, {}, 1.0f / 3, 5))
                .values<int8_t>(),
            wanted);
}

TEST(QuantizedAdd, Int16WithoutScaleWrapsAround) {
  const Outcome outcome = run(Code::kAdd, {int16s({2}, {32767, 1}), int16s({2}, {1, 1})},
                              int16s({}, {}));
  EXPECT_THAT(outcome.values<int16_t>(), ElementsAre(-32768, 2));
}

TEST(QuantizedAdd, Int8WithoutScaleIsRefused) {
  EXPECT_THAT(run(Code::kAdd, {int8s({1}, {1}), int8s({1}, {1})}, int8s({}, {})).error,
              HasSubstr("has no scale"));
}

// 0.4995 is rounded to 0.5 first: halves of the second rounding go up with sums of 32 bits. With a
// bias of 64 bits there is but one rounding.
TEST(QuantizedFullyConnected, OfInt16RoundsAsWideAsItsBias) {
  const Arg x = int16s({3, 1}, {1, -1, 10}, 1);
  const Arg w = int8s({1, 1}, {1}, 1);
  const auto run_with = [&](std::vector<Arg> args) {
    return run(Code::kFullyConnected, std::move(args), int16s({}, {}, 1 / 0.4995f),
               FullyConnectedOptions())
        .values<int16_t>();
  };
  EXPECT_THAT(run_with({x, w}), ElementsAre(1, 0, 5));
  EXPECT_THAT(run_with({x, w, ints({1}, {0})}), ElementsAre(1, 0, 5));
  EXPECT_THAT(run_with({x, w, of<int64_t>(TensorType::kInt64, {1}, {0})}), ElementsAre(0, 0, 5));
}

// 1024 products of 2^22 each, and a bias: beyond 32 bits.
TEST(QuantizedFullyConnected, OfInt16WithAWideBiasSumsUpIn64Bits) {
  const std::vector<int16_t> x(3 * 1024, -32768);
  const std::vector<int8_t> w(1024, -128);
  for (int32_t rows : {1, 3}) {
    const Outcome outcome =
        run(Code::kFullyConnected,
            {int16s({rows, 1024}, {x.begin(), x.begin() + rows * 1024}, 1), int8s({1, 1024}, w, 1),
             of<int64_t>(TensorType::kInt64, {1}, {int64_t{5} << 22})},
            int16s({}, {}, 0x1p22f), FullyConnectedOptions());
    EXPECT_EQ(outcome.values<int16_t>(), std::vector<int16_t>(static_cast<size_t>(rows), 1029));
  }
}

TEST(QuantizedDiv, RefusesAZero) {
  EXPECT_THAT(run(Code::kDiv, {int8s({1}, {1}, 1, 0), int8s({1}, {5}, 1, 5)}, int8s({}, {}, 1, 0))
                  .error,
              HasSubstr("division by zero"));
}

TEST(QuantizedComparison, ComparesRealNumbers) {
  Arg output = uint8s({}, {});
  output.type = TensorType::kBool;
  EXPECT_THAT(run(Code::kGreater,
                  {int8s({3}, {10, 20, 30}, 1.0f, 0), int8s({1}, {120}, 0.2f, 20)}, output)
                  .values<uint8_t>(),
              ElementsAre(0, 0, 1));
}

TEST(QuantizedMean, RoundsAndMovesTheZeroPoint) {
  ReducerOptions options;
  const Outcome outcome = run(Code::kMean,
                              {int8s({1, 2, 2, 2}, {1, 10, 2, 20, 3, 30, 4, 41}, 1.0f, 0),
                               ints({2}, {1, -2})},
                              int8s({}, {}, 1.0f, -5), options);
  EXPECT_THAT(outcome.shape, ElementsAre(1, 2));
  // Means 2.5 and 25.25, rounded twice.
  EXPECT_THAT(outcome.values<int8_t>(), ElementsAre(-2, 21));
}

TEST(QuantizedSum, SaturatesAndCountsTheZeroPointOnce) {
  ReducerOptions options;
  const Outcome outcome = run(
      Code::kSum, {uint8s({2, 2}, {130, 255, 129, 255}, 1.0f, 128), ints({1}, {0})},
      uint8s({}, {}, 1.0f, 128), options);
  EXPECT_THAT(outcome.values<uint8_t>(), ElementsAre(131, 255));
}

TEST(QuantizedSum, OfNothingIsZero) {
  ReducerOptions options;
  const Outcome outcome = run(Code::kSum, {int8s({0, 2}, {}, 1.0f, 3), ints({1}, {0})},
                              int8s({}, {}, 1.0f, 7), options);
  EXPECT_THAT(outcome.values<int8_t>(), ElementsAre(7, 7));
}

TEST(QuantizedUnary, ReluMovesScaleAndZeroPoint) {
  EXPECT_THAT(run(Code::kRelu, {int8s({4}, {-128, 0, 1, 127}, 0.5f, 0)}, int8s({}, {}, 0.25f, -128))
                  .values<int8_t>(),
              ElementsAre(-128, -128, -126, 126));
}

TEST(QuantizedUnary, LogisticOfLargeNumbersSaturates) {
  EXPECT_THAT(run(Code::kLogistic, {int8s({3}, {-128, 0, 127}, 0.2f, 0)},
                  int8s({}, {}, 1.0f / 256, -128))
                  .values<int8_t>(),
              ElementsAre(-128, 0, 127));
  EXPECT_THAT(run(Code::kLogistic, {int8s({1}, {0}, 0.2f, 0)}, int8s({}, {}, 0.5f, 0)).error,
              HasSubstr("scale is not 1/256"));
}

TEST(QuantizedUnary, Tanh16IsOdd) {
  const std::vector<int16_t> values =
      run(Code::kTanh, {int16s({3}, {-4096, 0, 4096}, 1.0f / 4096, 0)},
          int16s({}, {}, 1.0f / 32768, 0))
          .values<int16_t>();
  EXPECT_NEAR(values[2], 32768 * 0.76159, 12);
  EXPECT_EQ(values[1], 0);
  EXPECT_NEAR(values[0], -values[2], 1);
}

TEST(QuantizedUnary, TheRootOfANegativeNumberIsAnError) {
  EXPECT_THAT(run(Code::kSqrt, {int8s({2}, {4, -1}, 1.0f, 0)}, int8s({}, {}, 1.0f, 0)).error,
              HasSubstr("no square root"));
  EXPECT_THAT(run(Code::kSqrt, {int8s({2}, {4, 15}, 1.0f, 0)}, int8s({}, {}, 1.0f, 0))
                  .values<int8_t>(),
              ElementsAre(2, 3));
}

TEST(QuantizedSoftmax, RefusesAnotherScaleThanTheFixedOne) {
  SoftmaxOptions options;
  options.beta = 1;
  EXPECT_THAT(run(Code::kSoftmax, {int8s({1, 2}, {0, 0}, 0.1f, 0)}, int8s({}, {}, 0.5f, -128),
                  options)
                  .error,
              HasSubstr("expected 0.00390625 and -128"));
  EXPECT_THAT(run(Code::kSoftmax, {int8s({1, 2}, {0, 0}, 0.1f, 0)},
                  int8s({}, {}, 1.0f / 256, -128), options)
                  .values<int8_t>(),
              ElementsAre(0, 0));
}

TEST(Quantize, HasAScaleForEachChannelAndPacksFourBits) {
  EXPECT_THAT(run(Code::kQuantize, {floats({5}, {1, -1, 7.4f, -20, 20})},
                  of<int8_t>(TensorType::kInt4, {}, {}, 1.0f, 0))
                  .values<uint8_t>(),
              ElementsAre(0xf1, 0x87, 0x07));
}

TEST(Dequantize, ReadsTwoBits) {
  EXPECT_THAT(run(Code::kDequantize,
                  {[] {
                    Arg arg = sub_bytes(TensorType::kInt2, {5}, {0xe4, 0x01});
                    arg.scale = 0.5f;
                    return arg;
                  }()},
                  floats({}, {}))
                  .values<float>(),
              ElementsAre(0, 0.5f, -1, -0.5f, 0.5f));
}

TEST(Dequantize, TakesTheScaleOfEachChannel) {
  ModelBuilder builder;
  const int32_t input = builder.input(TensorType::kInt8, {2, 3});
  auto quantization = std::make_unique<Quantization>();
  quantization->scale = {1, 10, 100};
  quantization->zero_point = {0, 1, -1};
  quantization->quantized_dimension = 1;
  builder.main().tensors[input].quantization = std::move(quantization);
  builder.output(builder.op(Code::kDequantize, {input}, TensorType::kFloat32));
  auto interpreter = builder.interpreter();
  ASSERT_TRUE(interpreter.ok()) << interpreter.error().message;
  set_input<int8_t>(*interpreter.value(), 0, {{2, 3}, {1, 1, 1, 2, 2, 2}});
  ASSERT_TRUE(interpreter.value()->run(0).ok());
  EXPECT_THAT(output_values<float>(*interpreter.value()).data,
              ElementsAre(1, 0, 200, 2, 10, 300));
}

TEST(Halves, AreComputedInFloat32AndRoundedOnce) {
  AddOptions options;
  EXPECT_THAT(run(Code::kAdd, {halves({2}, {1, 2048}), halves({2}, {0.5f, 1})}, halves({}, {}),
                  options)
                  .halves(),
              ElementsAre(1.5f, 2048));  // 2049 lies between two: to the even one.
  EXPECT_THAT(
      run(Code::kMaximum, {halves({2}, {1, -3}), halves({1}, {-1})}, halves({}, {})).halves(),
      ElementsAre(1, -1));
}

TEST(FourBits, AreMovedLikeWholeBytes) {
  // 1 2 3 / 4 5 6
  const Arg matrix = sub_bytes(TensorType::kInt4, {2, 3}, {0x21, 0x43, 0x65});
  EXPECT_THAT(
      run(Code::kTranspose, {matrix, ints({2}, {1, 0})}, sub_bytes(TensorType::kInt4, {}, {}))
          .values<uint8_t>(),
      ElementsAre(0x41, 0x52, 0x63));
  EXPECT_THAT(run(Code::kSlice, {matrix, ints({2}, {1, 1}), ints({2}, {1, 2})},
                  sub_bytes(TensorType::kInt4, {}, {}))
                  .values<uint8_t>(),
              ElementsAre(0x65));
  EXPECT_THAT(run(Code::kReshape, {matrix, ints({1}, {6})}, sub_bytes(TensorType::kInt4, {}, {}))
                  .values<uint8_t>(),
              ElementsAre(0x21, 0x43, 0x65));
}

TEST(Strings, AreMovedLikeNumbers) {
  const Arg words = strings({2, 2}, {"a", "", "bcd", "e"});
  const Arg output = strings({}, {});
  Outcome outcome = run(Code::kTranspose, {words, ints({2}, {1, 0})}, output);
  EXPECT_THAT(outcome.strings(), ElementsAre("a", "bcd", "", "e"));
  outcome = run(Code::kTile, {words, ints({2}, {1, 2})}, output);
  EXPECT_THAT(outcome.shape, ElementsAre(2, 4));
  EXPECT_THAT(outcome.strings(), ElementsAre("a", "", "a", "", "bcd", "e", "bcd", "e"));
  outcome = run(Code::kSlice, {words, ints({2}, {1, 0}), ints({2}, {0, 2})}, output);
  EXPECT_THAT(outcome.shape, ElementsAre(0, 2));
  EXPECT_TRUE(outcome.strings().empty());
  outcome = run(Code::kReshape, {words, ints({1}, {4})}, output);
  EXPECT_THAT(outcome.strings(), ElementsAre("a", "", "bcd", "e"));
  ConcatenationOptions options;
  options.axis = 0;
  outcome = run(Code::kConcatenation, {words, strings({1, 2}, {"x", "yy"})}, output, options);
  EXPECT_THAT(outcome.strings(), ElementsAre("a", "", "bcd", "e", "x", "yy"));
}

TEST(Strings, AreEqualByTheirBytes) {
  Arg output = uint8s({}, {});
  output.type = TensorType::kBool;
  EXPECT_THAT(run(Code::kEqual, {strings({2}, {"ab", "abc"}), strings({1}, {"ab"})}, output)
                  .values<uint8_t>(),
              ElementsAre(1, 0));
}

TEST(Concatenation, BringsBytesToTheOutputsScale) {
  ConcatenationOptions options;
  options.axis = 0;
  EXPECT_THAT(run(Code::kConcatenation,
                  {uint8s({2}, {128, 255}, 1.0f, 128), uint8s({2}, {0, 10}, 2.0f, 0)},
                  uint8s({}, {}, 1.0f, 128), options)
                  .values<uint8_t>(),
              ElementsAre(128, 255, 128, 148));
}

TEST(ManyDimensions, AreTakenWhereElementsOnlyMove) {
  const Outcome outcome =
      run(Code::kExpandDims, {floats({1, 1, 1, 1, 1, 1, 2, 1}, {1, 2}), ints({}, {0})},
          floats({}, {}));
  EXPECT_EQ(outcome.shape.size(), 9u);
  EXPECT_THAT(outcome.values<float>(), ElementsAre(1, 2));
}

}  // namespace
}  // namespace zeolite::testing
