#include "core/formats/hdf5.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/formats/json.h"
#include "tests/native/support/test_files.h"

namespace zeolite::hdf5 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// tests/data/hdf5/expected.json: what the HDF5 library reads from each file.
const json::Value& expectations() {
  static const json::Value value = [] {
    const std::vector<uint8_t> bytes = read_test_file("hdf5/expected.json");
    Result<json::Value> parsed =
        json::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    EXPECT_TRUE(parsed.ok());
    return std::move(parsed).value();
  }();
  return value;
}

std::string hex(std::span<const uint8_t> bytes) {
  std::string text;
  for (uint8_t byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

void expect_values(const Array& array, const json::Value& expected) {
  const std::string type = expected.string_or("dtype", "");
  if (type == "null") {
    EXPECT_TRUE(array.is_null);
    EXPECT_EQ(array.element_count, 0u);
    return;
  }
  EXPECT_EQ(element_type_name(array.type), type);
  std::vector<uint64_t> shape;
  for (const json::Value& size : expected["shape"].items()) {
    shape.push_back(static_cast<uint64_t>(*size.as_int()));
  }
  EXPECT_EQ(array.shape, shape);
  if (type == "opaque") {
    EXPECT_EQ(hex(array.content.data), expected["hex"].as_string());
    return;
  }
  const std::span<const json::Value> values = expected["values"].items();
  ASSERT_EQ(array.element_count, values.size());
  if (type == "string") {
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(array.strings[i], values[i].as_string());
    return;
  }
  EXPECT_EQ(array.content.data.size(), array.element_count * array.element_bytes);
  const std::vector<double> numbers = array.as_doubles();
  ASSERT_EQ(numbers.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const double wanted = *values[i].as_number();
    if (std::isnan(wanted)) {
      EXPECT_TRUE(std::isnan(numbers[i])) << i;
    } else {
      EXPECT_EQ(numbers[i], wanted) << i;
    }
  }
}

void expect_attributes(const Object& object, const json::Value& expected) {
  Result<std::vector<std::string>> names = object.attribute_names();
  ASSERT_TRUE(names.ok()) << names.error().message;
  std::set<std::string> wanted;
  for (const json::Member& member : expected.members()) wanted.insert(member.key);
  EXPECT_EQ(std::set<std::string>(names->begin(), names->end()), wanted);
  for (const json::Member& member : expected.members()) {
    SCOPED_TRACE("attribute " + member.key);
    EXPECT_TRUE(object.has_attribute(member.key));
    Result<Array> array = object.attribute(member.key);
    if (member.value.string_or("dtype", "") == "unsupported") {
      ASSERT_FALSE(array.ok());
      EXPECT_EQ(array.error().code, ErrorCode::kUnsupported);
    } else {
      ASSERT_TRUE(array.ok()) << array.error().message;
      expect_values(array.value(), member.value);
    }
  }
}

void expect_links(const Object& object, const json::Value& expected) {
  Result<std::vector<Link>> links = object.links();
  ASSERT_TRUE(links.ok()) << links.error().message;
  EXPECT_EQ(links->size(), expected.size());
  for (const Link& link : links.value()) {
    const json::Value* kind = expected.find(link.name);
    ASSERT_NE(kind, nullptr) << link.name;
    EXPECT_EQ(kind->as_string(), link.kind == Link::Kind::kHard   ? "hard"
                                 : link.kind == Link::Kind::kSoft ? "soft"
                                                                  : "external");
    EXPECT_TRUE(object.has_link(link.name));
    if (link.kind != Link::Kind::kHard) {
      Result<Object> found = object.find(link.name);
      ASSERT_FALSE(found.ok());
      EXPECT_EQ(found.error().code, ErrorCode::kUnsupported);
    }
  }
}

class Hdf5File : public ::testing::TestWithParam<std::string> {};

TEST_P(Hdf5File, HoldsWhatTheLibraryReads) {
  const json::Value& expected = expectations()[GetParam()];
  SCOPED_TRACE(expected.string_or("why", ""));
  const std::vector<uint8_t> bytes = read_test_file("hdf5/" + GetParam());
  EXPECT_TRUE(looks_like_hdf5(*MemorySource::view_of(bytes)));
  Result<File> file = File::open(bytes);
  ASSERT_TRUE(file.ok()) << file.error().message;
  std::set<std::string> may_refuse;
  for (const json::Value& path : expected["may_refuse"].items()) {
    may_refuse.emplace(*path.as_string());
  }
  for (const json::Member& member : expected["objects"].members()) {
    SCOPED_TRACE(member.key);
    const json::Value& wanted = member.value;
    Result<Object> object = file->find(member.key);
    ASSERT_TRUE(object.ok()) << object.error().message;
    if (const json::Value* other = wanted.find("same_as")) {
      EXPECT_EQ(object->address(), file->find(*other->as_string())->address());
      continue;
    }
    EXPECT_EQ(object->path(), member.key);
    const std::string kind = wanted.string_or("kind", "");
    EXPECT_EQ(object->kind(), kind == "group"     ? ObjectKind::kGroup
                              : kind == "dataset" ? ObjectKind::kDataset
                                                  : ObjectKind::kDatatype);
    expect_attributes(object.value(), wanted["attributes"]);
    if (kind == "group") expect_links(object.value(), wanted["links"]);
    if (kind != "dataset") continue;
    Result<Array> array = object->read();
    const bool is_unsupported = wanted.string_or("dtype", "") == "unsupported";
    if (!array.ok() && (is_unsupported || may_refuse.contains(member.key))) {
      EXPECT_EQ(array.error().code, ErrorCode::kUnsupported) << array.error().message;
      EXPECT_THAT(array.error().message, HasSubstr(member.key));
      continue;
    }
    ASSERT_TRUE(array.ok()) << array.error().message;
    EXPECT_FALSE(is_unsupported);
    expect_values(array.value(), wanted);
    EXPECT_EQ(object->info()->shape, array->shape);
  }
}

// Opens, walks and reads all that the links lead to, every object once.
void read_everything(std::span<const uint8_t> bytes) {
  Result<File> file = File::open(bytes);
  if (!file.ok()) return;
  std::vector<Object> pending = {file->root()};
  std::set<uint64_t> seen;
  while (!pending.empty() && seen.size() < 200) {
    const Object object = pending.back();
    pending.pop_back();
    if (!seen.insert(object.address()).second) continue;
    if (Result<std::vector<std::string>> names = object.attribute_names(); names.ok()) {
      for (const std::string& name : names.value()) (void)object.attribute(name).ok();
    }
    if (object.is_dataset()) (void)object.read().ok();
    Result<std::vector<Link>> links = object.links();
    if (!links.ok()) continue;
    for (const Link& link : links.value()) {
      Result<Object> child = object.find(link.name);
      if (child.ok()) pending.push_back(std::move(child).value());
    }
  }
}

TEST_P(Hdf5File, NeverLeadsOutsideWhereverItIsCutOff) {
  const std::vector<uint8_t> bytes = read_test_file("hdf5/" + GetParam());
  // Steps only: the fuzzer goes everywhere. A vector of just that length, so that the sanitizer
  // sees every step beyond.
  const size_t step = 1 + bytes.size() / 500;
  for (size_t length = 0; length < bytes.size(); length += step) {
    read_everything(std::vector<uint8_t>(bytes.begin(), bytes.begin() + static_cast<long>(length)));
  }
}

TEST_P(Hdf5File, NeverLeadsOutsideWhateverByteIsWrong) {
  std::vector<uint8_t> bytes = read_test_file("hdf5/" + GetParam());
  const size_t step = 1 + bytes.size() / 400;
  for (size_t i = 0; i < bytes.size(); i += step) {
    const uint8_t kept = bytes[i];
    for (const uint8_t value : {0x01, 0xFF}) {
      bytes[i] = value;
      read_everything(bytes);
    }
    bytes[i] = kept;
  }
}

std::vector<std::string> all_files() {
  std::vector<std::string> names;
  for (const json::Member& member : expectations().members()) names.push_back(member.key);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Hdf5, Hdf5File, ::testing::ValuesIn(all_files()));

TEST(Hdf5, ContiguousNumbersAreViewsIntoTheFile) {
  const std::vector<uint8_t> bytes = read_test_file("hdf5/keras_like.h5");
  Result<File> file = File::open(bytes);
  ASSERT_TRUE(file.ok());
  Result<Array> array = file->find("model_weights/conv/conv/kernel")->read();
  ASSERT_TRUE(array.ok());
  EXPECT_EQ(array->content.owned, nullptr);
  EXPECT_GE(array->content.data.data(), bytes.data());
  EXPECT_LE(array->content.data.data() + array->content.data.size(), bytes.data() + bytes.size());
}

// Where the node of a version 1 B-tree of chunks with that many entries begins.
size_t find_chunk_tree(const std::vector<uint8_t>& bytes, uint8_t entry_count) {
  const uint8_t start[] = {'T', 'R', 'E', 'E', 1, 0, entry_count, 0};
  const auto found = std::search(bytes.begin(), bytes.end(), std::begin(start), std::end(start));
  EXPECT_NE(found, bytes.end());
  return static_cast<size_t>(found - bytes.begin());
}

// In chunked.h5 the dataset "two", [7,5] in chunks of [3,2], has the only tree of nine chunks. Its
// node: 24 bytes; for each chunk its bytes and filters (8), its first element (3 times 8) and its
// address (8).
constexpr size_t kNodeHeaderBytes = 24;
constexpr size_t kChunkEntryBytes = 40;

TEST(Hdf5, AChunkThatItsIndexListsTwiceIsRefusedBeforeItIsUnpackedTwice) {
  std::vector<uint8_t> bytes = read_test_file("hdf5/chunked.h5");
  const size_t first = find_chunk_tree(bytes, 9) + kNodeHeaderBytes;
  std::copy_n(bytes.begin() + first + 8, 24, bytes.begin() + first + kChunkEntryBytes + 8);
  Result<File> file = File::open(bytes);
  ASSERT_TRUE(file.ok());
  Result<Array> array = file->find("two")->read();
  ASSERT_FALSE(array.ok());
  EXPECT_EQ(array.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(array.error().message, HasSubstr("a chunk twice"));
}

TEST(Hdf5, AChunkBeyondTheDatasetIsNotRead) {
  std::vector<uint8_t> bytes = read_test_file("hdf5/chunked.h5");
  const size_t last = find_chunk_tree(bytes, 9) + kNodeHeaderBytes + 8 * kChunkEntryBytes;
  bytes[last + 8] = 9;  // The row of its first element: the dataset has seven.
  for (size_t i = 0; i < 8; ++i) bytes[last + 32 + i] = 0x7f;  // Beyond the file.
  Result<File> file = File::open(bytes);
  ASSERT_TRUE(file.ok());
  Result<Array> array = file->find("two")->read();
  ASSERT_TRUE(array.ok()) << array.error().message;
  EXPECT_EQ(array->content.data.size(), 35u * 4);
}

TEST(Hdf5, ReadsTheAttributesOfAKerasModel) {
  const std::vector<uint8_t> bytes = read_test_file("hdf5/keras_like.h5");
  Result<File> file = File::open(bytes);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->root().string_attribute("keras_version").value(), "3.15.1");
  EXPECT_THAT(file->find("/model_weights")->string_list_attribute("layer_names").value(),
              ElementsAre("input", "conv", "flatten"));
  // A layer without weights has an empty list of numbers for names.
  EXPECT_TRUE(
      file->find("/model_weights/input")->string_list_attribute("weight_names").value().empty());
}

TEST(Hdf5, ErrorsSayWhatIsMissing) {
  const std::vector<uint8_t> bytes = read_test_file("hdf5/keras_like.h5");
  Result<File> file = File::open(bytes);
  ASSERT_TRUE(file.ok());
  EXPECT_THAT(file->find("/model_weights/none").error().message,
              HasSubstr("has no /model_weights/none"));
  EXPECT_THAT(file->root().attribute("none").error().message, HasSubstr("no attribute none"));
  EXPECT_FALSE(file->root().has_attribute("none"));
  EXPECT_FALSE(file->root().has_link("none"));
  EXPECT_FALSE(file->root().read().ok());
  Result<File> other = File::open(std::vector<uint8_t>(1000));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::kNotAModel);
}

TEST(Hdf5, ACutOffFileSaysHowMuchIsMissing) {
  std::vector<uint8_t> bytes = read_test_file("hdf5/keras_like.h5");
  const std::string whole = std::to_string(bytes.size());
  bytes.resize(5000);
  Result<File> file = File::open(bytes);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(file.error().message, HasSubstr("5000 of " + whole + " bytes"));
}

}  // namespace
}  // namespace zeolite::hdf5
