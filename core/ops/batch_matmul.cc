// BATCH_MATMUL (1 to 4): output[b] = x[b] . y[b], with batch dimensions that broadcast.
//   x [..., M, K] (adj_x: [..., K, M])    y [..., K, N] (adj_y: [..., N, K])    output [..., M, N]
// Float32, 2 dimensions at least.
#include <vector>

#include "core/kernels/f32_matmul.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

struct State : OpState {
  F32BatchMatmulShape shape;
  std::vector<int64_t> x_offsets;
  std::vector<int64_t> y_offsets;
};

struct Sizes {
  int32_t m, k, k_of_y, n;
};

Sizes sizes_of(const OpContext& context) {
  const auto& options = context.options<BatchMatMulOptions>();
  const Shape& x = context.input(0).shape;
  const Shape& y = context.input(1).shape;
  Sizes sizes = {x[x.size() - 2], x.back(), y[y.size() - 2], y.back()};
  if (options.adj_x) std::swap(sizes.m, sizes.k);
  if (options.adj_y) std::swap(sizes.k_of_y, sizes.n);
  return sizes;
}

std::span<const int32_t> batch_of(const Shape& shape) { return {shape.data(), shape.size() - 2}; }

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 2, kMaxRank));
  ZEOLITE_TRY(require_rank(context, 1, 2, kMaxRank));
  ZEOLITE_TRY(require_same_type(context, 0, 1));
  const Shape& x = context.input(0).shape;
  const Shape& y = context.input(1).shape;
  const Sizes sizes = sizes_of(context);
  if (sizes.k != sizes.k_of_y && sizes.k >= 0 && sizes.k_of_y >= 0) {
    return bad_input("matrices " + shape_text(x) + " and " + shape_text(y) + " do not multiply: " +
                     std::to_string(sizes.k) + " columns meet " + std::to_string(sizes.k_of_y) +
                     " rows");
  }
  ZEOLITE_ASSIGN(Shape shape, broadcast_shape(batch_of(x), batch_of(y)));
  shape.push_back(sizes.m);
  shape.push_back(sizes.n);
  return context.set_output(0, context.input(0).type, std::move(shape));
}

// Where each matrix of the output's batch begins in an input of shape `shape`.
void set_offsets(const Shape& shape, const Shape& output, std::vector<int64_t>* offsets) {
  const int rank = static_cast<int>(output.size()) - 2;
  const int missing = static_cast<int>(output.size() - shape.size());
  const int64_t matrix = int64_t{shape.back()} * shape[shape.size() - 2];
  for (size_t b = 0; b < offsets->size(); ++b) {
    int64_t rest = static_cast<int64_t>(b);
    int64_t stride = matrix;
    int64_t offset = 0;
    for (int i = rank; i-- > missing;) {
      const int32_t size = shape[i - missing];
      if (size > 1) offset += rest % output[i] * stride;
      rest /= output[i];
      stride *= size;
    }
    (*offsets)[b] = offset;
  }
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  const auto& options = context.options<BatchMatMulOptions>();
  const Shape& output = context.output(0).shape;
  const Sizes sizes = sizes_of(context);
  state.shape.batch_count = product(output, 0, output.size() - 2);
  state.shape.m = sizes.m;
  state.shape.n = sizes.n;
  state.shape.k = sizes.k;
  state.shape.transpose_a = options.adj_x;
  state.shape.transpose_b = options.adj_y;
  if (product(output) == 0) {
    state.shape.batch_count = 0;
    return {};
  }
  state.x_offsets.resize(state.shape.batch_count);
  state.y_offsets.resize(state.shape.batch_count);
  set_offsets(context.input(0).shape, output, &state.x_offsets);
  set_offsets(context.input(1).shape, output, &state.y_offsets);
  context.choose("f32_batch_matmul", 2.0 * product(output) * sizes.k);
  context.request_scratch(f32_batch_matmul_scratch_bytes(state.shape, context.thread_count()));
  return {};
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  if (state.shape.batch_count == 0) return {};
  f32_batch_matmul(state.shape, context.in<float>(0), state.x_offsets.data(), context.in<float>(1),
                   state.y_offsets.data(), context.out<float>(0), context.scratch(0),
                   context.threads());
  return {};
}

}  // namespace

const OpKernel kBatchMatmulOp = {infer, prepare, eval};

}  // namespace zeolite
