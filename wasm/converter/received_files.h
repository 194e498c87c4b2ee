// Files that JavaScript has, which this module reads as it needs them.
#pragma once

#include <string>
#include <vector>

#include <emscripten/val.h>

#include "core/base/status.h"
#include "core/convert/sources/source_graph.h"

namespace zeolite::wasm {

class ReceivedFiles {
 public:
  // Adds a file of `size` bytes. `read(offset, address, count)` puts `count` of them from `offset`
  // on at `address` of this module's memory, at once, and says whether it could; it throws nothing.
  // Small files are read here and now: a few calls cost more than their bytes.
  Status add(const std::string& path, double size, emscripten::val read);

  // Hands the files over: after this there are none.
  std::vector<SourceFile> take() { return std::move(files_); }

 private:
  std::vector<SourceFile> files_;
};

}  // namespace zeolite::wasm
