#include "core/convert/lower/graph_builder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/ops/check.h"

namespace zeolite {
namespace {

std::string key_of(TensorType type, std::span<const int32_t> shape,
                   std::span<const uint8_t> bytes) {
  std::string key(1, static_cast<char>(type));
  key += shape_text(shape);
  key.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return key;
}

template <class T>
std::span<const uint8_t> as_bytes(std::span<const T> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

bool is_comparison(BuiltinOperator code) {
  switch (code) {
    case BuiltinOperator::kEqual:
    case BuiltinOperator::kNotEqual:
    case BuiltinOperator::kGreater:
    case BuiltinOperator::kGreaterEqual:
    case BuiltinOperator::kLess:
    case BuiltinOperator::kLessEqual: return true;
    default: return false;
  }
}

// Files of the real converter carry the option tables of these, and its readers rely on them.
Options options_of(BuiltinOperator code) {
  switch (code) {
    case BuiltinOperator::kAdd: return AddOptions();
    case BuiltinOperator::kSub: return SubOptions();
    case BuiltinOperator::kMul: return MulOptions();
    case BuiltinOperator::kDiv: return DivOptions();
    default: return {};
  }
}

}  // namespace

GraphBuilder::GraphBuilder(Model* model, bool with_data) : model_(model), with_data_(with_data) {
  model_->subgraphs.resize(1);
  model_->subgraphs[0].name = "main";
}

void GraphBuilder::begin_layer(int32_t source, std::string path) {
  source_ = source;
  path_ = std::move(path);
  first_tensor_ = tensors().size();
}

void GraphBuilder::end_layer(std::span<const int32_t> outputs) {
  int next = 1;
  for (size_t i = first_tensor_; i < tensors().size(); ++i) {
    Tensor& tensor = tensors()[i];
    if (tensor.buffer != kNoBuffer || !tensor.name.empty()) continue;
    const auto output = std::find(outputs.begin(), outputs.end(), static_cast<int32_t>(i));
    if (output != outputs.end()) {
      tensor.name = path_;
      if (output != outputs.begin()) {
        tensor.name += ":" + std::to_string(output - outputs.begin());
      }
    } else {
      tensor.name = path_ + "/" + std::to_string(next++);
    }
  }
}

int32_t GraphBuilder::add_input(std::string name, TensorType type, Shape shape) {
  const int32_t tensor = add_tensor(type, std::move(shape));
  tensors()[index(tensor)].name = std::move(name);
  return tensor;
}

int32_t GraphBuilder::add_tensor(TensorType type, Shape shape) {
  Tensor tensor;
  tensor.type = type;
  tensor.shape = std::move(shape);
  tensors().push_back(std::move(tensor));
  return static_cast<int32_t>(tensors().size() - 1);
}

int32_t GraphBuilder::add_constant(TensorType type, Shape shape, std::string name, Bytes bytes) {
  const int32_t tensor = add_tensor(type, std::move(shape));
  tensors()[index(tensor)].name = std::move(name);
  tensors()[index(tensor)].buffer = model_->add_buffer(std::move(bytes));
  return tensor;
}

int32_t GraphBuilder::floats(std::string_view role, Shape shape, const Fill<float>& fill) {
  Bytes bytes;
  if (with_data_) {
    const Result<uint64_t> size = byte_size(TensorType::kFloat32, shape);
    Result<Bytes> allocated = size.ok()
                                  ? Bytes::allocate_zeroed(size.value(), path_ + "'s weights")
                                  : Result<Bytes>(bad_input(size.error().message));
    if (!allocated.ok()) {
      if (status_.ok()) status_ = allocated.take_status();
    } else {
      bytes = std::move(allocated).value();
      fill({reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)});
    }
  }
  std::string name = path_ + "/" + std::string(role);
  return add_constant(TensorType::kFloat32, std::move(shape), std::move(name), std::move(bytes));
}

int32_t GraphBuilder::float_scalar(float value) {
  const std::span<const float> values(&value, 1);
  const std::string key = key_of(TensorType::kFloat32, {}, as_bytes(values));
  if (const auto found = shared_.find(key); found != shared_.end()) return found->second;
  Result<Bytes> bytes = Bytes::copy_of(as_bytes(values), "a constant");
  if (!bytes.ok() && status_.ok()) status_ = bytes.take_status();
  const int32_t tensor = add_constant(TensorType::kFloat32, {}, "",
                                      bytes.ok() ? std::move(bytes).value() : Bytes());
  shared_.emplace(key, tensor);
  return tensor;
}

int32_t GraphBuilder::shared_ints(Shape shape, std::span<const int32_t> values) {
  const std::string key = key_of(TensorType::kInt32, shape, as_bytes(values));
  if (const auto found = shared_.find(key); found != shared_.end()) return found->second;
  Result<Bytes> bytes = Bytes::copy_of(as_bytes(values), "a constant");
  if (!bytes.ok() && status_.ok()) status_ = bytes.take_status();
  const int32_t tensor = add_constant(TensorType::kInt32, std::move(shape), "",
                                      bytes.ok() ? std::move(bytes).value() : Bytes());
  shared_.emplace(key, tensor);
  return tensor;
}

int32_t GraphBuilder::ints(std::span<const int32_t> values) {
  return shared_ints({static_cast<int32_t>(values.size())}, values);
}

int32_t GraphBuilder::int_scalar(int32_t value) { return shared_ints({}, std::span(&value, 1)); }

int32_t GraphBuilder::int_pairs(std::span<const int32_t> values) {
  return shared_ints({static_cast<int32_t>(values.size() / 2), 2}, values);
}

std::vector<int32_t> GraphBuilder::add_multiple(BuiltinOperator code, Options options,
                                                std::vector<int32_t> inputs, TensorType type,
                                                std::span<const Shape> shapes) {
  Operator op;
  op.code = code;
  op.options = std::move(options);
  op.inputs = std::move(inputs);
  for (const Shape& shape : shapes) op.outputs.push_back(add_tensor(type, shape));
  if (source_ >= 0) op.sources.push_back(source_);
  std::vector<int32_t> outputs = op.outputs;
  model_->subgraphs[0].operators.push_back(std::move(op));
  return outputs;
}

int32_t GraphBuilder::add(BuiltinOperator code, Options options, std::vector<int32_t> inputs,
                          TensorType type, Shape shape) {
  return add_multiple(code, std::move(options), std::move(inputs), type, std::span(&shape, 1))[0];
}

int32_t GraphBuilder::unary(BuiltinOperator code, int32_t input, Options options) {
  return add(code, std::move(options), {input}, type(input), shape(input));
}

Shape GraphBuilder::broadcast(std::span<const int32_t> a, std::span<const int32_t> b) {
  Result<Shape> result = broadcast_shape(a, b);
  if (result.ok()) return std::move(result).value();
  if (status_.ok()) status_ = result.take_status();
  return Shape(a.begin(), a.end());
}

int32_t GraphBuilder::binary(BuiltinOperator code, int32_t a, int32_t b) {
  return add(code, options_of(code), {a, b},
             is_comparison(code) ? TensorType::kBool : type(a), broadcast(shape(a), shape(b)));
}

int32_t GraphBuilder::select(int32_t condition, int32_t a, int32_t b) {
  return add(BuiltinOperator::kSelectV2, {}, {condition, a, b}, type(a),
             broadcast(shape(condition), broadcast(shape(a), shape(b))));
}

Result<int32_t> GraphBuilder::reshape(int32_t input, Shape target) {
  if (target == shape(input)) return input;
  const auto free = std::count(target.begin(), target.end(), -1);
  int32_t target_tensor = kNoTensor;
  if (free <= 1) {
    target_tensor = ints(target);
  } else if (free == 2 && target.front() == -1 && shape(input).front() == -1) {
    // The batch stays the batch; the other free size is what remains.
    std::vector<int32_t> parts = {size_of(input, 0)};
    for (size_t i = 1; i < target.size(); ++i) parts.push_back(int_scalar(target[i]));
    target_tensor = add(BuiltinOperator::kPack,
                        PackOptions{static_cast<int32_t>(target.size()), 0}, std::move(parts),
                        TensorType::kInt32, {static_cast<int32_t>(target.size())});
  } else {
    return unsupported("the shape " + shape_text(shape(input)) + " has too many free sizes to be "
                       "reshaped to " + shape_text(target));
  }
  return add(BuiltinOperator::kReshape, {}, {input, target_tensor}, type(input),
             std::move(target));
}

int32_t GraphBuilder::expand_dims(int32_t input, int32_t axis) {
  Shape target = shape(input);
  target.insert(target.begin() + axis, 1);
  // With one free size at most RESHAPE needs no other operator, and chains of it become one.
  if (std::ranges::count(target, -1) <= 1) {
    return add(BuiltinOperator::kReshape, {}, {input, ints(target)}, type(input), target);
  }
  return add(BuiltinOperator::kExpandDims, {}, {input, int_scalar(axis)}, type(input), target);
}

int32_t GraphBuilder::transpose(int32_t input, std::span<const int32_t> permutation) {
  Shape result;
  for (int32_t axis : permutation) result.push_back(shape(input)[static_cast<size_t>(axis)]);
  return add(BuiltinOperator::kTranspose, {}, {input, ints(permutation)}, type(input),
             std::move(result));
}

int32_t GraphBuilder::pad(int32_t input, std::span<const int32_t> amounts) {
  Shape result = shape(input);
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i] >= 0) result[i] += amounts[2 * i] + amounts[2 * i + 1];
  }
  return add(BuiltinOperator::kPad, {}, {input, int_pairs(amounts)}, type(input),
             std::move(result));
}

int32_t GraphBuilder::crop(int32_t input, std::span<const int32_t> begin,
                           std::span<const int32_t> end) {
  Shape result = shape(input);
  std::vector<int32_t> stops(result.size(), 0);
  std::vector<int32_t> steps(result.size(), 1);
  StridedSliceOptions options;
  for (size_t i = 0; i < result.size(); ++i) {
    if (begin[i] == 0) options.begin_mask |= 1 << i;
    // Counted from the end, so that a free size is cropped right too.
    stops[i] = -end[i];
    if (end[i] == 0) options.end_mask |= 1 << i;
    if (result[i] >= 0) result[i] -= begin[i] + end[i];
  }
  return add(BuiltinOperator::kStridedSlice, options,
             {input, ints(begin), ints(stops), ints(steps)}, type(input), std::move(result));
}

int32_t GraphBuilder::reduce(BuiltinOperator code, int32_t input, std::span<const int32_t> axes,
                             bool keep_dims) {
  Shape result;
  for (size_t i = 0; i < shape(input).size(); ++i) {
    const bool reduced =
        std::find(axes.begin(), axes.end(), static_cast<int32_t>(i)) != axes.end();
    if (!reduced) {
      result.push_back(shape(input)[i]);
    } else if (keep_dims) {
      result.push_back(1);
    }
  }
  return add(code, ReducerOptions{keep_dims}, {input, ints(axes)}, type(input),
             std::move(result));
}

int32_t GraphBuilder::size_of(int32_t input, int32_t axis) {
  const auto rank = static_cast<int32_t>(shape(input).size());
  const int32_t sizes = add(BuiltinOperator::kShape, ShapeOptions{TensorType::kInt32}, {input},
                            TensorType::kInt32, {rank});
  StridedSliceOptions options;
  options.shrink_axis_mask = 1;
  return add(BuiltinOperator::kStridedSlice, options,
             {sizes, ints({axis}), ints({axis + 1}), ints({1})}, TensorType::kInt32, {});
}

int32_t GraphBuilder::sizes_like(int32_t input, std::span<const int32_t> sizes) {
  if (is_static(sizes)) return ints(sizes);
  std::vector<int32_t> parts;
  for (size_t i = 0; i < sizes.size(); ++i) {
    parts.push_back(sizes[i] >= 0 ? int_scalar(sizes[i])
                                  : size_of(input, static_cast<int32_t>(i)));
  }
  const auto count = static_cast<int32_t>(sizes.size());
  return add(BuiltinOperator::kPack, PackOptions{count, 0}, std::move(parts), TensorType::kInt32,
             {count});
}

}  // namespace zeolite
