// Weights of a .tflite in files beside it: where they come from, and files that contradict each
// other.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/graph/read.h"
#include "core/graph/schema.h"
#include "core/inspect/inspection.h"
#include "core/inspect/statistics.h"

namespace zeolite {
namespace {

struct Slice {
  uint32_t id = 7;
  uint32_t group = 0;
  uint64_t offset = 16;
  uint64_t length = 8;
  const char* packing = nullptr;
};

// A model that gives out its only tensor: two floats whose values lie in `slices`.
struct Source {
  std::vector<Slice> slices = {{}};
  std::vector<std::string> groups = {"weights.bin"};
  uint32_t points_at = 7;
  uint32_t buffer = 0;  // Buffer 1 has values of its own.

  std::shared_ptr<const Bytes> file() const {
    flatbuffers::FlatBufferBuilder builder;
    std::vector<flatbuffers::Offset<schema::ExternalBuffer>> external;
    for (const Slice& slice : slices) {
      external.push_back(schema::CreateExternalBufferDirect(
          builder, slice.id, slice.group, slice.offset, slice.length, slice.packing));
    }
    std::vector<flatbuffers::Offset<schema::ExternalBufferGroup>> names;
    for (const std::string& name : groups) {
      names.push_back(schema::CreateExternalBufferGroupDirect(builder, name.c_str()));
    }
    const std::vector<int32_t> shape = {2}, outputs = {0};
    const auto shapes = builder.CreateVector(shape);
    const auto name = builder.CreateString("weights");
    schema::TensorBuilder tensor(builder);
    tensor.add_shape(shapes);
    tensor.add_name(name);
    tensor.add_buffer(buffer);
    tensor.add_external_buffer(points_at);
    const std::vector<flatbuffers::Offset<schema::Tensor>> tensors = {tensor.Finish()};
    const auto tensor_list = builder.CreateVector(tensors);
    const auto output_list = builder.CreateVector(outputs);
    schema::SubGraphBuilder graph(builder);
    graph.add_tensors(tensor_list);
    graph.add_outputs(output_list);
    const std::vector<flatbuffers::Offset<schema::SubGraph>> graphs = {graph.Finish()};
    const auto graph_list = builder.CreateVector(graphs);
    const std::vector<uint8_t> own(8, 1);
    std::vector<flatbuffers::Offset<schema::Buffer>> buffers = {schema::CreateBuffer(builder)};
    if (buffer != 0) buffers.push_back(schema::CreateBufferDirect(builder, &own));
    const auto buffer_list = builder.CreateVector(buffers);
    const auto external_list = builder.CreateVector(external);
    const auto name_list = builder.CreateVector(names);
    schema::ModelBuilder model(builder);
    model.add_version(3);
    model.add_subgraphs(graph_list);
    model.add_buffers(buffer_list);
    model.add_external_buffers(external_list);
    model.add_external_buffer_groups(name_list);
    builder.Finish(model.Finish(), schema::ModelIdentifier());
    return std::make_shared<const Bytes>(
        std::move(Bytes::copy_of({builder.GetBufferPointer(), builder.GetSize()}, "a test"))
            .value());
  }
};

// 32 bytes: from `at` on the floats 3 and 0.
ExternalFiles weights(size_t at = 16) {
  Bytes bytes = std::move(Bytes::allocate_zeroed(32, "a test")).value();
  const float three = 3;
  std::memcpy(bytes.data() + at, &three, sizeof(three));
  ExternalFiles files;
  files["weights.bin"] = std::make_shared<const Bytes>(std::move(bytes));
  return files;
}

Result<Model> read(const Source& source, ExternalFiles files, ExternalPlaces* places = nullptr) {
  ReadOptions options;
  options.external_files = std::move(files);
  options.places = places;
  return read_tflite(source.file(), options);
}

void expect_refused(const Source& source, ErrorCode code, const std::string& words,
                    ExternalFiles files = weights()) {
  const Result<Model> model = read(source, std::move(files));
  ASSERT_FALSE(model.ok()) << words;
  EXPECT_EQ(model.error().code, code) << model.error().message;
  EXPECT_NE(model.error().message.find(words), std::string::npos) << model.error().message;
}

float first_value(const Model& model) {
  float value = 0;
  std::memcpy(&value, model.data(model.subgraphs[0].tensors[0]).data(), sizeof(value));
  return value;
}

TEST(ExternalWeights, AreAViewIntoTheirFile) {
  const ExternalFiles files = weights();
  const Result<Model> model = read(Source(), files);
  ASSERT_TRUE(model.ok()) << model.error().message;
  const Tensor& tensor = model->subgraphs[0].tensors[0];
  EXPECT_TRUE(tensor.is_constant());
  EXPECT_EQ(model->data(tensor).data(), files.at("weights.bin")->data() + 16);
  EXPECT_EQ(model->data(tensor).size(), 8u);
}

TEST(ExternalWeights, KeepTheirFileAlive) {
  const Result<Model> model = read(Source(), weights());
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(first_value(*model.operator->()), 3.0f);
}

TEST(ExternalWeights, OfAnUnalignedSliceAreCopied) {
  Source source;
  source.slices[0].offset = 3;
  const ExternalFiles files = weights(3);
  const Result<Model> model = read(source, files);
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(first_value(*model.operator->()), 3.0f);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(model->data(model->subgraphs[0].tensors[0]).data()) % 8,
            0u);
}

TEST(ExternalWeights, TakeOfALongerSliceWhatTheTensorNeeds) {
  Source source;
  source.slices[0].length = 16;
  const Result<Model> model = read(source, weights());
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->data(model->subgraphs[0].tensors[0]).size(), 8u);
}

TEST(ExternalWeights, TellTheFilesThatSlicesLieIn) {
  Source source;
  source.groups = {"free", "b", "a", "b"};
  source.slices = {{7, 2}, {8, 1}, {9, 3}};
  EXPECT_EQ(external_file_names(source.file()->span()), (std::vector<std::string>{"b", "a"}));
  EXPECT_TRUE(external_file_names({}).empty());
}

TEST(ExternalWeights, OfMissingFilesAreRefusedWithAllTheirNames) {
  Source source;
  source.groups = {"one.bin", "weights.bin", "two.bin"};
  source.slices = {{7, 0}, {8, 1}, {9, 2}};
  expect_refused(source, ErrorCode::kEnvironment, "\"one.bin\", \"two.bin\"");
}

TEST(ExternalWeights, BeyondTheFileAreRefused) {
  Source source;
  source.slices[0].offset = 25;
  expect_refused(source, ErrorCode::kCorrupt, "outside of its file \"weights.bin\"");
  source.slices[0] = {7, 0, 33, 0};
  expect_refused(source, ErrorCode::kCorrupt, "outside of its file");
}

TEST(ExternalWeights, WhoseEndOverflowsAreRefused) {
  Source source;
  source.slices[0] = {7, 0, ~uint64_t{0} - 3, 8};
  expect_refused(source, ErrorCode::kCorrupt, "outside of its file");
  source.slices[0] = {7, 0, 16, ~uint64_t{0} - 3};
  expect_refused(source, ErrorCode::kCorrupt, "outside of its file");
}

TEST(ExternalWeights, ShorterThanTheTensorAreRefused) {
  Source source;
  source.slices[0].length = 7;
  expect_refused(source, ErrorCode::kCorrupt, "needs 8 bytes, the file holds 7");
}

TEST(ExternalWeights, HaveIdsThatAreOneAndNotZero) {
  Source source;
  source.slices = {{7}, {7}};
  expect_refused(source, ErrorCode::kCorrupt, "the id 7 stands for two");
  source.slices = {{7}, {0}};
  expect_refused(source, ErrorCode::kCorrupt, "id 0");
  source.slices = {{8}};
  expect_refused(source, ErrorCode::kCorrupt, "points at external buffer 7, which does not exist");
  source.slices = {};
  expect_refused(source, ErrorCode::kCorrupt, "points at external buffer 7");
}

TEST(ExternalWeights, LieInGroupsThatExistAndHaveNames) {
  Source source;
  source.slices[0].group = 1;
  expect_refused(source, ErrorCode::kCorrupt, "group 1");
  source.groups = {"weights.bin", ""};
  expect_refused(source, ErrorCode::kCorrupt, "group 1");
  source.groups = {"weights.bin", std::string(5000, 'a')};
  expect_refused(source, ErrorCode::kCorrupt, "group 1");
  source.groups = {};
  expect_refused(source, ErrorCode::kCorrupt, "group 1");
}

TEST(ExternalWeights, BesideValuesInTheModelAreRefused) {
  Source source;
  source.buffer = 1;
  expect_refused(source, ErrorCode::kCorrupt, "both in the model and in external buffer 7");
}

TEST(ExternalWeights, DoNotWidenTheBuffersThatTheFileNumbers) {
  Source source;
  source.buffer = 2;
  expect_refused(source, ErrorCode::kCorrupt, "points at buffer 2 of 2");
}

TEST(ExternalWeights, OfUnknownPackingAreRefusedWithItsName) {
  Source source;
  for (const char* plain : {"", "unpacked"}) {
    source.slices[0].packing = plain;
    EXPECT_TRUE(read(source, weights()).ok()) << plain;
  }
  source.slices[0].packing = "zip";
  expect_refused(source, ErrorCode::kUnsupported, "packed as \"zip\"");
}

TEST(ExternalWeights, OfMissingFilesAreShownWithNameAndSize) {
  ExternalPlaces places;
  const Result<Model> model = read(Source(), {}, &places);
  ASSERT_TRUE(model.ok()) << model.error().message;
  const Inspection inspection = inspect_model(*model.operator->(), places);
  const InspectedTensor& tensor = inspection.graphs[0].tensors[0];
  EXPECT_TRUE(tensor.constant);
  EXPECT_EQ(tensor.bytes, 8u);
  EXPECT_EQ(tensor.file, "weights.bin");
  EXPECT_EQ(inspection.parameters, 2);
  EXPECT_EQ(inspection.zeros, 0);
  ASSERT_FALSE(inspection.compatibility.empty());
  EXPECT_EQ(inspection.compatibility.back().severity, Compatibility::Severity::kBlocks);
  EXPECT_EQ(inspection.compatibility.back().file, "weights.bin");
  const Result<TensorStats> stats = tensor_stats(*model.operator->(), 0, 0, places);
  ASSERT_FALSE(stats.ok());
  EXPECT_EQ(stats.error().code, ErrorCode::kEnvironment);
}

TEST(ExternalWeights, CountAsTheModelsOwn) {
  ExternalPlaces places;
  const Result<Model> model = read(Source(), weights(), &places);
  ASSERT_TRUE(model.ok());
  const Inspection inspection = inspect_model(*model.operator->(), places);
  EXPECT_EQ(inspection.graphs[0].tensors[0].file, "weights.bin");
  EXPECT_EQ(inspection.zeros, 1);
  const Result<TensorStats> stats = tensor_stats(*model.operator->(), 0, 0, places);
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(stats->max, 3.0);
}

}  // namespace
}  // namespace zeolite
