// Functions of two elements that join many: of REDUCE_WINDOW by number, of STABLEHLO operators by a
// subgraph that computes them.
#pragma once

#include "core/base/wrapping.h"
#include "core/ops/op.h"

namespace zeolite {

enum class Reducer : uint8_t { kAdd, kMul, kMinimum, kMaximum, kAll, kAny, kReplace };

// The function that a subgraph of two scalars computes: one operator on both, or its second input
// alone (kReplace). Errors: kUnsupported for anything else.
Result<Reducer> reducer_of(const Model* model, int32_t subgraph);

// Integers wrap around; kAll and kAny look at whether elements are 0.
template <class T>
T reduce_pair(Reducer reducer, T a, T b) {
  switch (reducer) {
    case Reducer::kAdd: return wrapping_add(a, b);
    case Reducer::kMul: return wrapping_mul(a, b);
    case Reducer::kMinimum: return a < b ? a : b;
    case Reducer::kMaximum: return a > b ? a : b;
    case Reducer::kAll: return static_cast<T>(a != T(0) && b != T(0));
    case Reducer::kAny: return static_cast<T>(a != T(0) || b != T(0));
    default: return b;
  }
}

}  // namespace zeolite
