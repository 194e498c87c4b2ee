// STABLEHLO_RNG_BIT_GENERATOR (1): random bits and the generator's next state.
//   state uint64 [2 or 3]    next state the same, bits of a type and shape that the file says
// Algorithms: THREEFRY (state: key, counter), PHILOX and DEFAULT, which is Philox (state: key,
// counter of 64 bits, which the key fills up to 128, or of 128 in two). A counter counts the blocks
// that were drawn.
//   https://openxla.org/stablehlo/spec#rng_bit_generator
#include <algorithm>
#include <cstring>

#include "core/kernels/philox.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

bool is_threefry(const OpContext& context) {
  return context.options<StablehloRngBitGeneratorOptions>().algorithm == RngAlgorithm::kThreefry;
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 1));
  const int32_t words = context.input(0).shape[0];
  if (words != kFree && words != 2 && (is_threefry(context) || words != 3)) {
    return bad_input(input_text(context, 0) + ": a state of " +
                     (is_threefry(context) ? "2" : "2 or 3") + " numbers is expected");
  }
  ZEOLITE_TRY(context.set_output(0, TensorType::kUint64, context.input(0).shape));
  if (!context.output(1).has_shape) return bad_input("the shape of output 1 is not known");
  return context.set_output(1, context.output(1).type, Shape(context.output(1).shape));
}

Status eval(EvalContext& context) {
  const uint64_t* state = context.in<uint64_t>(0);
  const int32_t words = context.input(0).shape[0];
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(state[0]),
                                       static_cast<uint32_t>(state[0] >> 32)};
  uint64_t low = state[1];
  uint64_t high = words == 3 ? state[2] : state[0];
  uint8_t* to = context.out<uint8_t>(1);
  const uint64_t bytes = context.output(1).bytes;
  const uint64_t block = is_threefry(context) ? 8 : 16;
  for (uint64_t at = 0; at < bytes; at += block) {
    const auto low_word = static_cast<uint32_t>(low);
    const auto high_word = static_cast<uint32_t>(low >> 32);
    Philox4x32 numbers = {};
    if (is_threefry(context)) {
      const std::array<uint32_t, 2> pair = threefry({low_word, high_word}, key);
      numbers = {pair[0], pair[1], 0, 0};
    } else {
      numbers = philox({low_word, high_word, static_cast<uint32_t>(high),
                        static_cast<uint32_t>(high >> 32)},
                       key);
    }
    std::memcpy(to + at, numbers.data(), std::min(block, bytes - at));
    if (++low == 0) ++high;
  }
  uint64_t* next = context.out<uint64_t>(0);
  next[0] = state[0];
  next[1] = low;
  if (words == 3) next[2] = high;
  return {};
}

}  // namespace

const OpKernel kRngBitGeneratorOp = {infer, nullptr, eval};

}  // namespace zeolite
