// Operators that multiply by weights and add a bias, seen alike: CONV_2D, DEPTHWISE_CONV_2D,
// TRANSPOSE_CONV and FULLY_CONNECTED.
#pragma once

#include <optional>

#include "core/passes/editor.h"

namespace zeolite {

struct LinearOperator {
  int index = -1;
  size_t data_slot = 0;  // Of the input.
  size_t filter_slot = 1;
  size_t bias_slot = 2;
  int32_t output_channels = 0;
  int32_t input_channels = 0;  // That the filter sees.
  // Filter elements in order run through `outer` blocks, then output channels, then `inner` ...
  bool output_is_last = false;  // Depthwise: [1,H,W,C]; else [C,...].
  int32_t depth_multiplier = 1;
  bool is_depthwise = false;
  bool is_grouped = false;
};

// Operator `index` as one of them, when it has float32 weights that are constant and are used here
// alone; nothing otherwise.
std::optional<LinearOperator> linear_operator(const Editor& editor, int index);

// The operator's fused activation.
ActivationFunctionType activation_of(const Operator& op);
// Sets it; false when the operator has none.
bool set_activation(Operator* op, ActivationFunctionType activation);

// The operator that makes `tensor`, which `user` alone uses. Looks behind operators that only move
// elements and are used once as well; with `keeps_channels`, only where the last axis stays the
// last one. -1 when there is none.
int producer_behind_moves(const Editor& editor, int32_t tensor, int user, bool keeps_channels);

}  // namespace zeolite
