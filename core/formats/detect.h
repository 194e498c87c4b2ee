// What a file is, by its content and never by its name.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/formats/byte_source.h"

namespace zeolite {

enum class Format : uint8_t {
  kUnknown,
  kEmpty,
  // Models.
  kTflite,
  kHdf5,
  kKerasZip,        // .keras: config.json and weights.
  kKerasJson,       // A Keras architecture without weights.
  kTfjsJson,        // TF.js model.json.
  kTfjsZip,
  kSavedModelPb,
  kSavedModelZip,
  kGraphDef,
  kOnnx,
  kOnnxZip,         // A zip with one or more .onnx members.
  kTaskBundle,      // A zip of .tflite files (.task).
  kSafetensors,
  kNumpy,
  kNumpyZip,        // .npz
  // Containers.
  kZip,             // With nothing in it that we know.
  kGzip,
  kTar,
  // Known by name only.
  kPyTorchZip,
  kTorchScriptZip,
  kPickle,
  kCoreMl,
  kCoreMlPackage,
  kTensorFlowCheckpoint,
  kOpenVino,
  kGguf,
  kNcnnParam,
  kCaffePrototxt,
  kGraphDefText,
  kGitLfsPointer,
  kHtml,
  kXml,
  kJson,            // JSON that is no model we know.
  kPdf,
  kImage,
  kRar,
  kSevenZip,
  kXz,
  kZstd,
};

// Looks at the first and last bytes, for zip archives at the names of the members, and at all of
// what seems to be JSON.
Format detect_format(const std::shared_ptr<const ByteSource>& source);
// Of bytes in memory.
Format detect_format(std::span<const uint8_t> bytes);

// What `format` is, such as "a PyTorch checkpoint (zip with data.pkl)", to follow "this is".
std::string_view format_words(Format format);

// What to do with a file of `format` that is not read, such as "export it to ONNX with
// torch.onnx.export"; empty when there is nothing to say.
std::string_view format_help(Format format);

}  // namespace zeolite
