// LSTM operators: cases that can be computed by hand, and what must hold whatever the numbers are.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/native/support/kernel_testing.h"
#include "tests/native/support/model_builder.h"

namespace zeolite::testing {
namespace {

using Code = BuiltinOperator;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kInputs = 24;

// The sizes and kinds of a layer; its weights come from a seed.
struct Layer {
  int batch = 2;
  int steps = 5;
  int inputs = 3;
  int cells = 5;
  int outputs = 5;
  bool is_coupled = false;
  bool has_peephole = false;
  bool has_projection = false;
  bool has_layer_norm = false;
  TensorType weights = TensorType::kFloat32;  // kInt8: hybrid, or integer with is_integer.
  bool is_integer = false;
  UnidirectionalSequenceLSTMOptions options = [] {
    UnidirectionalSequenceLSTMOptions made;
    made.fused_activation_function = ActivationFunctionType::kTanh;
    made.time_major = true;
    return made;
  }();
};

void quantize(ModelBuilder& builder, int32_t tensor, float scale, int64_t zero_point = 0) {
  auto made = std::make_unique<Quantization>();
  made->scale = {scale};
  made->zero_point = {zero_point};
  builder.main().tensors[tensor].quantization = std::move(made);
}

// A model of one UNIDIRECTIONAL_SEQUENCE_LSTM.
ModelBuilder build(const Layer& layer, uint32_t seed) {
  ModelBuilder builder;
  Random random(seed);
  const bool is_float = layer.weights == TensorType::kFloat32;
  const auto weights = [&](Shape shape) {
    int count = 1;
    for (int32_t size : shape) count *= size;
    if (is_float) return builder.constant<float>(shape, random.reals(count));
    std::vector<int8_t> values(static_cast<size_t>(count));
    for (int8_t& value : values) value = static_cast<int8_t>(random.integer(-127, 127));
    const int32_t tensor = builder.constant<int8_t>(shape, values);
    quantize(builder, tensor, 1.0f / 127);
    return tensor;
  };
  const auto bias = [&](int count) {
    if (!layer.is_integer) return builder.constant<float>({count}, random.reals(count));
    std::vector<int32_t> values(static_cast<size_t>(count));
    for (int32_t& value : values) value = random.integer(-5000, 5000);
    return builder.constant<int32_t>({count}, values);
  };
  const auto sixteen = [&](float scale) {
    std::vector<uint16_t> values(static_cast<size_t>(layer.cells));
    for (uint16_t& value : values) value = static_cast<uint16_t>(random.integer(0, 65535));
    const int32_t tensor = builder.constant<uint16_t>({layer.cells}, values);
    builder.main().tensors[tensor].type = TensorType::kInt16;
    quantize(builder, tensor, scale);
    return tensor;
  };
  const auto state = [&](TensorType type, int size) {
    const int32_t tensor = builder.tensor(type, {layer.batch, size});
    builder.main().tensors[tensor].is_variable = true;
    return tensor;
  };

  std::vector<int32_t> tensors(kInputs, kNoTensor);
  const TensorType real = layer.is_integer ? TensorType::kInt8 : TensorType::kFloat32;
  const bool time_major = layer.options.time_major;
  tensors[0] = builder.input(real, {time_major ? layer.steps : layer.batch,
                                    time_major ? layer.batch : layer.steps, layer.inputs});
  const int first = layer.is_coupled ? 1 : 0;
  for (int gate = first; gate < 4; ++gate) tensors[1 + gate] = weights({layer.cells, layer.inputs});
  for (int gate = first; gate < 4; ++gate) {
    tensors[5 + gate] = weights({layer.cells, layer.outputs});
  }
  for (int i = first; layer.has_peephole && i < 3; ++i) {
    tensors[9 + i] = layer.is_integer ? sixteen(1.0f / 32768) : weights({layer.cells});
  }
  for (int gate = first; gate < 4; ++gate) tensors[12 + gate] = bias(layer.cells);
  if (layer.has_projection) {
    tensors[16] = weights({layer.outputs, layer.cells});
    tensors[17] = bias(layer.outputs);
  }
  tensors[18] = state(real, layer.outputs);
  tensors[19] = state(layer.is_integer ? TensorType::kInt16 : TensorType::kFloat32, layer.cells);
  for (int gate = first; layer.has_layer_norm && gate < 4; ++gate) {
    tensors[20 + gate] = layer.is_integer ? sixteen(1.0f / 32768)
                                          : builder.constant<float>(
                                                {layer.cells}, random.reals(layer.cells));
  }
  const int32_t output =
      builder.op(Code::kUnidirectionalSequenceLstm, tensors, real, Options(layer.options));
  builder.output(output);
  if (layer.is_integer) {
    quantize(builder, tensors[0], 1.0f / 64, 3);
    quantize(builder, tensors[18], 1.0f / 128, -2);
    quantize(builder, tensors[19], 1.0f / 2048);
    quantize(builder, output, 1.0f / 128, -2);
    for (int i = 0; i < 5; ++i) {
      const int32_t tensor = builder.tensor(i < 4 ? TensorType::kInt16 : TensorType::kInt8);
      quantize(builder, tensor, i < 4 ? 1.0f / 2048 : 1.0f / 128, i < 4 ? 0 : 5);
      builder.main().operators[0].intermediates.push_back(tensor);
    }
  }
  return builder;
}

std::unique_ptr<Interpreter> interpreter_of(const Layer& layer, uint32_t seed) {
  Result<std::unique_ptr<Interpreter>> made = build(layer, seed).interpreter();
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return made.ok() ? std::move(made).value() : nullptr;
}

std::string error_of(ModelBuilder builder) {
  Result<std::unique_ptr<Interpreter>> made = builder.interpreter();
  if (!made.ok()) return made.error().message;
  const Status status = made.value()->prepare(0);
  return status.ok() ? "" : status.error().message;
}

std::vector<uint8_t> run(Interpreter& interpreter, const std::vector<uint8_t>& input) {
  EXPECT_TRUE(interpreter.prepare(0).ok());
  Result<std::span<uint8_t>> target = interpreter.input_data(0, 0);
  EXPECT_EQ(target->size(), input.size());
  std::copy(input.begin(), input.end(), target->begin());
  const Status status = interpreter.run(0);
  EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
  const Operand& output = interpreter.output(0, 0);
  return {output.data, output.data + output.bytes};
}

std::vector<uint8_t> random_input(const Layer& layer, uint32_t seed) {
  Random random(seed);
  const int count = layer.batch * layer.steps * layer.inputs;
  std::vector<uint8_t> bytes(static_cast<size_t>(count) * (layer.is_integer ? 1 : 4));
  if (layer.is_integer) {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.integer(0, 255));
  } else {
    const std::vector<float> values = random.reals(count, -2, 2);
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  return bytes;
}

std::vector<Layer> all_kinds() {
  std::vector<Layer> layers;
  for (int arithmetic = 0; arithmetic < 3; ++arithmetic) {
    for (int kind = 0; kind < 16; ++kind) {
      Layer layer;
      layer.weights = arithmetic > 0 ? TensorType::kInt8 : TensorType::kFloat32;
      layer.is_integer = arithmetic == 2;
      layer.is_coupled = (kind & 1) != 0;
      layer.has_peephole = (kind & 2) != 0;
      layer.has_layer_norm = (kind & 4) != 0;
      layer.has_projection = (kind & 8) != 0;
      layer.outputs = layer.has_projection ? 3 : layer.cells;
      layer.options.asymmetric_quantize_inputs = kind % 3 == 0;
      layer.options.cell_clip = kind % 5 == 0 ? 0.5f : 0;
      layer.options.proj_clip = kind % 7 == 0 ? 0.25f : 0;
      layers.push_back(layer);
    }
  }
  return layers;
}

// Floats agree within rounding, as products may be added in another order.
void expect_same(const Layer& layer, const std::vector<uint8_t>& got,
                 const std::vector<uint8_t>& wanted) {
  if (layer.weights == TensorType::kInt8) {
    EXPECT_EQ(got, wanted);
    return;
  }
  ASSERT_EQ(got.size(), wanted.size());
  std::vector<float> a(got.size() / 4), b(got.size() / 4);
  std::memcpy(a.data(), got.data(), got.size());
  std::memcpy(b.data(), wanted.data(), got.size());
  expect_near(a, b, 1e-5, "outputs");
}

TEST(Lstm, StateCarriesFromRunToRunAsFromStepToStep) {
  uint32_t seed = 0;
  for (const Layer& layer : all_kinds()) {
    SCOPED_TRACE(++seed);
    const std::vector<uint8_t> input = random_input(layer, seed);
    const std::vector<uint8_t> whole = run(*interpreter_of(layer, seed), input);
    Layer one = layer;
    one.steps = 1;
    std::unique_ptr<Interpreter> interpreter = interpreter_of(one, seed);
    const size_t step = input.size() / layer.steps;
    std::vector<uint8_t> joined;
    for (int i = 0; i < layer.steps; ++i) {
      const std::vector<uint8_t> part =
          run(*interpreter, {input.begin() + i * step, input.begin() + (i + 1) * step});
      joined.insert(joined.end(), part.begin(), part.end());
    }
    expect_same(layer, joined, whole);
    interpreter->reset();
    const std::vector<uint8_t> again = run(*interpreter, {input.begin(), input.begin() + step});
    expect_same(layer, again, {whole.begin(), whole.begin() + again.size()});
  }
}

TEST(Lstm, BatchMajorIsTimeMajorTransposed) {
  uint32_t seed = 100;
  for (Layer layer : all_kinds()) {
    SCOPED_TRACE(++seed);
    layer.steps = 101;  // More than one chunk.
    const std::vector<uint8_t> input = random_input(layer, seed);
    const auto transposed = [&](const std::vector<uint8_t>& from) {
      const size_t width = from.size() / (layer.batch * layer.steps);
      std::vector<uint8_t> to(from.size());
      for (int t = 0; t < layer.steps; ++t) {
        for (int b = 0; b < layer.batch; ++b) {
          std::copy_n(from.begin() + (t * layer.batch + b) * width, width,
                      to.begin() + (b * layer.steps + t) * width);
        }
      }
      return to;
    };
    const std::vector<uint8_t> wanted = transposed(run(*interpreter_of(layer, seed), input));
    layer.options.time_major = false;
    expect_same(layer, run(*interpreter_of(layer, seed), transposed(input)), wanted);
  }
}

TEST(Lstm, OpenGatesAddAndShutOnesForget) {
  // One cell, gates by their biases alone: i = o = 1, f = 0, activation RELU: h = relu(x + h / 2).
  ModelBuilder builder;
  const auto one = [&](float value) { return builder.constant<float>({1, 1}, {value}); };
  const auto bias = [&](float value) { return builder.constant<float>({1}, {value}); };
  std::vector<int32_t> tensors(kInputs, kNoTensor);
  tensors[0] = builder.input(TensorType::kFloat32, {3, 1, 1});
  for (int gate = 0; gate < 4; ++gate) {
    tensors[1 + gate] = one(gate == 2 ? 1.0f : 0.0f);
    tensors[5 + gate] = one(gate == 2 ? 0.5f : 0.0f);
  }
  const float gates[] = {100, -100, 0, 100};
  for (int gate = 0; gate < 4; ++gate) tensors[12 + gate] = bias(gates[gate]);
  for (int i : {18, 19}) {
    tensors[i] = builder.tensor(TensorType::kFloat32, {1, 1});
    builder.main().tensors[tensors[i]].is_variable = true;
  }
  UnidirectionalSequenceLSTMOptions options;
  options.time_major = true;
  options.fused_activation_function = ActivationFunctionType::kRelu;
  builder.output(builder.op(Code::kUnidirectionalSequenceLstm, tensors, TensorType::kFloat32,
                            Options(options)));
  std::unique_ptr<Interpreter> interpreter = std::move(builder.interpreter()).value();
  set_input<float>(*interpreter, 0, {{3, 1, 1}, {1, 2, -4}});
  ASSERT_TRUE(interpreter->run(0).ok());
  EXPECT_THAT(output_values<float>(*interpreter).data, ElementsAre(1, 2.5f, 0));
}

TEST(Lstm, SequencesWithoutStepsOrBatchGiveNothing) {
  Layer layer;
  layer.steps = 0;
  EXPECT_TRUE(run(*interpreter_of(layer, 1), {}).empty());
  layer.steps = 2;
  layer.batch = 0;
  EXPECT_TRUE(run(*interpreter_of(layer, 1), {}).empty());
}

TEST(Lstm, RunsAFreeBatchWithOneEntry) {
  Layer layer;
  layer.batch = 1;
  const std::vector<uint8_t> input = random_input(layer, 9);
  ModelBuilder builder = build(layer, 9);
  Subgraph& graph = builder.main();
  graph.tensors[graph.inputs[0]].shape[1] = -1;
  for (int i : {18, 19}) graph.tensors[graph.operators[0].inputs[i]].shape[0] = -1;
  std::unique_ptr<Interpreter> interpreter = std::move(builder.interpreter()).value();
  EXPECT_EQ(run(*interpreter, input), run(*interpreter_of(layer, 9), input));
}

TEST(Lstm, RefusesStateThatIsNoVariableOrHasAnotherBatch) {
  ModelBuilder constant_state = build({}, 1);
  constant_state.main().tensors[constant_state.main().operators[0].inputs[19]].is_variable = false;
  EXPECT_THAT(error_of(std::move(constant_state)), HasSubstr("is not a variable"));
  ModelBuilder other_batch = build({}, 1);
  other_batch.main().tensors[other_batch.main().operators[0].inputs[18]].shape = {3, 5};
  EXPECT_THAT(error_of(std::move(other_batch)),
              HasSubstr("the output state, must have 5 elements for each of the batch's 2"));
}

TEST(Lstm, RefusesWhatDoesNotFit) {
  const auto without = [](const Layer& layer, int input) {
    ModelBuilder builder = build(layer, 1);
    builder.main().operators[0].inputs[input] = kNoTensor;
    return error_of(std::move(builder));
  };
  EXPECT_THAT(without({}, 1), HasSubstr("only one of its two matrices"));
  EXPECT_THAT(without({}, 8), HasSubstr("is absent"));
  EXPECT_THAT(without({}, 12), HasSubstr("bias of a gate, is absent"));
  Layer with_peephole;
  with_peephole.has_peephole = true;
  EXPECT_THAT(without(with_peephole, 11), HasSubstr("peephole weights, is absent"));
  Layer integer;
  integer.weights = TensorType::kInt8;
  integer.is_integer = true;
  ModelBuilder few = build(integer, 1);
  few.main().operators[0].intermediates.pop_back();
  EXPECT_THAT(error_of(std::move(few)), HasSubstr("4 intermediate tensors"));
  ModelBuilder absent = build(integer, 1);
  absent.main().operators[0].intermediates[4] = kNoTensor;
  EXPECT_THAT(error_of(std::move(absent)), HasSubstr("intermediate 4 is absent"));
  Layer narrow;
  narrow.outputs = 4;
  EXPECT_THAT(error_of(build(narrow, 1)), HasSubstr("without a projection 5 cells"));
}

// The parts of 8x8_8, which has twelve intermediates, on numbers that stay in range.
TEST(Lstm, RoundsEightBitProductsWhereThereAreTwelveIntermediates) {
  Layer layer;
  layer.weights = TensorType::kInt8;
  layer.is_integer = layer.has_layer_norm = layer.has_projection = true;
  layer.outputs = 3;
  ModelBuilder builder = build(layer, 3);
  Subgraph& graph = builder.main();
  quantize(builder, graph.operators[0].inputs[19], 1.0f / 32768);
  graph.operators[0].intermediates.clear();
  for (int i = 0; i < 12; ++i) {
    const int32_t tensor = builder.tensor(TensorType::kInt8);
    quantize(builder, tensor, 1.0f / 32, 1);
    graph.operators[0].intermediates.push_back(tensor);
  }
  std::unique_ptr<Interpreter> interpreter = std::move(builder.interpreter()).value();
  const std::vector<uint8_t> input = random_input(layer, 3);
  const std::vector<uint8_t> first = run(*interpreter, input);
  interpreter->reset();
  EXPECT_EQ(run(*interpreter, input), first);
  EXPECT_NE(first, std::vector<uint8_t>(first.size(), first[0]));
}

}  // namespace
}  // namespace zeolite::testing
