// What a .tflite file says about itself: descriptions, labels, files that it carries.
#pragma once

#include <string>
#include <vector>

#include "core/formats/content.h"
#include "core/graph/graph.h"

namespace zeolite {

// A file inside of the model's file.
struct AssociatedFile {
  std::string name;
  std::string description;
  Content content;  // Views point into the model's file.
};

struct ModelMetadata {
  std::string name;
  std::string description;
  std::string version;
  std::string author;
  std::string license;
  std::vector<std::string> labels;  // Of the first output, by index; empty when there are none.
  std::vector<AssociatedFile> files;
  // Entries of the model's metadata that nothing above came from.
  struct Entry {
    std::string name;
    std::span<const uint8_t> data;
  };
  std::vector<Entry> entries;
};

// Reads the metadata of `model`. Damaged metadata never keep a model from running: what cannot be
// read stays among the entries.
ModelMetadata read_metadata(const Model& model);

}  // namespace zeolite
