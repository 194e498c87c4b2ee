#include "core/formats/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/native/support/piecewise_source.h"
#include "tests/native/support/test_files.h"

namespace zeolite::zip {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string text_of(const Result<Content>& content) {
  if (!content.ok()) return "error: " + content.error().message;
  return std::string(content->data.begin(), content->data.end());
}

std::vector<std::string> names_of(const Archive& archive) {
  std::vector<std::string> names;
  for (const Entry& entry : archive.entries()) names.push_back(entry.name);
  return names;
}

// Opens and reads everything; the first error's message, or nothing.
std::string read_all(std::span<const uint8_t> bytes) {
  Result<Archive> archive = Archive::open(bytes);
  if (!archive.ok()) return archive.error().message;
  for (const Entry& entry : archive->entries()) {
    Result<Content> content = archive->read(entry);
    if (!content.ok()) return content.error().message;
  }
  return "";
}

class ZipOfFourMembers : public ::testing::TestWithParam<const char*> {};

TEST_P(ZipOfFourMembers, ListsFilesAndReadsThem) {
  const std::vector<uint8_t> bytes = read_test_file(std::string("zip/") + GetParam());
  Result<Archive> archive = Archive::open(bytes);
  ASSERT_TRUE(archive.ok()) << archive.error().message;
  EXPECT_THAT(names_of(archive.value()),
              ElementsAre("config.json", "folder/sample.bin", "empty"));
  EXPECT_EQ(text_of(archive->read("config.json")), R"({"class_name": "Sequential"})");
  EXPECT_EQ(text_of(archive->read("empty")), "");
  std::vector<uint8_t> sample = read_test_file("zip/sample.bin");
  EXPECT_EQ(text_of(archive->read("folder/sample.bin")),
            std::string(sample.begin(), sample.begin() + 3000));
}

INSTANTIATE_TEST_SUITE_P(Zip, ZipOfFourMembers,
                         ::testing::Values("stored.zip", "deflated.zip", "comment.zip",
                                           "behind_a_program.zip", "zip64_sizes.zip"));

TEST(Zip, StoredMembersAreViewsAndDeflatedOnesAreOwned) {
  const std::vector<uint8_t> stored = read_test_file("zip/stored.zip");
  Result<Content> view = Archive::open(stored)->read("config.json");
  ASSERT_TRUE(view.ok());
  EXPECT_GE(view->data.data(), stored.data());
  EXPECT_LT(view->data.data(), stored.data() + stored.size());
  EXPECT_EQ(view->owned, nullptr);
  const std::vector<uint8_t> deflated = read_test_file("zip/deflated.zip");
  EXPECT_NE(Archive::open(deflated)->read("config.json")->owned, nullptr);
}

TEST(Zip, ReadsZip64Records) {
  for (const char* name : {"zip/zip64.zip", "zip/zip64_behind_a_program.zip"}) {
    const std::vector<uint8_t> bytes = read_test_file(name);
    Result<Archive> archive = Archive::open(bytes);
    ASSERT_TRUE(archive.ok()) << archive.error().message;
    EXPECT_EQ(text_of(archive->read("config.json")), R"({"class_name": "Sequential"})");
  }
}

TEST(Zip, TheLaterOfTwoMembersOfOneNameCounts) {
  const std::vector<uint8_t> bytes = read_test_file("zip/twice.zip");
  EXPECT_EQ(text_of(Archive::open(bytes)->read("a")), "second");
}

TEST(Zip, AnArchiveMayHoldNothing) {
  const std::vector<uint8_t> bytes = read_test_file("zip/no_members.zip");
  Result<Archive> archive = Archive::open(bytes);
  ASSERT_TRUE(archive.ok());
  EXPECT_TRUE(archive->entries().empty());
  EXPECT_THAT(text_of(archive->read("x")), HasSubstr("has no x"));
}

TEST(Zip, MembersOpenAsTheyRead) {
  for (const char* name : {"zip/stored.zip", "zip/deflated.zip"}) {
    const std::vector<uint8_t> bytes = read_test_file(name);
    Result<Archive> archive = Archive::open(std::make_shared<PiecewiseSource>(bytes));
    ASSERT_TRUE(archive.ok()) << name;
    Result<Archive> whole = Archive::open(bytes);
    ASSERT_EQ(names_of(archive.value()), names_of(whole.value()));
    for (const Entry& entry : whole->entries()) {
      Result<std::shared_ptr<const ByteSource>> source = archive->open_entry(entry.name);
      ASSERT_TRUE(source.ok()) << entry.name;
      EXPECT_EQ(text_of(source.value()->content("a member")), text_of(whole->read(entry)));
    }
  }
}

TEST(Zip, AStoredMemberWithAWrongChecksumDoesNotOpen) {
  std::vector<uint8_t> bytes = read_test_file("zip/stored.zip");
  Result<Archive> archive = Archive::open(bytes);
  ASSERT_TRUE(archive.ok());
  const std::string name = archive->entries().front().name;
  const std::string text = text_of(archive->read(name));
  const auto place = std::search(bytes.begin(), bytes.end(), text.begin(), text.end());
  ASSERT_NE(place, bytes.end());
  *place ^= 1;
  EXPECT_FALSE(archive->open_entry(name).ok());
}

TEST(Zip, NamesTheMethodThatCannotBeRead) {
  const std::vector<uint8_t> bytes = read_test_file("zip/bzip2.zip");
  Result<Content> content = Archive::open(bytes)->read("config.json");
  ASSERT_FALSE(content.ok());
  EXPECT_EQ(content.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(content.error().message, HasSubstr("config.json"));
  EXPECT_THAT(content.error().message, HasSubstr("method 12"));
}

TEST(Zip, RefusesEncryptedMembers) {
  std::vector<uint8_t> bytes = read_test_file("zip/stored.zip");
  for (size_t i = 0; i + 46 < bytes.size(); ++i) {
    if (bytes[i] == 'P' && bytes[i + 1] == 'K' && bytes[i + 2] == 1 && bytes[i + 3] == 2) {
      bytes[i + 8] |= 1;
    }
  }
  EXPECT_THAT(read_all(bytes), HasSubstr("encrypted"));
}

TEST(Zip, RefusesAClaimedSizeThatDeflateCannotGive) {
  std::vector<uint8_t> bytes = read_test_file("zip/deflated.zip");
  for (size_t i = 0; i + 46 < bytes.size(); ++i) {
    if (bytes[i] == 'P' && bytes[i + 1] == 'K' && bytes[i + 2] == 1 && bytes[i + 3] == 2) {
      bytes[i + 27] = 0x70;  // The top byte of the decompressed size: 1.9 GB.
      break;
    }
  }
  EXPECT_THAT(read_all(bytes), HasSubstr("more than its compressed bytes can give"));
}

TEST(Zip, AWrongByteInAMemberFailsItsChecksum) {
  std::vector<uint8_t> bytes = read_test_file("zip/stored.zip");
  bytes[45] ^= 1;  // In the text of config.json.
  EXPECT_THAT(read_all(bytes), HasSubstr("checksum of config.json"));
}

TEST(Zip, OtherFilesAreNoArchive) {
  const std::vector<uint8_t> bytes = read_test_file("zip/sample.bin");
  Result<Archive> archive = Archive::open(bytes);
  ASSERT_FALSE(archive.ok());
  EXPECT_EQ(archive.error().code, ErrorCode::kNotAModel);
  EXPECT_FALSE(looks_like_zip(bytes));
  EXPECT_TRUE(looks_like_zip(read_test_file("zip/no_members.zip")));
}

TEST(Zip, EveryCutOffArchiveIsAnErrorAndNoCrash) {
  for (const char* name : {"zip/deflated.zip", "zip/zip64.zip"}) {
    std::vector<uint8_t> bytes = read_test_file(name);
    while (!bytes.empty()) {
      bytes.pop_back();
      EXPECT_NE(read_all(bytes), "");
    }
  }
}

TEST(Zip, NoWrongByteLeadsOutsideTheFile) {
  for (const char* name : {"zip/deflated.zip", "zip/zip64.zip", "zip/zip64_sizes.zip"}) {
    std::vector<uint8_t> bytes = read_test_file(name);
    for (uint8_t& byte : bytes) {
      const uint8_t kept = byte;
      for (const uint8_t value : {0, 1, 0x7F, 0x80, 0xFE, 0xFF}) {
        byte = value;
        read_all(bytes);
      }
      byte = kept;
    }
  }
}

}  // namespace
}  // namespace zeolite::zip
