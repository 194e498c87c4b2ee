#include "core/kernels/f32_matmul.h"

#include "tests/native/support/kernel_testing.h"

namespace zeolite {
namespace {

using testing::Memory;
using testing::Random;
using testing::expect_near;

TEST(F32Gemm, PackedAndUnpackedWeightsGiveTheSumOfProducts) {
  Random random(1);
  for (int round = 0; round < 120 && !::testing::Test::HasFailure(); ++round) {
    const int m = random.size(8, 0);
    const int n = random.size(16, 0);
    const int k = random.size(12, 0);
    const int a_stride = k + random.integer(0, 3);
    const int out_stride = n + random.integer(0, 3);
    const std::string what =
        std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
    const auto a = random.reals(int64_t{m} * a_stride);
    const auto weights = random.reals(int64_t{n} * k);
    const auto bias = random.integer(0, 1) ? random.reals(n) : std::vector<float>();
    const float* const bias_data = bias.empty() ? nullptr : bias.data();
    const F32Clamp clamp = random.integer(0, 1) ? F32Clamp{-0.5f, 1.0f} : kNoClamp;
    std::vector<float> wanted(int64_t{m} * out_stride, 7.0f);
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        double sum = bias.empty() ? 0.0 : bias[j];
        for (int l = 0; l < k; ++l) sum += double{a[i * a_stride + l]} * weights[j * k + l];
        wanted[i * out_stride + j] = std::min(std::max(float(sum), clamp.min), clamp.max);
      }
    }
    Memory packed(f32_gemm_packed_bytes(n, k));
    f32_gemm_pack(n, k, weights.data(), k, 1, bias_data, packed.get());
    std::vector<float> got(wanted.size(), 7.0f);
    f32_gemm(m, n, k, a.data(), a_stride, packed.get(), got.data(), out_stride, clamp, nullptr);
    expect_near(got, wanted, 1e-5, "packed " + what);
    std::fill(got.begin(), got.end(), 7.0f);
    f32_gemv_rows(m, n, k, a.data(), a_stride, weights.data(), k, bias_data, got.data(),
                  out_stride, clamp, nullptr);
    expect_near(got, wanted, 1e-5, "rows " + what);
  }
}

TEST(F32Gemm, ThreadsDontChangeAByte) {
  Random random(2);
  ThreadPool pool(3);
  for (const auto& [m, n, k] : {std::tuple{300, 70, 90}, {5, 600, 700}, {1, 900, 800}}) {
    const auto a = random.reals(int64_t{m} * k);
    const auto weights = random.reals(int64_t{n} * k);
    Memory packed(f32_gemm_packed_bytes(n, k));
    f32_gemm_pack(n, k, weights.data(), k, 1, nullptr, packed.get());
    std::vector<float> one(int64_t{m} * n);
    std::vector<float> three(int64_t{m} * n);
    f32_gemm(m, n, k, a.data(), k, packed.get(), one.data(), n, kNoClamp, nullptr);
    f32_gemm(m, n, k, a.data(), k, packed.get(), three.data(), n, kNoClamp, &pool);
    EXPECT_EQ(one, three);
    f32_gemv_rows(m, n, k, a.data(), k, weights.data(), k, nullptr, one.data(), n, kNoClamp,
                  nullptr);
    f32_gemv_rows(m, n, k, a.data(), k, weights.data(), k, nullptr, three.data(), n, kNoClamp,
                  &pool);
    EXPECT_EQ(one, three);
  }
}

TEST(F32Gemm, OneRowGivesTheBytesOfThatRowAmongOthers) {
  Random random(4);
  for (const int n : {1, 8, 9, 24, 40, 47, 48, 49, 95, 96, 97, 200}) {
    const int k = random.size(40, 0);
    const int m = 7;
    const auto a = random.reals(m * k);
    const auto weights = random.reals(int64_t{n} * k);
    const auto bias = random.reals(n);
    Memory packed(f32_gemm_packed_bytes(n, k));
    f32_gemm_pack(n, k, weights.data(), k, 1, bias.data(), packed.get());
    std::vector<float> all(m * n);
    std::vector<float> one(m * n + 1, 7.0f);
    f32_gemm(m, n, k, a.data(), k, packed.get(), all.data(), n, kRelu6Clamp, nullptr);
    all.push_back(7.0f);
    for (int i = m; i-- > 0;) {
      f32_gemm(1, n, k, a.data() + i * k, k, packed.get(), one.data() + i * n, n, kRelu6Clamp,
               nullptr);
    }
    EXPECT_EQ(one, all) << n << "x" << k;
  }
}

TEST(F32Gemm, NanPassesTheClamp) {
  const float a[] = {std::nanf("")};
  const float w[] = {1.0f};
  float packed[16];
  float out = 0.0f;
  f32_gemm_pack(1, 1, w, 1, 1, nullptr, packed);
  f32_gemm(1, 1, 1, a, 1, packed, &out, 1, kRelu6Clamp, nullptr);
  EXPECT_TRUE(std::isnan(out));
  f32_gemv_rows(1, 1, 1, a, 1, w, 1, nullptr, &out, 1, kRelu6Clamp, nullptr);
  EXPECT_TRUE(std::isnan(out));
}

TEST(F32BatchMatmul, EveryTranspositionGivesTheSumOfProducts) {
  Random random(3);
  for (int round = 0; round < 120 && !::testing::Test::HasFailure(); ++round) {
    F32BatchMatmulShape s;
    s.batch_count = random.integer(0, 5);
    s.m = random.size(6, 0);
    s.n = random.size(10, 0);
    s.k = random.size(8, 0);
    s.transpose_a = random.integer(0, 1);
    s.transpose_b = random.integer(0, 1);
    const auto a = random.reals(s.m * s.k * 2);
    const auto b = random.reals(s.n * s.k * std::max<int64_t>(s.batch_count, 1));
    std::vector<int64_t> a_offsets;
    std::vector<int64_t> b_offsets;
    std::vector<float> wanted;
    for (int64_t i = 0; i < s.batch_count; ++i) {
      a_offsets.push_back(i % 2 * s.m * s.k);
      b_offsets.push_back(i * s.n * s.k);
      for (int64_t row = 0; row < s.m; ++row) {
        for (int64_t column = 0; column < s.n; ++column) {
          double sum = 0.0;
          for (int64_t l = 0; l < s.k; ++l) {
            sum += double{a[a_offsets[i] + (s.transpose_a ? l * s.m + row : row * s.k + l)]} *
                   b[b_offsets[i] + (s.transpose_b ? column * s.k + l : l * s.n + column)];
          }
          wanted.push_back(float(sum));
        }
      }
    }
    for (int threads : {1, 3}) {
      ThreadPool pool(threads);
      Memory scratch(f32_batch_matmul_scratch_bytes(s, threads));
      std::vector<float> got(wanted.size());
      f32_batch_matmul(s, a.data(), a_offsets.data(), b.data(), b_offsets.data(), got.data(),
                       scratch.get(), &pool);
      expect_near(got, wanted, 1e-5, std::to_string(round));
    }
  }
}

}  // namespace
}  // namespace zeolite
