// What the files of this folder export, for table.cc.
#pragma once

#include "core/ops/op.h"

namespace zeolite {

extern const OpKernel kBinaryOp;
extern const OpKernel kConv2dOp;
extern const OpKernel kDensifyOp;
extern const OpKernel kFullyConnectedOp;
extern const OpKernel kReduceOp;
extern const OpKernel kReshapeOp;
extern const OpKernel kSoftmaxOp;

}  // namespace zeolite
