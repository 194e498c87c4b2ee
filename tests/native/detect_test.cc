#include "core/formats/detect.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace zeolite {
namespace {

Format detect(std::string_view text) {
  return detect_format({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

// A stored zip archive of empty members with these names.
std::string zip_of(std::initializer_list<std::string_view> names) {
  std::string locals, directory;
  const auto u16 = [](size_t value) {
    return std::string{static_cast<char>(value & 255), static_cast<char>(value >> 8)};
  };
  const auto u32 = [&](size_t value) { return u16(value & 65535) + u16(value >> 16); };
  for (std::string_view name : names) {
    const std::string common = u16(0) + u16(0) + u16(0) + u16(0) + u32(0) + u32(0) + u32(0);
    directory += "PK\1\2" + u16(20) + u16(20) + common + u16(name.size()) + u16(0) + u16(0) +
                 u16(0) + u16(0) + u32(0) + u32(locals.size()) + std::string(name);
    locals += "PK\3\4" + u16(20) + common + u16(name.size()) + u16(0) + std::string(name);
  }
  return locals + directory + "PK\5\6" + u16(0) + u16(0) + u16(names.size()) + u16(names.size()) +
         u32(directory.size()) + u32(locals.size()) + u16(0);
}

TEST(Detect, tells_files_by_their_first_bytes) {
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(detect(""), Format::kEmpty);
  EXPECT_EQ(detect("\x1c\0\0\0TFL3........"sv), Format::kTflite);
  EXPECT_EQ(detect("\x89HDF\r\n\x1a\n"sv), Format::kHdf5);
  EXPECT_EQ(detect(std::string(512, 'x') + "\x89HDF\r\n\x1a\n"), Format::kHdf5);
  EXPECT_EQ(detect("\x93NUMPY\x01"sv), Format::kNumpy);
  EXPECT_EQ(detect("\x1f\x8b\x08"sv), Format::kGzip);
  EXPECT_EQ(detect("\x89PNG\r\n\x1a\n"sv), Format::kImage);
  EXPECT_EQ(detect("%PDF-1.7"), Format::kPdf);
  EXPECT_EQ(detect("version https://git-lfs.github.com/spec/v1\n"), Format::kGitLfsPointer);
  EXPECT_EQ(detect("\x0b\0\0\0\0\0\0\0{\"a\":{}}   "sv), Format::kSafetensors);
  EXPECT_EQ(detect("some words"), Format::kUnknown);
  EXPECT_EQ(detect(std::string(600, '\xee')), Format::kUnknown);
}

TEST(Detect, tells_text_by_what_it_says) {
  EXPECT_EQ(detect("\n <!DOCTYPE html><html>"), Format::kHtml);
  EXPECT_EQ(detect("<?xml version=\"1.0\"?><html>"), Format::kHtml);
  EXPECT_EQ(detect("<?xml version=\"1.0\"?><net name=\"x\">"), Format::kOpenVino);
  EXPECT_EQ(detect("<?xml version=\"1.0\"?><a/>"), Format::kXml);
  EXPECT_EQ(detect("{\"class_name\": \"Sequential\", \"config\": {}}"), Format::kKerasJson);
  EXPECT_EQ(detect("{\"modelTopology\": {}, \"weightsManifest\": []}"), Format::kTfjsJson);
  EXPECT_EQ(detect("{\"keras_version\": \"3.15.1\"}"), Format::kJson);
}

TEST(Detect, tells_archives_by_their_members) {
  EXPECT_EQ(detect(zip_of({"metadata.json", "config.json", "model.weights.h5"})),
            Format::kKerasZip);
  EXPECT_EQ(detect(zip_of({"archive/data.pkl"})), Format::kPyTorchZip);
  EXPECT_EQ(detect(zip_of({"archive/data.pkl", "archive/constants.pkl"})), Format::kTorchScriptZip);
  EXPECT_EQ(detect(zip_of({"m/saved_model.pb"})), Format::kSavedModelZip);
  EXPECT_EQ(detect(zip_of({"a.tflite"})), Format::kTaskBundle);
  EXPECT_EQ(detect(zip_of({"x.npy"})), Format::kNumpyZip);
  EXPECT_EQ(detect(zip_of({"readme.txt"})), Format::kZip);
}

TEST(Detect, tells_a_cut_archive_by_its_first_member) {
  const std::string whole = zip_of({"config.json", "model.weights.h5"});
  EXPECT_EQ(detect(std::string_view(whole).substr(0, 60)), Format::kKerasZip);
}

TEST(Detect, tells_protocol_buffers_by_their_first_fields) {
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(detect("\x08\x08\x12\x07pytorch:\x90\x01"sv), Format::kOnnx);
  EXPECT_EQ(detect("\x08\x01\x12\xa4\x03\x0a\x10\x01\x02"sv), Format::kSavedModelPb);
  EXPECT_EQ(detect("\x0a\x1a\x0a\x01x\x12\x0bPlaceholder"sv), Format::kGraphDef);
}

TEST(Detect, has_words_for_every_format) {
  for (int value = 0; value <= static_cast<int>(Format::kZstd); ++value) {
    const auto format = static_cast<Format>(value);
    EXPECT_FALSE(format_words(format).empty());
    if (format == Format::kUnknown) continue;
    EXPECT_NE(format_words(format), format_words(Format::kUnknown));
  }
}

}  // namespace
}  // namespace zeolite
