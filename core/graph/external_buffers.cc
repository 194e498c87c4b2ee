#include "core/graph/external_buffers.h"

#include <set>
#include <string_view>
#include <utility>

#include "core/base/checked.h"

namespace zeolite {
namespace {

// How the bytes of a slice are laid out: converters write either of these for the tensor's own
// layout. No other value has a public meaning.
bool is_plain(std::string_view packing) { return packing.empty() || packing == "unpacked"; }

std::string_view view(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

// Longer ones are no names of files; many slices with a long one would take long to compare.
constexpr size_t kMaxNameBytes = 4096;

// The name of the slice's group; empty when there is no such group or it has no name.
std::string_view file_of(const schema::Model& source, const schema::ExternalBuffer& slice) {
  const auto* groups = source.external_buffer_groups();
  if (groups == nullptr || slice.group() >= groups->size()) return {};
  const std::string_view name = view(groups->Get(slice.group())->name());
  return name.size() <= kMaxNameBytes ? name : std::string_view();
}

Status missing_files(const std::set<std::string_view>& names) {
  std::string list;
  for (std::string_view name : names) {
    list += (list.empty() ? "\"" : ", \"") + std::string(name) + "\"";
  }
  return Status(ErrorCode::kEnvironment,
                "The model keeps weights in files beside it, which are missing: " + list +
                    ". Put them where the model lies, or give them together with it");
}

}  // namespace

Status ExternalBuffers::read(const schema::Model& source, const ExternalFiles& files,
                             bool may_lack_files) {
  if (source.external_buffers() == nullptr) return {};
  std::set<std::string_view> missing;
  for (const schema::ExternalBuffer* slice : *source.external_buffers()) {
    const std::string what = "external buffer " + std::to_string(slice->id());
    if (slice->id() == 0) return corrupt("an external buffer has the id 0, which stands for none");
    const std::string_view name = file_of(source, *slice);
    if (name.empty()) {
      return corrupt(what + " lies in group " + std::to_string(slice->group()) +
                     ", which does not exist or has no name of a file");
    }
    if (const std::string_view packing = view(slice->packing()); !is_plain(packing)) {
      return unsupported(what + " in \"" + std::string(name) + "\" is packed as \"" +
                         std::string(packing) + "\"; only plain bytes can be read (\"unpacked\")");
    }
    Slice entry = {name, slice->offset(), slice->length(), nullptr, {}};
    if (const auto file = files.find(name); file != files.end()) {
      if (!range_within(slice->offset(), slice->length(), file->second->size())) {
        return corrupt(what + " lies outside of its file \"" + std::string(name) + "\": " +
                       std::to_string(slice->length()) + " bytes from " +
                       std::to_string(slice->offset()) + " on, of " +
                       std::to_string(file->second->size()));
      }
      entry.data = file->second->span().subspan(static_cast<size_t>(slice->offset()),
                                                static_cast<size_t>(slice->length()));
      entry.file = file->second;
    } else {
      missing.emplace(name);
    }
    if (!slices_.emplace(slice->id(), std::move(entry)).second) {
      return corrupt("the id " + std::to_string(slice->id()) + " stands for two external buffers");
    }
  }
  return missing.empty() || may_lack_files ? Status() : missing_files(missing);
}

const ExternalBuffers::Slice* ExternalBuffers::find(uint32_t id) const {
  const auto slice = slices_.find(id);
  return slice != slices_.end() ? &slice->second : nullptr;
}

std::vector<std::string> external_file_names(const schema::Model& source) {
  if (source.external_buffers() == nullptr) return {};
  // A group that nothing lies in stands for no file: some writers keep the first one free.
  std::map<uint32_t, std::string_view> used;
  for (const schema::ExternalBuffer* slice : *source.external_buffers()) {
    if (const std::string_view name = file_of(source, *slice); !name.empty()) {
      used.emplace(slice->group(), name);
    }
  }
  std::vector<std::string> names;
  std::set<std::string_view> known;
  for (const auto& [group, name] : used) {
    if (known.insert(name).second) names.emplace_back(name);
  }
  return names;
}

}  // namespace zeolite
