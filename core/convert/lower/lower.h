// The source graph -> operators of the one graph, node by node.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/convert/lower/graph_builder.h"
#include "core/convert/lower/layer.h"
#include "core/convert/sources/source_graph.h"

namespace zeolite {

// Lowers one source graph. Problems with layers are collected, and what does not depend on them is
// lowered all the same, so that all of them are known at the end.
class Lowering {
 public:
  // Without data the result has no constants' bytes: see GraphBuilder. `graph` must outlive this;
  // what is learnt of the outputs of its nodes is entered there.
  Lowering(SourceGraph* graph, bool with_data, std::map<std::string, Shape> input_shapes);

  size_t done() const { return next_; }
  size_t total() const { return graph_->nodes.size(); }
  // Lowers the next node; only while done() < total().
  void step();

  // After the last step: one issue for each layer that could not be lowered.
  const std::vector<Issue>& issues() const { return issues_; }
  // The model with inputs, outputs and signature. Errors: all issues in one.
  Result<Model> finish();

 private:
  void lower_input(SourceNode& node);
  void warn_of_precision(const SourceNode& node);
  void record(const SourceNode& node, Error error);
  bool is_known(const SourceLink& link) const;

  SourceGraph* graph_;
  std::map<std::string, Shape> input_shapes_;
  std::unique_ptr<Model> model_;
  GraphBuilder builder_;
  ValueMap value_map_;
  std::vector<std::vector<Value>> values_;  // Outputs by node; empty where lowering failed.
  std::vector<Issue> issues_;
  ErrorCode code_ = ErrorCode::kUnsupported;
  size_t next_ = 0;
};

// Fills in shapes and types of all nodes' outputs, as far as they follow; returns the issues.
std::vector<Issue> infer_source_shapes(SourceGraph* graph);

}  // namespace zeolite
