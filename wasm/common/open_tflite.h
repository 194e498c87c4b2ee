// Bytes that JavaScript wrote -> the graph.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/graph/external_files.h"
#include "core/graph/graph.h"

namespace zeolite::wasm {

// A .tflite and the files beside it that hold some of its weights, as sessions take them from
// JavaScript: each is reserved, then written.
class TfliteFiles {
 public:
  // Takes memory for a model of `size` bytes. Returns where JavaScript writes it, or 0.
  double reserve(double size);

  // Once the model is written: a list of the names of the files that it wants.
  std::string wanted();

  // The same as reserve() for the wanted file at `index` of that list.
  double reserve_wanted(int index, double size);

  // Reads what was written and forgets it; `places` as in ReadOptions. Errors: those of
  // read_tflite(); of a file that is something else kNotAModel says what it is and what to do with
  // it.
  Result<Model> open(ExternalPlaces* places = nullptr);

 private:
  Bytes model_;
  std::vector<std::string> names_;
  std::vector<std::pair<std::string, Bytes>> files_;
};

}  // namespace zeolite::wasm
