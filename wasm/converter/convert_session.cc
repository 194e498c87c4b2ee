#include "wasm/converter/convert_session.h"

#include <utility>

#include "wasm/common/reply.h"

namespace zeolite::wasm {
namespace {

ConvertOptions read_options(const json::Value& value) {
  ConvertOptions options;
  options.format = value.string_or("format", "");
  for (const json::Member& member : value["inputShapes"].members()) {
    Shape shape;
    for (const json::Value& size : member.value.items()) {
      shape.push_back(static_cast<int32_t>(size.as_int().value_or(-1)));
    }
    options.input_shapes[member.key] = std::move(shape);
  }
  for (const json::Value& name : value["outputs"].items()) {
    options.outputs.emplace_back(name.as_string().value_or(""));
  }
  options.sparsify = value.bool_or("sparsify", false);
  options.min_runtime = value.string_or("minRuntime", "");
  return options;
}

}  // namespace

std::string ConvertSession::start(const std::string& options) {
  const Result<json::Value> parsed = json::parse(options);
  if (!parsed.ok()) return error_reply(parsed.error());
  conversion_ = std::make_unique<Conversion>(files_.take(), read_options(parsed.value()));
  return "{}";
}

std::string ConvertSession::step() {
  const Status status = conversion_->step();
  if (!status.ok()) return error_reply(status.error());
  const ConvertProgress& progress = conversion_->progress();
  json::Value reply = json::Value::object();
  reply.set("finished", conversion_->is_done());
  reply.set("stage", convert_stage_name(progress.stage));
  reply.set("done", progress.done);
  reply.set("total", progress.total);
  return json::write(reply);
}

double ConvertSession::result_size() const {
  return static_cast<double>(conversion_->tflite().size);
}

double ConvertSession::result_piece_count() const {
  return static_cast<double>(conversion_->tflite().pieces.size());
}

double ConvertSession::result_pieces() {
  pieces_.clear();
  for (const TfliteFile::Piece& piece : conversion_->tflite().pieces) {
    pieces_.push_back(static_cast<uint32_t>(piece.position));
    pieces_.push_back(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(piece.bytes.data())));
    pieces_.push_back(static_cast<uint32_t>(piece.bytes.size()));
  }
  return heap_offset(pieces_.data());
}

std::string ConvertSession::report() const { return json::write(conversion_->report()); }

}  // namespace zeolite::wasm
