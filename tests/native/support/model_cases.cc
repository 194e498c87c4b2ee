#include "tests/native/support/model_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include "core/graph/read.h"
#include "core/runtime/interpreter.h"
#include "tests/native/support/safetensors.h"

namespace zeolite {
namespace {

json::Value read_json(const std::string& path) {
  const std::vector<uint8_t> bytes = read_bytes(path);
  Result<json::Value> value =
      json::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  EXPECT_TRUE(value.ok()) << path << ": " << value.error().message;
  return value.ok() ? std::move(value).value() : json::Value();
}

// The tensor that the file's signature has under `name`, or at the same place where the golden's
// maker made a name up.
int32_t tensor_of(const std::vector<SignatureTensor>& entries, const std::string& name,
                  size_t index) {
  for (const SignatureTensor& entry : entries) {
    if (entry.name == name) return entry.tensor;
  }
  return index < entries.size() ? entries[index].tensor : kNoTensor;
}

size_t position_of(std::span<const int32_t> tensors, int32_t tensor) {
  return static_cast<size_t>(std::find(tensors.begin(), tensors.end(), tensor) - tensors.begin());
}

std::string difference(const Operand& got, const GoldenTensor& golden,
                       const json::Value& tolerance) {
  if (got.shape != golden.shape) {
    return "shape " + shape_text(got.shape) + " instead of " + shape_text(golden.shape);
  }
  GoldenTensor same;
  same.dtype = golden.dtype;
  same.data.assign(got.data, got.data + got.bytes);
  const std::vector<double> values = same.values();
  const std::vector<double> wanted = golden.values();
  if (values.size() != wanted.size()) return "another type";
  for (size_t i = 0; i < values.size(); ++i) {
    const double limit = tolerance.number_or("abs", 0) +
                         tolerance.number_or("rel", 0) * std::abs(wanted[i]);
    if (!(std::abs(values[i] - wanted[i]) <= limit)) {
      return "element " + std::to_string(i) + " is " + std::to_string(values[i]) +
             " instead of " + std::to_string(wanted[i]);
    }
  }
  return {};
}

std::string run_sample(const ModelCase& model_case, Interpreter& interpreter, size_t k,
                       const std::map<std::string, GoldenTensor>& goldens) {
  const Model& model = interpreter.model();
  const Signature& signature = model.signatures[0];
  const Subgraph& main = model.subgraphs[0];
  const std::string number = std::to_string(k);
  const json::Value& inputs = model_case.description["inputs"];
  std::vector<std::pair<size_t, const GoldenTensor*>> fed;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = inputs.at(i).string_or("name", "");
    const GoldenTensor& golden = goldens.at("in/" + number + "/" + name);
    const size_t position = position_of(main.inputs, tensor_of(signature.inputs, name, i));
    Status status = interpreter.resize_input(0, position, golden.shape);
    if (!status.ok()) return status.error().message;
    fed.push_back({position, &golden});
  }
  Status status = interpreter.prepare(0);
  if (!status.ok()) return status.error().message;
  for (const auto& [position, golden] : fed) {
    Result<std::span<uint8_t>> target = interpreter.input_data(0, position);
    if (!target.ok()) return target.error().message;
    if (target->size() != golden->data.size()) return "an input of another size";
    std::memcpy(target->data(), golden->data.data(), golden->data.size());
  }
  status = interpreter.run(0);
  if (!status.ok()) return status.error().message;
  const json::Value& outputs = model_case.description["outputs"];
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string name = outputs.at(i).string_or("name", "");
    const size_t position = position_of(main.outputs, tensor_of(signature.outputs, name, i));
    const std::string problem =
        difference(interpreter.output(0, position), goldens.at("out/" + number + "/" + name),
                   model_case.description["tolerance"]);
    if (!problem.empty()) return name + ": " + problem;
  }
  return {};
}

void add_case(const std::string& folder, std::vector<ModelCase>* cases) {
  cases->push_back({folder, read_json(folder + "/case.json")});
}

}  // namespace

std::string ModelCase::name() const {
  return std::filesystem::path(folder).parent_path().filename().string() + "/" +
         std::filesystem::path(folder).filename().string();
}

const json::Value* ModelCase::reference() const {
  const json::Value* found = description.find_path({"real_converter", "references", "fp32"});
  if (found != nullptr && found->find("bytes") != nullptr) return found;
  found = description.find_path({"real_converter", "references", "fp32_b1"});
  return found != nullptr && found->find("bytes") != nullptr ? found : nullptr;
}

std::vector<ModelCase> model_cases() {
  std::vector<ModelCase> cases;
  if (const char* only = std::getenv("ZEOLITE_CASE")) {
    add_case(only, &cases);
    return cases;
  }
  const std::string own = std::string(ZEOLITE_TEST_DATA) + "/models";
  const json::Value index = read_json(own + "/index.json");
  for (const json::Value& entry : index["cases"].items()) {
    add_case(own + "/" + entry.string_or("path", ""), &cases);
  }
  if (const char* corpus = std::getenv("ZEOLITE_CORPUS")) {
    const std::string models = std::string(corpus) + "/models";
    std::ifstream list(models + "/conv_family.txt");
    for (std::string line; std::getline(list, line);) {
      if (!line.empty()) add_case(models + "/" + line, &cases);
    }
  }
  return cases;
}

std::vector<SourceFile> source_files(const ModelCase& model_case) {
  std::vector<SourceFile> files;
  for (const json::Value& item : model_case.description["source"]["files"].items()) {
    const std::string name(item.as_string().value_or(""));
    const std::vector<uint8_t> bytes = read_bytes(model_case.folder + "/" + name);
    Result<Bytes> copy = Bytes::copy_of(bytes, "a test file");
    files.push_back({name, MemorySource::of(std::move(copy).value())});
  }
  return files;
}

Result<std::unique_ptr<Conversion>> convert_all(std::vector<SourceFile> files,
                                                ConvertOptions options) {
  auto conversion = std::make_unique<Conversion>(std::move(files), std::move(options));
  while (!conversion->is_done()) ZEOLITE_TRY(conversion->step());
  return conversion;
}

Bytes tflite_of(const Conversion& conversion) {
  return put_together(conversion.tflite()).value();
}

std::string sample_failure(const ModelCase& model_case, const Bytes& tflite) {
  Result<Bytes> copy = Bytes::copy_of(tflite.span(), "a test file");
  Result<Model> model = read_tflite(std::make_shared<const Bytes>(std::move(copy).value()));
  if (!model.ok()) return model.error().message;
  Result<std::unique_ptr<Interpreter>> interpreter =
      Interpreter::create(std::move(model).value(), {});
  if (!interpreter.ok()) return interpreter.error().message;
  const std::map<std::string, GoldenTensor> goldens =
      read_safetensors(model_case.folder + "/io.safetensors");
  for (size_t k = 0; k < model_case.description["samples"].size(); ++k) {
    const std::string problem = run_sample(model_case, *interpreter.value(), k, goldens);
    if (!problem.empty()) return "sample " + std::to_string(k) + ": " + problem;
  }
  return {};
}

}  // namespace zeolite
