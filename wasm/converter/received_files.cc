#include "wasm/converter/received_files.h"

#include <memory>
#include <utility>

#include "wasm/common/reply.h"

namespace zeolite::wasm {
namespace {

constexpr uint64_t kSmallFileBytes = 4 * 1024 * 1024;

class ReceivedFile : public ByteSource {
 public:
  ReceivedFile(std::string path, uint64_t size, emscripten::val read)
      : ByteSource(size), path_(std::move(path)), read_(std::move(read)) {}

  Status read(uint64_t offset, std::span<uint8_t> target) const override {
    const bool is_read = read_(static_cast<double>(offset), heap_offset(target.data()),
                               static_cast<double>(target.size()))
                             .as<bool>();
    if (is_read) return Status();
    return Status(ErrorCode::kEnvironment, "the file \"" + path_ + "\" could not be read");
  }

 private:
  std::string path_;
  emscripten::val read_;
};

}  // namespace

Status ReceivedFiles::add(const std::string& path, double size, emscripten::val read) {
  std::shared_ptr<const ByteSource> source =
      std::make_shared<ReceivedFile>(path, static_cast<uint64_t>(size), std::move(read));
  if (source->size() <= kSmallFileBytes) {
    ZEOLITE_ASSIGN(Content content, source->content(path));
    source = MemorySource::of(std::move(content));
  }
  files_.push_back({path, std::move(source)});
  return Status();
}

}  // namespace zeolite::wasm
