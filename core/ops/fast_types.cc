// Which operators have kernels that are made for speed, and for which types: the marks of
// docs/operators.md. Whoever adds such a kernel adds its types here.
#include "core/ops/table.h"

namespace zeolite {

TypeSet fast_types(BuiltinOperator code) {
  using Code = BuiltinOperator;
  constexpr TypeSet kBytes = kI8 | kU8;
  switch (code) {
    case Code::kConv2d:
    case Code::kDepthwiseConv2d:
    case Code::kFullyConnected:
    case Code::kTransposeConv:
    case Code::kGelu:
    case Code::kHardSwish:
    case Code::kLeakyRelu:
    case Code::kLogistic:
    case Code::kPrelu:
    case Code::kRelu:
    case Code::kRelu0To1:
    case Code::kRelu6:
    case Code::kReluN1To1:
    case Code::kTanh:
    case Code::kSoftmax:
    case Code::kLogSoftmax: return kF32 | kBytes;
    case Code::kAdd:
    case Code::kSub:
    case Code::kMul:
    case Code::kDiv:
    case Code::kAveragePool2d:
    case Code::kMaxPool2d:
    case Code::kMean:
    case Code::kSum:
    case Code::kQuantize:
    case Code::kResizeBilinear: return kF32 | kBytes | kI16;
    case Code::kAbs:
    case Code::kBatchMatmul:
    case Code::kElu:
    case Code::kExp:
    case Code::kLog:
    case Code::kLstm:
    case Code::kRsqrt:
    case Code::kSqrt:
    case Code::kSquaredDifference:
    case Code::kSvdf:
    case Code::kUnidirectionalSequenceLstm: return kF32 | kI8;
    case Code::kDequantize: return kBytes | kI16 | kF16;
    case Code::kEqual:
    case Code::kNotEqual:
    case Code::kGreater:
    case Code::kGreaterEqual:
    case Code::kLess:
    case Code::kLessEqual: return kBytes;
    case Code::kBidirectionalSequenceLstm:
    case Code::kBidirectionalSequenceRnn:
    case Code::kCeil:
    case Code::kConv3d:
    case Code::kConv3dTranspose:
    case Code::kFloor:
    case Code::kMaximum:
    case Code::kMinimum:
    case Code::kNeg:
    case Code::kRnn:
    case Code::kRound:
    case Code::kSquare:
    case Code::kUnidirectionalSequenceRnn: return kF32;
    default: return 0;
  }
}

}  // namespace zeolite
