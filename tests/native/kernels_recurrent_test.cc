// Kernels of recurrent operators against plain loops and the real functions.
#include <gtest/gtest.h>

#include "core/kernels/fixed_point.h"
#include "core/kernels/i8_matrix.h"
#include "tests/native/support/kernel_testing.h"

namespace zeolite::testing {
namespace {

TEST(FixedPoint, FunctionsAreNearTheRealOnesEverywhere) {
  // The format's own error: 13 of 32768.
  for (int x = -32768; x < 32768; ++x) {
    const auto stored = static_cast<int16_t>(x);
    EXPECT_NEAR(fixed_logistic(stored), 32768 / (1 + std::exp(-x / 4096.0)), 8) << x;
    for (int bits = 0; bits <= 6; ++bits) {
      const double real = std::ldexp(static_cast<double>(x), bits - 15);
      EXPECT_NEAR(fixed_tanh(stored, bits), 32768 * std::tanh(real), 13) << x << " " << bits;
    }
  }
}

TEST(FixedPoint, InverseSquareRootIsRightToTwoInAMillion) {
  for (int32_t x : {2, 3, 4, 5, 100, 12345, 1 << 28, 1 << 29, 2000000000, 2147483647}) {
    const FixedPointFactor factor = fixed_inverse_sqrt(x);
    const double real = std::ldexp(static_cast<double>(factor.multiplier), factor.shift - 31);
    EXPECT_NEAR(real * std::sqrt(static_cast<double>(x)), 1, 2e-6) << x;
  }
}

TEST(I8Matrix, GivesTheDotProductsOfAllSizes) {
  Random random(7);
  for (int round = 0; round < 60; ++round) {
    const int64_t n = random.size(16), k = random.size(8), rows = random.integer(1, 5);
    std::vector<int8_t> weights(static_cast<size_t>(n * k));
    for (int8_t& w : weights) w = static_cast<int8_t>(random.integer(-128, 127));
    const int64_t stride = i8_padded(k);
    std::vector<int16_t> x(static_cast<size_t>(rows * stride));
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < k; ++i) {
        x[r * stride + i] = static_cast<int16_t>(random.integer(-32768, 32767));
      }
    }
    Memory packed(i8_matrix_packed_bytes(n, k));
    const I8Matrix matrix =
        i8_matrix_pack(n, k, weights.data(), reinterpret_cast<uint8_t*>(packed.get()));
    std::vector<int32_t> sums(static_cast<size_t>(rows * n));
    i8_matrix_product(matrix, rows, x.data(), sums.data(), nullptr);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < n; ++i) {
        int32_t wanted = 0;
        for (int64_t j = 0; j < k; ++j) wanted += x[r * stride + j] * weights[i * k + j];
        ASSERT_EQ(sums[r * n + i], wanted) << n << "x" << k << " row " << r << " " << i;
      }
    }
  }
}

TEST(I8Matrix, QuantizesRowsSymmetricallyAndAsymmetrically) {
  const float x[] = {-1, 0.5f, 2, 0, 0, 0};
  int16_t q[8];
  RowScale scales[2];
  quantize_rows(2, 3, x, 3, false, q, scales);
  EXPECT_FLOAT_EQ(scales[0].scale, 2.0f / 127);
  EXPECT_EQ(std::vector<int16_t>(q, q + 8), (std::vector<int16_t>{-64, 32, 127, 0, 0, 0, 0, 0}));
  quantize_rows(2, 3, x, 3, true, q, scales);
  EXPECT_FLOAT_EQ(scales[0].scale, 3.0f / 255);
  EXPECT_EQ(scales[0].zero_point, -43);
  EXPECT_EQ(std::vector<int16_t>(q, q + 4), (std::vector<int16_t>{-128, -1, 127, 0}));
  const float wild[] = {std::numeric_limits<float>::infinity(),
                        std::numeric_limits<float>::quiet_NaN(), -1};
  quantize_rows(1, 3, wild, 3, false, q, scales);
  quantize_rows(1, 3, wild, 3, true, q, scales);
}

}  // namespace
}  // namespace zeolite::testing
