// Mfcc: mel-frequency cepstral coefficients of squared spectra.
//   spectra float32 [channels, frames, bins]    sample rate int32, one value
//   output float32 [channels, frames, dct_coefficient_count]
// A frame's magnitudes are added up in triangular bands that are equally wide on the mel scale,
// 1127 ln(1 + f / 700); of the bands' logarithms (at least ln 1e-12) the first coefficients of a
// cosine transform are given: sqrt(2 / n) * sum over j of x[j] cos(i pi / n (j + 1/2)).
// Options (FlexBuffers): upper_frequency_limit, lower_frequency_limit, filterbank_channel_count n,
// dct_coefficient_count.
#include <cmath>

#include "core/ops/check.h"
#include "core/ops/custom_options.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

constexpr int32_t kMaxChannels = 1 << 16;
constexpr double kLeastBand = 1e-12;

struct Settings {
  double lower = 0;
  double upper = 0;
  int32_t channels = 0;
  int32_t coefficients = 0;
};

struct State : OpState {
  std::vector<double> weights;    // By bin: what of it goes to its band, the rest to the next one.
  std::vector<int32_t> bands;     // By bin; -1: only the next one, band 0, has it.
  std::vector<double> cosines;    // [coefficients, channels]
  std::vector<double> band_sums;
  int32_t rate = 0;
  int64_t first_bin = 0;
  int64_t last_bin = -1;
};

Result<Settings> settings_of(const OpContext& context) {
  ZEOLITE_ASSIGN(const CustomOptions options, CustomOptions::read(context.op()));
  Settings settings;
  settings.upper = static_cast<double>(options.integer("upper_frequency_limit"));
  settings.lower = static_cast<double>(options.integer("lower_frequency_limit"));
  ZEOLITE_ASSIGN(settings.channels,
                 options.integer_in("filterbank_channel_count", 1, kMaxChannels));
  ZEOLITE_ASSIGN(settings.coefficients,
                 options.integer_in("dct_coefficient_count", 1, settings.channels));
  if (settings.lower < 0 || settings.upper <= settings.lower) {
    return bad_input("its frequency limits are no range above 0");
  }
  return settings;
}

Status infer(InferContext& context) {
  ZEOLITE_ASSIGN(const Settings settings, settings_of(context));
  ZEOLITE_TRY(require_rank(context, 0, 3));
  const Shape& input = context.input(0).shape;
  ZEOLITE_TRY(require_one(context, 1, "sample rate"));
  if (input[2] >= 0 && input[2] < 2) return bad_input("spectra have fewer than 2 bins");
  return context.set_output(0, TensorType::kFloat32, {input[0], input[1], settings.coefficients});
}

double mel_of(double frequency) { return 1127.0 * std::log1p(frequency / 700.0); }

// The bins' shares of the bands, for a sample rate.
Status make_bands(State& state, const Settings& settings, int64_t bins, int32_t rate) {
  if (rate <= 0) return bad_input("its sample rate is " + std::to_string(rate));
  state.rate = 0;
  const double low = mel_of(settings.lower);
  const double spacing = (mel_of(settings.upper) - low) / (settings.channels + 1);
  const auto centre = [&](int32_t band) { return low + spacing * (band + 1); };
  const double hertz = 0.5 * rate / static_cast<double>(bins - 1);
  const double first = 1.5 + settings.lower / hertz;
  const double last = settings.upper / hertz;
  if (last >= static_cast<double>(bins)) {
    return bad_input("spectra of " + std::to_string(bins) +
                     " bins end below its upper_frequency_limit");
  }
  state.first_bin = first < static_cast<double>(bins) ? static_cast<int64_t>(first) : bins;
  state.last_bin = static_cast<int64_t>(last);
  state.weights.assign(bins, 0);
  state.bands.assign(bins, -1);
  int32_t next = 0;
  for (int64_t i = state.first_bin; i <= state.last_bin; ++i) {
    const double mel = mel_of(static_cast<double>(i) * hertz);
    while (next < settings.channels && centre(next) < mel) ++next;
    const double below = next > 0 ? centre(next - 1) : low;
    state.bands[i] = next - 1;
    state.weights[i] = (centre(next) - mel) / (centre(next) - below);
  }
  state.rate = rate;
  return {};
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  ZEOLITE_ASSIGN(const Settings settings, settings_of(context));
  const int64_t n = settings.channels;
  constexpr int64_t kMaxCosines = 1 << 22;
  if (n * settings.coefficients > kMaxCosines) {
    return unsupported("more than " + std::to_string(kMaxCosines) +
                       " channels times coefficients");
  }
  state.rate = 0;
  state.band_sums.resize(n);
  state.cosines.resize(n * settings.coefficients);
  for (int64_t i = 0; i < settings.coefficients; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      state.cosines[i * n + j] =
          std::sqrt(2.0 / static_cast<double>(n)) *
          std::cos(static_cast<double>(i) * M_PI / static_cast<double>(n) *
                   (static_cast<double>(j) + 0.5));
    }
  }
  return {};
}

Status eval(EvalContext& context) {
  State& state = context.state<State>();
  const Shape& shape = context.input(0).shape;
  const int32_t rate = *context.in<int32_t>(1);
  const int64_t bins = shape[2];
  const int64_t frames = int64_t{shape[0]} * shape[1];
  const auto n = static_cast<int64_t>(state.band_sums.size());
  const int64_t coefficients = context.output(0).shape[2];
  if (state.rate != rate || static_cast<int64_t>(state.weights.size()) != bins) {
    ZEOLITE_ASSIGN(const Settings settings, settings_of(context));
    ZEOLITE_TRY(make_bands(state, settings, bins, rate));
  }
  const float* spectrum = context.in<float>(0);
  float* out = context.out<float>(0);
  for (int64_t frame = 0; frame < frames; ++frame, spectrum += bins, out += coefficients) {
    std::fill(state.band_sums.begin(), state.band_sums.end(), 0.0);
    for (int64_t i = state.first_bin; i <= state.last_bin; ++i) {
      const double magnitude = std::sqrt(static_cast<double>(spectrum[i]));
      const double share = magnitude * state.weights[i];
      const int32_t band = state.bands[i];
      if (band >= 0) state.band_sums[band] += share;
      if (band + 1 < n) state.band_sums[band + 1] += magnitude - share;
    }
    for (double& sum : state.band_sums) sum = std::log(sum < kLeastBand ? kLeastBand : sum);
    for (int64_t i = 0; i < coefficients; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < n; ++j) sum += state.cosines[i * n + j] * state.band_sums[j];
      out[i] = static_cast<float>(sum);
    }
  }
  return {};
}

}  // namespace

const OpKernel kMfccOp = {infer, prepare, eval};

}  // namespace zeolite
