// Keras files -> the source graph.
#include "core/convert/sources/keras.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/convert/sources/keras_graph.h"
#include "core/convert/sources/keras_model.h"
#include "tests/native/support/model_cases.h"

namespace zeolite {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SourceGraph read_case(const std::string& name) {
  for (const ModelCase& model_case : model_cases()) {
    if (model_case.name() != "models/" + name) continue;
    Result<SourceGraph> graph = read_keras(source_files(model_case));
    EXPECT_TRUE(graph.ok()) << graph.error().message;
    return graph.ok() ? std::move(graph).value() : SourceGraph();
  }
  ADD_FAILURE() << "no case " << name;
  return SourceGraph();
}

// The nodes of an architecture alone.
Result<SourceGraph> read_architecture(const std::string& text, int32_t major) {
  SourceGraph graph;
  graph.keras_major = major;
  graph.documents.push_back(std::make_shared<const json::Value>(json::parse(text).value()));
  keras::Reading reading{&graph.documents, major};
  ZEOLITE_ASSIGN(keras::Model model, keras::parse_model(*graph.documents[0], reading));
  ZEOLITE_TRY(keras::flatten_model(model, &graph));
  return graph;
}

std::vector<std::string> paths(const SourceGraph& graph) {
  std::vector<std::string> result;
  for (const SourceNode& node : graph.nodes) result.push_back(node.path);
  return result;
}

TEST(KerasSource, PathsAreUniqueAndInputsComeFirst) {
  for (const char* name :
       {"nested_and_shared_keras2_h5", "nested_and_shared_keras3_keras", "u_net"}) {
    SCOPED_TRACE(name);
    const SourceGraph graph = read_case(name);
    std::set<std::string> seen;
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      EXPECT_TRUE(seen.insert(graph.nodes[i].path).second) << graph.nodes[i].path;
      for (const SourceLink& link : graph.nodes[i].inputs) {
        EXPECT_LT(link.node, static_cast<int32_t>(i));
      }
    }
  }
}

TEST(KerasSource, AllFormatsOfOneModelGiveTheSameLayersAndWeights) {
  const SourceGraph first = read_case("nested_and_shared_keras3_h5");
  const SourceGraph second = read_case("nested_and_shared_keras3_keras");
  EXPECT_EQ(paths(first), paths(second));
  EXPECT_EQ(first.nodes.size(), second.nodes.size());
  for (size_t i = 0; i < first.nodes.size(); ++i) {
    ASSERT_EQ(first.nodes[i].weights.size(), second.nodes[i].weights.size());
    for (size_t j = 0; j < first.nodes[i].weights.size(); ++j) {
      EXPECT_EQ(first.nodes[i].weights[j].name, second.nodes[i].weights[j].name);
      EXPECT_EQ(first.nodes[i].weights[j].shape, second.nodes[i].weights[j].shape);
    }
  }
}

TEST(KerasSource, SharedLayersAreCountedOnce) {
  SourceGraph graph = read_case("nested_and_shared_keras2_h5");
  int calls_of_shared = 0;
  for (const SourceNode& node : graph.nodes) calls_of_shared += node.first_call >= 0;
  EXPECT_GT(calls_of_shared, 0);
  ASSERT_TRUE(count_parameters(&graph).ok());
  int64_t once = 0;
  for (const SourceNode& node : graph.nodes) {
    for (const SourceWeight& weight : node.weights) {
      if (node.first_call < 0) once += element_count(weight.shape).value();
    }
  }
  EXPECT_EQ(graph.parameters, once);
}

TEST(KerasSource, TheProducerIsTheVersionThatWroteTheFile) {
  EXPECT_THAT(read_case("sequential_keras2").producer, HasSubstr("Keras 2."));
  EXPECT_THAT(read_case("sequential_keras3").producer, HasSubstr("Keras 3."));
  EXPECT_EQ(read_case("sequential_keras2").keras_major, 2);
}

TEST(KerasSource, ASequentialListOfOldGetsAnInputFromItsFirstLayer) {
  Result<SourceGraph> graph = read_architecture(
      R"({"class_name":"Sequential","config":[
          {"class_name":"Dense","config":{"name":"dense_1","batch_input_shape":[null,4],"units":2}},
          {"class_name":"Activation","config":{"name":"act","activation":"relu"}}]})", 2);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_THAT(paths(graph.value()), ElementsAre("dense_1_input", "dense_1", "act"));
  EXPECT_EQ(graph->inputs[0].name, "dense_1_input");
  EXPECT_EQ(graph->outputs[0].name, "act");
}

TEST(KerasSource, ArgumentsOfKeras1HaveTodaysNames) {
  Result<SourceGraph> graph = read_architecture(
      R"({"class_name":"Sequential","config":[{"class_name":"Convolution2D","config":{
          "name":"conv","batch_input_shape":[null,8,8,3],"nb_filter":4,"nb_row":3,"nb_col":5,
          "subsample":[2,2],"border_mode":"same","dim_ordering":"tf","bias":false}}]})", 1);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const SourceNode& conv = graph->nodes[1];
  EXPECT_EQ(conv.class_name, "Conv2D");
  EXPECT_EQ(conv.config->int_or("filters", 0), 4);
  EXPECT_EQ((*conv.config)["kernel_size"].at(1).as_int(), 5);
  EXPECT_EQ(conv.config->string_or("padding", ""), "same");
  EXPECT_EQ(conv.config->string_or("data_format", ""), "channels_last");
  EXPECT_FALSE(conv.config->bool_or("use_bias", true));
}

// A kernel of `shape` holding 0, 1, 2, ... as a file of Keras `major` on `backend` gives it.
Result<SourceWeight> modern_kernel(const std::string& class_name, const std::string& config,
                                   const Shape& shape, int32_t major,
                                   std::string_view backend = {}) {
  const json::Value parsed = json::parse(config).value();
  std::vector<float> values(static_cast<size_t>(element_count(shape).value()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  keras::Model model;
  keras::Layer& layer = model.layers.emplace_back();
  layer.class_name = class_name;
  layer.config = &parsed;
  SourceWeight& kernel = layer.weights.emplace_back();
  kernel.name = "kernel";
  kernel.shape = shape;
  kernel.read = [&]() {
    return Result<Content>(Content::view_of(
        {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)}));
  };
  ZEOLITE_TRY(keras::modernize_weights(&model, major, backend));
  ZEOLITE_ASSIGN(const Content read, read_weight(kernel));
  ZEOLITE_ASSIGN(Bytes copy, Bytes::copy_of(read.data, "a test"));
  kernel.data = Content::of(std::move(copy));
  return std::move(kernel);
}

float at(const SourceWeight& kernel, std::initializer_list<int32_t> position) {
  int64_t index = 0;
  size_t axis = 0;
  for (int32_t place : position) index = index * kernel.shape[axis++] + place;
  return weight_value(kernel, index);
}

TEST(KerasSource, KernelsOfKeras1GetTodaysOrderOfAxes) {
  // Theano's order: filters, inputs, rows, columns.
  const std::string first = R"({"data_format":"channels_first"})";
  Result<SourceWeight> kernel = modern_kernel("Conv2D", first, {2, 3, 4, 5}, 1);
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(kernel->shape, (Shape{4, 5, 3, 2}));
  EXPECT_EQ(at(kernel.value(), {3, 4, 1, 0}), 1 * 20 + 3 * 5 + 4);
  EXPECT_EQ(at(kernel.value(), {1, 2, 2, 1}), 60 + 2 * 20 + 1 * 5 + 2);
  kernel = modern_kernel("Conv2D", R"({"data_format":"channels_last"})", {4, 5, 3, 2}, 1);
  EXPECT_EQ(kernel->shape, (Shape{4, 5, 3, 2}));
  // Transposed: rows, columns, filters, inputs.
  kernel = modern_kernel("Conv2DTranspose", first, {2, 3, 4, 5}, 1);
  EXPECT_EQ(kernel->shape, (Shape{4, 5, 2, 3}));
  kernel = modern_kernel("Conv2DTranspose", R"({"data_format":"channels_last"})", {4, 5, 3, 2}, 1);
  EXPECT_EQ(kernel->shape, (Shape{4, 5, 2, 3}));
  EXPECT_EQ(at(kernel.value(), {0, 0, 1, 2}), 2 * 2 + 1);
  const std::string line = R"({"kernel_size":[3],"filters":4})";
  kernel = modern_kernel("Conv1D", line, {3, 1, 2, 4}, 1);
  EXPECT_EQ(kernel->shape, (Shape{3, 2, 4}));
  kernel = modern_kernel("Conv1D", line, {4, 2, 3, 1}, 1);
  EXPECT_EQ(kernel->shape, (Shape{3, 2, 4}));
  EXPECT_EQ(at(kernel.value(), {2, 1, 3}), 3 * 6 + 1 * 3 + 2);
  EXPECT_FALSE(modern_kernel("Conv1D", line, {4, 4, 4, 4}, 1).ok());
  kernel = modern_kernel("Conv2D", first, {2, 3, 4, 5}, 2);
  EXPECT_EQ(kernel->shape, (Shape{2, 3, 4, 5}));
}

TEST(KerasSource, KernelsOfTheanoAreTurned) {
  Result<SourceWeight> kernel = modern_kernel("Conv2D", "{}", {2, 3, 1, 2}, 2, "theano");
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(kernel->shape, (Shape{2, 3, 1, 2}));
  EXPECT_EQ(at(kernel.value(), {0, 0, 0, 0}), 10);
  EXPECT_EQ(at(kernel.value(), {1, 2, 0, 1}), 1);
  EXPECT_EQ(at(kernel.value(), {0, 1, 0, 1}), 9);
  kernel = modern_kernel("Conv2D", "{}", {2, 3, 1, 2}, 2, "tensorflow");
  EXPECT_EQ(at(kernel.value(), {0, 0, 0, 0}), 0);
}

TEST(KerasSource, TheOrderOfLayersInTheFileDoesNotMatter) {
  Result<SourceGraph> graph = read_architecture(
      R"({"class_name":"Model","config":{"name":"m","layers":[
          {"class_name":"ReLU","name":"b","config":{},"inbound_nodes":[[["a",0,0]]]},
          {"class_name":"ReLU","name":"a","config":{},"inbound_nodes":[[["x",0,0]]]},
          {"class_name":"InputLayer","name":"x","config":{"batch_input_shape":[null,2]},
           "inbound_nodes":[]}],
          "input_layers":[["x",0,0]],"output_layers":[["b",0,0]]}})", 2);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_THAT(paths(graph.value()), ElementsAre("x", "a", "b"));
}

TEST(KerasSource, LayersInACircleAreNamed) {
  Result<SourceGraph> graph = read_architecture(
      R"({"class_name":"Model","config":{"name":"m","layers":[
          {"class_name":"InputLayer","name":"x","config":{},"inbound_nodes":[]},
          {"class_name":"ReLU","name":"a","config":{},"inbound_nodes":[[["b",0,0]]]},
          {"class_name":"ReLU","name":"b","config":{},"inbound_nodes":[[["a",0,0]]]}],
          "input_layers":[["x",0,0]],"output_layers":[["b",0,0]]}})", 2);
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(graph.error().message, HasSubstr("\"a\" from \"b\""));
}

TEST(KerasSource, ASubclassedModelIsRefused) {
  Result<SourceGraph> graph =
      read_architecture(R"({"class_name":"MyModel","config":{"name":"m"}})", 3);
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(graph.error().message, HasSubstr("MyModel"));
}

TEST(KerasSource, CallsOfFunctionsKeepTheirConstants) {
  Result<SourceGraph> graph = read_architecture(
      R"({"class_name":"Functional","config":{"name":"m","layers":[
          {"class_name":"InputLayer","name":"x","config":{},"inbound_nodes":[]},
          {"class_name":"TFOpLambda","name":"add","config":{"function":"math.add"},
           "inbound_nodes":[["x",0,0,{"y":2.5,"name":null}]]}],
          "input_layers":[["x",0,0]],"output_layers":[["add",0,0]]}})", 2);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const SourceNode& node = graph->nodes[1];
  ASSERT_NE(node.call, nullptr);
  EXPECT_EQ((*node.call)["args"].at(0)["input"].as_int(), 0);
  EXPECT_EQ((*node.call)["kwargs"]["y"].as_number(), 2.5);
}

}  // namespace
}  // namespace zeolite
