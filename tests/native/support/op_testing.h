// Runs one operator on tensors written down in a test.
#pragma once

#include <gmock/gmock.h>

#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/ops/evaluate.h"
#include "core/ops/table.h"

namespace zeolite::testing {

template <class T>
constexpr TensorType type_of() {
  if constexpr (std::is_same_v<T, float>) return TensorType::kFloat32;
  if constexpr (std::is_same_v<T, double>) return TensorType::kFloat64;
  if constexpr (std::is_same_v<T, int8_t>) return TensorType::kInt8;
  if constexpr (std::is_same_v<T, uint8_t>) return TensorType::kUint8;
  if constexpr (std::is_same_v<T, int16_t>) return TensorType::kInt16;
  if constexpr (std::is_same_v<T, uint16_t>) return TensorType::kUint16;
  if constexpr (std::is_same_v<T, int32_t>) return TensorType::kInt32;
  if constexpr (std::is_same_v<T, int64_t>) return TensorType::kInt64;
  if constexpr (std::is_same_v<T, bool>) return TensorType::kBool;
}

// An input: its type and shape, and its values where they are known.
struct Given {
  TensorType type = TensorType::kFloat32;
  Shape shape;
  std::vector<uint8_t> bytes;
  bool is_known = true;
  std::optional<Quantization> quantization;
};

template <class T>
Given given(Shape shape, const std::vector<T>& values) {
  Given tensor{type_of<T>(), std::move(shape), {}, true, {}};
  for (const T value : values) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    tensor.bytes.insert(tensor.bytes.end(), bytes, bytes + sizeof(T));
  }
  return tensor;
}

template <class T>
Given scalar(T value) {
  return given<T>({}, {value});
}

// [first, first + 1, ...] in the shape.
template <class T>
Given counting(Shape shape, T first = T{0}) {
  int64_t count = 1;
  for (int32_t size : shape) count *= size;
  std::vector<T> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<T>(first + i));
  return given<T>(std::move(shape), values);
}

// A tensor of which only type and shape are known; -1 is a free dimension.
template <class T>
Given unknown(Shape shape) {
  return {type_of<T>(), std::move(shape), {}, false, {}};
}

// What comes out: shapes and values, or the error's words.
struct Outcome {
  std::string error;
  std::vector<ConstantTensor> outputs;

  const Shape& shape(size_t index = 0) const { return outputs.at(index).shape; }
  template <class T>
  std::vector<T> values(size_t index = 0) const {
    const ConstantTensor& output = outputs.at(index);
    EXPECT_EQ(output.type, type_of<T>());
    std::vector<T> values(output.data.size() / sizeof(T));
    for (size_t i = 0; i < values.size(); ++i) {
      T value;
      std::memcpy(&value, output.data.data() + i * sizeof(T), sizeof(T));
      values[i] = value;
    }
    return values;
  }
};

inline std::vector<Operand> operands_of(const std::vector<Given>& inputs) {
  std::vector<Operand> operands(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    operands[i].type = inputs[i].type;
    operands[i].shape = inputs[i].shape;
    operands[i].data = inputs[i].bytes.empty() ? nullptr : inputs[i].bytes.data();
    operands[i].bytes = inputs[i].bytes.size();
    operands[i].has_data = operands[i].is_constant = inputs[i].is_known;
    if (inputs[i].quantization) operands[i].quantization = &*inputs[i].quantization;
  }
  return operands;
}

// Evaluates the operator; `output_types` count where it leaves them open.
inline Outcome run_op(BuiltinOperator code, Options options, const std::vector<Given>& inputs,
                      std::vector<TensorType> output_types = {TensorType::kFloat32}) {
  Operator op;
  op.code = code;
  op.options = std::move(options);
  const std::vector<Operand> operands = operands_of(inputs);
  std::vector<const Operand*> pointers;
  for (const Operand& operand : operands) pointers.push_back(&operand);
  Result<std::vector<ConstantTensor>> result = evaluate_constant(op, pointers, output_types);
  if (!result.ok()) return {result.error().message, {}};
  return {"", std::move(result).value()};
}

// The shapes that infer tells, such as "[?,3]"; "unknown" where only the data will tell; the
// error's words.
inline std::vector<std::string> infer_shapes(BuiltinOperator code, Options options,
                                             const std::vector<Given>& inputs,
                                             size_t output_count = 1) {
  Operator op;
  op.code = code;
  op.options = std::move(options);
  const std::vector<Operand> operands = operands_of(inputs);
  std::vector<const Operand*> pointers;
  for (const Operand& operand : operands) pointers.push_back(&operand);
  std::vector<Operand> outputs(output_count);
  std::vector<Operand*> output_pointers;
  for (Operand& output : outputs) output_pointers.push_back(&output);
  InferContext context(op, pointers, output_pointers, true);
  Status status = find_operator(op)->kernel->infer(context);
  if (!status.ok()) return {status.error().message};
  std::vector<std::string> shapes;
  for (const Operand& output : outputs) {
    shapes.push_back(output.has_shape ? shape_text(output.shape) : "unknown");
  }
  return shapes;
}

}  // namespace zeolite::testing
