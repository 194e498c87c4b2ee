#include "core/passes/editor.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace zeolite {
namespace {

size_t at(int32_t index) { return static_cast<size_t>(index); }

template <class T>
std::vector<T> copy_elements(std::span<const uint8_t> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

template <class T>
Result<Bytes> bytes_of(std::span<const T> values) {
  return Bytes::copy_of({reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()},
                        "a constant");
}

}  // namespace

Editor::Editor(Model* model, size_t subgraph) : model_(model), subgraph_(subgraph) {
  const Subgraph& graph = this->graph();
  original_count_ = graph.operators.size();
  live_.assign(original_count_, true);
  producer_.assign(graph.tensors.size(), -1);
  consumers_.resize(graph.tensors.size());
  output_uses_.assign(graph.tensors.size(), 0);
  is_input_.assign(graph.tensors.size(), false);
  for (int i = 0; i < operator_count(); ++i) {
    for (int32_t tensor : op(i).inputs) add_use(tensor, i);
    for (int32_t tensor : op(i).outputs) {
      if (tensor != kNoTensor) producer_[at(tensor)] = i;
    }
  }
  for (int32_t tensor : graph.outputs) ++output_uses_[at(tensor)];
  for (int32_t tensor : graph.inputs) is_input_[at(tensor)] = true;
  buffer_users_.assign(model->buffers.size(), 0);
  for (const Subgraph& each : model->subgraphs) {
    for (const Tensor& tensor : each.tensors) ++buffer_users_[tensor.buffer];
  }
  for (const Metadata& metadata : model->metadata) ++buffer_users_[metadata.buffer];
}

int Editor::producer(int32_t tensor) const {
  return tensor == kNoTensor ? -1 : producer_[at(tensor)];
}

std::span<const int> Editor::consumers(int32_t tensor) const { return consumers_[at(tensor)]; }

bool Editor::is_output(int32_t tensor) const { return output_uses_[at(tensor)] > 0; }

bool Editor::is_input(int32_t tensor) const { return is_input_[at(tensor)]; }

bool Editor::is_only_use(int32_t tensor, int op) const {
  const std::vector<int>& users = consumers_[at(tensor)];
  return users.size() == 1 && users[0] == op && !is_output(tensor);
}

bool Editor::is_constant(int32_t index) const {
  if (index == kNoTensor) return false;
  const Tensor& tensor = this->tensor(index);
  return tensor.buffer != kNoBuffer && !tensor.is_variable && producer_[at(index)] < 0 &&
         !is_input_[at(index)] && !model_->data(tensor).empty();
}

bool Editor::is_float(int32_t index) const {
  if (index == kNoTensor) return false;
  const Tensor& tensor = this->tensor(index);
  return tensor.type == TensorType::kFloat32 && tensor.has_rank && tensor.quantization == nullptr;
}

bool Editor::is_float_constant(int32_t index) const {
  return is_constant(index) && is_float(index) && tensor(index).sparsity == nullptr;
}

std::vector<float> Editor::floats(int32_t index) const {
  if (!is_float_constant(index)) return {};
  return copy_elements<float>(data(index));
}

std::vector<int32_t> Editor::ints(int32_t index) const {
  if (!is_constant(index) || tensor(index).type != TensorType::kInt32 ||
      tensor(index).sparsity != nullptr) {
    return {};
  }
  return copy_elements<int32_t>(data(index));
}

int32_t Editor::input(int op, size_t index) const {
  const std::vector<int32_t>& inputs = this->op(op).inputs;
  return index < inputs.size() ? inputs[index] : kNoTensor;
}

void Editor::add_use(int32_t tensor, int op) {
  if (tensor != kNoTensor) consumers_[at(tensor)].push_back(op);
}

void Editor::remove_use(int32_t tensor, int op) {
  if (tensor == kNoTensor) return;
  std::vector<int>& users = consumers_[at(tensor)];
  const auto found = std::find(users.begin(), users.end(), op);
  if (found != users.end()) users.erase(found);
  release(tensor);
}

void Editor::release(int32_t index) {
  if (!consumers_[at(index)].empty() || is_output(index) || is_input(index)) return;
  Tensor& tensor = this->tensor(index);
  if (tensor.buffer == kNoBuffer || tensor.is_variable) return;
  // Custom options may point into a buffer: those with a user of that kind are never freed here,
  // since only constants of this graph lose their last user.
  if (--buffer_users_[tensor.buffer] == 0) {
    const Buffer& buffer = model_->buffers[tensor.buffer];
    const uint8_t* begin = buffer.data.data();
    const uint8_t* end = begin + buffer.data.size();
    bool holds_options = false;
    for (const Subgraph& each : model_->subgraphs) {
      for (const Operator& op : each.operators) {
        const uint8_t* options = op.custom_options.data();
        holds_options |= options != nullptr && options >= begin && options < end;
      }
    }
    if (!holds_options) model_->buffers[tensor.buffer] = Buffer();
  }
  tensor.buffer = kNoBuffer;
}

void Editor::set_input(int op, size_t index, int32_t tensor) {
  std::vector<int32_t>& inputs = this->op(op).inputs;
  if (index >= inputs.size()) inputs.resize(index + 1, kNoTensor);
  const int32_t old = std::exchange(inputs[index], tensor);
  add_use(tensor, op);
  remove_use(old, op);
  mark_changed();
}

void Editor::set_inputs(int op, std::vector<int32_t> inputs) {
  const std::vector<int32_t> old = std::exchange(this->op(op).inputs, std::move(inputs));
  for (int32_t tensor : this->op(op).inputs) add_use(tensor, op);
  for (int32_t tensor : old) remove_use(tensor, op);
  mark_changed();
}

void Editor::set_output(int op, size_t index, int32_t tensor) {
  int32_t& slot = this->op(op).outputs[index];
  if (producer_[at(slot)] == op) producer_[at(slot)] = -1;
  slot = tensor;
  producer_[at(tensor)] = op;
  mark_changed();
}

void Editor::replace_uses(int32_t from, int32_t to) {
  if (from == to) return;
  const std::vector<int> users = consumers_[at(from)];
  for (int user : users) {
    std::vector<int32_t>& inputs = op(user).inputs;
    const auto found = std::find(inputs.begin(), inputs.end(), from);
    if (found != inputs.end()) set_input(user, static_cast<size_t>(found - inputs.begin()), to);
  }
  mark_changed();
}

void Editor::remove(int index) {
  live_[static_cast<size_t>(index)] = false;
  Operator& op = this->op(index);
  for (int32_t tensor : op.outputs) {
    if (tensor != kNoTensor && producer_[at(tensor)] == index) producer_[at(tensor)] = -1;
  }
  const std::vector<int32_t> inputs = std::exchange(op.inputs, {});
  for (int32_t tensor : inputs) remove_use(tensor, index);
  mark_changed();
}

bool Editor::bypass(int index, int32_t input) {
  const int32_t output = op(index).outputs[0];
  if (!is_output(output)) {
    replace_uses(output, input);
    remove(index);
    return true;
  }
  // The output's name must stay, so whoever makes the input writes there instead.
  const int maker = producer(input);
  if (maker < 0 || is_output(input) || is_input(input)) return false;
  const std::vector<int32_t>& made = op(maker).outputs;
  const auto slot = static_cast<size_t>(std::find(made.begin(), made.end(), input) - made.begin());
  remove(index);
  replace_uses(input, output);
  set_output(maker, slot, output);
  return true;
}

void Editor::take_over(int earlier, int later) {
  const int32_t output = op(later).outputs[0];
  join_sources(earlier, later);
  remove(later);
  set_output(earlier, 0, output);
}

void Editor::join_sources(int to, int from) {
  std::vector<int32_t>& sources = op(to).sources;
  for (int32_t source : op(from).sources) {
    if (std::find(sources.begin(), sources.end(), source) == sources.end()) {
      sources.push_back(source);
    }
  }
}

int32_t Editor::add_tensor(std::string name, TensorType type, Shape shape) {
  Tensor tensor;
  tensor.name = std::move(name);
  tensor.type = type;
  tensor.shape = std::move(shape);
  graph().tensors.push_back(std::move(tensor));
  producer_.push_back(-1);
  consumers_.emplace_back();
  output_uses_.push_back(0);
  is_input_.push_back(false);
  return static_cast<int32_t>(graph().tensors.size() - 1);
}

int32_t Editor::add_constant(std::string name, TensorType type, Shape shape, Bytes data) {
  const int32_t index = add_tensor(std::move(name), type, std::move(shape));
  tensor(index).buffer = model_->add_buffer(std::move(data));
  buffer_users_.push_back(1);
  return index;
}

Result<int32_t> Editor::add_floats(std::string name, Shape shape, std::span<const float> values) {
  ZEOLITE_ASSIGN(Bytes bytes, bytes_of(values));
  return add_constant(std::move(name), TensorType::kFloat32, std::move(shape), std::move(bytes));
}

Result<int32_t> Editor::add_ints(std::string name, Shape shape, std::span<const int32_t> values) {
  ZEOLITE_ASSIGN(Bytes bytes, bytes_of(values));
  return add_constant(std::move(name), TensorType::kInt32, std::move(shape), std::move(bytes));
}

int Editor::insert(int anchor, Operator op, bool is_before) {
  const int index = operator_count();
  graph().operators.push_back(std::move(op));
  live_.push_back(true);
  insertions_.push_back({anchor, is_before});
  for (int32_t tensor : this->op(index).inputs) add_use(tensor, index);
  for (int32_t tensor : this->op(index).outputs) producer_[at(tensor)] = index;
  mark_changed();
  return index;
}

int Editor::insert_before(int anchor, Operator op) { return insert(anchor, std::move(op), true); }
int Editor::insert_after(int anchor, Operator op) { return insert(anchor, std::move(op), false); }

void Editor::apply() {
  std::vector<Operator>& operators = graph().operators;
  // Where insertions have one anchor, the later of those before it stands nearer to it, and so does
  // the later of those after it: each was inserted when the earlier ones stood there already.
  std::vector<std::vector<int>> before(operators.size());
  std::vector<std::vector<int>> after(operators.size());
  for (size_t i = 0; i < insertions_.size(); ++i) {
    const Insertion& insertion = insertions_[i];
    auto& list = insertion.is_before ? before : after;
    list[static_cast<size_t>(insertion.anchor)].push_back(static_cast<int>(original_count_ + i));
  }
  std::vector<int> order;
  std::vector<std::pair<int, int>> stack;  // Operator, and how far its visit is.
  for (size_t i = original_count_; i > 0; --i) stack.emplace_back(static_cast<int>(i - 1), 0);
  while (!stack.empty()) {
    const auto [index, step] = stack.back();
    stack.pop_back();
    if (step == 1) {
      order.push_back(index);
      continue;
    }
    const std::vector<int>& behind = after[static_cast<size_t>(index)];
    for (const int each : behind) stack.emplace_back(each, 0);
    stack.emplace_back(index, 1);
    const std::vector<int>& ahead = before[static_cast<size_t>(index)];
    for (size_t k = ahead.size(); k > 0; --k) stack.emplace_back(ahead[k - 1], 0);
  }
  std::vector<Operator> kept;
  for (const int index : order) {
    if (is_live(index)) kept.push_back(std::move(op(index)));
  }
  operators = std::move(kept);
}

}  // namespace zeolite
