// What the files of this folder export, for table.cc.
#pragma once

#include "core/ops/op.h"

namespace zeolite {

extern const OpKernel kArgMinMaxOp;
extern const OpKernel kAssignVariableOp;
extern const OpKernel kBatchMatmulOp;
extern const OpKernel kBinaryOp;
extern const OpKernel kCallOnceOp;
extern const OpKernel kCastOp;
extern const OpKernel kChoiceOp;
extern const OpKernel kComparisonOp;
extern const OpKernel kConcatenationOp;
extern const OpKernel kConv2dOp;
extern const OpKernel kCumsumOp;
extern const OpKernel kDensifyOp;
extern const OpKernel kDepthwiseConv2dOp;
extern const OpKernel kDequantizeOp;
extern const OpKernel kDynamicUpdateSliceOp;
extern const OpKernel kExpandDimsOp;
extern const OpKernel kFillOp;
extern const OpKernel kFullyConnectedOp;
extern const OpKernel kGatherNdOp;
extern const OpKernel kGatherOp;
extern const OpKernel kHashtableFindOp;
extern const OpKernel kHashtableImportOp;
extern const OpKernel kHashtableOp;
extern const OpKernel kHashtableSizeOp;
extern const OpKernel kNormalizationOp;
extern const OpKernel kOneHotOp;
extern const OpKernel kPackOp;
extern const OpKernel kPadOp;
extern const OpKernel kPool2dOp;
extern const OpKernel kPreluOp;
extern const OpKernel kRangeOp;
extern const OpKernel kReadVariableOp;
extern const OpKernel kReduceOp;
extern const OpKernel kRepeatOp;
extern const OpKernel kReshapeOp;
extern const OpKernel kResizeOp;
extern const OpKernel kReverseOp;
extern const OpKernel kReverseSequenceOp;
extern const OpKernel kScatterNdOp;
extern const OpKernel kSelectOp;
extern const OpKernel kShapeOp;
extern const OpKernel kSliceOp;
extern const OpKernel kSoftmaxOp;
extern const OpKernel kSpaceToBatchNdOp;
extern const OpKernel kSpaceToDepthOp;
extern const OpKernel kSplitOp;
extern const OpKernel kSqueezeOp;
extern const OpKernel kTopkV2Op;
extern const OpKernel kTransposeConvOp;
extern const OpKernel kTransposeOp;
extern const OpKernel kUnaryOp;
extern const OpKernel kUnpackOp;
extern const OpKernel kVarHandleOp;
extern const OpKernel kWhereOp;
extern const OpKernel kWhileOp;

}  // namespace zeolite
