#include "wasm/runtime/runtime_session.h"

#include <chrono>

#include "core/formats/json.h"
#include "core/inspect/tensor_json.h"
#include "wasm/common/reply.h"
#include "wasm/runtime/js_operators.h"

namespace zeolite::wasm {
namespace {

// Instances live longer than models, and their threads with them: starting a thread anew would need
// a turn of JavaScript's event loop.
std::shared_ptr<ThreadPool> shared_pool(int threads) {
  static std::shared_ptr<ThreadPool> pool;
  if (threads > 1 && pool == nullptr) pool = std::make_shared<ThreadPool>(threads);
  return pool;
}

int32_t position_of(const std::vector<int32_t>& tensors, int32_t tensor) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i] == tensor) return static_cast<int32_t>(i);
  }
  return -1;
}

json::Value subgraph_info(const Subgraph& subgraph) {
  auto infos = [&](const std::vector<int32_t>& tensors) {
    json::Value list = json::Value::array();
    for (int32_t index : tensors) {
      const Tensor& tensor = subgraph.tensors[index];
      list.push(tensor_info_json(tensor.name, tensor.type, tensor.shape, tensor.has_rank,
                                 tensor.quantization.get()));
    }
    return list;
  };
  json::Value info = json::Value::object();
  info.set("inputs", infos(subgraph.inputs));
  info.set("outputs", infos(subgraph.outputs));
  return info;
}

// Names of a signature by position among its subgraph's inputs or outputs.
json::Value signature_names(const std::vector<SignatureTensor>& named,
                            const std::vector<int32_t>& tensors) {
  json::Value list = json::Value::array();
  for (const SignatureTensor& tensor : named) {
    json::Value entry = json::Value::object();
    entry.set("name", tensor.name);
    entry.set("position", position_of(tensors, tensor.tensor));
    list.push(std::move(entry));
  }
  return list;
}

// Handles of variables and tables, and lists of tensors, mean nothing outside of the model.
Status check_passable(const Subgraph& subgraph) {
  for (const auto* tensors : {&subgraph.inputs, &subgraph.outputs}) {
    for (int32_t index : *tensors) {
      const Tensor& tensor = subgraph.tensors[index];
      if (tensor.type != TensorType::kResource && tensor.type != TensorType::kVariant) continue;
      return unsupported(std::string(tensors == &subgraph.inputs ? "input " : "output ") +
                         tensor.name + " is a " + std::string(tensor_type_name(tensor.type)) +
                         ", which can't leave or enter the model");
    }
  }
  return {};
}

// The same of all that can be run from outside.
Status check_passable(const Model& model) {
  ZEOLITE_TRY(check_passable(model.subgraphs[0]));
  for (const Signature& signature : model.signatures) {
    ZEOLITE_TRY(check_passable(model.subgraphs[signature.subgraph]));
  }
  return {};
}

json::Value describe(const Model& model) {
  json::Value subgraphs = json::Value::object();
  auto add_subgraph = [&](int32_t index) {
    const std::string key = std::to_string(index);
    if (subgraphs.find(key) == nullptr) subgraphs.set(key, subgraph_info(model.subgraphs[index]));
  };
  add_subgraph(0);
  json::Value signatures = json::Value::array();
  for (const Signature& signature : model.signatures) {
    const Subgraph& subgraph = model.subgraphs[signature.subgraph];
    add_subgraph(signature.subgraph);
    json::Value entry = json::Value::object();
    entry.set("key", signature.key);
    entry.set("subgraph", signature.subgraph);
    entry.set("inputs", signature_names(signature.inputs, subgraph.inputs));
    entry.set("outputs", signature_names(signature.outputs, subgraph.outputs));
    signatures.push(std::move(entry));
  }
  json::Value reply = json::Value::object();
  reply.set("subgraphs", std::move(subgraphs));
  reply.set("signatures", std::move(signatures));
  return reply;
}

}  // namespace

RuntimeSession::RuntimeSession(int threads) : threads_(threads) {}

void RuntimeSession::use_operators(const std::string& names, emscripten::val handler) {
  std::set<std::string, std::less<>> set;
  const Result<json::Value> parsed = json::parse(names);
  if (!parsed.ok()) return;
  for (const json::Value& name : parsed.value().items()) {
    set.insert(std::string(name.as_string().value_or("")));
  }
  operators_ = std::make_shared<JsOperators>(std::move(set), std::move(handler));
}

double RuntimeSession::reserve(double size) { return files_.reserve(size); }

std::string RuntimeSession::wanted_files() { return files_.wanted(); }

double RuntimeSession::reserve_wanted(int index, double size) {
  return files_.reserve_wanted(index, size);
}

std::string RuntimeSession::load() {
  Result<Model> model = files_.open();
  if (!model.ok()) return error_reply(model.error());
  InterpreterOptions options;
  options.pool = shared_pool(threads_);
  options.user_operators = operators_;
  Result<std::unique_ptr<Interpreter>> interpreter =
      Interpreter::create(std::move(model).value(), std::move(options));
  if (!interpreter.ok()) return error_reply(interpreter.error());
  const Status passable = check_passable(interpreter.value()->model());
  if (!passable.ok()) return error_reply(passable.error());
  interpreter_ = std::move(interpreter).value();
  metadata_ = read_metadata(interpreter_->model());
  json::Value reply = describe(interpreter_->model());
  reply.set("metadata", metadata_value(metadata_));
  return json::write(reply);
}

std::string RuntimeSession::prepare(int subgraph, const std::string& shapes) {
  const Result<json::Value> parsed = json::parse(shapes);
  if (!parsed.ok()) return error_text(parsed.error());
  for (size_t i = 0; i < parsed.value().size(); ++i) {
    Shape shape;
    for (const json::Value& size : parsed.value().at(i).items()) {
      shape.push_back(static_cast<int32_t>(size.as_int().value_or(0)));
    }
    const Status status = interpreter_->resize_input(subgraph, i, std::move(shape));
    if (!status.ok()) return error_text(status.error());
  }
  const Status status = interpreter_->prepare(subgraph);
  return status.ok() ? std::string() : error_text(status.error());
}

std::string RuntimeSession::resize_input(int subgraph, int input, double bytes) {
  const Result<std::span<uint8_t>> data =
      interpreter_->resize_input_data(subgraph, input, static_cast<uint64_t>(bytes));
  return data.ok() ? std::string() : error_text(data.error());
}

double RuntimeSession::input_table(int subgraph) {
  words_.clear();
  const size_t count = interpreter_->model().subgraphs[subgraph].inputs.size();
  for (size_t i = 0; i < count; ++i) {
    const Result<std::span<uint8_t>> data = interpreter_->input_data(subgraph, i);
    if (!data.ok()) return fail(data.error());
    words_.push_back(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(data.value().data())));
    words_.push_back(static_cast<uint32_t>(data.value().size()));
  }
  return words_offset();
}

double RuntimeSession::run(int subgraph) {
  const Status status = interpreter_->run(subgraph);
  if (!status.ok()) return fail(status.error());
  words_.clear();
  const size_t count = interpreter_->model().subgraphs[subgraph].outputs.size();
  for (size_t i = 0; i < count; ++i) {
    const Operand& output = interpreter_->output(subgraph, i);
    words_.push_back(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(output.data)));
    words_.push_back(static_cast<uint32_t>(output.bytes));
    words_.push_back(static_cast<uint32_t>(output.rank()));
    for (int32_t size : output.shape) words_.push_back(static_cast<uint32_t>(size));
  }
  return words_offset();
}

std::string RuntimeSession::error() const { return error_; }

std::string RuntimeSession::profile(int subgraph) {
  std::vector<OperatorProfile> operators;
  RunOptions options;
  options.profile = &operators;
  const auto begin = std::chrono::steady_clock::now();
  const Status status = interpreter_->run(subgraph, options);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
  if (!status.ok()) return error_reply(status.error());
  json::Value list = json::Value::array();
  for (const OperatorProfile& one : operators) {
    json::Value entry = json::Value::object();
    entry.set("subgraph", subgraph);
    entry.set("index", one.index);
    entry.set("name", one.type);
    entry.set("tensor", one.name);
    entry.set("kernel", one.kernel);
    entry.set("time", one.time_ms);
    if (one.gflop_per_s > 0) entry.set("gflops", one.gflop_per_s);
    if (one.gbyte_per_s > 0) entry.set("gbps", one.gbyte_per_s);
    list.push(std::move(entry));
  }
  const MemoryUse memory = interpreter_->memory();
  json::Value reply = json::Value::object();
  reply.set("time", time.count());
  reply.set("operators", std::move(list));
  reply.set("arena", static_cast<double>(memory.arena_bytes));
  reply.set("packed", static_cast<double>(memory.packed_bytes));
  return json::write(reply);
}

void RuntimeSession::reset() { interpreter_->reset(); }

double RuntimeSession::words_offset() const {
  // An empty list still has an address that is not 0, so that 0 always means an error.
  static constexpr uint32_t kEmpty[1] = {};
  return heap_offset(words_.empty() ? kEmpty : words_.data());
}

double RuntimeSession::fail(const Error& error) {
  error_ = error_text(error);
  return 0;
}

}  // namespace zeolite::wasm
