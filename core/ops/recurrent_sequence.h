// What recurrent operators share besides their products: the order of steps, and activations.
#pragma once

#include <algorithm>

#include "core/kernels/f32_unary.h"
#include "core/ops/check.h"

namespace zeolite {

// The steps of a sequence: row (batch b, time t) of the inputs and the output.
struct RecurrentSequence {
  int64_t batch = 1;
  int64_t steps = 1;
  bool time_major = true;
  bool backward = false;
  int64_t output_stride = 0;  // Elements from one row of the output to the next.
  int64_t output_offset = 0;

  // Of an input [T, B, I] (time_major) or [B, T, I], or [B, I]: one step.
  RecurrentSequence() = default;
  RecurrentSequence(const Shape& input, bool time_major) : batch(input[0]), time_major(time_major) {
    if (input.size() < 3) return;
    steps = input[time_major ? 0 : 1];
    batch = input[time_major ? 1 : 0];
  }

  int64_t row(int64_t b, int64_t t) const { return time_major ? t * batch + b : b * steps + t; }
  // From a batch entry's row to the next one's of the same time.
  int64_t batch_step() const { return time_major ? 1 : steps; }

  // In chunks of up to `chunk` steps: fill(first row, rows, first row in the chunk) for all inputs
  // of a chunk, which needs no state, then step(time, first row in the chunk, rows from one batch
  // entry's to the next's there) for each of its times, in order.
  template <class Fill, class Step>
  void run(int64_t chunk, const Fill& fill, const Step& step) const {
    for (int64_t done = 0; done < steps; done += chunk) {
      const int64_t count = std::min(chunk, steps - done);
      const int64_t first = backward ? steps - done - count : done;
      if (time_major) {
        fill(row(0, first), count * batch, 0);
      } else {
        for (int64_t b = 0; b < batch; ++b) fill(row(b, first), count, b * count);
      }
      for (int64_t i = 0; i < count; ++i) {
        const int64_t time = backward ? count - 1 - i : i;
        if (time_major) {
          step(first + time, time * batch, int64_t{1});
        } else {
          step(first + time, time, count);
        }
      }
    }
  }
};

// An activation as the function of one float32 that computes it.
struct RecurrentActivation {
  F32Unary function = F32Unary::kClamp;
  F32UnaryParameters parameters;

  // NONE, RELU, RELU_N1_TO_1, RELU6 and TANH.
  static bool is_supported(ActivationFunctionType type) {
    return type != ActivationFunctionType::kSignBit && type >= ActivationFunctionType::kNone &&
           type <= ActivationFunctionType::kTanh;
  }
  RecurrentActivation() = default;
  explicit RecurrentActivation(ActivationFunctionType type) {
    switch (type) {
      case ActivationFunctionType::kTanh: function = F32Unary::kTanh; break;
      case ActivationFunctionType::kRelu: parameters.clamp = kReluClamp; break;
      case ActivationFunctionType::kRelu6: parameters.clamp = kRelu6Clamp; break;
      case ActivationFunctionType::kReluN1To1: parameters.clamp = kReluN1To1Clamp; break;
      default: break;
    }
  }
  void apply(const float* x, float* y, int64_t count) const {
    f32_unary(function, parameters, x, y, count, nullptr);
  }
};

// Errors unless input `index`, the `what`, is a variable of `type` with `size` elements for each of
// `batch`; both may be kFree.
inline Status require_state(const OpContext& context, size_t index, TensorType type, int32_t batch,
                            int32_t size, std::string_view what) {
  if (!context.has_input(index)) {
    return bad_input("input " + std::to_string(index) + ", the " + std::string(what) +
                     ", is absent");
  }
  const Operand& state = context.input(index);
  const std::string text = input_text(context, index) + ", the " + std::string(what) + ",";
  if (state.type != type) {
    return bad_input(text + " must be " + std::string(tensor_type_name(type)));
  }
  if (!state.is_variable) return bad_input(text + " is not a variable");
  const int64_t elements = product(state.shape);
  if (elements >= 0 && size >= 0 && batch >= 0 && elements != int64_t{batch} * size) {
    return bad_input(text + " must have " + std::to_string(size) +
                     " elements for each of the batch's " + std::to_string(batch));
  }
  return {};
}

}  // namespace zeolite
