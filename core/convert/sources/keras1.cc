// Keras 1's names of classes and arguments, in today's. The facts are those of Keras' own table of
// renamed arguments (keras/legacy/interfaces.py of Keras 2).
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

}  // namespace

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
