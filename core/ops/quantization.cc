#include "core/ops/quantization.h"

#include <algorithm>
#include <cmath>

namespace zeolite {

bool is_quantized_type(TensorType type) {
  switch (type) {
    case TensorType::kInt2:
    case TensorType::kInt4:
    case TensorType::kUint4:
    case TensorType::kInt8:
    case TensorType::kUint8:
    case TensorType::kInt16: return true;
    default: return false;
  }
}

bool has_scale(const Operand& operand) {
  return operand.quantization != nullptr && !operand.quantization->scale.empty();
}

StoredRange stored_range(TensorType type) {
  switch (type) {
    case TensorType::kInt2: return {-2, 1};
    case TensorType::kInt4: return {-8, 7};
    case TensorType::kUint4: return {0, 15};
    case TensorType::kInt8: return {-128, 127};
    case TensorType::kUint8: return {0, 255};
    case TensorType::kInt16: return {-32768, 32767};
    case TensorType::kUint16: return {0, 65535};
    default: return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
  }
}

Result<Affine> affine_of(const Operand& operand, std::string_view role) {
  const Quantization* quantization = operand.quantization;
  const std::string what = std::string(role) + " (" + std::string(operand.name) + ")";
  if (quantization == nullptr || quantization->scale.size() != 1 ||
      quantization->zero_point.size() != 1) {
    return bad_input(what + " has no scale: quantized tensors need one");
  }
  const float scale = quantization->scale[0];
  const int64_t zero_point = quantization->zero_point[0];
  const StoredRange range = stored_range(operand.type);
  if (!(scale > 0) || !std::isfinite(scale)) {
    return bad_input(what + " has a scale that is not above 0");
  }
  if (zero_point < range.min || zero_point > range.max) {
    return bad_input(what + " has the zero point " + std::to_string(zero_point) + ", which " +
                     std::string(tensor_type_name(operand.type)) + " can't hold");
  }
  return Affine{scale, static_cast<int32_t>(zero_point)};
}

Result<Affine> input_affine(const OpContext& context, size_t index) {
  return affine_of(context.input(index), "input " + std::to_string(index));
}

Result<Affine> output_affine(const OpContext& context, size_t index) {
  return affine_of(context.output(index), "output " + std::to_string(index));
}

Result<std::vector<float>> channel_scales(const OpContext& context, size_t index, int axis,
                                          int64_t channels) {
  const Quantization* quantization = context.input(index).quantization;
  if (quantization == nullptr || quantization->scale.empty()) {
    return bad_input(input_text(context, index) + " has no scale: quantized weights need one");
  }
  const std::vector<float>& scale = quantization->scale;
  for (float one : scale) {
    if (!(one > 0) || !std::isfinite(one)) {
      return bad_input(input_text(context, index) + " has a scale that is not above 0");
    }
  }
  if (scale.size() == 1) return std::vector<float>(static_cast<size_t>(channels), scale[0]);
  if (static_cast<int64_t>(scale.size()) != channels || quantization->quantized_dimension != axis) {
    return bad_input(input_text(context, index) + " has " + std::to_string(scale.size()) +
                     " scales along dimension " +
                     std::to_string(quantization->quantized_dimension) + ", expected " +
                     std::to_string(channels) + " along dimension " + std::to_string(axis));
  }
  return scale;
}

bool is_power_of_two(float scale, int* exponent) {
  const float logarithm = std::log(scale) / std::log(2.0f);
  const float nearest = std::round(logarithm);
  *exponent = static_cast<int>(nearest);
  return std::abs(logarithm - nearest) < 1e-3f;
}

Result<StoredRange> fused_range(ActivationFunctionType activation, TensorType type,
                                const Affine& output) {
  const StoredRange all = stored_range(type);
  const auto stored = [&](float real) {
    const float value = std::round(real / output.scale);
    const double sum = static_cast<double>(value) + output.zero_point;
    return static_cast<int32_t>(std::clamp<double>(sum, all.min, all.max));
  };
  switch (activation) {
    case ActivationFunctionType::kNone: return all;
    case ActivationFunctionType::kRelu: return StoredRange{stored(0), all.max};
    case ActivationFunctionType::kRelu6: return StoredRange{stored(0), stored(6)};
    case ActivationFunctionType::kReluN1To1: return StoredRange{stored(-1), stored(1)};
    default: return unsupported("a fused activation other than RELU, RELU6 and RELU_N1_TO_1");
  }
}

}  // namespace zeolite
