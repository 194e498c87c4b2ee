// What the files of this folder export, for table.cc.
#pragma once

#include "core/ops/op.h"

namespace zeolite {

extern const OpKernel kReshapeOp;

}  // namespace zeolite
