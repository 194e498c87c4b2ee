// What JavaScript sees of the runtime's module.
#include <emscripten/bind.h>

#include "wasm/runtime/inspect_session.h"
#include "wasm/runtime/runtime_session.h"

using zeolite::wasm::InspectSession;
using zeolite::wasm::RuntimeSession;

EMSCRIPTEN_BINDINGS(zeolite_runtime) {
  emscripten::class_<RuntimeSession>("RuntimeSession")
      .constructor<int>()
      .function("useOperators", &RuntimeSession::use_operators)
      .function("reserve", &RuntimeSession::reserve)
      .function("wantedFiles", &RuntimeSession::wanted_files)
      .function("reserveWanted", &RuntimeSession::reserve_wanted)
      .function("load", &RuntimeSession::load)
      .function("prepare", &RuntimeSession::prepare)
      .function("resizeInput", &RuntimeSession::resize_input)
      .function("inputTable", &RuntimeSession::input_table)
      .function("run", &RuntimeSession::run)
      .function("error", &RuntimeSession::error)
      .function("profile", &RuntimeSession::profile)
      .function("reset", &RuntimeSession::reset);
  emscripten::class_<InspectSession>("InspectSession")
      .constructor<>()
      .function("addFile", &InspectSession::add_file)
      .function("wantedFiles", &InspectSession::wanted_files)
      .function("reserveWanted", &InspectSession::reserve_wanted)
      .function("inspect", &InspectSession::inspect)
      .function("stats", &InspectSession::stats);
}
