// The arithmetic is that of TFLite's kernels. Tables of 256 results, made from the function in
// float32, for 8-bit functions without a formula in integers; 16-bit ones interpolate between 513
// points. Float functions are computed in float64 and rounded, so that all builds agree.
#include "core/ops/quantized_unary.h"

#include <algorithm>
#include <cmath>

#include "core/kernels/fixed_point.h"
#include "core/kernels/quantize.h"

namespace zeolite {
namespace {

using Code = BuiltinOperator;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

int32_t saturated(float x) {
  constexpr float kLimit = 2147483648.0f;
  if (x >= kLimit) return std::numeric_limits<int32_t>::max();
  return x > -kLimit ? static_cast<int32_t>(x) : std::numeric_limits<int32_t>::min();
}

// The bounds of a RELU.
bool relu_bounds(Code code, float* low, float* high) {
  *low = 0;
  switch (code) {
    case Code::kRelu: *high = kInfinity; return true;
    case Code::kRelu6: *high = 6; return true;
    case Code::kReluN1To1: *low = -1, *high = 1; return true;
    case Code::kRelu0To1: *high = 1; return true;
    default: return false;
  }
}

// The upper 16 bits of a multiplier, rounded.
int16_t upper_half(int32_t multiplier) {
  return static_cast<int16_t>(multiplier >= 0x7fff7fff ? 0x7fff : (multiplier + 0x8000) >> 16);
}

// sigmoid(i / 24) with 16 bits behind the point, each moved by half of what the line to the next
// one is off in the middle.
struct SigmoidPoints {
  std::array<uint16_t, 256> at;
  SigmoidPoints() {
    const auto sigmoid = [](double i) { return 65536.0 / (1.0 + std::exp(-i / 24.0)); };
    for (size_t i = 0; i < at.size(); ++i) {
      const auto x = static_cast<double>(i);
      const double off = sigmoid(x + 0.5) - (sigmoid(x) + sigmoid(x + 1)) / 2;
      at[i] = static_cast<uint16_t>(std::lround(sigmoid(x) + off / 2));
    }
    at.back() = 65535;
  }
};

const SigmoidPoints& sigmoid_points() {
  static const SigmoidPoints points;
  return points;
}

}  // namespace

Result<QuantizedUnary> QuantizedUnary::of(const OpContext& context) {
  QuantizedUnary function;
  ZEOLITE_TRY(function.set(context));
  return function;
}

Status QuantizedUnary::set(const OpContext& context) {
  code_ = context.code();
  const TensorType type = context.input(0).type;
  const bool is_16_bits = type == TensorType::kInt16;
  range_ = stored_range(type);
  ZEOLITE_ASSIGN(input_, input_affine(context, 0));
  ZEOLITE_ASSIGN(output_, output_affine(context, 0));
  float low;
  float high;
  if (relu_bounds(code_, &low, &high)) {
    kind_ = Kind::kRelu;
    factor_ = fixed_point_factor(input_.scale / output_.scale);
    const int32_t least = range_.min;
    const int32_t most = range_.max;
    const auto bound = [&](float real) {
      const float sum = std::round(real / output_.scale) + static_cast<float>(output_.zero_point);
      return std::clamp(saturated(sum), least, most);
    };
    range_ = {bound(low), high == kInfinity ? most : bound(high)};
    return {};
  }
  switch (code_) {
    case Code::kLeakyRelu: {
      kind_ = Kind::kLeakyRelu;
      const float alpha = context.options<LeakyReluOptions>().alpha;
      factor_ = fixed_point_factor(input_.scale / output_.scale);
      negative_factor_ = fixed_point_factor(input_.scale * alpha / output_.scale);
      return {};
    }
    case Code::kAbs:
      kind_ = Kind::kAbs;
      if (input_.scale != output_.scale) factor_ = fixed_point_factor(input_.scale / output_.scale);
      return {};
    case Code::kSqrt:
      kind_ = Kind::kSqrt;
      least_input_ = input_.zero_point;
      return {};
    case Code::kRsqrt:
      least_input_ = input_.zero_point;
      if (is_16_bits) break;
      kind_ = Kind::kRsqrt;
      factor_ = fixed_point_factor(1.0 / (std::sqrt(input_.scale) * output_.scale));
      return {};
    case Code::kHardSwish: return set_hard_swish();
    case Code::kTanh:
      if (is_16_bits) return set_sigmoid(true);
      break;
    case Code::kLogistic:
      if (is_16_bits) return set_sigmoid(false);
      if (output_.scale != 1.0f / 256) {
        return bad_input("the output's scale is not 1/256, which LOGISTIC of 8 bits has");
      }
      break;
    case Code::kGelu: is_approximate_ = context.options<GeluOptions>().approximate; break;
    default: break;
  }
  kind_ = is_16_bits ? Kind::kInterpolated : Kind::kRounded;
  if (is_16_bits) set_interpolated();
  return {};
}

float QuantizedUnary::real_function(float x) const {
  const auto exponential = [](float y) { return static_cast<float>(std::exp(double{y})); };
  switch (code_) {
    case Code::kLogistic: return 1.0f / (1.0f + exponential(-x));
    case Code::kTanh: return static_cast<float>(std::tanh(double{x}));
    case Code::kElu: return x < 0 ? static_cast<float>(std::expm1(double{x})) : x;
    case Code::kExp: return exponential(x);
    case Code::kLog:
      if (x <= 0) return static_cast<float>(range_.min - output_.zero_point) * output_.scale;
      return static_cast<float>(std::log(double{x}));
    case Code::kRsqrt: return x <= 0 ? 32767 * output_.scale : 1.0f / std::sqrt(x);
    default: {
      // GELU; erfc rather than 1 + erf, which cancels far below 0.
      constexpr double kHalfSqrt2 = 0.70710678118654752440;
      if (!is_approximate_) {
        const float argument = x * static_cast<float>(-kHalfSqrt2);
        return 0.5f * x * static_cast<float>(std::erfc(double{argument}));
      }
      constexpr auto kSqrt2OverPi = static_cast<float>(0.79788456080286535588);
      const float argument = kSqrt2OverPi * x * (1.0f + 0.044715f * x * x);
      return 0.5f * x * (1.0f + static_cast<float>(std::tanh(double{argument})));
    }
  }
}

void QuantizedUnary::set_interpolated() {
  const auto real = [](const Affine& affine, int32_t stored) {
    return affine.scale * static_cast<float>(stored - affine.zero_point);
  };
  fill_points(real(input_, -32768), real(input_, 32767),
              65536.0f / (real(output_, 32767) - real(output_, -32768)),
              [this](float x) { return real_function(x); }, points_.data());
}

// LOGISTIC and TANH of int16 compute with fixed-point numbers where the input has 3 bits before the
// point (TANH: or 4). Else they interpolate between the points of one table, after the input has
// been brought to the scale 1 / (3 * 2^12) (LOGISTIC) or 1 / (3 * 2^13).
Status QuantizedUnary::set_sigmoid(bool is_tanh) {
  kind_ = is_tanh ? Kind::kTanh : Kind::kSigmoid;
  if (input_.zero_point != 0 || output_.zero_point != 0) {
    return bad_input("int16 operands have zero points other than 0");
  }
  int exponent;
  if (!is_power_of_two(output_.scale, &exponent) || exponent != -15) {
    return bad_input("the output's scale is not 1/32768, which this operator of int16 has");
  }
  const bool is_power = is_power_of_two(input_.scale, &exponent);
  const int left = 12 + exponent;
  if (is_power && (left == 0 || (is_tanh && left == 1))) {
    kind_ = is_tanh ? Kind::kFixedTanh : Kind::kFixedSigmoid;
    factor_ = {1 << left, 0};
    return {};
  }
  double multiplier = double{input_.scale} * 4096.0 * 3.0;
  int right = 0;
  while (multiplier <= 32767.0 / 2.0 && right <= 30) {
    ++right;
    multiplier *= 2.0;
  }
  factor_ = {static_cast<int16_t>(std::min(multiplier, 32767.0)), right};
  return {};
}

// factor_ is a multiplier and a shift to the right here.
int32_t QuantizedUnary::at_table_scale(int32_t stored) const {
  const int64_t rounding = factor_.shift > 0 ? int64_t{1} << (factor_.shift - 1) : 0;
  return static_cast<int32_t>((int64_t{stored} * factor_.multiplier + rounding) >> factor_.shift);
}

int32_t QuantizedUnary::sigmoid(int32_t stored) const {
  const int32_t x = at_table_scale(stored);
  const auto& points = sigmoid_points().at;
  const auto magnitude = static_cast<uint32_t>(std::abs(x));
  const uint32_t place = magnitude >> 9;
  uint32_t y = uint32_t{0x7fff} << 10;
  if (place < 255) {
    const uint32_t here = points[place];
    y = (here << 9) + (magnitude & 0x1ff) * (points[place + 1] - here);
  }
  y = x >= 0 ? y + (1 << 9) : (uint32_t{1} << 25) - y + (1 << 9) - 1;
  return static_cast<int32_t>(y >> 10);
}

int32_t QuantizedUnary::tanh(int32_t stored) const {
  const int32_t x = at_table_scale(stored);
  const auto& points = sigmoid_points().at;
  const auto magnitude = static_cast<uint32_t>(std::abs(x));
  const uint32_t place = magnitude >> 8;
  int32_t y = 0xffff << 8;
  if (place < 255) {
    const int32_t here = points[place];
    y = (here << 8) + static_cast<int32_t>(magnitude & 0xff) * (points[place + 1] - here);
  }
  // 2 * sigmoid(2 x) - 1
  y = x >= 0 ? y - (1 << 23) + (1 << 7) : -y + (1 << 23) + (1 << 7) - 1;
  return y >> 8;
}

// x * relu6(x + 3) / 6 in 16 bits: the gate lies in [0, 1] with 15 bits.
Status QuantizedUnary::set_hard_swish() {
  kind_ = Kind::kHardSwish;
  const float fine_scale = (1.0f / 128.0f) * input_.scale;
  factor_ = fixed_point_factor(fine_scale / output_.scale);
  negative_factor_ = fixed_point_factor(fine_scale / (3.0f / 32768.0f));
  if (factor_.shift > 0) {
    return unsupported("HARD_SWISH with an output scale below 1/128 of the input's");
  }
  factor_.multiplier = upper_half(factor_.multiplier);
  negative_factor_.multiplier = upper_half(negative_factor_.multiplier);
  return {};
}

int32_t QuantizedUnary::hard_swish(int32_t centered) const {
  const int16_t fine = saturate_i16(centered * 128);
  const int32_t value = rounding_high_mul_16(fine, static_cast<int16_t>(factor_.multiplier));
  const int gate_shift = negative_factor_.shift;
  int32_t gate = fine;
  if (gate_shift > 0) gate = saturate_i16(gate << std::min(gate_shift - 1, 15));
  gate = rounding_high_mul_16(static_cast<int16_t>(gate),
                              static_cast<int16_t>(negative_factor_.multiplier));
  if (gate_shift > 0) gate = saturate_i16(gate * 2);
  if (gate_shift < 0) gate = rounding_shift_right(gate, std::min(-gate_shift, 31));
  gate = (gate + (1 << 15)) >> 1;
  const int32_t product = saturate_i16(gate * value / (1 << 15));
  return rounding_shift_right(product, std::min(-factor_.shift, 31));
}

bool QuantizedUnary::rescale_int16(const int16_t* input, int64_t count, int16_t* output,
                                   ThreadPool* pool) const {
  if (kind_ != Kind::kRelu) return false;
  requantize(SmallInteger::kInt16, input, count, input_.zero_point, factor_, output_.zero_point,
             range_.min, range_.max, SmallInteger::kInt16, output, pool);
  return true;
}

int32_t QuantizedUnary::operator()(int32_t stored) const {
  const int32_t centered = stored - input_.zero_point;
  const auto result = [&](int32_t scaled) {
    return std::clamp(wrapping_add(scaled, output_.zero_point), range_.min, range_.max);
  };
  switch (kind_) {
    case Kind::kRelu: return result(scale_by(centered, factor_));
    case Kind::kLeakyRelu:
      return result(scale_by(centered, centered >= 0 ? factor_ : negative_factor_));
    case Kind::kAbs: {
      const int32_t magnitude = std::abs(centered);
      return result(factor_.multiplier == 0 ? magnitude : scale_by(magnitude, factor_));
    }
    case Kind::kSqrt: {
      const float real = std::sqrt(input_.scale * static_cast<float>(centered));
      return result(saturated(real / output_.scale));
    }
    case Kind::kRsqrt: {
      if (centered <= 0) return range_.max;
      constexpr int kMore = 20;  // Bits behind the point of the root's inverse.
      FixedPointFactor root = fixed_inverse_sqrt(centered);
      root.shift += kMore;
      const FixedPointFactor rest = {factor_.multiplier, factor_.shift - kMore};
      return result(rest.shift < -31 ? 0 : scale_by(scale_by(int32_t{1}, root), rest));
    }
    case Kind::kHardSwish: return result(hard_swish(centered));
    case Kind::kFixedSigmoid: return fixed_logistic(static_cast<int16_t>(stored));
    case Kind::kFixedTanh: return fixed_tanh(saturate_i16(stored * factor_.multiplier), 3);
    case Kind::kSigmoid: return sigmoid(stored);
    case Kind::kTanh: return tanh(stored);
    case Kind::kInterpolated: return interpolate(points_.data(), stored);
    case Kind::kRounded: {
      const float real = real_function(input_.scale * static_cast<float>(centered));
      const float scaled = std::round(real * (1 / output_.scale));
      return std::clamp(saturated(scaled + static_cast<float>(output_.zero_point)), range_.min,
                        range_.max);
    }
  }
  return 0;
}

}  // namespace zeolite
