// Functions of two elements that join many: of REDUCE_WINDOW by number, of STABLEHLO operators by a
// subgraph that computes them.
#pragma once

#include <algorithm>
#include <type_traits>

#include "core/ops/op.h"

namespace zeolite {

enum class Reducer : uint8_t { kAdd, kMul, kMinimum, kMaximum, kAll, kAny, kReplace };

// The function that a subgraph of two scalars computes: one operator on both, or its second input
// alone (kReplace). Errors: kUnsupported for anything else.
Result<Reducer> reducer_of(const Model* model, int32_t subgraph);

// Integers wrap around; kAll and kAny look at whether elements are 0.
template <class T>
T reduce_pair(Reducer reducer, T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using Wide = std::make_unsigned_t<std::common_type_t<T, int>>;
    if (reducer == Reducer::kAdd) return static_cast<T>(static_cast<Wide>(a) + static_cast<Wide>(b));
    if (reducer == Reducer::kMul) return static_cast<T>(static_cast<Wide>(a) * static_cast<Wide>(b));
  } else {
    if (reducer == Reducer::kAdd) return static_cast<T>(a + b);
    if (reducer == Reducer::kMul) return static_cast<T>(a * b);
  }
  switch (reducer) {
    case Reducer::kMinimum: return b < a ? b : a;
    case Reducer::kMaximum: return a < b ? b : a;
    case Reducer::kAll: return static_cast<T>(a != T(0) && b != T(0));
    case Reducer::kAny: return static_cast<T>(a != T(0) || b != T(0));
    default: return b;
  }
}

}  // namespace zeolite
