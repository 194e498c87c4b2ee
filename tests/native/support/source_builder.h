// Small source graphs, written down in tests.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/convert/sources/source_graph.h"

namespace zeolite {

class SourceBuilder {
 public:
  explicit SourceBuilder(int32_t keras_major = 3) { graph_.keras_major = keras_major; }

  // An input of `shape`, as JSON with null for free sizes.
  int32_t input(const std::string& name, const std::string& shape,
                const std::string& dtype = "float32") {
    const int32_t node = add("InputLayer", name,
                             R"({"batch_shape":)" + shape + R"(,"dtype":")" + dtype + "\"}", {});
    graph_.inputs.push_back({name, {node, 0}});
    return node;
  }

  int32_t add(const std::string& class_name, const std::string& name, const std::string& config,
              const std::vector<int32_t>& inputs) {
    graph_.documents.push_back(
        std::make_shared<const json::Value>(json::parse(config).value()));
    SourceNode node;
    node.path = name;
    node.name = name;
    node.class_name = class_name;
    node.config = graph_.documents.back().get();
    for (int32_t input : inputs) node.inputs.push_back({input, 0});
    node.outputs.resize(1);
    graph_.nodes.push_back(std::move(node));
    return static_cast<int32_t>(graph_.nodes.size() - 1);
  }

  // Gives the last node a weight whose elements are first, first + step, ...
  void weight(const std::string& role, Shape shape, float first = 1, float step = 1) {
    int64_t count = 1;
    for (int32_t size : shape) count *= size;
    std::vector<float> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(first + static_cast<float>(i) * step);
    Bytes bytes =
        Bytes::allocate(values.size() * sizeof(float), "a test weight").value();
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    SourceWeight weight;
    weight.name = role;
    weight.shape = std::move(shape);
    weight.data = Content::of(std::move(bytes));
    weight.read = [data = weight.data]() -> Result<Content> { return data; };
    graph_.nodes.back().weights.push_back(std::move(weight));
  }

  void output(int32_t node) {
    graph_.outputs.push_back({graph_.nodes[static_cast<size_t>(node)].name, {node, 0}});
  }

  SourceGraph& graph() { return graph_; }

 private:
  SourceGraph graph_;
};

}  // namespace zeolite
