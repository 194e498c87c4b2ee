#include "core/convert/lower/layer.h"

#include <algorithm>
#include <utility>

#include "core/convert/lower/layers.h"

namespace zeolite {
namespace {

const json::Value kNull;

bool is_identity(std::span<const int32_t> permutation) {
  for (size_t i = 0; i < permutation.size(); ++i) {
    if (permutation[i] != static_cast<int32_t>(i)) return false;
  }
  return true;
}

// The layout's axes without the inserted ones: what TRANSPOSE gets.
std::vector<int32_t> permutation_of(const Layout& layout) {
  std::vector<int32_t> permutation;
  for (int32_t axis : layout) {
    if (axis >= 0) permutation.push_back(axis);
  }
  return permutation;
}

}  // namespace

Status refuse(std::string reason, std::string help) {
  Error error{ErrorCode::kUnsupported, reason, {}};
  Issue issue;
  issue.subject = Issue::Subject::kLayer;
  issue.reason = std::move(reason);
  issue.help = std::move(help);
  error.issues.push_back(std::move(issue));
  return Status(std::move(error));
}

Result<int32_t> ValueMap::in_layout(GraphBuilder& builder, const Value& value,
                                    const Layout& layout) {
  if (value.layout == layout) return value.tensor;
  const std::pair<int32_t, Layout> key(value.tensor, layout);
  if (const auto found = made_.find(key); found != made_.end()) return found->second;
  int32_t tensor = value.tensor;
  if (!value.layout.empty()) {
    // Back to the source's order: first without inserted axes, then transposed.
    const std::vector<int32_t> permutation = permutation_of(value.layout);
    Shape dense;
    for (size_t i = 0; i < value.layout.size(); ++i) {
      if (value.layout[i] >= 0) dense.push_back(builder.shape(tensor)[i]);
    }
    ZEOLITE_ASSIGN(tensor, builder.reshape(tensor, std::move(dense)));
    std::vector<int32_t> inverse(permutation.size());
    for (size_t i = 0; i < permutation.size(); ++i) {
      inverse[static_cast<size_t>(permutation[i])] = static_cast<int32_t>(i);
    }
    if (!is_identity(inverse)) tensor = builder.transpose(tensor, inverse);
  }
  if (!layout.empty()) {
    const std::vector<int32_t> permutation = permutation_of(layout);
    if (!is_identity(permutation)) tensor = builder.transpose(tensor, permutation);
    Shape full;
    for (size_t i = 0, next = 0; i < layout.size(); ++i) {
      full.push_back(layout[i] < 0 ? 1 : builder.shape(tensor)[next++]);
    }
    ZEOLITE_ASSIGN(tensor, builder.reshape(tensor, std::move(full)));
  }
  made_[key] = tensor;
  return tensor;
}

const json::Value& LayerContext::call() const {
  return node_.call != nullptr ? *node_.call : kNull;
}

Shape LayerContext::shape_of(const Value& value) const {
  const Shape& stored = builder_.shape(value.tensor);
  if (value.layout.empty()) return stored;
  Shape result(permutation_of(value.layout).size());
  for (size_t i = 0; i < value.layout.size(); ++i) {
    if (value.layout[i] >= 0) result[static_cast<size_t>(value.layout[i])] = stored[i];
  }
  return result;
}

Status LayerContext::expect_inputs(size_t count, std::initializer_list<size_t> ranks) const {
  if (inputs_.size() != count) {
    return refuse("it takes " + std::to_string(count) + " inputs and is called with " +
                  std::to_string(inputs_.size()));
  }
  if (ranks.size() == 0) return Status();
  const size_t rank = shape().size();
  if (std::find(ranks.begin(), ranks.end(), rank) != ranks.end()) return Status();
  return refuse("it does not take an input of shape " + shape_text(shape()));
}

Status LayerContext::cast_inputs() {
  // These move or compare values whatever they are.
  static constexpr std::string_view kAnyType[] = {
      "Flatten", "Reshape", "Permute", "RepeatVector", "Concatenate", "Cropping1D", "Cropping2D",
      "ZeroPadding1D", "ZeroPadding2D", "Identity", "Dropout", "Add", "Subtract", "Multiply",
      "Maximum", "Minimum", "Softmax"};
  if (std::find(std::begin(kAnyType), std::end(kAnyType), node_.class_name) !=
      std::end(kAnyType)) {
    return Status();
  }
  if (find_movement(function_name(node_)) != nullptr) return Status();
  for (Value& input : inputs_) {
    const TensorType from = builder_.type(input.tensor);
    if (from == TensorType::kFloat32) continue;
    input.tensor = builder_.add(BuiltinOperator::kCast, CastOptions{from, TensorType::kFloat32},
                                {input.tensor}, TensorType::kFloat32,
                                builder_.shape(input.tensor));
  }
  return Status();
}

Result<const SourceWeight*> LayerContext::weight(std::string_view role,
                                                 std::span<const int32_t> shape) const {
  for (const SourceWeight& weight : node_.weights) {
    if (weight.name != role) continue;
    bool fits = weight.shape.size() == shape.size();
    for (size_t i = 0; fits && i < shape.size(); ++i) {
      fits = shape[i] < 0 || shape[i] == weight.shape[i];
    }
    if (!fits) {
      return corrupt("its weight \"" + std::string(role) + "\" has shape " +
                     shape_text(weight.shape) + " in the file; the configuration asks for " +
                     shape_text(shape));
    }
    return &weight;
  }
  return corrupt("its weight \"" + std::string(role) + "\" is not in the file");
}

bool LayerContext::has_weight(std::string_view role) const {
  return std::any_of(node_.weights.begin(), node_.weights.end(),
                     [role](const SourceWeight& weight) { return weight.name == role; });
}

Result<std::vector<int32_t>> LayerContext::sizes(std::string_view key, size_t count,
                                                 int32_t fallback, int32_t lowest) const {
  const json::Value& value = config()[key];
  std::vector<int32_t> result(count, fallback);
  if (value.is_null()) return result;
  for (size_t i = 0; i < count; ++i) {
    const json::Value& item = value.is_array() ? value.at(value.size() == 1 ? 0 : i) : value;
    const auto number = item.as_int();
    if (!number || *number < lowest || *number > (1 << 24)) {
      return corrupt("its " + std::string(key) + " is not " +
                     (count == 1 ? "a whole number" : std::to_string(count) + " whole numbers") +
                     " of at least " + std::to_string(lowest) + ": " + json::write(value));
    }
    result[i] = static_cast<int32_t>(*number);
  }
  return result;
}

Result<int32_t> LayerContext::size(std::string_view key) const {
  ZEOLITE_ASSIGN(const std::vector<int32_t> found, sizes(key, 1, -1));
  return found[0];
}

bool LayerContext::is_channels_first() const {
  return config().string_or("data_format", "channels_last") == "channels_first";
}

Result<int32_t> LayerContext::axis(const json::Value& value, size_t rank,
                                   int32_t fallback) const {
  int64_t axis = fallback;
  if (!value.is_null()) {
    const json::Value& item = value.is_array() && value.size() == 1 ? value.at(0) : value;
    const auto number = item.as_int();
    if (!number) return corrupt("its axis is not a whole number");
    axis = *number;
  }
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < 0) axis += signed_rank;
  if (axis < 0 || axis >= signed_rank) {
    return corrupt("its axis is outside of an input of " + std::to_string(rank) + " dimensions");
  }
  return static_cast<int32_t>(axis);
}

int32_t physical_axis(const Layout& layout, int32_t axis) {
  if (layout.empty()) return axis;
  return static_cast<int32_t>(std::find(layout.begin(), layout.end(), axis) - layout.begin());
}

Layout spatial_layout(size_t spatial_rank, bool channels_first) {
  if (spatial_rank == 1) return channels_first ? Layout{0, -1, 2, 1} : Layout{0, -1, 1, 2};
  return channels_first ? Layout{0, 2, 3, 1} : Layout{};
}

int32_t broadcast_constant(GraphBuilder& builder, std::string_view role, const Shape& shape,
                           const Layout& layout, const std::function<float(int64_t)>& value) {
  Layout axes = layout;
  if (axes.empty()) {
    for (size_t i = 0; i < shape.size(); ++i) axes.push_back(static_cast<int32_t>(i));
  }
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  Shape stored;
  std::vector<int64_t> steps;
  for (int32_t axis : axes) {
    stored.push_back(axis < 0 ? 1 : shape[static_cast<size_t>(axis)]);
    steps.push_back(axis < 0 ? 0 : strides[static_cast<size_t>(axis)]);
  }
  // Leading ones say nothing and cost bytes.
  size_t first = 0;
  while (first < stored.size() && stored[first] == 1) ++first;
  stored.erase(stored.begin(), stored.begin() + static_cast<ptrdiff_t>(first));
  steps.erase(steps.begin(), steps.begin() + static_cast<ptrdiff_t>(first));
  return builder.floats(role, stored, [&](std::span<float> elements) {
    std::vector<int32_t> position(stored.size(), 0);
    int64_t source = 0;
    for (float& element : elements) {
      element = value(source);
      for (size_t i = stored.size(); i-- > 0;) {
        source += steps[i];
        if (++position[i] < stored[i]) break;
        source -= steps[i] * stored[i];
        position[i] = 0;
      }
    }
  });
}

}  // namespace zeolite
