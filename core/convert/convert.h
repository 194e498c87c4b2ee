// The converter: files of a source model -> a .tflite file, step by step.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/convert/lower/lower.h"
#include "core/convert/sources/source_graph.h"
#include "core/formats/json.h"
#include "core/graph/graph.h"
#include "core/graph/write.h"
#include "core/passes/passes.h"

namespace zeolite {

struct ConvertOptions {
  // "keras-h5", "keras", "keras-json": what the files are to be taken for; empty: what they are.
  std::string format;
  std::map<std::string, Shape> input_shapes;  // By input; -1 is free.
  // Layers whose values are the outputs, by name or path; empty: the model's own.
  std::vector<std::string> outputs;
  bool sparsify = false;    // Store what is sparse enough in the sparse encoding.
  std::string min_runtime;  // Refuse when the file would need a newer one, such as "2.3.0".
};

// The stages in their order; `zeolite inspect --stage` shows what one leaves behind.
enum class ConvertStage : uint8_t { kRead, kLower, kPasses, kOptimize, kWrite, kDone };
std::string_view convert_stage_name(ConvertStage stage);

// How far a conversion is: `done` of `total` pieces of a stage.
struct ConvertProgress {
  ConvertStage stage = ConvertStage::kRead;
  uint64_t done = 0;
  uint64_t total = 1;
};

// One conversion. The caller calls step() until it is done, and may show progress, look at what is
// there, or give up (destroy it) in between.
//
// What is in memory: never the source's files (unless their source holds them there), the weights
// of one layer while it is lowered, and the constants of the graph. The result is pieces of those.
class Conversion {
 public:
  Conversion(std::vector<SourceFile> files, ConvertOptions options);

  // Does a bounded piece of work. Errors are final.
  Status step();
  bool is_done() const { return progress_.stage == ConvertStage::kDone; }
  const ConvertProgress& progress() const { return progress_; }

  // The source graph: from the end of kRead on. Its weights cannot be read any more after kLower.
  const SourceGraph* source() const { return source_.get(); }
  // The graph being made: from the end of kLower on.
  const Model* model() const { return has_model_ ? &model_ : nullptr; }
  // Only when is_done(). It points into the model.
  const TfliteFile& tflite() const { return tflite_; }
  // The interface's ConvertReport. Only when is_done().
  json::Value report() const;

 private:
  Status read();
  Status lower();
  Status run_passes();
  Status optimize();
  Status write();
  Status select_outputs();
  Status refuse_too_large() const;
  void advance(ConvertStage stage, uint64_t total = 1) { progress_ = {stage, 0, total}; }

  std::vector<SourceFile> files_;
  ConvertOptions options_;
  ConvertProgress progress_;
  std::unique_ptr<SourceGraph> source_;
  std::unique_ptr<Lowering> lowering_;
  std::unique_ptr<ConversionPasses> passes_;
  Model model_;
  bool has_model_ = false;
  TfliteFile tflite_;
};

// Reads `files` as far as the source graph, whatever their format. Errors: kNotAModel when nothing
// of them is known, with what they are instead.
Result<SourceGraph> read_source(std::span<const SourceFile> files, std::string_view format);

}  // namespace zeolite
