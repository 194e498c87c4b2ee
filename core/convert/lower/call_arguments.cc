#include "core/convert/lower/call_arguments.h"

#include <limits>

namespace zeolite {

const json::Value* argument(const LayerContext& layer, size_t position,
                            std::initializer_list<std::string_view> names) {
  const auto unless_null = [](const json::Value& value) {
    return value.is_null() ? nullptr : &value;
  };
  const json::Value& call = layer.call();
  const std::span<const json::Value> args = call["args"].items();
  if (position < args.size()) return unless_null(args[position]);
  for (const std::string_view name : names) {
    if (const json::Value* found = call["kwargs"].find(name)) return unless_null(*found);
    if (const json::Value* found = layer.config().find(name)) return unless_null(*found);
  }
  return nullptr;
}

Result<std::vector<int32_t>> whole_numbers(const LayerContext& layer, size_t position,
                                           std::initializer_list<std::string_view> names) {
  std::vector<int32_t> numbers;
  const json::Value* value = argument(layer, position, names);
  if (value == nullptr) return numbers;
  for (const json::Value& item : value->is_array() ? value->items() : std::span(value, 1)) {
    const auto number = item.as_int();
    if (!number || *number < std::numeric_limits<int32_t>::min() ||
        *number > std::numeric_limits<int32_t>::max()) {
      return refuse("its argument \"" + std::string(*names.begin()) +
                        "\" is not made of whole numbers that the file gives: " +
                        json::write(*value),
                    "give numbers that do not depend on the input");
    }
    numbers.push_back(static_cast<int32_t>(*number));
  }
  return numbers;
}

Result<std::vector<int32_t>> axes_of(const LayerContext& layer, size_t rank, size_t position,
                                     std::initializer_list<std::string_view> names) {
  ZEOLITE_ASSIGN(std::vector<int32_t> axes, whole_numbers(layer, position, names));
  for (int32_t& axis : axes) {
    ZEOLITE_ASSIGN(axis, layer.axis(json::Value(static_cast<int64_t>(axis)), rank, 0));
  }
  return axes;
}

}  // namespace zeolite
