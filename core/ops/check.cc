#include "core/ops/check.h"

#include <algorithm>
#include <limits>

namespace zeolite {

std::string input_text(const OpContext& context, size_t index) {
  const Operand& input = context.input(index);
  std::string text = "input " + std::to_string(index);
  if (!input.name.empty()) text += " (" + std::string(input.name) + ")";
  text += " " + std::string(tensor_type_name(input.type));
  return input.has_shape ? text + shape_text(input.shape) : text;
}

Status require_rank(const OpContext& context, size_t index, int least, int most) {
  const int rank = context.input(index).rank();
  if (rank >= least && rank <= most) return {};
  std::string expected = std::to_string(least);
  if (most > least) expected += " to " + std::to_string(most);
  return bad_input(input_text(context, index) + " has " + std::to_string(rank) +
                   " dimensions, expected " + expected);
}

Status require_same_type(const OpContext& context, size_t a, size_t b) {
  if (context.input(a).type == context.input(b).type) return {};
  return bad_input(input_text(context, a) + " and " + input_text(context, b) +
                   " have different types");
}

Status require_same_scale(const Operand& a, const Operand& b) {
  const Quantization none;
  const Quantization& of_a = a.quantization != nullptr ? *a.quantization : none;
  const Quantization& of_b = b.quantization != nullptr ? *b.quantization : none;
  if (of_a.scale == of_b.scale && of_a.zero_point == of_b.zero_point) return {};
  return unsupported("tensors " + std::string(a.name) + " and " + std::string(b.name) +
                     " have different scales, which is not supported here");
}

Status require_size(const OpContext& context, size_t index, int axis, int64_t expected,
                    std::string_view what) {
  const int32_t size = context.input(index).shape[axis];
  if (size == expected || size < 0 || expected < 0) return {};
  return bad_input(input_text(context, index) + " has " + std::to_string(size) + " " +
                   std::string(what) + ", expected " + std::to_string(expected));
}

Status require_one(const OpContext& context, size_t index, std::string_view what) {
  const int64_t count = product(context.input(index).shape);
  if (count == 1 || count == kFree) return {};
  return bad_input(input_text(context, index) + ": expected one " + std::string(what));
}

Result<int> checked_axis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return bad_input("axis " + std::to_string(axis) + " is outside a tensor of " +
                     std::to_string(rank) + " dimensions");
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Result<std::vector<int64_t>> integers_of(const OpContext& context, size_t index, size_t most) {
  const Operand& input = context.input(index);
  ZEOLITE_ASSIGN(const int64_t count, element_count(input.shape));
  if (static_cast<uint64_t>(count) > most) {
    return bad_input(input_text(context, index) + " holds " + std::to_string(count) +
                     " values, at most " + std::to_string(most) + " are expected");
  }
  std::vector<int64_t> values(static_cast<size_t>(count));
  const auto copy = [&]<class T>(const T* source) {
    std::copy_n(source, values.size(), values.begin());
  };
  switch (input.type) {
    case TensorType::kInt16: copy(reinterpret_cast<const int16_t*>(input.data)); break;
    case TensorType::kInt32: copy(reinterpret_cast<const int32_t*>(input.data)); break;
    case TensorType::kInt64: copy(reinterpret_cast<const int64_t*>(input.data)); break;
    default: return bad_input(input_text(context, index) + ": expected integers");
  }
  return values;
}

Result<Shape> shape_of_integers(const OpContext& context, size_t index, bool free_allowed) {
  ZEOLITE_ASSIGN(const std::vector<int64_t> values, integers_of(context, index, kMaxOperandRank));
  Shape shape;
  for (int64_t value : values) {
    if (value < (free_allowed ? -1 : 0) || value > std::numeric_limits<int32_t>::max()) {
      return bad_input(input_text(context, index) + " holds " + std::to_string(value) +
                       ", which is no size of a dimension");
    }
    shape.push_back(static_cast<int32_t>(value));
  }
  return shape;
}

Result<int64_t> integer_of(const OpContext& context, size_t index) {
  ZEOLITE_ASSIGN(const std::vector<int64_t> values, integers_of(context, index, 1));
  if (values.empty()) return bad_input(input_text(context, index) + " is empty");
  return values[0];
}

int64_t zero_point_of(const Operand& operand) {
  const Quantization* quantization = operand.quantization;
  const bool is_one = is_integer(operand.type) && quantization != nullptr &&
                      quantization->zero_point.size() == 1;
  return is_one ? quantization->zero_point[0] : 0;
}

int64_t product(std::span<const int32_t> shape, size_t from, size_t to) {
  // Beside a dimension of 0 the others may be of any size: their product may wrap around then.
  uint64_t result = 1;
  bool is_free = false;
  for (size_t i = from; i < to; ++i) {
    if (shape[i] < 0) {
      is_free = true;
    } else {
      result *= static_cast<uint64_t>(shape[i]);
    }
  }
  return is_free && result != 0 ? kFree : static_cast<int64_t>(result);
}

Result<Shape> broadcast_shape(std::span<const int32_t> a, std::span<const int32_t> b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape shape(rank);
  for (size_t i = 0; i < rank; ++i) {
    const int32_t size_a = i + a.size() < rank ? 1 : a[i + a.size() - rank];
    const int32_t size_b = i + b.size() < rank ? 1 : b[i + b.size() - rank];
    if (size_a == size_b || size_b == 1) {
      shape[i] = size_a;
    } else if (size_a == 1 || size_a == kFree) {
      shape[i] = size_b;
    } else if (size_b == kFree) {
      shape[i] = size_a;
    } else {
      return bad_input("shapes " + shape_text(a) + " and " + shape_text(b) +
                       " do not broadcast to each other");
    }
  }
  return shape;
}

}  // namespace zeolite
