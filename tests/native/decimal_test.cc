#include "core/base/decimal.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>

namespace zeolite {
namespace {

TEST(Decimal, ReadsTheNearestNumber) {
  for (const char* text :
       {"0", "-0", "1", "0.1", "-12.5e-1", "1e23", "9007199254740993", "9007199254740992.99",
        "123456789012345678901234567890", "0.000000000000000000000000000001234567890123456789",
        "2.2250738585072011e-308", "2.2250738585072014e-308", "4.9406564584124654e-324",
        "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-323", "7.2057594037927933e16",
        "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e309",
        "1e-400", "1e999999999999", "1e-999999999999", "0e999999999999", "000.5", "5E+3",
        "6.631236846766476e-316", "3.2379086165851934e-319", "5.00000000000000000000e-324",
        "8.41E21", "0.5e-323"}) {
    EXPECT_EQ(std::bit_cast<uint64_t>(parse_decimal(text)),
              std::bit_cast<uint64_t>(std::strtod(text, nullptr)))
        << text;
  }
}

// The middle between two numbers, written out, and the least that is more and less than it.
TEST(Decimal, DecidesMiddlesByTheirLastDigit) {
  const std::string middle = "9007199254740993";
  EXPECT_EQ(parse_decimal(middle + "." + std::string(2000, '0')), 9007199254740992.0);
  EXPECT_EQ(parse_decimal(middle + "." + std::string(2000, '0') + "1"), 9007199254740994.0);
  EXPECT_EQ(parse_decimal("9007199254740992." + std::string(2000, '9')), 9007199254740992.0);
  EXPECT_EQ(parse_decimal("9007199254740995"), 9007199254740996.0);
  EXPECT_EQ(parse_decimal("0." + std::string(400, '0') + "1e401"), 1.0);
  EXPECT_EQ(parse_decimal("1" + std::string(400, '0') + "e-400"), 1.0);
}

TEST(Decimal, WritesAsJavaScriptDoes) {
  EXPECT_EQ(decimal_text(0), "0");
  EXPECT_EQ(decimal_text(-0.0), "-0");
  EXPECT_EQ(decimal_text(9007199254740991), "9007199254740991");
  EXPECT_EQ(decimal_text(-1.5), "-1.5");
  EXPECT_EQ(decimal_text(0.1), "0.1");
  EXPECT_EQ(decimal_text(1e21), "1e+21");
  EXPECT_EQ(decimal_text(123456789012345680000.0), "123456789012345680000");
  EXPECT_EQ(decimal_text(0.000001), "0.000001");
  EXPECT_EQ(decimal_text(0.00000012), "1.2e-7");
  EXPECT_EQ(decimal_text(5e-324), "5e-324");
  EXPECT_EQ(decimal_text(1e23), "1e+23");
  EXPECT_EQ(decimal_text(9.5367431640625e-7), "9.5367431640625e-7");
  EXPECT_EQ(decimal_text(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(decimal_text(-std::numeric_limits<double>::infinity()), "-Infinity");
  EXPECT_EQ(decimal_text(std::nan("")), "NaN");
}

// How many digits the shortest form has.
int digit_count(std::string_view text) {
  int count = 0;
  int zeros = 0;
  for (char c : text.substr(0, text.find('e'))) {
    if (c < '0' || c > '9' || (c == '0' && count == 0)) continue;
    zeros = c == '0' ? zeros + 1 : 0;
    ++count;
  }
  return count - zeros;
}

TEST(Decimal, EveryNumberComesBackFromTheShortestText) {
  std::mt19937_64 random(7);
  const auto check = [](double number) {
    const std::string text = decimal_text(number);
    ASSERT_EQ(std::bit_cast<uint64_t>(parse_decimal(text)), std::bit_cast<uint64_t>(number))
        << text;
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), number) << text;
    char other[40];
    const auto [end, error] = std::to_chars(other, other + sizeof(other), number,
                                            std::chars_format::scientific);
    ASSERT_EQ(digit_count(text), digit_count({other, end})) << text << " " << other;
  };
  for (int i = 0; i < 20000; ++i) {
    const auto any = std::bit_cast<double>(random());
    if (std::isfinite(any)) check(any);
    check(static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(random()) & 0x7f7fffff)));
    check(static_cast<double>(random() % 100000) / 1000);
  }
  for (int exponent = -1074; exponent < 1024; ++exponent) {
    const double power = std::ldexp(1.0, exponent);
    check(power);
    check(std::nextafter(power, 0));
    check(std::nextafter(power, 1e308));
  }
}

}  // namespace
}  // namespace zeolite
