// Widens a tensor of any type by paddings [rank, 2] (int32 or int64: before and after, not
// negative):
//   PAD (1 to 6), PADV2 (1 to 6): with zeros (the zero point of a quantized output), or with the
//     value of input 2
//   MIRROR_PAD (1 to 3): with what lies inside, mirrored at the edge: REFLECT leaves the edge
//     itself out, SYMMETRIC repeats it
#include <algorithm>
#include <limits>
#include <type_traits>

#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"
#include "core/ops/strided_loop.h"

namespace zeolite {
namespace {

bool is_mirror(const OpContext& context) { return context.code() == BuiltinOperator::kMirrorPad; }

// The checked paddings, before and after in turns.
Result<std::vector<int64_t>> paddings_of(const OpContext& context) {
  const Shape& input = context.input(0).shape;
  ZEOLITE_ASSIGN(std::vector<int64_t> paddings, integers_of(context, 1, 2 * kMaxRank));
  // REFLECT needs an element more than it pads, SYMMETRIC as many.
  const int edge =
      context.options<MirrorPadOptions>().mode == MirrorPadMode::kReflect ? 1 : 0;
  for (size_t i = 0; i < paddings.size(); ++i) {
    const int32_t size = input[i / 2];
    if (paddings[i] < 0 || paddings[i] > INT32_MAX / 2 - std::max(size, 0)) {
      return bad_input("dimension " + std::to_string(i / 2) + " can't be padded by " +
                       std::to_string(paddings[i]));
    }
    if (is_mirror(context) && size >= 0 && paddings[i] > size - edge) {
      return bad_input("dimension " + std::to_string(i / 2) + " of " + std::to_string(size) +
                       " elements can't mirror " + std::to_string(paddings[i]));
    }
  }
  return paddings;
}

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  const Shape& paddings_shape = context.input(1).shape;
  if (paddings_shape.size() != 2 || (paddings_shape[0] >= 0 && paddings_shape[0] != input.rank()) ||
      (paddings_shape[1] >= 0 && paddings_shape[1] != 2)) {
    return bad_input(input_text(context, 1) + ": expected the shape [" +
                     std::to_string(input.rank()) + ",2]");
  }
  if (context.code() == BuiltinOperator::kPadv2) {
    ZEOLITE_TRY(require_same_type(context, 0, 2));
    ZEOLITE_TRY(require_one(context, 2, "value"));
  }
  if (!context.input(1).has_data) return context.set_output_unknown(0, input.type);
  ZEOLITE_ASSIGN(const std::vector<int64_t> paddings, paddings_of(context));
  Shape shape = input.shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 0) continue;
    shape[i] += static_cast<int32_t>(paddings[2 * i] + paddings[2 * i + 1]);
  }
  return context.set_output(0, input.type, std::move(shape));
}

struct State : OpState {
  std::vector<int64_t> paddings;
  StridedLoop<2> loop;  // Over the input; the output is the target.
  int64_t start = 0;    // Where the input's first element goes.
};

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  state = State();
  ZEOLITE_ASSIGN(state.paddings, paddings_of(context));
  const Shape& input = context.input(0).shape;
  if (product(input) == 0) {
    state.loop.clear();
    return {};
  }
  const auto to = dense_strides(context.output(0).shape);
  const auto from = dense_strides(input);
  for (size_t i = 0; i < input.size(); ++i) {
    state.loop.add(input[i], {to[i], from[i]});
    state.start += state.paddings[2 * i] * to[i];
  }
  context.choose("copy");
  return {};
}

// Fills dimension `axis` and those inside of it, given what lies outside.
template <class T>
void mirror(const State& state, const Shape& input, const Shape& output, int edge, size_t axis,
            const T* from, T* to) {
  const int64_t size = input[axis];
  const int64_t before = state.paddings[2 * axis];
  const int64_t inner_from = product(input, axis + 1, input.size());
  const int64_t inner_to = product(output, axis + 1, output.size());
  for (int64_t i = 0; i < output[axis]; ++i) {
    int64_t source = i - before;
    if (source < 0) source = -source - 1 + edge;
    if (source >= size) source = 2 * size - 1 - source - edge;
    if (axis + 1 == input.size()) {
      to[i] = from[source];
    } else {
      mirror(state, input, output, edge, axis + 1, from + source * inner_from, to + i * inner_to);
    }
  }
}

Status eval(EvalContext& context) {
  const State& state = context.state<State>();
  const Operand& input = context.input(0);
  const Operand& output = context.output(0);
  if (output.bytes == 0) return {};
  return dispatch_width(input.type, [&]<class T>() -> Status {
    T* to = context.out<T>(0);
    if (input.shape.empty()) {
      to[0] = context.in<T>(0)[0];
    } else if (is_mirror(context)) {
      const int edge =
          context.options<MirrorPadOptions>().mode == MirrorPadMode::kReflect ? 1 : 0;
      mirror(state, input.shape, output.shape, edge, 0, context.in<T>(0), to);
    } else {
      T value = {};
      if (context.code() == BuiltinOperator::kPadv2) {
        value = context.in<T>(2)[0];
      } else if constexpr (std::is_integral_v<T>) {
        // A constant that is evaluated while converting says it of its input alone.
        value = static_cast<T>(zero_point_of(output.quantization != nullptr ? output : input));
      }
      const T zero = {};
      if (sizeof(T) == 1 || std::memcmp(&value, &zero, sizeof(T)) == 0) {
        uint8_t byte;
        std::memcpy(&byte, &value, 1);
        std::memset(to, byte, output.bytes);
      } else {
        std::fill_n(to, output.bytes / sizeof(T), value);
      }
      copy_strided(state.loop, to, state.start, context.in<T>(0), 0);
    }
    return {};
  });
}

}  // namespace

const OpKernel kPadOp = {infer, prepare, eval};

}  // namespace zeolite
