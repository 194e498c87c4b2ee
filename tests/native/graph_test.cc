// The graph written to bytes and read again, and files that contradict themselves.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "core/graph/read.h"
#include "core/graph/verify.h"
#include "core/graph/write.h"

namespace zeolite {
namespace {

Bytes bytes_of(std::span<const uint8_t> data) {
  return std::move(Bytes::copy_of(data, "a test")).value();
}

template <class T>
Bytes values(std::vector<T> list) {
  return bytes_of({reinterpret_cast<const uint8_t*>(list.data()), list.size() * sizeof(T)});
}

Tensor tensor(std::string name, Shape shape, uint32_t buffer = kNoBuffer) {
  Tensor result;
  result.name = std::move(name);
  result.shape = std::move(shape);
  result.buffer = buffer;
  return result;
}

// input [?,4,4,1] -> CONV_2D with two constants of equal bytes -> output.
Model small_model() {
  Model model;
  model.description = "a test";
  Subgraph& subgraph = model.subgraphs.emplace_back();
  subgraph.name = "main";
  subgraph.tensors.push_back(tensor("input", {-1, 4, 4, 1}));
  subgraph.tensors.push_back(
      tensor("filter", {2, 1, 1, 1}, model.add_buffer(values<float>({1, 2}))));
  subgraph.tensors.push_back(tensor("bias", {2}, model.add_buffer(values<float>({1, 2}))));
  subgraph.tensors.push_back(tensor("output", {-1, 4, 4, 2}));
  subgraph.inputs = {0};
  subgraph.outputs = {3};
  Operator& op = subgraph.operators.emplace_back();
  op.code = BuiltinOperator::kConv2d;
  op.version = 3;
  op.inputs = {0, 1, 2};
  op.outputs = {3};
  Conv2DOptions options;
  options.stride_w = 1;
  options.stride_h = 1;
  options.fused_activation_function = ActivationFunctionType::kRelu;
  op.options = options;
  model.signatures.push_back({"serving_default", {{"x", 0}}, {{"y", 3}}, 0});
  model.metadata.push_back(
      {"min_runtime_version", model.add_buffer(values<char>({'1', '.', '5'}))});
  return model;
}

Result<Model> read_again(const Model& model) {
  Result<Bytes> file = write_tflite(model);
  if (!file.ok()) return file.take_status();
  return read_tflite(std::make_shared<const Bytes>(std::move(file).value()));
}

TEST(Graph, WhatIsWrittenIsReadAgain) {
  const Result<Model> read = read_again(small_model());
  ASSERT_TRUE(read.ok()) << read.error().message;
  const Model& model = read.value();
  EXPECT_EQ(model.description, "a test");
  ASSERT_EQ(model.subgraphs.size(), 1u);
  const Subgraph& subgraph = model.subgraphs[0];
  EXPECT_EQ(subgraph.name, "main");
  ASSERT_EQ(subgraph.tensors.size(), 4u);
  EXPECT_EQ(subgraph.tensors[0].shape, (Shape{-1, 4, 4, 1}));
  EXPECT_FALSE(subgraph.tensors[0].is_constant());
  EXPECT_EQ(subgraph.tensors[1].name, "filter");
  ASSERT_EQ(model.data(subgraph.tensors[1]).size(), 8u);
  float first;
  std::memcpy(&first, model.data(subgraph.tensors[1]).data(), 4);
  EXPECT_EQ(first, 1.0f);
  ASSERT_EQ(subgraph.operators.size(), 1u);
  const Operator& op = subgraph.operators[0];
  EXPECT_EQ(op.code, BuiltinOperator::kConv2d);
  EXPECT_EQ(op.version, 3);
  const auto* options = op.options.get<Conv2DOptions>();
  ASSERT_NE(options, nullptr);
  EXPECT_EQ(options->stride_w, 1);
  EXPECT_EQ(options->dilation_w_factor, 1);
  EXPECT_EQ(options->fused_activation_function, ActivationFunctionType::kRelu);
  ASSERT_EQ(model.signatures.size(), 1u);
  EXPECT_EQ(model.signatures[0].key, "serving_default");
  EXPECT_EQ(model.signatures[0].outputs[0].name, "y");
  ASSERT_EQ(model.metadata.size(), 1u);
  EXPECT_EQ(model.buffers[model.metadata[0].buffer].data.size(), 3u);
}

TEST(Graph, EqualConstantsAreStoredOnce) {
  const Result<Model> read = read_again(small_model());
  ASSERT_TRUE(read.ok());
  const auto& tensors = read->subgraphs[0].tensors;
  EXPECT_EQ(tensors[1].buffer, tensors[2].buffer);
}

TEST(Graph, ConstantsStartAtSixteenBytes) {
  const Result<Bytes> file = write_tflite(small_model());
  ASSERT_TRUE(file.ok());
  const auto shared = std::make_shared<const Bytes>(bytes_of(file.value().span()));
  const Result<Model> read = read_tflite(shared);
  ASSERT_TRUE(read.ok());
  for (const Buffer& buffer : read->buffers) {
    if (buffer.data.empty()) continue;
    EXPECT_EQ((buffer.data.data() - shared->data()) % 16, 0);
  }
}

TEST(Graph, OptionsOfEveryTableSurviveWithTheirDefaults) {
  for (int union_index : {1, 2}) {
    for (const OptionsInfo* info : builtin_options_table(union_index)) {
      if (info == nullptr) continue;
      Model model = small_model();
      model.subgraphs[0].operators[0].options = Options::defaults_of(*info);
      const Result<Model> read = read_again(model);
      ASSERT_TRUE(read.ok()) << info->name << ": " << read.error().message;
      EXPECT_EQ(read->subgraphs[0].operators[0].options.info(), info);
    }
  }
}

TEST(Graph, ListAndStringOptionsSurvive) {
  Model model = small_model();
  BucketizeOptions boundaries;
  boundaries.boundaries = {0.5f, 2.0f};
  model.subgraphs[0].operators[0].options = boundaries;
  Result<Model> read = read_again(model);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->subgraphs[0].operators[0].options.get<BucketizeOptions>()->boundaries,
            boundaries.boundaries);
  VarHandleOptions handle;
  handle.shared_name = "weights";
  model.subgraphs[0].operators[0].options = handle;
  read = read_again(model);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->subgraphs[0].operators[0].options.get<VarHandleOptions>()->shared_name,
            "weights");
}

TEST(Graph, SparsityAndQuantizationSurvive) {
  Model model = small_model();
  Tensor& filter = model.subgraphs[0].tensors[1];
  filter.quantization = std::make_unique<Quantization>();
  filter.quantization->scale = {0.5f, 0.25f};
  filter.quantization->zero_point = {0, 0};
  filter.sparsity = std::make_unique<Sparsity>();
  filter.sparsity->traversal_order = {0, 1, 2, 3};
  filter.sparsity->dimensions.resize(4);
  filter.sparsity->dimensions[0] = {DimensionType::kSparseCsr, 0, {0, 300}, {0, 70000}};
  const Result<Model> read = read_again(model);
  ASSERT_TRUE(read.ok()) << read.error().message;
  const Tensor& again = read->subgraphs[0].tensors[1];
  EXPECT_EQ(again.quantization->scale, filter.quantization->scale);
  EXPECT_EQ(again.sparsity->dimensions[0].segments, (std::vector<int32_t>{0, 300}));
  EXPECT_EQ(again.sparsity->dimensions[0].indices, (std::vector<int32_t>{0, 70000}));
}

TEST(Graph, OtherBytesAreNoModel) {
  const std::vector<uint8_t> page(200, '<');
  const Result<Model> read = read_tflite(std::make_shared<const Bytes>(bytes_of(page)));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kNotAModel);
  const Result<Model> empty = read_tflite(std::make_shared<const Bytes>());
  ASSERT_FALSE(empty.ok());
  EXPECT_EQ(empty.error().code, ErrorCode::kNotAModel);
}

TEST(Graph, AFileCutAnywhereIsRefusedOrSound) {
  const Result<Bytes> file = write_tflite(small_model());
  ASSERT_TRUE(file.ok());
  for (size_t size = 0; size < file->size(); ++size) {
    const Result<Model> read =
        read_tflite(std::make_shared<const Bytes>(bytes_of(file.value().span().first(size))));
    EXPECT_FALSE(read.ok()) << "cut to " << size << " bytes";
  }
}

TEST(Graph, AFlippedByteNeverCrashes) {
  const Result<Bytes> file = write_tflite(small_model());
  ASSERT_TRUE(file.ok());
  for (size_t at = 0; at < file->size(); ++at) {
    for (uint8_t flip : {0x01, 0x80, 0xff}) {
      Bytes broken = bytes_of(file.value().span());
      broken.data()[at] ^= flip;
      const Result<Model> read = read_tflite(std::make_shared<const Bytes>(std::move(broken)));
      if (!read.ok()) continue;
      EXPECT_TRUE(write_tflite(read.value()).ok());
    }
  }
}

TEST(Graph, AllReasonsAreTold) {
  Model model = small_model();
  model.subgraphs[0].operators[0].inputs = {0, 99, 2};
  model.subgraphs[0].outputs = {-7};
  model.signatures[0].outputs[0].tensor = 50;
  const Status status = verify_model(model);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(status.error().issues.size(), 3u);
}

TEST(Graph, AConstantOfAnotherSizeThanItsShapeIsRefused) {
  Model model = small_model();
  model.subgraphs[0].tensors[1].shape = {3, 1, 1, 1};
  EXPECT_FALSE(verify_model(model).ok());
}

TEST(Graph, AShapeThatOverflowsIsRefused) {
  Model model = small_model();
  model.subgraphs[0].tensors[3].shape = {0x7fffffff, 0x7fffffff, 0x7fffffff, 2};
  EXPECT_FALSE(verify_model(model).ok());
}

TEST(Graph, AnOperatorThatReadsALaterResultIsRefused) {
  Model model = small_model();
  Subgraph& subgraph = model.subgraphs[0];
  subgraph.tensors.push_back(tensor("late", {-1, 4, 4, 2}));
  Operator relu;
  relu.code = BuiltinOperator::kRelu;
  relu.inputs = {3};
  relu.outputs = {4};
  subgraph.operators.insert(subgraph.operators.begin(), std::move(relu));
  const Status status = verify_model(model);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("before operator 1 writes it"), std::string::npos);
}

TEST(Graph, AnOperatorThatReadsWhatNothingWritesIsRefused) {
  Model model = small_model();
  Subgraph& subgraph = model.subgraphs[0];
  subgraph.tensors.push_back(tensor("nowhere", {2, 1, 1, 1}));
  subgraph.operators[0].inputs[1] = 4;
  const Status status = verify_model(model);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("which nothing gives a value"), std::string::npos);
  subgraph.tensors[4].is_variable = true;
  EXPECT_TRUE(verify_model(model).ok());
}

// small_model() with a second operator that writes `tensor` from the first one's result.
Model rewriting(int32_t tensor) {
  Model model = small_model();
  Operator relu;
  relu.code = BuiltinOperator::kRelu;
  relu.inputs = {3};
  relu.outputs = {tensor};
  model.subgraphs[0].operators.push_back(std::move(relu));
  return model;
}

std::string words_of(const Model& model) {
  const Status status = verify_model(model);
  return status.ok() ? "" : status.error().message;
}

TEST(Graph, AnOperatorThatWritesWhatIsGivenIsRefused) {
  EXPECT_NE(words_of(rewriting(0)).find("writes the subgraph's input input"), std::string::npos);
  EXPECT_NE(words_of(rewriting(1)).find("writes the constant tensor filter"), std::string::npos);
  EXPECT_NE(words_of(rewriting(3)).find("operators 0 and 1 both write"), std::string::npos);
  EXPECT_NE(words_of(rewriting(-1)).find("output 0 is tensor -1, which does not exist"),
            std::string::npos);
  Model model = rewriting(4);
  model.subgraphs[0].tensors.push_back(tensor("state", {1, 4, 4, 2}));
  EXPECT_EQ(words_of(model), "");
  model.subgraphs[0].tensors[4].is_variable = true;
  EXPECT_EQ(words_of(model), "");
}

TEST(Graph, AnInputThatIsListedTwiceIsRefused) {
  Model model = small_model();
  model.subgraphs[0].inputs = {0, 0};
  EXPECT_NE(words_of(model).find("input tensor 0 is listed twice"), std::string::npos);
}

TEST(Graph, OnlyWhatHasSizesIsKnownToBeEmpty) {
  Model model = small_model();
  model.subgraphs[0].operators[0].inputs[2] = 4;
  model.subgraphs[0].tensors.push_back(tensor("empty", {0, -1}));
  EXPECT_NE(words_of(model).find("reads tensor empty, which nothing gives a value"),
            std::string::npos);
  model.subgraphs[0].tensors[4].shape = {0, 2};
  EXPECT_EQ(words_of(model), "");
}

TEST(Types, SubByteElementsArePacked) {
  EXPECT_EQ(byte_size(TensorType::kInt4, Shape{3}).value(), 2u);
  EXPECT_EQ(byte_size(TensorType::kInt2, Shape{5}).value(), 2u);
  EXPECT_EQ(byte_size(TensorType::kComplex128, Shape{2}).value(), 32u);
  EXPECT_EQ(byte_size(TensorType::kFloat32, Shape{0, 7}).value(), 0u);
  EXPECT_EQ(byte_size(TensorType::kFloat32, Shape{}).value(), 4u);
  EXPECT_FALSE(byte_size(TensorType::kString, Shape{1}).ok());
}

}  // namespace
}  // namespace zeolite
