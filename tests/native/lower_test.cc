// Lowering of single layers and small chains: which operators they become.
#include "core/convert/lower/lower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/convert/lower/layers.h"
#include "core/convert/sources/keras_model.h"
#include "core/graph/graph.h"
#include "tests/native/support/source_builder.h"

namespace zeolite {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Model> lower_all(SourceBuilder& source) {
  Lowering lowering(&source.graph(), true, {});
  while (lowering.done() < lowering.total()) lowering.step();
  return lowering.finish();
}

std::vector<std::string> operator_names(const Model& model) {
  std::vector<std::string> names;
  for (const Operator& op : model.subgraphs[0].operators) names.push_back(operator_name(op));
  return names;
}

const Shape& output_shape(const Model& model) {
  const Subgraph& main = model.subgraphs[0];
  return main.tensors[static_cast<size_t>(main.outputs[0])].shape;
}

// One layer without weights on an input of `shape`.
Result<Model> lower_layer(const std::string& class_name, const std::string& config,
                          const std::string& shape, int32_t keras_major = 3) {
  SourceBuilder source(keras_major);
  const int32_t x = source.input("x", shape);
  source.output(source.add(class_name, "layer", config, {x}));
  return lower_all(source);
}

void add_conv(SourceBuilder& source, const std::string& name, const std::string& extra,
              int32_t inputs, int32_t outputs) {
  const auto last = static_cast<int32_t>(source.graph().nodes.size() - 1);
  source.add("Conv2D", name,
             R"({"kernel_size":3,"padding":"same","filters":)" + std::to_string(outputs) + extra +
                 "}",
             {last});
  source.weight("kernel", {3, 3, inputs, outputs});
  source.weight("bias", {outputs});
}

TEST(Lower, ChannelsFirstConvolutionsInARowAreTransposedAtTheirEndsOnly) {
  SourceBuilder source;
  source.input("x", "[null,2,8,8]");
  const std::string first = R"(,"data_format":"channels_first","activation":"relu")";
  add_conv(source, "a", first, 2, 4);
  source.add("BatchNormalization", "bn", R"({"axis":1})", {1});
  for (const char* role : {"gamma", "beta", "moving_mean", "moving_variance"}) {
    source.weight(role, {4});
  }
  add_conv(source, "b", first, 4, 4);
  source.output(3);
  Result<Model> model = lower_all(source);
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_THAT(operator_names(model.value()),
              ElementsAre("TRANSPOSE", "CONV_2D", "RELU", "MUL", "ADD", "CONV_2D", "RELU",
                          "TRANSPOSE"));
  EXPECT_EQ(output_shape(model.value()), (Shape{-1, 4, 8, 8}));
}

TEST(Lower, OneDimensionalConvolutionsInARowAreReshapedAtTheirEndsOnly) {
  SourceBuilder source;
  int32_t last = source.input("x", "[null,16,2]");
  for (const char* name : {"a", "b"}) {
    last = source.add("Conv1D", name, R"({"kernel_size":[3],"padding":"causal","dilation_rate":2,
                      "filters":2,"activation":"tanh"})", {last});
    source.weight("kernel", {3, 2, 2});
    source.weight("bias", {2});
  }
  source.output(last);
  Result<Model> model = lower_all(source);
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_THAT(operator_names(model.value()),
              ElementsAre("RESHAPE", "PAD", "CONV_2D", "TANH", "PAD", "CONV_2D", "TANH",
                          "RESHAPE"));
  EXPECT_EQ(output_shape(model.value()), (Shape{-1, 16, 2}));
}

// What `key` between the brackets gives of [null,4,6]; empty when it is refused.
Shape sliced_shape(const std::string& key) {
  SourceBuilder source(2);
  const int32_t x = source.input("x", "[null,4,6]");
  source.output(source.add("SlicingOpLambda", "slice", R"({"function":"__operators__.getitem"})",
                           {x}));
  const json::Value call =
      json::parse(R"({"args":[{"input":0}],"kwargs":{"slice_spec":)" + key + "}}").value();
  source.graph().nodes.back().call = &call;
  Result<Model> model = lower_all(source);
  return model.ok() ? output_shape(model.value()) : Shape();
}

TEST(Lower, SlicesCountAsPythonDoes) {
  const std::string all = R"({"start":null,"stop":null,"step":null})";
  const auto range = [](const char* start, const char* stop, const char* step) {
    return std::string("{\"start\":") + start + ",\"stop\":" + stop + ",\"step\":" + step + "}";
  };
  const auto second = [&](const std::string& item) {
    return sliced_shape("[" + all + "," + item + "]");
  };
  EXPECT_EQ(second(range("1", "-1", "null")), (Shape{-1, 2, 6}));
  EXPECT_EQ(second(range("-100", "100", "3")), (Shape{-1, 2, 6}));
  EXPECT_EQ(second(range("null", "null", "-1")), (Shape{-1, 4, 6}));
  EXPECT_EQ(second(range("2", "null", "-2")), (Shape{-1, 2, 6}));
  EXPECT_EQ(second(range("3", "1", "1")), (Shape{-1, 0, 6}));
  EXPECT_EQ(second("-4"), (Shape{-1, 6}));
  EXPECT_EQ(second("null"), (Shape{-1, 1, 4, 6}));
  EXPECT_EQ(sliced_shape(R"([{"class_name":"__ellipsis__"},0])"), (Shape{-1, 4}));
  EXPECT_EQ(second("4"), Shape());
  EXPECT_EQ(second(range("0", "1", "0")), Shape());
  EXPECT_EQ(second("[0,2]"), Shape());
  EXPECT_EQ(second(R"({"input":0})"), Shape());
  EXPECT_EQ(sliced_shape("[0,0,0,0]"), Shape());
}

TEST(Lower, ADilatedConvolutionIsOneOperator) {
  SourceBuilder source;
  source.input("x", "[null,9,9,2]");
  add_conv(source, "a", R"(,"dilation_rate":[2,3])", 2, 2);
  source.output(1);
  Result<Model> model = lower_all(source);
  ASSERT_TRUE(model.ok()) << model.error().message;
  ASSERT_THAT(operator_names(model.value()), ElementsAre("CONV_2D"));
  const auto options =
      model->subgraphs[0].operators[0].options.value_or_default<Conv2DOptions>();
  EXPECT_EQ(options.dilation_h_factor, 2);
  EXPECT_EQ(options.dilation_w_factor, 3);
}

TEST(Lower, KernelsAreStoredWithOutputChannelsFirst) {
  SourceBuilder source;
  const int32_t x = source.input("x", "[null,2]");
  source.output(source.add("Dense", "dense", R"({"units":3,"use_bias":false})", {x}));
  source.weight("kernel", {2, 3});  // 1 2 3 / 4 5 6
  Result<Model> model = lower_all(source);
  ASSERT_TRUE(model.ok()) << model.error().message;
  const Operator& op = model->subgraphs[0].operators[0];
  EXPECT_EQ(op.inputs[2], kNoTensor);
  const Tensor& weights = model->subgraphs[0].tensors[static_cast<size_t>(op.inputs[1])];
  EXPECT_EQ(weights.shape, (Shape{3, 2}));
  const auto* values = reinterpret_cast<const float*>(model->data(weights).data());
  EXPECT_THAT(std::vector<float>(values, values + 6), ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST(Lower, HardSigmoidIsAnotherFunctionInKeras3) {
  const std::string config = R"({"activation":"hard_sigmoid"})";
  EXPECT_THAT(operator_names(lower_layer("Activation", config, "[null,4]", 2).value()),
              ElementsAre("MUL", "ADD", "RELU", "MINIMUM"));
  EXPECT_THAT(operator_names(lower_layer("Activation", config, "[null,4]", 3).value()),
              ElementsAre("ADD", "RELU6", "MUL"));
}

TEST(Lower, ReluOptionsTakeAsFewOperatorsAsTheyCan) {
  const auto names = [](const std::string& config) {
    return operator_names(lower_layer("ReLU", config, "[null,4]").value());
  };
  EXPECT_THAT(names("{}"), ElementsAre("RELU"));
  EXPECT_THAT(names(R"({"max_value":6})"), ElementsAre("RELU6"));
  EXPECT_THAT(names(R"({"max_value":2.5})"), ElementsAre("RELU", "MINIMUM"));
  EXPECT_THAT(names(R"({"negative_slope":0.1})"), ElementsAre("LEAKY_RELU"));
  EXPECT_THAT(names(R"({"threshold":0.5})"), ElementsAre("GREATER", "SELECT_V2"));
}

TEST(Lower, AFreeBatchIsKeptWithoutShapeOperators) {
  Result<Model> flat = lower_layer("Flatten", "{}", "[null,4,5,3]");
  EXPECT_THAT(operator_names(flat.value()), ElementsAre("RESHAPE"));
  EXPECT_EQ(output_shape(flat.value()), (Shape{-1, 60}));
  Result<Model> shaped = lower_layer("Reshape", R"({"target_shape":[-1,6]})", "[null,4,3]");
  EXPECT_THAT(operator_names(shaped.value()), ElementsAre("RESHAPE"));
  EXPECT_EQ(output_shape(shaped.value()), (Shape{-1, 2, 6}));
}

TEST(Lower, FlatteningWhatIsFreeBesideTheBatchTakesTheBatchFromTheInput) {
  Result<Model> model = lower_layer("Flatten", "{}", "[null,null,3]");
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_THAT(operator_names(model.value()),
              ElementsAre("SHAPE", "STRIDED_SLICE", "PACK", "RESHAPE"));
}

TEST(Lower, FlattenOfChannelsFirstFollowsTheOrderOfChannelsLast) {
  Result<Model> model =
      lower_layer("Flatten", R"({"data_format":"channels_first"})", "[null,2,3,4]");
  EXPECT_THAT(operator_names(model.value()), ElementsAre("TRANSPOSE", "RESHAPE"));
}

TEST(Lower, IntegerInputsBecomeFloatsBeforeLayersThatCompute) {
  SourceBuilder source;
  const int32_t x = source.input("x", "[null,4,4,3]", "uint8");
  source.output(source.add("Rescaling", "rescaling", R"({"scale":0.5,"offset":0})", {x}));
  Result<Model> model = lower_all(source);
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_THAT(operator_names(model.value()), ElementsAre("CAST", "MUL"));
}

TEST(Lower, AnotherPrecisionThanFloat32IsWarnedOfOnce) {
  SourceBuilder source;
  int32_t last = source.input("x", "[null,4]");
  for (const char* name : {"a", "b"}) {
    last = source.add("Activation", name,
                      R"({"activation":"tanh","dtype":{"config":{"name":"mixed_float16"}}})",
                      {last});
  }
  source.output(last);
  ASSERT_TRUE(lower_all(source).ok());
  ASSERT_EQ(source.graph().warnings.size(), 1u);
  EXPECT_THAT(source.graph().warnings[0], HasSubstr("mixed_float16"));
}

TEST(Lower, LayersThatOnlyTrainDisappear) {
  for (const char* class_name : {"Dropout", "GaussianNoise", "ActivityRegularization"}) {
    Result<Model> model = lower_layer(class_name, R"({"rate":0.5})", "[null,4]");
    ASSERT_TRUE(model.ok()) << model.error().message;
    EXPECT_TRUE(model->subgraphs[0].operators.empty()) << class_name;
    EXPECT_EQ(model->subgraphs[0].inputs, model->subgraphs[0].outputs);
  }
}

TEST(Lower, OperatorsTellTheirLayerAndTensorsItsName) {
  SourceBuilder source;
  const int32_t x = source.input("x", "[null,4]");
  source.output(source.add("Activation", "gate", R"({"activation":"swish"})", {x}));
  Result<Model> model = lower_all(source);
  const Subgraph& main = model->subgraphs[0];
  for (const Operator& op : main.operators) EXPECT_THAT(op.sources, ElementsAre(1));
  EXPECT_EQ(main.tensors[static_cast<size_t>(main.outputs[0])].name, "gate");
  EXPECT_EQ(model->signatures[0].inputs[0].name, "x");
  EXPECT_EQ(model->signatures[0].outputs[0].name, "gate");
}

TEST(Lower, AllUnknownLayersAreReportedAndNothingBehindThem) {
  SourceBuilder source;
  const int32_t x = source.input("x", "[null,4]");
  const int32_t a = source.add("Mystery", "a", "{}", {x});
  const int32_t b = source.add("Dense", "b", R"({"units":2})", {a});
  source.output(source.add("Lambda", "c", "{}", {b}));
  Result<Model> model = lower_all(source);
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::kUnsupported);
  ASSERT_EQ(model.error().issues.size(), 2u);
  EXPECT_EQ(model.error().issues[0].name, "a");
  EXPECT_EQ(model.error().issues[1].type, "Lambda");
}

TEST(Lower, AWeightOfAnotherShapeIsAnErrorThatNamesBoth) {
  SourceBuilder source;
  const int32_t x = source.input("x", "[null,4]");
  source.output(source.add("Dense", "dense", R"({"units":3})", {x}));
  source.weight("kernel", {5, 3});
  source.weight("bias", {3});
  Result<Model> model = lower_all(source);
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(model.error().message, HasSubstr("[5,3]"));
  EXPECT_THAT(model.error().message, HasSubstr("[4,3]"));
}

TEST(Lower, ShapesOfASourceGraphAreKnownWithoutItsData) {
  SourceBuilder source;
  source.input("x", "[null,9,9,2]");
  add_conv(source, "a", R"(,"strides":2)", 2, 5);
  source.output(1);
  EXPECT_TRUE(infer_source_shapes(&source.graph()).empty());
  const SourceTensor& output = source.graph().nodes[1].outputs[0];
  EXPECT_TRUE(output.has_rank);
  EXPECT_EQ(output.shape, (Shape{-1, 5, 5, 5}));
}

TEST(Lower, EveryLayerOfTheTableIsThereOnce) {
  std::vector<std::string_view> names;
  for (const LayerEntry& entry : layer_table()) {
    EXPECT_NE(entry.lower, nullptr);
    names.push_back(entry.class_name);
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(KerasNames, SnakeCaseIsThatOfKeras) {
  const std::pair<const char*, const char*> cases[] = {
      {"Conv2D", "conv2d"},
      {"DepthwiseConv2D", "depthwise_conv2d"},
      {"Conv2DTranspose", "conv2d_transpose"},
      {"ReLU", "re_lu"},
      {"PReLU", "p_re_lu"},
      {"LeakyReLU", "leaky_re_lu"},
      {"GRU", "gru"},
      {"LSTMCell", "lstm_cell"},
      {"BatchNormalization", "batch_normalization"},
      {"GlobalAveragePooling2D", "global_average_pooling2d"},
  };
  for (const auto& [class_name, snake] : cases) EXPECT_EQ(keras::snake_case(class_name), snake);
}

}  // namespace
}  // namespace zeolite
