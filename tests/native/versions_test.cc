// Versions of operators against those that the real converter states.
#include "core/ops/versions.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "core/graph/read.h"
#include "tests/native/support/safetensors.h"

namespace zeolite {
namespace {

TEST(Versions, ReleasesCompareByNumberAndNotByText) {
  EXPECT_TRUE(is_older_release("1.5.0", "1.14.0"));
  EXPECT_TRUE(is_older_release("1.14.0", "2.3.0"));
  EXPECT_TRUE(is_older_release("", "1.5.0"));
  EXPECT_FALSE(is_older_release("2.3.0", "2.3.0"));
  EXPECT_FALSE(is_older_release("2.21.0", "2.3.0"));
}

TEST(Versions, RuntimesAreKnownForTheVersionsThatTheyHave) {
  EXPECT_EQ(runtime_since(BuiltinOperator::kConv2d, 1), "1.5.0");
  EXPECT_EQ(runtime_since(BuiltinOperator::kConv2d, 6), "2.9.0");
  EXPECT_EQ(runtime_since(BuiltinOperator::kConv2d, 99), "");
  EXPECT_EQ(runtime_since(BuiltinOperator::kConv2d, 0), "");
  EXPECT_EQ(runtime_since(BuiltinOperator::kBroadcastTo, 1), "");
}

// The real converter's files. Those with 16-bit activations are left out: it states the versions of
// int8 in them, which say too little.
std::vector<std::filesystem::path> reference_files() {
  std::vector<std::filesystem::path> folders = {std::string(ZEOLITE_TEST_DATA) + "/models"};
  if (const char* corpus = std::getenv("ZEOLITE_CORPUS")) {
    folders.push_back(std::string(corpus) + "/models");
  }
  std::vector<std::filesystem::path> files;
  for (const std::filesystem::path& folder : folders) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const std::filesystem::path& path = entry.path();
      if (path.extension() == ".tflite" && path.stem() != "reference_int16x8") {
        files.push_back(path);
      }
    }
  }
  return files;
}

TEST(Versions, AreThoseThatTheRealConverterStates) {
  // By operator, stated and found version: an example. One line a kind of difference.
  std::map<std::string, std::string> differences;
  int compared = 0;
  for (const std::filesystem::path& path : reference_files()) {
    Result<Bytes> bytes = Bytes::copy_of(read_bytes(path), "a test file");
    Result<Model> model = read_tflite(std::make_shared<const Bytes>(std::move(bytes).value()));
    if (!model.ok()) continue;
    // One code serves all uses of an operator in a file: the highest version of them is stated.
    std::map<std::string, std::pair<int32_t, int32_t>> highest;
    for (const Subgraph& subgraph : model->subgraphs) {
      for (const Operator& op : subgraph.operators) {
        auto& [stated, found] = highest[operator_name(op)];
        stated = std::max(stated, op.version);
        found = std::max(found, minimal_version(model.value(), subgraph, op));
      }
    }
    for (const auto& [name, versions] : highest) {
      ++compared;
      if (versions.first == versions.second) continue;
      differences.emplace(name + " stated " + std::to_string(versions.first) + ", found " +
                              std::to_string(versions.second),
                          (path.parent_path().filename() / path.filename()).string());
    }
  }
  EXPECT_GT(compared, 0);
  for (const auto& [difference, example] : differences) {
    ADD_FAILURE() << difference << ": " << example;
  }
}

}  // namespace
}  // namespace zeolite
