#include "wasm/common/open_tflite.h"

#include <memory>
#include <string>
#include <utility>

#include "core/formats/detect.h"
#include "core/formats/json.h"
#include "core/graph/read.h"
#include "wasm/common/reply.h"

namespace zeolite::wasm {
namespace {

double reserve_in(Bytes* target, double size) {
  Result<Bytes> bytes = Bytes::allocate(static_cast<uint64_t>(size), "the file");
  if (!bytes.ok()) return 0;
  *target = std::move(bytes).value();
  return heap_offset(target->data());
}

// That the bytes are no .tflite, with what they are.
Status not_tflite(std::span<const uint8_t> bytes, Status status) {
  const Format format = detect_format(bytes);
  if (format == Format::kUnknown || format == Format::kTflite) return status;
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

}  // namespace

double TfliteFiles::reserve(double size) { return reserve_in(&model_, size); }

std::string TfliteFiles::wanted() {
  names_ = external_file_names(model_.span());
  json::Value list = json::Value::array();
  for (const std::string& name : names_) list.push(name);
  return json::write(list);
}

double TfliteFiles::reserve_wanted(int index, double size) {
  files_.emplace_back(names_[static_cast<size_t>(index)], Bytes());
  return reserve_in(&files_.back().second, size);
}

Result<Model> TfliteFiles::open(ExternalPlaces* places) {
  const auto model = std::make_shared<const Bytes>(std::move(model_));
  if (model->empty()) return not_a_model("the file is empty: it has 0 bytes");
  ReadOptions options;
  options.places = places;
  for (auto& [name, bytes] : files_) {
    options.external_files[name] = std::make_shared<const Bytes>(std::move(bytes));
  }
  files_.clear();
  Result<Model> result = read_tflite(model, options);
  if (result.ok() || result.error().code != ErrorCode::kNotAModel) return result;
  return not_tflite(model->span(), result.take_status());
}

}  // namespace zeolite::wasm
