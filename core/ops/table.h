// The operators that there are: one line each in table.cc.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/ops/op.h"
#include "core/ops/type_set.h"

namespace zeolite {

enum OpTraits : uint8_t {
  kPure = 0,
  kShapeOnly = 1,  // Reads the inputs' shapes, not their data.
  kStateful = 2,   // Has effects or results beyond its outputs: never evaluated beforehand.
  // Input 1 may be constant float16 beside float32, which no file has: the runtime gives weights so
  // where the file widens them by a DEQUANTIZE.
  kHalfWeights = 4,
  kHalfTable = 8,  // The same of input 0, whose elements are only moved.
};

// Types by position that go together; see kOptional and kRepeated.
struct OpTypes {
  std::span<const TypeSet> inputs;
  std::span<const TypeSet> outputs;
};

struct OpEntry {
  BuiltinOperator code;
  const OpKernel* kernel;
  const OptionsInfo* options;  // The option table that the file may give, or null.
  uint8_t min_version;
  uint8_t max_version;
  uint8_t traits;
  std::span<const TypeSet> inputs;  // Types by position, as in OpTypes.
  std::span<const TypeSet> outputs;
  std::span<const OpTypes> more_types = {};  // Others that are taken as well.
  std::string_view custom_name = {};         // Only of kCustom.
};

// All operators, by code.
std::span<const OpEntry> operator_table();

// The entry of `op`, or null. `user`: operators that the user brings along, or null.
const OpEntry* find_operator(const Operator& op, const UserOperators* user = nullptr);

// The types of the first tensor of numbers for which there is a kernel that is made for speed. For
// the documentation: operators that only move elements move them in blocks, whatever their type.
TypeSet fast_types(BuiltinOperator code);

// Why `op` can't run, one sentence each: not known, another version, a count or type of operand
// that is not taken. Empty when there is no reason. Types that must agree with each other, shapes
// and options are infer's to check. `output_types_known` is false where the graph is being made.
std::vector<std::string> support_problems(const Subgraph& subgraph, const Operator& op,
                                          bool output_types_known = true,
                                          const UserOperators* user = nullptr);

// The same for operands that stand in no graph; types of outputs are not looked at.
std::vector<std::string> operand_problems(const OpEntry& entry, const OpContext& context);

// Such as "operator 12 CONV_2D (conv1/BiasAdd)".
std::string operator_context(const Subgraph& subgraph, size_t index);

// An issue about operator `index` of `subgraph`.
Issue operator_issue(const Subgraph& subgraph, size_t index, std::string reason);

// What helps someone whose `op` is not among those that can run.
std::string support_help(const Operator& op, const UserOperators* user = nullptr);

// The reasons of every operator of the model that can't run.
std::vector<Issue> support_issues(const Model& model, const UserOperators* user = nullptr);

// One error of all `issues`; `what` says what could not be done.
Error error_of_issues(ErrorCode code, std::string_view what, std::vector<Issue> issues);

}  // namespace zeolite
