// What a file says about itself, and files that say it badly.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

#include "core/graph/read.h"
#include "core/graph/write.h"
#include "core/inspect/metadata.h"
#include "flatbuffers/flatbuffers.h"
#include "schema/metadata_generated.h"

namespace zeolite {
namespace {

namespace fb = schema::metadata;

Bytes bytes_of(std::string_view data) {
  return std::move(Bytes::copy_of({reinterpret_cast<const uint8_t*>(data.data()), data.size()},
                                  "a test"))
      .value();
}

void put(std::string* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

uint32_t crc32(std::string_view data) {
  uint32_t crc = ~0u;
  for (const char c : data) {
    crc ^= static_cast<uint8_t>(c);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

// Appends a zip archive of one stored member, with offsets from the start of the whole file.
void append_zip(std::string* file, const std::string& name, const std::string& content) {
  const size_t header = file->size();
  const auto fields = [&] {
    put(file, 20, 2);
    put(file, 0, 2);
    put(file, 0, 2);
    put(file, 0, 4);
    put(file, crc32(content), 4);
    put(file, content.size(), 4);
    put(file, content.size(), 4);
    put(file, name.size(), 2);
    put(file, 0, 2);
  };
  *file += "PK\3\4";
  fields();
  *file += name + content;
  const size_t directory = file->size();
  *file += "PK\1\2";
  put(file, 20, 2);
  fields();
  put(file, 0, 6);  // No comment, one disk, no attributes.
  put(file, 0, 4);
  put(file, header, 4);
  *file += name;
  const size_t directory_bytes = file->size() - directory;
  *file += "PK\5\6";
  put(file, 0, 4);
  put(file, 1, 2);
  put(file, 1, 2);
  put(file, directory_bytes, 4);
  put(file, directory, 4);
  put(file, 0, 2);
}

Model model_with_entry(std::string_view data) {
  Model model;
  model.subgraphs.emplace_back();
  model.metadata.push_back({"TFLITE_METADATA", model.add_buffer(bytes_of(data))});
  model.metadata.push_back({"min_runtime_version", model.add_buffer(bytes_of("1.14.0"))});
  return model;
}

std::string metadata_with_labels() {
  flatbuffers::FlatBufferBuilder builder;
  const auto file = fb::CreateAssociatedFile(builder, builder.CreateString("labels.txt"),
                                             builder.CreateString("what it tells apart"),
                                             fb::AssociatedFileType::TENSOR_AXIS_LABELS);
  const auto files = builder.CreateVector({file});
  const auto output =
      fb::CreateTensorMetadata(builder, builder.CreateString("probability"), 0, 0, files);
  const auto subgraph =
      fb::CreateSubGraphMetadata(builder, 0, 0, 0, builder.CreateVector({output}));
  const auto subgraphs = builder.CreateVector({subgraph});
  const auto name = builder.CreateString("Animals");
  builder.Finish(
      fb::CreateModelMetadata(builder, name, 0, 0, subgraphs, builder.CreateString("us")),
      fb::ModelMetadataIdentifier());
  return std::string(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
}

TEST(Metadata, LabelsComeOutOfTheArchiveBehindTheModel) {
  Result<Bytes> written = write_tflite(model_with_entry(metadata_with_labels()));
  ASSERT_TRUE(written.ok());
  std::string file(reinterpret_cast<const char*>(written->data()), written->size());
  append_zip(&file, "labels.txt", "cat\r\ndog\n");
  const Result<Model> model = read_tflite(std::make_shared<const Bytes>(bytes_of(file)));
  ASSERT_TRUE(model.ok()) << model.error().message;
  const ModelMetadata metadata = read_metadata(model.value());
  EXPECT_EQ(metadata.name, "Animals");
  EXPECT_EQ(metadata.author, "us");
  EXPECT_EQ(metadata.labels, (std::vector<std::string>{"cat", "dog"}));
  ASSERT_EQ(metadata.files.size(), 1u);
  EXPECT_EQ(metadata.files[0].description, "what it tells apart");
  EXPECT_EQ(metadata.files[0].content.data.size(), 9u);
  ASSERT_EQ(metadata.entries.size(), 1u);
  EXPECT_EQ(metadata.entries[0].name, "min_runtime_version");
}

TEST(Metadata, AMissingFileIsLeftOut) {
  const Model model = model_with_entry(metadata_with_labels());
  const ModelMetadata metadata = read_metadata(model);
  EXPECT_EQ(metadata.name, "Animals");
  EXPECT_TRUE(metadata.files.empty());
}

TEST(Metadata, WhatIsDamagedStaysAnEntry) {
  const std::string sound = metadata_with_labels();
  for (size_t size = 0; size < sound.size(); ++size) {
    const Model model = model_with_entry(std::string_view(sound).substr(0, size));
    read_metadata(model);
  }
  const Model model = model_with_entry("M001");
  EXPECT_EQ(read_metadata(model).entries.size(), 2u);
}

}  // namespace
}  // namespace zeolite
