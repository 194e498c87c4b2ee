// Small models made in memory, and one call that runs them.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "core/runtime/interpreter.h"

namespace zeolite::testing {

template <class T>
constexpr TensorType type_of() {
  if constexpr (std::is_same_v<T, float>) return TensorType::kFloat32;
  if constexpr (std::is_same_v<T, int32_t>) return TensorType::kInt32;
  if constexpr (std::is_same_v<T, int64_t>) return TensorType::kInt64;
  if constexpr (std::is_same_v<T, int8_t>) return TensorType::kInt8;
  if constexpr (std::is_same_v<T, uint8_t>) return TensorType::kBool;
  if constexpr (std::is_same_v<T, uint16_t>) return TensorType::kFloat16;
}

// A tensor's shape and values, as inputs and as results.
template <class T>
struct Values {
  Shape shape;
  std::vector<T> data;
};

// Subgraphs, built step by step and one after the other; each call gives the index of the new
// tensor.
class ModelBuilder {
 public:
  ModelBuilder() { model_.subgraphs.emplace_back(); }

  int32_t tensor(TensorType type, Shape shape = {}) {
    Tensor tensor;
    tensor.name = "t" + std::to_string(main().tensors.size());
    tensor.type = type;
    tensor.shape = std::move(shape);
    main().tensors.push_back(std::move(tensor));
    return static_cast<int32_t>(main().tensors.size() - 1);
  }
  int32_t input(TensorType type, Shape shape) {
    main().inputs.push_back(tensor(type, std::move(shape)));
    return main().inputs.back();
  }
  template <class T>
  int32_t constant(Shape shape, const std::vector<T>& values) {
    const int32_t index = tensor(type_of<T>(), std::move(shape));
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(values.data()),
                                         values.size() * sizeof(T));
    main().tensors[index].buffer =
        model_.add_buffer(std::move(Bytes::copy_of(bytes, "a constant")).value());
    return index;
  }
  // Adds an operator with one output of `type`.
  int32_t op(BuiltinOperator code, std::vector<int32_t> inputs, TensorType type,
             Options options = {}) {
    return ops(code, std::move(inputs), type, 1, std::move(options));
  }
  // The same with `outputs` outputs; gives the first one's index, the others follow it.
  int32_t ops(BuiltinOperator code, std::vector<int32_t> inputs, TensorType type, int outputs,
              Options options = {}, int version = 1) {
    Operator op;
    op.code = code;
    op.version = code == BuiltinOperator::kBroadcastTo ? 2 : version;
    op.inputs = std::move(inputs);
    for (int i = 0; i < outputs; ++i) op.outputs.push_back(tensor(type));
    op.options = std::move(options);
    const int32_t first = op.outputs[0];
    main().operators.push_back(std::move(op));
    return first;
  }
  void output(int32_t tensor) { main().outputs.push_back(tensor); }
  // What follows makes another subgraph, of which this is the index.
  int32_t begin_subgraph() {
    model_.subgraphs.emplace_back();
    model_.subgraphs.back().name = "subgraph" + std::to_string(model_.subgraphs.size() - 1);
    return static_cast<int32_t>(model_.subgraphs.size() - 1);
  }
  // The subgraph that is being made.
  Subgraph& main() { return model_.subgraphs.back(); }
  Model& model() { return model_; }

  Result<std::unique_ptr<Interpreter>> interpreter(InterpreterOptions options = {}) {
    return Interpreter::create(std::move(model_), std::move(options));
  }

 private:
  Model model_;
};

template <class T>
void set_input(Interpreter& interpreter, size_t index, const Values<T>& values) {
  Status status = interpreter.resize_input(0, index, values.shape);
  ASSERT_TRUE(status.ok()) << status.error().message;
  status = interpreter.prepare(0);
  ASSERT_TRUE(status.ok()) << status.error().message;
  Result<std::span<uint8_t>> target = interpreter.input_data(0, index);
  ASSERT_TRUE(target.ok());
  ASSERT_EQ(target->size(), values.data.size() * sizeof(T));
  if (!values.data.empty()) std::memcpy(target->data(), values.data.data(), target->size());
}

template <class T>
Values<T> output_values(const Interpreter& interpreter, size_t index = 0) {
  const Operand& output = interpreter.output(0, index);
  Values<T> values{output.shape, std::vector<T>(output.bytes / sizeof(T))};
  if (output.bytes > 0) std::memcpy(values.data.data(), output.data, output.bytes);
  return values;
}

}  // namespace zeolite::testing
