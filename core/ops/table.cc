#include "core/ops/table.h"

#include <algorithm>

#include "core/ops/kernels.h"
#include "core/ops/user_operators.h"

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

// Integers of 8 and 16 bits that stand for real numbers by a scale.
constexpr TypeSet kQuantized = kI8 | kU8 | kI16;
constexpr TypeSet kSelectable = kWholeBytes & ~(kF8 | kC128);
constexpr TypeSet kSubByte = kI2 | kI4 | kU4;
constexpr TypeSet kAnyType = kWholeBytes | kSubByte;
constexpr TypeSet kCastable = kAnyType & ~(kF8 | kC128 | kU64);
// What can be moved without being looked at.
constexpr TypeSet kMovable = kAnyType | kString;
// What operators that run subgraphs hand on.
constexpr TypeSet kPassed = kAnyType | kString | kResource;
constexpr TypeSet kIntegers = kI8 | kU8 | kI16 | kU16 | kI32 | kU32 | kI64 | kU64;
constexpr TypeSet kUpTo32Bits = kI8 | kU8 | kI16 | kU16 | kI32 | kU32;
constexpr TypeSet kStablehloNumbers = kBool | kF16 | kF32 | kF64 | kIntegers;
constexpr TypeSet kBitcastable = kAnyType & ~kBool;
constexpr TypeSet kReducible = kBool | kF32 | kI8 | kU8 | kI16 | kI32 | kI64;
constexpr TypeSet kStorable = kBool | kF32 | kI8 | kI32 | kI64;

constexpr TypeSet kComparable = kF16 | kBF16 | kF32 | kI32 | kI64 | kQuantized;

constexpr std::span<const TypeSet> none() { return {}; }

constexpr OpTypes kFindTypes[] = {{types<kResource, kString, kI64>(), types<kI64>()}};
// Weights, biases and state of recurrent operators; which go together is theirs to check.
constexpr TypeSet kLstmWeights = kF32 | kI8 | kU8;
constexpr OpTypes kBasicLstmTypes[] = {
    {types<kF32 | kU8, kF32 | kU8, kF32 | kU8, kF32 | kI32, kF32 | kI16>(),
     types<kF32 | kU8, kF32 | kI16, kF32 | kU8, kF32 | kI16>()}};
constexpr std::span<const TypeSet> kLstmInputs =
    types<kF32 | kI8, kLstmWeights | kOptional, kLstmWeights, kLstmWeights, kLstmWeights,
          kLstmWeights | kOptional, kLstmWeights, kLstmWeights, kLstmWeights,
          kLstmWeights | kI16 | kOptional, kLstmWeights | kI16 | kOptional,
          kLstmWeights | kI16 | kOptional, kF32 | kI32 | kOptional, kF32 | kI32, kF32 | kI32,
          kF32 | kI32, kLstmWeights | kOptional, kF32 | kI32 | kOptional, kF32 | kI8, kF32 | kI16,
          kF32 | kI16 | kOptional, kF32 | kI16 | kOptional, kF32 | kI16 | kOptional,
          kF32 | kI16 | kOptional>();
constexpr OpTypes kImportTypes[] = {{types<kResource, kString, kI64>(), none()}};

// Activations in int8, uint8 or int16, or floats with quantized weights (dynamic range).
constexpr TypeSet kSmallInts = kI8 | kI4 | kI2;
constexpr OpTypes kConvTypes[] = {
    {types<kI8, kSmallInts, kI32 | kOptional>(), types<kI8>()},
    {types<kU8, kU8, kI32 | kOptional>(), types<kU8>()},
    {types<kI16, kI8, kI32 | kI64 | kOptional>(), types<kI16>()},
    {types<kF32, kSmallInts | kU8, kF32 | kOptional>(), types<kF32>()}};

constexpr OpTypes kFullyConnectedTypes[] = {
    kConvTypes[0], kConvTypes[1], kConvTypes[2], kConvTypes[3],
    {types<kU8, kU8, kI32 | kOptional>(), types<kI16, kU8 | kOptional>()}};

constexpr OpTypes kBatchMatmulTypes[] = {{types<kI8, kI8>(), types<kI8 | kI32>()},
                                         {types<kI16, kI16>(), types<kI16>()},
                                         {types<kF32, kI8>(), types<kF32>()}};

constexpr OpTypes kTransposeConvTypes[] = {
    {types<kI32, kSmallInts, kI8, kI32 | kOptional>(), types<kI8>()},
    {types<kI32, kU8, kU8, kI32 | kOptional>(), types<kU8>()},
    {types<kI32, kI8, kI16, kI32 | kI64 | kOptional>(), types<kI16>()},
    {types<kI32, kSmallInts, kF32, kF32 | kOptional>(), types<kF32>()}};

constexpr OpTypes kRequantizeTypes[] = {{types<kI8 | kU8>(), types<kQuantized>()},
                                        {types<kI16>(), types<kI8 | kI16 | kI32>()},
                                        {types<kI32>(), types<kI8 | kI16>()}};
constexpr OpTypes kIntegerSvdfTypes[] = {
    {types<kI8, kI8, kI16, kI32 | kOptional, kI16>(), types<kI8>()}};
constexpr TypeSet kOptionalF32 = kF32 | kOptional;
constexpr TypeSet kOptionalLstmWeights = kLstmWeights | kOptional;
constexpr std::span<const TypeSet> kBidirectionalLstmInputs =
    types<kF32, kOptionalLstmWeights, kLstmWeights, kLstmWeights, kLstmWeights,
          kOptionalLstmWeights, kLstmWeights, kLstmWeights, kLstmWeights, kOptionalLstmWeights,
          kOptionalLstmWeights, kOptionalLstmWeights, kOptionalF32, kF32, kF32, kF32,
          kOptionalLstmWeights, kOptionalF32, kOptionalLstmWeights, kLstmWeights, kLstmWeights,
          kLstmWeights, kOptionalLstmWeights, kLstmWeights, kLstmWeights, kLstmWeights,
          kOptionalLstmWeights, kOptionalLstmWeights, kOptionalLstmWeights, kOptionalF32, kF32,
          kF32, kF32, kOptionalLstmWeights, kOptionalF32, kF32, kF32, kF32, kF32, kOptionalF32,
          kOptionalLstmWeights | kRepeated>();

// code, kernel, options, versions, traits, input types, output types
const OpEntry kTable[] = {
    {Code::kAbs, &kUnaryOp, &AbsOptions::kInfo, 1, 5, kPure,
     types<kF32 | kI8 | kI16 | kI32>(), types<kF32 | kI8 | kI16 | kI32>()},
    {Code::kAdd, &kBinaryOp, &AddOptions::kInfo, 1, 6, kPure,
     types<kF16 | kF32 | kI32 | kI64 | kQuantized, kF16 | kF32 | kI32 | kI64 | kQuantized>(), types<kF16 | kF32 | kI32 | kI64 | kQuantized>()},
    {Code::kAddN, &kAddNOp, &AddNOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32, kF32 | kI32 | kRepeated>(), types<kF32 | kI32>()},
    {Code::kArgMax, &kArgMinMaxOp, &ArgMaxOptions::kInfo, 1, 3, kPure,
     types<kBool | kF32 | kI8 | kU8 | kI32, kI32 | kI64>(), types<kI32 | kI64>()},
    {Code::kArgMin, &kArgMinMaxOp, &ArgMinOptions::kInfo, 1, 3, kPure,
     types<kBool | kF32 | kI8 | kU8 | kI32, kI32 | kI64>(), types<kI32 | kI64>()},
    {Code::kAssignVariable, &kAssignVariableOp, &AssignVariableOptions::kInfo, 1, 1, kStateful,
     types<kResource, kStorable>(), none()},
    {Code::kAtan2, &kAtan2Op, &ATan2Options::kInfo, 1, 1, kPure,
     types<kF32 | kF64 | kBF16, kF32 | kF64 | kBF16>(), types<kF32 | kF64 | kBF16>()},
    {Code::kAveragePool2d, &kPool2dOp, &Pool2DOptions::kInfo, 1, 3, kPure,
     types<kF32 | kQuantized>(), types<kF32 | kQuantized>()},
    {Code::kBatchMatmul, &kBatchMatmulOp, &BatchMatMulOptions::kInfo, 1, 4, kPure,
     types<kF32, kF32>(), types<kF32>(), kBatchMatmulTypes},
    {Code::kBatchToSpaceNd, &kSpaceToBatchNdOp, &BatchToSpaceNDOptions::kInfo, 1, 4, kPure,
     types<kWholeBytes, kI32, kI32>(), types<kWholeBytes>()},
    {Code::kBidirectionalSequenceLstm, &kBidirectionalSequenceLstmOp,
     &BidirectionalSequenceLSTMOptions::kInfo, 1, 3, kStateful,
     kBidirectionalLstmInputs, types<kF32, kF32 | kOptional>()},
    {Code::kBidirectionalSequenceRnn, &kRnnOp, &BidirectionalSequenceRNNOptions::kInfo, 1, 3,
     kStateful,
     types<kF32, kLstmWeights, kLstmWeights, kF32, kF32, kLstmWeights, kLstmWeights, kF32,
           kF32, kOptionalF32, kLstmWeights | kOptional, kLstmWeights | kOptional>(),
     types<kF32, kF32 | kOptional>()},
    {Code::kBitcast, &kBitcastOp, &BitcastOptions::kInfo, 1, 1, kPure,
     types<kBitcastable>(), types<kBitcastable>()},
    {Code::kBitwiseXor, &kBitwiseOp, &BitwiseXorOptions::kInfo, 1, 1, kPure,
     types<kUpTo32Bits, kUpTo32Bits>(), types<kUpTo32Bits>()},
    {Code::kBroadcastArgs, &kBroadcastArgsOp, nullptr, 1, 1, kPure,
     types<kI32 | kI64, kI32 | kI64>(), types<kI32 | kI64>()},
    {Code::kBroadcastTo, &kRepeatOp, &BroadcastToOptions::kInfo, 2, 4, kPure,
     types<kMovable, kI32 | kI64>(), types<kMovable>()},
    {Code::kBucketize, &kBucketizeOp, &BucketizeOptions::kInfo, 1, 1, kPure,
     types<kF32 | kF64 | kI32 | kI64>(), types<kI32>()},
    {Code::kCallOnce, &kCallOnceOp, &CallOnceOptions::kInfo, 1, 1, kStateful, none(), none()},
    {Code::kCast, &kCastOp, &CastOptions::kInfo, 1, 9, kPure,
     types<kCastable>(), types<kCastable>()},
    {Code::kCeil, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kComplexAbs, &kComplexOp, nullptr, 1, 1, kPure,
     types<kC64 | kC128>(), types<kF32 | kF64>()},
    {Code::kConcatenation, &kConcatenationOp, &ConcatenationOptions::kInfo, 1, 7, kPure,
     types<kMovable | kRepeated>(), types<kMovable>()},
    {Code::kConv2d, &kConv2dOp, &Conv2DOptions::kInfo, 1, 8, kHalfWeights,
     types<kF32, kF32, kF32 | kOptional>(), types<kF32>(), kConvTypes},
    {Code::kConv3d, &kConv3dOp, &Conv3DOptions::kInfo, 1, 1, kPure,
     types<kF32, kF32, kF32 | kOptional>(), types<kF32>()},
    {Code::kConv3dTranspose, &kConv3dOp, &Conv3DOptions::kInfo, 1, 1, kPure,
     types<kI32, kF32, kF32, kF32 | kOptional>(), types<kF32>()},
    {Code::kCos, &kUnaryOp, &CosOptions::kInfo, 1, 2, kPure,
     types<kF16 | kF32>(), types<kF16 | kF32>()},
    {Code::kCumsum, &kCumsumOp, &CumsumOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32 | kI64, kI32>(), types<kF32 | kI32 | kI64>()},
    {Code::kCustom, &kAudioSpectrogramOp, nullptr, 1, 1, kPure,
     types<kF32>(), types<kF32>(), {}, "AudioSpectrogram"},
    {Code::kCustom, &kTransposeConvBiasOp, nullptr, 1, 1, kPure,
     types<kF32, kF32, kF32>(), types<kF32>(), {}, "Convolution2DTransposeBias"},
    {Code::kCustom, &kLandmarksToTransformOp, nullptr, 1, 2, kPure,
     types<kF32>(), types<kF32>(), {}, "Landmarks2TransformMatrix"},
    {Code::kCustom, &kMaxPoolArgmaxOp, nullptr, 1, 1, kPure,
     types<kF32>(), types<kF32, kF32>(), {}, "MaxPoolingWithArgmax2D"},
    {Code::kCustom, &kMaxUnpoolingOp, nullptr, 1, 1, kPure,
     types<kF32, kF32>(), types<kF32>(), {}, "MaxUnpooling2D"},
    {Code::kCustom, &kMfccOp, nullptr, 1, 1, kPure,
     types<kF32, kI32>(), types<kF32>(), {}, "Mfcc"},
    {Code::kCustom, &kNumericVerifyOp, nullptr, 1, 1, kPure,
     types<kI8 | kU8 | kI16 | kF16, kF32>(), types<kF32>(), {}, "NumericVerify"},
    {Code::kCustom, &kDetectionPostProcessOp, nullptr, 1, 1, kPure,
     types<kF32 | kU8, kF32 | kU8, kF32 | kU8>(), types<kF32, kF32, kF32, kF32>(), {}, "TFLite_Detection_PostProcess"},
    {Code::kCustom, &kTransformTensorOp, nullptr, 1, 1, kPure,
     types<kF32, kF32>(), types<kF32>(), {}, "TransformTensor"},
    {Code::kCustom, &kTransformTensorOp, nullptr, 1, 2, kPure,
     types<kF32, kF32>(), types<kF32>(), {}, "TransformTensorBilinear"},
    {Code::kDensify, &kDensifyOp, &DensifyOptions::kInfo, 1, 1, kPure,
     types<kF16 | kF32>(), types<kF16 | kF32>()},
    {Code::kDepthToSpace, &kSpaceToDepthOp, &DepthToSpaceOptions::kInfo, 1, 2, kPure,
     types<kWholeBytes>(), types<kWholeBytes>()},
    {Code::kDepthwiseConv2d, &kDepthwiseConv2dOp, &DepthwiseConv2DOptions::kInfo, 1, 7,
     kHalfWeights, types<kF32, kF32, kF32 | kOptional>(), types<kF32>(), kConvTypes},
    {Code::kDequantize, &kDequantizeOp, &DequantizeOptions::kInfo, 1, 9, kPure,
     types<kF16 | kSubByte | kQuantized>(), types<kF32>()},
    {Code::kDilate, &kStablehloPadOp, &DilateOptions::kInfo, 1, 1, kPure,
     types<kWholeBytes, kI32, kWholeBytes>(), types<kWholeBytes>()},
    {Code::kDiv, &kBinaryOp, &DivOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32 | kQuantized, kF32 | kI32 | kQuantized>(), types<kF32 | kI32 | kQuantized>()},
    {Code::kDynamicUpdateSlice, &kDynamicUpdateSliceOp, &DynamicUpdateSliceOptions::kInfo, 1, 6, kPure,
     types<kMovable, kMovable, kI32 | kI64>(), types<kMovable>()},
    {Code::kElu, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF32 | kI8>(), types<kF32 | kI8>()},
    {Code::kEmbeddingLookup, &kEmbeddingLookupOp, nullptr, 1, 5, kPure,
     types<kI32, kWholeBytes | kI4 | kU4>(), types<kWholeBytes | kI4 | kU4>()},
    {Code::kEmbeddingLookupSparse, &kEmbeddingLookupSparseOp, &EmbeddingLookupSparseOptions::kInfo, 1, 1, kPure,
     types<kI32, kI32, kI32, kF32, kF32>(), types<kF32>()},
    {Code::kEqual, &kComparisonOp, &EqualOptions::kInfo, 1, 5, kPure,
     types<kComparable | kBool | kString, kComparable | kBool | kString>(), types<kBool>()},
    {Code::kExp, &kUnaryOp, &ExpOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI8 | kI16>(), types<kF32 | kI8 | kI16>()},
    {Code::kExpandDims, &kExpandDimsOp, &ExpandDimsOptions::kInfo, 1, 1, kPure,
     types<kMovable, kI32 | kI64>(), types<kMovable>()},
    {Code::kFakeQuant, &kFakeQuantOp, &FakeQuantOptions::kInfo, 1, 2, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kFill, &kFillOp, &FillOptions::kInfo, 1, 5, kPure,
     types<kI32 | kI64, kMovable>(), types<kMovable>()},
    {Code::kFloor, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF16 | kBF16 | kF32>(), types<kF16 | kBF16 | kF32>()},
    {Code::kFloorDiv, &kBinaryOp, &FloorDivOptions::kInfo, 1, 3, kPure,
     types<kF32 | kI8 | kI16 | kI32, kF32 | kI8 | kI16 | kI32>(),
     types<kF32 | kI8 | kI16 | kI32>()},
    {Code::kFloorMod, &kBinaryOp, &FloorModOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI8 | kI16 | kI32 | kI64, kF32 | kI8 | kI16 | kI32 | kI64>(),
     types<kF32 | kI8 | kI16 | kI32 | kI64>()},
    {Code::kFullyConnected, &kFullyConnectedOp, &FullyConnectedOptions::kInfo, 1, 14, kHalfWeights,
     types<kF32, kF32, kF32 | kOptional>(), types<kF32>(), kFullyConnectedTypes},
    {Code::kGather, &kGatherOp, &GatherOptions::kInfo, 1, 8, kPure,
     types<kMovable, kI16 | kI32 | kI64>(), types<kMovable>()},
    {Code::kGatherNd, &kGatherNdOp, &GatherNdOptions::kInfo, 1, 6, kPure,
     types<kMovable, kI16 | kI32 | kI64>(), types<kMovable>()},
    {Code::kGelu, &kUnaryOp, &GeluOptions::kInfo, 1, 3, kPure,
     types<kF16 | kF32 | kQuantized>(), types<kF16 | kF32 | kQuantized>()},
    {Code::kGreater, &kComparisonOp, &GreaterOptions::kInfo, 1, 2, kPure,
     types<kComparable, kComparable>(), types<kBool>()},
    {Code::kGreaterEqual, &kComparisonOp, &GreaterEqualOptions::kInfo, 1, 3, kPure,
     types<kComparable, kComparable>(), types<kBool>()},
    {Code::kHashtable, &kHashtableOp, &HashtableOptions::kInfo, 1, 1, kStateful,
     none(), types<kResource>()},
    {Code::kHashtableFind, &kHashtableFindOp, &HashtableFindOptions::kInfo, 1, 1, kStateful,
     types<kResource, kI64, kString>(), types<kString>(), kFindTypes},
    {Code::kHashtableImport, &kHashtableImportOp, &HashtableImportOptions::kInfo, 1, 1, kStateful,
     types<kResource, kI64, kString>(), none(), kImportTypes},
    {Code::kHashtableLookup, &kHashtableLookupOp, nullptr, 1, 1, kPure,
     types<kI32, kI32, kF32 | kI32 | kI8 | kString>(),
     types<kF32 | kI32 | kI8 | kString, kU8>()},
    {Code::kHashtableSize, &kHashtableSizeOp, &HashtableSizeOptions::kInfo, 1, 1, kStateful,
     types<kResource>(), types<kI64>()},
    {Code::kHardSwish, &kUnaryOp, &HardSwishOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI8 | kU8>(), types<kF32 | kI8 | kU8>()},
    {Code::kIf, &kChoiceOp, &IfOptions::kInfo, 1, 1, kStateful,
     types<kBool, kPassed | kRepeated>(), types<kPassed | kRepeated>()},
    {Code::kImag, &kComplexOp, nullptr, 1, 1, kPure,
     types<kC64 | kC128>(), types<kF32 | kF64>()},
    {Code::kL2Normalization, &kNormalizationOp, &L2NormOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI8 | kU8>(), types<kF32 | kI8 | kU8>()},
    {Code::kL2Pool2d, &kPool2dOp, &Pool2DOptions::kInfo, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kLeakyRelu, &kUnaryOp, &LeakyReluOptions::kInfo, 1, 2, kPure,
     types<kF32 | kQuantized>(), types<kF32 | kQuantized>()},
    {Code::kLess, &kComparisonOp, &LessOptions::kInfo, 1, 3, kPure,
     types<kComparable, kComparable>(), types<kBool>()},
    {Code::kLessEqual, &kComparisonOp, &LessEqualOptions::kInfo, 1, 2, kPure,
     types<kComparable, kComparable>(), types<kBool>()},
    {Code::kLocalResponseNormalization, &kNormalizationOp, &LocalResponseNormalizationOptions::kInfo, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kLog, &kUnaryOp, nullptr, 1, 2, kPure,
     types<kF32 | kI8 | kI16>(), types<kF32 | kI8 | kI16>()},
    {Code::kLogSoftmax, &kSoftmaxOp, &LogSoftmaxOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI8 | kU8>(), types<kF32 | kI8 | kU8>()},
    {Code::kLogicalAnd, &kComparisonOp, &LogicalAndOptions::kInfo, 1, 1, kPure,
     types<kBool, kBool>(), types<kBool>()},
    {Code::kLogicalNot, &kUnaryOp, &LogicalNotOptions::kInfo, 1, 1, kPure,
     types<kBool>(), types<kBool>()},
    {Code::kLogicalOr, &kComparisonOp, &LogicalOrOptions::kInfo, 1, 1, kPure,
     types<kBool, kBool>(), types<kBool>()},
    {Code::kLogistic, &kUnaryOp, nullptr, 1, 3, kPure,
     types<kF16 | kBF16 | kF32 | kQuantized>(), types<kF16 | kBF16 | kF32 | kQuantized>()},
    {Code::kLshProjection, &kLshProjectionOp, &LSHProjectionOptions::kInfo, 1, 1, kPure,
     types<kF32, kF32 | kI32 | kI64 | kString, kF32 | kOptional>(), types<kI32>()},
    {Code::kLstm, &kLstmOp, &LSTMOptions::kInfo, 1, 4, kStateful,
     kLstmInputs, types<kF32 | kI8>(), kBasicLstmTypes},
    {Code::kMatrixDiag, &kMatrixDiagOp, &MatrixDiagOptions::kInfo, 1, 1, kPure,
     types<kWholeBytes>(), types<kWholeBytes>()},
    {Code::kMatrixSetDiag, &kMatrixSetDiagOp, &MatrixSetDiagOptions::kInfo, 1, 1, kPure,
     types<kWholeBytes, kWholeBytes>(), types<kWholeBytes>()},
    {Code::kMaxPool2d, &kPool2dOp, &Pool2DOptions::kInfo, 1, 3, kPure,
     types<kF32 | kQuantized>(), types<kF32 | kQuantized>()},
    {Code::kMaximum, &kBinaryOp, &MaximumMinimumOptions::kInfo, 1, 4, kPure,
     types<kF16 | kBF16 | kF32 | kI32 | kI64 | kQuantized, kF16 | kBF16 | kF32 | kI32 | kI64 | kQuantized>(), types<kF16 | kBF16 | kF32 | kI32 | kI64 | kQuantized>()},
    {Code::kMean, &kReduceOp, &ReducerOptions::kInfo, 1, 3, kPure,
     types<kF32 | kI32 | kI64 | kQuantized, kI32>(), types<kF32 | kI32 | kI64 | kQuantized>()},
    {Code::kMinimum, &kBinaryOp, &MaximumMinimumOptions::kInfo, 1, 4, kPure,
     types<kF16 | kBF16 | kF32 | kI32 | kI64 | kQuantized, kF16 | kBF16 | kF32 | kI32 | kI64 | kQuantized>(), types<kF16 | kBF16 | kF32 | kI32 | kI64 | kQuantized>()},
    {Code::kMirrorPad, &kPadOp, &MirrorPadOptions::kInfo, 1, 3, kPure,
     types<kWholeBytes, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kMul, &kBinaryOp, &MulOptions::kInfo, 1, 8, kPure,
     types<kF16 | kF32 | kI32 | kI64 | kU32 | kQuantized, kF16 | kF32 | kI32 | kI64 | kU32 | kQuantized>(), types<kF16 | kF32 | kI32 | kI64 | kU32 | kQuantized>()},
    {Code::kMultinomial, &kMultinomialOp, &RandomOptions::kInfo, 1, 1, kStateful,
     types<kF32, kI32>(), types<kI32 | kI64>()},
    {Code::kNeg, &kUnaryOp, &NegOptions::kInfo, 1, 1, kPure,
     types<kF16 | kBF16 | kF32 | kI8 | kI16 | kI32 | kI64>(), types<kF16 | kBF16 | kF32 | kI8 | kI16 | kI32 | kI64>()},
    {Code::kNonMaxSuppressionV4, &kNonMaxSuppressionOp, &NonMaxSuppressionV4Options::kInfo, 1, 1, kPure,
     types<kF32, kF32, kI32, kF32, kF32>(), types<kI32, kI32>()},
    {Code::kNonMaxSuppressionV5, &kNonMaxSuppressionOp, &NonMaxSuppressionV5Options::kInfo, 1, 1, kPure,
     types<kF32, kF32, kI32, kF32, kF32, kF32>(), types<kI32, kF32, kI32>()},
    {Code::kNotEqual, &kComparisonOp, &NotEqualOptions::kInfo, 1, 4, kPure,
     types<kComparable | kBool | kString, kComparable | kBool | kString>(), types<kBool>()},
    {Code::kOneHot, &kOneHotOp, &OneHotOptions::kInfo, 1, 1, kPure,
     types<kI32 | kI64, kI32, kWholeBytes, kWholeBytes>(), types<kWholeBytes>()},
    {Code::kPack, &kPackOp, &PackOptions::kInfo, 1, 5, kPure,
     types<kMovable | kRepeated>(), types<kMovable>()},
    {Code::kPad, &kPadOp, &PadOptions::kInfo, 1, 6, kPure,
     types<kWholeBytes, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kPadv2, &kPadOp, &PadV2Options::kInfo, 1, 6, kPure,
     types<kWholeBytes, kI32 | kI64, kWholeBytes>(), types<kWholeBytes>()},
    {Code::kPow, &kBinaryOp, &PowOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32, kF32 | kI32>(), types<kF32 | kI32>()},
    {Code::kPrelu, &kPreluOp, nullptr, 1, 1, kPure,
     types<kF32 | kQuantized, kF32 | kQuantized>(), types<kF32 | kQuantized>()},
    {Code::kQuantize, &kQuantizeOp, &QuantizeOptions::kInfo, 1, 6, kPure,
     types<kF32>(), types<kI4 | kQuantized>(), kRequantizeTypes},
    {Code::kRandomStandardNormal, &kRandomOp, &RandomOptions::kInfo, 1, 1, kStateful,
     types<kI32>(), types<kF32>()},
    {Code::kRandomUniform, &kRandomOp, &RandomOptions::kInfo, 1, 1, kStateful,
     types<kI32>(), types<kF32>()},
    {Code::kRange, &kRangeOp, &RangeOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32 | kI64, kF32 | kI32 | kI64, kF32 | kI32 | kI64>(),
     types<kF32 | kI32 | kI64>()},
    {Code::kRank, &kShapeOp, &RankOptions::kInfo, 1, 1, kShapeOnly,
     types<kMovable>(), types<kI32>()},
    {Code::kReadVariable, &kReadVariableOp, &ReadVariableOptions::kInfo, 1, 1, kStateful,
     types<kResource>(), types<kStorable>()},
    {Code::kReal, &kComplexOp, nullptr, 1, 1, kPure,
     types<kC64 | kC128>(), types<kF32 | kF64>()},
    {Code::kReduceAll, &kReduceOp, &ReducerOptions::kInfo, 1, 1, kPure,
     types<kBool, kI32>(), types<kBool>()},
    {Code::kReduceAny, &kReduceOp, &ReducerOptions::kInfo, 1, 1, kPure,
     types<kBool, kI32>(), types<kBool>()},
    {Code::kReduceMax, &kReduceOp, &ReducerOptions::kInfo, 1, 3, kPure,
     types<kF32 | kI32 | kI64 | kQuantized, kI32>(), types<kF32 | kI32 | kI64 | kQuantized>()},
    {Code::kReduceMin, &kReduceOp, &ReducerOptions::kInfo, 1, 3, kPure,
     types<kF32 | kI32 | kI64 | kQuantized, kI32>(), types<kF32 | kI32 | kI64 | kQuantized>()},
    {Code::kReduceProd, &kReduceOp, &ReducerOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32 | kI64 | kQuantized, kI32>(), types<kF32 | kI32 | kI64 | kQuantized>()},
    {Code::kReduceWindow, &kReduceWindowOp, &ReduceWindowOptions::kInfo, 1, 1, kPure,
     types<kReducible, kReducible, kI64, kI64, kI64>(), types<kReducible>()},
    {Code::kRelu, &kUnaryOp, nullptr, 1, 3, kPure,
     types<kF32 | kQuantized>(), types<kF32 | kQuantized>()},
    {Code::kRelu0To1, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF32 | kI8 | kU8>(), types<kF32 | kI8 | kU8>()},
    {Code::kRelu6, &kUnaryOp, nullptr, 1, 3, kPure,
     types<kF32 | kQuantized>(), types<kF32 | kQuantized>()},
    {Code::kReluN1To1, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF32 | kI8 | kU8>(), types<kF32 | kI8 | kU8>()},
    {Code::kReshape, &kReshapeOp, &ReshapeOptions::kInfo, 1, 1, kPure,
     types<kMovable, kI32 | kOptional>(), types<kMovable>()},
    {Code::kResizeBilinear, &kResizeOp, &ResizeBilinearOptions::kInfo, 1, 4, kPure,
     types<kF32 | kQuantized, kI32>(), types<kF32 | kQuantized>()},
    {Code::kResizeNearestNeighbor, &kResizeOp, &ResizeNearestNeighborOptions::kInfo, 1, 4, kPure,
     types<kWholeBytes, kI32>(), types<kWholeBytes>()},
    {Code::kReverseSequence, &kReverseSequenceOp, &ReverseSequenceOptions::kInfo, 1, 1, kPure,
     types<kWholeBytes, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kReverseV2, &kReverseOp, &ReverseV2Options::kInfo, 1, 4, kPure,
     types<kWholeBytes, kI32>(), types<kWholeBytes>()},
    {Code::kRfft2d, &kRfft2dOp, &Rfft2dOptions::kInfo, 1, 1, kPure,
     types<kF32, kI32>(), types<kC64>()},
    {Code::kRightShift, &kBitwiseOp, &RightShiftOptions::kInfo, 1, 1, kPure,
     types<kUpTo32Bits, kUpTo32Bits>(), types<kUpTo32Bits>()},
    {Code::kRnn, &kRnnOp, &RNNOptions::kInfo, 1, 3, kStateful,
     types<kF32, kLstmWeights, kLstmWeights, kF32, kF32>(), types<kF32>()},
    {Code::kRound, &kUnaryOp, nullptr, 1, 1, kPure,
     types<kF16 | kBF16 | kF32>(), types<kF16 | kBF16 | kF32>()},
    {Code::kRsqrt, &kUnaryOp, nullptr, 1, 3, kPure,
     types<kF32 | kI8 | kI16>(), types<kF32 | kI8 | kI16>()},
    {Code::kScatterNd, &kScatterNdOp, &ScatterNdOptions::kInfo, 1, 1, kPure,
     types<kI32, kF32 | kI32 | kI64 | kI8 | kU8 | kBool, kI32>(),
     types<kF32 | kI32 | kI64 | kI8 | kU8 | kBool>()},
    {Code::kSegmentSum, &kSegmentSumOp, &SegmentSumOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32, kI32>(), types<kF32 | kI32>()},
    {Code::kSelect, &kSelectOp, &SelectOptions::kInfo, 1, 4, kPure,
     types<kBool, kSelectable, kSelectable>(), types<kSelectable>()},
    {Code::kSelectV2, &kSelectOp, &SelectV2Options::kInfo, 1, 2, kPure,
     types<kBool, kSelectable, kSelectable>(), types<kSelectable>()},
    {Code::kShape, &kShapeOp, &ShapeOptions::kInfo, 1, 1, kShapeOnly,
     types<kMovable>(), types<kI32 | kI64>()},
    {Code::kSign, &kUnaryOp, &SignOptions::kInfo, 1, 2, kPure,
     types<kF32 | kF64 | kI32>(), types<kF32 | kF64 | kI32>()},
    {Code::kSin, &kUnaryOp, nullptr, 1, 2, kPure,
     types<kF16 | kF32>(), types<kF16 | kF32>()},
    {Code::kSkipGram, &kSkipGramOp, &SkipGramOptions::kInfo, 1, 1, kPure,
     types<kString>(), types<kString>()},
    {Code::kSlice, &kSliceOp, &SliceOptions::kInfo, 1, 8, kPure,
     types<kMovable, kI32 | kI64, kI32 | kI64>(), types<kMovable>()},
    {Code::kSoftmax, &kSoftmaxOp, &SoftmaxOptions::kInfo, 1, 4, kPure,
     types<kF16 | kF32 | kQuantized>(), types<kF16 | kF32 | kQuantized>()},
    {Code::kSpaceToBatchNd, &kSpaceToBatchNdOp, &SpaceToBatchNDOptions::kInfo, 1, 4, kPure,
     types<kWholeBytes, kI32, kI32>(), types<kWholeBytes>()},
    {Code::kSpaceToDepth, &kSpaceToDepthOp, &SpaceToDepthOptions::kInfo, 1, 2, kPure,
     types<kWholeBytes>(), types<kWholeBytes>()},
    {Code::kSparseToDense, &kSparseToDenseOp, &SparseToDenseOptions::kInfo, 1, 3, kPure,
     types<kI32 | kI64, kI32 | kI64, kF32 | kI32 | kI64 | kI8 | kU8, kF32 | kI32 | kI64 | kI8 | kU8>(),
     types<kF32 | kI32 | kI64 | kI8 | kU8>()},
    {Code::kSplit, &kSplitOp, &SplitOptions::kInfo, 1, 5, kPure,
     types<kI32, kWholeBytes>(), types<kWholeBytes | kRepeated>()},
    {Code::kSplitV, &kSplitOp, &SplitVOptions::kInfo, 1, 3, kPure,
     types<kWholeBytes, kI32 | kI64, kI32>(), types<kWholeBytes | kRepeated>()},
    {Code::kSqrt, &kUnaryOp, nullptr, 1, 2, kPure,
     types<kF32 | kI8 | kI16>(), types<kF32 | kI8 | kI16>()},
    {Code::kSquare, &kUnaryOp, &SquareOptions::kInfo, 1, 1, kPure,
     types<kF32>(), types<kF32>()},
    {Code::kSquaredDifference, &kBinaryOp, &SquaredDifferenceOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32 | kI8, kF32 | kI32 | kI8>(), types<kF32 | kI32 | kI8>()},
    {Code::kSqueeze, &kSqueezeOp, &SqueezeOptions::kInfo, 1, 2, kPure,
     types<kMovable>(), types<kMovable>()},
    {Code::kStablehloAdd, &kStablehloElementwiseOp, nullptr, 1, 1, kPure,
     types<kStablehloNumbers, kStablehloNumbers>(), types<kStablehloNumbers>()},
    {Code::kStablehloAnd, &kStablehloElementwiseOp, nullptr, 1, 1, kPure,
     types<kBool | kIntegers, kBool | kIntegers>(), types<kBool | kIntegers>()},
    {Code::kStablehloCase, &kChoiceOp, &StablehloCaseOptions::kInfo, 1, 1, kStateful,
     types<kI32, kPassed | kRepeated>(), types<kPassed | kRepeated>()},
    {Code::kStablehloComposite, &kChoiceOp, &StableHLOCompositeOptions::kInfo, 1, 1, kStateful,
     types<kPassed | kRepeated>(), types<kPassed | kRepeated>()},
    {Code::kStablehloGather, &kStablehloGatherOp, &StablehloGatherOptions::kInfo, 1, 1, kPure,
     types<kWholeBytes, kI32 | kI64>(), types<kWholeBytes>()},
    {Code::kStablehloMaximum, &kStablehloElementwiseOp, nullptr, 1, 1, kPure,
     types<kStablehloNumbers, kStablehloNumbers>(), types<kStablehloNumbers>()},
    {Code::kStablehloMinimum, &kStablehloElementwiseOp, nullptr, 1, 1, kPure,
     types<kStablehloNumbers, kStablehloNumbers>(), types<kStablehloNumbers>()},
    {Code::kStablehloMultiply, &kStablehloElementwiseOp, nullptr, 1, 1, kPure,
     types<kStablehloNumbers, kStablehloNumbers>(), types<kStablehloNumbers>()},
    {Code::kStablehloPad, &kStablehloPadOp, &StablehloPadOptions::kInfo, 1, 1, kPure,
     types<kWholeBytes, kWholeBytes>(), types<kWholeBytes>()},
    {Code::kStablehloReduceWindow, &kReduceWindowOp, &StablehloReduceWindowOptions::kInfo, 1, 1, kStateful,
     types<kReducible, kReducible>(), types<kReducible>()},
    {Code::kStablehloRngBitGenerator, &kRngBitGeneratorOp, &StablehloRngBitGeneratorOptions::kInfo, 1, 1, kStateful,
     types<kU64>(), types<kU64, kI32 | kU32 | kI64 | kU64>()},
    {Code::kStablehloScatter, &kStablehloScatterOp, &StablehloScatterOptions::kInfo, 1, 1, kStateful,
     types<kF32 | kI32 | kI64, kI32 | kI64, kF32 | kI32 | kI64>(), types<kF32 | kI32 | kI64>()},
    {Code::kStablehloShiftLeft, &kBitwiseOp, &StablehloShiftLeftOptions::kInfo, 1, 1, kPure,
     types<kI8 | kI16 | kI32, kI8 | kI16 | kI32>(), types<kI8 | kI16 | kI32>()},
    {Code::kStridedSlice, &kSliceOp, &StridedSliceOptions::kInfo, 1, 8, kPure,
     types<kMovable, kI32, kI32, kI32>(), types<kMovable>()},
    {Code::kSub, &kBinaryOp, &SubOptions::kInfo, 1, 5, kPure,
     types<kF32 | kI32 | kI64 | kQuantized, kF32 | kI32 | kI64 | kQuantized>(), types<kF32 | kI32 | kI64 | kQuantized>()},
    {Code::kSum, &kReduceOp, &ReducerOptions::kInfo, 1, 2, kPure,
     types<kF32 | kI32 | kI64 | kQuantized, kI32>(), types<kF32 | kI32 | kI64 | kQuantized>()},
    {Code::kSvdf, &kSvdfOp, &SVDFOptions::kInfo, 1, 4, kStateful,
     types<kF32, kLstmWeights, kLstmWeights, kOptionalF32, kF32>(), types<kF32>(),
     kIntegerSvdfTypes},
    {Code::kTanh, &kUnaryOp, nullptr, 1, 3, kPure,
     types<kF16 | kBF16 | kF32 | kQuantized>(), types<kF16 | kBF16 | kF32 | kQuantized>()},
    {Code::kTile, &kRepeatOp, &TileOptions::kInfo, 1, 3, kPure,
     types<kMovable, kI32 | kI64>(), types<kMovable>()},
    {Code::kTopkV2, &kTopkV2Op, &TopKV2Options::kInfo, 1, 3, kPure,
     types<kF32 | kI8 | kU8 | kI16 | kI32 | kI64, kI16 | kI32>(),
     types<kF32 | kI8 | kU8 | kI16 | kI32 | kI64, kI16 | kI32>()},
    {Code::kTranspose, &kTransposeOp, &TransposeOptions::kInfo, 1, 9, kPure,
     types<kMovable, kI32>(), types<kMovable>()},
    {Code::kTransposeConv, &kTransposeConvOp, &TransposeConvOptions::kInfo, 1, 5, kHalfWeights,
     types<kI32, kF32, kF32, kF32 | kOptional>(), types<kF32>(), kTransposeConvTypes},
    {Code::kUnidirectionalSequenceLstm, &kLstmOp, &UnidirectionalSequenceLSTMOptions::kInfo, 1, 4,
     kStateful, kLstmInputs, types<kF32 | kI8>()},
    {Code::kUnidirectionalSequenceRnn, &kRnnOp, &SequenceRNNOptions::kInfo, 1, 3, kStateful,
     types<kF32, kLstmWeights, kLstmWeights, kF32, kF32>(), types<kF32>()},
    {Code::kUnique, &kUniqueOp, &UniqueOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI8 | kU8 | kI16 | kI32 | kI64>(),
     types<kF32 | kI8 | kU8 | kI16 | kI32 | kI64, kI32 | kI64>()},
    {Code::kUnpack, &kUnpackOp, &UnpackOptions::kInfo, 1, 6, kPure,
     types<kMovable>(), types<kMovable | kRepeated>()},
    {Code::kUnsortedSegmentMax, &kUnsortedSegmentOp, &UnsortedSegmentMaxOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32, kI32, kI32>(), types<kF32 | kI32>()},
    {Code::kUnsortedSegmentMin, &kUnsortedSegmentOp, &UnsortedSegmentMinOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32, kI32, kI32>(), types<kF32 | kI32>()},
    {Code::kUnsortedSegmentProd, &kUnsortedSegmentOp, &UnsortedSegmentProdOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32, kI32, kI32>(), types<kF32 | kI32>()},
    {Code::kUnsortedSegmentSum, &kUnsortedSegmentOp, &UnsortedSegmentSumOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32, kI32, kI32>(), types<kF32 | kI32>()},
    {Code::kVarHandle, &kVarHandleOp, &VarHandleOptions::kInfo, 1, 1, kStateful,
     none(), types<kResource>()},
    {Code::kWhere, &kWhereOp, &WhereOptions::kInfo, 1, 2, kPure,
     types<kBool | kF32 | kI32 | kU32 | kI64 | kI8 | kU8>(), types<kI64>()},
    {Code::kWhile, &kWhileOp, &WhileOptions::kInfo, 1, 1, kStateful,
     types<kPassed | kRepeated>(), types<kPassed | kRepeated>()},
    {Code::kZerosLike, &kUnaryOp, &ZerosLikeOptions::kInfo, 1, 1, kPure,
     types<kF32 | kI32 | kI64>(), types<kF32 | kI32 | kI64>()},
};

}  // namespace

std::span<const OpEntry> operator_table() { return kTable; }

const OpEntry* find_operator(const Operator& op, const UserOperators* user) {
  static constexpr OpEntry kUserEntry = {
      Code::kCustom, &kUserOp, nullptr, 0, 255, kStateful,
      types<kPassed | kRepeated>(), types<kPassed | kRepeated>()};
  if (user != nullptr && op.code == Code::kCustom && user->has(op.custom_name)) return &kUserEntry;
  const auto found = std::ranges::find_if(kTable, [&](const OpEntry& entry) {
    return entry.code == op.code && entry.custom_name == op.custom_name;
  });
  return found != std::end(kTable) ? found : nullptr;
}

TypeSet fast_types(BuiltinOperator code) {
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
