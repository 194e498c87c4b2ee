#include "core/inspect/operator_roles.h"

#include <span>
#include <string_view>

namespace zeolite {
namespace {

using Names = std::span<const std::string_view>;
using Op = BuiltinOperator;

constexpr std::string_view kConv[] = {"input", "filter", "bias"};
constexpr std::string_view kTransposeConv[] = {"output shape", "filter", "input", "bias"};
constexpr std::string_view kFullyConnected[] = {"input", "weights", "bias"};
constexpr std::string_view kShape[] = {"input", "shape"};
constexpr std::string_view kSize[] = {"input", "size"};
constexpr std::string_view kAxes[] = {"input", "axes"};
constexpr std::string_view kAxis[] = {"input", "axis"};
constexpr std::string_view kPad[] = {"input", "paddings", "value"};
constexpr std::string_view kPermutation[] = {"input", "permutation"};
constexpr std::string_view kSlice[] = {"input", "begin", "size"};
constexpr std::string_view kStridedSlice[] = {"input", "begin", "end", "strides"};
constexpr std::string_view kGather[] = {"input", "indices"};
constexpr std::string_view kSplit[] = {"axis", "input"};
constexpr std::string_view kSplitV[] = {"input", "sizes", "axis"};
constexpr std::string_view kSelect[] = {"condition", "if true", "if false"};
constexpr std::string_view kTile[] = {"input", "multiples"};
constexpr std::string_view kBlock[] = {"input", "block shape", "paddings"};
constexpr std::string_view kCrop[] = {"input", "block shape", "crops"};
constexpr std::string_view kPrelu[] = {"input", "alpha"};
constexpr std::string_view kOneHot[] = {"indices", "depth", "on value", "off value"};
constexpr std::string_view kRange[] = {"start", "limit", "delta"};
constexpr std::string_view kFill[] = {"shape", "value"};
constexpr std::string_view kTopK[] = {"input", "k"};
constexpr std::string_view kEmbedding[] = {"ids", "table"};
constexpr std::string_view kVariable[] = {"variable", "value"};
constexpr std::string_view kRecurrent[] = {"input", "weights", "recurrent weights", "bias",
                                           "state"};
constexpr std::string_view kLstm[] = {
    "input",
    "input-to-input weights", "input-to-forget weights", "input-to-cell weights",
    "input-to-output weights",
    "recurrent-to-input weights", "recurrent-to-forget weights", "recurrent-to-cell weights",
    "recurrent-to-output weights",
    "cell-to-input weights", "cell-to-forget weights", "cell-to-output weights",
    "input gate bias", "forget gate bias", "cell bias", "output gate bias",
    "projection weights", "projection bias",
    "output state", "cell state",
    "input layer norm", "forget layer norm", "cell layer norm", "output layer norm"};

Names input_names(Op code) {
  switch (code) {
    case Op::kConv2d:
    case Op::kConv3d:
    case Op::kDepthwiseConv2d: return kConv;
    case Op::kTransposeConv:
    case Op::kConv3dTranspose: return kTransposeConv;
    case Op::kFullyConnected: return kFullyConnected;
    case Op::kReshape:
    case Op::kBroadcastTo: return kShape;
    case Op::kResizeBilinear:
    case Op::kResizeNearestNeighbor: return kSize;
    case Op::kMean:
    case Op::kSum:
    case Op::kReduceMax:
    case Op::kReduceMin:
    case Op::kReduceProd:
    case Op::kReduceAny:
    case Op::kReduceAll:
    case Op::kReverseV2: return kAxes;
    case Op::kArgMax:
    case Op::kArgMin:
    case Op::kExpandDims:
    case Op::kCumsum: return kAxis;
    case Op::kPad:
    case Op::kPadv2:
    case Op::kMirrorPad: return kPad;
    case Op::kTranspose: return kPermutation;
    case Op::kSlice: return kSlice;
    case Op::kStridedSlice: return kStridedSlice;
    case Op::kGather:
    case Op::kGatherNd: return kGather;
    case Op::kSplit: return kSplit;
    case Op::kSplitV: return kSplitV;
    case Op::kSelect:
    case Op::kSelectV2: return kSelect;
    case Op::kTile: return kTile;
    case Op::kSpaceToBatchNd: return kBlock;
    case Op::kBatchToSpaceNd: return kCrop;
    case Op::kPrelu: return kPrelu;
    case Op::kOneHot: return kOneHot;
    case Op::kRange: return kRange;
    case Op::kFill: return kFill;
    case Op::kTopkV2: return kTopK;
    case Op::kEmbeddingLookup: return kEmbedding;
    case Op::kReadVariable:
    case Op::kAssignVariable: return kVariable;
    case Op::kRnn:
    case Op::kUnidirectionalSequenceRnn: return kRecurrent;
    case Op::kLstm:
    case Op::kUnidirectionalSequenceLstm: return kLstm;
    default: return {};
  }
}

std::string numbered(std::string_view word, size_t index, size_t count) {
  return count == 1 ? std::string(word) : std::string(word) + " " + std::to_string(index);
}

}  // namespace

std::string input_role(const Operator& op, size_t index) {
  const Names names = input_names(op.code);
  if (index < names.size()) return std::string(names[index]);
  return numbered("input", index, op.inputs.size());
}

std::string output_role(const Operator& op, size_t index) {
  return numbered("output", index, op.outputs.size());
}

}  // namespace zeolite
