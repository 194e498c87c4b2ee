// BATCH_MATMUL (1 to 4): output[b] = x[b] . y[b], with batch dimensions that broadcast.
//   x [..., M, K] (adj_x: [..., K, M])    y [..., K, N] (adj_y: [..., N, K])    output [..., M, N]
// Float32; int8 and int16 to the same type, int8 to the bare sums in int32; float32 x with int8 y,
// whose rows are quantized by each run (integer_product.h). 2 dimensions at least. A constant float
// y is packed once, or read where it is for few rows of x; float16 that the file widens stays as it
// is until then.
#include <vector>

#include "core/kernels/f32_matmul.h"
#include "core/kernels/split.h"
#include "core/ops/float_weights.h"
#include "core/ops/integer_product.h"
#include "core/ops/kernels.h"
#include "core/ops/packed_weights.h"

namespace zeolite {
namespace {

// How kernels read y of floats.
enum class YForm {
  kComputed,  // As anything that is computed at run time.
  kPacked,    // A constant: packed once.
  kRows,      // For few rows of x: where it is,
  kHalves,    // also float16.
};

struct State : OpState {
  F32BatchMatmulShape shape;
  std::vector<int64_t> x_offsets;  // Of each matrix of the output, in elements.
  std::vector<int64_t> y_offsets;
  // Where y's numbers are integers.
  IntegerProduct product;
  I8Conv2DPlan plan;
  YForm form = YForm::kComputed;
  int64_t y_count = 0;  // Matrices in y; all are packed.
  PackedWeights weights;
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

ProductRoles roles_of(const OpContext& context) {
  ProductRoles roles;
  roles.bias = 2;  // There is none.
  roles.float_product = true;
  roles.asymmetric = context.options<BatchMatMulOptions>().asymmetric_quantize_inputs;
  return roles;
}

std::span<const int32_t> batch_of(const Shape& shape) { return {shape.data(), shape.size() - 2}; }

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 2, kMaxRank));
  ZEOLITE_TRY(require_rank(context, 1, 2, kMaxRank));
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
  // One scale for all of y: the number of channels does not matter.
  ZEOLITE_TRY(check_integer_product(context, roles_of(context), 1, ActivationFunctionType::kNone));
  const TensorType type =
      context.output(0).type == TensorType::kInt32 && context.input(0).type == TensorType::kInt8
          ? TensorType::kInt32
          : context.input(0).type;
  return context.set_output(0, type, std::move(shape));
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

void pack(const OpContext& context, const State& state, uint8_t* to) {
  const int64_t n = state.shape.n;
  const int64_t k = state.shape.k;
  I8Weights weights = state.product.weights_of(context);
  const uint8_t* const data = context.input(1).data;
  for (int64_t i = 0; i < state.y_count; ++i) {
    weights.data = data + i * n * k * weights.bits / 8;
    i8_conv_2d_pack(state.plan, weights, state.shape.transpose_b ? k : 1,
                    state.shape.transpose_b ? 1 : n, state.product.columns(context), to);
    to += state.plan.packed_bytes;
  }
}

uint64_t transposed_bytes(const OpContext& context, const State& state) {
  return state.shape.transpose_a ? align_up(state.shape.m * state.shape.k *
                                            bits_per_element(context.input(0).type) / 8)
                                 : 0;
}

// One matrix for all rows of x.
void join_rows(const OpContext& context, State& state) {
  state.y_count = product(batch_of(context.input(1).shape));
  if (state.y_count != 1 || state.shape.transpose_a) return;
  state.shape.m *= state.shape.batch_count;
  state.shape.batch_count = 1;
}

Status prepare_integers(PrepareContext& context, State& state) {
  F32BatchMatmulShape& shape = state.shape;
  ZEOLITE_ASSIGN(state.product, integer_product(context, roles_of(context), shape.n,
                                                ActivationFunctionType::kNone));
  join_rows(context, state);
  ZEOLITE_ASSIGN(state.plan, product_plan(state.product, shape.m, shape.n, shape.k,
                                          context.thread_count()));
  // What is packed for each run should be packed quickly.
  if (!context.input(1).is_constant) state.plan.stage.numbers_each = 0;
  context.choose("i8_batch_matmul", 2.0 * product(context.output(0).shape) * shape.k);
  context.request_scratch(state.plan.scratch_bytes);
  context.request_scratch(transposed_bytes(context, state));
  return state.weights.prepare(context, 1, 2, state.plan.packed_bytes * state.y_count, true,
                               [&](uint8_t* to) { pack(context, state, to); });
}

// A constant y: kernels for weights.
Status prepare_constant(PrepareContext& context, State& state) {
  const F32BatchMatmulShape& shape = state.shape;
  join_rows(context, state);
  const bool has_few_rows = shape.transpose_b && shape.m < kF32PackedGemmMinRows;
  const bool has_floats = context.input(1).type == TensorType::kFloat32;
  state.form = !has_few_rows                                  ? YForm::kPacked
               : has_floats                                   ? YForm::kRows
               : FloatWeights::are_finite_halves(context, 1) ? YForm::kHalves
                                                              : YForm::kPacked;
  const bool is_packed = state.form == YForm::kPacked;
  context.choose(is_packed ? "f32_gemm" : "f32_gemv_rows",
                 2.0 * product(context.output(0).shape) * shape.k);
  context.request_scratch(transposed_bytes(context, state));
  if (!is_packed) return {};
  ZEOLITE_ASSIGN(const FloatWeights floats, FloatWeights::of(context, 1));
  const uint64_t bytes = f32_gemm_packed_bytes(shape.n, shape.k);
  const size_t sources[] = {1};
  return state.weights.prepare(context, sources, bytes * state.y_count, true, [&](uint8_t* to) {
    for (int64_t i = 0; i < state.y_count; ++i) {
      f32_gemm_pack(shape.n, shape.k, floats.data() + i * shape.n * shape.k,
                    shape.transpose_b ? shape.k : 1, shape.transpose_b ? 1 : shape.n, nullptr,
                    reinterpret_cast<float*>(to + i * bytes));
    }
  });
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
  if (has_integer_weights(context, roles_of(context))) return prepare_integers(context, state);
  if (context.input(1).is_constant && context.input(1).has_data) {
    return prepare_constant(context, state);
  }
  state.form = YForm::kComputed;
  context.choose("f32_batch_matmul", 2.0 * product(output) * sizes.k);
  context.request_scratch(f32_batch_matmul_scratch_bytes(state.shape, context.thread_count()));
  return {};
}

template <class T>
void transpose(const T* from, int64_t rows, int64_t columns, T* to) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
}

// x as [m, k]; `request`: of the scratch memory for it.
const uint8_t* rows_of(const EvalContext& context, const State& state, int64_t offset,
                       size_t request) {
  const int bytes = bits_per_element(context.input(0).type) / 8;
  const uint8_t* const x = context.in<uint8_t>(0) + offset * bytes;
  if (!state.shape.transpose_a) return x;
  uint8_t* const to = context.scratch(request);
  const int64_t m = state.shape.m;
  const int64_t k = state.shape.k;
  switch (bytes) {
    case 1: transpose(x, k, m, to); break;
    case 2:
      transpose(reinterpret_cast<const uint16_t*>(x), k, m, reinterpret_cast<uint16_t*>(to));
      break;
    default:
      transpose(reinterpret_cast<const uint32_t*>(x), k, m, reinterpret_cast<uint32_t*>(to));
  }
  return to;
}

void eval_constant(EvalContext& context, const State& state) {
  const F32BatchMatmulShape& shape = state.shape;
  const int64_t m = shape.m;
  const int64_t n = shape.n;
  const int64_t k = shape.k;
  for (int64_t b = 0; b < shape.batch_count; ++b) {
    const auto* const x =
        reinterpret_cast<const float*>(rows_of(context, state, state.x_offsets[b], 0));
    float* const out = context.out<float>(0) + b * m * n;
    const auto run_rows = [&](const auto* y) {
      f32_gemv_rows(m, n, k, x, k, y + state.y_offsets[b], k, nullptr, out, n, kNoClamp,
                    context.threads());
    };
    if (state.form == YForm::kPacked) {
      const int64_t y = k > 0 ? state.y_offsets[b] / (n * k) : 0;
      const uint8_t* const packed = state.weights.packed() + y * f32_gemm_packed_bytes(n, k);
      f32_gemm(m, n, k, x, k, reinterpret_cast<const float*>(packed), out, n, kNoClamp,
               context.threads());
    } else if (state.form == YForm::kHalves) {
      run_rows(context.in<Float16>(1));
    } else {
      run_rows(context.in<float>(1));
    }
  }
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  const F32BatchMatmulShape& shape = state.shape;
  if (shape.batch_count == 0) return {};
  if (!has_integer_weights(context, roles_of(context))) {
    if (state.form != YForm::kComputed) {
      eval_constant(context, state);
      return {};
    }
    f32_batch_matmul(shape, context.in<float>(0), state.x_offsets.data(), context.in<float>(1),
                     state.y_offsets.data(), context.out<float>(0), context.scratch(0),
                     context.threads());
    return {};
  }
  const uint8_t* const packed =
      state.weights.get(context, 2, [&](uint8_t* to) { pack(context, state, to); });
  const int64_t out_bytes = shape.m * shape.n * state.plan.stage.element_bytes();
  for (int64_t b = 0; b < shape.batch_count; ++b) {
    const int64_t y = shape.k > 0 ? state.y_offsets[b] / (shape.n * shape.k) : 0;
    i8_conv_2d_run(state.plan, packed + y * state.plan.packed_bytes,
                   rows_of(context, state, state.x_offsets[b], 1),
                   context.out<uint8_t>(0) + b * out_bytes, context.scratch(0),
                   context.threads());
  }
  return {};
}

}  // namespace

const OpKernel kBatchMatmulOp = {infer, prepare, eval};

}  // namespace zeolite
