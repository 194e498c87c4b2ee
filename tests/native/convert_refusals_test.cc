// Files that cannot be converted: each gets a clear error, and the next file works.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>

#include "core/convert/report.h"
#include "tests/native/support/model_cases.h"
#include "tests/native/support/test_files.h"

namespace zeolite {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::vector<uint8_t> hex_bytes(std::string_view hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// The file of an entry: one that is there, or another that is cut and overwritten.
std::vector<uint8_t> bad_file(const std::string& name, const json::Value& entry) {
  const std::string base = entry.string_or("base", "");
  if (base.empty()) return read_test_file("bad/" + name);
  std::vector<uint8_t> bytes = read_test_file("bad/" + base);
  bytes.resize(static_cast<size_t>(entry.int_or("length", 0)), 0);
  for (const json::Value& edit : entry["edits"].items()) {
    const std::vector<uint8_t> changed = hex_bytes(*edit.at(1).as_string());
    std::copy(changed.begin(), changed.end(),
              bytes.begin() + static_cast<ptrdiff_t>(*edit.at(0).as_int()));
  }
  return bytes;
}

SourceFile file_of(const std::string& name, const std::vector<uint8_t>& bytes) {
  return {name, std::make_shared<const Bytes>(Bytes::copy_of(bytes, "a test file").value())};
}

json::Value expectations() {
  const std::vector<uint8_t> text = read_test_file("bad/expected.json");
  return json::parse({reinterpret_cast<const char*>(text.data()), text.size()}).value();
}

TEST(ConvertRefusals, EveryBadFileIsRefusedWithItsReason) {
  const json::Value expected = expectations();
  for (const json::Member& member : expected.members()) {
    SCOPED_TRACE(member.key);
    Result<std::unique_ptr<Conversion>> result =
        convert_all({file_of(member.key, bad_file(member.key, member.value))});
    ASSERT_FALSE(result.ok());
    const Error& error = result.error();
    const std::string code(error_code_name(error.code));
    const json::Value& codes = member.value["codes"];
    EXPECT_TRUE(std::any_of(codes.items().begin(), codes.items().end(),
                            [&](const json::Value& item) { return item.as_string() == code; }))
        << code << " is none of " << json::write(codes) << "; " << error.message;
    std::string said = error.message;
    for (const Issue& issue : error.issues) {
      said += " " + issue.type + " " + issue.name + " " + issue.reason + " " + issue.help;
    }
    for (const json::Value& mention : member.value["mentions"].items()) {
      EXPECT_NE(lower_case(said).find(lower_case(std::string(*mention.as_string()))),
                std::string::npos)
          << *mention.as_string() << " is not mentioned: " << said;
    }
  }
}

TEST(ConvertRefusals, SoundFilesConvertAfterwards) {
  for (const char* name : {"good.h5", "good.keras"}) {
    Result<std::unique_ptr<Conversion>> result =
        convert_all({file_of(name, read_test_file(std::string("bad/") + name))});
    EXPECT_TRUE(result.ok()) << name << ": " << result.error().message;
  }
}

TEST(ConvertRefusals, AllLayersThatStandInTheWayAreListedTogether) {
  const json::Value expected = expectations();
  Result<std::unique_ptr<Conversion>> result = convert_all(
      {file_of("custom_layers.keras", bad_file("custom_layers.keras", expected["custom_layers.keras"]))});
  ASSERT_FALSE(result.ok());
  const std::vector<Issue>& issues = result.error().issues;
  ASSERT_EQ(issues.size(), 3u);
  for (const Issue& issue : issues) {
    EXPECT_EQ(issue.subject, Issue::Subject::kLayer);
    EXPECT_FALSE(issue.reason.empty());
    EXPECT_FALSE(issue.help.empty());
    EXPECT_GE(issue.index, 0);
  }
}

TEST(ConvertRefusals, AModelOfUnknownLayersCanStillBeLookedAt) {
  const SourceFile file = file_of("lambda.h5", read_test_file("bad/lambda.h5"));
  Result<SourceGraph> source = read_source(std::span(&file, 1), "");
  ASSERT_TRUE(source.ok()) << source.error().message;
  const Inspection inspection = inspect_source(&source.value());
  ASSERT_EQ(inspection.graphs.size(), 1u);
  EXPECT_FALSE(inspection.graphs[0].nodes.empty());
  ASSERT_EQ(inspection.compatibility.size(), 1u);
  EXPECT_EQ(inspection.compatibility[0].severity, Compatibility::Severity::kBlocks);
}

}  // namespace
}  // namespace zeolite
