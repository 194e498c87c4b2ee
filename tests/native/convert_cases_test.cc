// Every model of the collections converts, to a file that is no worse than the real converter's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "core/graph/read.h"
#include "core/ops/versions.h"
#include "tests/native/support/model_cases.h"
#include "tests/native/support/piecewise_source.h"

namespace zeolite {
namespace {

class ConvertCase : public testing::TestWithParam<ModelCase> {};

// For looking at a result with other tools: ZEOLITE_KEEP names a folder for the converted files.
void keep(const ModelCase& model_case, const Bytes& tflite, const std::string& prefix = {}) {
  const char* folder = std::getenv("ZEOLITE_KEEP");
  if (folder == nullptr) return;
  std::string name = model_case.name();
  for (char& c : name) c = c == '/' ? '.' : c;
  std::ofstream file(std::string(folder) + "/" + prefix + name + ".tflite", std::ios::binary);
  file.write(reinterpret_cast<const char*>(tflite.data()),
             static_cast<std::streamsize>(tflite.size()));
}

TEST_P(ConvertCase, is_no_larger_and_has_no_more_operators_than_the_real_converters_file) {
  const ModelCase& model_case = GetParam();
  Result<std::unique_ptr<Conversion>> conversion = convert_all(source_files(model_case));
  ASSERT_TRUE(conversion.ok()) << conversion.error().message;
  const Bytes tflite = tflite_of(*conversion.value());
  keep(model_case, tflite);
  const json::Value* reference = model_case.reference();
  if (reference == nullptr) return;
  int64_t operators = 0;
  for (const Subgraph& subgraph : conversion.value()->model()->subgraphs) {
    operators += static_cast<int64_t>(subgraph.operators.size());
  }
  EXPECT_LE(operators, reference->int_or("operator_total", 0))
      << json::write(conversion.value()->report()["operators"]) << " against "
      << json::write((*reference)["operators"]);
  EXPECT_LE(static_cast<double>(tflite.size()),
            1.01 * static_cast<double>(reference->int_or("bytes", 0)));
}

TEST_P(ConvertCase, computes_what_the_source_framework_computes) {
  const ModelCase& model_case = GetParam();
  Result<std::unique_ptr<Conversion>> conversion = convert_all(source_files(model_case));
  ASSERT_TRUE(conversion.ok()) << conversion.error().message;
  EXPECT_EQ(sample_failure(model_case, tflite_of(*conversion.value())), "");
}

TEST_P(ConvertCase, read_in_pieces_gives_the_same_bytes_and_reads_little_twice) {
  const ModelCase& model_case = GetParam();
  const std::vector<SourceFile> files = source_files(model_case);
  std::vector<SourceFile> pieces;
  uint64_t size = 0;
  for (const SourceFile& file : files) {
    pieces.push_back({file.name, std::make_shared<PiecewiseSource>(file.bytes->in_memory())});
    size += file.bytes->size();
  }
  Result<std::unique_ptr<Conversion>> expected = convert_all(files);
  Result<std::unique_ptr<Conversion>> found = convert_all(pieces);
  ASSERT_TRUE(expected.ok() && found.ok());
  EXPECT_TRUE(std::ranges::equal(tflite_of(*expected.value()).span(),
                                 tflite_of(*found.value()).span()));
  uint64_t read = 0;
  for (const SourceFile& file : pieces) {
    read += static_cast<const PiecewiseSource&>(*file.bytes).bytes_read;
  }
  // A .keras is checked as a whole first; shared layers' weights are read for each call.
  EXPECT_LE(read, 4 * size + 256 * 1024);
}

TEST_P(ConvertCase, sparsified_computes_the_same_in_no_more_bytes_than_the_real_converters_file) {
  const ModelCase& model_case = GetParam();
  const json::Value* reference =
      model_case.description.find_path({"real_converter", "references", "sparse_fp32"});
  if (reference == nullptr) return;
  ConvertOptions options;
  options.sparsify = true;
  Result<std::unique_ptr<Conversion>> conversion = convert_all(source_files(model_case), options);
  ASSERT_TRUE(conversion.ok()) << conversion.error().message;
  const Bytes tflite = tflite_of(*conversion.value());
  keep(model_case, tflite, "sparse.");
  EXPECT_LE(static_cast<int64_t>(tflite.size()), reference->int_or("bytes", 0));
  EXPECT_EQ(sample_failure(model_case, tflite), "");
}

TEST_P(ConvertCase, names_inputs_and_outputs_as_the_source_does) {
  const ModelCase& model_case = GetParam();
  Result<std::unique_ptr<Conversion>> conversion = convert_all(source_files(model_case));
  ASSERT_TRUE(conversion.ok()) << conversion.error().message;
  Result<Model> model =
      read_tflite(std::make_shared<const Bytes>(tflite_of(*conversion.value())));
  ASSERT_TRUE(model.ok()) << model.error().message;
  ASSERT_EQ(model->signatures.size(), 1u);
  const Signature& signature = model->signatures[0];
  EXPECT_EQ(signature.key, "serving_default");
  const auto check = [](const json::Value& expected, const std::vector<SignatureTensor>& found) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      const std::string name = expected.at(i).string_or("name", "");
      // Names that the golden's maker made up where it knew none.
      if (name.starts_with("output_") || name.starts_with("keras_tensor")) continue;
      EXPECT_EQ(found[i].name, name);
    }
  };
  check(model_case.description["inputs"], signature.inputs);
  check(model_case.description["outputs"], signature.outputs);
}

INSTANTIATE_TEST_SUITE_P(Models, ConvertCase, testing::ValuesIn(model_cases()),
                         [](const testing::TestParamInfo<ModelCase>& info) {
                           std::string name = info.param.name();
                           for (char& c : name) {
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace zeolite
