#include "wasm/converter/received_files.h"

#include <memory>

#include "wasm/common/reply.h"

namespace zeolite::wasm {

double ReceivedFiles::add(const std::string& path, double size) {
  Result<Bytes> bytes = Bytes::allocate(static_cast<uint64_t>(size), path);
  if (!bytes.ok()) return 0;
  files_.emplace_back(path, std::move(bytes).value());
  return heap_offset(files_.back().second.data());
}

std::vector<SourceFile> ReceivedFiles::take() {
  std::vector<SourceFile> files;
  for (auto& [path, bytes] : files_) {
    files.push_back({path, std::make_shared<const Bytes>(std::move(bytes))});
  }
  files_.clear();
  return files;
}

}  // namespace zeolite::wasm
