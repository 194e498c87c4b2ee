#include "core/formats/flex_buffers.h"

#include <gtest/gtest.h>

#include "flatbuffers/flexbuffers.h"

namespace zeolite {
namespace {

template <class Fill>
std::vector<uint8_t> buffer_of(const Fill& fill) {
  flexbuffers::Builder builder;
  fill(builder);
  builder.Finish();
  return builder.GetBuffer();
}

// The JSON of what `fill` builds.
template <class Fill>
std::string json_of(const Fill& fill) {
  const Result<json::Value> value = read_flex_buffer(buffer_of(fill));
  return value.ok() ? json::write(value.value()) : value.error().message;
}

using Builder = flexbuffers::Builder;

TEST(FlexBuffers, ScalarsOfEveryWidth) {
  EXPECT_EQ(json_of([](Builder& b) { b.Null(); }), "null");
  EXPECT_EQ(json_of([](Builder& b) { b.Bool(true); }), "true");
  for (const int64_t value : {int64_t{-7}, int64_t{-300}, int64_t{-70000}, int64_t{-5000000000}}) {
    EXPECT_EQ(json_of([&](Builder& b) { b.Int(value); }), std::to_string(value));
    EXPECT_EQ(json_of([&](Builder& b) { b.IndirectInt(value); }), std::to_string(value));
    EXPECT_EQ(json_of([&](Builder& b) { b.UInt(static_cast<uint64_t>(-value)); }),
              std::to_string(-value));
    EXPECT_EQ(json_of([&](Builder& b) { b.IndirectUInt(static_cast<uint64_t>(-value)); }),
              std::to_string(-value));
  }
  EXPECT_EQ(json_of([](Builder& b) { b.Float(0.5f); }), "0.5");
  EXPECT_EQ(json_of([](Builder& b) { b.Double(0.1); }), "0.1");
  EXPECT_EQ(json_of([](Builder& b) { b.IndirectFloat(-0.5f); }), "-0.5");
  EXPECT_EQ(json_of([](Builder& b) { b.IndirectDouble(1e300); }), "1e+300");
  EXPECT_EQ(json_of([](Builder& b) { b.String("two words"); }), "\"two words\"");
  EXPECT_EQ(json_of([](Builder& b) { b.Key("a key"); }), "\"a key\"");
  EXPECT_EQ(json_of([](Builder& b) { b.String(std::string(300, 'x')); }),
            "\"" + std::string(300, 'x') + "\"");
}

TEST(FlexBuffers, VectorsOfEveryKind) {
  EXPECT_EQ(json_of([](Builder& b) { b.Vector([&] {}); }), "[]");
  EXPECT_EQ(json_of([](Builder& b) {
              b.Vector([&] {
                b.Int(1);
                b.Double(2.5);
                b.String("x");
                b.Vector([&] { b.Bool(false); });
                b.Int(-100000);
              });
            }),
            R"([1,2.5,"x",[false],-100000])");
  const std::vector<int> ints = {1, -2, 300};
  const std::vector<unsigned> uints = {1, 2, 70000};
  const std::vector<float> floats = {0.5f, -1.5f};
  const std::vector<double> doubles = {0.1, 1e100};
  EXPECT_EQ(json_of([&](Builder& b) { b.Vector(ints); }), "[1,-2,300]");
  EXPECT_EQ(json_of([&](Builder& b) { b.Vector(uints); }), "[1,2,70000]");
  EXPECT_EQ(json_of([&](Builder& b) { b.Vector(floats); }), "[0.5,-1.5]");
  EXPECT_EQ(json_of([&](Builder& b) { b.Vector(doubles); }), "[0.1,1e+100]");
  const bool flags[] = {true, false, true};
  EXPECT_EQ(json_of([&](Builder& b) { b.Vector(flags, 3); }), "[true,false,true]");
  const float pair[] = {1, 2};
  const int triple[] = {-1, 0, 1};
  const unsigned four[] = {1, 2, 3, 40000};
  EXPECT_EQ(json_of([&](Builder& b) { b.FixedTypedVector(pair, 2); }), "[1,2]");
  EXPECT_EQ(json_of([&](Builder& b) { b.FixedTypedVector(triple, 3); }), "[-1,0,1]");
  EXPECT_EQ(json_of([&](Builder& b) { b.FixedTypedVector(four, 4); }), "[1,2,3,40000]");
  EXPECT_EQ(json_of([](Builder& b) { b.Blob(std::vector<uint8_t>{0, 255, 7}); }), "[0,255,7]");
  EXPECT_EQ(json_of([](Builder& b) {
              b.TypedVector([&] {
                b.Key("one");
                b.Key("two");
              });
            }),
            R"(["one","two"])");
}

TEST(FlexBuffers, MapsHaveTheirKeysSorted) {
  EXPECT_EQ(json_of([](Builder& b) {
              b.Map([&] {
                b.Int("zebra", 1);
                b.String("ant", "x");
                b.Map("nested", [&] { b.Double("d", 0.25); });
                b.IndirectDouble("far", 0.1);
              });
            }),
            R"({"ant":"x","far":0.1,"nested":{"d":0.25},"zebra":1})");
  EXPECT_EQ(json_of([](Builder& b) { b.Map([&] {}); }), "{}");
}

TEST(FlexBuffers, WhatIsCutOffOrTooMuchIsRefused) {
  const std::vector<uint8_t> sound = buffer_of([](Builder& b) {
    b.Map([&] {
      b.String("name", "a longer text than fits");
      b.Vector("list", [&] { b.Int(500); });
    });
  });
  ASSERT_TRUE(read_flex_buffer(sound).ok());
  for (size_t size = 0; size < sound.size(); ++size) {
    EXPECT_FALSE(read_flex_buffer(std::span(sound).last(size)).ok()) << size;
  }
  const Result<json::Value> many = read_flex_buffer(buffer_of([](Builder& b) {
    b.Vector([&] {
      for (int i = 0; i < 70000; ++i) b.Null();
    });
  }));
  ASSERT_FALSE(many.ok());
  EXPECT_NE(many.error().message.find("too many values"), std::string::npos);
  // A vector of 255 times the same text.
  std::vector<uint8_t> shared(65536, 'x');
  const auto put_word = [&](uint64_t word) {
    for (int k = 0; k < 4; ++k) shared.push_back(static_cast<uint8_t>(word >> (8 * k)));
  };
  shared.push_back(0);
  while (shared.size() % 4 != 0) shared.push_back(0);
  put_word(255);
  for (int i = 0; i < 255; ++i) put_word(shared.size());
  shared.insert(shared.end(), 255, 4 << 2);
  while (shared.size() % 4 != 3) shared.push_back(0);
  put_word(shared.size() - (65540 + 4));
  shared.push_back(10 << 2 | 2);
  shared.push_back(4);
  const Result<json::Value> texts = read_flex_buffer(shared);
  ASSERT_FALSE(texts.ok());
  EXPECT_NE(texts.error().message.find("too many values"), std::string::npos);
  const Result<json::Value> deep = read_flex_buffer(buffer_of([](Builder& b) {
    std::vector<size_t> starts;
    for (int i = 0; i < 40; ++i) starts.push_back(b.StartVector());
    for (int i = 0; i < 40; ++i) {
      b.EndVector(starts.back(), false, false);
      starts.pop_back();
    }
  }));
  ASSERT_FALSE(deep.ok());
  EXPECT_NE(deep.error().message.find("too deep"), std::string::npos);
}

}  // namespace
}  // namespace zeolite
