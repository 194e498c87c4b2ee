// CONCATENATION (1 to 7): joins tensors along dimension `axis`; all other sizes are equal.
//   inputs [D[:axis], n_i, D[axis+1:]]    output [D[:axis], sum of n_i, D[axis+1:]]
// No fused activation. uint8 inputs of another scale than the output's are brought to it; other
// quantized types have one scale.
#include <algorithm>
#include <cmath>
#include <memory>

#include "core/base/checked.h"
#include "core/kernels/data_movement.h"
#include "core/ops/check.h"
#include "core/kernels/lookup.h"
#include "core/ops/kernels.h"
#include "core/ops/quantization.h"
#include "core/ops/widened.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const auto& options = context.options<ConcatenationOptions>();
  if (options.fused_activation_function != ActivationFunctionType::kNone) {
    return unsupported("a fused activation is not supported here");
  }
  Shape shape = context.input(0).shape;
  const int rank = static_cast<int>(shape.size());
  ZEOLITE_ASSIGN(const int axis, checked_axis(options.axis, rank));
  for (size_t i = 0; i < context.input_count(); ++i) {
    if (is_quantized_type(context.input(i).type) && context.input(i).type != TensorType::kUint8) {
      ZEOLITE_TRY(require_same_scale(context.input(i), context.output(0)));
    }
  }
  for (size_t i = 1; i < context.input_count(); ++i) {
    ZEOLITE_TRY(require_same_type(context, 0, i));
    ZEOLITE_TRY(require_rank(context, i, rank));
    const Shape& other = context.input(i).shape;
    for (int d = 0; d < rank; ++d) {
      if (d == axis) {
        if (shape[d] == kFree || other[d] == kFree) {
          shape[d] = kFree;
        } else if (!checked_add(shape[d], other[d], &shape[d])) {
          return bad_input("the joined dimension is too large");
        }
        continue;
      }
      ZEOLITE_TRY(require_size(context, i, d, shape[d],
                               "elements in dimension " + std::to_string(d)));
      if (shape[d] == kFree) shape[d] = other[d];
    }
  }
  return context.set_output(0, context.input(0).type, std::move(shape));
}

struct State : OpState {
  // For each input its stored numbers in the output's scale; null where they stay as they are.
  std::vector<std::unique_ptr<ByteFunction>> rescaled;
};

Status prepare(PrepareContext& context) {
  context.choose("copy");
  if (context.output(0).type != TensorType::kUint8) return {};
  State& state = context.state<State>();
  state.rescaled.clear();
  state.rescaled.resize(context.input_count());
  for (size_t i = 0; i < context.input_count(); ++i) {
    if (require_same_scale(context.input(i), context.output(0)).ok()) continue;
    ZEOLITE_ASSIGN(const Affine from, input_affine(context, i));
    ZEOLITE_ASSIGN(const Affine to, output_affine(context, 0));
    const float scale = from.scale * (1.0f / to.scale);
    const float bias = static_cast<float>(-from.zero_point) * scale;
    state.rescaled[i] = std::make_unique<ByteFunction>();
    for (int x = 0; x < 256; ++x) {
      const float y = std::round(static_cast<float>(x) * scale + bias) +
                      static_cast<float>(to.zero_point);
      state.rescaled[i]->results[x] = static_cast<uint8_t>(std::clamp(y, 0.0f, 255.0f));
    }
    state.rescaled[i]->find_line(scale, false, false);
  }
  return {};
}

Status eval(EvalContext& context) {
  const Operand& output = context.output(0);
  int axis = context.options<ConcatenationOptions>().axis;
  if (axis < 0) axis += output.rank();
  const int64_t outer = product(output.shape, 0, axis);
  if (output.bytes == 0) return {};
  const int64_t stride = static_cast<int64_t>(output.bytes) / outer;
  int64_t at = 0;
  for (size_t i = 0; i < context.input_count(); ++i) {
    const int64_t block = static_cast<int64_t>(context.input(i).bytes) / outer;
    const bool is_rescaled = output.type == TensorType::kUint8 &&
                             context.state<State>().rescaled[i] != nullptr;
    for (int64_t row = 0; is_rescaled && row < outer; ++row) {
      lookup(*context.state<State>().rescaled[i], context.input(i).data + row * block, block,
             output.writable + at + row * stride, context.threads());
    }
    if (block > 0 && !is_rescaled) {
      copy_blocks(outer, block, context.input(i).data, block, output.writable + at, stride);
    }
    at += block;
  }
  return {};
}

}  // namespace

const OpKernel kConcatenationOp = widened<infer, prepare, eval, kWidenMoved>();

}  // namespace zeolite
