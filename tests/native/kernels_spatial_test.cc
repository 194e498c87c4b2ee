// Pooling, means, resizing, TRANSPOSE_CONV and the moving of elements.
#include <numeric>

#include "core/kernels/data_movement.h"
#include "core/kernels/f32_pool_2d.h"
#include "core/kernels/f32_transpose_conv.h"
#include "core/kernels/resize_2d.h"
#include "tests/native/support/kernel_testing.h"

namespace zeolite {
namespace {

using testing::Memory;
using testing::Random;
using testing::expect_near;

std::vector<float> reference_pool(const Pool2DShape& s, const std::vector<float>& input,
                                  bool average, F32Clamp clamp) {
  const Window2D& w = s.window;
  std::vector<float> output;
  for (int b = 0; b < s.batch; ++b) {
    for (int oy = 0; oy < s.output_height; ++oy) {
      for (int ox = 0; ox < s.output_width; ++ox) {
        for (int c = 0; c < s.channels; ++c) {
          double sum = 0;
          double most = -std::numeric_limits<double>::infinity();
          int count = 0;
          for (int ky = 0; ky < w.kernel_height; ++ky) {
            for (int kx = 0; kx < w.kernel_width; ++kx) {
              const int y = oy * w.stride_height - w.pad_top + ky;
              const int x = ox * w.stride_width - w.pad_left + kx;
              if (y < 0 || y >= s.input_height || x < 0 || x >= s.input_width) continue;
              const double value =
                  input[((b * s.input_height + y) * s.input_width + x) * s.channels + c];
              sum += value;
              most = std::max(most, value);
              ++count;
            }
          }
          const float y = static_cast<float>(average ? sum / count : most);
          output.push_back(std::min(std::max(y, clamp.min), clamp.max));
        }
      }
    }
  }
  return output;
}

TEST(F32Pool2D, PaddingCountsNeitherAsValueNorInTheDivisor) {
  Random random(1);
  ThreadPool pool(3);
  for (int round = 0; round < 200 && !::testing::Test::HasFailure(); ++round) {
    Pool2DShape s;
    s.batch = random.integer(0, 2);
    s.input_height = random.integer(1, 12);
    s.input_width = random.integer(1, 12);
    s.channels = random.size(8, 0);
    Window2D& w = s.window;
    w.kernel_height = random.integer(1, s.input_height);
    w.kernel_width = random.integer(1, s.input_width);
    w.stride_height = random.integer(1, 3);
    w.stride_width = random.integer(1, 3);
    w.pad_top = random.integer(0, w.kernel_height / 2);
    w.pad_left = random.integer(0, w.kernel_width / 2);
    s.output_height = (s.input_height + 2 * w.pad_top - w.kernel_height) / w.stride_height + 1;
    s.output_width = (s.input_width + 2 * w.pad_left - w.kernel_width) / w.stride_width + 1;
    const auto input =
        random.reals(int64_t{s.batch} * s.input_height * s.input_width * s.channels);
    const F32Clamp clamp = random.integer(0, 1) ? F32Clamp{-0.1f, 0.5f} : kNoClamp;
    std::vector<float> got(int64_t{s.batch} * s.output_height * s.output_width * s.channels);
    f32_average_pool_2d(s, input.data(), got.data(), clamp, &pool);
    expect_near(got, reference_pool(s, input, true, clamp), 1e-6, "average");
    f32_max_pool_2d(s, input.data(), got.data(), clamp, &pool);
    EXPECT_EQ(got, reference_pool(s, input, false, clamp)) << "max";
  }
}

TEST(F32Pool2D, TheMaximumPassesOverNan) {
  Pool2DShape s;
  s.input_height = s.output_height = s.output_width = s.channels = 1;
  s.input_width = s.window.kernel_width = 3;
  const float input[] = {1.0f, std::nanf(""), 2.0f};
  float output = 0.0f;
  f32_max_pool_2d(s, input, &output, kNoClamp, nullptr);
  EXPECT_EQ(output, 2.0f);
}

TEST(F32Reduce, SumsAndMeansMatch) {
  Random random(2);
  ThreadPool pool(3);
  for (int round = 0; round < 100 && !::testing::Test::HasFailure(); ++round) {
    const int batch = random.integer(0, 3);
    const int rows = random.integer(0, 2) == 0 ? random.integer(250, 1000) : random.size(4);
    const int channels = random.size(8, 0);
    const auto input = random.reals(int64_t{batch} * rows * channels);
    std::vector<float> sums(batch * channels);
    std::vector<float> means(batch * channels);
    f32_sum_rows(batch, rows, channels, input.data(), sums.data(), &pool);
    f32_mean_rows(batch, rows, channels, input.data(), means.data(), &pool);
    std::vector<float> wanted_sums;
    std::vector<float> wanted_means;
    for (int b = 0; b < batch; ++b) {
      for (int c = 0; c < channels; ++c) {
        double sum = 0;
        for (int row = 0; row < rows; ++row) sum += input[(b * rows + row) * channels + c];
        wanted_sums.push_back(static_cast<float>(sum));
        wanted_means.push_back(static_cast<float>(sum / rows));
      }
    }
    expect_near(sums, wanted_sums, 2e-6, "sum");
    expect_near(means, wanted_means, 1e-6, "mean");
    std::vector<float> last(batch * rows);
    f32_sum_last(int64_t{batch} * rows, channels, input.data(), last.data(), &pool);
    std::vector<float> wanted_last;
    for (int row = 0; row < batch * rows; ++row) {
      const float* from = input.data() + row * channels;
      wanted_last.push_back(static_cast<float>(std::accumulate(from, from + channels, 0.0)));
    }
    expect_near(last, wanted_last, 2e-6, "last");
  }
  float mean = 0.0f;
  f32_mean_rows(1, 0, 1, &mean, &mean, nullptr);
  EXPECT_TRUE(std::isnan(mean));
}

TEST(F32TransposeConv, EveryInputPixelAddsToItsWindow) {
  Random random(3);
  for (int round = 0; round < 200 && !::testing::Test::HasFailure(); ++round) {
    TransposeConvShape s;
    s.batch = random.integer(0, 2);
    s.input_height = random.size(4);
    s.input_width = random.size(6);
    s.input_channels = random.size(5);
    s.output_channels = random.size(8);
    Window2D& w = s.window;
    w.kernel_height = random.integer(1, 5);
    w.kernel_width = random.integer(1, 5);
    w.stride_height = random.integer(1, 3);
    w.stride_width = random.integer(1, 4);
    w.pad_top = random.integer(0, w.kernel_height - 1);
    w.pad_left = random.integer(0, w.kernel_width - 1);
    s.output_height = std::max(
        1, (s.input_height - 1) * w.stride_height + w.kernel_height - w.pad_top -
               random.integer(-2, 2));
    s.output_width = std::max(1, (s.input_width - 1) * w.stride_width + w.kernel_width -
                                     w.pad_left - random.integer(-2, 2));
    const auto input =
        random.reals(int64_t{s.batch} * s.input_height * s.input_width * s.input_channels);
    const auto weights = random.reals(int64_t{s.output_channels} * w.kernel_height *
                                      w.kernel_width * s.input_channels);
    const auto bias = random.integer(0, 1) ? random.reals(s.output_channels) : std::vector<float>();
    std::vector<double> sums(int64_t{s.batch} * s.output_height * s.output_width *
                             s.output_channels);
    for (size_t i = 0; i < sums.size(); ++i) {
      sums[i] = bias.empty() ? 0.0 : bias[i % s.output_channels];
    }
    for (int b = 0; b < s.batch; ++b) {
      for (int iy = 0; iy < s.input_height; ++iy) {
        for (int ix = 0; ix < s.input_width; ++ix) {
          for (int ky = 0; ky < w.kernel_height; ++ky) {
            for (int kx = 0; kx < w.kernel_width; ++kx) {
              const int oy = iy * w.stride_height + ky - w.pad_top;
              const int ox = ix * w.stride_width + kx - w.pad_left;
              if (oy < 0 || oy >= s.output_height || ox < 0 || ox >= s.output_width) continue;
              for (int o = 0; o < s.output_channels; ++o) {
                for (int c = 0; c < s.input_channels; ++c) {
                  sums[((b * s.output_height + oy) * s.output_width + ox) * s.output_channels +
                       o] +=
                      double{input[((b * s.input_height + iy) * s.input_width + ix) *
                                       s.input_channels + c]} *
                      weights[((o * w.kernel_height + ky) * w.kernel_width + kx) *
                                  s.input_channels + c];
                }
              }
            }
          }
        }
      }
    }
    std::vector<float> wanted;
    for (double sum : sums) wanted.push_back(std::max(static_cast<float>(sum), 0.0f));
    for (int threads : {1, 3}) {
      ThreadPool pool(threads);
      const F32TransposeConvPlan plan = f32_transpose_conv_plan(s, threads);
      Memory packed(plan.packed_bytes);
      Memory scratch(plan.scratch_bytes);
      f32_transpose_conv_pack(plan, weights.data(), bias.empty() ? nullptr : bias.data(),
                              packed.get());
      std::vector<float> got(wanted.size(), std::nanf(""));
      f32_transpose_conv_run(plan, packed.get(), input.data(), got.data(), kReluClamp,
                             scratch.get(), &pool);
      expect_near(got, wanted, 5e-6, "round " + std::to_string(round));
    }
  }
}

TEST(Transpose, AnyPermutationOfAnyElementSize) {
  Random random(4);
  ThreadPool pool(3);
  for (int round = 0; round < 400 && !::testing::Test::HasFailure(); ++round) {
    const int rank = random.integer(0, 6);
    std::vector<int32_t> shape;
    for (int i = 0; i < rank; ++i) {
      const bool empty = rank > 3 && random.integer(0, 25) == 0;
      shape.push_back(empty ? 0 : random.integer(1, rank <= 3 ? 40 : 6));
    }
    std::vector<int32_t> permutation(rank);
    std::iota(permutation.begin(), permutation.end(), 0);
    for (int i = rank - 1; i > 0; --i) std::swap(permutation[i], permutation[random.integer(0, i)]);
    const int sizes[] = {1, 2, 4, 8, 3};
    const int bytes = sizes[random.integer(0, 4)];
    int64_t count = 1;
    for (int32_t size : shape) count *= size;
    std::vector<uint64_t> aligned_input(count * bytes / 8 + 1);
    std::vector<uint64_t> aligned_output(count * bytes / 8 + 1);
    uint8_t* const input = reinterpret_cast<uint8_t*>(aligned_input.data());
    uint8_t* const output = reinterpret_cast<uint8_t*>(aligned_output.data());
    for (int64_t i = 0; i < count * bytes; ++i) input[i] = random.integer(0, 255);
    transpose(shape, permutation, bytes, input, output, &pool);
    for (int64_t i = 0; i < count; ++i) {
      std::vector<int64_t> at(rank);
      int64_t rest = i;
      for (int d = rank - 1; d >= 0; --d) {
        at[permutation[d]] = rest % shape[permutation[d]];
        rest /= shape[permutation[d]];
      }
      int64_t from = 0;
      for (int d = 0; d < rank; ++d) from = from * shape[d] + at[d];
      ASSERT_EQ(0, std::memcmp(output + i * bytes, input + from * bytes, bytes))
          << "round " << round << " element " << i;
    }
  }
}

TEST(CopyBlocks, BlocksKeepTheirDistances) {
  const std::vector<uint8_t> source = {1, 2, 3, 4, 5, 6};
  std::vector<uint8_t> target(8, 0);
  copy_blocks(3, 1, source.data(), 2, target.data(), 3);
  EXPECT_EQ(target, (std::vector<uint8_t>{1, 0, 0, 3, 0, 0, 5, 0}));
  copy_blocks(3, 2, source.data(), 2, target.data(), 2);
  EXPECT_EQ(target, (std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 5, 0}));
  copy_blocks(0, 2, nullptr, 2, nullptr, 2);
}

Resize2DShape resize_shape(int input_height, int input_width, int channels, int output_height,
                           int output_width, bool align, bool half) {
  Resize2DShape s;
  s.input_height = input_height;
  s.input_width = input_width;
  s.channels = channels;
  s.output_height = output_height;
  s.output_width = output_width;
  s.align_corners = align;
  s.half_pixel_centers = half;
  return s;
}

TEST(ResizeBilinear, PositionsFollowTheOptions) {
  const std::vector<float> input = {0.0f, 10.0f};
  std::vector<float> out(4);
  const auto run = [&](bool align, bool half) {
    f32_resize_bilinear(resize_shape(1, 2, 1, 1, 4, align, half), input.data(), out.data(),
                        nullptr);
    return out;
  };
  EXPECT_EQ(run(false, false), (std::vector<float>{0.0f, 5.0f, 10.0f, 10.0f}));
  EXPECT_EQ(run(false, true), (std::vector<float>{0.0f, 2.5f, 7.5f, 10.0f}));
  expect_near(run(true, false), {0.0f, 10.0f / 3, 20.0f / 3, 10.0f}, 1e-6, "align_corners");
}

TEST(ResizeBilinear, EveryChannelIsMixedAlike) {
  Random random(5);
  ThreadPool pool(3);
  for (int channels : {1, 3, 4, 5, 9}) {
    const auto plane = random.reals(5 * 7);
    std::vector<float> input;
    for (float value : plane) {
      for (int c = 0; c < channels; ++c) input.push_back(value * (c + 1));
    }
    std::vector<float> one(11 * 4);
    f32_resize_bilinear(resize_shape(5, 7, 1, 11, 4, false, true), plane.data(), one.data(),
                        nullptr);
    std::vector<float> wanted;
    for (float value : one) {
      for (int c = 0; c < channels; ++c) wanted.push_back(value * (c + 1));
    }
    std::vector<float> got(wanted.size());
    f32_resize_bilinear(resize_shape(5, 7, channels, 11, 4, false, true), input.data(),
                        got.data(), &pool);
    expect_near(got, wanted, 1e-6, std::to_string(channels));
  }
}

TEST(ResizeNearest, PositionsFollowTheOptions) {
  const std::vector<int16_t> input = {1, 2, 3};
  std::vector<int16_t> out(5);
  const auto run = [&](bool align, bool half) {
    resize_nearest(resize_shape(3, 1, 1, 5, 1, align, half), 2, input.data(), out.data(), nullptr);
    return out;
  };
  EXPECT_EQ(run(false, false), (std::vector<int16_t>{1, 1, 2, 2, 3}));
  EXPECT_EQ(run(false, true), (std::vector<int16_t>{1, 1, 2, 3, 3}));
  EXPECT_EQ(run(true, false), (std::vector<int16_t>{1, 2, 2, 3, 3}));
}

}  // namespace
}  // namespace zeolite
