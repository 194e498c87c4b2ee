// Weights of a .tflite that lie in files beside it: the model names groups, each of them one file,
// and slices of these files, which tensors point at by their ids.
//   https://github.com/google-ai-edge/LiteRT, tflite/converter/schema/schema.fbs (ExternalBuffer)
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/graph/external_files.h"
#include "core/graph/schema.h"

namespace zeolite {

class ExternalBuffers {
 public:
  struct Slice {
    std::string_view file_name;  // A view into the model's file.
    uint64_t offset;
    uint64_t bytes;
    std::shared_ptr<const Bytes> file;  // Null when it is missing.
    std::span<const uint8_t> data;      // Of `file`.
  };

  // Checks the slices of `source` against each other and against `files`. A file that is not there
  // is an error (kEnvironment, with the names of all of them) unless `may_lack_files`.
  Status read(const schema::Model& source, const ExternalFiles& files, bool may_lack_files);

  // The slice with this id, or null.
  const Slice* find(uint32_t id) const;

 private:
  std::map<uint32_t, Slice> slices_;  // By id.
};

// Names of the files that slices lie in, each once, in the order of the groups.
std::vector<std::string> external_file_names(const schema::Model& source);

}  // namespace zeolite
