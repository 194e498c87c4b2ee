#include "core/ops/integer_product.h"

#include <algorithm>
#include <cmath>

#include "core/ops/packed_weights.h"
#include "core/ops/window.h"

namespace zeolite {
namespace {

Result<ActivationType> activation_type(TensorType type) {
  switch (type) {
    case TensorType::kInt8: return ActivationType::kInt8;
    case TensorType::kUint8: return ActivationType::kUint8;
    case TensorType::kInt16: return ActivationType::kInt16;
    case TensorType::kFloat32: return ActivationType::kFloat32;
    default:
      return unsupported("activations of type " + std::string(tensor_type_name(type)) +
                         " are not supported here");
  }
}

Result<SumOutput> sum_output(TensorType type) {
  switch (type) {
    case TensorType::kInt8: return SumOutput::kInt8;
    case TensorType::kUint8: return SumOutput::kUint8;
    case TensorType::kInt16: return SumOutput::kInt16;
    case TensorType::kInt32: return SumOutput::kInt32;
    case TensorType::kFloat32: return SumOutput::kFloat32;
    default:
      return unsupported("an output of type " + std::string(tensor_type_name(type)) +
                         " is not supported here");
  }
}

// The one zero point of the weights; per channel all must be 0, where they are not ignored.
Result<int32_t> weight_zero_point(const OpContext& context, const ProductRoles& roles) {
  const Operand& weights = context.input(roles.weights);
  const std::vector<int64_t>& zero_points = weights.quantization->zero_point;
  if (roles.symmetric_weights && weights.type != TensorType::kUint8) return 0;
  const StoredRange range = stored_range(weights.type);
  for (int64_t zero_point : zero_points) {
    if (zero_point < range.min || zero_point > range.max) {
      return bad_input(input_text(context, roles.weights) + " has the zero point " +
                       std::to_string(zero_point) + ", which its type can't hold");
    }
    if (zero_point != 0 && zero_points.size() > 1) {
      return unsupported(input_text(context, roles.weights) +
                         " has zero points per channel, which must be 0");
    }
  }
  return zero_points.empty() ? 0 : static_cast<int32_t>(zero_points[0]);
}

}  // namespace

bool has_integer_weights(const OpContext& context, const ProductRoles& roles) {
  const TensorType type = context.input(roles.weights).type;
  return type != TensorType::kFloat32 && type != TensorType::kFloat16;
}

bool has_one_scale(const OpContext& context, const ProductRoles& roles) {
  const Quantization* quantization = context.input(roles.weights).quantization;
  if (quantization == nullptr || quantization->scale.empty()) return true;
  return std::ranges::count(quantization->scale, quantization->scale[0]) ==
         static_cast<int64_t>(quantization->scale.size());
}

Status check_integer_product(const OpContext& context, const ProductRoles& roles,
                             int64_t channels, ActivationFunctionType activation) {
  if (!has_integer_weights(context, roles)) return {};
  Result<IntegerProduct> product = integer_product(context, roles, channels, activation);
  return product.ok() ? Status() : product.take_status();
}

SumColumns IntegerProduct::columns(const OpContext& context) const {
  SumColumns columns;
  columns.count = static_cast<int64_t>(factors.size());
  columns.factors = factors.empty() ? nullptr : factors.data();
  columns.scales = scales.data();
  columns.bias = data_or_null<uint8_t>(context, roles.bias);
  columns.bias_is_wide = columns.bias != nullptr &&
                         context.input(roles.bias).type == TensorType::kInt64;
  return columns;
}

I8Weights IntegerProduct::weights_of(const OpContext& context) const {
  I8Weights result = weights;
  result.data = context.input(roles.weights).data;
  return result;
}

Result<IntegerProduct> integer_product(const OpContext& context, const ProductRoles& roles,
                                       int64_t channels, ActivationFunctionType activation) {
  const Operand& input = context.input(roles.input);
  const Operand& weights = context.input(roles.weights);
  const Operand& output = context.output(0);
  IntegerProduct product;
  product.roles = roles;
  ZEOLITE_ASSIGN(product.activations.type, activation_type(input.type));
  ZEOLITE_ASSIGN(product.stage.output, sum_output(output.type));
  product.weights.bits = static_cast<uint8_t>(bits_per_element(weights.type));
  product.wide_weights = product.weights.bits == 16;
  // Bare sums are those of the stored numbers.
  if (product.stage.output == SumOutput::kInt32) return product;
  ZEOLITE_ASSIGN(std::vector<float> scales,
                 channel_scales(context, roles.weights, roles.channel_axis, channels));
  const bool one_scale = has_one_scale(context, roles);
  ZEOLITE_ASSIGN(product.weights.zero_point, weight_zero_point(context, roles));
  product.weights.is_signed = weights.type != TensorType::kUint8;
  if (product.activations.type == ActivationType::kFloat32) {
    // The real runtime reads such weights as int8 and looks at no zero point: files of before int8
    // existed hold symmetric weights under the name of uint8.
    product.weights.is_signed = true;
    product.weights.zero_point = 0;
  }
  if (product.weights.zero_point != 0 || !product.weights.is_signed) product.wide_weights = true;
  if (product.activations.type == ActivationType::kFloat32) {
    product.activations.asymmetric = roles.asymmetric;
    ZEOLITE_ASSIGN(product.stage.clamp, fused_clamp(activation));
    product.scales = std::move(scales);
    return product;
  }
  ZEOLITE_ASSIGN(const Affine of_input, input_affine(context, roles.input));
  product.activations.zero_point = of_input.zero_point;
  if (product.activations.type == ActivationType::kInt16) {
    if (of_input.zero_point != 0) {
      return bad_input(input_text(context, roles.input) +
                       " has a zero point, which int16 must not");
    }
    product.stage.wide = context.has_input(roles.bias)
                             ? context.input(roles.bias).type == TensorType::kInt64
                             : !roles.narrow_without_bias;
    product.stage.rounding = roles.rounding_16;
  } else {
    product.stage.rounding = roles.rounding;
  }
  ZEOLITE_ASSIGN(const Affine of_output, output_affine(context, 0));
  if (output.type == TensorType::kInt16 && of_output.zero_point != 0) {
    return bad_input("the output has a zero point, which int16 must not");
  }
  ZEOLITE_ASSIGN(const StoredRange range, fused_range(activation, output.type, of_output));
  product.stage.zero_point = of_output.zero_point;
  product.stage.min = range.min;
  product.stage.max = range.max;
  const bool round_product =
      one_scale && (roles.float_product || input.type == TensorType::kUint8);
  product.factors.reserve(scales.size());
  for (float scale : scales) {
    const double both = round_product
                            ? static_cast<double>(of_input.scale * scale)
                            : static_cast<double>(of_input.scale) * static_cast<double>(scale);
    const double factor = both / static_cast<double>(of_output.scale);
    if (!std::isfinite(factor)) return bad_input("the scales' ratio is not finite");
    product.factors.push_back(fixed_point_factor(factor));
  }
  return product;
}

Result<I8Conv2DPlan> product_plan(const IntegerProduct& product, int64_t m, int64_t n, int64_t k,
                                  int threads) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (m > kMost || n > kMost || k > kMost) return unsupported("the matrices are too large");
  Conv2DShape shape;
  shape.batch = static_cast<int32_t>(m);
  shape.input_height = shape.input_width = shape.output_height = shape.output_width = 1;
  shape.input_channels = static_cast<int32_t>(k);
  shape.output_channels = static_cast<int32_t>(n);
  return i8_conv_2d_plan(shape, product.activations, product.stage, product.wide_weights, threads);
}

}  // namespace zeolite
