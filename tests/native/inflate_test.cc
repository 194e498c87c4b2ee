#include "core/formats/inflate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/native/support/test_files.h"

namespace zeolite {
namespace {

using ::testing::HasSubstr;

struct Inflated {
  Result<InflateResult> result;
  std::vector<uint8_t> output;
};

Inflated inflated(const std::vector<uint8_t>& stream, size_t limit,
                  decltype(inflate_raw)* function = inflate_zlib) {
  std::vector<uint8_t> output(limit);
  Result<InflateResult> result = function(stream, output);
  if (result.ok()) output.resize(result->written);
  return {std::move(result), std::move(output)};
}

std::string error_of(const std::vector<uint8_t>& stream, size_t limit = 1000,
                     decltype(inflate_raw)* function = inflate_raw) {
  const Inflated made = inflated(stream, limit, function);
  EXPECT_FALSE(made.result.ok());
  return made.result.ok() ? "" : made.result.error().message;
}

class InflateSample : public ::testing::TestWithParam<const char*> {};

TEST_P(InflateSample, GivesTheBytesThatWereCompressed) {
  const std::vector<uint8_t> stream = read_test_file(std::string("zip/") + GetParam());
  const std::vector<uint8_t> expected = read_test_file("zip/sample.bin");
  const Inflated made = inflated(stream, expected.size());
  ASSERT_TRUE(made.result.ok()) << made.result.error().message;
  EXPECT_EQ(made.result->read, stream.size());
  EXPECT_EQ(made.output, expected);
}

TEST_P(InflateSample, IsRefusedWhereItHoldsMoreThanDeclared) {
  const std::vector<uint8_t> stream = read_test_file(std::string("zip/") + GetParam());
  EXPECT_THAT(error_of(stream, 39999, inflate_zlib), HasSubstr("more than was declared"));
}

TEST_P(InflateSample, IsRefusedWhereverItIsCutOff) {
  std::vector<uint8_t> stream = read_test_file(std::string("zip/") + GetParam());
  // The long streams at steps, and every one in its last bytes.
  const size_t step = stream.size() > 5000 ? 97 : 1;
  for (size_t length = 0; length < stream.size();
       length += length + 20 < stream.size() && step > 1 ? step : 1) {
    const std::vector<uint8_t> cut(stream.begin(), stream.begin() + static_cast<ptrdiff_t>(length));
    error_of(cut, 40000, inflate_zlib);
  }
}

TEST_P(InflateSample, NeverGivesOtherBytesWhateverByteIsWrong) {
  std::vector<uint8_t> stream = read_test_file(std::string("zip/") + GetParam());
  const std::vector<uint8_t> expected = read_test_file("zip/sample.bin");
  const size_t step = stream.size() > 5000 ? 331 : 7;
  for (size_t i = 2; i < stream.size(); i += step) {
    for (const uint8_t flip : {1, 16, 255}) {
      stream[i] ^= flip;
      // If nothing else, the checksum tells; only where another distance leads to equal bytes, or
      // a bit has no meaning, the stream is still good.
      const Inflated made = inflated(stream, expected.size());
      if (made.result.ok()) {
        EXPECT_EQ(made.output, expected);
      }
      stream[i] ^= flip;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Inflate, InflateSample,
                         ::testing::Values("best.zlib", "fast.zlib", "stored.zlib", "fixed.zlib",
                                           "huffman_only.zlib", "runs.zlib", "parts.zlib"));

TEST(Inflate, AnEmptyStreamGivesNothing) {
  const Inflated made = inflated(read_test_file("zip/empty.zlib"), 0);
  ASSERT_TRUE(made.result.ok());
  EXPECT_EQ(made.result->read, 8u);
  EXPECT_EQ(made.result->written, 0u);
}

TEST(Inflate, LeavesWhatFollowsTheStreamAlone) {
  // A stored block of "hi", then something else.
  const Inflated made = inflated({1, 2, 0, 0xFD, 0xFF, 'h', 'i', 0xAA, 0xBB}, 10, inflate_raw);
  ASSERT_TRUE(made.result.ok());
  EXPECT_EQ(made.result->read, 7u);
  EXPECT_EQ(std::string(made.output.begin(), made.output.end()), "hi");
}

TEST(Inflate, RefusesBlocksThatContradictThemselves) {
  EXPECT_THAT(error_of({7}), HasSubstr("type of block"));
  EXPECT_THAT(error_of({1, 2, 0, 0xFC, 0xFF, 'h', 'i'}), HasSubstr("length of a block"));
  // Fixed codes: length 3 at distance 1 with nothing before it.
  EXPECT_THAT(error_of({0x03, 0x02, 0x00}), HasSubstr("before the start"));
  // All 19 code lengths are 1: oversubscribed.
  EXPECT_THAT(error_of({0x05, 0xE0, 0x93, 0x24, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24}),
              HasSubstr("no code"));
  EXPECT_THAT(error_of({0xFD, 0xFF, 0xFF}), HasSubstr("too many codes"));
}

TEST(Inflate, RefusesWrongHeadersAndChecksumsOfZlib) {
  std::vector<uint8_t> stream = read_test_file("zip/best.zlib");
  stream.back() ^= 1;
  EXPECT_THAT(error_of(stream, 40000, inflate_zlib), HasSubstr("checksum"));
  EXPECT_THAT(error_of({0x79, 0x9C, 3, 0, 0, 0, 0, 1}, 10, inflate_zlib), HasSubstr("begin like"));
  EXPECT_THAT(error_of({0x78, 0xBB, 0, 0, 0, 0, 3, 0}, 10, inflate_zlib), HasSubstr("dictionary"));
}

}  // namespace
}  // namespace zeolite
