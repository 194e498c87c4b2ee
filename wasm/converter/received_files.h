// Files that JavaScript writes into the module's memory.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/convert/sources/source_graph.h"

namespace zeolite::wasm {

class ReceivedFiles {
 public:
  // Takes memory for a file of `size` bytes. Returns where JavaScript writes it, or 0.
  double add(const std::string& path, double size);

  // Hands the files over: after this there are none.
  std::vector<SourceFile> take();

 private:
  std::vector<std::pair<std::string, Bytes>> files_;
};

}  // namespace zeolite::wasm
