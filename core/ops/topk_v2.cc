// TOPK_V2 (1 to 3): the k largest of each row, in falling order; of equals the one that comes
// first.
//   input    [rows..., n], numbers
//   k        int16 or int32 scalar, 0 to n
//   values   [rows..., k]    indices  int16 or int32 [rows..., k]: where in the row they stand
// NaN counts as smaller than every number.
#include <algorithm>
#include <bit>
#include <limits>
#include <span>
#include <type_traits>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  const TensorType index_type = context.output(1).type == TensorType::kInt16 ? TensorType::kInt16
                                                                             : TensorType::kInt32;
  ZEOLITE_TRY(require_rank(context, 0, 1, kMaxRank));
  ZEOLITE_TRY(require_one(context, 1, "value"));
  if (!context.input(1).has_data) {
    ZEOLITE_TRY(context.set_output_unknown(0, input.type));
    return context.set_output_unknown(1, index_type);
  }
  ZEOLITE_ASSIGN(const int64_t k, integer_of(context, 1));
  const int32_t size = input.shape.back();
  if (k < 0 || (size != kFree && k > size)) {
    return bad_input("k is " + std::to_string(k) + " for rows of " + std::to_string(size));
  }
  if (index_type == TensorType::kInt16 && size > INT16_MAX + 1) {
    return bad_input("int16 can't count rows of " + std::to_string(size));
  }
  Shape shape = input.shape;
  shape.back() = static_cast<int32_t>(k);
  ZEOLITE_TRY(context.set_output(0, input.type, shape));
  return context.set_output(1, index_type, std::move(shape));
}

struct Candidate {
  int64_t key;
  int32_t place;

  // Whether it comes before `other` in the result.
  bool operator<(const Candidate& other) const {
    return key != other.key ? key > other.key : place < other.place;
  }
};

Status prepare(PrepareContext& context) {
  const auto k = static_cast<uint64_t>(context.output(0).shape.back());
  context.request_scratch(k * sizeof(Candidate));
  return {};
}

// An integer that is larger where the element is: the candidates of all types are the same.
template <class T>
int64_t key_of(T value) {
  if constexpr (std::is_same_v<T, float>) {
    if (value != value) return std::numeric_limits<int64_t>::min();
    // Sign and magnitude, so that both zeros are 0.
    const int32_t bits = std::bit_cast<int32_t>(value);
    return bits < 0 ? -int64_t{bits & INT32_MAX} : bits;
  } else {
    return value;
  }
}

// The best so far are a heap with the last of them on top.
void make_heap(std::span<Candidate> best) { std::make_heap(best.begin(), best.end()); }
void sort_heap(std::span<Candidate> best) { std::sort_heap(best.begin(), best.end()); }
void replace_last(std::span<Candidate> best, Candidate candidate) {
  std::pop_heap(best.begin(), best.end());
  best.back() = candidate;
  std::push_heap(best.begin(), best.end());
}

// Fills `best` with the largest of a row of `size`, in the order of the result.
template <class T>
void pick(const T* row, int32_t size, std::span<Candidate> best) {
  const auto k = static_cast<int32_t>(best.size());
  for (int32_t i = 0; i < k; ++i) best[i] = {key_of(row[i]), i};
  make_heap(best);
  for (int32_t i = k; i < size; ++i) {
    const int64_t key = key_of(row[i]);
    if (key > best[0].key) replace_last(best, {key, i});
  }
  sort_heap(best);
}

Status eval(EvalContext& context) {
  const Shape& shape = context.input(0).shape;
  if (context.output(0).bytes == 0) return {};
  const int64_t rows = product(shape, 0, shape.size() - 1);
  const int32_t size = shape.back();
  const int32_t k = context.output(0).shape.back();
  const bool is_narrow = context.output(1).type == TensorType::kInt16;
  const std::span best(reinterpret_cast<Candidate*>(context.scratch(0)), static_cast<size_t>(k));
  return dispatch<kF32 | kI8 | kU8 | kI16 | kI32 | kI64>(
      context.input(0).type, [&]<class T>() -> Status {
        const T* row = context.in<T>(0);
        T* values = context.out<T>(0);
        int64_t at = 0;
        for (int64_t i = 0; i < rows; ++i, row += size) {
          pick(row, size, best);
          for (const Candidate& one : best) {
            values[at] = row[one.place];
            if (is_narrow) {
              context.out<int16_t>(1)[at] = static_cast<int16_t>(one.place);
            } else {
              context.out<int32_t>(1)[at] = one.place;
            }
            ++at;
          }
        }
        return {};
      });
}

}  // namespace

const OpKernel kTopkV2Op = {infer, prepare, eval};

}  // namespace zeolite
