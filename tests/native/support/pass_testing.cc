#include "tests/native/support/pass_testing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "core/ops/evaluate.h"
#include "core/passes/linear.h"
#include "core/runtime/interpreter.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

template <class T>
Bytes bytes_of(const std::vector<T>& values) {
  Result<Bytes> bytes = Bytes::copy_of(
      {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T)}, "a constant");
  return std::move(bytes).value();
}

// What the model gives for seeded inputs, one list of numbers an output.
std::vector<std::vector<double>> results_of(Model model) {
  const std::vector<int32_t> inputs = model.subgraphs[0].inputs;
  const size_t output_count = model.subgraphs[0].outputs.size();
  Result<std::unique_ptr<Interpreter>> made = Interpreter::create(std::move(model), {});
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  if (!made.ok()) return {};
  Interpreter& interpreter = *made.value();
  std::mt19937 random(7);
  for (size_t i = 0; i < inputs.size(); ++i) {
    Shape shape = interpreter.input(0, i).shape;
    const Tensor& tensor =
        interpreter.model().subgraphs[0].tensors[static_cast<size_t>(inputs[i])];
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (tensor.shape[axis] < 0) shape[axis] = 2;
    }
    EXPECT_TRUE(interpreter.resize_input(0, i, shape).ok());
  }
  const Status prepared = interpreter.prepare(0);
  EXPECT_TRUE(prepared.ok()) << (prepared.ok() ? "" : prepared.error().message);
  if (!prepared.ok()) return {};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::span<uint8_t> data = interpreter.input_data(0, i).value();
    if (interpreter.input(0, i).type == TensorType::kFloat32) {
      for (size_t k = 0; k + 4 <= data.size(); k += 4) {
        const float value = std::uniform_real_distribution<float>(-4, 4)(random);
        std::memcpy(data.data() + k, &value, 4);
      }
    } else {
      std::fill(data.begin(), data.end(), uint8_t{0});
    }
  }
  const Status run = interpreter.run(0);
  EXPECT_TRUE(run.ok()) << (run.ok() ? "" : run.error().message);
  std::vector<std::vector<double>> results;
  for (size_t i = 0; i < output_count && run.ok(); ++i) {
    const Operand& output = interpreter.output(0, i);
    std::vector<double>& values = results.emplace_back();
    if (output.type == TensorType::kFloat32) {
      const auto* data = reinterpret_cast<const float*>(output.data);
      values.assign(data, data + output.bytes / 4);
    } else {
      values.assign(output.data, output.data + output.bytes);
    }
    for (int32_t size : output.shape) values.push_back(size);
  }
  return results;
}

std::vector<std::string> names_of(const Subgraph& graph, const std::vector<int32_t>& tensors) {
  std::vector<std::string> names;
  for (int32_t tensor : tensors) names.push_back(graph.tensors[static_cast<size_t>(tensor)].name);
  return names;
}

}  // namespace

TestGraph::TestGraph() { model_.subgraphs.emplace_back(); }

int32_t TestGraph::input(Shape shape, TensorType type) {
  Tensor tensor;
  tensor.name = "input" + std::to_string(graph().inputs.size());
  tensor.type = type;
  tensor.shape = std::move(shape);
  graph().tensors.push_back(std::move(tensor));
  graph().inputs.push_back(static_cast<int32_t>(graph().tensors.size() - 1));
  return graph().inputs.back();
}

int32_t TestGraph::constant(Shape shape, std::vector<float> values) {
  Tensor tensor;
  tensor.name = "constant" + std::to_string(graph().tensors.size());
  tensor.shape = std::move(shape);
  tensor.buffer = model_.add_buffer(bytes_of(values));
  graph().tensors.push_back(std::move(tensor));
  return static_cast<int32_t>(graph().tensors.size() - 1);
}

int32_t TestGraph::ints(std::vector<int32_t> values) {
  return ints({static_cast<int32_t>(values.size())}, values);
}

int32_t TestGraph::ints(Shape shape, std::vector<int32_t> values) {
  Tensor tensor;
  tensor.name = "ints" + std::to_string(graph().tensors.size());
  tensor.type = TensorType::kInt32;
  tensor.shape = std::move(shape);
  tensor.buffer = model_.add_buffer(bytes_of(values));
  graph().tensors.push_back(std::move(tensor));
  return static_cast<int32_t>(graph().tensors.size() - 1);
}

int32_t TestGraph::random(Shape shape) {
  std::vector<float> values(static_cast<size_t>(element_count(shape).value()));
  for (float& value : values) value = std::uniform_real_distribution<float>(-1, 1)(random_);
  return constant(std::move(shape), std::move(values));
}

int32_t TestGraph::add(BuiltinOperator code, std::vector<int32_t> inputs, Options options,
                       TensorType type) {
  Tensor tensor;
  tensor.type = type;
  tensor.name = "tensor" + std::to_string(graph().tensors.size());
  graph().tensors.push_back(std::move(tensor));
  const auto output = static_cast<int32_t>(graph().tensors.size() - 1);
  Operator op;
  op.code = code;
  op.inputs = std::move(inputs);
  op.outputs = {output};
  op.options = std::move(options);
  op.sources = {static_cast<int32_t>(graph().operators.size())};
  graph().operators.push_back(std::move(op));
  const Status status = infer_operator(model_, graph(), graph().operators.size() - 1);
  EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
  return output;
}

void TestGraph::output(int32_t tensor, std::string name) {
  if (!name.empty()) graph().tensors[static_cast<size_t>(tensor)].name = std::move(name);
  graph().outputs.push_back(tensor);
}

const Shape& TestGraph::shape(int32_t tensor) const {
  return model_.subgraphs[0].tensors[static_cast<size_t>(tensor)].shape;
}

int32_t TestGraph::conv(int32_t input, Shape filter, Padding padding, int32_t stride) {
  Conv2DOptions options;
  options.padding = padding;
  options.stride_h = options.stride_w = stride;
  const int32_t bias = random({filter[0]});
  return add(Op::kConv2d, {input, random(std::move(filter)), bias}, options);
}

int32_t TestGraph::depthwise(int32_t input, Shape filter, Padding padding) {
  DepthwiseConv2DOptions options;
  options.padding = padding;
  options.stride_h = options.stride_w = 1;
  options.depth_multiplier = filter[3] / shape(input)[3];
  const int32_t bias = random({filter[3]});
  return add(Op::kDepthwiseConv2d, {input, random(std::move(filter)), bias}, options);
}

int32_t TestGraph::fully_connected(int32_t input, int32_t outputs, bool has_bias) {
  FullyConnectedOptions options;
  options.keep_num_dims = shape(input).size() > 2;
  std::vector<int32_t> inputs = {input, random({outputs, shape(input).back()})};
  if (has_bias) inputs.push_back(random({outputs}));
  return add(Op::kFullyConnected, std::move(inputs), options);
}

int32_t TestGraph::reshape(int32_t input, Shape shape) {
  ReshapeOptions options;
  options.new_shape = shape;
  return add(Op::kReshape, {input, ints(shape)}, options);
}

int32_t TestGraph::transpose(int32_t input, std::vector<int32_t> order) {
  return add(Op::kTranspose, {input, ints(std::move(order))}, TransposeOptions());
}

int32_t TestGraph::reduce(BuiltinOperator code, int32_t input, std::vector<int32_t> axes,
                          bool keep_dims) {
  ReducerOptions options;
  options.keep_dims = keep_dims;
  return add(code, {input, ints(std::move(axes))}, options);
}

Model optimized(const MakeGraph& make, const PassOptions& options) {
  TestGraph plain;
  make(plain);
  TestGraph changed;
  make(changed);
  const std::vector<std::string> outputs = names_of(plain.graph(), plain.graph().outputs);
  const std::vector<std::string> inputs = names_of(plain.graph(), plain.graph().inputs);
  const std::vector<std::vector<double>> expected = results_of(plain.take());

  // Results can only be compared with a model that is consumed: the passes run on two alike.
  TestGraph again;
  make(again);
  Model result = changed.take();
  Model to_run = again.take();
  for (Model* model : {&result, &to_run}) {
    const Status status = run_conversion_passes(model, options);
    EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
  }
  EXPECT_EQ(names_of(result.subgraphs[0], result.subgraphs[0].outputs), outputs);
  EXPECT_EQ(names_of(result.subgraphs[0], result.subgraphs[0].inputs), inputs);
  const std::string operators = operators_of(result);
  const size_t tensor_count = result.subgraphs[0].tensors.size();
  EXPECT_TRUE(run_conversion_passes(&result, options).ok());
  EXPECT_EQ(operators_of(result), operators) << "a second run found something to do";
  EXPECT_EQ(result.subgraphs[0].tensors.size(), tensor_count);

  const std::vector<std::vector<double>> found = results_of(std::move(to_run));
  EXPECT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < expected.size() && i < found.size(); ++i) {
    EXPECT_EQ(found[i].size(), expected[i].size());
    for (size_t k = 0; k < expected[i].size() && k < found[i].size(); ++k) {
      EXPECT_NEAR(found[i][k], expected[i][k], 1e-5 * (10 + std::abs(expected[i][k])))
          << "output " << i << ", element " << k;
    }
  }
  return result;
}

std::string operators_of(const Model& model) {
  std::string names;
  for (const Operator& op : model.subgraphs[0].operators) {
    names += (names.empty() ? "" : " ") + operator_name(op);
  }
  return names;
}

std::string optimized_operators(const MakeGraph& make) { return operators_of(optimized(make)); }

ActivationFunctionType activation_of_operator(const Model& model, size_t index) {
  return activation_of(model.subgraphs[0].operators[index]);
}

}  // namespace zeolite
