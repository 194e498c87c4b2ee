#include "core/inspect/metadata.h"

#include <optional>
#include <set>
#include <string_view>

#include "core/formats/zip.h"
#include "flatbuffers/flatbuffers.h"
#include "schema/metadata_generated.h"

namespace zeolite {
namespace {

namespace fb = schema::metadata;

constexpr std::string_view kEntryName = "TFLITE_METADATA";
// Below this there is no room for a root and an identifier.
constexpr size_t kLeastBytes = 8;
// Strings of a sound table; a file may point at one again and again.
constexpr size_t kMaxTables = 100'000;
// What the associated files may unpack to, in all.
constexpr uint64_t kMaxUnpackedBytes = uint64_t{256} << 20;

std::string text(const flatbuffers::String* source) {
  return source == nullptr ? std::string() : source->str();
}

std::vector<std::string> lines_of(std::span<const uint8_t> data) {
  std::vector<std::string> lines;
  std::string_view rest(reinterpret_cast<const char*>(data.data()), data.size());
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return lines;
}

using FileList = flatbuffers::Vector<flatbuffers::Offset<fb::AssociatedFile>>;

class Reader {
 public:
  Reader(const Model& model, ModelMetadata* result) : result_(*result) {
    if (model.file == nullptr) return;
    Result<zip::Archive> archive = zip::Archive::open(model.file->span());
    if (archive.ok()) archive_ = std::move(archive).value();
  }

  void read(const fb::ModelMetadata& source) {
    result_.name = text(source.name());
    result_.description = text(source.description());
    result_.version = text(source.version());
    result_.author = text(source.author());
    result_.license = text(source.license());
    add_files(source.associated_files(), false);
    if (source.subgraph_metadata() == nullptr) return;
    for (const fb::SubGraphMetadata* subgraph : *source.subgraph_metadata()) {
      add_files(subgraph->associated_files(), false);
      add_tensor_files(subgraph->input_tensor_metadata(), false);
      add_tensor_files(subgraph->output_tensor_metadata(), true);
    }
  }

 private:
  using TensorList = flatbuffers::Vector<flatbuffers::Offset<fb::TensorMetadata>>;

  void add_tensor_files(const TensorList* tensors, bool are_outputs) {
    if (tensors == nullptr) return;
    for (const fb::TensorMetadata* tensor : *tensors) {
      add_files(tensor->associated_files(), are_outputs);
    }
  }

  void add_files(const FileList* files, bool of_output) {
    if (files == nullptr || !archive_) return;
    for (const fb::AssociatedFile* file : *files) {
      const std::string name = text(file->name());
      const zip::Entry* entry = archive_->find(name);
      if (entry == nullptr || !seen_.insert(name).second) continue;
      if (entry->size > kMaxUnpackedBytes - unpacked_) continue;
      Result<Content> content = archive_->read(*entry);
      if (!content.ok()) continue;
      unpacked_ += entry->size;
      const bool has_labels = file->type() == fb::AssociatedFileType::TENSOR_AXIS_LABELS ||
                              file->type() == fb::AssociatedFileType::TENSOR_VALUE_LABELS;
      if (of_output && has_labels && result_.labels.empty()) {
        result_.labels = lines_of(content->data);
      }
      result_.files.push_back({name, text(file->description()), std::move(content).value()});
    }
  }

  ModelMetadata& result_;
  std::optional<zip::Archive> archive_;
  std::set<std::string> seen_;
  uint64_t unpacked_ = 0;
};

}  // namespace

ModelMetadata read_metadata(const Model& model) {
  ModelMetadata result;
  for (const Metadata& entry : model.metadata) {
    const std::span<const uint8_t> data = model.buffers[entry.buffer].data;
    if (entry.name == kEntryName && data.size() >= kLeastBytes &&
        fb::ModelMetadataBufferHasIdentifier(data.data())) {
      flatbuffers::Verifier::Options options;
      options.max_tables = kMaxTables;
      flatbuffers::Verifier verifier(data.data(), data.size(), options);
      if (fb::VerifyModelMetadataBuffer(verifier)) {
        Reader(model, &result).read(*fb::GetModelMetadata(data.data()));
        continue;
      }
    }
    result.entries.push_back({entry.name, data});
  }
  return result;
}

}  // namespace zeolite
