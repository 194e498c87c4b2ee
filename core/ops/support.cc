#include <algorithm>
#include <iterator>

#include "core/ops/table.h"

namespace zeolite {
namespace {

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
    if (position.rank > kMaxOperandRank) {
      problems->push_back(std::string(role) + " " + std::to_string(i) + " (" +
                          std::string(position.name) + ") has " + std::to_string(position.rank) +
                          " dimensions, at most " + std::to_string(kMaxOperandRank) +
                          " are supported");
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

// What keeps operands of these types out: nothing where one of the entry's alternatives takes them,
// else the reasons of the nearest one.
std::vector<std::string> type_problems(const OpEntry& entry, std::span<const Position> inputs,
                                       std::span<const Position> outputs,
                                       bool output_types_known) {
  const auto problems_of = [&](const OpTypes& types) {
    std::vector<std::string> problems;
    check_positions("input", inputs, types.inputs, true, &problems);
    check_positions("output", outputs, types.outputs, output_types_known, &problems);
    return problems;
  };
  std::vector<std::string> nearest = problems_of({entry.inputs, entry.outputs});
  for (const OpTypes& types : entry.more_types) {
    if (nearest.empty()) break;
    std::vector<std::string> problems = problems_of(types);
    if (problems.size() < nearest.size()) nearest = std::move(problems);
  }
  return nearest;
}

}  // namespace

std::vector<std::string> support_problems(const Subgraph& subgraph, const Operator& op,
                                          bool output_types_known, const UserOperators* user) {
  const OpEntry* entry = find_operator(op, user);
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
  std::ranges::move(type_problems(*entry, positions_of(subgraph, op.inputs),
                                  positions_of(subgraph, op.outputs), output_types_known),
                    std::back_inserter(problems));
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
  return type_problems(entry, inputs, outputs, false);
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

std::string support_help(const Operator& op, const UserOperators* user) {
  if (find_operator(op, user) != nullptr) {
    return "docs/operators.md lists the versions and types that run";
  }
  if (op.code != BuiltinOperator::kCustom) return "docs/operators.md lists the operators that run";
  if (op.custom_name.starts_with("Flex")) {
    return "it is an operator of TensorFlow itself: convert the model again with TFLite's builtin "
           "operators only";
  }
  return "it is a custom operator: bring its functions as the option customOps, as "
         "docs/custom-operators.md shows";
}

std::vector<Issue> support_issues(const Model& model, const UserOperators* user) {
  std::vector<Issue> issues;
  for (const Subgraph& subgraph : model.subgraphs) {
    for (size_t i = 0; i < subgraph.operators.size(); ++i) {
      const Operator& op = subgraph.operators[i];
      for (std::string& reason : support_problems(subgraph, op, true, user)) {
        issues.push_back(operator_issue(subgraph, i, std::move(reason)));
        issues.back().help = support_help(op, user);
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
    if (!issue.help.empty()) error.message += " (" + issue.help + ")";
  }
  if (issues.size() > shown) {
    error.message += "\n  and " + std::to_string(issues.size() - shown) + " more";
  }
  error.issues = std::move(issues);
  return error;
}

}  // namespace zeolite
