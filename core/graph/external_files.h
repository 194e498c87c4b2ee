// Files beside a .tflite that hold some of its weights.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/bytes.h"

namespace zeolite {

// By the names that the model calls them.
using ExternalFiles = std::map<std::string, std::shared_ptr<const Bytes>, std::less<>>;

// Where constant data lie that are not in the .tflite itself.
struct ExternalPlace {
  std::string file;  // As the model calls it.
  uint64_t offset = 0;
  uint64_t bytes = 0;
  bool is_missing = false;  // The file was not given: the model's buffer has no data.
};

// By the index in Model::buffers.
using ExternalPlaces = std::map<uint32_t, ExternalPlace>;

}  // namespace zeolite
