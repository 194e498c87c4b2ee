#include "wasm/common/open_tflite.h"

#include <memory>
#include <string>
#include <utility>

#include "core/formats/detect.h"
#include "core/graph/read.h"

namespace zeolite::wasm {

Result<Model> open_tflite(Bytes file) {
  const auto shared = std::make_shared<const Bytes>(std::move(file));
  if (shared->empty()) return not_a_model("the file is empty: it has 0 bytes");
  Result<Model> model = read_tflite(shared);
  if (model.ok() || model.error().code != ErrorCode::kNotAModel) return model;
  const Format format = detect_format(shared->span());
  if (format == Format::kUnknown || format == Format::kTflite) return model;
  std::string message = "this is no .tflite file but " + std::string(format_words(format));
  switch (format) {
    case Format::kHdf5:
    case Format::kKerasZip:
    case Format::kKerasJson:
      message += ": convert() makes a .tflite of it";
      break;
    default:
      if (const std::string_view help = format_help(format); !help.empty()) {
        message += ": " + std::string(help);
      }
  }
  return not_a_model(std::move(message));
}

}  // namespace zeolite::wasm
