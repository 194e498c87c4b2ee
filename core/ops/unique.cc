// UNIQUE (1): the different elements in the order of their first occurrence, and for each element
// the place of its equal among them.
//   input [n]    values [count], indices int32 or int64 [n]
// NaN is equal to nothing: each is a value of its own.
#include <bit>
#include <cmath>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 1));
  const TensorType wanted = context.options<UniqueOptions>().idx_out_type;
  ZEOLITE_TRY(context.set_output_unknown(0, context.input(0).type));
  return context.set_output(1, wanted, context.input(0).shape);
}

// Bits that are the same for equal elements only; none for NaN, which is equal to nothing.
template <class T>
std::optional<uint64_t> bits_of(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) return std::nullopt;
    return std::bit_cast<uint32_t>(value == 0 ? 0.0f : value);
  } else {
    return static_cast<uint64_t>(value);
  }
}

Status eval(EvalContext& context) {
  const int64_t count = product(context.input(0).shape);
  std::vector<int64_t> places(static_cast<size_t>(count));
  std::vector<int64_t> firsts;  // Of each value, its first occurrence.
  std::unordered_map<uint64_t, int64_t> known;
  const auto place = [&](int64_t i, std::optional<uint64_t> bits) {
    places[i] = static_cast<int64_t>(firsts.size());
    if (bits.has_value()) places[i] = known.try_emplace(*bits, places[i]).first->second;
    if (places[i] == static_cast<int64_t>(firsts.size())) firsts.push_back(i);
  };
  ZEOLITE_TRY((dispatch<kF32 | kI8 | kU8 | kI16 | kI32 | kI64>(
      context.input(0).type, [&]<class T>() -> Status {
        const T* from = context.in<T>(0);
        for (int64_t i = 0; i < count; ++i) place(i, bits_of(from[i]));
        ZEOLITE_TRY(context.host().resize_output(0, {static_cast<int32_t>(firsts.size())},
                                                 firsts.size() * sizeof(T)));
        for (size_t i = 0; i < firsts.size(); ++i) context.out<T>(0)[i] = from[firsts[i]];
        return {};
      })));
  return dispatch<kI32 | kI64>(context.output(1).type, [&]<class T>() -> Status {
    for (int64_t i = 0; i < count; ++i) context.out<T>(1)[i] = static_cast<T>(places[i]);
    return {};
  });
}

}  // namespace

const OpKernel kUniqueOp = {infer, nullptr, eval};

}  // namespace zeolite
