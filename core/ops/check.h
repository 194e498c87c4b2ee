// Checks and shape arithmetic that operators share.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/ops/op.h"

namespace zeolite {

// Dimension that is not known: free in a converter, never while running.
inline constexpr int32_t kFree = -1;

// Such as "input 1 (conv/kernel) float32[16,3,3,8]".
std::string input_text(const OpContext& context, size_t index);

// Errors unless the rank of the input is between `least` and `most`.
Status require_rank(const OpContext& context, size_t index, int least, int most);
inline Status require_rank(const OpContext& context, size_t index, int rank) {
  return require_rank(context, index, rank, rank);
}
// Errors unless both inputs have the same type.
Status require_same_type(const OpContext& context, size_t a, size_t b);
// Errors unless integers of both mean the same numbers: no scale, or the same one.
Status require_same_scale(const Operand& a, const Operand& b);
// Errors unless the sizes are equal or one of them is free. `what` names the dimension.
Status require_size(const OpContext& context, size_t index, int axis, int64_t expected,
                    std::string_view what);

// Errors unless the input has one element, or a free number of them. `what` it is: "axis".
Status require_one(const OpContext& context, size_t index, std::string_view what);

// The axis counted from the front; an error outside [-rank, rank).
Result<int> checked_axis(int64_t axis, int rank);

// The values of an int32 or int64 input that has data, at most `most` of them.
Result<std::vector<int64_t>> integers_of(const OpContext& context, size_t index,
                                         size_t most = 1 << 20);
// The same, of which each must fit a dimension (0 or more, or -1 when `free_allowed`).
Result<Shape> shape_of_integers(const OpContext& context, size_t index, bool free_allowed = false);
// The only value of an int32 or int64 input that has data.
Result<int64_t> integer_of(const OpContext& context, size_t index);

// The integer that stands for 0.0: the zero point of a quantized operand, else 0.
int64_t zero_point_of(const Operand& operand);

// The product of the dimensions in [from, to); kFree when one of them is free and none is 0.
// Sizes must have been checked by byte_size before.
int64_t product(std::span<const int32_t> shape, size_t from, size_t to);
inline int64_t product(std::span<const int32_t> shape) { return product(shape, 0, shape.size()); }

// The shape that both broadcast to, from the last dimension on; an error when sizes differ and none
// of them is 1. A free dimension beside another than 1 takes that size.
Result<Shape> broadcast_shape(std::span<const int32_t> a, std::span<const int32_t> b);

}  // namespace zeolite
