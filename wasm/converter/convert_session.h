// A conversion, as JavaScript sees it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/convert/convert.h"
#include "wasm/common/reply.h"
#include "wasm/converter/received_files.h"

namespace zeolite::wasm {

// Used in this order: add_file for each file, start, step until it is finished, then the result.
// Texts are JSON; offsets are positions in the module's memory.
class ConvertSession {
 public:
  // See ReceivedFiles::add(). {} or {"error"}.
  std::string add_file(const std::string& path, double size, emscripten::val read) {
    return status_reply(files_.add(path, size, std::move(read)));
  }

  // `options` are the interface's ConvertOptions as far as they are data. {} or {"error"}.
  std::string start(const std::string& options);

  // Does a piece of the work: {"finished", "stage", "done", "total"} or {"error"}.
  std::string step();

  // Only when finished: the bytes of the .tflite, and the pieces that it is made of, zeros between
  // them: three 32-bit numbers each from result_pieces() on, a piece's position in the file, its
  // offset here and its size.
  double result_size() const;
  double result_piece_count() const;
  double result_pieces();
  // The interface's ConvertReport.
  std::string report() const;

 private:
  ReceivedFiles files_;
  std::unique_ptr<Conversion> conversion_;
  std::vector<uint32_t> pieces_;
};

}  // namespace zeolite::wasm
