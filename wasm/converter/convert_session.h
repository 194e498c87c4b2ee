// A conversion, as JavaScript sees it.
#pragma once

#include <memory>
#include <string>

#include "core/convert/convert.h"
#include "wasm/converter/received_files.h"

namespace zeolite::wasm {

// Used in this order: add_file for each file, start, step until it is finished, then the result.
// Texts are JSON; offsets are positions in the module's memory.
class ConvertSession {
 public:
  double add_file(const std::string& path, double size) { return files_.add(path, size); }

  // `options` are the interface's ConvertOptions as far as they are data. {} or {"error"}.
  std::string start(const std::string& options);

  // Does a piece of the work: {"finished", "stage", "done", "total"} or {"error"}.
  std::string step();

  // Only when finished: where the .tflite lies, and the interface's ConvertReport.
  double result_offset() const;
  double result_size() const;
  std::string report() const;

 private:
  ReceivedFiles files_;
  std::unique_ptr<Conversion> conversion_;
};

}  // namespace zeolite::wasm
