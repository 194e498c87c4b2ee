// Converting: options, progress and report; files that cannot be converted get a clear error, and
// the next file works.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>

#include "core/convert/report.h"
#include "tests/native/support/model_cases.h"
#include "tests/native/support/piecewise_source.h"
#include "tests/native/support/test_files.h"

namespace zeolite {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::vector<uint8_t> hex_bytes(std::string_view hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// The file of an entry: one that is there, or another that is cut and overwritten.
std::vector<uint8_t> bad_file(const std::string& name, const json::Value& entry) {
  const std::string base = entry.string_or("base", "");
  if (base.empty()) return read_test_file("bad/" + name);
  std::vector<uint8_t> bytes = read_test_file("bad/" + base);
  bytes.resize(static_cast<size_t>(entry.int_or("length", 0)), 0);
  for (const json::Value& edit : entry["edits"].items()) {
    const std::vector<uint8_t> changed = hex_bytes(*edit.at(1).as_string());
    std::copy(changed.begin(), changed.end(),
              bytes.begin() + static_cast<ptrdiff_t>(*edit.at(0).as_int()));
  }
  return bytes;
}

SourceFile file_of(const std::string& name, const std::vector<uint8_t>& bytes) {
  return {name, MemorySource::of(Bytes::copy_of(bytes, "a test file").value())};
}

json::Value expectations() {
  const std::vector<uint8_t> text = read_test_file("bad/expected.json");
  return json::parse({reinterpret_cast<const char*>(text.data()), text.size()}).value();
}

TEST(ConvertRefusals, EveryBadFileIsRefusedWithItsReason) {
  const json::Value expected = expectations();
  for (const json::Member& member : expected.members()) {
    SCOPED_TRACE(member.key);
    Result<std::unique_ptr<Conversion>> result =
        convert_all({file_of(member.key, bad_file(member.key, member.value))});
    ASSERT_FALSE(result.ok());
    const Error& error = result.error();
    const std::string code(error_code_name(error.code));
    const json::Value& codes = member.value["codes"];
    EXPECT_TRUE(std::any_of(codes.items().begin(), codes.items().end(),
                            [&](const json::Value& item) { return item.as_string() == code; }))
        << code << " is none of " << json::write(codes) << "; " << error.message;
    std::string said = error.message;
    for (const Issue& issue : error.issues) {
      said += " " + issue.type + " " + issue.name + " " + issue.reason + " " + issue.help;
    }
    for (const json::Value& mention : member.value["mentions"].items()) {
      EXPECT_NE(lower_case(said).find(lower_case(std::string(*mention.as_string()))),
                std::string::npos)
          << *mention.as_string() << " is not mentioned: " << said;
    }
  }
}

TEST(ConvertRefusals, SoundFilesConvertAfterwards) {
  for (const char* name : {"good.h5", "good.keras"}) {
    Result<std::unique_ptr<Conversion>> result =
        convert_all({file_of(name, read_test_file(std::string("bad/") + name))});
    EXPECT_TRUE(result.ok()) << name << ": " << result.error().message;
  }
}

TEST(ConvertRefusals, AllLayersThatStandInTheWayAreListedTogether) {
  const json::Value expected = expectations();
  const std::string name = "custom_layers.keras";
  Result<std::unique_ptr<Conversion>> result =
      convert_all({file_of(name, bad_file(name, expected[name]))});
  ASSERT_FALSE(result.ok());
  const std::vector<Issue>& issues = result.error().issues;
  ASSERT_EQ(issues.size(), 3u);
  for (const Issue& issue : issues) {
    EXPECT_EQ(issue.subject, Issue::Subject::kLayer);
    EXPECT_FALSE(issue.reason.empty());
    EXPECT_FALSE(issue.help.empty());
    EXPECT_GE(issue.index, 0);
  }
}

TEST(ConvertRefusals, AModelOfUnknownLayersCanStillBeLookedAt) {
  const SourceFile file = file_of("lambda.h5", read_test_file("bad/lambda.h5"));
  Result<SourceGraph> source = read_source(std::span(&file, 1), "");
  ASSERT_TRUE(source.ok()) << source.error().message;
  const Inspection inspection = inspect_source(&source.value()).value();
  ASSERT_EQ(inspection.graphs.size(), 1u);
  EXPECT_FALSE(inspection.graphs[0].nodes.empty());
  EXPECT_GT(inspection.parameters, 0);
  ASSERT_EQ(inspection.compatibility.size(), 1u);
  EXPECT_EQ(inspection.compatibility[0].severity, Compatibility::Severity::kBlocks);
}

TEST(ConvertRefusals, WhatALayerGivesThatCannotBeConvertedHasNoKnownShape) {
  const SourceFile file = file_of("lambda.h5", read_test_file("bad/lambda.h5"));
  Result<SourceGraph> source = read_source(std::span(&file, 1), "");
  ASSERT_TRUE(source.ok()) << source.error().message;
  const json::Value shown = inspection_json(inspect_source(&source.value()).value());
  const json::Value& graph = shown["graphs"].at(0);
  bool after_lambda = false;
  for (const json::Value& node : graph["nodes"].items()) {
    after_lambda |= node.string_or("class", "") == "Lambda";
    const auto output = static_cast<size_t>(node["outputs"].at(0).int_or("tensor", 0));
    EXPECT_EQ(graph["tensors"].at(output).bool_or("unranked", false), after_lambda)
        << node.string_or("name", "");
  }
  EXPECT_TRUE(after_lambda);
}

TEST(ConvertOptions, InputShapesReplaceFreeSizes) {
  ConvertOptions options;
  const SourceFile file = file_of("good.h5", read_test_file("bad/good.h5"));
  options.input_shapes["x"] = {1, 4, 4, 2};
  Result<std::unique_ptr<Conversion>> fixed = convert_all({file}, options);
  ASSERT_TRUE(fixed.ok()) << fixed.error().message;
  const Subgraph& main = fixed.value()->model()->subgraphs[0];
  EXPECT_EQ(main.tensors[static_cast<size_t>(main.inputs[0])].shape, (Shape{1, 4, 4, 2}));

  options.input_shapes["x"] = {1, 4};
  EXPECT_FALSE(convert_all({file}, options).ok());
  options.input_shapes.clear();
  options.input_shapes["nobody"] = {1};
  Result<std::unique_ptr<Conversion>> unknown = convert_all({file}, options);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kBadInput);
}

TEST(ConvertOptions, OutputsMayBeLayersInTheMiddle) {
  ConvertOptions options;
  options.outputs = {"conv"};
  Result<std::unique_ptr<Conversion>> result =
      convert_all({file_of("good.h5", read_test_file("bad/good.h5"))}, options);
  ASSERT_TRUE(result.ok()) << result.error().message;
  const Model& model = *result.value()->model();
  EXPECT_EQ(model.signatures[0].outputs[0].name, "conv");
  EXPECT_EQ(model.subgraphs[0].operators.size(), 1u);
}

TEST(ConvertOptions, AFileThatNeedsANewerRuntimeThanAllowedIsRefused) {
  ConvertOptions options;
  options.min_runtime = "1.4.0";
  Result<std::unique_ptr<Conversion>> result =
      convert_all({file_of("good.h5", read_test_file("bad/good.h5"))}, options);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(result.error().issues.empty());
}

TEST(Convert, AFileThatIsGoneInTheMiddleIsAnErrorAndNotACrash) {
  const std::vector<uint8_t> bytes = read_test_file("bad/good.h5");
  const auto source = std::make_shared<PiecewiseSource>(bytes);
  Conversion conversion({{"good.h5", source}}, {});
  ASSERT_TRUE(conversion.step().ok());
  source->is_gone = true;
  Status status;
  while (status.ok() && !conversion.is_done()) status = conversion.step();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kEnvironment) << status.error().message;
}

TEST(Convert, ReportsWhatEachLayerBecame) {
  Result<std::unique_ptr<Conversion>> result =
      convert_all({file_of("good.h5", read_test_file("bad/good.h5"))});
  ASSERT_TRUE(result.ok()) << result.error().message;
  const json::Value report = result.value()->report();
  EXPECT_EQ(report.string_or("format", ""), "keras-h5");
  EXPECT_EQ(report.int_or("bytesOut", 0),
            static_cast<int64_t>(result.value()->tflite().size));
  EXPECT_GT(report.int_or("parameters", 0), 0);
  const auto operator_count =
      static_cast<int64_t>(result.value()->model()->subgraphs[0].operators.size());
  for (const json::Value& layer : report["layers"].items()) {
    if (layer.string_or("class", "") == "InputLayer") continue;
    EXPECT_GT(layer["operators"].size(), 0u) << layer.string_or("path", "");
    for (const json::Value& place : layer["operators"].items()) {
      EXPECT_LT(place.int_or("operator", operator_count), operator_count);
    }
  }
}

TEST(Convert, ReportSaysIntoWhatALayerWasFolded) {
  Result<std::unique_ptr<Conversion>> result =
      convert_all({file_of("model.h5", read_test_file("models/pruned_residual/model.h5"))});
  ASSERT_TRUE(result.ok()) << result.error().message;
  const json::Value report = result.value()->report();
  int folded = 0;
  for (const json::Value& layer : report["layers"].items()) {
    const std::string type = layer.string_or("class", "");
    const std::string into = layer.string_or("folded", "");
    if (type == "Conv2D" || type == "Dense") {
      EXPECT_EQ(into, "") << layer.string_or("path", "");
    } else if (type == "BatchNormalization") {
      EXPECT_TRUE(into.starts_with("CONV_2D (")) << into;
      ++folded;
    }
  }
  EXPECT_GT(folded, 0);
}

TEST(Convert, ProgressRunsThroughTheStagesInOrder) {
  Conversion conversion({file_of("good.h5", read_test_file("bad/good.h5"))}, {});
  std::vector<std::string> stages;
  while (!conversion.is_done()) {
    const ConvertProgress progress = conversion.progress();
    EXPECT_LE(progress.done, progress.total);
    const std::string name(convert_stage_name(progress.stage));
    if (stages.empty() || stages.back() != name) stages.push_back(name);
    ASSERT_TRUE(conversion.step().ok());
  }
  EXPECT_EQ(stages, (std::vector<std::string>{"read", "lower", "passes", "optimize", "write"}));
}

}  // namespace
}  // namespace zeolite
