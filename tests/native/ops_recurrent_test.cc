// RNN, SVDF and bidirectional operators: rules that hold whatever the weights are.
#include <gmock/gmock.h>

#include "tests/native/support/kernel_testing.h"
#include "tests/native/support/model_builder.h"

namespace zeolite::testing {
namespace {

using Code = BuiltinOperator;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr TensorType kFloat = TensorType::kFloat32;

int32_t variable(ModelBuilder& builder, TensorType type, Shape shape) {
  const int32_t tensor = builder.tensor(type, std::move(shape));
  builder.main().tensors[tensor].is_variable = true;
  return tensor;
}

int32_t floats(ModelBuilder& builder, Random& random, Shape shape) {
  int64_t count = 1;
  for (int32_t size : shape) count *= size;
  return builder.constant<float>(std::move(shape), random.reals(count));
}

std::string error_of(ModelBuilder builder) {
  Result<std::unique_ptr<Interpreter>> made = builder.interpreter();
  if (!made.ok()) return made.error().message;
  const Status status = made.value()->prepare(0);
  return status.ok() ? "" : status.error().message;
}

std::vector<float> run(ModelBuilder builder, const Values<float>& input, size_t outputs = 1) {
  Result<std::unique_ptr<Interpreter>> made = builder.interpreter();
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  if (!made.ok()) return {};
  Interpreter& interpreter = *made.value();
  set_input<float>(interpreter, 0, input);
  EXPECT_TRUE(interpreter.run(0).ok());
  std::vector<float> all;
  for (size_t i = 0; i < outputs; ++i) {
    const std::vector<float> part = output_values<float>(interpreter, i).data;
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

TEST(Rnn, AddsInputAndLastOutput) {
  ModelBuilder builder;
  const int32_t input = builder.input(kFloat, {3, 1, 1});
  SequenceRNNOptions options;
  options.time_major = true;
  options.fused_activation_function = ActivationFunctionType::kRelu;
  builder.output(builder.op(
      Code::kUnidirectionalSequenceRnn,
      {input, builder.constant<float>({1, 1}, {2}), builder.constant<float>({1, 1}, {0.5f}),
       builder.constant<float>({1}, {1}), variable(builder, kFloat, {1, 1})},
      kFloat, Options(options)));
  EXPECT_THAT(run(std::move(builder), {{3, 1, 1}, {1, 2, -9}}), ElementsAre(3, 6.5f, 0));
}

// As the real converter hands the state of one part of a model to the next.
TEST(Rnn, BeginsEachRunWithTheStateThatAnOperatorWrites) {
  ModelBuilder builder;
  const int32_t input = builder.input(kFloat, {1, 1, 1});
  const int32_t start = builder.constant<float>({1, 1}, {10});
  const int32_t state = builder.op(Code::kNeg, {start}, kFloat, NegOptions());
  builder.main().tensors[state].is_variable = true;
  SequenceRNNOptions options;
  options.time_major = true;
  builder.output(builder.op(
      Code::kUnidirectionalSequenceRnn,
      {input, builder.constant<float>({1, 1}, {2}), builder.constant<float>({1, 1}, {0.5f}),
       builder.constant<float>({1}, {1}), state},
      kFloat, Options(options)));
  Result<std::unique_ptr<Interpreter>> made = builder.interpreter();
  ASSERT_TRUE(made.ok()) << made.error().message;
  set_input<float>(*made.value(), 0, {{1, 1, 1}, {3}});
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(made.value()->run(0).ok());
    EXPECT_THAT(output_values<float>(*made.value(), 0).data, ElementsAre(2));
  }
}

// A bidirectional operator whose directions have the same weights, on a sequence and its reverse.
ModelBuilder bidirectional_rnn(bool time_major, bool merge, int steps, int batch) {
  ModelBuilder builder;
  const int32_t input = builder.input(kFloat, time_major ? Shape{steps, batch, 3}
                                                         : Shape{batch, steps, 3});
  Random random(5);
  const int32_t w = floats(builder, random, {4, 3});
  const int32_t r = floats(builder, random, {4, 4});
  const int32_t bias = floats(builder, random, {4});
  BidirectionalSequenceRNNOptions options;
  options.time_major = time_major;
  options.merge_outputs = merge;
  options.fused_activation_function = ActivationFunctionType::kTanh;
  const int32_t output = builder.ops(
      Code::kBidirectionalSequenceRnn,
      {input, w, r, bias, variable(builder, kFloat, {batch, 4}), w, r, bias,
       variable(builder, kFloat, {batch, 4}), kNoTensor, kNoTensor, kNoTensor},
      kFloat, merge ? 1 : 2, Options(options));
  for (int i = 0; i < (merge ? 1 : 2); ++i) builder.output(output + i);
  return builder;
}

TEST(BidirectionalRnn, RunsBackwardAsForwardOnTheReversedSequence) {
  constexpr int kSteps = 5;
  Random random(6);
  const std::vector<float> input = random.reals(kSteps * 3);
  std::vector<float> reversed;
  for (int t = kSteps; t-- > 0;) {
    reversed.insert(reversed.end(), input.begin() + 3 * t, input.begin() + 3 * t + 3);
  }
  for (bool time_major : {true, false}) {
    const Shape shape = time_major ? Shape{kSteps, 1, 3} : Shape{1, kSteps, 3};
    const std::vector<float> a =
        run(bidirectional_rnn(time_major, false, kSteps, 1), {shape, input}, 2);
    const std::vector<float> b =
        run(bidirectional_rnn(time_major, false, kSteps, 1), {shape, reversed}, 2);
    const std::vector<float> merged =
        run(bidirectional_rnn(time_major, true, kSteps, 1), {shape, input});
    ASSERT_EQ(a.size(), kSteps * 8u);
    for (int t = 0; t < kSteps; ++t) {
      for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(a[kSteps * 4 + t * 4 + i], b[(kSteps - 1 - t) * 4 + i]);
        EXPECT_EQ(merged[t * 8 + i], a[t * 4 + i]);
        EXPECT_EQ(merged[t * 8 + 4 + i], a[kSteps * 4 + t * 4 + i]);
      }
    }
  }
}

TEST(BidirectionalLstm, RefusesWhatIsMissing) {
  ModelBuilder builder;
  std::vector<int32_t> tensors(48, kNoTensor);
  tensors[0] = builder.input(kFloat, {2, 1, 3});
  const int32_t first = builder.ops(Code::kBidirectionalSequenceLstm, tensors, kFloat, 2,
                                    Options(BidirectionalSequenceLSTMOptions()));
  builder.output(first);
  EXPECT_THAT(error_of(std::move(builder)), HasSubstr("is absent"));
}

ModelBuilder svdf(int rank) {
  ModelBuilder builder;
  const int32_t input = builder.input(kFloat, {1, 2});
  SVDFOptions options;
  options.rank = rank;
  builder.output(builder.op(
      Code::kSvdf,
      {input, builder.constant<float>({2, 2}, {1, 0, 0, 1}),
       builder.constant<float>({2, 3}, {0, 10, 1, 0, 0, 100}), kNoTensor,
       variable(builder, kFloat, {1, 6})},
      kFloat, Options(options)));
  return builder;
}

TEST(Svdf, RemembersTheLastInputs) {
  std::unique_ptr<Interpreter> interpreter = std::move(svdf(2).interpreter()).value();
  std::vector<float> outputs;
  for (float x : {1.0f, 2.0f, 3.0f}) {
    set_input<float>(*interpreter, 0, {{1, 2}, {x, x / 2}});
    ASSERT_TRUE(interpreter->run(0).ok());
    outputs.push_back(output_values<float>(*interpreter).data[0]);
  }
  EXPECT_THAT(outputs, ElementsAre(51, 112, 173));
}

TEST(Svdf, RefusesFiltersThatAreNoMultipleOfTheRank) {
  EXPECT_THAT(error_of(svdf(0)), HasSubstr("no multiple of the rank 0"));
  EXPECT_THAT(error_of(svdf(3)), HasSubstr("2 filters are no multiple of the rank 3"));
}

TEST(Svdf, RefusesStateThatIsNoVariable) {
  ModelBuilder builder = svdf(2);
  builder.main().tensors[builder.main().operators[0].inputs[4]].is_variable = false;
  EXPECT_THAT(error_of(std::move(builder)), HasSubstr("the state,"));
}

}  // namespace
}  // namespace zeolite::testing
