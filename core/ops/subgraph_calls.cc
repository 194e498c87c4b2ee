#include "core/ops/subgraph_calls.h"

#include <algorithm>

#include "core/ops/table.h"

namespace zeolite {
namespace {

// Each level takes a few hundred bytes of the stack for planning and again for running.
constexpr int kMaxDepth = 64;

// Calls go down only: the depth of a subgraph is 1 more than that of the deepest that it calls.
class CallChecker {
 public:
  explicit CallChecker(const Model& model) : model_(model), depth_(model.subgraphs.size()) {}

  Status check(int32_t index, int level) {
    if (depth_[index] == kOpen) {
      return corrupt("subgraph " + std::to_string(index) + " (" + model_.subgraphs[index].name +
                     ") comes to call itself");
    }
    if (depth_[index] > 0) return {};
    if (level > kMaxDepth) {
      return unsupported("subgraphs call each other more than " + std::to_string(kMaxDepth) +
                         " deep");
    }
    depth_[index] = kOpen;
    int deepest = 0;
    const Subgraph& subgraph = model_.subgraphs[index];
    for (size_t i = 0; i < subgraph.operators.size(); ++i) {
      for (int32_t called : called_subgraphs(subgraph.operators[i])) {
        Status status = called < 0 || static_cast<size_t>(called) >= model_.subgraphs.size()
                            ? corrupt("there is no subgraph " + std::to_string(called))
                            : check(called, level + 1);
        if (!status.ok()) return std::move(status).with_context(operator_context(subgraph, i));
        deepest = std::max(deepest, depth_[called]);
      }
    }
    depth_[index] = deepest + 1;
    if (deepest + level > kMaxDepth) {
      return unsupported("subgraphs call each other more than " + std::to_string(kMaxDepth) +
                         " deep");
    }
    return {};
  }

  // A loop hands its condition what its body has given, and then the body again: the body must not
  // run in between, which would give these tensors other shapes and memory. After check() only.
  Status check_loops(const Subgraph& subgraph) const {
    for (size_t i = 0; i < subgraph.operators.size(); ++i) {
      const auto* loop = subgraph.operators[i].options.get<WhileOptions>();
      if (loop == nullptr || !reaches(loop->cond_subgraph_index, loop->body_subgraph_index)) {
        continue;
      }
      return unsupported("its condition comes to run its body")
          .with_context(operator_context(subgraph, i));
    }
    return {};
  }

 private:
  static constexpr int kOpen = -1;

  // Whether running subgraph `from` comes to run `to`.
  bool reaches(int32_t from, int32_t to) const {
    std::vector<bool> is_seen(depth_.size());
    std::vector<int32_t> open = {from};
    while (!open.empty()) {
      const int32_t index = open.back();
      open.pop_back();
      if (index == to) return true;
      if (is_seen[index] || depth_[index] <= depth_[to]) continue;
      is_seen[index] = true;
      for (const Operator& op : model_.subgraphs[index].operators) {
        for (int32_t called : called_subgraphs(op)) open.push_back(called);
      }
    }
    return false;
  }

  const Model& model_;
  std::vector<int> depth_;  // 0 while not known.
};

}  // namespace

std::vector<int32_t> called_subgraphs(const Operator& op) {
  const Options& options = op.options;
  if (const auto* of_if = options.get<IfOptions>()) {
    return {of_if->then_subgraph_index, of_if->else_subgraph_index};
  }
  if (const auto* of_while = options.get<WhileOptions>()) {
    return {of_while->cond_subgraph_index, of_while->body_subgraph_index};
  }
  if (const auto* once = options.get<CallOnceOptions>()) return {once->init_subgraph_index};
  if (const auto* composite = options.get<StableHLOCompositeOptions>()) {
    return {composite->decomposition_subgraph_index};
  }
  if (const auto* of_case = options.get<StablehloCaseOptions>()) {
    return of_case->branch_subgraph_indices;
  }
  if (const auto* scatter = options.get<StablehloScatterOptions>()) {
    return {scatter->update_computation_subgraph_index};
  }
  if (const auto* window = options.get<StablehloReduceWindowOptions>()) {
    return {window->body_subgraph_index};
  }
  return {};
}

Status check_subgraph_calls(const Model& model) {
  CallChecker checker(model);
  for (size_t i = 0; i < model.subgraphs.size(); ++i) {
    ZEOLITE_TRY(checker.check(static_cast<int32_t>(i), 1));
  }
  for (const Subgraph& subgraph : model.subgraphs) ZEOLITE_TRY(checker.check_loops(subgraph));
  return {};
}

}  // namespace zeolite
