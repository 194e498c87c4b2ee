// What a viewer asks of a .tflite, as JavaScript sees it.
#pragma once

#include <optional>
#include <string>

#include "core/graph/graph.h"
#include "core/inspect/metadata.h"
#include "wasm/common/open_tflite.h"

namespace zeolite::wasm {

class InspectSession {
 public:
  // Takes memory for the file, of `size` bytes. Returns where JavaScript writes it, or 0.
  double add_file(const std::string& path, double size);

  // The files beside the model that it wants: see TfliteFiles. They may be missing.
  std::string wanted_files();
  double reserve_wanted(int index, double size);

  // The interface's Inspection without `stats`, or {"error"}. The file need not be one that can
  // run. There is nothing to choose: `options` are those of the converter's inspections.
  std::string inspect(const std::string& options);

  // The interface's TensorStats of a constant, or {"error"}.
  std::string stats(int graph, int tensor) const;

 private:
  TfliteFiles files_;
  std::optional<Model> model_;
  ExternalPlaces places_;
  ModelMetadata metadata_;
};

}  // namespace zeolite::wasm
