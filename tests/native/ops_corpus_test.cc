// Every case of tests/data/operators and of the operator corpus: what is accepted gives the real
// runtime's results, what is refused says so with one of our errors, and nothing crashes.
// ZEOLITE_CORPUS names the corpus; ZEOLITE_CASE picks one case by its id, or those whose id begins
// so; ZEOLITE_VERBOSE prints ids and why a case is not supported.
#include <gmock/gmock.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "core/formats/json.h"
#include "core/graph/read.h"
#include "core/runtime/interpreter.h"
#include "tests/native/support/operator_pack.h"

namespace zeolite {
namespace {

enum class Outcome { kRight, kWrong, kUnsupported, kRefused };

struct Verdict {
  Outcome outcome = Outcome::kRight;
  std::string words;
};

Verdict verdict_of(const Status& status) {
  return {status.error().code == ErrorCode::kUnsupported ? Outcome::kUnsupported
                                                         : Outcome::kRefused,
          status.error().message};
}

Verdict run_step(Interpreter& interpreter, const PackCase& test, const PackStep& step) {
  for (const auto& [input, shape] : step.resize) {
    if (input >= interpreter.model().subgraphs[0].inputs.size()) {
      return {Outcome::kRefused, "no such input"};
    }
    Status status = interpreter.resize_input(0, input, shape);
    if (!status.ok()) return verdict_of(status);
  }
  Status status = interpreter.prepare(0);
  if (!status.ok()) return verdict_of(status);
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const std::vector<uint8_t>& data = step.inputs[i].data;
    Result<std::span<uint8_t>> target =
        interpreter.input(0, i).type == TensorType::kString
            ? interpreter.resize_input_data(0, i, data.size())
            : interpreter.input_data(0, i);
    if (!target.ok()) return verdict_of(target.take_status());
    if (target->size() != data.size()) return {Outcome::kRefused, "an input of another size"};
    if (!data.empty()) std::memcpy(target->data(), data.data(), data.size());
  }
  status = interpreter.run(0);
  if (!status.ok()) return verdict_of(status);
  std::string first;
  for (const std::vector<PackTensor>& accepted : step.accepted) {
    std::string problem;
    for (size_t i = 0; i < accepted.size() && problem.empty(); ++i) {
      const Operand& output = interpreter.output(0, i);
      if (output.shape != accepted[i].shape) {
        problem = "shape " + shape_text(output.shape) + ", expected " +
                  shape_text(accepted[i].shape);
      } else {
        problem = difference(accepted[i],
                             std::vector<uint8_t>(output.data, output.data + output.bytes),
                             test.tolerances[i]);
      }
      if (!problem.empty()) problem = "output " + std::to_string(i) + ": " + problem;
    }
    if (problem.empty()) return {};
    if (first.empty()) first = problem;
  }
  return first.empty() ? Verdict{} : Verdict{Outcome::kWrong, first};
}

// Ids of cases whose goldens are peculiar to the real kernel.
std::set<std::string> exceptions() {
  std::ifstream file(ZEOLITE_TEST_DATA "/corpus_exceptions.json");
  std::stringstream text;
  text << file.rdbuf();
  const Result<json::Value> parsed = json::parse(text.str());
  std::set<std::string> ids;
  if (!parsed.ok()) return ids;
  for (const json::Member& member : parsed.value()["cases"].members()) ids.insert(member.key);
  return ids;
}

Verdict run_case(const PackCase& test) {
  Result<Bytes> bytes = Bytes::copy_of(test.model, "test model");
  Result<Model> model = read_tflite(std::make_shared<const Bytes>(std::move(bytes).value()));
  if (!model.ok()) return verdict_of(model.take_status());
  InterpreterOptions options;
  options.memory_limit = uint64_t{1} << 30;
  Result<std::unique_ptr<Interpreter>> interpreter =
      Interpreter::create(std::move(model).value(), std::move(options));
  if (!interpreter.ok()) return verdict_of(interpreter.take_status());
  for (const PackStep& step : test.steps) {
    Verdict verdict = run_step(*interpreter.value(), test, step);
    if (verdict.outcome != Outcome::kRight) return verdict;
  }
  return {};
}

// All cases of the packs in a folder.
void run_packs(const std::filesystem::path& folder) {
  const char* chosen = std::getenv("ZEOLITE_CASE");
  const std::string only = chosen != nullptr ? chosen : "";
  const std::string pack = only.substr(0, only.find('.'));
  const bool is_verbose = std::getenv("ZEOLITE_VERBOSE") != nullptr;
  int right = 0;
  int unsupported = 0;
  int refused = 0;
  const std::set<std::string> peculiar = exceptions();
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with(".pack.gz")) continue;
    if (!file.starts_with(pack)) continue;
    for (const PackCase& test : read_operator_pack(entry.path())) {
      if (!test.id.starts_with(only)) continue;
      SCOPED_TRACE(test.id);
      if (is_verbose) {
        std::printf("%s\n", test.id.c_str());
        std::fflush(stdout);
      }
      Verdict verdict = run_case(test);
      if (verdict.outcome != Outcome::kRight && peculiar.contains(test.id)) verdict = {};
      if (!test.is_valid) {
        refused += verdict.outcome != Outcome::kRight;
        EXPECT_TRUE(test.is_lenient || verdict.outcome != Outcome::kRight)
            << "was accepted; the real runtime says: " << test.message;
        continue;
      }
      right += verdict.outcome == Outcome::kRight;
      unsupported += verdict.outcome == Outcome::kUnsupported;
      if (is_verbose && verdict.outcome == Outcome::kUnsupported) {
        std::printf("  not supported: %s\n", verdict.words.c_str());
      }
      EXPECT_TRUE(verdict.outcome == Outcome::kRight || verdict.outcome == Outcome::kUnsupported)
          << verdict.words;
    }
  }
  std::printf("%d right, %d not supported yet, %d invalid ones refused\n", right, unsupported,
              refused);
}

TEST(OperatorCases, CornersOfTheDefaultKernelsGiveTheirResults) {
  run_packs(ZEOLITE_TEST_DATA "/operators");
}

TEST(OperatorCorpus, WhatIsAcceptedIsRightAndWhatIsRefusedSaysWhy) {
  const char* corpus = std::getenv("ZEOLITE_CORPUS");
  if (corpus == nullptr) GTEST_SKIP() << "ZEOLITE_CORPUS is not set";
  run_packs(std::filesystem::path(corpus) / "operators");
}

}  // namespace
}  // namespace zeolite
