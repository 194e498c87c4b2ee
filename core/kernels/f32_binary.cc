#include "core/kernels/f32_binary.h"

#include <algorithm>

#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

struct Add {
  static F32x4 apply(F32x4 a, F32x4 b) { return wasm_f32x4_add(a, b); }
};
struct Sub {
  static F32x4 apply(F32x4 a, F32x4 b) { return wasm_f32x4_sub(a, b); }
};
struct Mul {
  static F32x4 apply(F32x4 a, F32x4 b) { return wasm_f32x4_mul(a, b); }
};
struct Div {
  static F32x4 apply(F32x4 a, F32x4 b) { return wasm_f32x4_div(a, b); }
};
struct Maximum {
  static F32x4 apply(F32x4 a, F32x4 b) { return wasm_f32x4_pmax(b, a); }
};
struct Minimum {
  static F32x4 apply(F32x4 a, F32x4 b) { return wasm_f32x4_pmin(b, a); }
};
struct SquaredDifference {
  static F32x4 apply(F32x4 a, F32x4 b) {
    const F32x4 difference = wasm_f32x4_sub(a, b);
    return wasm_f32x4_mul(difference, difference);
  }
};

// One run: of each input either as many elements, or one for all.
template <class Function, bool OneA, bool OneB>
[[gnu::noinline]] void run(const float* a, const float* b, float* out, size_t count,
                           const F32Clamp& clamp) {
  const F32x4 low = wasm_f32x4_splat(clamp.min);
  const F32x4 high = wasm_f32x4_splat(clamp.max);
  const F32x4 all_a = wasm_f32x4_splat(OneA ? *a : 0.0f);
  const F32x4 all_b = wasm_f32x4_splat(OneB ? *b : 0.0f);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const F32x4 y = Function::apply(OneA ? all_a : wasm_v128_load(a + i),
                                    OneB ? all_b : wasm_v128_load(b + i));
    wasm_v128_store(out + i, f32x4_clamp(y, low, high));
  }
  if (i < count) {
    const int rest = static_cast<int>(count - i);
    const F32x4 y = Function::apply(OneA ? all_a : f32x4_load_partial(a + i, rest),
                                    OneB ? all_b : f32x4_load_partial(b + i, rest));
    f32x4_store_partial(out + i, f32x4_clamp(y, low, high), rest);
  }
}

using Run = void (*)(const float* a, const float* b, float* out, size_t count,
                     const F32Clamp& clamp);

// The runs of one function by what each input has: as many elements, or one for all. Both one for
// all is a single element.
struct Runs {
  Run both;
  Run one_a;
  Run one_b;
};

template <class Function>
constexpr Runs runs_of() {
  return {run<Function, false, false>, run<Function, true, false>, run<Function, false, true>};
}

Runs choose(F32Binary function) {
  switch (function) {
    case F32Binary::kAdd:
      return runs_of<Add>();
    case F32Binary::kSub:
      return runs_of<Sub>();
    case F32Binary::kMul:
      return runs_of<Mul>();
    case F32Binary::kDiv:
      return runs_of<Div>();
    case F32Binary::kMaximum:
      return runs_of<Maximum>();
    case F32Binary::kMinimum:
      return runs_of<Minimum>();
    case F32Binary::kSquaredDifference:
      return runs_of<SquaredDifference>();
  }
  return runs_of<Add>();
}

}  // namespace

void f32_binary(F32Binary function, const BroadcastPlan& plan, const float* a, const float* b,
                float* output, F32Clamp clamp, ThreadPool* pool) {
  const Runs runs = choose(function);
  const auto one = [&](int64_t out, int64_t a_offset, int64_t b_offset, int64_t count,
                       int64_t a_stride, int64_t b_stride) {
    const Run run = a_stride == b_stride ? runs.both : a_stride == 0 ? runs.one_a : runs.one_b;
    run(a + a_offset, b + b_offset, output + out, count, clamp);
  };
  // An element costs as much as some 4 products, being bound by memory.
  if (plan.rank == 1) {
    const EvenSplit split(plan.count, 16, 4, pool);
    parallel_for(split.pool, split.tasks(), [&](int64_t task) {
      const int64_t begin = split.begin(task);
      one(begin, begin * plan.a_strides[0], begin * plan.b_strides[0], split.end(task) - begin,
          plan.a_strides[0], plan.b_strides[0]);
    });
    return;
  }
  const int64_t rows = broadcast_row_count(plan);
  if (rows == 0) return;
  const EvenSplit split(rows, 1, 4 * (plan.count / rows), pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for_each_broadcast_row(plan, split.begin(task), split.end(task), one);
  });
}

}  // namespace zeolite
