// What JavaScript sees of the converter's module.
#include <emscripten/bind.h>

#include "wasm/converter/convert_session.h"
#include "wasm/converter/inspect_source_session.h"

using zeolite::wasm::ConvertSession;
using zeolite::wasm::InspectSourceSession;

EMSCRIPTEN_BINDINGS(zeolite_converter) {
  emscripten::class_<ConvertSession>("ConvertSession")
      .constructor<>()
      .function("addFile", &ConvertSession::add_file)
      .function("start", &ConvertSession::start)
      .function("step", &ConvertSession::step)
      .function("resultSize", &ConvertSession::result_size)
      .function("resultPieceCount", &ConvertSession::result_piece_count)
      .function("resultPieces", &ConvertSession::result_pieces)
      .function("report", &ConvertSession::report);
  // The same name as in the runtime's module, which has one for .tflite files.
  emscripten::class_<InspectSourceSession>("InspectSession")
      .constructor<>()
      .function("addFile", &InspectSourceSession::add_file)
      .function("inspect", &InspectSourceSession::inspect)
      .function("stats", &InspectSourceSession::stats);
}
