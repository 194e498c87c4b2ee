// Functions of two float32, element by element with broadcasting.
#pragma once

#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/broadcast.h"
#include "core/kernels/shapes.h"

namespace zeolite {

enum class F32Binary : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMaximum,  // a > b ? a : b, so that b wins where either is NaN, as in the real runtime.
  kMinimum,  // a < b ? a : b.
  kSquaredDifference,
};

// output = clamp(f(a, b)) over the plan's loop nest; output is dense. `output` may be `a` or `b`
// where that one is not repeated. The common cases run at vector speed: equal shapes, a scalar on
// either side, and a vector along the last axis on either side.
void f32_binary(F32Binary function, const BroadcastPlan& plan, const float* a, const float* b,
                float* output, F32Clamp clamp, ThreadPool* pool);

}  // namespace zeolite
