#include "core/convert/lower/layers.h"

#include <string>

namespace zeolite {
namespace {

constexpr LayerEntry kLayers[] = {
    {"Activation", lower_activation},
    {"ActivityRegularization", lower_identity},
    {"Add", lower_merge},
    {"AlphaDropout", lower_identity},
    {"Average", lower_merge},
    {"AveragePooling1D", lower_average_pooling},
    {"AveragePooling2D", lower_average_pooling},
    {"BatchNormalization", lower_batch_normalization},
    {"BatchNormalizationV1", lower_batch_normalization},
    {"BatchNormalizationV2", lower_batch_normalization},
    {"CenterCrop", lower_center_crop},
    {"Concatenate", lower_concatenate},
    {"Conv1D", lower_conv},
    {"Conv1DTranspose", lower_conv_transpose},
    {"Conv2D", lower_conv},
    {"Conv2DTranspose", lower_conv_transpose},
    {"Cropping1D", lower_cropping},
    {"Cropping2D", lower_cropping},
    {"Dense", lower_dense},
    {"DepthwiseConv1D", lower_depthwise_conv},
    {"DepthwiseConv2D", lower_depthwise_conv},
    {"Dot", lower_dot},
    {"Dropout", lower_identity},
    {"ELU", lower_elu},
    {"Flatten", lower_flatten},
    {"GaussianDropout", lower_identity},
    {"GaussianNoise", lower_identity},
    {"GlobalAveragePooling1D", lower_global_average_pooling},
    {"GlobalAveragePooling2D", lower_global_average_pooling},
    {"GlobalMaxPooling1D", lower_global_max_pooling},
    {"GlobalMaxPooling2D", lower_global_max_pooling},
    {"Identity", lower_identity},
    {"LeakyReLU", lower_leaky_relu},
    {"MaxPooling1D", lower_max_pooling},
    {"MaxPooling2D", lower_max_pooling},
    {"Maximum", lower_merge},
    {"Minimum", lower_merge},
    {"Multiply", lower_merge},
    {"Normalization", lower_normalization},
    {"PReLU", lower_prelu},
    {"Permute", lower_permute},
    {"RandomBrightness", lower_identity},
    {"RandomContrast", lower_identity},
    {"RandomFlip", lower_identity},
    {"RandomRotation", lower_identity},
    {"RandomTranslation", lower_identity},
    {"RandomZoom", lower_identity},
    {"ReLU", lower_relu},
    {"RepeatVector", lower_repeat_vector},
    {"Rescaling", lower_rescaling},
    {"Reshape", lower_reshape},
    {"Resizing", lower_resizing},
    {"SeparableConv1D", lower_separable_conv},
    {"SeparableConv2D", lower_separable_conv},
    {"Softmax", lower_softmax},
    {"SlicingOpLambda", lower_get_item},
    {"SpatialDropout1D", lower_identity},
    {"SpatialDropout2D", lower_identity},
    {"SpatialDropout3D", lower_identity},
    {"Subtract", lower_merge},
    {"SyncBatchNormalization", lower_batch_normalization},
    {"TFOpLambda", lower_tensor_function},
    {"ThresholdedReLU", lower_thresholded_relu},
    {"UpSampling1D", lower_upsampling},
    {"UpSampling2D", lower_upsampling},
    {"ZeroPadding1D", lower_zero_padding},
    {"ZeroPadding2D", lower_zero_padding},
};

}  // namespace

std::span<const LayerEntry> layer_table() { return kLayers; }

LowerFunction find_layer(std::string_view class_name) {
  for (const LayerEntry& entry : kLayers) {
    if (entry.class_name == class_name) return entry.lower;
  }
  if (class_name.starts_with("ops.")) return lower_tensor_function;
  return nullptr;
}

Refusal refusal_of(std::string_view class_name) {
  if (class_name == "Lambda") {
    return {"a Lambda layer holds Python code, which cannot be read from the file",
            "replace it by Keras layers that compute the same (Rescaling, Activation, Reshape, "
            "Multiply, ...), load the weights and save the model again"};
  }
  if (class_name == "TensorFlowOpLayer") {
    return {"the model calls a TensorFlow function directly that is not converted yet",
            "use the Keras layer that does the same (Add, Multiply, Activation, Rescaling, ...)"};
  }
  if (class_name.find('>') != std::string_view::npos) {
    return {"it is a layer class of your own, whose code is not in the file",
            "build the same of Keras' own layers, load the weights and save the model again"};
  }
  for (const std::string_view part : {"LSTM", "GRU", "RNN", "Bidirectional"}) {
    if (class_name.find(part) != std::string_view::npos) {
      return {"recurrent layers are not converted yet",
              "a stack of Conv1D layers often serves in their place"};
    }
  }
  if (class_name.find("3D") != std::string_view::npos) {
    return {"layers of three spatial axes are not converted yet",
            "where one axis is short, apply two-dimensional layers to slices of it"};
  }
  return {"layers of this class are not converted yet",
          "replace it by layers that are, or take it out of the model and compute it outside"};
}

}  // namespace zeolite
