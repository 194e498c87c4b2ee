// What a viewer asks of a source model, as JavaScript sees it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/convert/convert.h"
#include "core/inspect/inspection.h"
#include "wasm/common/reply.h"
#include "wasm/converter/received_files.h"

namespace zeolite::wasm {

class InspectSourceSession {
 public:
  // See ReceivedFiles::add(). {} or {"error"}.
  std::string add_file(const std::string& path, double size, emscripten::val read) {
    return status_reply(files_.add(path, size, std::move(read)));
  }

  // The interface's Inspection without `stats`, or {"error"}. `options` is {"format"?, "stage"?}:
  // the source as its file has it, or the graph that a stage of the converter leaves behind.
  std::string inspect(const std::string& options);

  // The interface's TensorStats of a constant of what was inspected, or {"error"}. Reads the files
  // again as far as it needs them.
  std::string stats(int graph, int tensor) const;

 private:
  Result<Inspection> inspect_stage(const std::string& stage, const std::string& format);

  ReceivedFiles files_;
  std::optional<SourceGraph> source_;
  // Set instead of `source_` when a stage was asked for.
  std::unique_ptr<Conversion> conversion_;
};

}  // namespace zeolite::wasm
