// Random data for tests of kernels, and buffers whose ends the sanitizer watches.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace zeolite::testing {

// Numbers from a fixed seed; each test names its own.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  int integer(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }

  // One of the sizes at which tiles of `tile` go wrong first, or any up to 2 * tile + 1.
  int size(int tile, int low = 1) {
    const int edges[] = {low, 1, 3, tile - 1, tile, tile + 1, integer(1, 2 * tile + 1)};
    return std::max(low, edges[integer(0, 6)]);
  }

  float real(float low = -1.0f, float high = 1.0f) {
    return std::uniform_real_distribution<float>(low, high)(engine_);
  }

  std::vector<float> reals(int64_t count, float low = -1.0f, float high = 1.0f) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = real(low, high);
    return values;
  }

 private:
  std::mt19937 engine_;
};

// Scratch or packed weights: exactly `bytes` long, so that a step beyond is seen, filled with NaN,
// so that reading what nothing wrote is seen too.
class Memory {
 public:
  explicit Memory(uint64_t bytes) : floats_(new float[(bytes + 3) / 4]) {
    std::fill_n(floats_.get(), (bytes + 3) / 4, std::numeric_limits<float>::quiet_NaN());
  }
  float* get() { return floats_.get(); }

 private:
  std::unique_ptr<float[]> floats_;
};

// Expects each value within `relative` of the largest wanted one (at least of 1).
inline void expect_near(const std::vector<float>& got, const std::vector<float>& wanted,
                        double relative, const std::string& what) {
  ASSERT_EQ(got.size(), wanted.size()) << what;
  double largest = 1.0;
  for (float value : wanted) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(double{value}));
  }
  for (size_t i = 0; i < got.size(); ++i) {
    if (got[i] == wanted[i] || (std::isnan(got[i]) && std::isnan(wanted[i]))) continue;
    ASSERT_LE(std::abs(double{got[i]} - double{wanted[i]}), relative * largest)
        << what << ", element " << i << ": " << got[i] << " instead of " << wanted[i];
  }
}

}  // namespace zeolite::testing
