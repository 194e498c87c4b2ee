// Flatten, Reshape, Permute and RepeatVector.
#include <algorithm>
#include <utility>

#include "core/base/checked.h"
#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

// The product of sizes from axis 1 on; -1 when one is free.
Result<int64_t> elements_per_sample(std::span<const int32_t> shape) {
  int64_t product = 1;
  for (int32_t size : shape.subspan(1)) {
    if (size < 0) return -1;
    if (!checked_mul<int64_t>(product, size, &product) || product > kLargestSize) {
      return corrupt("its input of shape " + shape_text(shape) + " holds too many elements");
    }
  }
  return product;
}

}  // namespace

Status lower_flatten(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  const Shape shape = layer.shape();
  if (shape.empty()) return refuse("its input has no axes");
  // With channels first, Keras flattens in the order of channels last.
  Layout layout;
  if (layer.is_channels_first() && shape.size() > 2) {
    layout.push_back(0);
    for (size_t i = 2; i < shape.size(); ++i) layout.push_back(static_cast<int32_t>(i));
    layout.push_back(1);
  }
  // A value that lies with an axis of size 1 inserted needs no step back first.
  const Value& input = layer.value(0);
  Layout dense = input.layout;
  std::erase(dense, -1);
  const bool is_in_order = !input.layout.empty() &&
                           (dense == layout || (layout.empty() && std::ranges::is_sorted(dense)));
  int32_t tensor = input.tensor;
  if (!is_in_order) {
    ZEOLITE_ASSIGN(tensor, layer.input_in(layout));
  }
  ZEOLITE_ASSIGN(const int64_t count, elements_per_sample(shape));
  ZEOLITE_ASSIGN(const int32_t result,
                 layer.builder().reshape(tensor, {shape[0], static_cast<int32_t>(count)}));
  layer.set_output(result);
  return Status();
}

Status lower_reshape(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  const Shape shape = layer.builder().shape(input);
  if (shape.empty()) return refuse("its input has no batch");
  Shape target = {shape[0]};
  int64_t known = 1;
  ptrdiff_t free = -1;
  for (const json::Value& item : layer.config()["target_shape"].items()) {
    const auto size = item.as_int();
    const bool is_free = item.is_null() || (size && *size == -1);
    if ((!is_free && (!size || *size < 0 || *size > kLargestSize)) || target.size() >= kMaxRank) {
      return corrupt("its target_shape is not a list of sizes");
    }
    if (is_free) {
      if (free >= 0) return corrupt("its target_shape leaves more than one size open");
      free = static_cast<ptrdiff_t>(target.size());
    } else {
      if (!checked_mul<int64_t>(known, *size, &known)) {
        return corrupt("its target_shape holds too many elements");
      }
    }
    target.push_back(is_free ? -1 : static_cast<int32_t>(*size));
  }
  ZEOLITE_ASSIGN(const int64_t count, elements_per_sample(shape));
  if (count >= 0 && free >= 0 && known > 0) {
    target[static_cast<size_t>(free)] = static_cast<int32_t>(count / known);
    known *= count / known;
  }
  if (count >= 0 && known != count) {
    return corrupt("it turns " + shape_text(shape) + " into " + shape_text(target) +
                   ", which holds another number of elements");
  }
  ZEOLITE_ASSIGN(const int32_t result, layer.builder().reshape(input, std::move(target)));
  layer.set_output(result);
  return Status();
}

Status lower_permute(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  const Shape shape = layer.shape();
  std::vector<int32_t> permutation = {0};
  for (const json::Value& item : layer.config()["dims"].items()) {
    permutation.push_back(static_cast<int32_t>(item.as_int().value_or(-1)));
  }
  std::vector<int32_t> sorted = permutation;
  std::sort(sorted.begin(), sorted.end());
  bool is_permutation = sorted.size() == shape.size();
  for (size_t i = 0; is_permutation && i < sorted.size(); ++i) {
    is_permutation = sorted[i] == static_cast<int32_t>(i);
  }
  if (!is_permutation) {
    return corrupt("its dims are not the axes of an input of shape " + shape_text(shape));
  }
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  const bool is_needed = !std::is_sorted(permutation.begin(), permutation.end());
  layer.set_output(is_needed ? layer.builder().transpose(input, permutation) : input);
  return Status();
}

Status lower_repeat_vector(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1, {2}));
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  ZEOLITE_ASSIGN(const std::vector<int32_t> count, layer.sizes("n", 1, 1));
  GraphBuilder& builder = layer.builder();
  const Shape shape = builder.shape(input);
  ZEOLITE_ASSIGN(const int32_t row, builder.reshape(input, {shape[0], 1, shape[1]}));
  layer.set_output(builder.add(BuiltinOperator::kTile, {}, {row, builder.ints({1, count[0], 1})},
                               builder.type(row), {shape[0], count[0], shape[1]}));
  return Status();
}

}  // namespace zeolite
