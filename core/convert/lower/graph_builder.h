// Adds constants, operators and tensors to the graph that a conversion makes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/graph/graph.h"

namespace zeolite {

// Builds the main subgraph of a model. Everything added between two calls of begin_layer belongs to
// that layer: its operators carry the layer's index in `sources`, its tensors the layer's path.
class GraphBuilder {
 public:
  // Without data, constants have shapes and types but no bytes: enough to learn what the layers'
  // outputs look like, at no cost in memory.
  GraphBuilder(Model* model, bool with_data);

  void begin_layer(int32_t source, std::string path);
  // Gives the layer's outputs its name, and what leads to them names derived from it.
  void end_layer(std::span<const int32_t> outputs);

  // A tensor that is fed from outside.
  int32_t add_input(std::string name, TensorType type, Shape shape);

  // Writes a constant's elements; called only when there is to be data.
  template <class T>
  using Fill = std::function<void(std::span<T>)>;

  // A constant of float32 with `role` in its name ("kernel"). Each is its own, so that passes can
  // fold into one use without looking at others; what stays equal is merged at the end.
  int32_t floats(std::string_view role, Shape shape, const Fill<float>& fill);
  // Scalars and lists of integers are shared by all who need the same.
  int32_t float_scalar(float value);
  int32_t ints(std::span<const int32_t> values);  // Rank 1.
  int32_t ints(std::initializer_list<int32_t> values) {
    return ints(std::span(values.begin(), values.size()));
  }
  int32_t int_scalar(int32_t value);
  int32_t int_pairs(std::span<const int32_t> values);  // Shape [n/2,2].

  // Appends an operator with one output of that type and shape and returns it.
  int32_t add(BuiltinOperator code, Options options, std::vector<int32_t> inputs, TensorType type,
              Shape shape);
  // The same with several outputs.
  std::vector<int32_t> add_multiple(BuiltinOperator code, Options options,
                                    std::vector<int32_t> inputs, TensorType type,
                                    std::span<const Shape> shapes);

  // Common operators; shapes follow from the inputs'.
  int32_t unary(BuiltinOperator code, int32_t input, Options options = {});
  // Operands broadcast as NumPy does (callers checked that they do); the output is bool for
  // comparisons.
  int32_t binary(BuiltinOperator code, int32_t a, int32_t b);
  int32_t select(int32_t condition, int32_t a, int32_t b);  // SELECT_V2
  // Free sizes in `shape` are those that the input has too. Errors: kUnsupported when more than the
  // first and one other are free.
  Result<int32_t> reshape(int32_t input, Shape shape);
  // With an axis of size 1 before `axis`.
  int32_t expand_dims(int32_t input, int32_t axis);
  int32_t transpose(int32_t input, std::span<const int32_t> permutation);
  // `amounts` are before and after for each axis.
  int32_t pad(int32_t input, std::span<const int32_t> amounts);
  // Elements from `begin`, up to `end` before the axis' end, for each axis.
  int32_t crop(int32_t input, std::span<const int32_t> begin, std::span<const int32_t> end);
  int32_t reduce(BuiltinOperator code, int32_t input, std::span<const int32_t> axes,
                 bool keep_dims);
  // The size of `axis` as a scalar, found when the model runs.
  int32_t size_of(int32_t input, int32_t axis);
  // A rank 1 tensor of `sizes`, where -1 stands for the input's size of the same axis.
  int32_t sizes_like(int32_t input, std::span<const int32_t> sizes);

  const Shape& shape(int32_t tensor) const { return tensors()[index(tensor)].shape; }
  TensorType type(int32_t tensor) const { return tensors()[index(tensor)].type; }
  bool with_data() const { return with_data_; }
  // The first thing that failed where no error could be returned (an allocation, operands that do
  // not broadcast), if any.
  Status take_status() { return std::move(status_); }

 private:
  static size_t index(int32_t tensor) { return static_cast<size_t>(tensor); }
  std::vector<Tensor>& tensors() { return model_->subgraphs[0].tensors; }
  const std::vector<Tensor>& tensors() const { return model_->subgraphs[0].tensors; }
  int32_t add_tensor(TensorType type, Shape shape);
  int32_t add_constant(TensorType type, Shape shape, std::string name, Bytes bytes);
  int32_t shared_ints(Shape shape, std::span<const int32_t> values);
  Shape broadcast(std::span<const int32_t> a, std::span<const int32_t> b);

  Model* model_;
  bool with_data_;
  int32_t source_ = -1;
  std::string path_;
  size_t first_tensor_ = 0;  // Of the current layer.
  std::map<std::string, int32_t> shared_;  // Constants by type, shape and content.
  Status status_;
};

}  // namespace zeolite
