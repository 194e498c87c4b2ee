// The integer convolutions against plain loops, whole numbers to the bit.
#include <cmath>

#include "core/kernels/i8_conv_2d.h"
#include "core/kernels/i8_depthwise_conv_2d.h"
#include "core/kernels/i8_requantize.h"
#include "core/kernels/i8_store.h"
#include "core/kernels/i8_transpose_conv.h"
#include "tests/native/support/kernel_testing.h"

namespace zeolite {
namespace {

using testing::Memory;
using testing::Random;

// One convolution's numbers: what is stored, and what it means.
struct Numbers {
  ActivationForm activations;
  SumStage stage;
  I8Weights weights;
  bool wide_weights = false;
  std::vector<uint8_t> input;
  std::vector<uint8_t> weight_bytes;
  std::vector<FixedPointFactor> factors;
  std::vector<float> scales;
  std::vector<int32_t> bias;
  std::vector<int64_t> wide_bias;
  std::vector<float> float_bias;
  bool has_bias = false;
  // As the loops see them:
  std::vector<int32_t> x;  // Minus the zero point.
  std::vector<float> x_scales;  // Of each image.
  std::vector<int32_t> w;

  SumColumns columns() const {
    SumColumns result;
    result.count = static_cast<int64_t>(factors.size());
    result.factors = factors.data();
    result.scales = scales.data();
    if (!has_bias) return result;
    result.bias_is_wide = stage.wide && stage.rounding != SumRounding::kOnce;
    result.bias = stage.output == SumOutput::kFloat32
                      ? static_cast<const void*>(float_bias.data())
                  : result.bias_is_wide ? static_cast<const void*>(wide_bias.data())
                                        : static_cast<const void*>(bias.data());
    return result;
  }
};

template <class T>
void append(std::vector<uint8_t>* bytes, T value) {
  const auto* from = reinterpret_cast<const uint8_t*>(&value);
  bytes->insert(bytes->end(), from, from + sizeof(T));
}

int32_t extreme_or(Random* random, int low, int high) {
  switch (random->integer(0, 5)) {
    case 0: return low;
    case 1: return high;
    default: return random->integer(low, high);
  }
}

// Images of `image` activations each, `weights` weights, `channels` of the output.
Numbers random_numbers(Random* random, int64_t images, int64_t image, int64_t weights,
                       int64_t channels, bool usual) {
  Numbers n;
  const int kind = random->integer(0, 3);
  n.has_bias = random->integer(0, 3) != 0;
  if (kind < 2) {
    constexpr SumRounding kRoundings[] = {SumRounding::kTwice, SumRounding::kHalvesUp,
                                          SumRounding::kBlocks};
    n.stage.rounding = kRoundings[random->integer(0, 2)];
  }
  const int64_t count = images * image;
  switch (kind) {
    case 0:
      n.activations = {ActivationType::kInt8, extreme_or(random, -128, 127)};
      n.stage.output = random->integer(0, 4) == 0 ? SumOutput::kInt32 : SumOutput::kInt8;
      for (int64_t i = 0; i < count; ++i) {
        const int32_t v = extreme_or(random, -128, 127);
        append(&n.input, static_cast<int8_t>(v));
        n.x.push_back(v - n.activations.zero_point);
      }
      n.weights.bits = static_cast<uint8_t>(8 >> random->integer(0, 2));
      break;
    case 1:
      n.activations = {ActivationType::kUint8, extreme_or(random, 0, 255)};
      n.stage.output = random->integer(0, 2) == 0 ? SumOutput::kInt16 : SumOutput::kUint8;
      for (int64_t i = 0; i < count; ++i) {
        const int32_t v = extreme_or(random, 0, 255);
        append(&n.input, static_cast<uint8_t>(v));
        n.x.push_back(v - n.activations.zero_point);
      }
      n.weights.is_signed = false;
      n.weights.zero_point = extreme_or(random, 0, 255);
      n.wide_weights = true;
      break;
    case 2:
      n.activations.type = ActivationType::kInt16;
      n.stage.output = SumOutput::kInt16;
      n.stage.wide = random->integer(0, 2) != 0;
      if (n.stage.wide && random->integer(0, 1) == 0) n.stage.rounding = SumRounding::kOnce;
      for (int64_t i = 0; i < count; ++i) {
        n.x.push_back(extreme_or(random, -32768, 32767));
        append(&n.input, static_cast<int16_t>(n.x.back()));
      }
      break;
    default:
      n.activations.type = ActivationType::kFloat32;
      n.activations.asymmetric = random->integer(0, 1) == 0;
      n.stage.output = SumOutput::kFloat32;
      if (random->integer(0, 1)) n.stage.clamp = {-0.5f, 1.0f};
      for (int64_t b = 0; b < images; ++b) {
        // Integers up to 255 apart, so that their quantization is exact and the sums known.
        const int low = n.activations.asymmetric ? extreme_or(random, -255, 0) : -127;
        const int high = n.activations.asymmetric ? low + 255 : 127;
        for (int64_t i = 0; i < image; ++i) {
          n.x.push_back(i == 0 ? low : i == 1 ? high : random->integer(low, high));
          append(&n.input, 0.25f * static_cast<float>(n.x.back()));
        }
      }
      n.x_scales.assign(images, 0.25f);
  }
  if (n.weights.bits == 8) {
    for (int64_t i = 0; i < weights; ++i) {
      const int32_t v = n.weights.is_signed ? extreme_or(random, -128, 127)
                                            : extreme_or(random, 0, 255);
      n.weight_bytes.push_back(static_cast<uint8_t>(v));
      n.w.push_back(v - n.weights.zero_point);
    }
  } else {
    const int bits = n.weights.bits;
    n.weight_bytes.resize((weights * bits + 7) / 8);
    for (int64_t i = 0; i < weights; ++i) {
      n.w.push_back(extreme_or(random, -(1 << (bits - 1)), (1 << (bits - 1)) - 1));
      n.weight_bytes[i * bits / 8] |=
          static_cast<uint8_t>((n.w.back() & ((1 << bits) - 1)) << (i * bits % 8));
    }
  }
  n.weights.data = n.weight_bytes.data();
  const double depth = std::sqrt(static_cast<double>(std::max<int64_t>(weights / channels, 1)));
  const bool is_wide_output = n.stage.output == SumOutput::kInt16;
  for (int64_t c = 0; c < channels; ++c) {
    n.scales.push_back(random->real(0.001f, 0.1f));
    n.float_bias.push_back(random->real());
    const double fit = (is_wide_output ? 1.0 : 0.01) / depth;
    const double factor = usual ? fit * random->real(0.05f, 2.0f)
                                : std::exp2(random->integer(-33, 4)) * random->real(0.5f, 1.0f);
    n.factors.push_back(fixed_point_factor(factor));
    n.bias.push_back(usual ? random->integer(-5000, 5000)
                           : random->integer(std::numeric_limits<int32_t>::min(),
                                             std::numeric_limits<int32_t>::max()));
    n.wide_bias.push_back(usual ? n.bias.back() : int64_t{n.bias.back()} * 1000);
  }
  const bool is_unsigned = n.stage.output == SumOutput::kUint8;
  const int lowest = is_wide_output ? -32768 : is_unsigned ? 0 : -128;
  const int highest = is_wide_output ? 32767 : is_unsigned ? 255 : 127;
  n.stage.zero_point = is_wide_output ? 0 : extreme_or(random, lowest, highest);
  n.stage.min = random->integer(0, 1) ? lowest : n.stage.zero_point;
  n.stage.max = highest;
  return n;
}

// The exact sum of channel c of image b to the stored number.
double stored(const Numbers& n, int64_t image, int64_t c, int64_t sum) {
  if (n.stage.output == SumOutput::kFloat32) {
    const double y = static_cast<double>(sum) * n.x_scales[image] * n.scales[c] +
                     (n.has_bias ? n.float_bias[c] : 0.0f);
    return std::clamp<double>(y, n.stage.clamp.min, n.stage.clamp.max);
  }
  if (n.stage.wide) {
    const int64_t whole = sum + (!n.has_bias                              ? 0
                                 : n.stage.rounding == SumRounding::kOnce ? n.bias[c]
                                                                          : n.wide_bias[c]);
    if (n.stage.rounding != SumRounding::kOnce) {
      const int64_t scaled = int64_t{scale_by(whole, n.factors[c])} + n.stage.zero_point;
      return static_cast<double>(std::clamp<int64_t>(scaled, n.stage.min, n.stage.max));
    }
    const long double exact = static_cast<long double>(whole) * n.factors[c].multiplier *
                              std::exp2(static_cast<long double>(n.factors[c].shift - 31));
    return static_cast<double>(std::clamp<long double>(std::floor(exact + 0.5L) +
                                                           n.stage.zero_point,
                                                       n.stage.min, n.stage.max));
  }
  const auto wrapped =
      static_cast<int32_t>(static_cast<uint32_t>(sum + (n.has_bias ? n.bias[c] : 0)));
  if (n.stage.output == SumOutput::kInt32) return wrapped;
  const auto in_blocks = static_cast<int64_t>(n.factors.size() / 8 * 8);
  const bool halves_up = n.stage.rounding == SumRounding::kHalvesUp ||
                         (n.stage.rounding == SumRounding::kBlocks && c < in_blocks);
  const int32_t scaled =
      halves_up ? scale_sum_by(wrapped, n.factors[c]) : scale_by(wrapped, n.factors[c]);
  return std::clamp(wrapping_add(scaled, n.stage.zero_point), n.stage.min, n.stage.max);
}

double element(const SumStage& stage, const uint8_t* bytes, int64_t index) {
  switch (stage.output) {
    case SumOutput::kInt8: return reinterpret_cast<const int8_t*>(bytes)[index];
    case SumOutput::kUint8: return bytes[index];
    case SumOutput::kInt16: return reinterpret_cast<const int16_t*>(bytes)[index];
    case SumOutput::kInt32: return reinterpret_cast<const int32_t*>(bytes)[index];
    case SumOutput::kFloat32: return reinterpret_cast<const float*>(bytes)[index];
  }
  return 0;
}

void expect_outputs(const Numbers& n, const std::vector<double>& wanted, const uint8_t* got,
                    const std::string& what) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double value = element(n.stage, got, static_cast<int64_t>(i));
    if (n.stage.output == SumOutput::kFloat32) {
      ASSERT_NEAR(value, wanted[i], 2e-6 * std::max(1.0, std::abs(wanted[i]) + 200)) << what;
    } else {
      ASSERT_EQ(value, wanted[i]) << what << ", element " << i;
    }
  }
}

void set_output_size(Window2D* w, int32_t height, int32_t width, int32_t* output_height,
                     int32_t* output_width, Random* random) {
  const auto one = [&](int32_t size, int32_t kernel, int32_t stride, int32_t dilation,
                       int32_t* pad) {
    const int32_t reach = (kernel - 1) * dilation + 1;
    if (size >= reach && random->integer(0, 1)) {
      *pad = 0;
      return (size - reach) / stride + 1;
    }
    const int32_t output = (size + stride - 1) / stride;
    *pad = std::max(0, (output - 1) * stride + reach - size) / 2;
    return output;
  };
  *output_height = one(height, w->kernel_height, w->stride_height, w->dilation_height, &w->pad_top);
  *output_width = one(width, w->kernel_width, w->stride_width, w->dilation_width, &w->pad_left);
}

// Runs `run(threads, packed, scratch, output)` with one and three threads.
template <class Plan, class Pack, class Run>
void check_runs(const Numbers& n, const std::vector<double>& wanted, const std::string& what,
                const Plan& plan_for, const Pack& pack, const Run& run) {
  std::vector<uint8_t> first;
  for (const int threads : {1, 3}) {
    const auto plan = plan_for(threads);
    Memory packed(plan.packed_bytes);
    Memory scratch(plan.scratch_bytes);
    Memory output(wanted.size() * n.stage.element_bytes());
    ThreadPool pool(threads);
    pack(plan, packed.get());
    run(plan, packed.get(), output.get(), scratch.get(), &pool);
    const auto* bytes = reinterpret_cast<const uint8_t*>(output.get());
    expect_outputs(n, wanted, bytes, what + " threads " + std::to_string(threads));
    const std::vector<uint8_t> all(bytes, bytes + wanted.size() * n.stage.element_bytes());
    if (threads == 1) first = all;
    EXPECT_EQ(first, all) << what;
  }
}

void check_conv(const Conv2DShape& s, bool usual, Random* random) {
  const Window2D& w = s.window;
  const int64_t group_inputs = s.input_channels / s.groups;
  const int64_t group_outputs = s.output_channels / s.groups;
  const int64_t filter = int64_t{w.kernel_height} * w.kernel_width * group_inputs;
  const int64_t image = int64_t{s.input_height} * s.input_width * s.input_channels;
  const Numbers n = random_numbers(random, s.batch, image, filter * s.output_channels,
                                   s.output_channels, usual);
  const bool quads = random->integer(0, 1) == 0 && has_exact_dot4();
  std::vector<double> wanted;
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t i = 0; i < int64_t{s.output_height} * s.output_width; ++i) {
      for (int64_t o = 0; o < s.output_channels; ++o) {
        int64_t sum = 0;
        for (int64_t k = 0; k < filter; ++k) {
          const int64_t tap = k / group_inputs;
          const int64_t y = i / s.output_width * w.stride_height - w.pad_top +
                            tap / w.kernel_width * w.dilation_height;
          const int64_t x = i % s.output_width * w.stride_width - w.pad_left +
                            tap % w.kernel_width * w.dilation_width;
          if (y < 0 || y >= s.input_height || x < 0 || x >= s.input_width) continue;
          const int64_t c = o / group_outputs * group_inputs + k % group_inputs;
          sum += int64_t{n.x[b * image + (y * s.input_width + x) * s.input_channels + c]} *
                 n.w[o * filter + k];
        }
        wanted.push_back(stored(n, b, o, sum));
      }
    }
  }
  check_runs(
      n, wanted,
      std::to_string(s.input_height) + "x" + std::to_string(s.input_width) + "x" +
          std::to_string(s.input_channels) + " to " + std::to_string(s.output_channels) +
          " kernel " + std::to_string(w.kernel_height) + "x" + std::to_string(w.kernel_width) +
          " groups " + std::to_string(s.groups) + (quads ? " quads" : ""),
      [&](int threads) {
        return i8_conv_2d_plan(s, n.activations, n.stage, n.wide_weights, threads, quads);
      },
      [&](const I8Conv2DPlan& plan, void* packed) {
        i8_conv_2d_pack(plan, n.weights, filter, 1, n.columns(), packed);
      },
      [&](const I8Conv2DPlan& plan, const void* packed, void* output, void* scratch,
          ThreadPool* pool) {
        i8_conv_2d_run(plan, packed, n.input.data(), output, scratch, pool);
      });
}

TEST(I8Conv2D, AnyWindowMatchesTheLoops) {
  Random random(1);
  for (int round = 0; round < 400 && !::testing::Test::HasFailure(); ++round) {
    Conv2DShape s;
    s.batch = random.integer(1, 3);
    s.input_height = random.size(6);
    s.input_width = random.size(8, 2);
    s.groups = random.integer(0, 3) == 0 ? random.integer(2, 3) : 1;
    s.input_channels = random.size(8) * s.groups;
    s.output_channels = random.size(8) * s.groups;
    s.window.kernel_height = random.integer(1, 4);
    s.window.kernel_width = random.integer(1, 4);
    s.window.stride_height = random.integer(1, 3);
    s.window.stride_width = random.integer(1, 3);
    s.window.dilation_height = random.integer(1, 2);
    s.window.dilation_width = random.integer(0, 2) == 0 ? 2 : 1;
    set_output_size(&s.window, s.input_height, s.input_width, &s.output_height, &s.output_width,
                    &random);
    check_conv(s, round % 4 != 0, &random);
  }
}

TEST(I8Conv2D, ThreeByThreeWithStrideOneMatchesTheLoops) {
  Random random(2);
  for (int round = 0; round < 60 && !::testing::Test::HasFailure(); ++round) {
    Conv2DShape s;
    s.batch = random.integer(1, 2);
    s.input_height = random.integer(2, 13);
    s.input_width = random.integer(2, 13);
    s.input_channels = random.integer(28, 44);
    s.output_channels = random.integer(14, 40);
    s.window.kernel_height = s.window.kernel_width = 3;
    set_output_size(&s.window, s.input_height, s.input_width, &s.output_height, &s.output_width,
                    &random);
    check_conv(s, round % 4 != 0, &random);
  }
}

TEST(I8Conv2D, PaddingBeyondMeasureIsNotWrittenOut) {
  Conv2DShape s;
  s.input_height = s.input_width = s.output_height = s.output_width = 1;
  s.input_channels = s.output_channels = 8;
  s.window.kernel_height = s.window.kernel_width = 3;
  s.window.dilation_height = s.window.dilation_width = 100'000'000;
  s.window.pad_top = s.window.pad_left = 100'000'000;
  const I8Conv2DPlan plan = i8_conv_2d_plan(s, {}, {}, false, 1);
  EXPECT_EQ(plan.algorithm, I8ConvAlgorithm::kTaps);
  EXPECT_LT(plan.scratch_bytes, 100'000u);
}

TEST(I8DepthwiseConv2D, AnyWindowMatchesTheLoops) {
  Random random(3);
  for (int round = 0; round < 400 && !::testing::Test::HasFailure(); ++round) {
    DepthwiseConv2DShape s;
    s.batch = random.integer(1, 2);
    s.input_height = random.size(8);
    s.input_width = random.size(8, 2);
    s.input_channels = random.size(8);
    s.multiplier = random.integer(0, 2) == 0 ? random.integer(2, 3) : 1;
    // From some size on float32 does not hold the sums.
    const int largest = random.integer(0, 9) == 0 ? 12 : 4;
    const bool quads = random.integer(0, 1) == 0 && has_exact_dot4();
    s.window.kernel_height = random.integer(1, largest);
    s.window.kernel_width = random.integer(1, largest);
    s.window.stride_height = random.integer(1, 3);
    s.window.stride_width = random.integer(1, 2);
    s.window.dilation_height = random.integer(1, 2);
    s.window.dilation_width = random.integer(0, 2) == 0 ? 2 : 1;
    set_output_size(&s.window, s.input_height, s.input_width, &s.output_height, &s.output_width,
                    &random);
    const Window2D& w = s.window;
    const int64_t channels = int64_t{s.input_channels} * s.multiplier;
    const int64_t taps = int64_t{w.kernel_height} * w.kernel_width;
    const int64_t image = int64_t{s.input_height} * s.input_width * s.input_channels;
    Numbers n = random_numbers(&random, s.batch, image, taps * channels, channels, round % 4 != 0);
    if (n.stage.output == SumOutput::kInt32) n.stage.output = SumOutput::kInt8;
    std::vector<double> wanted;
    for (int64_t b = 0; b < s.batch; ++b) {
      for (int64_t i = 0; i < int64_t{s.output_height} * s.output_width; ++i) {
        for (int64_t c = 0; c < channels; ++c) {
          int64_t sum = 0;
          for (int64_t tap = 0; tap < taps; ++tap) {
            const int64_t y = i / s.output_width * w.stride_height - w.pad_top +
                              tap / w.kernel_width * w.dilation_height;
            const int64_t x = i % s.output_width * w.stride_width - w.pad_left +
                              tap % w.kernel_width * w.dilation_width;
            if (y < 0 || y >= s.input_height || x < 0 || x >= s.input_width) continue;
            sum += int64_t{n.x[b * image + (y * s.input_width + x) * s.input_channels +
                               c / s.multiplier]} *
                   n.w[tap * channels + c];
          }
          wanted.push_back(stored(n, b, c, sum));
        }
      }
    }
    check_runs(
        n, wanted,
        "depthwise " + std::to_string(s.input_height) + "x" + std::to_string(s.input_width) + "x" +
            std::to_string(s.input_channels) + " kernel " + std::to_string(w.kernel_height) + "x" +
            std::to_string(w.kernel_width),
        [&](int threads) {
          return i8_depthwise_conv_2d_plan(s, n.activations, n.stage, n.wide_weights ? 255 : 128,
                                           threads, quads);
        },
        [&](const I8DepthwiseConv2DPlan& plan, void* packed) {
          i8_depthwise_conv_2d_pack(plan, n.weights, n.columns(), packed);
        },
        [&](const I8DepthwiseConv2DPlan& plan, const void* packed, void* output, void* scratch,
            ThreadPool* pool) {
          i8_depthwise_conv_2d_run(plan, packed, n.input.data(), output, scratch, pool);
        });
  }
}

TEST(I8TransposeConv, AnyWindowMatchesTheLoops) {
  Random random(4);
  for (int round = 0; round < 200 && !::testing::Test::HasFailure(); ++round) {
    const bool quads = random.integer(0, 1) == 0 && has_exact_dot4();
    TransposeConvShape s;
    s.batch = random.integer(1, 2);
    s.output_height = random.size(8);
    s.output_width = random.size(8, 2);
    s.input_channels = random.size(8);
    s.output_channels = random.size(8);
    s.window.kernel_height = random.integer(1, 4);
    s.window.kernel_width = random.integer(1, 4);
    s.window.stride_height = random.integer(1, 3);
    s.window.stride_width = random.integer(1, 3);
    const Window2D& w = s.window;
    set_output_size(&s.window, s.output_height, s.output_width, &s.input_height, &s.input_width,
                    &random);
    const int64_t image = int64_t{s.input_height} * s.input_width * s.input_channels;
    const int64_t taps = int64_t{w.kernel_height} * w.kernel_width;
    const int64_t output_image = int64_t{s.output_height} * s.output_width * s.output_channels;
    if (image < 2) continue;
    const Numbers n = random_numbers(&random, s.batch, image,
                                     taps * s.input_channels * s.output_channels,
                                     s.output_channels, round % 4 != 0);
    std::vector<int64_t> sums(s.batch * output_image);
    for (int64_t i = 0; i < s.batch * image; ++i) {
      const int64_t pixel = i % image / s.input_channels;
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int64_t y =
            pixel / s.input_width * w.stride_height + tap / w.kernel_width - w.pad_top;
        const int64_t x =
            pixel % s.input_width * w.stride_width + tap % w.kernel_width - w.pad_left;
        if (y < 0 || y >= s.output_height || x < 0 || x >= s.output_width) continue;
        for (int64_t o = 0; o < s.output_channels; ++o) {
          sums[i / image * output_image + (y * s.output_width + x) * s.output_channels + o] +=
              int64_t{n.x[i]} * n.w[(o * taps + tap) * s.input_channels + i % s.input_channels];
        }
      }
    }
    std::vector<double> wanted;
    for (size_t i = 0; i < sums.size(); ++i) {
      wanted.push_back(stored(n, i / output_image, i % s.output_channels, sums[i]));
    }
    check_runs(
        n, wanted, "transposed",
        [&](int threads) {
          return i8_transpose_conv_plan(s, n.activations, n.stage, n.wide_weights, threads,
                                        quads);
        },
        [&](const I8TransposeConvPlan& plan, void* packed) {
          i8_transpose_conv_pack(plan, n.weights, n.columns(), packed);
        },
        [&](const I8TransposeConvPlan& plan, const void* packed, void* output, void* scratch,
            ThreadPool* pool) {
          i8_transpose_conv_run(plan, packed, n.input.data(), output, scratch, pool);
        });
  }
}

TEST(Requantize, FourAtATimeRoundAsOneByOne) {
  Random random(5);
  SumStage stage;
  for (int round = 0; round < 20000; ++round) {
    stage.rounding = round % 2 == 0 ? SumRounding::kTwice : SumRounding::kHalvesUp;
    const auto scale = round % 2 == 0
                           ? [](int32_t x, FixedPointFactor factor) { return scale_by(x, factor); }
                           : scale_sum_by;
    std::vector<FixedPointFactor> factors;
    for (int c = 0; c < kI8TileColumns; ++c) {
      factors.push_back(fixed_point_factor(std::exp2(random.integer(-30, -1)) *
                                           (random.integer(0, 7) == 0 ? 1.0 : random.real(1, 2))));
      ASSERT_LE(factors.back().shift, 0);
    }
    stage.zero_point = random.integer(-128, 127);
    SumColumns columns;
    columns.factors = factors.data();
    PanelHead head;
    i8_panel_head(stage, columns, 0, kI8TileColumns, 1000, &head);
    ASSERT_EQ(head.is_plain, 1u);
    for (int half = 0; half < 2; ++half) {
      int32_t sums[4];
      int32_t got[4];
      for (int lane = 0; lane < 4; ++lane) {
        // Many around the halves of the second rounding, which are the likeliest to go wrong.
        const int e = -factors[4 * half + lane].shift;
        const int64_t tie = (int64_t{random.integer(-200, 200)} << e) + (int64_t{1} << e >> 1);
        const int64_t near = std::llround(
            std::ldexp(static_cast<double>(tie + random.integer(-2, 2)), 31) /
            std::max(factors[4 * half + lane].multiplier, 1));
        sums[lane] = static_cast<int32_t>(
            random.integer(0, 1) ? random.integer(-(1 << 30), 1 << 30)
                                 : std::clamp<int64_t>(near, -(1 << 30), 1 << 30));
      }
      wasm_v128_store(got, Requantize4(head, 4 * half)(wasm_v128_load(sums)));
      for (int lane = 0; lane < 4; ++lane) {
        ASSERT_EQ(got[lane], scale(sums[lane], factors[4 * half + lane]) + stage.zero_point)
            << sums[lane] << " * " << factors[4 * half + lane].multiplier << " * 2^"
            << factors[4 * half + lane].shift;
      }
    }
  }
}

TEST(Requantize, WhatIsProvenRoundsAsOneByOne) {
  Random random(6);
  int proven = 0;
  for (int round = 0; round < 300 && !::testing::Test::HasFailure(); ++round) {
    SumStage stage;
    stage.output = random.integer(0, 1) ? SumOutput::kInt8 : SumOutput::kUint8;
    const int lowest = stage.output == SumOutput::kInt8 ? -128 : 0;
    stage.rounding = random.integer(0, 1) ? SumRounding::kHalvesUp : SumRounding::kTwice;
    stage.zero_point = extreme_or(&random, lowest, lowest + 255);
    stage.min = random.integer(0, 1) ? lowest : stage.zero_point;
    stage.max = random.integer(std::max(stage.zero_point, lowest + 200), lowest + 255);
    stage.numbers_each = 1000;
    int32_t bias[kI8TileColumns];
    FixedPointFactor factors[kI8TileColumns];
    for (int c = 0; c < kI8TileColumns; ++c) {
      bias[c] = random.integer(-5000, 5000);
      factors[c] = fixed_point_factor(std::exp2(random.real(-7.0f, -0.1f)));
    }
    SumColumns columns;
    columns.bias = bias;
    columns.factors = factors;
    PanelHead head;
    i8_panel_head(stage, columns, 0, kI8TileColumns, 200000, &head);
    proven += head.is_proven;
    for (int64_t k = -300; k < 300; ++k) {
      TileSums sums;
      int32_t without[kI8TileRows][kI8TileColumns];
      for (int r = 0; r < kI8TileRows; ++r) {
        for (int c = 0; c < kI8TileColumns; ++c) {
          // Around where a number begins, and anywhere.
          const double scale = std::ldexp(factors[c].multiplier, factors[c].shift - 31);
          const auto near = static_cast<int32_t>(std::floor((k - 0.5) / scale)) + r - 2 - bias[c];
          without[r][c] = r == 3 ? random.integer(-200000, 200000) : near;
          sums.at[r][c] = without[r][c] + head.bias[c];
        }
      }
      uint8_t out[kI8TileRows][kI8TileColumns];
      TileTarget target;
      for (int r = 0; r < kI8TileRows; ++r) target.rows[r] = out[r];
      target.is_whole = true;
      i8_store_tile(stage, head, sums, target);
      for (int r = 0; r < kI8TileRows; ++r) {
        for (int c = 0; c < kI8TileColumns; ++c) {
          ASSERT_EQ(out[r][c], static_cast<uint8_t>(
                                   i8_stored(stage, head, c, without[r][c] + bias[c])))
              << "sum " << without[r][c] << " bias " << bias[c] << " proven " << head.is_proven;
        }
      }
    }
  }
  EXPECT_GT(proven, 50);
}

}  // namespace
}  // namespace zeolite
