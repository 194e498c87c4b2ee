#include "core/formats/flex_buffers.h"

// The header can turn strings into numbers, for which it wants a locale object of flatbuffers' library,
// which is not linked; numbers in strings are not read here.
#define FLATBUFFERS_LOCALE_INDEPENDENT 0
#include <flatbuffers/flexbuffers.h>

#include <cstring>
#include <string>
#include <vector>

namespace zeolite {
namespace {

constexpr int kMaxDepth = 32;
// Vectors may share their elements, so that a few bytes can stand for any number of values.
constexpr size_t kMaxValues = 1 << 16;

class Reader {
 public:
  bool is_too_large() const { return left_ == 0; }

  json::Value read(const flexbuffers::Reference& reference, int depth) {
    if (left_ == 0 || --left_ == 0) return {};
    if (reference.IsBool()) return json::Value(reference.AsBool());
    if (reference.IsIntOrUint()) return json::Value(static_cast<int64_t>(reference.AsInt64()));
    if (reference.IsFloat()) return json::Value(reference.AsDouble());
    if (reference.IsKey()) return json::Value(std::string_view(reference.AsKey()));
    if (reference.IsString()) {
      const flexbuffers::String text = reference.AsString();
      return json::Value(std::string_view(text.c_str(), text.size()));
    }
    if (depth == 0) return {};
    if (reference.IsMap()) return read_map(reference.AsMap(), depth);
    if (reference.IsBlob()) return read_blob(reference.AsBlob());
    if (reference.IsFixedTypedVector()) return read_all(reference.AsFixedTypedVector(), depth);
    if (reference.IsTypedVector()) return read_all(reference.AsTypedVector(), depth);
    if (reference.IsVector()) return read_all(reference.AsVector(), depth);
    return {};
  }

 private:
  json::Value read_map(const flexbuffers::Map& map, int depth) {
    const flexbuffers::TypedVector keys = map.Keys();
    const flexbuffers::Vector values = map.Values();
    std::vector<json::Member> members;
    for (size_t i = 0; i < keys.size() && left_ > 0; ++i) {
      members.push_back({keys[i].AsKey(), read(values[i], depth - 1)});
    }
    return json::Value(std::move(members));
  }

  json::Value read_blob(const flexbuffers::Blob& blob) {
    json::Value array = json::Value::array();
    for (size_t i = 0; i < blob.size() && left_ > 0; ++i, --left_) {
      array.push(static_cast<int64_t>(blob.data()[i]));
    }
    return array;
  }

  template <class Vector>
  json::Value read_all(const Vector& vector, int depth) {
    json::Value array = json::Value::array();
    for (size_t i = 0; i < vector.size() && left_ > 0; ++i) array.push(read(vector[i], depth - 1));
    return array;
  }

  size_t left_ = kMaxValues;
};

}  // namespace

Result<json::Value> read_flex_buffer(std::span<const uint8_t> data) {
  // Aligned as the reader wants its numbers.
  std::vector<uint64_t> words((data.size() + 7) / 8);
  if (!data.empty()) std::memcpy(words.data(), data.data(), data.size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(words.data());
  std::vector<uint8_t> seen;  // What is shared is verified once.
  if (data.size() < 3 || !flexbuffers::VerifyBuffer(bytes, data.size(), &seen)) {
    return corrupt("the options are no sound FlexBuffer");
  }
  Reader reader;
  json::Value value = reader.read(flexbuffers::GetRoot(bytes, data.size()), kMaxDepth);
  if (reader.is_too_large()) return unsupported("the options hold too many values");
  return value;
}

}  // namespace zeolite
