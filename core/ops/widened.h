// Operators take elements that their loops don't know, because they go through others in scratch
// memory while the operator computes:
//   kWidenMoved, for operators that move elements and look at none:
//     int2, int4         int8
//     uint4              uint8
//     string             int64: its number among all strings of the inputs
//   kWidenFloats:
//     float16, bfloat16  float32, rounded when the results are stored
//
//   const OpKernel kTransposeOp = widened<infer, prepare, eval, kWidenMoved>();
#pragma once

#include "core/ops/op.h"
#include "core/ops/type_set.h"

namespace zeolite {

inline constexpr TypeSet kWidenMoved = kI2 | kI4 | kU4 | kString;
inline constexpr TypeSet kWidenFloats = kF16 | kBF16;

using PrepareFunction = Status (*)(PrepareContext&);
using EvalFunction = Status (*)(EvalContext&);

// `prepare` (may be null) and `eval` with wider operands in place of those of the types in
// `narrow`. Without any of these, they are just called.
Status prepare_widened(PrepareContext& context, TypeSet narrow, PrepareFunction prepare);
Status eval_widened(EvalContext& context, TypeSet narrow, EvalFunction eval);

template <auto kInfer, auto kPrepare, auto kEval, TypeSet kNarrow>
constexpr OpKernel widened() {
  return {
      kInfer, [](PrepareContext& context) { return prepare_widened(context, kNarrow, kPrepare); },
      [](EvalContext& context) { return eval_widened(context, kNarrow, kEval); }};
}

}  // namespace zeolite
