#include "core/kernels/f32_conv_2d.h"

#include "core/kernels/f32_depthwise_conv_2d.h"
#include "tests/native/support/kernel_testing.h"

namespace zeolite {
namespace {

using testing::Memory;
using testing::Random;
using testing::expect_near;

std::string describe(const Window2D& w) {
  return "kernel " + std::to_string(w.kernel_height) + "x" + std::to_string(w.kernel_width) +
         " stride " + std::to_string(w.stride_height) + "x" + std::to_string(w.stride_width) +
         " dilation " + std::to_string(w.dilation_height) + "x" +
         std::to_string(w.dilation_width) + " padding " + std::to_string(w.pad_top) + "," +
         std::to_string(w.pad_left);
}

std::string describe(const Conv2DShape& s) {
  return std::to_string(s.batch) + "x" + std::to_string(s.input_height) + "x" +
         std::to_string(s.input_width) + "x" + std::to_string(s.input_channels) + " to " +
         std::to_string(s.output_height) + "x" + std::to_string(s.output_width) + "x" +
         std::to_string(s.output_channels) + " groups " + std::to_string(s.groups) + " " +
         describe(s.window);
}

float clamped(double y, F32Clamp clamp) {
  return std::min(std::max(static_cast<float>(y), clamp.min), clamp.max);
}

std::vector<float> reference_conv(const Conv2DShape& s, const std::vector<float>& input,
                                  const std::vector<float>& weights,
                                  const std::vector<float>& bias, F32Clamp clamp) {
  const Window2D& w = s.window;
  const int group_inputs = s.input_channels / s.groups;
  const int group_outputs = s.output_channels / s.groups;
  std::vector<float> output;
  for (int b = 0; b < s.batch; ++b) {
    for (int oy = 0; oy < s.output_height; ++oy) {
      for (int ox = 0; ox < s.output_width; ++ox) {
        for (int o = 0; o < s.output_channels; ++o) {
          double sum = bias.empty() ? 0.0 : bias[o];
          for (int ky = 0; ky < w.kernel_height; ++ky) {
            for (int kx = 0; kx < w.kernel_width; ++kx) {
              const int y = oy * w.stride_height - w.pad_top + ky * w.dilation_height;
              const int x = ox * w.stride_width - w.pad_left + kx * w.dilation_width;
              if (y < 0 || y >= s.input_height || x < 0 || x >= s.input_width) continue;
              for (int i = 0; i < group_inputs; ++i) {
                const int c = o / group_outputs * group_inputs + i;
                sum += double{input[((b * s.input_height + y) * s.input_width + x) *
                                        s.input_channels + c]} *
                       weights[((o * w.kernel_height + ky) * w.kernel_width + kx) * group_inputs +
                               i];
              }
            }
          }
          output.push_back(clamped(sum, clamp));
        }
      }
    }
  }
  return output;
}

std::vector<float> run_conv(const Conv2DShape& s, bool winograd, int threads,
                            const std::vector<float>& input, const std::vector<float>& weights,
                            const std::vector<float>& bias, F32Clamp clamp,
                            F32ConvAlgorithm* algorithm = nullptr) {
  F32Conv2DOptions options;
  options.winograd = winograd;
  ThreadPool pool(threads);
  const F32Conv2DPlan plan = f32_conv_2d_plan(s, threads, options, weights.data());
  if (algorithm != nullptr) *algorithm = plan.algorithm;
  Memory packed(plan.packed_bytes);
  Memory scratch(plan.scratch_bytes);
  f32_conv_2d_pack(plan, weights.data(), bias.empty() ? nullptr : bias.data(), packed.get());
  std::vector<float> output(int64_t{s.batch} * s.output_height * s.output_width *
                                s.output_channels,
                            std::nanf(""));
  f32_conv_2d_run(plan, packed.get(), input.data(), output.data(), clamp, scratch.get(), &pool);
  return output;
}

void set_output_size(Conv2DShape* s, Random* random) {
  Window2D& w = s->window;
  const int height = (w.kernel_height - 1) * w.dilation_height + 1;
  const int width = (w.kernel_width - 1) * w.dilation_width + 1;
  w.pad_top = random->integer(0, height - 1);
  w.pad_left = random->integer(0, width - 1);
  const int pad_bottom = random->integer(0, height - 1);
  const int pad_right = random->integer(0, width - 1);
  s->output_height = (s->input_height + w.pad_top + pad_bottom - height) / w.stride_height + 1;
  s->output_width = (s->input_width + w.pad_left + pad_right - width) / w.stride_width + 1;
  if (s->input_height + w.pad_top + pad_bottom < height) s->output_height = 0;
  if (s->input_width + w.pad_left + pad_right < width) s->output_width = 0;
}

// `zeros`: the share of the weights that are set to zero.
void check_conv(const Conv2DShape& s, Random* random, float zeros = 0.0f) {
  const int64_t taps = int64_t{s.window.kernel_height} * s.window.kernel_width;
  const auto input =
      random->reals(int64_t{s.batch} * s.input_height * s.input_width * s.input_channels);
  auto weights = random->reals(taps * s.output_channels * (s.input_channels / s.groups));
  for (float& weight : weights) {
    if (random->real(0.0f, 1.0f) < zeros) weight = 0.0f;
  }
  const auto bias = random->integer(0, 1) ? random->reals(s.output_channels) : std::vector<float>();
  const F32Clamp clamp = random->integer(0, 1) ? F32Clamp{-0.5f, 1.0f} : kNoClamp;
  const auto wanted = reference_conv(s, input, weights, bias, clamp);
  const auto direct = run_conv(s, false, 1, input, weights, bias, clamp);
  expect_near(direct, wanted, 1e-5, "direct " + describe(s));
  F32ConvAlgorithm algorithm;
  const auto fast = run_conv(s, true, 1, input, weights, bias, clamp, &algorithm);
  if (algorithm == F32ConvAlgorithm::kWinograd) {
    expect_near(fast, wanted, 2e-5, "Winograd " + describe(s));
  }
  const auto threaded = run_conv(s, true, 3, input, weights, bias, clamp);
  EXPECT_EQ(fast, threaded)
      << "three threads give other bytes than one: " << describe(s);
}

TEST(F32Conv2D, AnyWindowMatchesTheSumOfProducts) {
  Random random(1);
  for (int round = 0; round < 150 && !::testing::Test::HasFailure(); ++round) {
    Conv2DShape s;
    s.batch = random.integer(1, 2);
    s.input_height = random.size(6);
    s.input_width = random.size(10);
    s.groups = random.integer(0, 3) == 0 ? random.integer(2, 3) : 1;
    s.input_channels = random.size(8) * s.groups;
    s.output_channels = random.size(8) * s.groups;
    s.window.kernel_height = random.integer(1, 4);
    s.window.kernel_width = random.integer(1, 5);
    s.window.stride_height = random.integer(1, 3);
    s.window.stride_width = random.integer(1, 3);
    s.window.dilation_height = random.integer(1, 2);
    s.window.dilation_width = random.integer(0, 2) == 0 ? 2 : 1;
    set_output_size(&s, &random);
    check_conv(s, &random);
  }
}

TEST(F32Conv2D, OneByOneMatchesTheSumOfProducts) {
  Random random(2);
  for (int round = 0; round < 60 && !::testing::Test::HasFailure(); ++round) {
    Conv2DShape s;
    s.input_height = s.output_height = random.integer(1, 12);
    s.input_width = s.output_width = random.integer(1, 12);
    s.input_channels = random.size(16);
    s.output_channels = random.size(16);
    check_conv(s, &random);
  }
}

TEST(F32Conv2D, ThreeByThreeWithStrideOneMatchesTheSumOfProducts) {
  Random random(3);
  for (int round = 0; round < 40 && !::testing::Test::HasFailure(); ++round) {
    Conv2DShape s;
    s.batch = random.integer(1, 2);
    s.input_height = random.integer(2, 17);
    s.input_width = random.integer(2, 17);
    s.input_channels = random.integer(16, 40);
    s.output_channels = random.integer(16, 40);
    s.window.kernel_height = s.window.kernel_width = 3;
    set_output_size(&s, &random);
    check_conv(s, &random);
  }
}

TEST(F32Conv2D, SkippingZerosMatchesTheSumOfProducts) {
  Random random(9);
  for (int round = 0; round < 60 && !::testing::Test::HasFailure(); ++round) {
    Conv2DShape s;
    s.batch = random.integer(1, 2);
    s.input_height = random.integer(4, 12);
    s.input_width = random.integer(4, 12);
    s.input_channels = random.size(8);
    s.output_channels = random.integer(16, 35);
    s.window.kernel_height = random.integer(1, 3);
    s.window.kernel_width = random.integer(1, 3);
    s.window.stride_height = random.integer(1, 2);
    s.window.stride_width = random.integer(1, 2);
    s.window.dilation_width = random.integer(1, 2);
    set_output_size(&s, &random);
    check_conv(s, &random, random.integer(0, 3) == 0 ? 1.0f : 0.9f);
  }
}

TEST(F32Conv2D, MostlyZeroWeightsAreStoredAsTheOthersOnly) {
  Conv2DShape s;
  s.input_height = s.output_height = s.input_width = s.output_width = 8;
  s.input_channels = s.output_channels = 64;
  std::vector<float> weights(64 * 64, 0.0f);
  for (size_t i = 0; i < weights.size(); i += 10) weights[i] = 1.0f;
  const F32Conv2DPlan plan = f32_conv_2d_plan(s, 1, {}, weights.data());
  EXPECT_EQ(plan.algorithm, F32ConvAlgorithm::kSparse);
  EXPECT_LT(plan.packed_bytes, weights.size() * sizeof(float) / 3);
}

TEST(F32Conv2D, ManyPixelsAreSplitWithoutChangingAByte) {
  Random random(4);
  Conv2DShape s;
  s.input_height = s.output_height = 40;
  s.input_width = s.output_width = 37;
  s.input_channels = s.output_channels = 36;
  check_conv(s, &random);
  s.window.kernel_height = s.window.kernel_width = 3;
  s.window.pad_top = s.window.pad_left = 1;
  check_conv(s, &random);
  s.input_channels = 3;
  check_conv(s, &random);
}

TEST(F32Conv2D, AnEmptyTensorGivesAnEmptyTensor) {
  Random random(5);
  Conv2DShape s;
  s.window.kernel_height = s.window.kernel_width = 3;
  s.input_height = s.input_width = 4;
  s.output_height = s.output_width = 2;
  for (int which = 0; which < 4; ++which) {
    Conv2DShape empty = s;
    empty.input_channels = 16;
    empty.output_channels = 16;
    if (which == 0) empty.batch = 0;
    if (which == 1) empty.output_height = 0;
    if (which == 2) empty.output_channels = 0;
    if (which == 3) empty.input_channels = 0;
    check_conv(empty, &random);
  }
}

std::vector<float> reference_depthwise(const DepthwiseConv2DShape& s,
                                       const std::vector<float>& input,
                                       const std::vector<float>& weights,
                                       const std::vector<float>& bias, F32Clamp clamp) {
  const Window2D& w = s.window;
  const int outputs = s.input_channels * s.multiplier;
  std::vector<float> output;
  for (int b = 0; b < s.batch; ++b) {
    for (int oy = 0; oy < s.output_height; ++oy) {
      for (int ox = 0; ox < s.output_width; ++ox) {
        for (int o = 0; o < outputs; ++o) {
          double sum = bias.empty() ? 0.0 : bias[o];
          for (int ky = 0; ky < w.kernel_height; ++ky) {
            for (int kx = 0; kx < w.kernel_width; ++kx) {
              const int y = oy * w.stride_height - w.pad_top + ky * w.dilation_height;
              const int x = ox * w.stride_width - w.pad_left + kx * w.dilation_width;
              if (y < 0 || y >= s.input_height || x < 0 || x >= s.input_width) continue;
              sum += double{input[((b * s.input_height + y) * s.input_width + x) *
                                      s.input_channels + o / s.multiplier]} *
                     weights[(ky * w.kernel_width + kx) * outputs + o];
            }
          }
          output.push_back(clamped(sum, clamp));
        }
      }
    }
  }
  return output;
}

std::vector<float> run_depthwise(const DepthwiseConv2DShape& s, int threads,
                                 const std::vector<float>& input,
                                 const std::vector<float>& weights,
                                 const std::vector<float>& bias, F32Clamp clamp) {
  ThreadPool pool(threads);
  const F32DepthwiseConv2DPlan plan = f32_depthwise_conv_2d_plan(s, threads);
  Memory packed(plan.packed_bytes);
  Memory scratch(plan.scratch_bytes);
  f32_depthwise_conv_2d_pack(plan, weights.data(), bias.empty() ? nullptr : bias.data(),
                             packed.get());
  std::vector<float> output(int64_t{s.batch} * s.output_height * s.output_width *
                                s.input_channels * s.multiplier,
                            std::nanf(""));
  f32_depthwise_conv_2d_run(plan, packed.get(), input.data(), output.data(), clamp, scratch.get(),
                            &pool);
  return output;
}

void check_depthwise(const DepthwiseConv2DShape& s, Random* random) {
  const int outputs = s.input_channels * s.multiplier;
  const auto input =
      random->reals(int64_t{s.batch} * s.input_height * s.input_width * s.input_channels);
  const auto weights =
      random->reals(int64_t{s.window.kernel_height} * s.window.kernel_width * outputs);
  const auto bias = random->integer(0, 1) ? random->reals(outputs) : std::vector<float>();
  const F32Clamp clamp = random->integer(0, 1) ? F32Clamp{-0.5f, 1.0f} : kNoClamp;
  const std::string what = std::to_string(s.batch) + "x" + std::to_string(s.input_height) + "x" +
                           std::to_string(s.input_width) + "x" + std::to_string(s.input_channels) +
                           " times " + std::to_string(s.multiplier) + " to " +
                           std::to_string(s.output_height) + "x" + std::to_string(s.output_width) +
                           " " + describe(s.window);
  const auto got = run_depthwise(s, 1, input, weights, bias, clamp);
  expect_near(got, reference_depthwise(s, input, weights, bias, clamp), 1e-5, what);
  const auto threaded = run_depthwise(s, 3, input, weights, bias, clamp);
  EXPECT_EQ(got, threaded)
      << "three threads give other bytes than one: " << what;
}

TEST(F32DepthwiseConv2D, AnyWindowMatchesTheSumOfProducts) {
  Random random(6);
  for (int round = 0; round < 300 && !::testing::Test::HasFailure(); ++round) {
    Conv2DShape size;
    size.input_height = random.size(6);
    size.input_width = random.size(12);
    size.window.kernel_height = random.integer(1, 7);
    size.window.kernel_width = random.integer(1, 7);
    size.window.stride_height = random.integer(1, 3);
    size.window.stride_width = random.integer(1, 3);
    size.window.dilation_height = random.integer(0, 3) == 0 ? 2 : 1;
    size.window.dilation_width = random.integer(0, 3) == 0 ? 2 : 1;
    set_output_size(&size, &random);
    DepthwiseConv2DShape s;
    s.batch = random.integer(1, 2);
    s.input_height = size.input_height;
    s.input_width = size.input_width;
    s.input_channels = random.size(4);
    s.output_height = size.output_height;
    s.output_width = size.output_width;
    s.multiplier = random.integer(0, 2) == 0 ? random.integer(2, 5) : 1;
    s.window = size.window;
    check_depthwise(s, &random);
  }
}

TEST(F32DepthwiseConv2D, ManyRowsAreSplitWithoutChangingAByte) {
  Random random(7);
  DepthwiseConv2DShape s;
  s.batch = 2;
  s.input_height = s.output_height = 40;
  s.input_width = s.output_width = 41;
  s.input_channels = 22;
  s.window.kernel_height = s.window.kernel_width = 5;
  s.window.pad_top = s.window.pad_left = 2;
  check_depthwise(s, &random);
  s.multiplier = 2;
  check_depthwise(s, &random);
}

TEST(F32DepthwiseConv2D, AnEmptyTensorGivesAnEmptyTensor) {
  Random random(8);
  DepthwiseConv2DShape s;
  s.window.kernel_height = s.window.kernel_width = 3;
  s.input_height = s.input_width = 4;
  s.output_height = s.output_width = 2;
  s.input_channels = 0;
  check_depthwise(s, &random);
  s.input_channels = 5;
  s.batch = 0;
  check_depthwise(s, &random);
}

}  // namespace
}  // namespace zeolite
