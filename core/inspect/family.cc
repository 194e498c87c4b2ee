// Which family an operator belongs to.
#include "core/inspect/inspection.h"

namespace zeolite {

std::string_view node_family_name(NodeFamily family) {
  switch (family) {
    case NodeFamily::kConvolution: return "convolution";
    case NodeFamily::kDense: return "dense";
    case NodeFamily::kRecurrent: return "recurrent";
    case NodeFamily::kPooling: return "pooling";
    case NodeFamily::kActivation: return "activation";
    case NodeFamily::kNormalisation: return "normalisation";
    case NodeFamily::kShape: return "shape";
    case NodeFamily::kArithmetic: return "arithmetic";
    case NodeFamily::kOther: return "other";
  }
  return "other";
}

NodeFamily operator_family(BuiltinOperator code) {
  using Op = BuiltinOperator;
  switch (code) {
    case Op::kConv2d:
    case Op::kConv3d:
    case Op::kConv3dTranspose:
    case Op::kDepthwiseConv2d:
    case Op::kTransposeConv: return NodeFamily::kConvolution;
    case Op::kFullyConnected:
    case Op::kBatchMatmul:
    case Op::kEmbeddingLookup:
    case Op::kEmbeddingLookupSparse: return NodeFamily::kDense;
    case Op::kLstm:
    case Op::kRnn:
    case Op::kSvdf:
    case Op::kUnidirectionalSequenceLstm:
    case Op::kUnidirectionalSequenceRnn:
    case Op::kBidirectionalSequenceLstm:
    case Op::kBidirectionalSequenceRnn: return NodeFamily::kRecurrent;
    case Op::kAveragePool2d:
    case Op::kMaxPool2d:
    case Op::kL2Pool2d:
    case Op::kReduceWindow: return NodeFamily::kPooling;
    case Op::kRelu:
    case Op::kRelu6:
    case Op::kReluN1To1:
    case Op::kRelu0To1:
    case Op::kLeakyRelu:
    case Op::kPrelu:
    case Op::kElu:
    case Op::kGelu:
    case Op::kHardSwish:
    case Op::kLogistic:
    case Op::kTanh:
    case Op::kSoftmax:
    case Op::kLogSoftmax: return NodeFamily::kActivation;
    case Op::kL2Normalization:
    case Op::kLocalResponseNormalization: return NodeFamily::kNormalisation;
    case Op::kReshape:
    case Op::kSqueeze:
    case Op::kExpandDims:
    case Op::kTranspose:
    case Op::kConcatenation:
    case Op::kSplit:
    case Op::kSplitV:
    case Op::kPack:
    case Op::kUnpack:
    case Op::kSlice:
    case Op::kStridedSlice:
    case Op::kGather:
    case Op::kGatherNd:
    case Op::kScatterNd:
    case Op::kPad:
    case Op::kPadv2:
    case Op::kMirrorPad:
    case Op::kTile:
    case Op::kBroadcastTo:
    case Op::kResizeBilinear:
    case Op::kResizeNearestNeighbor:
    case Op::kShape:
    case Op::kRank:
    case Op::kReverseV2:
    case Op::kReverseSequence:
    case Op::kSpaceToBatchNd:
    case Op::kBatchToSpaceNd:
    case Op::kSpaceToDepth:
    case Op::kDepthToSpace:
    case Op::kDynamicUpdateSlice: return NodeFamily::kShape;
    case Op::kAdd:
    case Op::kAddN:
    case Op::kSub:
    case Op::kMul:
    case Op::kDiv:
    case Op::kFloorDiv:
    case Op::kFloorMod:
    case Op::kPow:
    case Op::kMaximum:
    case Op::kMinimum:
    case Op::kSquaredDifference:
    case Op::kAbs:
    case Op::kNeg:
    case Op::kExp:
    case Op::kLog:
    case Op::kSqrt:
    case Op::kRsqrt:
    case Op::kSquare:
    case Op::kSin:
    case Op::kCos:
    case Op::kFloor:
    case Op::kCeil:
    case Op::kRound:
    case Op::kSign:
    case Op::kMean:
    case Op::kSum:
    case Op::kReduceMax:
    case Op::kReduceMin:
    case Op::kReduceProd:
    case Op::kReduceAny:
    case Op::kReduceAll:
    case Op::kCumsum:
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kLogicalAnd:
    case Op::kLogicalOr:
    case Op::kLogicalNot:
    case Op::kSelect:
    case Op::kSelectV2: return NodeFamily::kArithmetic;
    default: return NodeFamily::kOther;
  }
}

}  // namespace zeolite
