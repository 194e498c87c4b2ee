// Moves blocks of the spatial dimensions into the batch and back, any type of whole bytes:
//   SPACE_TO_BATCH_ND (1 to 4): input [N, S..., R...] padded by paddings [m, 2] with zeros (the
//     zero point), then output[(b * N + n), s / block, r] = padded[n, s, r] for b = the place in
//     the block
//   BATCH_TO_SPACE_ND (1 to 4): its reverse; crops [m, 2] are cut off
//   block_shape int32 [m], m spatial dimensions S; rank 3 or 4
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

bool to_batch(const OpContext& context) {
  return context.code() == BuiltinOperator::kSpaceToBatchNd;
}

// One or two spatial dimensions; the second is 1 where there is one.
struct State : OpState {
  std::array<int64_t, 2> block = {1, 1};
  std::array<int64_t, 2> before = {0, 0};  // Padding or crop.
  std::array<int64_t, 2> space = {1, 1};   // Sizes of the side that is not in the batch.
  std::array<int64_t, 2> cells = {1, 1};   // Sizes of the other side.
  int64_t batch = 1;                       // Of the side with the larger space.
  int64_t depth = 1;
};

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  ZEOLITE_TRY(require_rank(context, 0, 3, 4));
  const int32_t spatial = input.rank() - 2;
  ZEOLITE_TRY(require_rank(context, 1, 1));
  ZEOLITE_TRY(require_rank(context, 2, 2));
  ZEOLITE_TRY(require_size(context, 1, 0, spatial, "block sizes"));
  ZEOLITE_TRY(require_size(context, 2, 0, spatial, "rows"));
  ZEOLITE_TRY(require_size(context, 2, 1, 2, "columns"));
  if (!context.input(1).has_data || !context.input(2).has_data) {
    return context.set_output_unknown(0, input.type);
  }
  ZEOLITE_ASSIGN(const std::vector<int64_t> block, integers_of(context, 1, 2));
  ZEOLITE_ASSIGN(const std::vector<int64_t> edges, integers_of(context, 2, 4));
  Shape shape = input.shape;
  int64_t blocks = 1;
  for (int i = 0; i < spatial; ++i) {
    if (block[i] < 1 || edges[2 * i] < 0 || edges[2 * i + 1] < 0) {
      return bad_input("block sizes must be 1 or more, paddings and crops 0 or more");
    }
    blocks *= block[i];
    if (blocks > INT32_MAX) return bad_input("the blocks are too large");
    int32_t& size = shape[i + 1];
    if (size == kFree) continue;
    int64_t next;
    if (to_batch(context)) {
      next = size + edges[2 * i] + edges[2 * i + 1];
      if (next % block[i] != 0) {
        return bad_input("blocks of " + std::to_string(block[i]) + " do not divide the " +
                         std::to_string(next) + " padded elements of dimension " +
                         std::to_string(i + 1));
      }
      next /= block[i];
    } else {
      next = size * block[i] - edges[2 * i] - edges[2 * i + 1];
    }
    if (next < 0 || next > INT32_MAX) {
      return bad_input("dimension " + std::to_string(i + 1) + " can't have " +
                       std::to_string(next) + " elements");
    }
    size = static_cast<int32_t>(next);
  }
  if (shape[0] >= 0) {
    const int64_t batch = shape[0];
    if (to_batch(context) ? batch * blocks > INT32_MAX : batch % blocks != 0) {
      return bad_input("a batch of " + std::to_string(batch) + " does not fit blocks of " +
                       std::to_string(blocks) + " elements");
    }
    shape[0] = static_cast<int32_t>(to_batch(context) ? batch * blocks : batch / blocks);
  }
  return context.set_output(0, input.type, std::move(shape));
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  state = State();
  const Shape& spread = to_batch(context) ? context.input(0).shape : context.output(0).shape;
  const Shape& packed = to_batch(context) ? context.output(0).shape : context.input(0).shape;
  ZEOLITE_ASSIGN(const std::vector<int64_t> block, integers_of(context, 1, 2));
  ZEOLITE_ASSIGN(const std::vector<int64_t> edges, integers_of(context, 2, 4));
  for (size_t i = 0; i < block.size(); ++i) {
    state.block[i] = block[i];
    state.before[i] = edges[2 * i];
    state.space[i] = spread[i + 1];
    state.cells[i] = packed[i + 1];
  }
  state.batch = spread[0];
  state.depth = spread.back();
  context.choose("copy");
  return {};
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  const Operand& input = context.input(0);
  const Operand& output = context.output(0);
  if (output.bytes == 0) return {};
  const int64_t bytes = state.depth * bits_per_element(input.type) / 8;
  const bool forward = to_batch(context);
  if (forward) {
    // Of the types whose zero point is not always 0 every element is a byte.
    const int zero = bits_per_element(input.type) == 8 ? static_cast<int>(zero_point_of(input)) : 0;
    std::memset(output.writable, zero, output.bytes);
  }
  for (int64_t in_block = 0; in_block < state.block[0] * state.block[1]; ++in_block) {
    const int64_t block_y = in_block / state.block[1];
    const int64_t block_x = in_block % state.block[1];
    for (int64_t n = 0; n < state.batch; ++n) {
      for (int64_t cell_y = 0; cell_y < state.cells[0]; ++cell_y) {
        const int64_t y = cell_y * state.block[0] + block_y - state.before[0];
        if (y < 0 || y >= state.space[0]) continue;
        for (int64_t cell_x = 0; cell_x < state.cells[1]; ++cell_x) {
          const int64_t x = cell_x * state.block[1] + block_x - state.before[1];
          if (x < 0 || x >= state.space[1]) continue;
          const int64_t spread = ((n * state.space[0] + y) * state.space[1] + x) * bytes;
          const int64_t packed = (((in_block * state.batch + n) * state.cells[0] + cell_y) *
                                      state.cells[1] +
                                  cell_x) *
                                 bytes;
          std::memcpy(output.writable + (forward ? packed : spread),
                      input.data + (forward ? spread : packed), bytes);
        }
      }
    }
  }
  return {};
}

}  // namespace

const OpKernel kSpaceToBatchNdOp = {infer, prepare, eval};

}  // namespace zeolite
