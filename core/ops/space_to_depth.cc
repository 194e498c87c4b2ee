// Moves blocks of pixels into the channels and back, any type of whole bytes:
//   SPACE_TO_DEPTH (1, 2): input [N,H,W,C] -> output [N,H/b,W/b,b*b*C]
//   DEPTH_TO_SPACE (1, 2): input [N,H,W,b*b*C] -> output [N,H*b,W*b,C]
// The place in the block, row by row, is the outer part of the channel.
#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/strided_loop.h"

namespace zeolite {
namespace {

bool to_depth(const OpContext& context) { return context.code() == BuiltinOperator::kSpaceToDepth; }

int32_t block_size(const OpContext& context) {
  return to_depth(context) ? context.options<SpaceToDepthOptions>().block_size
                           : context.options<DepthToSpaceOptions>().block_size;
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 4));
  const int32_t block = block_size(context);
  if (block < 1 || block > 32767) {
    return bad_input("block size " + std::to_string(block) + " is not supported");
  }
  Shape shape = context.input(0).shape;
  const bool forward = to_depth(context);
  for (int i = 1; i < 4; ++i) {
    if (shape[i] == kFree) continue;
    const int32_t factor = i == 3 ? block * block : block;
    if (forward == (i == 3)) {
      if (!checked_mul(shape[i], factor, &shape[i])) return bad_input("the output is too large");
    } else if (shape[i] % factor != 0) {
      return bad_input("dimension " + std::to_string(i) + " of input " +
                       shape_text(context.input(0).shape) + " is no multiple of " +
                       std::to_string(factor));
    } else {
      shape[i] /= factor;
    }
  }
  return context.set_output(0, context.input(0).type, std::move(shape));
}

struct State : OpState {
  StridedLoop<2> loop;
};

Status prepare(PrepareContext& context) {
  if (product(context.output(0).shape) == 0) {
    context.state<State>().loop.clear();
    return {};
  }
  const bool forward = to_depth(context);
  // The side with pixels, [N, H, b, W, b, C], and the other one, [N, H, W, b, b, C].
  const Shape& wide = forward ? context.input(0).shape : context.output(0).shape;
  const int64_t b = block_size(context);
  const int64_t n = wide[0], h = wide[1] / b, w = wide[2] / b, c = wide[3];
  // In the order of the output, with strides of the side with pixels first.
  const int64_t row = w * b * c;
  struct Axis {
    int64_t size, wide, deep;
  };
  const Axis batch = {n, h * b * row, h * w * b * b * c};
  const Axis y = {h, b * row, w * b * b * c};
  const Axis x = {w, b * c, b * b * c};
  const Axis in_y = {b, row, b * c};
  const Axis in_x = {b, c, c};
  const Axis channel = {c, 1, 1};
  StridedLoop<2> loop;
  const auto add = [&](const Axis& axis) {
    loop.add(axis.size, {forward ? axis.deep : axis.wide, forward ? axis.wide : axis.deep});
  };
  add(batch);
  add(y);
  if (forward) {
    for (const Axis& axis : {x, in_y, in_x, channel}) add(axis);
  } else {
    for (const Axis& axis : {in_y, x, in_x, channel}) add(axis);
  }
  context.state<State>().loop = loop;
  context.choose("copy");
  return {};
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  return dispatch_width(context.input(0).type, [&]<class T>() -> Status {
    copy_strided(state.loop, context.out<T>(0), 0, context.in<T>(0), 0);
    return {};
  });
}

}  // namespace

const OpKernel kSpaceToDepthOp = {infer, prepare, eval};

}  // namespace zeolite
