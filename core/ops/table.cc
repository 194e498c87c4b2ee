#include "core/ops/table.h"

#include <algorithm>

#include "core/ops/kernels.h"

namespace zeolite {
namespace {

// Types of the operands by position, as static data.
template <TypeSet... kSets>
inline constexpr TypeSet kStored[] = {kSets...};
template <TypeSet... kSets>
constexpr std::span<const TypeSet> types() {
  return kStored<kSets...>;
}

using Code = BuiltinOperator;

// Integers of 8 and 16 bits where inputs and outputs have one scale, so that it plays no part.
constexpr TypeSet kSameScale = kI8 | kU8 | kI16;
constexpr TypeSet kSelectable = kWholeBytes & ~(kF8 | kC128);
constexpr TypeSet kCastable = kWholeBytes & ~(kF8 | kC128 | kU64);
constexpr TypeSet kAnyType = kWholeBytes | kI2 | kI4 | kU4;

// code, kernel, options, versions, traits, input types, output types
const OpEntry kTable[] = {
    {Code::kAbs, &kUnaryOp, &AbsOptions::kInfo, 1, 5, kPure,
     types<kF32 | kI32>(), types<kF32 | kI32>()},
    {Code::kAdd, &kBinaryOp, &AddOptions::kInfo, 1, 6, kPure,
     types<kF32 | kI32 | kI64, kF32 | kI32 | kI64>(), types<kF32 | kI32 | kI64>()},
    {Code::kArgMax, &kArgMinMaxOp, &ArgMaxOptions::kInfo, 1, 3, kPure,
     types<kBool | kF32 | kI8 | kU8 | kI32, kI32 | kI64>(), types<kI32 | kI64>()},
    {Code::kArgMin, &kArgMinMaxOp, &ArgMinOptions::kInfo, 1, 3, kPure,
     types<kBool | kF32 | kI8 | kU8 | kI32, kI32 | kI64>(), types<kI32 | kI64>()},
    {Code::kAveragePool2d, &kPool2dOp, &Pool2DOptions::kInfo, 1, 3, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kBatchMatmul, &kBatchMatmulOp, &BatchMatMulOptions::kInfo, 1, 4, kPure,
     types<kF32, kF32>(), types<kF32>()},
    {Code::kBatchToSpaceNd, &kSpaceToBatchNdOp, &BatchToSpaceNDOptions::kInfo, 1, 4, kPure,
     types<kWholeBytes, kI32, kI32>(), types<kWholeBytes>()},
    {Code::kBroadcastTo, &kRepeatOp, &BroadcastToOptions::kInfo, 2, 4, kPure,
     types<kWholeBytes, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kCast, &kCastOp, &CastOptions::kInfo, 1, 9, kPure,
     types<kCastable>(), types<kCastable>()},
    {Code::kCeil, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kConcatenation, &kConcatenationOp, &ConcatenationOptions::kInfo, 1, 7, kPure,
     types<kWholeBytes | kRepeated>(), types<kWholeBytes>()},
    {Code::kConv2d, &kConv2dOp, &Conv2DOptions::kInfo, 1, 8, kPure,
     types<kF32, kF32, kF32 | kOptional>(), types<kF32>()},
    {Code::kCos, &kUnaryOp, &CosOptions::kInfo, 1, 2, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kCumsum, &kCumsumOp, &CumsumOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32 | kI64, kI32>(), types<kF32 | kI32 | kI64>()},
    {Code::kDensify, &kDensifyOp, &DensifyOptions::kInfo, 1, 1, kPure,
     types<kF16 | kF32>(), types<kF16 | kF32>()},
    {Code::kDepthToSpace, &kSpaceToDepthOp, &DepthToSpaceOptions::kInfo, 1, 2, kPure,
     types<kWholeBytes>(), types<kWholeBytes>()},
    {Code::kDepthwiseConv2d, &kDepthwiseConv2dOp, &DepthwiseConv2DOptions::kInfo, 1, 7, kPure,
     types<kF32, kF32, kF32 | kOptional>(), types<kF32>()},
    {Code::kDequantize, &kDequantizeOp, &DequantizeOptions::kInfo, 1, 9, kPure,
     types<kF16>(), types<kF32>()},
    {Code::kDiv, &kBinaryOp, &DivOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32, kF32 | kI32>(), types<kF32 | kI32>()},
    {Code::kDynamicUpdateSlice, &kDynamicUpdateSliceOp, &DynamicUpdateSliceOptions::kInfo, 1, 6, kPure,
     types<kWholeBytes, kWholeBytes, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kElu, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kEqual, &kComparisonOp, &EqualOptions::kInfo, 1, 5, kPure,
     types<kF32 | kI32 | kI64 | kBool, kF32 | kI32 | kI64 | kBool>(), types<kBool>()},
    {Code::kExp, &kUnaryOp, &ExpOptions::kInfo, 1, 2, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kExpandDims, &kExpandDimsOp, &ExpandDimsOptions::kInfo, 1, 1, kPure,
     types<kWholeBytes, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kFill, &kFillOp, &FillOptions::kInfo, 1, 5, kPure,
     types<kI32 | kI64, kWholeBytes>(), types<kWholeBytes>()},
    {Code::kFloor, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kFloorDiv, &kBinaryOp, &FloorDivOptions::kInfo, 1, 3, kPure,
     types<kF32 | kI8 | kI16 | kI32, kF32 | kI8 | kI16 | kI32>(),
     types<kF32 | kI8 | kI16 | kI32>()},
    {Code::kFloorMod, &kBinaryOp, &FloorModOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI8 | kI16 | kI32 | kI64, kF32 | kI8 | kI16 | kI32 | kI64>(),
     types<kF32 | kI8 | kI16 | kI32 | kI64>()},
    {Code::kFullyConnected, &kFullyConnectedOp, &FullyConnectedOptions::kInfo, 1, 14, kPure,
     types<kF32, kF32, kF32 | kOptional>(), types<kF32>()},
    {Code::kGather, &kGatherOp, &GatherOptions::kInfo, 1, 8, kPure,
     types<kWholeBytes, kI16 | kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kGatherNd, &kGatherNdOp, &GatherNdOptions::kInfo, 1, 6, kPure,
     types<kWholeBytes, kI16 | kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kGelu, &kUnaryOp, &GeluOptions::kInfo, 1, 3, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kGreater, &kComparisonOp, &GreaterOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32 | kI64, kF32 | kI32 | kI64>(), types<kBool>()},
    {Code::kGreaterEqual, &kComparisonOp, &GreaterEqualOptions::kInfo, 1, 3, kPure,
     types<kF32 | kI32 | kI64, kF32 | kI32 | kI64>(), types<kBool>()},
    {Code::kHardSwish, &kUnaryOp, &HardSwishOptions::kInfo, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kL2Normalization, &kNormalizationOp, &L2NormOptions::kInfo, 1, 2, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kL2Pool2d, &kPool2dOp, &Pool2DOptions::kInfo, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kLeakyRelu, &kUnaryOp, &LeakyReluOptions::kInfo, 1, 2, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kLess, &kComparisonOp, &LessOptions::kInfo, 1, 3, kPure,
     types<kF32 | kI32 | kI64, kF32 | kI32 | kI64>(), types<kBool>()},
    {Code::kLessEqual, &kComparisonOp, &LessEqualOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32 | kI64, kF32 | kI32 | kI64>(), types<kBool>()},
    {Code::kLocalResponseNormalization, &kNormalizationOp, &LocalResponseNormalizationOptions::kInfo, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kLog, &kUnaryOp, nullptr, 1, 2, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kLogSoftmax, &kSoftmaxOp, &LogSoftmaxOptions::kInfo, 1, 2, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kLogicalAnd, &kComparisonOp, &LogicalAndOptions::kInfo, 1, 1, kPure,
     types<kBool, kBool>(), types<kBool>()},
    {Code::kLogicalNot, &kUnaryOp, &LogicalNotOptions::kInfo, 1, 1, kPure,
     types<kBool>(), types<kBool>()},
    {Code::kLogicalOr, &kComparisonOp, &LogicalOrOptions::kInfo, 1, 1, kPure,
     types<kBool, kBool>(), types<kBool>()},
    {Code::kLogistic, &kUnaryOp, nullptr, 1, 3, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kMaxPool2d, &kPool2dOp, &Pool2DOptions::kInfo, 1, 3, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kMaximum, &kBinaryOp, &MaximumMinimumOptions::kInfo, 1, 4, kPure,
     types<kF32 | kI32 | kI64 | kSameScale, kF32 | kI32 | kI64 | kSameScale>(),
     types<kF32 | kI32 | kI64 | kSameScale>()},
    {Code::kMean, &kReduceOp, &ReducerOptions::kInfo, 1, 3, kPure,
     types<kF32 | kI32 | kI64, kI32>(), types<kF32 | kI32 | kI64>()},
    {Code::kMinimum, &kBinaryOp, &MaximumMinimumOptions::kInfo, 1, 4, kPure,
     types<kF32 | kI32 | kI64 | kSameScale, kF32 | kI32 | kI64 | kSameScale>(),
     types<kF32 | kI32 | kI64 | kSameScale>()},
    {Code::kMirrorPad, &kPadOp, &MirrorPadOptions::kInfo, 1, 3, kPure,
     types<kWholeBytes, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kMul, &kBinaryOp, &MulOptions::kInfo, 1, 8, kPure,
     types<kF32 | kI32 | kI64 | kU32, kF32 | kI32 | kI64 | kU32>(),
     types<kF32 | kI32 | kI64 | kU32>()},
    {Code::kNeg, &kUnaryOp, &NegOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI16 | kI32 | kI64>(), types<kF32 | kI16 | kI32 | kI64>()},
    {Code::kNotEqual, &kComparisonOp, &NotEqualOptions::kInfo, 1, 4, kPure,
     types<kF32 | kI32 | kI64 | kBool, kF32 | kI32 | kI64 | kBool>(), types<kBool>()},
    {Code::kOneHot, &kOneHotOp, &OneHotOptions::kInfo, 1, 1, kPure,
     types<kI32 | kI64, kI32, kWholeBytes, kWholeBytes>(), types<kWholeBytes>()},
    {Code::kPack, &kPackOp, &PackOptions::kInfo, 1, 5, kPure,
     types<kWholeBytes | kRepeated>(), types<kWholeBytes>()},
    {Code::kPad, &kPadOp, &PadOptions::kInfo, 1, 6, kPure,
     types<kWholeBytes, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kPadv2, &kPadOp, &PadV2Options::kInfo, 1, 6, kPure,
     types<kWholeBytes, kI32 | kI64, kWholeBytes>(), types<kWholeBytes>()},
    {Code::kPow, &kBinaryOp, &PowOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32, kF32 | kI32>(), types<kF32 | kI32>()},
    {Code::kPrelu, &kPreluOp, nullptr, 1, 1, kPure,
     types<kF32, kF32>(), types<kF32>()},
    {Code::kRange, &kRangeOp, &RangeOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32 | kI64, kF32 | kI32 | kI64, kF32 | kI32 | kI64>(),
     types<kF32 | kI32 | kI64>()},
    {Code::kRank, &kShapeOp, &RankOptions::kInfo, 1, 1, kShapeOnly,
     types<kAnyType>(), types<kI32>()},
    {Code::kReduceAll, &kReduceOp, &ReducerOptions::kInfo, 1, 1, kPure,
     types<kBool, kI32>(), types<kBool>()},
    {Code::kReduceAny, &kReduceOp, &ReducerOptions::kInfo, 1, 1, kPure,
     types<kBool, kI32>(), types<kBool>()},
    {Code::kReduceMax, &kReduceOp, &ReducerOptions::kInfo, 1, 3, kPure,
     types<kF32 | kI32 | kI64 | kSameScale, kI32>(), types<kF32 | kI32 | kI64 | kSameScale>()},
    {Code::kReduceMin, &kReduceOp, &ReducerOptions::kInfo, 1, 3, kPure,
     types<kF32 | kI32 | kI64 | kSameScale, kI32>(), types<kF32 | kI32 | kI64 | kSameScale>()},
    {Code::kReduceProd, &kReduceOp, &ReducerOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32 | kI64, kI32>(), types<kF32 | kI32 | kI64>()},
    {Code::kRelu, &kUnaryOp, nullptr, 1, 3, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kRelu0To1, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kRelu6, &kUnaryOp, nullptr, 1, 3, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kReluN1To1, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kReshape, &kReshapeOp, &ReshapeOptions::kInfo, 1, 1, kPure,
     types<kWholeBytes, kI32 | kOptional>(), types<kWholeBytes>()},
    {Code::kResizeBilinear, &kResizeOp, &ResizeBilinearOptions::kInfo, 1, 4, kPure,
     types<kF32, kI32>(), types<kF32>()},
    {Code::kResizeNearestNeighbor, &kResizeOp, &ResizeNearestNeighborOptions::kInfo, 1, 4, kPure,
     types<kWholeBytes, kI32>(), types<kWholeBytes>()},
    {Code::kReverseSequence, &kReverseSequenceOp, &ReverseSequenceOptions::kInfo, 1, 1, kPure,
     types<kWholeBytes, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kReverseV2, &kReverseOp, &ReverseV2Options::kInfo, 1, 4, kPure,
     types<kWholeBytes, kI32>(), types<kWholeBytes>()},
    {Code::kRound, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kRsqrt, &kUnaryOp, nullptr, 1, 3, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kScatterNd, &kScatterNdOp, &ScatterNdOptions::kInfo, 1, 1, kPure,
     types<kI32, kF32 | kI32 | kI64 | kI8 | kU8 | kBool, kI32>(),
     types<kF32 | kI32 | kI64 | kI8 | kU8 | kBool>()},
    {Code::kSelect, &kSelectOp, &SelectOptions::kInfo, 1, 4, kPure,
     types<kBool, kSelectable, kSelectable>(), types<kSelectable>()},
    {Code::kSelectV2, &kSelectOp, &SelectV2Options::kInfo, 1, 2, kPure,
     types<kBool, kSelectable, kSelectable>(), types<kSelectable>()},
    {Code::kShape, &kShapeOp, &ShapeOptions::kInfo, 1, 1, kShapeOnly,
     types<kAnyType>(), types<kI32 | kI64>()},
    {Code::kSign, &kUnaryOp, &SignOptions::kInfo, 1, 2, kPure,
     types<kF32 | kF64 | kI32>(), types<kF32 | kF64 | kI32>()},
    {Code::kSin, &kUnaryOp, nullptr, 1, 2, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kSlice, &kSliceOp, &SliceOptions::kInfo, 1, 8, kPure,
     types<kWholeBytes, kI32 | kI64, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kSoftmax, &kSoftmaxOp, &SoftmaxOptions::kInfo, 1, 4, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kSpaceToBatchNd, &kSpaceToBatchNdOp, &SpaceToBatchNDOptions::kInfo, 1, 4, kPure,
     types<kWholeBytes, kI32, kI32>(), types<kWholeBytes>()},
    {Code::kSpaceToDepth, &kSpaceToDepthOp, &SpaceToDepthOptions::kInfo, 1, 2, kPure,
     types<kWholeBytes>(), types<kWholeBytes>()},
    {Code::kSplit, &kSplitOp, &SplitOptions::kInfo, 1, 5, kPure,
     types<kI32, kWholeBytes>(), types<kWholeBytes | kRepeated>()},
    {Code::kSplitV, &kSplitOp, &SplitVOptions::kInfo, 1, 3, kPure,
     types<kWholeBytes, kI32 | kI64, kI32>(), types<kWholeBytes | kRepeated>()},
    {Code::kSqrt, &kUnaryOp, nullptr, 1, 2, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kSquare, &kUnaryOp, &SquareOptions::kInfo, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kSquaredDifference, &kBinaryOp, &SquaredDifferenceOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32, kF32 | kI32>(), types<kF32 | kI32>()},
    {Code::kSqueeze, &kSqueezeOp, &SqueezeOptions::kInfo, 1, 2, kPure,
     types<kWholeBytes>(), types<kWholeBytes>()},
    {Code::kStridedSlice, &kSliceOp, &StridedSliceOptions::kInfo, 1, 8, kPure,
     types<kWholeBytes, kI32, kI32, kI32>(), types<kWholeBytes>()},
    {Code::kSub, &kBinaryOp, &SubOptions::kInfo, 1, 5, kPure,
     types<kF32 | kI32 | kI64, kF32 | kI32 | kI64>(), types<kF32 | kI32 | kI64>()},
    {Code::kSum, &kReduceOp, &ReducerOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32 | kI64, kI32>(), types<kF32 | kI32 | kI64>()},
    {Code::kTanh, &kUnaryOp, nullptr, 1, 3, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kTile, &kRepeatOp, &TileOptions::kInfo, 1, 3, kPure,
     types<kWholeBytes, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kTopkV2, &kTopkV2Op, &TopKV2Options::kInfo, 1, 3, kPure,
     types<kF32 | kI8 | kU8 | kI16 | kI32 | kI64, kI16 | kI32>(),
     types<kF32 | kI8 | kU8 | kI16 | kI32 | kI64, kI16 | kI32>()},
    {Code::kTranspose, &kTransposeOp, &TransposeOptions::kInfo, 1, 9, kPure,
     types<kWholeBytes, kI32>(), types<kWholeBytes>()},
    {Code::kTransposeConv, &kTransposeConvOp, &TransposeConvOptions::kInfo, 1, 5, kPure,
     types<kI32, kF32, kF32, kF32 | kOptional>(), types<kF32>()},
    {Code::kUnpack, &kUnpackOp, &UnpackOptions::kInfo, 1, 6, kPure,
     types<kWholeBytes>(), types<kWholeBytes | kRepeated>()},
    {Code::kWhere, &kWhereOp, &WhereOptions::kInfo, 1, 2, kPure,
     types<kBool | kF32 | kI32 | kU32 | kI64 | kI8 | kU8>(), types<kI64>()},
    {Code::kZerosLike, &kUnaryOp, &ZerosLikeOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32 | kI64>(), types<kF32 | kI32 | kI64>()},
};

// An operand as the table looks at it.
struct Position {
  bool present = false;
  std::string_view name;
  TensorType type = TensorType::kFloat32;
  size_t rank = 0;
};

void check_positions(const char* role, std::span<const Position> positions,
                     std::span<const TypeSet> sets, bool types_known,
                     std::vector<std::string>* problems) {
  const bool repeated = !sets.empty() && (sets.back() & kRepeated) != 0;
  size_t required = 0;
  for (size_t i = 0; i < sets.size(); ++i) {
    if ((sets[i] & kOptional) == 0) required = i + 1;
  }
  if (positions.size() < required || (positions.size() > sets.size() && !repeated)) {
    std::string expected = std::to_string(required);
    if (repeated) {
      expected += " or more";
    } else if (sets.size() > required) {
      expected += " to " + std::to_string(sets.size());
    }
    problems->push_back("has " + std::to_string(positions.size()) + " " + role + "s, expected " +
                        expected);
  }
  for (size_t i = 0; i < positions.size(); ++i) {
    if (sets.empty() || (i >= sets.size() && !repeated)) break;
    const TypeSet set = sets[std::min(i, sets.size() - 1)];
    const Position& position = positions[i];
    if (!position.present) {
      if ((set & kOptional) == 0) {
        problems->push_back(std::string(role) + " " + std::to_string(i) + " is absent");
      }
      continue;
    }
    if (position.rank > kMaxRank) {
      problems->push_back(std::string(role) + " " + std::to_string(i) + " (" +
                          std::string(position.name) + ") has " + std::to_string(position.rank) +
                          " dimensions, at most " + std::to_string(kMaxRank) + " are supported");
    }
    if (types_known && !contains(set, position.type)) {
      problems->push_back(std::string(role) + " " + std::to_string(i) + " (" +
                          std::string(position.name) + ") has type " +
                          std::string(tensor_type_name(position.type)) + ", expected " +
                          type_set_text(set));
    }
  }
}

std::vector<Position> positions_of(const Subgraph& subgraph, std::span<const int32_t> tensors) {
  std::vector<Position> positions(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i] == kNoTensor) continue;
    const Tensor& tensor = subgraph.tensors[tensors[i]];
    positions[i] = {true, tensor.name, tensor.type, tensor.shape.size()};
  }
  return positions;
}

}  // namespace

std::span<const OpEntry> operator_table() { return kTable; }

const OpEntry* find_operator(const Operator& op) {
  for (const OpEntry& entry : kTable) {
    if (entry.code == op.code) return &entry;
  }
  return nullptr;
}

std::vector<std::string> support_problems(const Subgraph& subgraph, const Operator& op,
                                          bool output_types_known) {
  const OpEntry* entry = find_operator(op);
  if (entry == nullptr) return {"this operator is not supported"};
  std::vector<std::string> problems;
  if (op.version < entry->min_version || op.version > entry->max_version) {
    problems.push_back("version " + std::to_string(op.version) + " is not supported, only " +
                       std::to_string(entry->min_version) + " to " +
                       std::to_string(entry->max_version));
  }
  if (entry->options != nullptr && op.options.info() != nullptr &&
      op.options.info() != entry->options) {
    problems.push_back(std::string("its options are ") + op.options.info()->name + ", expected " +
                       entry->options->name);
  }
  check_positions("input", positions_of(subgraph, op.inputs), entry->inputs, true, &problems);
  check_positions("output", positions_of(subgraph, op.outputs), entry->outputs, output_types_known,
                  &problems);
  return problems;
}

std::vector<std::string> operand_problems(const OpEntry& entry, const OpContext& context) {
  std::vector<Position> inputs(context.input_count());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!context.has_input(i)) continue;
    const Operand& input = context.input(i);
    inputs[i] = {true, input.name, input.type, input.shape.size()};
  }
  std::vector<Position> outputs(context.output_count(), Position{true, {}, {}, 0});
  std::vector<std::string> problems;
  check_positions("input", inputs, entry.inputs, true, &problems);
  check_positions("output", outputs, entry.outputs, false, &problems);
  return problems;
}

std::string type_set_text(TypeSet set) {
  std::vector<std::string_view> names;
  for (const EnumName& entry : tensor_type_names()) {
    const TensorType type = static_cast<TensorType>(entry.value);
    if (contains(set, type)) names.push_back(tensor_type_name(type));
  }
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::string operator_context(const Subgraph& subgraph, size_t index) {
  const Operator& op = subgraph.operators[index];
  std::string text = "operator " + std::to_string(index) + " " + operator_name(op);
  for (int32_t output : op.outputs) {
    if (output != kNoTensor) return text + " (" + subgraph.tensors[output].name + ")";
  }
  return text;
}

std::vector<Issue> support_issues(const Model& model) {
  std::vector<Issue> issues;
  for (const Subgraph& subgraph : model.subgraphs) {
    for (size_t i = 0; i < subgraph.operators.size(); ++i) {
      const Operator& op = subgraph.operators[i];
      for (std::string& reason : support_problems(subgraph, op)) {
        issues.push_back(operator_issue(subgraph, i, std::move(reason)));
      }
    }
  }
  return issues;
}

Issue operator_issue(const Subgraph& subgraph, size_t index, std::string reason) {
  const Operator& op = subgraph.operators[index];
  Issue issue;
  issue.subject = Issue::Subject::kOperator;
  issue.index = static_cast<int32_t>(index);
  issue.type = operator_name(op);
  if (!op.outputs.empty() && op.outputs[0] != kNoTensor) {
    issue.name = subgraph.tensors[op.outputs[0]].name;
  }
  issue.reason = std::move(reason);
  return issue;
}

Error error_of_issues(ErrorCode code, std::string_view what, std::vector<Issue> issues) {
  Error error{code, std::string(what), {}};
  const size_t shown = std::min<size_t>(issues.size(), 20);
  for (size_t i = 0; i < shown; ++i) {
    const Issue& issue = issues[i];
    error.message += "\n  ";
    if (issue.subject == Issue::Subject::kOperator) {
      error.message += "operator " + std::to_string(issue.index) + " " + issue.type;
    }
    if (!issue.name.empty()) error.message += " (" + issue.name + ")";
    error.message += ": " + issue.reason;
  }
  if (issues.size() > shown) {
    error.message += "\n  and " + std::to_string(issues.size() - shown) + " more";
  }
  error.issues = std::move(issues);
  return error;
}

}  // namespace zeolite
