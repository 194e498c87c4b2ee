// ZeroPadding1D/2D and Cropping1D/2D.
#include <utility>

#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

struct Amount {
  int32_t before = 0;
  int32_t after = 0;
};

// `key` of the configuration for each spatial axis: one number for all, a number an axis, or a pair
// an axis (with one axis: a pair, or a number for both ends).
Result<std::vector<Amount>> read_amounts(const LayerContext& layer, std::string_view key,
                                         size_t spatial_rank) {
  const json::Value& value = layer.config()[key];
  std::vector<Amount> amounts(spatial_rank, Amount{1, 1});
  if (value.is_null()) return amounts;
  bool valid = true;
  const auto number = [&valid](const json::Value& item) {
    const auto found = item.as_int();
    if (!found || *found < 0 || *found > (1 << 24)) valid = false;
    return found ? static_cast<int32_t>(*found) : 0;
  };
  const auto pair = [&number](const json::Value& item) {
    if (item.is_array()) return Amount{number(item.at(0)), number(item.at(1))};
    const int32_t both = number(item);
    return Amount{both, both};
  };
  for (size_t i = 0; i < spatial_rank; ++i) {
    const bool is_own = spatial_rank == 1 || !value.is_array();
    amounts[i] = pair(is_own ? value : value.at(i));
  }
  if (!valid) {
    return corrupt("its " + std::string(key) + " is not whole numbers for each axis");
  }
  return amounts;
}

// Amounts for each axis of the tensor, as it lies.
Result<std::vector<Amount>> tensor_amounts(LayerContext& layer, std::string_view key) {
  const size_t spatial_rank = layer.node().class_name.find("1D") != std::string::npos ? 1 : 2;
  ZEOLITE_TRY(layer.expect_inputs(1, {spatial_rank + 2}));
  ZEOLITE_ASSIGN(const std::vector<Amount> spatial, read_amounts(layer, key, spatial_rank));
  const Value& input = layer.value(0);
  std::vector<Amount> amounts(layer.builder().shape(input.tensor).size());
  const int32_t first = layer.is_channels_first() ? 2 : 1;
  for (size_t i = 0; i < spatial_rank; ++i) {
    const int32_t axis = physical_axis(input.layout, first + static_cast<int32_t>(i));
    amounts[static_cast<size_t>(axis)] = spatial[i];
  }
  return amounts;
}

}  // namespace

Status lower_zero_padding(LayerContext& layer) {
  ZEOLITE_ASSIGN(const std::vector<Amount> amounts, tensor_amounts(layer, "padding"));
  std::vector<int32_t> pairs;
  bool is_needed = false;
  for (const Amount& amount : amounts) {
    pairs.push_back(amount.before);
    pairs.push_back(amount.after);
    is_needed |= amount.before + amount.after > 0;
  }
  const Value& input = layer.value(0);
  layer.set_output(Value{
      is_needed ? layer.builder().pad(input.tensor, pairs) : input.tensor, input.layout});
  return Status();
}

Status lower_cropping(LayerContext& layer) {
  ZEOLITE_ASSIGN(const std::vector<Amount> amounts, tensor_amounts(layer, "cropping"));
  const Value& input = layer.value(0);
  GraphBuilder& builder = layer.builder();
  std::vector<int32_t> begin;
  std::vector<int32_t> end;
  bool is_needed = false;
  for (size_t i = 0; i < amounts.size(); ++i) {
    const int32_t size = builder.shape(input.tensor)[i];
    if (size >= 0 && amounts[i].before + amounts[i].after >= size) {
      return corrupt("it crops an axis of " + std::to_string(size) + " away");
    }
    begin.push_back(amounts[i].before);
    end.push_back(amounts[i].after);
    is_needed |= amounts[i].before + amounts[i].after > 0;
  }
  layer.set_output(
      Value{is_needed ? builder.crop(input.tensor, begin, end) : input.tensor, input.layout});
  return Status();
}

}  // namespace zeolite
