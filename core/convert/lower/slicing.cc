// x[...] on tensors: SlicingOpLambda of Keras 2 and GetItem of Keras 3.
#include <algorithm>
#include <limits>
#include <optional>

#include "core/convert/lower/call_arguments.h"
#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

enum class ItemKind { kIndex, kRange, kEllipsis, kNewAxis };

// One item between the brackets. An index stands in `start`.
struct Item {
  ItemKind kind = ItemKind::kRange;
  std::optional<int64_t> start;
  std::optional<int64_t> stop;
  int64_t step = 1;
};

bool fits(int64_t value) {
  return value > -(int64_t{1} << 30) && value < (int64_t{1} << 30);
}

Status not_static() {
  return refuse("it takes elements whose places the model computes, or a list of places",
                "use slices and indices that are plain numbers");
}

Result<Item> read_item(const json::Value& value) {
  Item item;
  if (value.is_null()) {
    item.kind = ItemKind::kNewAxis;
    return item;
  }
  if (const auto index = value.as_int()) {
    item.kind = ItemKind::kIndex;
    item.start = *index;
    return fits(*index) ? Result<Item>(item) : Result<Item>(not_static());
  }
  if (!value.is_object()) return not_static();
  if (value.string_or("class_name", "") == "__ellipsis__") {
    item.kind = ItemKind::kEllipsis;
    return item;
  }
  const json::Value& range =
      value.string_or("class_name", "") == "__slice__" ? value["config"] : value;
  if (range.find("start") == nullptr) return not_static();
  const auto bound = [&range](std::string_view name, std::optional<int64_t>* to) {
    *to = range[name].as_int();
    return range[name].is_null() || to->has_value();
  };
  std::optional<int64_t> step;
  if (!bound("start", &item.start) || !bound("stop", &item.stop) || !bound("step", &step)) {
    return not_static();
  }
  item.step = step.value_or(1);
  if (item.step == 0) return corrupt("it slices with a step of 0");
  if (!fits(item.step)) return not_static();
  // Far beyond any axis a bound says no more than the axis' end.
  for (std::optional<int64_t>* side : {&item.start, &item.stop}) {
    if (*side) *side = std::clamp<int64_t>(**side, -kLargestSize, kLargestSize);
  }
  return item;
}

// STRIDED_SLICE's arguments, an axis at a time, and what it gives.
struct Slices {
  std::vector<int32_t> begin;
  std::vector<int32_t> end;
  std::vector<int32_t> step;
  StridedSliceOptions options;
  Shape result;
  bool changes = false;

  void add(int64_t from, int64_t to, int64_t by) {
    begin.push_back(static_cast<int32_t>(from));
    end.push_back(static_cast<int32_t>(to));
    step.push_back(static_cast<int32_t>(by));
  }
  int32_t bit() const { return 1 << (begin.size() - 1); }
};

Status add_index(int64_t index, int32_t size, Slices* slices) {
  if (size >= 0) {
    if (index < -int64_t{size} || index >= size) {
      return corrupt("it takes element " + std::to_string(index) + " of an axis of " +
                     std::to_string(size));
    }
    if (index < 0) index += size;
  }
  slices->add(index, index + 1, 1);
  slices->options.shrink_axis_mask |= slices->bit();
  slices->changes = true;
  return Status();
}

// As Python does it: bounds count from the end when negative, and stop at the axis' ends.
void add_range(const Item& item, int32_t size, Slices* slices) {
  const bool is_whole = !item.start && !item.stop && item.step == 1;
  if (is_whole || size < 0) {
    slices->add(item.start.value_or(0), item.stop.value_or(0), item.step);
    if (!item.start) slices->options.begin_mask |= slices->bit();
    if (!item.stop) slices->options.end_mask |= slices->bit();
    slices->result.push_back(size);
    slices->changes |= !is_whole;
    return;
  }
  const bool forward = item.step > 0;
  const int64_t lowest = forward ? 0 : -1;
  const int64_t highest = forward ? size : int64_t{size} - 1;
  const auto place = [&](std::optional<int64_t> bound, int64_t fallback) {
    if (!bound) return fallback;
    return std::clamp(*bound < 0 ? *bound + size : *bound, lowest, highest);
  };
  const int64_t from = place(item.start, forward ? 0 : highest);
  const int64_t to = place(item.stop, forward ? highest : -1);
  const int64_t distance = forward ? to - from : from - to;
  const int64_t stride = forward ? item.step : -item.step;
  const int64_t count = distance > 0 ? (distance - 1) / stride + 1 : 0;
  slices->changes |= count != size || !forward;
  slices->result.push_back(static_cast<int32_t>(count));
  if (count == 0) {
    slices->add(0, 0, 1);
    return;
  }
  slices->add(from, to, item.step);
  // Before the first element there is no place that a number could name: -1 is the last one.
  if (to < 0) {
    slices->end.back() = 0;
    slices->options.end_mask |= slices->bit();
  }
}

}  // namespace

Status lower_get_item(LayerContext& layer) {
  const json::Value* key = argument(layer, 1, {"slice_spec", "key"});
  if (key == nullptr && layer.call().is_null()) return corrupt("its call has no slice");
  const json::Value none;
  if (key == nullptr) key = &none;
  std::vector<Item> items;
  for (const json::Value& value : key->is_array() ? key->items() : std::span(key, 1)) {
    ZEOLITE_ASSIGN(const Item item, read_item(value));
    items.push_back(item);
  }
  if (layer.input_count() != 1) return not_static();
  ZEOLITE_ASSIGN(int32_t tensor, layer.input());
  GraphBuilder& builder = layer.builder();
  const Shape shape = builder.shape(tensor);
  const auto count = [&items](ItemKind kind) {
    return static_cast<size_t>(std::ranges::count(items, kind, &Item::kind));
  };
  const size_t named = count(ItemKind::kIndex) + count(ItemKind::kRange);
  if (named > shape.size() || count(ItemKind::kEllipsis) > 1 ||
      shape.size() + count(ItemKind::kNewAxis) > static_cast<size_t>(kMaxRank)) {
    return corrupt("it slices more axes than its input of shape " + shape_text(shape) + " has");
  }
  if (count(ItemKind::kEllipsis) == 0) items.push_back({ItemKind::kEllipsis, {}, {}, 1});

  Slices slices;
  std::vector<size_t> new_axes;  // Where they are in the result.
  const auto size = [&] { return shape[slices.begin.size()]; };
  for (const Item& item : items) {
    switch (item.kind) {
      case ItemKind::kIndex: ZEOLITE_TRY(add_index(*item.start, size(), &slices)); break;
      case ItemKind::kRange: add_range(item, size(), &slices); break;
      case ItemKind::kEllipsis:
        for (size_t i = named; i < shape.size(); ++i) add_range({}, size(), &slices);
        break;
      case ItemKind::kNewAxis: new_axes.push_back(slices.result.size() + new_axes.size()); break;
    }
  }
  if (slices.changes) {
    tensor = builder.add(BuiltinOperator::kStridedSlice, slices.options,
                         {tensor, builder.ints(slices.begin), builder.ints(slices.end),
                          builder.ints(slices.step)},
                         builder.type(tensor), slices.result);
  }
  for (size_t axis : new_axes) {
    tensor = builder.expand_dims(tensor, static_cast<int32_t>(axis));
  }
  layer.set_output(tensor);
  return Status();
}

}  // namespace zeolite
