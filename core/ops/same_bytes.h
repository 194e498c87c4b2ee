// What operators share whose output is the input's bytes under another shape.
#pragma once

#include "core/ops/op.h"

namespace zeolite {

// The output may lie where input 0 does.
Status prepare_same_bytes(PrepareContext& context);
// Copies where it does not.
Status eval_same_bytes(EvalContext& context);

}  // namespace zeolite
