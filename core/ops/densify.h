// The sparse encoding of constants.
#pragma once

#include "core/ops/op.h"

namespace zeolite {

// The dense form of `tensor`, whose `sparsity` is not null and whose data are the stored entries;
// what is not stored is zero. Errors: an encoding that contradicts itself, kOutOfMemory.
Result<Bytes> decode_sparse(const Operand& tensor);

}  // namespace zeolite
