// Which function lowers which layer: the one table.
#pragma once

#include <span>
#include <string_view>

#include "core/convert/lower/layer.h"

namespace zeolite {

// Adds the operators of one call of a layer and sets its outputs. Errors: kUnsupported (by
// refuse()), kCorrupt when weights or configuration contradict each other.
using LowerFunction = Status (*)(LayerContext& layer);

struct LayerEntry {
  std::string_view class_name;
  LowerFunction lower;
};

std::span<const LayerEntry> layer_table();

// Null when nobody lowers that class.
LowerFunction find_layer(std::string_view class_name);

// Why a layer of this class is not converted and what would help; never empty.
struct Refusal {
  std::string reason;
  std::string help;
};
Refusal refusal_of(std::string_view class_name);

// The families (one file each).
Status lower_activation(LayerContext& layer);        // activation_layers.cc
Status lower_relu(LayerContext& layer);
Status lower_leaky_relu(LayerContext& layer);
Status lower_prelu(LayerContext& layer);
Status lower_elu(LayerContext& layer);
Status lower_thresholded_relu(LayerContext& layer);
Status lower_softmax(LayerContext& layer);
Status lower_conv(LayerContext& layer);              // convolution.cc
Status lower_depthwise_conv(LayerContext& layer);
Status lower_separable_conv(LayerContext& layer);
Status lower_conv_transpose(LayerContext& layer);    // transposed_convolution.cc
Status lower_dense(LayerContext& layer);             // dense.cc
Status lower_batch_normalization(LayerContext& layer);  // normalization.cc
Status lower_normalization(LayerContext& layer);
Status lower_rescaling(LayerContext& layer);
Status lower_max_pooling(LayerContext& layer);       // pooling.cc
Status lower_average_pooling(LayerContext& layer);
Status lower_global_max_pooling(LayerContext& layer);
Status lower_global_average_pooling(LayerContext& layer);
Status lower_zero_padding(LayerContext& layer);      // padding.cc
Status lower_cropping(LayerContext& layer);
Status lower_upsampling(LayerContext& layer);        // resizing.cc
Status lower_resizing(LayerContext& layer);
Status lower_center_crop(LayerContext& layer);
Status lower_flatten(LayerContext& layer);           // reshaping.cc
Status lower_reshape(LayerContext& layer);
Status lower_permute(LayerContext& layer);
Status lower_repeat_vector(LayerContext& layer);
Status lower_merge(LayerContext& layer);             // merging.cc
Status lower_concatenate(LayerContext& layer);
// Joins all inputs along that axis of the source's order.
Status concatenate(LayerContext& layer, const json::Value& axis);
Status lower_dot(LayerContext& layer);               // dot.cc
Status lower_identity(LayerContext& layer);          // identity.cc
Status lower_get_item(LayerContext& layer);          // slicing.cc
Status lower_tensor_function(LayerContext& layer);   // tensor_math.cc

// Lowers functions that only move elements (reshape, concat, pad, ...), by their name in Keras 2
// without "tf." or in Keras 3 without "ops."; null for others. tensor_movement.cc
LowerFunction find_movement(std::string_view function);
// The function that a TFOpLambda or an operation of keras.ops calls; empty for layers.
std::string_view function_name(const SourceNode& node);

}  // namespace zeolite
