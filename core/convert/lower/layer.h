// What the lowering of one layer works with: its configuration, weights, inputs and outputs.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/convert/lower/graph_builder.h"
#include "core/convert/sources/source_graph.h"

namespace zeolite {

// How a value of the source lies in its tensor: for each of the tensor's axes the value's axis, or
// -1 for an inserted axis of size 1. Empty when it lies as it is. Convolutions want channels last
// and two spatial axes; values stay in that order until somebody needs the source's own, so that
// layers of one order follow each other without a transposition.
using Layout = std::vector<int32_t>;

// A value of the source graph as a tensor of the graph being built.
struct Value {
  int32_t tensor = kNoTensor;
  Layout layout;
};

// All values of one source graph.
class ValueMap {
 public:
  // The value in exactly this layout: the tensor that has it, or one made by RESHAPE and TRANSPOSE
  // once for all who ask.
  Result<int32_t> in_layout(GraphBuilder& builder, const Value& value, const Layout& layout);

 private:
  std::map<std::pair<int32_t, Layout>, int32_t> made_;
};

class LayerContext {
 public:
  LayerContext(const SourceGraph& graph, const SourceNode& node, GraphBuilder& builder,
               ValueMap& values, std::vector<Value> inputs)
      : graph_(graph), node_(node), builder_(builder), values_(values),
        inputs_(std::move(inputs)) {}

  GraphBuilder& builder() { return builder_; }
  const SourceNode& node() const { return node_; }
  const json::Value& config() const { return *node_.config; }
  int32_t keras_major() const { return graph_.keras_major; }
  // Of the call; null (the JSON value) when the source has none.
  const json::Value& call() const;

  size_t input_count() const { return inputs_.size(); }
  const Value& value(size_t i) const { return inputs_[i]; }
  // The input as the source has it.
  Result<int32_t> input(size_t i = 0) { return values_.in_layout(builder_, inputs_[i], {}); }
  Result<int32_t> input_in(const Layout& layout, size_t i = 0) {
    return values_.in_layout(builder_, inputs_[i], layout);
  }
  // A value that this layer made, as the source would have it.
  Result<int32_t> plain(const Value& value) { return values_.in_layout(builder_, value, {}); }
  // Its shape in the source's order of axes.
  Shape shape(size_t i = 0) const { return shape_of(inputs_[i]); }
  Shape shape_of(const Value& value) const;
  // An error unless the layer has that many inputs, the first of one of these ranks.
  Status expect_inputs(size_t count, std::initializer_list<size_t> ranks = {}) const;

  // Integer inputs become float32, as Keras' layers take them, unless the layer works on any type.
  Status cast_inputs();

  void set_output(Value value) { outputs_ = {std::move(value)}; }
  void set_output(int32_t tensor) { outputs_ = {Value{tensor, {}}}; }
  void set_outputs(std::vector<Value> values) { outputs_ = std::move(values); }
  const std::vector<Value>& outputs() const { return outputs_; }

  // The weight of that role, checked against `shape` where that has no -1. Errors: kCorrupt.
  Result<const SourceWeight*> weight(std::string_view role, std::span<const int32_t> shape) const;
  bool has_weight(std::string_view role) const;

  // Configuration. A number may stand for a list of `count` equal ones; positive unless told.
  Result<std::vector<int32_t>> sizes(std::string_view key, size_t count, int32_t fallback,
                                     int32_t lowest = 1) const;
  // A single size of the configuration, or -1 when it says none.
  Result<int32_t> size(std::string_view key) const;
  bool is_channels_first() const;
  // `axis` of the configuration or call as an index below `rank`, from the end when negative.
  Result<int32_t> axis(const json::Value& value, size_t rank, int32_t fallback) const;

 private:
  const SourceGraph& graph_;
  const SourceNode& node_;
  GraphBuilder& builder_;
  ValueMap& values_;
  std::vector<Value> inputs_;
  std::vector<Value> outputs_;
};

// Larger dimensions are taken for nonsense. Sums of a few of them still fit 32 bits.
inline constexpr int32_t kLargestSize = 1 << 28;

// An error about the layer being lowered: what is in the way, and what the user can do.
Status refuse(std::string reason, std::string help = {});

// The tensor's axis that holds the value's axis `axis`.
int32_t physical_axis(const Layout& layout, int32_t axis);

// The layouts that two-dimensional kernels want for values of one or two spatial axes; empty when
// such a value lies right as it is.
Layout spatial_layout(size_t spatial_rank, bool channels_first);

// A constant for element-wise use beside a tensor in `layout`: `shape` is its shape in the source's
// order with the full rank, `value(i)` its element i in that order.
int32_t broadcast_constant(GraphBuilder& builder, std::string_view role, const Shape& shape,
                           const Layout& layout, const std::function<float(int64_t)>& value);

}  // namespace zeolite
