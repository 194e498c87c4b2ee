// Times the float32 kernels, and beside them the int8 ones, on the layers of ResNet-18 and
// MobileNet-V2, natively or as wasm in Node 22 or later:
//   tools/bench_kernels/build.sh OUT_DIR
//   node OUT_DIR/bench-relaxed.cjs [all|resnet18|mobilenet_v2] [threads] [density]
// Prints for each layer the least time of many runs, GFLOP/s, and the share of what a loop of
// products in registers alone reaches. Use a quiet machine; compare ratios.
// With a density below 1 that share of the weights is not zero (but all of the first layer's).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "core/base/thread_pool.h"
#include "core/kernels/f32_conv_2d.h"
#include "core/kernels/f32_depthwise_conv_2d.h"
#include "core/kernels/i8_conv_2d.h"
#include "core/kernels/i8_depthwise_conv_2d.h"
#include "core/kernels/simd.h"

namespace {

using namespace zeolite;

constexpr double kSecondsForLayer = 0.25;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::vector<float> random_floats(size_t count) {
  static uint32_t state = 1;
  std::vector<float> values(count);
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / (1 << 23) - 1.0f;
  }
  return values;
}

struct Layer {
  const char* name;
  int count;  // Of such layers in the network.
  int size;   // Input height and width.
  int inputs;
  int outputs;  // 0: depthwise.
  int kernel;
  int stride;
};

struct Measure {
  double seconds;
  double macs;
};

double least_seconds(const std::function<void()>& run) {
  const double start = now();
  for (int warm = 0; warm < 30 && now() - start < kSecondsForLayer; ++warm) run();
  double least = 1e9;
  const double begin = now();
  int runs = 0;
  while (runs < 3 || now() - begin < kSecondsForLayer) {
    const double before = now();
    run();
    least = std::min(least, now() - before);
    ++runs;
  }
  return least;
}

// GFLOP/s of a loop that only multiplies and adds: what no kernel can pass.
[[gnu::noinline]] F32x4 multiply_registers(int count, F32x4 x) {
  F32x4 sum[12];
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) sum[i] = x;
  for (int step = 0; step < count; ++step) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) sum[i] = f32x4_madd(sum[i], x, x);
  }
#pragma GCC unroll 11
  for (int i = 1; i < 12; ++i) sum[0] = wasm_f32x4_add(sum[0], sum[i]);
  return sum[0];
}

double peak_gflops() {
  static double peak = 0;
  if (peak == 0) {
    constexpr int kSteps = 20000;
    volatile float value = 0.5f;  // Unknown to the compiler: it would put constants into the loop.
    const double seconds = least_seconds([&] {
      value = wasm_f32x4_extract_lane(multiply_registers(kSteps, wasm_f32x4_splat(value)), 0) > 0.5f
                  ? 0.5f
                  : 0.25f;
    });
    peak = 12 * 8 * 1e-9 * kSteps / seconds;
  }
  return peak;
}

const char* algorithm_name(F32ConvAlgorithm algorithm) {
  switch (algorithm) {
    case F32ConvAlgorithm::kGemm: return "gemm";
    case F32ConvAlgorithm::kGemv: return "gemv";
    case F32ConvAlgorithm::kIndirect: return "indirect";
    case F32ConvAlgorithm::kRows: return "rows";
    case F32ConvAlgorithm::kWinograd: return "winograd";
    case F32ConvAlgorithm::kSparse: return "sparse";
  }
  return "";
}

Window2D same_window(const Layer& layer) {
  Window2D window;
  window.kernel_height = window.kernel_width = layer.kernel;
  window.stride_height = window.stride_width = layer.stride;
  const int out = (layer.size + layer.stride - 1) / layer.stride;
  const int total = std::max((out - 1) * layer.stride + layer.kernel - layer.size, 0);
  window.pad_top = window.pad_left = total / 2;
  return window;
}

Measure time_conv(const Layer& layer, bool winograd, double density, ThreadPool& pool,
                  const char** algorithm) {
  Conv2DShape shape;
  shape.input_height = shape.input_width = layer.size;
  shape.input_channels = layer.inputs;
  shape.output_height = shape.output_width = (layer.size + layer.stride - 1) / layer.stride;
  shape.output_channels = layer.outputs;
  shape.window = same_window(layer);
  auto weights = random_floats(size_t(layer.outputs) * layer.kernel * layer.kernel * layer.inputs);
  const auto chance = random_floats(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    if (layer.inputs > 3 && (chance[i] + 1) / 2 >= density) weights[i] = 0.0f;
  }
  const auto bias = random_floats(layer.outputs);
  const auto input = random_floats(size_t(layer.size) * layer.size * layer.inputs);
  std::vector<float> output(size_t(shape.output_height) * shape.output_width * layer.outputs);
  F32Conv2DOptions options;
  options.winograd = winograd;
  const F32Conv2DPlan plan = f32_conv_2d_plan(shape, pool.threads(), options, weights.data());
  std::vector<float> packed(plan.packed_bytes / 4 + 16);
  std::vector<float> scratch(plan.scratch_bytes / 4 + 16, 1.0f);
  f32_conv_2d_pack(plan, weights.data(), bias.data(), packed.data());
  *algorithm = algorithm_name(plan.algorithm);
  const double seconds = least_seconds([&] {
    f32_conv_2d_run(plan, packed.data(), input.data(), output.data(), kReluClamp, scratch.data(),
                    &pool);
  });
  return {seconds, double(weights.size()) * shape.output_height * shape.output_width};
}

Measure time_depthwise(const Layer& layer, ThreadPool& pool) {
  DepthwiseConv2DShape shape;
  shape.input_height = shape.input_width = layer.size;
  shape.input_channels = layer.inputs;
  shape.output_height = shape.output_width = (layer.size + layer.stride - 1) / layer.stride;
  shape.window = same_window(layer);
  const auto weights = random_floats(size_t(layer.kernel) * layer.kernel * layer.inputs);
  const auto bias = random_floats(layer.inputs);
  const auto input = random_floats(size_t(layer.size) * layer.size * layer.inputs);
  std::vector<float> output(size_t(shape.output_height) * shape.output_width * layer.inputs);
  const F32DepthwiseConv2DPlan plan = f32_depthwise_conv_2d_plan(shape, pool.threads());
  std::vector<float> packed(plan.packed_bytes / 4 + 16);
  std::vector<float> scratch(plan.scratch_bytes / 4 + 16, 1.0f);
  f32_depthwise_conv_2d_pack(plan, weights.data(), bias.data(), packed.data());
  const double seconds = least_seconds([&] {
    f32_depthwise_conv_2d_run(plan, packed.data(), input.data(), output.data(), kRelu6Clamp,
                              scratch.data(), &pool);
  });
  return {seconds, double(weights.size()) * shape.output_height * shape.output_width};
}

// The layer with int8 activations and weights.
Measure time_i8(const Layer& layer, ThreadPool& pool) {
  const int channels = layer.outputs == 0 ? layer.inputs : layer.outputs;
  const int out = (layer.size + layer.stride - 1) / layer.stride;
  const size_t weight_count = size_t(channels) * layer.kernel * layer.kernel *
                              (layer.outputs == 0 ? 1 : layer.inputs);
  std::vector<int8_t> input(size_t(layer.size) * layer.size * layer.inputs);
  std::vector<int8_t> weights(weight_count);
  for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<int8_t>(i * 37);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<int8_t>(i * 101);
  std::vector<int8_t> output(size_t(out) * out * channels);
  const std::vector<int32_t> bias(channels, 100);
  const std::vector<FixedPointFactor> factors(channels, fixed_point_factor(1e-4));
  const SumColumns columns = {factors.data(), nullptr, bias.data(), false};
  ActivationForm form;
  form.zero_point = -3;
  I8Weights stored;
  stored.data = weights.data();
  const double macs = double(weight_count) * out * out;
  const auto time = [&](const auto& plan, const auto& pack, const auto& run) {
    std::vector<float> packed(plan.packed_bytes / 4 + 16);
    std::vector<float> scratch(plan.scratch_bytes / 4 + 16, 1.0f);
    pack(packed.data());
    return Measure{least_seconds([&] { run(packed.data(), scratch.data()); }), macs};
  };
  if (layer.outputs == 0) {
    DepthwiseConv2DShape shape;
    shape.input_height = shape.input_width = layer.size;
    shape.input_channels = layer.inputs;
    shape.output_height = shape.output_width = out;
    shape.window = same_window(layer);
    const auto plan = i8_depthwise_conv_2d_plan(shape, form, SumStage(), 128, pool.threads());
    return time(
        plan, [&](void* to) { i8_depthwise_conv_2d_pack(plan, stored, columns, to); },
        [&](const void* packed, void* scratch) {
          i8_depthwise_conv_2d_run(plan, packed, input.data(), output.data(), scratch, &pool);
        });
  }
  Conv2DShape shape;
  shape.input_height = shape.input_width = layer.size;
  shape.input_channels = layer.inputs;
  shape.output_height = shape.output_width = out;
  shape.output_channels = layer.outputs;
  shape.window = same_window(layer);
  const auto plan = i8_conv_2d_plan(shape, form, SumStage(), false, pool.threads());
  return time(
      plan,
      [&](void* to) {
        i8_conv_2d_pack(plan, stored, weight_count / channels, 1, columns, to);
      },
      [&](const void* packed, void* scratch) {
        i8_conv_2d_run(plan, packed, input.data(), output.data(), scratch, &pool);
      });
}

const std::vector<Layer> kResnet18 = {
    {"conv1", 1, 224, 3, 64, 7, 2},      {"layer1", 4, 56, 64, 64, 3, 1},
    {"layer2.0", 1, 56, 64, 128, 3, 2},  {"layer2.down", 1, 56, 64, 128, 1, 2},
    {"layer2", 3, 28, 128, 128, 3, 1},   {"layer3.0", 1, 28, 128, 256, 3, 2},
    {"layer3.down", 1, 28, 128, 256, 1, 2}, {"layer3", 3, 14, 256, 256, 3, 1},
    {"layer4.0", 1, 14, 256, 512, 3, 2}, {"layer4.down", 1, 14, 256, 512, 1, 2},
    {"layer4", 3, 7, 512, 512, 3, 1},    {"fc", 1, 1, 512, 1000, 1, 1},
};

const std::vector<Layer> kMobilenetV2 = {
    {"conv1", 1, 224, 3, 32, 3, 2},     {"dw 32", 1, 112, 32, 0, 3, 1},
    {"project", 1, 112, 32, 16, 1, 1},  {"expand", 1, 112, 16, 96, 1, 1},
    {"dw 96 s2", 1, 112, 96, 0, 3, 2},  {"project", 1, 56, 96, 24, 1, 1},
    {"expand", 2, 56, 24, 144, 1, 1},   {"dw 144", 1, 56, 144, 0, 3, 1},
    {"project", 1, 56, 144, 24, 1, 1},  {"dw 144 s2", 1, 56, 144, 0, 3, 2},
    {"project", 1, 28, 144, 32, 1, 1},  {"expand", 3, 28, 32, 192, 1, 1},
    {"dw 192", 2, 28, 192, 0, 3, 1},    {"project", 2, 28, 192, 32, 1, 1},
    {"dw 192 s2", 1, 28, 192, 0, 3, 2}, {"project", 1, 14, 192, 64, 1, 1},
    {"expand", 4, 14, 64, 384, 1, 1},   {"dw 384", 4, 14, 384, 0, 3, 1},
    {"project", 3, 14, 384, 64, 1, 1},  {"project", 1, 14, 384, 96, 1, 1},
    {"expand", 3, 14, 96, 576, 1, 1},   {"dw 576", 2, 14, 576, 0, 3, 1},
    {"project", 2, 14, 576, 96, 1, 1},  {"dw 576 s2", 1, 14, 576, 0, 3, 2},
    {"project", 1, 7, 576, 160, 1, 1},  {"expand", 3, 7, 160, 960, 1, 1},
    {"dw 960", 3, 7, 960, 0, 3, 1},     {"project", 2, 7, 960, 160, 1, 1},
    {"project", 1, 7, 960, 320, 1, 1},  {"conv last", 1, 7, 320, 1280, 1, 1},
    {"fc", 1, 1, 1280, 1000, 1, 1},
};

void time_network(const char* name, const std::vector<Layer>& layers, double density,
                  ThreadPool& pool) {
  std::printf("%s, %d threads, peak %.1f GFLOP/s each\n", name, pool.threads(), peak_gflops());
  double seconds = 0;
  double i8_seconds = 0;
  double macs = 0;
  for (const Layer& layer : layers) {
    const char* algorithm = "depthwise";
    const Measure measure = layer.outputs == 0 ? time_depthwise(layer, pool)
                                               : time_conv(layer, true, density, pool, &algorithm);
    const double gflops = 2e-9 * measure.macs / measure.seconds;
    std::printf("  %-12s x%d %3dx%-3d %4d -> %-4d %dx%d/%d %-9s %8.3f ms %6.1f GFLOP/s %4.0f %%",
                layer.name, layer.count, layer.size, layer.size, layer.inputs,
                layer.outputs == 0 ? layer.inputs : layer.outputs, layer.kernel, layer.kernel,
                layer.stride, algorithm, measure.seconds * 1e3, gflops,
                100 * gflops / (peak_gflops() * pool.threads()));
    if (std::strcmp(algorithm, "winograd") == 0) {
      const Measure direct = time_conv(layer, false, density, pool, &algorithm);
      std::printf("  (%s %.1f)", algorithm, 2e-9 * direct.macs / direct.seconds);
    }
    const double i8 = time_i8(layer, pool).seconds;
    std::printf("  int8 %8.3f ms %6.1f, %.2f\n", i8 * 1e3, 2e-9 * measure.macs / i8,
                i8 / measure.seconds);
    i8_seconds += i8 * layer.count;
    seconds += measure.seconds * layer.count;
    macs += measure.macs * layer.count;
  }
  std::printf("  all: %.2f ms, %.0f MMAC, %.1f GFLOP/s; int8 %.2f ms\n", seconds * 1e3,
              macs * 1e-6, 2e-9 * macs / seconds, i8_seconds * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  const char* which = argc > 1 ? argv[1] : "all";
  ThreadPool pool(argc > 2 ? std::atoi(argv[2]) : 1);
  const double density = argc > 3 ? std::atof(argv[3]) : 1.0;
  const bool all = std::strcmp(which, "all") == 0;
  if (all || std::strcmp(which, "resnet18") == 0) {
    time_network("resnet18", kResnet18, density, pool);
  }
  if (all || std::strcmp(which, "mobilenet_v2") == 0) {
    time_network("mobilenet_v2", kMobilenetV2, density, pool);
  }
  return 0;
}
