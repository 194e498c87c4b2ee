#include "core/formats/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace zeolite::json {
namespace {

using ::testing::HasSubstr;

Value parsed(std::string_view text) {
  Result<Value> result = parse(text);
  EXPECT_TRUE(result.ok()) << text << ": " << (result.ok() ? "" : result.error().message);
  return result.ok() ? std::move(result).value() : Value();
}

std::string error_of(std::string_view text) {
  Result<Value> result = parse(text);
  EXPECT_FALSE(result.ok()) << text;
  if (result.ok()) return "";
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  return result.error().message;
}

TEST(Json, ReadsEachKindOfValue) {
  EXPECT_TRUE(parsed("null").is_null());
  EXPECT_EQ(parsed("true").as_bool(), true);
  EXPECT_EQ(parsed(" false ").as_bool(), false);
  EXPECT_EQ(parsed("-12.5e-1").as_number(), -1.25);
  EXPECT_EQ(parsed("\"x\"").as_string(), "x");
  EXPECT_EQ(parsed("[1, [], {}]").size(), 3u);
  EXPECT_EQ(parsed("{\"a\": {\"b\": [true]}}").find_path({"a", "b"})->at(0).as_bool(), true);
}

TEST(Json, AcceptsTheNumbersThatPythonWritesBeyondTheStandard) {
  EXPECT_TRUE(std::isnan(*parsed("NaN").as_number()));
  EXPECT_EQ(parsed("[Infinity]").at(0).as_number(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(parsed("-Infinity").as_number(), -std::numeric_limits<double>::infinity());
}

TEST(Json, NumbersOutOfRangeBecomeTheNearestDouble) {
  EXPECT_EQ(parsed("1e999").as_number(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(parsed("-1e999").as_number(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(parsed("1e-999").as_number(), 0.0);
  EXPECT_EQ(parsed("0.1").as_number(), 0.1);
  EXPECT_EQ(parsed("4.9406564584124654e-324").as_number(), 4.9406564584124654e-324);
}

TEST(Json, IntegersAreThoseWithoutAFractionThatFit) {
  EXPECT_EQ(parsed("3.0").as_int(), 3);
  EXPECT_EQ(parsed("-9007199254740991").as_int(), -9007199254740991);
  EXPECT_EQ(parsed("true").as_int(), 1);
  EXPECT_EQ(parsed("3.5").as_int(), std::nullopt);
  EXPECT_EQ(parsed("1e30").as_int(), std::nullopt);
  EXPECT_EQ(parsed("9223372036854775808").as_int(), std::nullopt);
  EXPECT_EQ(parsed("-9223372036854775808").as_int(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(parsed("NaN").as_int(), std::nullopt);
  EXPECT_EQ(parsed("\"3\"").as_int(), std::nullopt);
}

TEST(Json, ReadsEscapesAndSurrogatePairs) {
  EXPECT_EQ(parsed(R"("\"\\\/\b\f\n\r\t")").as_string(), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(parsed(R"("\u0041\u00e9\u20ac\ud83d\ude00")").as_string(), "A\u00e9\u20ac\U0001F600");
  EXPECT_EQ(parsed("\"t\xC3\xA4st\"").as_string(), "t\u00e4st");
}

TEST(Json, HalfASurrogatePairBecomesTheReplacementCharacter) {
  EXPECT_EQ(parsed(R"("\ud83d")").as_string(), "\uFFFD");
  EXPECT_EQ(parsed(R"("\ude00x")").as_string(), "\uFFFDx");
  EXPECT_EQ(parsed(R"("\ud83d\u0041")").as_string(), "\uFFFD\u0041");
}

TEST(Json, ObjectsKeepTheOrderOfTheirKeys) {
  const Value value = parsed(R"({"z": 1, "a": 2, "m": 3})");
  std::string keys;
  for (const Member& member : value.members()) keys += member.key;
  EXPECT_EQ(keys, "zam");
}

TEST(Json, TheLastOfEqualKeysCounts) {
  EXPECT_EQ(parsed(R"({"a": 1, "a": 2})")["a"].as_int(), 2);
}

TEST(Json, MissingMembersAndOtherKindsGiveTheFallback) {
  const Value value = parsed(R"({"units": 3, "use_bias": false, "name": "d", "rate": 0.5})");
  EXPECT_EQ(value.int_or("units", 7), 3);
  EXPECT_EQ(value.int_or("rate", 7), 7);
  EXPECT_EQ(value.bool_or("use_bias", true), false);
  EXPECT_EQ(value.bool_or("units", true), true);
  EXPECT_EQ(value.string_or("name", "x"), "d");
  EXPECT_EQ(value.string_or("units", "x"), "x");
  EXPECT_EQ(value.number_or("rate", 1), 0.5);
  EXPECT_EQ(value.find("none"), nullptr);
  EXPECT_EQ(value.find_path({"units", "none"}), nullptr);
  EXPECT_TRUE(value["none"]["below"].at(5).is_null());
  EXPECT_TRUE(value["name"].items().empty());
}

TEST(Json, ErrorsNameLineAndColumn) {
  EXPECT_THAT(error_of("{\n  \"a\": 1,\n  b: 2}"), HasSubstr("line 3, column 3: expected a key"));
  EXPECT_THAT(error_of("[1 2]"), HasSubstr("line 1, column 4: expected ',' or ']'"));
  EXPECT_THAT(error_of("[1,"), HasSubstr("but the text ends here"));
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const char* text :
       {"", " ", "{", "}", "[", "]", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{1:2}", "nul",
        "truth", "+1", "01", "1.", ".5", "-", "1e", "1e+", "\"", "\"\\", "\"\\x\"", "\"\\u12\"",
        "\"\\u12g4\"", "\"\\u+123\"", "\"\n\"", "1 2", "[] x", "-Inf", "'a'", "\xEF\xBB"}) {
    error_of(text);
  }
}

TEST(Json, ReadsBehindAByteOrderMark) { EXPECT_EQ(parsed("\xEF\xBB\xBF[1]").size(), 1u); }

TEST(Json, RefusesTextNestedTooDeeplyAndTakesWhatIsNot) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  parsed(nested(kMaxDepth));
  EXPECT_THAT(error_of(nested(kMaxDepth + 1)), HasSubstr("nested too deeply"));
  EXPECT_THAT(error_of(std::string(1000000, '[')), HasSubstr("nested too deeply"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_THAT(error_of(objects), HasSubstr("nested too deeply"));
}

TEST(Json, EveryBeginningOfATextIsAnErrorAndNoCrash) {
  const std::string text =
      R"({"class_name": "M\u00e9\ud83d\ude00", "config": [1.5e3, true, null]})";
  for (size_t length = 0; length < text.size(); ++length) error_of(text.substr(0, length));
  parsed(text);
}

TEST(Json, WritesWhatItRead) {
  const std::string text =
      R"({"a":[1,-2.5,1e+100,0.1],"b":{"c":null,"d":[true,false]},"e":"x\"\\\n"})";
  EXPECT_EQ(write(parsed(text)), text);
  EXPECT_EQ(write(parsed("9007199254740991")), "9007199254740991");
}

TEST(Json, WritesOnlyWhatJavaScriptReads) {
  EXPECT_EQ(write(parsed("[NaN,Infinity,-Infinity]")), "[null,null,null]");
  EXPECT_EQ(write(Value("\x01\x1f")), R"("\u0001\u001f")");
  // Bytes that are no UTF-8: alone, overlong, half of a pair, cut off.
  EXPECT_EQ(write(Value("a\xFFz")), "\"a\uFFFDz\"");
  EXPECT_EQ(write(Value("\xC0\x80")), "\"\uFFFD\uFFFD\"");
  EXPECT_EQ(write(Value("\xED\xA0\x80")), "\"\uFFFD\uFFFD\uFFFD\"");
  EXPECT_EQ(write(Value("\xE2\x82")), "\"\uFFFD\uFFFD\"");
  EXPECT_EQ(write(Value("\U0001F600\u20ac\u00e4")), "\"\U0001F600\u20ac\u00e4\"");
}

TEST(Json, BuildsValuesForReports) {
  Value report = Value::object();
  report.set("operators", 3);
  report.set("size", uint64_t{1} << 40);
  Value& list = report.set("layers", Value::array());
  list.push("conv");
  list.push(Value::object()).set("ok", true);
  report.set("operators", 4);
  EXPECT_EQ(write(report), R"({"operators":4,"size":1099511627776,"layers":["conv",{"ok":true}]})");
}

}  // namespace
}  // namespace zeolite::json
