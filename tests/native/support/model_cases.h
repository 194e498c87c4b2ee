// Source models with the outputs that their framework gives, from tests/data/models or, when the
// environment variable ZEOLITE_CORPUS names it, a larger collection of the same layout.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "core/convert/convert.h"
#include "core/formats/json.h"
#include "core/graph/graph.h"

namespace zeolite {

struct ModelCase {
  std::string folder;
  json::Value description;  // case.json

  std::string name() const;
  // What case.json says of the real converter's file, or null: "fp32", or "fp32_b1" without it.
  const json::Value* reference() const;
};

// For messages of failed tests.
inline void PrintTo(const ModelCase& model_case, std::ostream* stream) {
  *stream << model_case.name();
}

// The cases under tests/data/models, and those that the collection's conv_family.txt lists; with
// ZEOLITE_CASE, the one in that folder.
std::vector<ModelCase> model_cases();

std::vector<SourceFile> source_files(const ModelCase& model_case);

// The whole conversion.
Result<std::unique_ptr<Conversion>> convert_all(std::vector<SourceFile> files,
                                                ConvertOptions options = {});

// The file that a conversion made.
Bytes tflite_of(const Conversion& conversion);

// Runs the .tflite on all samples of the case; what differs from its goldens, or empty.
std::string sample_failure(const ModelCase& model_case, const Bytes& tflite);

}  // namespace zeolite
