// A .tflite model that runs, as JavaScript sees it.
#pragma once

#include <emscripten/val.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/inspect/metadata.h"
#include "core/runtime/interpreter.h"
#include "wasm/common/open_tflite.h"

namespace zeolite::wasm {

// Used in this order: reserve, wantedFiles (and reserveWanted), load, then for each run prepare
// (when shapes change), inputTable, writing the inputs, run. Texts are JSON; offsets are positions
// in the module's memory.
class RuntimeSession {
 public:
  // `threads` is the same for all sessions of one instance: they share its pool.
  explicit RuntimeSession(int threads);

  // Before load: custom operators of these names (a list) are `handler`'s; see js_operators.h.
  void use_operators(const std::string& names, emscripten::val handler);

  // Takes memory for a file of `size` bytes. Returns where JavaScript writes it, or 0.
  double reserve(double size);

  // The files beside the model that it wants: see TfliteFiles. A missing one is an error of load().
  std::string wanted_files();
  double reserve_wanted(int index, double size);

  // Reads the files. {"subgraphs": {index: {"inputs", "outputs"}}, "signatures": [{"key",
  // "subgraph", "inputs": [{"name", "position"}], "outputs"}], "metadata"}, of the main subgraph
  // and those that signatures name; or {"error"}.
  std::string load();

  // Gives the inputs of `subgraph` their shapes, a list of lists of sizes. Empty, or an error.
  std::string prepare(int subgraph, const std::string& shapes);

  // Takes memory for an input of strings: `bytes` of them with their offsets. Empty, or an error.
  std::string resize_input(int subgraph, int input, double bytes);

  // Offset of [offset, bytes] for each input of `subgraph`, as uint32: where its data are to be
  // written. 0 when error() says why not.
  double input_table(int subgraph);

  // Runs. Offset of [offset, bytes, rank, sizes...] for each output, as uint32; valid until the
  // next call. 0 when error() says why.
  double run(int subgraph);
  std::string error() const;

  // Runs once and tells the time of each operator: {"time", "operators", "arena", "packed"}.
  std::string profile(int subgraph);
  void reset();

 private:
  // Where the list of `words_` begins, for JavaScript.
  double words_offset() const;
  double fail(const Error& error);

  int threads_;
  TfliteFiles files_;
  std::shared_ptr<UserOperators> operators_;
  std::unique_ptr<Interpreter> interpreter_;
  ModelMetadata metadata_;
  std::vector<uint32_t> words_;
  std::string error_;
};

}  // namespace zeolite::wasm
