// A .tflite file -> the graph.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/graph/external_files.h"
#include "core/graph/graph.h"

namespace zeolite {

struct ReadOptions {
  // The files beside the model that hold some of its weights: external_file_names() tells which it
  // asks for.
  ExternalFiles external_files;
  // Set by who looks at the model only: gets the places of data outside of it, of which some may
  // then be missing.
  ExternalPlaces* places = nullptr;
};

// Reads the model in `file`, which the result shares: constants stay views into it and into the
// external files. Every offset, index, shape and size is checked, so that nobody after this needs
// to; what can't hold is one error with all of its reasons. Operators that no kernel exists for are
// not refused here.
// Errors: kNotAModel when the bytes are no .tflite, kCorrupt, kUnsupported, kEnvironment with the
// names of the external files that are missing.
Result<Model> read_tflite(std::shared_ptr<const Bytes> file, const ReadOptions& options = {});

// Names of the files beside the model that hold some of its weights, as the model in `file` says
// them, each once. None also of bytes that are no sound .tflite: reading them tells why.
std::vector<std::string> external_file_names(std::span<const uint8_t> file);

// Whether the bytes start like a .tflite file.
bool looks_like_tflite(std::span<const uint8_t> bytes);

}  // namespace zeolite
