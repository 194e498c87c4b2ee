// Loops over the elements of a sequence: what the runtime computes for many turns at once is what
// each turn would have computed.
#include <gmock/gmock.h>

#include <functional>
#include <numeric>

#include "tests/native/support/kernel_testing.h"
#include "tests/native/support/model_builder.h"

namespace zeolite::testing {
namespace {

using Code = BuiltinOperator;
using ::testing::ElementsAreArray;

constexpr TensorType kFloat = TensorType::kFloat32;
constexpr TensorType kInt = TensorType::kInt32;
constexpr int kDepth = 5;
constexpr int kColumns = 9;

// The element of the sequence that a turn takes: an operator's index, given the counter's.
using PositionOf = std::function<int32_t(ModelBuilder&, int32_t counter)>;

int32_t counter_itself(ModelBuilder&, int32_t counter) { return counter; }

PositionOf from_table(const std::vector<int32_t>& table) {
  return [=](ModelBuilder& builder, int32_t counter) {
    const auto size = static_cast<int32_t>(table.size());
    return builder.op(Code::kGather, {builder.constant<int32_t>({size}, table), counter}, kInt,
                      GatherOptions());
  };
}

// Small whole numbers: their sums of products are exact.
std::vector<float> numbers(int64_t count, int seed) {
  std::vector<float> values(count);
  for (int64_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>((i * 7 + i / 5 + seed) % 9 - 4);
  }
  return values;
}

struct Loop {
  int turns = 70;
  int length = 70;  // Of the sequence.
  int batch = 1;
  PositionOf position = counter_itself;
  bool changes_sequence = false;  // By adding 1 in each turn.
  bool reshapes = false;          // Between GATHER and FULLY_CONNECTED.
  bool twice = false;             // Two loops, one after the other.

  // for (i = start; i < turns; ++i) sum += (i + 1) * product(sequence[position(i)]).
  ModelBuilder model() const {
    ModelBuilder builder;
    const Shape shape = {length, batch, kDepth};
    const Shape sums = {batch, kColumns};
    std::vector<int32_t> values = {builder.input(kInt, {}), builder.input(kFloat, shape),
                                   builder.input(kFloat, sums)};
    WhileOptions options;
    options.cond_subgraph_index = 1;
    options.body_subgraph_index = 2;
    const auto run = [&] {
      const int32_t loop = builder.ops(Code::kWhile, values, kFloat, 3, options);
      builder.main().tensors[loop].type = kInt;
      return loop;
    };
    const int32_t first = run();
    int32_t result = first + 2;
    if (twice) {
      values[1] = builder.op(Code::kNeg, {values[1]}, kFloat, NegOptions());
      values[2] = result;
      result = run() + 2;
    }
    builder.output(result);
    builder.begin_subgraph();
    const int32_t counter = builder.input(kInt, {});
    builder.input(kFloat, shape);
    builder.input(kFloat, sums);
    builder.output(builder.op(Code::kLess, {counter, builder.constant<int32_t>({}, {turns})},
                              TensorType::kBool, LessOptions()));
    builder.begin_subgraph();
    const int32_t i = builder.input(kInt, {});
    const int32_t sequence = builder.input(kFloat, shape);
    const int32_t sum = builder.input(kFloat, sums);
    const int32_t next =
        builder.op(Code::kAdd, {i, builder.constant<int32_t>({}, {1})}, kInt, AddOptions());
    const int32_t at = position(builder, i);
    int32_t x = builder.op(Code::kGather, {sequence, at}, kFloat, GatherOptions());
    // Takes memory that nothing else needs at this time.
    const int32_t less = builder.op(Code::kNeg, {sum}, kFloat, NegOptions());
    if (reshapes) {
      ReshapeOptions to;
      to.new_shape = {batch * kDepth};
      x = builder.op(Code::kReshape, {x}, kFloat, to);
    }
    const int32_t product = builder.op(
        Code::kFullyConnected,
        {x, builder.constant<float>({kColumns, kDepth}, numbers(kColumns * kDepth, 3)),
         builder.constant<float>({kColumns}, numbers(kColumns, 5))},
        kFloat, FullyConnectedOptions());
    const int32_t factor = builder.op(Code::kCast, {next}, kFloat, CastOptions());
    const int32_t more = builder.op(Code::kMul, {product, factor}, kFloat, MulOptions());
    builder.output(next);
    builder.output(changes_sequence ? builder.op(Code::kAdd,
                                                 {sequence, builder.constant<float>({}, {1})},
                                                 kFloat, AddOptions())
                                    : sequence);
    builder.output(builder.op(Code::kSub, {more, less}, kFloat, SubOptions()));
    return builder;
  }

  // What the loop adds, computed turn by turn. `table`: the positions, or the counter where empty.
  std::vector<float> wanted(std::vector<float> sequence, const std::vector<int32_t>& table = {},
                            int start = 0) const {
    const std::vector<float> weights = numbers(kColumns * kDepth, 3);
    const std::vector<float> bias = numbers(kColumns, 5);
    std::vector<float> sums(batch * kColumns);
    for (int i = start; i < turns; ++i) {
      const int at = table.empty() ? i : table[i];
      for (int b = 0; b < batch; ++b) {
        for (int n = 0; n < kColumns; ++n) {
          float product = bias[n];
          for (int k = 0; k < kDepth; ++k) {
            product += sequence[(at * batch + b) * kDepth + k] * weights[n * kDepth + k];
          }
          sums[b * kColumns + n] += static_cast<float>(i + 1) * product;
        }
      }
      if (changes_sequence) {
        for (float& x : sequence) x += 1;
      }
    }
    return sums;
  }
};

std::unique_ptr<Interpreter> ready(ModelBuilder builder) {
  Result<std::unique_ptr<Interpreter>> interpreter = builder.interpreter();
  EXPECT_TRUE(interpreter.ok()) << interpreter.error().message;
  return interpreter.ok() ? std::move(interpreter).value() : nullptr;
}

// Runs the loop; `ahead` gets how many of its products were computed together with others.
std::vector<float> sums_of(Interpreter& interpreter, const Loop& loop,
                           const std::vector<float>& sequence, int start = 0,
                           int* ahead = nullptr) {
  const Shape shape = {loop.length, loop.batch, kDepth};
  const Shape sums = {loop.batch, kColumns};
  // All shapes first: they move the memory.
  EXPECT_TRUE(interpreter.resize_input(0, 1, shape).ok());
  EXPECT_TRUE(interpreter.resize_input(0, 2, sums).ok());
  set_input<int32_t>(interpreter, 0, {{}, {start}});
  set_input<float>(interpreter, 1, {shape, sequence});
  set_input<float>(interpreter, 2, {sums, std::vector<float>(loop.batch * kColumns)});
  std::vector<OperatorProfile> profile;
  RunOptions options;
  if (ahead != nullptr) options.profile = &profile;
  Status status = interpreter.run(0, options);
  EXPECT_TRUE(status.ok()) << status.error().message;
  if (ahead != nullptr) {
    *ahead = 0;
    for (const OperatorProfile& step : profile) *ahead += step.kernel == "f32_gemm";
  }
  return output_values<float>(interpreter).data;
}

void expect_loop(const Loop& loop, const std::vector<int32_t>& table = {}, int start = 0,
                 int expected_ahead = -1) {
  const auto interpreter = ready(loop.model());
  ASSERT_NE(interpreter, nullptr);
  // Each run has other data in the same place.
  for (int run = 0; run < 3; ++run) {
    const std::vector<float> sequence = numbers(int64_t{loop.length} * loop.batch * kDepth, run);
    int ahead = 0;
    EXPECT_THAT(sums_of(*interpreter, loop, sequence, start, &ahead),
                ElementsAreArray(loop.wanted(sequence, table, start)))
        << "run " << run;
    if (expected_ahead >= 0) {
      EXPECT_EQ(ahead, expected_ahead);
    }
  }
}

TEST(RowsAhead, AreTheRowsOfEachTurn) {
  for (const int length : {1, 3, 4, 5, 31, 32, 33, 70, 101}) {
    Loop loop;
    loop.turns = loop.length = length;
    SCOPED_TRACE(length);
    expect_loop(loop, {}, 0, length < 4 ? 0 : length);
  }
}

TEST(RowsAhead, HoldForALoopThatEndsEarlyOrBeginsLate) {
  Loop loop;
  loop.turns = 40;
  expect_loop(loop);
  expect_loop(loop, {}, 11);
  expect_loop(loop, {}, 39);
}

TEST(RowsAhead, TakeManyRowsOfABatch) {
  Loop loop;
  loop.batch = 3;
  expect_loop(loop, {}, 0, 70);
  loop.reshapes = true;
  expect_loop(loop, {}, 0, 70);
  // As many rows at once as pay are there in each turn.
  loop.batch = 40;
  const auto interpreter = ready(loop.model());
  const std::vector<float> sequence = numbers(int64_t{loop.length} * loop.batch * kDepth, 1);
  EXPECT_THAT(sums_of(*interpreter, loop, sequence), ElementsAreArray(loop.wanted(sequence)));
}

TEST(RowsAhead, AreOnlyUsedWherePositionsGoOnByOne) {
  Loop loop;
  std::vector<int32_t> table(loop.turns);
  // The same as the counter, but in memory that is free again after the GATHER.
  std::iota(table.begin(), table.end(), 0);
  loop.position = from_table(table);
  expect_loop(loop, table, 0, 70);
  std::reverse(table.begin(), table.end());
  loop.position = from_table(table);
  expect_loop(loop, table, 0, 0);
  for (int i = 0; i < loop.turns; ++i) table[i] = i * 29 % 70 / (i % 3 + 1);
  loop.position = from_table(table);
  expect_loop(loop, table);
  std::fill(table.begin(), table.end(), 69);
  loop.position = from_table(table);
  expect_loop(loop, table);
}

TEST(RowsAhead, AreForgottenWhenTheSequenceChanges) {
  Loop loop;
  loop.changes_sequence = true;
  expect_loop(loop, {}, 0, 0);
  loop.changes_sequence = false;
  loop.twice = true;
  const auto interpreter = ready(loop.model());
  // The second loop begins where the first one ended, and does nothing.
  const std::vector<float> sequence = numbers(loop.length * kDepth, 2);
  const std::vector<float> once = loop.wanted(sequence);
  std::vector<float> negative = sequence;
  for (float& x : negative) x = -x;
  std::vector<float> both = loop.wanted(negative);
  for (size_t i = 0; i < both.size(); ++i) both[i] += once[i];
  EXPECT_THAT(sums_of(*interpreter, loop, sequence), ElementsAreArray(both));
}

TEST(RowsAhead, FollowOtherShapes) {
  Loop loop;
  const auto interpreter = ready(loop.model());
  for (const auto& [length, batch] : {std::pair{70, 1}, {70, 2}, {90, 1}, {70, 12}, {70, 1}}) {
    loop.length = length;
    loop.batch = batch;
    const std::vector<float> sequence = numbers(int64_t{length} * batch * kDepth, length);
    EXPECT_THAT(sums_of(*interpreter, loop, sequence), ElementsAreArray(loop.wanted(sequence)))
        << length << ", " << batch;
  }
}

TEST(RowsAhead, AreTakenFromNewInputsWhereTheBodyIsRunByItself) {
  Loop loop;
  const auto interpreter = ready(loop.model());
  sums_of(*interpreter, loop, numbers(loop.length * kDepth, 1));
  constexpr int32_t kBody = 2;
  const auto run_body = [&](int position, const std::vector<float>& sequence) {
    const std::vector<float> zeros(kColumns);
    const void* const data[] = {&position, sequence.data(), zeros.data()};
    for (size_t i = 0; i < 3; ++i) {
      std::span<uint8_t> target = interpreter->input_data(kBody, i).value();
      std::memcpy(target.data(), data[i], target.size());
    }
    EXPECT_TRUE(interpreter->run(kBody).ok());
    const Operand& output = interpreter->output(kBody, 2);
    const auto* values = reinterpret_cast<const float*>(output.data);
    return std::vector<float>(values, values + kColumns);
  };
  // The loop's last position, whose row is there still.
  for (const int seed : {2, 3}) {
    const std::vector<float> sequence = numbers(loop.length * kDepth, seed);
    EXPECT_THAT(run_body(69, sequence), ElementsAreArray(loop.wanted(sequence, {}, 69)));
  }
}

TEST(RowsAhead, LeavePositionsOutsideAnError) {
  Loop loop;
  loop.length = 40;
  const auto interpreter = ready(loop.model());
  set_input<int32_t>(*interpreter, 0, {{}, {0}});
  set_input<float>(*interpreter, 1, {{40, 1, kDepth}, numbers(40 * kDepth, 1)});
  const Status status = interpreter->run(0);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, ::testing::HasSubstr("index 40 is outside"));
}

// A loop whose last turn's product comes out, of the type of `one`, which is FULLY_CONNECTED of one
// element alone.
struct TypedLoop {
  TensorType type;
  TensorType weights_type;

  int32_t add_product(ModelBuilder& builder, int32_t x) const {
    std::vector<int8_t> weights(64 * kDepth);
    for (size_t i = 0; i < weights.size(); ++i) {
      weights[i] = static_cast<int8_t>(i * 37 % 251 - 125);
    }
    const int32_t w = builder.constant<int8_t>({64, kDepth}, weights);
    quantize(builder, w, 0.02f, 0);
    const int32_t y = builder.op(Code::kFullyConnected, {x, w, kNoTensor}, type,
                                 FullyConnectedOptions());
    if (type == TensorType::kInt8) quantize(builder, y, 0.1f, -3);
    return y;
  }
  static void quantize(ModelBuilder& builder, int32_t tensor, float scale, int64_t zero) {
    auto quantization = std::make_unique<Quantization>();
    quantization->scale = {scale};
    quantization->zero_point = {zero};
    builder.main().tensors[tensor].quantization = std::move(quantization);
  }
  int32_t add_input(ModelBuilder& builder, Shape shape) const {
    const int32_t x = builder.input(type, std::move(shape));
    if (type == TensorType::kInt8) quantize(builder, x, 0.05f, 4);
    return x;
  }
  ModelBuilder one() const {
    ModelBuilder builder;
    builder.output(add_product(builder, add_input(builder, {1, kDepth})));
    return builder;
  }
  // Gives the product of turn `turns` - 1.
  ModelBuilder loop(int turns) const {
    ModelBuilder builder;
    const Shape shape = {50, 1, kDepth};
    const auto add_inputs = [&] {
      builder.input(kInt, {});
      add_input(builder, shape);
      const int32_t y = builder.input(type, {1, 64});
      if (type == TensorType::kInt8) quantize(builder, y, 0.1f, -3);
    };
    add_inputs();
    WhileOptions options;
    options.cond_subgraph_index = 1;
    options.body_subgraph_index = 2;
    const int32_t loop = builder.ops(Code::kWhile, {0, 1, 2}, type, 3, options);
    builder.main().tensors[loop].type = kInt;
    builder.output(loop + 2);
    builder.begin_subgraph();
    add_inputs();
    builder.output(builder.op(Code::kLess, {0, builder.constant<int32_t>({}, {turns})},
                              TensorType::kBool, LessOptions()));
    builder.begin_subgraph();
    add_inputs();
    const int32_t x = builder.op(Code::kGather, {1, 0}, type, GatherOptions());
    if (type == TensorType::kInt8) quantize(builder, x, 0.05f, 4);
    const int32_t y = add_product(builder, x);
    builder.output(builder.op(Code::kAdd, {0, builder.constant<int32_t>({}, {1})}, kInt,
                              AddOptions()));
    builder.output(1);
    builder.output(y);
    return builder;
  }
};

TEST(RowsAhead, ChangeNoByteOfIntegerProducts) {
  for (const TensorType type : {TensorType::kInt8, kFloat}) {
    const TypedLoop typed = {type, TensorType::kInt8};
    Random random(5);
    const size_t element = type == kFloat ? sizeof(float) : 1;
    std::vector<uint8_t> sequence(50 * kDepth * element);
    if (type == kFloat) {
      const std::vector<float> values = random.reals(50 * kDepth);
      std::memcpy(sequence.data(), values.data(), sequence.size());
    } else {
      for (uint8_t& byte : sequence) byte = static_cast<uint8_t>(random.integer(0, 255));
    }
    const auto one = ready(typed.one());
    const size_t row = kDepth * element;
    for (const int turns : {1, 7, 26, 50}) {
      const auto loop = ready(typed.loop(turns));
      ASSERT_TRUE(loop->prepare(0).ok());
      std::memset(loop->input_data(0, 0)->data(), 0, sizeof(int32_t));
      std::memcpy(loop->input_data(0, 1)->data(), sequence.data(), sequence.size());
      std::memcpy(one->input_data(0, 0)->data(), sequence.data() + (turns - 1) * row, row);
      ASSERT_TRUE(loop->run(0).ok());
      ASSERT_TRUE(one->run(0).ok());
      EXPECT_THAT(output_values<int8_t>(*loop).data,
                  ElementsAreArray(output_values<int8_t>(*one).data))
          << turns;
    }
  }
}

// x = x * weights + bias, three times.
TEST(Loops, PackTheWeightsOfAProductThatEachTurnNeeds) {
  ModelBuilder builder;
  constexpr int kSize = 64;
  WhileOptions options;
  options.cond_subgraph_index = 1;
  options.body_subgraph_index = 2;
  const auto add_inputs = [&] {
    builder.input(kInt, {});
    builder.input(kFloat, {1, kSize});
  };
  const auto add_product = [&](int32_t x) {
    std::vector<float> weights(kSize * kSize);
    for (int i = 0; i < kSize; ++i) weights[i * kSize + (i + 1) % kSize] = 2;
    return builder.op(Code::kFullyConnected,
                      {x, builder.constant<float>({kSize, kSize}, weights),
                       builder.constant<float>({kSize}, numbers(kSize, 1))},
                      kFloat, FullyConnectedOptions());
  };
  add_inputs();
  const int32_t loop = builder.ops(Code::kWhile, {0, 1}, kInt, 2, options);
  builder.main().tensors[loop + 1].type = kFloat;
  builder.output(add_product(loop + 1));
  builder.begin_subgraph();
  add_inputs();
  builder.output(builder.op(Code::kLess, {0, builder.constant<int32_t>({}, {3})},
                            TensorType::kBool, LessOptions()));
  builder.begin_subgraph();
  add_inputs();
  const int32_t y = add_product(1);
  builder.output(builder.op(Code::kAdd, {0, builder.constant<int32_t>({}, {1})}, kInt,
                            AddOptions()));
  builder.output(y);
  const auto interpreter = ready(std::move(builder));
  std::vector<float> x = numbers(kSize, 4);
  set_input<int32_t>(*interpreter, 0, {{}, {0}});
  set_input<float>(*interpreter, 1, {{1, kSize}, x});
  std::vector<OperatorProfile> profile;
  RunOptions run;
  run.profile = &profile;
  ASSERT_TRUE(interpreter->run(0, run).ok());
  const std::vector<float> bias = numbers(kSize, 1);
  for (int turn = 0; turn < 4; ++turn) {
    std::rotate(x.begin(), x.begin() + 1, x.end());
    for (int i = 0; i < kSize; ++i) x[i] = 2 * x[i] + bias[i];
  }
  EXPECT_THAT(output_values<float>(*interpreter).data, ElementsAreArray(x));
  std::vector<std::string> kernels;
  for (const OperatorProfile& step : profile) {
    if (step.type == "FULLY_CONNECTED") kernels.push_back(step.kernel);
  }
  EXPECT_THAT(kernels, ::testing::ElementsAre("f32_gemm", "f32_gemm", "f32_gemm", "f32_gemv_rows"));
}

}  // namespace
}  // namespace zeolite::testing
