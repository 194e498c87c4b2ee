// GATHER (1 to 8): picks slices along an axis:
//   output[b..., o..., i..., r...] = params[b..., o..., positions[b..., i...], r...]
//   params [B..., O..., n, R...] with n at `axis`    positions int16, int32 or int64 [B..., I...]
//   output [B..., O..., I..., R...]; B are the first batch_dims dimensions of both
// GATHER_ND (1 to 6): output[i..., r...] = params[positions[i..., :], r...]
//   params [S..., R...]    positions [I..., length of S]
// An index outside is an error. Constant float16 params that the file widens come as they are
// stored.
#include "core/base/half.h"
#include "core/kernels/data_movement.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/widened.h"

namespace zeolite {
namespace {

struct Axes {
  int axis = 0;
  int batch = 0;
};

Result<Axes> axes_of(const OpContext& context) {
  const auto& options = context.options<GatherOptions>();
  const int rank = context.input(0).rank();
  const int positions_rank = context.input(1).rank();
  Axes axes;
  ZEOLITE_ASSIGN(axes.axis, checked_axis(options.axis, rank));
  axes.batch = options.batch_dims < 0 ? options.batch_dims + positions_rank : options.batch_dims;
  if (axes.batch < 0 || axes.batch > positions_rank || axes.batch > axes.axis) {
    return bad_input("batch_dims " + std::to_string(options.batch_dims) +
                     " is not between 0 and the axis and the positions' rank");
  }
  return axes;
}

// Whether GATHER widens what it picks.
bool widens(const OpContext& context) {
  return context.input(0).type == TensorType::kFloat16 && context.input(0).is_constant &&
         context.output(0).type == TensorType::kFloat32;
}

Status infer_gather(InferContext& context) {
  const Shape& params = context.input(0).shape;
  const Shape& positions = context.input(1).shape;
  ZEOLITE_ASSIGN(const Axes axes, axes_of(context));
  for (int i = 0; i < axes.batch; ++i) {
    ZEOLITE_TRY(require_size(context, 1, i, params[i], "elements in a batch dimension"));
  }
  Shape shape(params.begin(), params.begin() + axes.axis);
  shape.insert(shape.end(), positions.begin() + axes.batch, positions.end());
  shape.insert(shape.end(), params.begin() + axes.axis + 1, params.end());
  const TensorType type = widens(context) ? TensorType::kFloat32 : context.input(0).type;
  return context.set_output(0, type, std::move(shape));
}

Status index_error(int64_t index, int64_t size) {
  return bad_input("index " + std::to_string(index) + " is outside a dimension of " +
                   std::to_string(size));
}

Status eval_gather(EvalContext& context) {
  const Operand& params = context.input(0);
  const Shape& positions = context.input(1).shape;
  ZEOLITE_ASSIGN(const Axes axes, axes_of(context));
  if (context.output(0).bytes == 0) return {};
  const int64_t batch = product(params.shape, 0, axes.batch);
  const int64_t outer = product(params.shape, axes.batch, axes.axis);
  const int64_t size = params.shape[axes.axis];
  const int64_t count = product(positions, axes.batch, positions.size());
  const int64_t block = product(params.shape, axes.axis + 1, params.shape.size()) *
                        bits_per_element(params.type) / 8;
  return dispatch<kI16 | kI32 | kI64>(context.input(1).type, [&]<class T>() -> Status {
    const T* indices = context.in<T>(1);
    for (int64_t i = 0; i < batch * count; ++i) {
      if (indices[i] < 0 || indices[i] >= size) return index_error(indices[i], size);
    }
    uint8_t* to = context.output(0).writable;
    const bool is_widened = widens(context);
    const int64_t out_block = is_widened ? 2 * block : block;
    for (int64_t b = 0; b < batch; ++b) {
      for (int64_t o = 0; o < outer; ++o) {
        const uint8_t* from = params.data + (b * outer + o) * size * block;
        for (int64_t i = 0; i < count; ++i, to += out_block) {
          const uint8_t* const source = from + indices[b * count + i] * block;
          if (is_widened) {
            widen_halves(reinterpret_cast<const uint16_t*>(source), block / 2,
                         reinterpret_cast<float*>(to));
          } else {
            copy_blocks(1, block, source, block, to, block);
          }
        }
      }
    }
    return {};
  });
}

Status infer_gather_nd(InferContext& context) {
  const Shape& params = context.input(0).shape;
  const Shape& positions = context.input(1).shape;
  ZEOLITE_TRY(require_rank(context, 0, 1, kMaxOperandRank));
  ZEOLITE_TRY(require_rank(context, 1, 1, kMaxOperandRank));
  const int32_t depth = positions.back();
  if (depth == kFree) return context.set_output_unknown(0, context.input(0).type);
  if (depth > context.input(0).rank()) {
    return bad_input("positions of " + std::to_string(depth) + " indices need an input of as many "
                     "dimensions, found " + shape_text(params));
  }
  Shape shape(positions.begin(), positions.end() - 1);
  shape.insert(shape.end(), params.begin() + depth, params.end());
  return context.set_output(0, context.input(0).type, std::move(shape));
}

Status eval_gather_nd(EvalContext& context) {
  const Operand& params = context.input(0);
  const Shape& positions = context.input(1).shape;
  if (context.output(0).bytes == 0) return {};
  const int64_t depth = positions.back();
  const int64_t count = product(positions, 0, positions.size() - 1);
  const int64_t block = product(params.shape, depth, params.shape.size()) *
                        bits_per_element(params.type) / 8;
  return dispatch<kI16 | kI32 | kI64>(context.input(1).type, [&]<class T>() -> Status {
    const T* indices = context.in<T>(1);
    uint8_t* to = context.output(0).writable;
    for (int64_t i = 0; i < count; ++i, to += block) {
      int64_t at = 0;
      for (int64_t d = 0; d < depth; ++d) {
        const int64_t index = *indices++;
        if (index < 0 || index >= params.shape[d]) return index_error(index, params.shape[d]);
        at = at * params.shape[d] + index;
      }
      copy_blocks(1, block, params.data + at * block, block, to, block);
    }
    return {};
  });
}

}  // namespace

const OpKernel kGatherOp = widened<infer_gather, nullptr, eval_gather, kWidenMoved>();
const OpKernel kGatherNdOp = widened<infer_gather_nd, nullptr, eval_gather_nd, kWidenMoved>();

}  // namespace zeolite
