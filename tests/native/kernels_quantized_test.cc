// Kernels of quantized numbers against their formulas, one element at a time.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "core/kernels/fixed_point.h"
#include "core/kernels/interpolated.h"
#include "core/kernels/lookup.h"
#include "core/kernels/quantize.h"
#include "core/kernels/quantized_binary.h"
#include "core/kernels/quantized_pool_2d.h"
#include "core/kernels/quantized_softmax.h"
#include "core/kernels/reciprocal.h"
#include "core/kernels/resize_2d.h"

namespace zeolite {
namespace {

using Shape = std::vector<int32_t>;

std::mt19937 random_engine(7);

int32_t random_between(int32_t low, int32_t high) {
  return std::uniform_int_distribution<int32_t>(low, high)(random_engine);
}

template <class T>
std::vector<T> random_values(size_t count) {
  std::vector<T> values(count);
  for (T& value : values) {
    value = static_cast<T>(
        random_between(std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()));
  }
  // The limits of the type, alone and side by side.
  for (size_t i = 0; i + 7 < count; i += 97) {
    values[i] = values[i + 7] = std::numeric_limits<T>::lowest();
    values[i + 3] = std::numeric_limits<T>::max();
  }
  return values;
}

template <class T>
constexpr SmallInteger kTypeOf = std::is_same_v<T, int8_t>    ? SmallInteger::kInt8
                                 : std::is_same_v<T, uint8_t> ? SmallInteger::kUint8
                                                              : SmallInteger::kInt16;

TEST(ScaleBy4, AgreesWithScaleByForAllShiftsAndAtTheLimits) {
  const int32_t values[] = {0, 1, -1, 2, -2, 3, -3, 12345, -12345, 1 << 20, -(1 << 20),
                            std::numeric_limits<int32_t>::max(),
                            std::numeric_limits<int32_t>::min() + 1};
  for (int shift = -31; shift <= 31; ++shift) {
    for (int32_t multiplier : {0, 1 << 30, (1 << 30) + 1, 2000000000, 2147483647}) {
      const FixedPointFactor factor = {multiplier, shift};
      const ScaleBy4 scale(factor);
      for (int32_t x : values) {
        EXPECT_EQ(wasm_i32x4_extract_lane(scale(wasm_i32x4_splat(x)), 2), scale_by(x, factor))
            << x << " * " << multiplier << " * 2^" << shift;
      }
    }
  }
}

TEST(RoundingShift4, RoundsHalvesAwayFromZero) {
  const auto shifted = [](int32_t x, int exponent) {
    return wasm_i32x4_extract_lane(RoundingShift4(exponent)(wasm_i32x4_splat(x)), 0);
  };
  EXPECT_EQ(shifted(3, 1), 2);
  EXPECT_EQ(shifted(-3, 1), -2);
  EXPECT_EQ(shifted(5, 2), 1);
  EXPECT_EQ(shifted(-6, 2), -2);
  EXPECT_EQ(shifted(7, 0), 7);
}

TEST(FixedPointReciprocal, IsWithinAFewUnitsOfTheLastPlace) {
  for (int32_t x : {1, 2, 3, 7, 10, 255, 256, 32767, 65535, 1 << 29, 2147483647}) {
    const Reciprocal inverse = fixed_point_reciprocal(x);
    const double value = std::ldexp(inverse.multiplier, -(inverse.exponent + 31));
    EXPECT_NEAR(value * x, 1.0, 1e-8) << x;
  }
}

TEST(FixedPointInverseSqrt, IsAFactorForScaleBy) {
  for (int32_t x : {2, 3, 4, 5, 100, 255, 1000, 65535, 1 << 20, (1 << 29) + 5, 2147483647}) {
    const FixedPointFactor factor = fixed_inverse_sqrt(x);
    const double value = std::ldexp(factor.multiplier, factor.shift - 31);
    EXPECT_NEAR(value * std::sqrt(double(x)), 1.0, 2e-5) << x;
  }
  EXPECT_EQ(fixed_inverse_sqrt(0).multiplier, fixed_inverse_sqrt(1).multiplier);
}

// How an operand of an ADD is scaled in the default kernels' vector loops.
int32_t scaled_in_block(int32_t x, FixedPointFactor factor, int left_shift, bool is_once) {
  if (!is_once) {
    return rounding_high_mul(x * (1 << left_shift), factor.multiplier) >> -factor.shift;
  }
  const int shift = left_shift + factor.shift;
  return rounding_high_mul(shift >= 0 ? x * (1 << shift) : x >> -shift, factor.multiplier);
}

// Where an element lies.
struct Place {
  bool is_in_block = false;  // In a whole block of a row
  bool are_pairs = true;     // whose elements each have their own of both operands.
};

// One element of quantized_binary by its formula.
int32_t binary_element(const QuantizedBinaryParameters& p, int32_t a, int32_t b, Place place) {
  a -= p.a_zero_point;
  b -= p.b_zero_point;
  int32_t scaled_a = scale_by(a * (1 << p.left_shift), p.a_factor);
  int32_t scaled_b = scale_by(b * (1 << p.left_shift), p.b_factor);
  if (place.is_in_block && p.function == QuantizedBinary::kAdd) {
    const bool is_once = p.input != SmallInteger::kUint8 && place.are_pairs;
    scaled_a = scaled_in_block(a, p.a_factor, p.left_shift, is_once);
    scaled_b = scaled_in_block(b, p.b_factor, p.left_shift, is_once);
  }
  int32_t result = 0;
  switch (p.function) {
    case QuantizedBinary::kAdd: result = scale_by(scaled_a + scaled_b, p.factor); break;
    case QuantizedBinary::kSub: result = scale_by(scaled_a - scaled_b, p.factor); break;
    case QuantizedBinary::kMul: result = scale_by(a * b, p.factor); break;
    case QuantizedBinary::kSquaredDifference:
      result = scale_by((scaled_a - scaled_b) * (scaled_a - scaled_b), p.factor);
      break;
    case QuantizedBinary::kPrelu:
      result = a >= 0 ? scaled_a : scale_by(a * b, p.factor);
      break;
    case QuantizedBinary::kShiftedAdd:
      result = std::clamp(rounding_shift_right(a, p.a_right_shift) +
                              rounding_shift_right(b, p.b_right_shift),
                          -32768, 32767);
      break;
    case QuantizedBinary::kLess: result = scaled_a < scaled_b; break;
    case QuantizedBinary::kGreaterEqual: result = scaled_a >= scaled_b; break;
    default: ADD_FAILURE();
  }
  const bool multiplies = p.function == QuantizedBinary::kMul;
  if (place.is_in_block && p.input != SmallInteger::kInt16 &&
      (multiplies || p.function == QuantizedBinary::kAdd)) {
    const bool saturates = multiplies && (p.input == SmallInteger::kInt8 || place.are_pairs);
    if (saturates) result = std::clamp(result, -32768, 32767);
    result = static_cast<int16_t>(result + p.zero_point) - p.zero_point;
  }
  return std::clamp(result + p.zero_point, p.min, p.max);
}

template <class T>
void expect_binary(QuantizedBinaryParameters p, const Shape& a_shape, const Shape& b_shape,
                   int64_t count) {
  p.input = kTypeOf<T>;
  const bool is_comparison =
      p.function == QuantizedBinary::kLess || p.function == QuantizedBinary::kGreaterEqual;
  p.output = is_comparison ? SmallInteger::kUint8 : p.input;
  p.min = is_comparison ? 0 : std::numeric_limits<T>::lowest();
  p.max = is_comparison ? 1 : std::numeric_limits<T>::max();
  BroadcastPlan plan;
  ASSERT_TRUE(make_broadcast_plan(a_shape, b_shape, &plan));
  ASSERT_EQ(plan.count, count);
  const auto size = [](const Shape& shape) {
    size_t n = 1;
    for (int32_t s : shape) n *= static_cast<size_t>(s);
    return n;
  };
  const std::vector<T> a = random_values<T>(size(a_shape));
  const std::vector<T> b = random_values<T>(size(b_shape));
  std::vector<uint8_t> output(static_cast<size_t>(count) * sizeof(T));
  p.set_quick();
  quantized_binary(p, plan, a.data(), b.data(), output.data(), nullptr);
  // The vector loops of 16 bits take operands of one shape only.
  const bool has_blocks = sizeof(T) == 1 || a_shape == b_shape;
  for_each_broadcast_row(plan, [&](int64_t out, int64_t at_a, int64_t at_b, int64_t n,
                                   int64_t a_stride, int64_t b_stride) {
    for (int64_t i = 0; i < n; ++i) {
      const bool are_pairs = a_stride + b_stride == 2;
      const int64_t block = sizeof(T) == 2 || (std::is_signed_v<T> && are_pairs) ? 16 : 8;
      const int32_t wanted = binary_element(p, a[at_a + i * a_stride], b[at_b + i * b_stride],
                                            {has_blocks && i < n / block * block, are_pairs});
      const int32_t got =
          is_comparison ? output[out + i] : reinterpret_cast<T*>(output.data())[out + i];
      ASSERT_EQ(got, wanted) << out + i;
    }
  });
}

TEST(QuantizedBinary, AgreesWithItsFormulaOnAllShapesAndTypes) {
  QuantizedBinaryParameters p;
  p.a_zero_point = -3;
  p.b_zero_point = 5;
  p.zero_point = 7;
  p.a_factor = fixed_point_factor(0.5);
  p.b_factor = fixed_point_factor(0.311);
  for (QuantizedBinary function :
       {QuantizedBinary::kAdd, QuantizedBinary::kSub, QuantizedBinary::kMul,
        QuantizedBinary::kSquaredDifference, QuantizedBinary::kPrelu, QuantizedBinary::kLess,
        QuantizedBinary::kGreaterEqual}) {
    p.function = function;
    const bool is_sum = function == QuantizedBinary::kAdd || function == QuantizedBinary::kSub;
    p.left_shift = is_sum                                            ? 20
                   : function == QuantizedBinary::kSquaredDifference ? 7
                   : function == QuantizedBinary::kPrelu             ? 0
                                                                     : 8;
    p.factor = fixed_point_factor(is_sum ? 1.7e-6 : 0.003);
    for (int32_t n : {1, 3, 4, 15, 16, 17, 127, 128, 129, 300}) {
      expect_binary<int8_t>(p, {n}, {n}, n);
      expect_binary<uint8_t>(p, {n}, {1}, n);
      expect_binary<int8_t>(p, {2, 1, n}, {3, 1}, 6 * n);
      expect_binary<uint8_t>(p, {1, n}, {5, n}, 5 * n);
    }
    // So many that one byte beside them makes a table.
    expect_binary<int8_t>(p, {20011}, {1}, 20011);
    expect_binary<uint8_t>(p, {1}, {20011}, 20011);
    expect_binary<int8_t>(p, {}, {}, 1);
    expect_binary<int8_t>(p, {0, 3}, {1, 3}, 0);
  }
  p.function = QuantizedBinary::kAdd;
  p.left_shift = 15;
  p.factor = fixed_point_factor(5e-5);
  expect_binary<int16_t>(p, {200}, {200}, 200);
  p = {};
  p.function = QuantizedBinary::kShiftedAdd;
  p.a_right_shift = 3;
  expect_binary<int16_t>(p, {200}, {200}, 200);
}

// Pairs of bytes, with scales that make many exact halves among others.
TEST(QuantizedBinary, AgreesWithItsFormulaOnManyPairsOfBytes) {
  const std::pair<double, double> factors[] = {
      {0.5, 0.5}, {0.5, 0.25}, {0.31, 0.5}, {0.5, 0.41237}, {0.4999999, 0.0123}, {0.5, 0}};
  for (QuantizedBinary function : {QuantizedBinary::kAdd, QuantizedBinary::kSub,
                                   QuantizedBinary::kMul, QuantizedBinary::kPrelu,
                                   QuantizedBinary::kSquaredDifference}) {
    const bool is_sum = function == QuantizedBinary::kAdd || function == QuantizedBinary::kSub;
    QuantizedBinaryParameters p;
    p.function = function;
    p.left_shift = is_sum ? 20 : function == QuantizedBinary::kSquaredDifference ? 7 : 0;
    for (const auto& [a_factor, b_factor] : factors) {
      p.a_factor = fixed_point_factor(a_factor);
      p.b_factor = fixed_point_factor(b_factor);
      for (double factor : {1.0, 0.5, 0.3731, 3.14159, 7.5, 100.0}) {
        const double unit = is_sum                             ? std::ldexp(1.0, -20)
                            : p.left_shift == 0                 ? 1.0 / 64
                                                                : std::ldexp(1.0, -20);
        p.factor = fixed_point_factor(factor * unit);
        p.a_zero_point = factor < 1 ? -128 : 3;
        p.b_zero_point = factor < 2 ? 17 : 127;
        p.zero_point = factor < 0.4 ? -100 : 5;
        expect_binary<int8_t>(p, {256, 1}, {1, 256}, 65536);
        expect_binary<int8_t>(p, {9, 61}, {9, 61}, 9 * 61);
        expect_binary<int8_t>(p, {9, 61}, {61}, 9 * 61);
        p.a_zero_point += 128;
        p.b_zero_point += 128;
        p.zero_point += 128;
        expect_binary<uint8_t>(p, {1, 256}, {256, 1}, 65536);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Sums and products of 16 bits at the limits of the types, of scales with many exact halves and
// others.
TEST(QuantizedBinary, AgreesWithItsFormulaOnManyPairsOfShorts) {
  for (QuantizedBinary function :
       {QuantizedBinary::kAdd, QuantizedBinary::kSub, QuantizedBinary::kMul}) {
    const bool is_sum = function != QuantizedBinary::kMul;
    for (const auto& [a_factor, b_factor] : {std::pair{0.5, 0.5}, {0.31, 0.5}, {0.5, 1e-6}}) {
      for (double factor : {1.0, 0.5, 0.3731, 1.00001, 3.14159, 17.0, 1e-4}) {
        QuantizedBinaryParameters p;
        p.function = function;
        p.left_shift = is_sum ? 15 : 0;
        p.a_factor = fixed_point_factor(a_factor);
        p.b_factor = fixed_point_factor(b_factor);
        p.factor = fixed_point_factor(factor * 0x1p-15);
        expect_binary<int16_t>(p, {60000}, {60000}, 60000);
        expect_binary<int16_t>(p, {70, 1}, {1, 99}, 70 * 99);
        expect_binary<int16_t>(p, {70, 99}, {99}, 70 * 99);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(QuantizedBinary, DividesToTheNearest) {
  QuantizedBinaryParameters p;
  p.function = QuantizedBinary::kDiv;
  p.factor = fixed_point_factor(8.0);
  p.min = -128;
  p.max = 127;
  BroadcastPlan plan;
  const Shape shape = {6};
  ASSERT_TRUE(make_broadcast_plan(shape, shape, &plan));
  const int8_t a[] = {1, 10, -10, 127, 0, -128};
  const int8_t b[] = {3, 7, 7, -16, 5, 8};
  int8_t output[6];
  quantized_binary(p, plan, a, b, output, nullptr);
  const int8_t wanted[] = {3, 11, -11, -64, 0, -128};
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(output[i], wanted[i], 1) << i;
}

TEST(Quantize, RoundsHalvesAwayFromZeroAndSaturates) {
  const float input[] = {0.5f,  1.5f,  -0.5f, -1.5f, 0.49999997f, 1e9f,
                         -1e9f, 126.5f, 127.5f, NAN,   1e30f,       -1e30f};
  int8_t output[12];
  quantize_one_by_one(input, 12, {1.0f, 0}, -128, 127, SmallInteger::kInt8, output);
  const int8_t wanted[] = {1, 2, -1, -2, 0, 127, -128, 127, 127, -128, -128, -128};
  for (int i = 0; i < 12; ++i) EXPECT_EQ(output[i], wanted[i]) << input[i];
  uint8_t bytes[12];
  quantize_one_by_one(input, 12, {1.0f, 255}, 0, 255, SmallInteger::kUint8, bytes);
  EXPECT_EQ(bytes[0], 255);
  EXPECT_EQ(bytes[3], 253);
  EXPECT_EQ(bytes[6], 0);
}

TEST(Quantize, RoundsHalvesToEvenInBlocksOfEight) {
  for (float extreme : {1e9f, 1e30f, NAN, -1e30f}) {
    const float input[] = {0.5f, 1.5f, -0.5f, -1.5f, 2.5f, extreme, 126.5f, 127.5f,
                           0.5f, 1.5f, -0.5f, -1.5f, 2.5f, extreme, 126.5f};
    std::vector<int16_t> output(15);
    quantize(input, 15, {1.0f, 0}, -32768, 32767, SmallInteger::kInt16, output.data(), nullptr);
    const int16_t bound = extreme == 1e9f ? 32767 : -32768;
    EXPECT_EQ(output, (std::vector<int16_t>{0, 2, 0, -2, 2, bound, 126, 128,  //
                                            1, 2, -1, -2, 3, bound, 127}));
    std::vector<uint8_t> bytes(15);
    quantize(input, 15, {1.0f, 10}, 0, 255, SmallInteger::kUint8, bytes.data(), nullptr);
    const uint8_t limit = bound > 0 ? 255 : 0;
    EXPECT_EQ(bytes, (std::vector<uint8_t>{10, 12, 10, 8, 12, limit, 136, 138,  //
                                           11, 12, 9, 8, 13, limit, 137}));
  }
}

TEST(Quantize, MultipliesByTheInverseInBlocksOfEightAndDividesInDoubleBehind) {
  // The quotient is 104.5 in float32 and 104.499999 in double.
  const float x = 0.81960535f;
  const Affine affine = {0.0078431135f, 0};
  EXPECT_EQ(quantize_one(x, affine, -128, 127), 105);
  const std::vector<float> input(9, x);
  int8_t output[9];
  quantize(input.data(), 9, affine, -128, 127, SmallInteger::kInt8, output, nullptr);
  EXPECT_EQ(output[0], 104);
  EXPECT_EQ(output[8], 104);
}

TEST(Dequantize, IsTheInverseOfQuantizeForEachStoredNumber) {
  std::vector<int16_t> stored(65536);
  for (int i = 0; i < 65536; ++i) stored[i] = static_cast<int16_t>(i - 32768);
  std::vector<float> real(stored.size());
  std::vector<int16_t> again(stored.size());
  const Affine affine = {0.0123f, -77};
  dequantize(SmallInteger::kInt16, stored.data(), 65536, affine, real.data(), nullptr);
  EXPECT_EQ(real[0], 0.0123f * (-32768.0f + 77.0f));
  quantize(real.data(), 65536, affine, -32768, 32767, SmallInteger::kInt16, again.data(), nullptr);
  EXPECT_EQ(stored, again);
}

TEST(Requantize, MovesBetweenTypesOfTheSameScale) {
  const std::vector<uint8_t> from = random_values<uint8_t>(133);
  std::vector<int8_t> to(from.size());
  requantize(SmallInteger::kUint8, from.data(), 133, 128, fixed_point_factor(1.0), 0, -128, 127,
             SmallInteger::kInt8, to.data(), nullptr);
  for (size_t i = 0; i < from.size(); ++i) EXPECT_EQ(to[i], from[i] - 128);
}

TEST(Lookup, TakesEachByteAsAnIndex) {
  ByteFunction function;
  for (int i = 0; i < 256; ++i) function.results[i] = static_cast<uint8_t>(255 - i);
  for (int64_t n : {0, 1, 7, 8, 9, 250}) {
    std::vector<uint8_t> x = random_values<uint8_t>(static_cast<size_t>(n));
    const std::vector<uint8_t> before = x;
    lookup(function, x.data(), n, x.data(), nullptr);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(x[i], 255 - before[i]);
  }
}

TEST(Lookup, TakesALineForTheTableOnlyWhereBothAgree) {
  for (const bool is_input_signed : {false, true}) {
    for (const bool is_output_signed : {false, true}) {
      for (double slope : {0.0, 0.013, 0.5, 0.77351, 1.0, 2.9, 3.999, 4.5, -0.77, -3.9, -4.5}) {
        for (int middle : {-40, 0, 100}) {
          ByteFunction function;
          for (int i = 0; i < 256; ++i) {
            const int x = is_input_signed ? static_cast<int8_t>(i) : i - 128;
            const double y = std::clamp(std::floor(x * slope + middle + 0.5), -90.0, 127.0);
            function.results[i] =
                static_cast<uint8_t>(static_cast<int>(y) + (is_output_signed ? 0 : 128));
          }
          function.find_line(slope, is_input_signed, is_output_signed);
          EXPECT_EQ(function.weight != 0, slope != 0 && std::abs(slope) < 4)
              << slope << ' ' << middle;
          std::vector<uint8_t> all(256);
          for (int i = 0; i < 256; ++i) all[i] = static_cast<uint8_t>(i);
          lookup(function, all.data(), 256, all.data(), nullptr);
          for (int i = 0; i < 256; ++i) EXPECT_EQ(all[i], function.results[i]) << i;
        }
      }
    }
  }
  // No line.
  ByteFunction square;
  for (int i = 0; i < 256; ++i) square.results[i] = static_cast<uint8_t>(i * i / 256);
  square.find_line(1.0, false, false);
  EXPECT_EQ(square.weight, 0);
}

TEST(Interpolate, PassesThroughAStraightLine) {
  std::vector<int16_t> points(kInterpolatedPoints);
  fill_points(-1.0f, 1.0f, 16384.0f, [](float x) { return x; }, points.data());
  EXPECT_EQ(interpolate(points.data(), -32768), -16384);
  EXPECT_EQ(interpolate(points.data(), 0), 0);
  EXPECT_NEAR(interpolate(points.data(), 32767), 16384, 1);
  EXPECT_NEAR(interpolate(points.data(), 12345), 12345 / 2.0, 1);
}

template <class T>
void expect_pooling(int32_t height, int32_t width, int32_t channels, int32_t kernel,
                    int32_t stride, int32_t pad) {
  Pool2DShape shape;
  shape.batch = 2;
  shape.input_height = height;
  shape.input_width = width;
  shape.channels = channels;
  shape.window.kernel_height = shape.window.kernel_width = kernel;
  shape.window.stride_height = shape.window.stride_width = stride;
  shape.window.pad_top = shape.window.pad_left = pad;
  shape.output_height = (height + 2 * pad - kernel) / stride + 1;
  shape.output_width = (width + 2 * pad - kernel) / stride + 1;
  const std::vector<T> input =
      random_values<T>(static_cast<size_t>(2 * height * width * channels));
  std::vector<T> mean(static_cast<size_t>(2 * shape.output_height * shape.output_width * channels));
  std::vector<T> most = mean;
  const int32_t low = std::numeric_limits<T>::lowest() + 3;
  const int32_t high = std::numeric_limits<T>::max() - 5;
  quantized_average_pool_2d(shape, kTypeOf<T>, input.data(), low, high, mean.data(), nullptr);
  quantized_max_pool_2d(shape, kTypeOf<T>, input.data(), low, high, most.data(), nullptr);
  size_t out = 0;
  for (int32_t n = 0; n < 2; ++n) {
    for (int32_t y = 0; y < shape.output_height; ++y) {
      for (int32_t x = 0; x < shape.output_width; ++x) {
        for (int32_t c = 0; c < channels; ++c, ++out) {
          int64_t sum = 0;
          int64_t count = 0;
          int32_t largest = std::numeric_limits<int32_t>::min();
          for (int32_t i = y * stride - pad; i < y * stride - pad + kernel; ++i) {
            for (int32_t j = x * stride - pad; j < x * stride - pad + kernel; ++j) {
              if (i < 0 || j < 0 || i >= height || j >= width) continue;
              const int32_t value = input[((n * height + i) * width + j) * channels + c];
              sum += value;
              ++count;
              largest = std::max(largest, value);
            }
          }
          const auto rounded = static_cast<int32_t>(std::round(double(sum) / double(count)));
          ASSERT_EQ(mean[out], std::clamp(rounded, low, high));
          ASSERT_EQ(most[out], std::clamp(largest, low, high));
        }
      }
    }
  }
}

TEST(QuantizedPooling, CountsOnlyPixelsInsideTheInput) {
  for (int32_t channels : {1, 3, 8, 16, 19, 33}) {
    expect_pooling<int8_t>(5, 6, channels, 3, 2, 1);
    expect_pooling<uint8_t>(5, 5, channels, 2, 1, 0);
    expect_pooling<int16_t>(4, 5, channels, 3, 1, 1);
  }
  expect_pooling<int8_t>(20, 19, 16, 19, 1, 0);   // More pixels than 16 bits hold sums of.
  expect_pooling<uint8_t>(20, 19, 16, 19, 1, 0);
}

TEST(IntegerSumRows, AddsUpEveryRow) {
  for (int64_t channels : {1, 15, 16, 40}) {
    const std::vector<int8_t> x = random_values<int8_t>(static_cast<size_t>(2 * 300 * channels));
    std::vector<int64_t> sums(static_cast<size_t>(2 * channels));
    integer_sum_rows(SmallInteger::kInt8, 2, 300, channels, x.data(), sums.data(), nullptr);
    for (int64_t n = 0; n < 2; ++n) {
      for (int64_t c = 0; c < channels; ++c) {
        int64_t sum = 0;
        for (int64_t r = 0; r < 300; ++r) sum += x[(n * 300 + r) * channels + c];
        EXPECT_EQ(sums[n * channels + c], sum);
      }
    }
  }
}

TEST(QuantizedSoftmax, RowsAddUpToOneWithinTheRounding) {
  ExponentialTable table;
  fill_exponentials(0.05f, 1.0f, &table);
  const std::vector<int8_t> x = random_values<int8_t>(3 * 10);
  std::vector<int8_t> y(x.size());
  quantized_softmax(table, 3, 10, SmallInteger::kInt8, x.data(), {1.0f / 256, -128},
                    SmallInteger::kInt8, y.data(), nullptr);
  for (int row = 0; row < 3; ++row) {
    int sum = 0;
    for (int i = 0; i < 10; ++i) sum += y[row * 10 + i] + 128;
    EXPECT_NEAR(sum, 256, 6);
  }
}

// One row, one number at a time, with the sum added up in order.
template <class Out>
std::vector<Out> plain_softmax(const ExponentialTable& table, const std::vector<uint8_t>& row,
                               bool is_signed, Affine affine) {
  const auto order = [&](uint8_t x) { return is_signed ? x ^ 0x80 : x; };
  int most = 0;
  for (uint8_t x : row) most = std::max(most, order(x));
  float sum = 0;
  for (uint8_t x : row) sum += table[255 - most + order(x)];
  const float factor = 1.0f / (sum * affine.scale);
  std::vector<Out> result;
  for (uint8_t x : row) {
    const float y = table[255 - most + order(x)] * factor;
    const double whole = std::is_same_v<Out, uint8_t> ? std::floor(y + 0.5f)
                                                      : std::floor(double{y} + 0.5);
    result.push_back(static_cast<Out>(
        std::clamp<double>(whole + affine.zero_point, std::numeric_limits<Out>::lowest(),
                           std::numeric_limits<Out>::max())));
  }
  return result;
}

template <class Out>
void expect_softmax(int rows, int depth, SmallInteger input, Affine affine) {
  ExponentialTable table;
  fill_exponentials(0.03f, 1.0f, &table);
  const auto count = static_cast<size_t>(rows * depth);
  const std::vector<uint8_t> x = random_values<uint8_t>(count);
  std::vector<Out> y(count);
  quantized_softmax(table, rows, depth, input, x.data(), affine, kTypeOf<Out>, y.data(), nullptr);
  for (int row = 0; row < rows; ++row) {
    const auto from = x.begin() + row * depth;
    EXPECT_EQ(std::vector<Out>(y.begin() + row * depth, y.begin() + (row + 1) * depth),
              plain_softmax<Out>(table, {from, from + depth}, input == SmallInteger::kInt8, affine))
        << "row " << row << " of " << rows << " with " << depth;
  }
}

TEST(QuantizedSoftmax, RowsAtOnceAreAsRowsAlone) {
  for (int rows : {1, 3, 4, 9}) {
    for (int depth : {1, 15, 16, 17, 40, 300}) {
      expect_softmax<int8_t>(rows, depth, SmallInteger::kInt8, {1.0f / 256, -128});
      expect_softmax<uint8_t>(rows, depth, SmallInteger::kUint8, {1.0f / 256, 0});
      expect_softmax<int16_t>(rows, depth, SmallInteger::kInt8, {1.0f / 65536, -32768});
    }
  }
}

template <class T>
void expect_row_sums(int64_t rows, int64_t depth) {
  const std::vector<T> x = random_values<T>(static_cast<size_t>(rows * depth));
  std::vector<int64_t> sums(static_cast<size_t>(rows));
  integer_sum_last(kTypeOf<T>, rows, depth, x.data(), sums.data(), nullptr);
  for (int64_t row = 0; row < rows; ++row) {
    EXPECT_EQ(sums[row], std::accumulate(x.begin() + row * depth, x.begin() + (row + 1) * depth,
                                         int64_t{0}))
        << depth;
  }
}

TEST(IntegerSumLast, AddsUpWholeRows) {
  for (int64_t depth : {0, 1, 7, 8, 15, 16, 33, 1000, 32768}) {
    expect_row_sums<int8_t>(3, depth);
    expect_row_sums<uint8_t>(2, depth);
    expect_row_sums<int16_t>(2, depth);
  }
}

TEST(QuantizedSoftmax, Of16BitsIsNearTheRealOne) {
  SoftmaxPoints points;
  fill_softmax_points(&points);
  const std::vector<int16_t> x = random_values<int16_t>(20);
  std::vector<int16_t> y(x.size());
  const double scale = 1e-4;
  int16_softmax(points, 1, 20, fixed_point_factor(scale / (10.0 / 65535.0)), x.data(), y.data(),
                nullptr);
  double sum = 0;
  for (int16_t value : x) sum += std::exp(scale * value);
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(y[i] / 32768.0, std::exp(scale * x[i]) / sum, 3e-4);
  }
}

TEST(IntegerResizeBilinear, KeepsPixelsThatItMeetsAndHalvesBetween) {
  Resize2DShape shape;
  shape.batch = 1;
  shape.input_height = 1;
  shape.input_width = 2;
  shape.channels = 1;
  shape.output_height = 1;
  shape.output_width = 4;
  const int8_t input[] = {-100, 101};
  int8_t output[4];
  integer_resize_bilinear(shape, SmallInteger::kInt8, input, output, nullptr);
  EXPECT_EQ(output[0], -100);
  EXPECT_EQ(output[1], 1);  // 0.5, away from 0
  EXPECT_EQ(output[2], 101);
  EXPECT_EQ(output[3], 101);
  const uint8_t bytes[] = {3, 6};
  uint8_t mixed[4];
  u8_resize_bilinear(shape, bytes, mixed, nullptr);
  EXPECT_EQ(mixed[0], 3);
  EXPECT_EQ(mixed[1], 5);  // 4.5, rounded up
  EXPECT_EQ(mixed[3], 6);
}

TEST(IntegerResizeBilinear, MixesChannelsOfUint8TogetherAsAlone) {
  for (int32_t channels : {8, 16, 21, 40}) {
    for (int32_t size : {6, 7, 12}) {  // Weights of 16ths, others, 64ths.
      Resize2DShape shape;
      shape.batch = 1;
      shape.input_height = shape.input_width = 3;
      shape.channels = channels;
      shape.output_height = shape.output_width = size;
      shape.half_pixel_centers = true;
      const std::vector<uint8_t> input = random_values<uint8_t>(static_cast<size_t>(9 * channels));
      std::vector<uint8_t> output(static_cast<size_t>(size * size * channels));
      u8_resize_bilinear(shape, input.data(), output.data(), nullptr);
      shape.channels = 1;
      for (int32_t c = 0; c < channels; ++c) {
        std::vector<uint8_t> plane;
        for (size_t i = 0; i < 9; ++i) plane.push_back(input[i * channels + c]);
        std::vector<uint8_t> wanted(static_cast<size_t>(size * size));
        u8_resize_bilinear(shape, plane.data(), wanted.data(), nullptr);
        for (size_t i = 0; i < wanted.size(); ++i) {
          ASSERT_EQ(output[i * channels + c], wanted[i]) << channels << ' ' << size;
        }
      }
    }
  }
}

TEST(IntegerResizeBilinear, MixesInt8LikeInt16) {
  for (int32_t channels : {3, 8, 13, 24}) {
    for (bool half_pixels : {false, true}) {
      Resize2DShape shape;
      shape.batch = 1;
      shape.input_height = 3;
      shape.input_width = 4;
      shape.channels = channels;
      shape.output_height = 7;
      shape.output_width = 5;
      shape.half_pixel_centers = half_pixels;
      const std::vector<int8_t> input = random_values<int8_t>(static_cast<size_t>(12 * channels));
      const std::vector<int16_t> wide(input.begin(), input.end());
      std::vector<int8_t> output(static_cast<size_t>(35 * channels));
      std::vector<int16_t> wanted(output.size());
      integer_resize_bilinear(shape, SmallInteger::kInt8, input.data(), output.data(), nullptr);
      integer_resize_bilinear(shape, SmallInteger::kInt16, wide.data(), wanted.data(), nullptr);
      EXPECT_EQ(std::vector<int16_t>(output.begin(), output.end()), wanted);
    }
  }
}

}  // namespace
}  // namespace zeolite
