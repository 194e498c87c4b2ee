// AudioSpectrogram: spectra of windows that move over samples.
//   samples float32 [length, channels]    output float32 [channels, windows, fft / 2 + 1]
// Each window of window_size samples, every `stride` samples, is weighted by a periodic Hann window
// (1 - cos(2 pi i / window_size)) / 2 and filled up with zeros to fft, the next power of two.
// Options (FlexBuffers): window_size, stride, magnitude_squared (else its root is given).
#include <bit>
#include <cmath>

#include "core/ops/check.h"
#include "core/ops/custom_options.h"
#include "core/ops/fft.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

constexpr int32_t kMaxWindow = 1 << 24;

struct Settings {
  int32_t window = 0;
  int32_t stride = 0;
  bool squared = false;

  int32_t fft() const { return static_cast<int32_t>(std::bit_ceil(static_cast<uint32_t>(window))); }
};

struct State : OpState {
  Settings settings;
  Fft fft;
  std::vector<double> window;
  std::vector<Complex> line;
};

Result<Settings> settings_of(const OpContext& context) {
  ZEOLITE_ASSIGN(const CustomOptions options, CustomOptions::read(context.op()));
  Settings settings;
  ZEOLITE_ASSIGN(settings.window, options.integer_in("window_size", 2, kMaxWindow));
  ZEOLITE_ASSIGN(settings.stride,
                 options.integer_in("stride", 1, std::numeric_limits<int32_t>::max()));
  settings.squared = options.boolean("magnitude_squared");
  return settings;
}

Status infer(InferContext& context) {
  ZEOLITE_ASSIGN(const Settings settings, settings_of(context));
  ZEOLITE_TRY(require_rank(context, 0, 2));
  const Shape& input = context.input(0).shape;
  int32_t windows = kFree;
  if (input[0] >= 0) {
    windows = input[0] < settings.window ? 0 : 1 + (input[0] - settings.window) / settings.stride;
  }
  return context.set_output(0, TensorType::kFloat32, {input[1], windows, settings.fft() / 2 + 1});
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  ZEOLITE_ASSIGN(state.settings, settings_of(context));
  if (product(context.output(0).shape) == 0) return {};
  state.fft.resize(state.settings.fft());
  state.line.resize(state.settings.fft());
  state.window.resize(state.settings.window);
  for (size_t i = 0; i < state.window.size(); ++i) {
    state.window[i] = 0.5 - 0.5 * std::cos(2 * M_PI * static_cast<double>(i) /
                                           static_cast<double>(state.window.size()));
  }
  return {};
}

Status eval(EvalContext& context) {
  State& state = context.state<State>();
  const Shape& shape = context.output(0).shape;
  if (product(shape) == 0) return {};
  const int64_t channels = shape[0];
  const int64_t window = state.settings.window;
  float* out = context.out<float>(0);
  for (int64_t channel = 0; channel < channels; ++channel) {
    for (int64_t w = 0; w < shape[1]; ++w, out += shape[2]) {
      const float* samples =
          context.in<float>(0) + w * state.settings.stride * channels + channel;
      for (int64_t i = 0; i < window; ++i) {
        state.line[i] = samples[i * channels] * state.window[i];
      }
      std::fill(state.line.begin() + window, state.line.end(), Complex());
      state.fft.run(state.line.data());
      for (int32_t i = 0; i < shape[2]; ++i) {
        const Complex value = state.line[i];
        const auto square =
            static_cast<float>(value.real() * value.real() + value.imag() * value.imag());
        out[i] = state.settings.squared ? square : std::sqrt(square);
      }
    }
  }
  return {};
}

}  // namespace

const OpKernel kAudioSpectrogramOp = {infer, prepare, eval};

}  // namespace zeolite
