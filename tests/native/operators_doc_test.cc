// docs/operators.md says what the operator table says. With ZEOLITE_UPDATE=1 it is written anew.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/ops/table.h"

namespace zeolite {
namespace {

// Types that most often stand together, largest first.
struct Group {
  TypeSet types;
  const char* words;
};
constexpr Group kGroups[] = {
    {kWholeBytes, "all of whole bytes"},
    {kI8 | kU8 | kI16 | kU16 | kI32 | kU32 | kI64 | kU64, "all integers from 8 bits on"},
    {kF16 | kBF16 | kF32 | kF64, "all floats from 16 bits on"},
};

std::string set_text(TypeSet set) {
  std::string text;
  const auto add = [&](const std::string& words) { text += (text.empty() ? "" : ", ") + words; };
  TypeSet rest = set & ~(kOptional | kRepeated);
  for (const Group& group : kGroups) {
    if ((rest & group.types) != group.types) continue;
    add(group.words);
    rest &= ~group.types;
  }
  for (const EnumName& entry : tensor_type_names()) {
    const auto type = static_cast<TensorType>(entry.value);
    if (contains(rest, type)) add(std::string(tensor_type_name(type)));
  }
  if ((set & kOptional) != 0) text = "[" + text + "]";
  if ((set & kRepeated) != 0) text += " ...";
  return text;
}

std::string types_text(std::span<const TypeSet> sets) {
  std::string text;
  for (TypeSet set : sets) text += (text.empty() ? "" : "; ") + set_text(set);
  return text.empty() ? "nothing" : text;
}

std::string types_row(const OpTypes& types) {
  return types_text(types.inputs) + " → " + types_text(types.outputs);
}

constexpr std::string_view kHead = R"(# Operators

What a `.tflite` may hold to run here. Made from `core/ops/table.cc` by
`ZEOLITE_UPDATE=1 operators_doc_test`; a test fails when it is not current.

Types stand by position: `;` parts one tensor from the next, `,` one type from another that may
stand there, `[...]` may be absent, `...` stands for all that follow. Several lines are ways of
which each goes by itself. "Fast" are the types of the first tensor of numbers for which there
are kernels made for speed; the others are computed by plain loops, or only moved. A model with
anything else is refused while it is loaded, with every reason.

| operator | versions | types | fast |
| --- | --- | --- | --- |
)";

std::string page() {
  std::vector<const OpEntry*> entries;
  for (const OpEntry& entry : operator_table()) entries.push_back(&entry);
  const auto name_of = [](const OpEntry& entry) {
    return std::string(entry.custom_name.empty() ? builtin_operator_name(entry.code)
                                                 : entry.custom_name);
  };
  std::ranges::sort(entries, {}, [&](const OpEntry* entry) {
    return std::pair(!entry->custom_name.empty(), name_of(*entry));
  });
  std::ostringstream out;
  out << kHead;
  for (const OpEntry* entry : entries) {
    out << "| " << (entry->custom_name.empty() ? "" : "custom: ") << name_of(*entry) << " | "
        << static_cast<int>(entry->min_version);
    if (entry->max_version > entry->min_version) {
      out << "–" << static_cast<int>(entry->max_version);
    }
    out << " | " << types_row({entry->inputs, entry->outputs});
    for (const OpTypes& more : entry->more_types) out << "<br>" << types_row(more);
    out << " | " << set_text(fast_types(entry->code)) << " |\n";
  }
  return out.str();
}

TEST(OperatorsDoc, SaysWhatTheTableSays) {
  const std::string path = ZEOLITE_TEST_DATA "/../../docs/operators.md";
  const std::string wanted = page();
  if (std::getenv("ZEOLITE_UPDATE") != nullptr) std::ofstream(path) << wanted;
  std::ifstream file(path);
  std::ostringstream found;
  found << file.rdbuf();
  EXPECT_TRUE(found.str() == wanted)
      << "docs/operators.md is not current: run this test with ZEOLITE_UPDATE=1";
}

}  // namespace
}  // namespace zeolite
