// Functions called on tensors that only move elements: TFOpLambda of Keras 2 ("reshape", "concat")
// and the operations of Keras 3's keras.ops ("Reshape", "Concatenate").
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/base/checked.h"
#include "core/convert/lower/call_arguments.h"
#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

Status too_large() { return corrupt("it makes more than a tensor can hold"); }

// Functions of several tensors take nothing but them.
Status expect_tensors(const LayerContext& layer) {
  const json::Value& args = layer.call()["args"];
  const json::Value& list = args.size() > 0 && args.at(0).is_array() ? args.at(0) : args;
  const bool all_tensors = std::ranges::all_of(
      list.items(), [](const json::Value& item) { return item.find("input") != nullptr; });
  const bool all_there = layer.call().is_null() || list.size() == layer.input_count();
  if (layer.input_count() > 0 && all_tensors && all_there) return Status();
  return refuse("it joins constants with tensors");
}

Status lower_reshape_function(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  ZEOLITE_ASSIGN(Shape target, whole_numbers(layer, 1, {"newshape", "shape"}));
  const Shape& shape = layer.builder().shape(input);
  int64_t known = 1;
  int64_t elements = 1;
  for (int32_t size : target) {
    if (size < -1 || size > kLargestSize) return corrupt("its shape is not a list of sizes");
    if (size >= 0 && !checked_mul<int64_t>(known, size, &known)) return too_large();
  }
  for (int32_t size : shape) {
    if (size < 0) {
      elements = -1;
      break;
    }
    if (!checked_mul<int64_t>(elements, size, &elements)) return too_large();
  }
  const auto free = std::ranges::find(target, -1);
  const auto mismatch = [&] {
    return corrupt("it turns " + shape_text(shape) + " into " + shape_text(target) +
                   ", which holds another number of elements");
  };
  if (free != target.end()) {
    if (std::find(free + 1, target.end(), -1) != target.end()) {
      return corrupt("its shape leaves more than one size open");
    }
    if (elements >= 0) {
      if (known == 0 || elements % known != 0) return mismatch();
      *free = static_cast<int32_t>(elements / known);
    }
  } else if (elements >= 0 && elements != known) {
    return mismatch();
  }
  ZEOLITE_ASSIGN(const int32_t result, layer.builder().reshape(input, std::move(target)));
  layer.set_output(result);
  return Status();
}

Status transpose_by(LayerContext& layer, const std::vector<int32_t>& permutation) {
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  const bool is_needed = !std::ranges::is_sorted(permutation);
  layer.set_output(is_needed ? layer.builder().transpose(input, permutation) : input);
  return Status();
}

Status lower_transpose_function(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  const size_t rank = layer.shape().size();
  ZEOLITE_ASSIGN(std::vector<int32_t> permutation, axes_of(layer, rank, 1, {"axes", "perm"}));
  if (permutation.empty()) {
    for (size_t i = rank; i > 0; --i) permutation.push_back(static_cast<int32_t>(i - 1));
  }
  std::vector<int32_t> sorted = permutation;
  std::ranges::sort(sorted);
  if (sorted.size() != rank || std::ranges::adjacent_find(sorted) != sorted.end()) {
    return corrupt("it does not name each axis of its input once");
  }
  return transpose_by(layer, permutation);
}

Status lower_swap_axes(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  const size_t rank = layer.shape().size();
  ZEOLITE_ASSIGN(const std::vector<int32_t> first, axes_of(layer, rank, 1, {"axis1"}));
  ZEOLITE_ASSIGN(const std::vector<int32_t> second, axes_of(layer, rank, 2, {"axis2"}));
  if (first.size() != 1 || second.size() != 1) return corrupt("it does not name two axes");
  std::vector<int32_t> permutation(rank);
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(permutation[static_cast<size_t>(first[0])],
            permutation[static_cast<size_t>(second[0])]);
  return transpose_by(layer, permutation);
}

Status lower_move_axis(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  const size_t rank = layer.shape().size();
  ZEOLITE_ASSIGN(const std::vector<int32_t> from, axes_of(layer, rank, 1, {"source"}));
  ZEOLITE_ASSIGN(const std::vector<int32_t> to, axes_of(layer, rank, 2, {"destination"}));
  std::vector<int32_t> permutation(rank, -1);
  std::vector<bool> moved(rank);
  bool valid = from.size() == to.size();
  for (size_t i = 0; valid && i < from.size(); ++i) {
    int32_t& place = permutation[static_cast<size_t>(to[i])];
    valid = place < 0 && !moved[static_cast<size_t>(from[i])];
    place = from[i];
    moved[static_cast<size_t>(from[i])] = true;
  }
  if (!valid) return corrupt("it does not say where each axis goes");
  int32_t next = 0;  // The others keep their order.
  for (int32_t& place : permutation) {
    if (place >= 0) continue;
    while (moved[static_cast<size_t>(next)]) ++next;
    place = next++;
  }
  return transpose_by(layer, permutation);
}

// The argument `axis` of a tensor of `rank` dimensions, in order; none where it is absent.
Result<std::vector<int32_t>> ascending_axes(const LayerContext& layer, size_t rank) {
  ZEOLITE_ASSIGN(std::vector<int32_t> axes, axes_of(layer, rank, 1, {"axis"}));
  std::ranges::sort(axes);
  if (std::ranges::adjacent_find(axes) != axes.end()) {
    return corrupt("it names the same axis twice");
  }
  return axes;
}

Status lower_expand_dims(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(int32_t tensor, layer.input());
  ZEOLITE_ASSIGN(const std::vector<int32_t> given, whole_numbers(layer, 1, {"axis"}));
  // Axes are those of the result.
  const size_t rank = layer.shape().size() + given.size();
  if (given.empty() || rank > static_cast<size_t>(kMaxRank)) {
    return corrupt("it does not say which axis it inserts");
  }
  ZEOLITE_ASSIGN(const std::vector<int32_t> axes, ascending_axes(layer, rank));
  for (int32_t axis : axes) tensor = layer.builder().expand_dims(tensor, axis);
  layer.set_output(tensor);
  return Status();
}

Status lower_squeeze(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  GraphBuilder& builder = layer.builder();
  const Shape shape = builder.shape(input);
  ZEOLITE_ASSIGN(std::vector<int32_t> axes,
                 axes_of(layer, shape.size(), 1, {"axis", "squeeze_dims"}));
  const bool all_ones = axes.empty();
  Shape result;
  for (size_t i = 0; i < shape.size(); ++i) {
    const auto axis = static_cast<int32_t>(i);
    if (all_ones && shape[i] == 1) axes.push_back(axis);
    if (std::ranges::find(axes, axis) == axes.end()) {
      result.push_back(shape[i]);
    } else if (shape[i] > 1 || shape[i] == 0) {
      return corrupt("it drops an axis of " + std::to_string(shape[i]) + " elements");
    }
  }
  if (std::ranges::count(result, -1) <= 1) {
    ZEOLITE_ASSIGN(const int32_t reshaped, builder.reshape(input, std::move(result)));
    layer.set_output(reshaped);
    return Status();
  }
  layer.set_output(builder.add(Op::kSqueeze, SqueezeOptions{axes}, {input}, builder.type(input),
                               std::move(result)));
  return Status();
}

Status lower_concatenate_function(LayerContext& layer) {
  ZEOLITE_TRY(expect_tensors(layer));
  const json::Value* axis = argument(layer, kByName, {"axis"});
  return axis != nullptr ? concatenate(layer, *axis)
                         : refuse("it does not say along which axis it joins");
}

Status lower_stack(LayerContext& layer) {
  ZEOLITE_TRY(expect_tensors(layer));
  std::vector<int32_t> tensors;
  for (size_t i = 0; i < layer.input_count(); ++i) {
    ZEOLITE_ASSIGN(const int32_t tensor, layer.input(i));
    tensors.push_back(tensor);
  }
  GraphBuilder& builder = layer.builder();
  Shape shape = builder.shape(tensors[0]);
  for (int32_t tensor : tensors) {
    if (builder.shape(tensor) != shape || builder.type(tensor) != builder.type(tensors[0])) {
      return refuse("it stacks tensors of different shapes or types");
    }
  }
  const size_t rank = shape.size() + 1;
  if (rank > static_cast<size_t>(kMaxRank)) return too_large();
  ZEOLITE_ASSIGN(const std::vector<int32_t> axes, axes_of(layer, rank, kByName, {"axis"}));
  const int32_t axis = axes.empty() ? 0 : axes[0];
  const auto count = static_cast<int32_t>(tensors.size());
  shape.insert(shape.begin() + axis, count);
  const TensorType type = builder.type(tensors[0]);
  layer.set_output(
      builder.add(Op::kPack, PackOptions{count, axis}, std::move(tensors), type, shape));
  return Status();
}

// The first axis that the call names, or 0, which must have a known size.
Result<int32_t> known_axis(const LayerContext& layer, const Shape& shape, size_t position) {
  ZEOLITE_ASSIGN(const std::vector<int32_t> axes,
                 axes_of(layer, shape.size(), position, {"axis"}));
  const int32_t axis = axes.empty() ? 0 : axes[0];
  if (shape.empty() || shape[static_cast<size_t>(axis)] < 0) {
    return refuse("it takes apart an axis whose size is not known");
  }
  return axis;
}

void set_parts(LayerContext& layer, const std::vector<int32_t>& parts) {
  std::vector<Value> values;
  for (int32_t part : parts) values.push_back(Value{part, {}});
  layer.set_outputs(std::move(values));
}

Status lower_unstack(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  GraphBuilder& builder = layer.builder();
  Shape shape = builder.shape(input);
  ZEOLITE_ASSIGN(const int32_t axis, known_axis(layer, shape, 2));
  const int32_t count = shape[static_cast<size_t>(axis)];
  if (count < 1 || count > 4096) return refuse("it makes " + std::to_string(count) + " outputs");
  shape.erase(shape.begin() + axis);
  const std::vector<Shape> shapes(static_cast<size_t>(count), shape);
  set_parts(layer, builder.add_multiple(Op::kUnpack, UnpackOptions{count, axis}, {input},
                                        builder.type(input), shapes));
  return Status();
}

// TensorFlow's list names the parts' sizes, that of keras.ops the places between them.
Status lower_split(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  GraphBuilder& builder = layer.builder();
  const Shape shape = builder.shape(input);
  ZEOLITE_ASSIGN(const int32_t axis, known_axis(layer, shape, 2));
  const int32_t size = shape[static_cast<size_t>(axis)];
  const json::Value* wanted = argument(layer, 1, {"indices_or_sections", "num_or_size_splits"});
  ZEOLITE_ASSIGN(std::vector<int32_t> sizes,
                 whole_numbers(layer, 1, {"indices_or_sections", "num_or_size_splits"}));
  if (wanted == nullptr) return corrupt("it does not say into how many parts it splits");
  const bool is_even = !wanted->is_array();
  if (is_even) {
    const int32_t count = sizes[0];
    if (count < 1 || count > 4096 || size % count != 0) {
      return corrupt("it splits an axis of " + std::to_string(size) + " into " +
                     std::to_string(count) + " parts");
    }
    sizes.assign(static_cast<size_t>(count), size / count);
  } else if (layer.keras_major() >= 3) {
    sizes.push_back(size);
    for (size_t i = sizes.size() - 1; i > 0; --i) sizes[i] -= sizes[i - 1];
  } else if (std::ranges::count(sizes, -1) == 1) {
    int64_t rest = size;
    for (int32_t one : sizes) rest -= std::max(one, 0);
    *std::ranges::find(sizes, -1) = static_cast<int32_t>(std::max<int64_t>(rest, -1));
  }
  int64_t total = 0;
  std::vector<Shape> shapes;
  for (int32_t one : sizes) {
    if (one < 0) return corrupt("it makes a part of a negative size");
    total += one;
    shapes.push_back(shape);
    shapes.back()[static_cast<size_t>(axis)] = one;
  }
  if (total != size || sizes.size() > 4096) {
    return corrupt("its parts are not together as large as what it splits");
  }
  const auto count = static_cast<int32_t>(sizes.size());
  const TensorType type = builder.type(input);
  const int32_t axis_tensor = builder.int_scalar(axis);
  set_parts(layer, is_even ? builder.add_multiple(Op::kSplit, SplitOptions{count},
                                                  {axis_tensor, input}, type, shapes)
                           : builder.add_multiple(Op::kSplitV, SplitVOptions{count},
                                                  {input, builder.ints(sizes), axis_tensor}, type,
                                                  shapes));
  return Status();
}

// Elements before and after, for each axis: pairs, one pair or one number for all.
Result<std::vector<int32_t>> pad_amounts(const json::Value& value, size_t rank) {
  std::vector<int32_t> amounts;
  bool valid = true;
  const auto add = [&](const json::Value& item) {
    const auto number = item.as_int();
    valid = valid && number && *number >= 0 && *number <= kLargestSize;
    amounts.push_back(valid ? static_cast<int32_t>(*number) : 0);
  };
  const auto add_pair = [&](const json::Value& item) {
    add(item.is_array() ? item.at(0) : item);
    add(item.is_array() ? item.at(1) : item);
  };
  if (!value.is_array() || (value.size() == 2 && !value.at(0).is_array())) {
    for (size_t i = 0; i < rank; ++i) add_pair(value);
  } else if (value.size() == 1) {
    for (size_t i = 0; i < rank; ++i) add_pair(value.at(0));
  } else {
    for (const json::Value& item : value.items()) add_pair(item);
  }
  if (valid && amounts.size() == 2 * rank) return amounts;
  return refuse("it does not pad by whole numbers for each axis that the file gives: " +
                json::write(value));
}

Status lower_pad(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  GraphBuilder& builder = layer.builder();
  const json::Value* value = argument(layer, 1, {"pad_width", "paddings"});
  if (value == nullptr) return corrupt("it does not say by how much it pads");
  const Shape shape = builder.shape(input);
  ZEOLITE_ASSIGN(const std::vector<int32_t> amounts, pad_amounts(*value, shape.size()));
  Shape result = shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 0) continue;
    const int64_t size = int64_t{shape[i]} + amounts[2 * i] + amounts[2 * i + 1];
    if (size > kLargestSize) return too_large();
    result[i] = static_cast<int32_t>(size);
  }
  const json::Value* mode_value = argument(layer, 2, {"mode"});
  const std::string_view mode =
      mode_value != nullptr ? mode_value->as_string().value_or("") : "constant";
  const json::Value* filler = argument(layer, 3, {"constant_values"});
  if (mode == "constant" || mode == "CONSTANT") {
    const double number = filler != nullptr ? filler->as_number().value_or(NAN) : 0;
    if (number == 0) {
      layer.set_output(builder.pad(input, amounts));
      return Status();
    }
    if (std::isnan(number) || builder.type(input) != TensorType::kFloat32) {
      return refuse("it pads with something that is not one number");
    }
    const int32_t constant = builder.float_scalar(static_cast<float>(number));
    layer.set_output(builder.add(Op::kPadv2, {}, {input, builder.int_pairs(amounts), constant},
                                 TensorType::kFloat32, std::move(result)));
    return Status();
  }
  const bool is_reflect = mode == "reflect" || mode == "REFLECT";
  if (!is_reflect && mode != "symmetric" && mode != "SYMMETRIC") {
    return refuse("the padding mode \"" + std::string(mode) + "\" is not known");
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    const int32_t most = std::max(amounts[2 * i], amounts[2 * i + 1]);
    if (shape[i] >= 0 && most > shape[i] - (is_reflect ? 1 : 0)) {
      return corrupt("it reflects more than an axis has");
    }
  }
  const MirrorPadMode how = is_reflect ? MirrorPadMode::kReflect : MirrorPadMode::kSymmetric;
  layer.set_output(builder.add(Op::kMirrorPad, MirrorPadOptions{how},
                               {input, builder.int_pairs(amounts)}, builder.type(input),
                               std::move(result)));
  return Status();
}

Status lower_tile(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(int32_t tensor, layer.input());
  GraphBuilder& builder = layer.builder();
  ZEOLITE_ASSIGN(std::vector<int32_t> counts, whole_numbers(layer, 1, {"repeats", "multiples"}));
  Shape shape = builder.shape(tensor);
  if (counts.size() > static_cast<size_t>(kMaxRank)) return too_large();
  // The shorter of the two is filled up in front, as NumPy does.
  while (counts.size() < shape.size()) counts.insert(counts.begin(), 1);
  while (shape.size() < counts.size()) {
    tensor = builder.expand_dims(tensor, 0);
    shape = builder.shape(tensor);
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t size = shape[i];
    if (counts[i] < 0) return corrupt("it repeats a negative number of times");
    if (size >= 0 && (!checked_mul<int64_t>(size, counts[i], &size) || size > kLargestSize)) {
      return too_large();
    }
    shape[i] = static_cast<int32_t>(size);
  }
  layer.set_output(builder.add(Op::kTile, {}, {tensor, builder.ints(counts)},
                               builder.type(tensor), shape));
  return Status();
}

Status lower_flip(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  GraphBuilder& builder = layer.builder();
  const size_t rank = builder.shape(input).size();
  ZEOLITE_ASSIGN(std::vector<int32_t> axes, ascending_axes(layer, rank));
  if (axes.empty()) {
    axes.resize(rank);
    std::iota(axes.begin(), axes.end(), 0);
  }
  // The real runtime reverses neighbouring axes only.
  int32_t tensor = input;
  for (int32_t axis : axes) {
    tensor = builder.add(Op::kReverseV2, {}, {tensor, builder.ints({axis})}, builder.type(tensor),
                         builder.shape(tensor));
  }
  layer.set_output(tensor);
  return Status();
}

// slice(x, begin, sizes): a size of -1 takes what is left.
Status lower_slice(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  GraphBuilder& builder = layer.builder();
  const Shape shape = builder.shape(input);
  ZEOLITE_ASSIGN(const std::vector<int32_t> begin,
                 whole_numbers(layer, 1, {"begin", "start_indices"}));
  ZEOLITE_ASSIGN(const std::vector<int32_t> sizes, whole_numbers(layer, 2, {"size", "shape"}));
  if (begin.size() != shape.size() || sizes.size() != shape.size()) {
    return corrupt("it does not name a part of each axis");
  }
  std::vector<int32_t> end(shape.size(), 0);
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 0 && sizes[i] >= 0) {
      return refuse("it takes a fixed part of an axis whose size is not known");
    }
    const int64_t rest = int64_t{shape[i]} - begin[i] - sizes[i];
    if (begin[i] < 0 || begin[i] > (shape[i] < 0 ? kLargestSize : shape[i]) ||
        (sizes[i] >= 0 ? rest < 0 : sizes[i] != -1)) {
      return corrupt("it takes a part that reaches beyond its input");
    }
    if (sizes[i] >= 0) end[i] = static_cast<int32_t>(rest);
  }
  layer.set_output(builder.crop(input, begin, end));
  return Status();
}

Status lower_depth_to_space(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1, {4}));
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  GraphBuilder& builder = layer.builder();
  ZEOLITE_ASSIGN(const std::vector<int32_t> block, whole_numbers(layer, 1, {"block_size"}));
  const json::Value* format = argument(layer, 2, {"data_format"});
  if (format != nullptr && format->as_string() != "NHWC") {
    return refuse("depth_to_space with channels first is not converted yet");
  }
  const Shape shape = builder.shape(input);
  if (block.size() != 1 || block[0] < 1 || block[0] > 256 || shape[3] < 0 ||
      shape[3] % (block[0] * block[0]) != 0) {
    return corrupt("its channels are not a multiple of its blocks");
  }
  const auto larger = [&](int32_t size) { return size < 0 ? size : size * block[0]; };
  layer.set_output(builder.add(
      Op::kDepthToSpace, DepthToSpaceOptions{block[0]}, {input}, builder.type(input),
      {shape[0], larger(shape[1]), larger(shape[2]), shape[3] / (block[0] * block[0])}));
  return Status();
}

struct Movement {
  std::string_view keras2;
  std::string_view keras3;
  LowerFunction lower;
};

constexpr Movement kMovements[] = {
    {"__operators__.getitem", "GetItem", lower_get_item},
    {"reshape", "Reshape", lower_reshape_function},
    {"compat.v1.transpose", "Transpose", lower_transpose_function},
    {"transpose", "", lower_transpose_function},
    {"", "Swapaxes", lower_swap_axes},
    {"", "Moveaxis", lower_move_axis},
    {"expand_dims", "ExpandDims", lower_expand_dims},
    {"compat.v1.squeeze", "Squeeze", lower_squeeze},
    {"squeeze", "", lower_squeeze},
    {"concat", "Concatenate", lower_concatenate_function},
    {"stack", "Stack", lower_stack},
    {"unstack", "Unstack", lower_unstack},
    {"split", "Split", lower_split},
    {"compat.v1.pad", "Pad", lower_pad},
    {"pad", "", lower_pad},
    {"tile", "Tile", lower_tile},
    {"reverse", "Flip", lower_flip},
    {"slice", "Slice", lower_slice},
    {"nn.depth_to_space", "", lower_depth_to_space},
};

}  // namespace

LowerFunction find_movement(std::string_view function) {
  if (function.empty()) return nullptr;
  for (const Movement& entry : kMovements) {
    if (entry.keras2 == function || entry.keras3 == function) return entry.lower;
  }
  return nullptr;
}

std::string_view function_name(const SourceNode& node) {
  if (node.class_name == "TFOpLambda" || node.class_name == "SlicingOpLambda") {
    return (*node.config)["function"].as_string().value_or("");
  }
  const std::string_view name = node.class_name;
  return name.starts_with("ops.") ? name.substr(4) : std::string_view();
}

}  // namespace zeolite
