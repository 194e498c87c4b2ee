// Whole models of the real converter against the source framework's outputs. The corpus is large
// and not in the repository: ZEOLITE_CORPUS names its folder.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <filesystem>

#include "core/formats/json.h"
#include "core/graph/read.h"
#include "core/runtime/interpreter.h"
#include "tests/native/support/safetensors.h"

namespace zeolite {
namespace {

// What went wrong with one case; empty when it is right.
class ModelCase {
 public:
  ModelCase(std::filesystem::path folder, std::string mode)
      : folder_(std::move(folder)), mode_(std::move(mode)) {}

  std::string failure() {
    const std::vector<uint8_t> text = read_bytes(folder_ / "case.json");
    Result<json::Value> parsed =
        json::parse({reinterpret_cast<const char*>(text.data()), text.size()});
    if (!parsed.ok()) return parsed.error().message;
    description_ = std::move(parsed).value();
    reference_ = description_["real_converter"]["references"][mode_];

    const std::vector<uint8_t> file = read_bytes(folder_ / ("reference_" + mode_ + ".tflite"));
    Result<Bytes> bytes = Bytes::copy_of(file, "test file");
    if (!bytes.ok()) return bytes.error().message;
    Result<Model> model =
        read_tflite(std::make_shared<const Bytes>(std::move(bytes).value()));
    if (!model.ok()) return model.error().message;
    InterpreterOptions options;
    options.pool = std::make_shared<ThreadPool>(2);
    Result<std::unique_ptr<Interpreter>> interpreter =
        Interpreter::create(std::move(model).value(), std::move(options));
    if (!interpreter.ok()) return interpreter.error().message;
    interpreter_ = std::move(interpreter).value();
    goldens_ = read_safetensors(folder_ / "io.safetensors");
    for (size_t k = 0; k < description_["samples"].size(); ++k) {
      std::string problem = run_sample(k);
      if (!problem.empty()) return "sample " + std::to_string(k) + ": " + problem;
    }
    return {};
  }

 private:
  // The index in `tensors` of the model's operand for the case's own `name`.
  size_t position_of(const char* kind, std::span<const SignatureTensor> of_signature,
                     std::span<const int32_t> tensors, const std::string& name, size_t fallback) {
    const std::string key = reference_["signature"][kind].string_or(name, name);
    for (const SignatureTensor& entry : of_signature) {
      if (entry.name != key) continue;
      for (size_t i = 0; i < tensors.size(); ++i) {
        if (tensors[i] == entry.tensor) return i;
      }
    }
    return fallback;
  }

  std::string run_sample(size_t k) {
    const Model& model = interpreter_->model();
    const Signature none;
    const Signature& signature = model.signatures.empty() ? none : model.signatures[0];
    const int32_t subgraph = signature.subgraph;
    const std::string number = std::to_string(k);
    interpreter_->reset();
    std::vector<std::pair<size_t, const GoldenTensor*>> inputs;
    for (size_t i = 0; i < description_["inputs"].size(); ++i) {
      const std::string name = description_["inputs"].at(i).string_or("name", "");
      const GoldenTensor& golden = goldens_["in/" + number + "/" + name];
      const size_t position = position_of("inputs", signature.inputs,
                                          model.subgraphs[subgraph].inputs, name, i);
      inputs.push_back({position, &golden});
      Status status = interpreter_->resize_input(subgraph, position, golden.shape);
      if (!status.ok()) return status.error().message;
    }
    Status status = interpreter_->prepare(subgraph);
    if (!status.ok()) return status.error().message;
    for (auto [position, golden] : inputs) {
      Result<std::span<uint8_t>> target = interpreter_->input_data(subgraph, position);
      if (!target.ok()) return target.error().message;
      if (target->size() != golden->data.size()) return "input has another size";
      std::memcpy(target->data(), golden->data.data(), golden->data.size());
    }
    status = interpreter_->run(subgraph);
    if (!status.ok()) return status.error().message;
    for (size_t i = 0; i < description_["outputs"].size(); ++i) {
      const std::string name = description_["outputs"].at(i).string_or("name", "");
      const size_t position = position_of("outputs", signature.outputs,
                                          model.subgraphs[subgraph].outputs, name, i);
      std::string problem = compare(interpreter_->output(subgraph, position),
                                    goldens_["out/" + number + "/" + name]);
      if (!problem.empty()) return name + ": " + problem;
    }
    return {};
  }

  std::string compare(const Operand& got, const GoldenTensor& golden) {
    if (got.shape != golden.shape) {
      return "shape " + shape_text(got.shape) + ", expected " + shape_text(golden.shape);
    }
    GoldenTensor same;
    same.dtype = golden.dtype;
    same.data.assign(got.data, got.data + got.bytes);
    const std::vector<double> values = same.values();
    const std::vector<double> expected = golden.values();
    if (values.size() != expected.size()) return "another type than expected";
    const double own = reference_.number_or("max_difference_from_source", 0);
    const double absolute = description_["tolerance"].number_or("abs", 0) + 3 * own;
    const double relative = description_["tolerance"].number_or("rel", 0);
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const double difference = std::abs(values[i] - expected[i]);
      const double excess = difference - (absolute + relative * std::abs(expected[i]));
      if (std::isnan(values[i]) != std::isnan(expected[i]) || excess > worst) {
        worst = std::isnan(excess) ? INFINITY : excess;
        at = i;
      }
    }
    if (worst <= 0) return {};
    return "element " + std::to_string(at) + " is " + std::to_string(values[at]) + ", expected " +
           std::to_string(expected[at]);
  }

  std::filesystem::path folder_;
  std::string mode_;
  json::Value description_;
  json::Value reference_;
  std::map<std::string, GoldenTensor> goldens_;
  std::unique_ptr<Interpreter> interpreter_;
};

TEST(RuntimeModels, RealConvertersConvolutionalModelsMatchTheirSource) {
  const char* corpus = std::getenv("ZEOLITE_CORPUS");
  if (corpus == nullptr) GTEST_SKIP() << "ZEOLITE_CORPUS is not set";
  const char* only = std::getenv("ZEOLITE_CASE");
  const std::filesystem::path models = std::filesystem::path(corpus) / "models";
  std::ifstream list(models / "conv_family.txt");
  int right = 0;
  int total = 0;
  for (std::string line; std::getline(list, line);) {
    if (line.empty() || (only != nullptr && line.find(only) == std::string::npos)) continue;
    for (const char* mode : {"fp32", "sparse_fp32"}) {
      if (!std::filesystem::exists(models / line /
                                   ("reference_" + std::string(mode) + ".tflite"))) {
        continue;
      }
      ++total;
      const std::string failure = ModelCase(models / line, mode).failure();
      right += failure.empty();
      EXPECT_EQ(failure, "") << line << " " << mode;
    }
  }
  EXPECT_GT(total, 0);
  std::printf("%d of %d models match\n", right, total);
}

}  // namespace
}  // namespace zeolite
