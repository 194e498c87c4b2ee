// Both ways in whole numbers as long as it takes. Text to number: one long division, bit by bit,
// after a short cut for what float64 computes without error. Number to text: the free-format
// algorithm of Steele and White, "How to Print Floating-Point Numbers Accurately" (PLDI 1990), with
// the estimate of Burger and Dybvig (PLDI 1996).
#include "core/base/decimal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace zeolite {
namespace {

constexpr int kFractionBits = 52;
constexpr int kLeastExponent = -1074;  // Of the last bit of the smallest numbers.

// A whole number of up to 4,096 bits. That is enough: kMostDigits digits have 2,600 bits, and
// powers of ten go up to 10^1110, which has 3,690.
class BigInteger {
 public:
  explicit BigInteger(uint64_t value) {
    for (; value != 0; value >>= 32) words_[size_++] = static_cast<uint32_t>(value);
  }

  int bits() const { return size_ == 0 ? 0 : size_ * 32 - std::countl_zero(words_[size_ - 1]); }

  void multiply_add(uint32_t factor, uint32_t more) {
    uint64_t carry = more;
    for (int i = 0; i < size_; ++i) {
      carry += uint64_t{words_[i]} * factor;
      words_[i] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) words_[size_++] = static_cast<uint32_t>(carry);
  }

  void multiply_by_power_of_ten(int exponent) {
    for (; exponent >= 9; exponent -= 9) multiply_add(1'000'000'000, 0);
    for (; exponent > 0; --exponent) multiply_add(10, 0);
  }

  void shift_left(int count) {
    for (; count >= 31; count -= 31) multiply_add(uint32_t{1} << 31, 0);
    multiply_add(uint32_t{1} << count, 0);
  }

  BigInteger& operator+=(const BigInteger& other) {
    uint64_t carry = 0;
    size_ = std::max(size_, other.size_);
    for (int i = 0; i < size_; ++i) {
      carry += uint64_t{words_[i]} + other.words_[i];
      words_[i] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) words_[size_++] = static_cast<uint32_t>(carry);
    return *this;
  }

  // `other` must not be larger.
  BigInteger& operator-=(const BigInteger& other) {
    uint64_t borrow = 0;
    for (int i = 0; i < size_; ++i) {
      const uint64_t difference = uint64_t{words_[i]} - other.words_[i] - borrow;
      words_[i] = static_cast<uint32_t>(difference);
      borrow = difference >> 63;
    }
    while (size_ > 0 && words_[size_ - 1] == 0) --size_;
    return *this;
  }

  // Below, at or above 0 as *this is to `other`.
  int compare(const BigInteger& other) const {
    if (size_ != other.size_) return size_ - other.size_;
    for (int i = size_; i-- > 0;) {
      if (words_[i] != other.words_[i]) return words_[i] < other.words_[i] ? -1 : 1;
    }
    return 0;
  }

 private:
  std::array<uint32_t, 128> words_ = {};  // The lowest first; 0 from size_ on.
  int size_ = 0;
};

// More digits than any number has that lies in the middle between two float64: what follows them
// can only tell that a number is not such a middle.
constexpr int kMostDigits = 780;

// digits * 10^exponent, without zeros in front.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

Decimal read_decimal(std::string_view text) {
  Decimal decimal;
  bool is_behind_point = false;
  bool is_cut = false;
  size_t i = 0;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      is_behind_point = true;
      continue;
    }
    if (is_behind_point) --decimal.exponent;
    if (decimal.digits.empty() && text[i] == '0') continue;
    if (decimal.digits.size() < kMostDigits) {
      decimal.digits += text[i];
    } else {
      ++decimal.exponent;
      is_cut = is_cut || text[i] != '0';
    }
  }
  if (is_cut) {
    decimal.digits += '1';
    --decimal.exponent;
  }
  if (i == text.size()) return decimal;
  const bool is_negative = text[++i] == '-';
  if (is_negative || text[i] == '+') ++i;
  constexpr int kMostExponent = 1 << 24;
  int exponent = 0;
  for (; i < text.size(); ++i) exponent = std::min(exponent * 10 + (text[i] - '0'), kMostExponent);
  decimal.exponent += is_negative ? -exponent : exponent;
  return decimal;
}

// numerator / denominator as the nearest float64.
double quotient(BigInteger numerator, BigInteger denominator) {
  // The exponent of the first bit: then the quotient is brought into [1, 2).
  int exponent = numerator.bits() - denominator.bits();
  (exponent > 0 ? denominator : numerator).shift_left(std::abs(exponent));
  if (numerator.compare(denominator) < 0) {
    --exponent;
    numerator.shift_left(1);
  }
  const int count = std::min(kFractionBits + 1, exponent - kLeastExponent + 1);
  if (count < 0) return 0;
  uint64_t bits = 0;
  for (int i = 0; i < count; ++i, numerator.shift_left(1)) {
    bits <<= 1;
    if (numerator.compare(denominator) >= 0) {
      numerator -= denominator;
      bits |= 1;
    }
  }
  const int rest = numerator.compare(denominator);  // To half of the last bit.
  if (rest > 0 || (rest == 0 && bits % 2 != 0)) ++bits;
  return std::ldexp(static_cast<double>(bits), exponent - count + 1);
}

double magnitude(const Decimal& decimal) {
  const auto size = static_cast<int>(decimal.digits.size());
  if (size == 0 || decimal.exponent + size < -330) return 0;
  if (decimal.exponent + size > 310) return std::numeric_limits<double>::infinity();
  if (size <= 15 && std::abs(decimal.exponent) <= 22) {
    // Both are exact in float64, so that only the last operation rounds.
    double number = 0;
    for (char digit : decimal.digits) number = number * 10 + (digit - '0');
    double power = 1;
    for (int i = std::abs(decimal.exponent); i > 0; --i) power *= 10;
    return decimal.exponent < 0 ? number / power : number * power;
  }
  BigInteger numerator(0);
  for (char digit : decimal.digits) numerator.multiply_add(10, static_cast<uint32_t>(digit - '0'));
  BigInteger denominator(1);
  (decimal.exponent < 0 ? denominator : numerator)
      .multiply_by_power_of_ten(std::abs(decimal.exponent));
  return quotient(numerator, denominator);
}

// The shortest digits of number > 0, as 0.DIGITS * 10^exponent.
Decimal shortest(double number) {
  const auto stored = std::bit_cast<uint64_t>(number);
  const auto stored_exponent = static_cast<int>(stored >> kFractionBits);
  uint64_t fraction = stored & ((uint64_t{1} << kFractionBits) - 1);
  // Below a power of two the numbers lie twice as close.
  const bool is_power = fraction == 0 && stored_exponent > 1;
  if (stored_exponent > 0) fraction |= uint64_t{1} << kFractionBits;
  const int exponent = kLeastExponent + std::max(stored_exponent - 1, 0);

  // number = rest / unit; what lies nearer than `above` or `below` reads as the same number.
  BigInteger rest(fraction);
  BigInteger unit(1);
  BigInteger above(1);
  BigInteger below(1);
  const int more = is_power ? 2 : 1;
  rest.shift_left(std::max(exponent, 0) + more);
  unit.shift_left(std::max(-exponent, 0) + more);
  above.shift_left(std::max(exponent, 0) + more - 1);
  below.shift_left(std::max(exponent, 0));

  const int first_bit = exponent + std::bit_width(fraction) - 1;
  Decimal result;
  result.exponent = static_cast<int>(std::ceil(first_bit * 0.30102999566398120 - 1e-10));
  if (result.exponent >= 0) {
    unit.multiply_by_power_of_ten(result.exponent);
  } else {
    for (BigInteger* one : {&rest, &above, &below}) one->multiply_by_power_of_ten(-result.exponent);
  }
  // An even number gets the numbers in the middle to both sides, too.
  const int tie = fraction % 2 == 0 ? 0 : 1;
  const auto reaches_up = [&] {
    BigInteger sum = rest;
    sum += above;
    return sum.compare(unit) >= tie;
  };
  if (reaches_up()) {
    ++result.exponent;
  } else {
    for (BigInteger* one : {&rest, &above, &below}) one->multiply_add(10, 0);
  }
  while (true) {
    char digit = '0';
    for (; rest.compare(unit) >= 0; ++digit) rest -= unit;
    const bool is_low = rest.compare(below) <= -tie;
    const bool is_high = reaches_up();
    if (is_low || is_high) {
      rest.shift_left(1);
      if (is_high && (!is_low || rest.compare(unit) >= 0)) ++digit;
      result.digits += digit;
      return result;
    }
    result.digits += digit;
    for (BigInteger* one : {&rest, &above, &below}) one->multiply_add(10, 0);
  }
}

}  // namespace

double parse_decimal(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const double number = magnitude(read_decimal(text));
  return is_negative ? -number : number;
}

std::string decimal_text(double number) {
  if (std::isnan(number)) return "NaN";
  std::string text = std::signbit(number) ? "-" : "";
  number = std::abs(number);
  if (std::isinf(number)) return text + "Infinity";
  constexpr double kExactIntegers = 9007199254740992.0;
  if (number < kExactIntegers && number == std::floor(number)) {
    return text + std::to_string(static_cast<int64_t>(number));
  }
  auto [digits, point] = shortest(number);
  const auto size = static_cast<int>(digits.size());
  if (point > 21 || point <= -6) {
    if (size > 1) digits.insert(1, ".");
    return text + digits + (point > 0 ? "e+" : "e-") + std::to_string(std::abs(point - 1));
  }
  if (point <= 0) return text + "0." + std::string(static_cast<size_t>(-point), '0') + digits;
  if (size <= point) return text + digits + std::string(static_cast<size_t>(point - size), '0');
  return text + digits.insert(static_cast<size_t>(point), ".");
}

}  // namespace zeolite
