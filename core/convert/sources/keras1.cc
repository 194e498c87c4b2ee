// Keras 1's names of classes and arguments, and its kernels, in today's form. The facts are those
// of Keras 2's own loader: keras/legacy/interfaces.py and preprocess_weights_for_loading.
#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/convert/sources/keras_model.h"

namespace zeolite::keras {
namespace {

using Names = std::pair<std::string_view, std::string_view>;

constexpr Names kClasses[] = {
    {"Convolution1D", "Conv1D"},
    {"Convolution2D", "Conv2D"},
    {"AtrousConvolution1D", "Conv1D"},
    {"AtrousConvolution2D", "Conv2D"},
    {"SeparableConvolution2D", "SeparableConv2D"},
    {"Deconvolution2D", "Conv2DTranspose"},
    {"TimeDistributedDense", "Dense"},
};

constexpr Names kArguments[] = {
    {"output_dim", "units"},
    {"nb_filter", "filters"},
    {"filter_length", "kernel_size"},
    {"subsample", "strides"},
    {"subsample_length", "strides"},
    {"stride", "strides"},
    {"border_mode", "padding"},
    {"bias", "use_bias"},
    {"atrous_rate", "dilation_rate"},
    {"pool_length", "pool_size"},
    {"length", "size"},
    {"p", "rate"},
    {"sigma", "stddev"},
    {"inner_activation", "recurrent_activation"},
    {"concat_axis", "axis"},
    {"input_dtype", "dtype"},
};

std::string_view renamed(std::span<const Names> names, std::string_view name) {
  for (const Names& entry : names) {
    if (entry.first == name) return entry.second;
  }
  return name;
}

// The layer that a Merge of `mode` became; "Merge" where there is none.
std::string_view merge_class(std::string_view mode) {
  constexpr Names kModes[] = {{"sum", "Add"},       {"mul", "Multiply"}, {"concat", "Concatenate"},
                              {"ave", "Average"},   {"dot", "Dot"},      {"cos", "Dot"},
                              {"max", "Maximum"}};
  const std::string_view found = renamed(kModes, mode);
  return found == mode ? "Merge" : found;
}

// How elements lie in another order of axes: from where to begin, and how far each axis steps.
struct Order {
  Shape shape;
  std::vector<int64_t> steps;  // In bytes.
  int64_t start = 0;
  size_t element_bytes = 0;
};

Result<Content> reordered(const Content& content, const Order& order) {
  const std::span<const uint8_t> old = content.data;
  ZEOLITE_ASSIGN(const int64_t count, element_count(order.shape));
  // Who reads the weight sees that there are too many or too few.
  if (old.size() != static_cast<uint64_t>(count) * order.element_bytes) return content;
  ZEOLITE_ASSIGN(Bytes bytes, Bytes::allocate(old.size(), "a kernel of the Keras file"));
  std::vector<int32_t> position(order.shape.size());
  int64_t from = order.start;
  for (size_t to = 0; to < old.size(); to += order.element_bytes) {
    std::memcpy(bytes.data() + to, old.data() + from, order.element_bytes);
    for (size_t i = position.size(); i-- > 0;) {
      from += order.steps[i];
      if (++position[i] < order.shape[i]) break;
      from -= order.steps[i] * order.shape[i];
      position[i] = 0;
    }
  }
  return Content::of(std::move(bytes));
}

// Axis i of the result is axis permutation[i] of `weight`, backwards where `turned`.
void reorder(const std::vector<size_t>& permutation, const std::vector<bool>& turned,
             SourceWeight* weight) {
  const size_t rank = weight->shape.size();
  const bool is_empty = std::find(weight->shape.begin(), weight->shape.end(), 0) !=
                        weight->shape.end();
  Order order;
  order.element_bytes = static_cast<size_t>(bits_per_element(weight->type)) / 8;
  std::vector<int64_t> strides(rank, static_cast<int64_t>(order.element_bytes));
  // Where there are elements the file holds them, so that no product overflows.
  for (size_t i = rank; i-- > 1 && !is_empty;) strides[i - 1] = strides[i] * weight->shape[i];
  for (size_t i = 0; i < rank; ++i) {
    const int64_t stride = strides[permutation[i]];
    order.shape.push_back(weight->shape[permutation[i]]);
    order.steps.push_back(turned[i] ? -stride : stride);
    if (turned[i]) order.start += stride * (order.shape[i] - 1);
  }
  weight->shape = order.shape;
  weight->read = [read = std::move(weight->read),
                  order = std::move(order)]() -> Result<Content> {
    ZEOLITE_ASSIGN(const Content old, read());
    return reordered(old, order);
  };
}

// The order of axes in which Keras 1 kept a kernel of rank 4; empty when it is today's already.
Result<std::vector<size_t>> old_order(const Layer& layer, const Shape& shape) {
  const json::Value& config = *layer.config;
  const bool channels_first = config.string_or("data_format", "") == "channels_first";
  if (layer.class_name == "Conv2DTranspose") {
    return channels_first ? std::vector<size_t>{2, 3, 0, 1} : std::vector<size_t>{0, 1, 3, 2};
  }
  if (layer.class_name == "Conv2D") {
    return channels_first ? std::vector<size_t>{2, 3, 1, 0} : std::vector<size_t>();
  }
  // Conv1D: (length, 1, inputs, filters) or, in the oldest, (filters, inputs, length, 1).
  const json::Value& size = config["kernel_size"];
  const auto length = (size.is_array() ? size.at(0) : size).as_int();
  const int64_t filters = config.int_or("filters", -1);
  if (shape[0] == length && shape[1] == 1 && shape[3] == filters) return std::vector<size_t>();
  if (shape[0] == filters && shape[2] == length && shape[3] == 1) {
    return std::vector<size_t>{2, 3, 1, 0};
  }
  return corrupt("layer \"" + layer.name + "\" (" + layer.class_name + "): its kernel of shape " +
                 shape_text(shape) + " is in none of the orders that Keras 1 used");
}

Status modernize_kernel(const Layer& layer, int32_t major, bool is_theano, SourceWeight* kernel) {
  const bool is_1d = layer.class_name == "Conv1D";
  const bool is_old = major == 1 && kernel->shape.size() == 4;
  if (is_old) {
    ZEOLITE_ASSIGN(const std::vector<size_t> order, old_order(layer, kernel->shape));
    if (!order.empty()) reorder(order, std::vector<bool>(4), kernel);
    if (is_1d) kernel->shape.erase(kernel->shape.begin() + 1);
  }
  const size_t rank = kernel->shape.size();
  if (!is_theano || rank != (is_1d ? 3u : 4u)) return Status();
  std::vector<size_t> same(rank);
  std::vector<bool> turned(rank);
  for (size_t i = 0; i < rank; ++i) {
    same[i] = i;
    turned[i] = i + 2 < rank;
  }
  reorder(same, turned, kernel);
  return Status();
}

}  // namespace

Status modernize_weights(Model* model, int32_t major, std::string_view backend) {
  const bool is_theano = backend == "theano";
  if (major > 2 || (major == 2 && !is_theano)) return Status();
  for (Layer& layer : model->layers) {
    if (layer.model != nullptr) {
      ZEOLITE_TRY(modernize_weights(layer.model.get(), major, backend));
      continue;
    }
    const std::string& name = layer.class_name;
    if (name != "Conv1D" && name != "Conv2D" && name != "Conv2DTranspose") continue;
    for (SourceWeight& weight : layer.weights) {
      if (weight.name != "kernel") continue;
      ZEOLITE_TRY(modernize_kernel(layer, major, is_theano, &weight));
    }
  }
  return Status();
}

void modernize_layer(std::string* class_name, const json::Value** config, Reading& reading) {
  const json::Value& old = **config;
  if (!old.is_object()) return;
  json::Value made = json::Value::object();
  for (const json::Member& member : old.members()) {
    if (member.key == "dim_ordering") {
      made.set("data_format", member.value.as_string() == "th" ? "channels_first"
                                                               : "channels_last");
      continue;
    }
    made.set(renamed(kArguments, member.key), member.value);
  }
  if (old.find("nb_row") != nullptr && old.find("nb_col") != nullptr) {
    json::Value size = json::Value::array();
    size.push(old["nb_row"]);
    size.push(old["nb_col"]);
    made.set("kernel_size", std::move(size));
  }
  if (*class_name == "Merge") {
    const std::string mode = old.string_or("mode", "sum");
    if (mode == "cos") made.set("normalize", true);
    if (const json::Value* axes = old.find("dot_axes"); axes != nullptr) made.set("axes", *axes);
    *class_name = merge_class(mode);
  } else if (*class_name == "ZeroPadding1D" || *class_name == "ZeroPadding2D") {
    // The same words in both.
  } else {
    *class_name = renamed(kClasses, *class_name);
  }
  *config = reading.keep(std::move(made));
}

}  // namespace zeolite::keras
