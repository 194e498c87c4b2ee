// LSH_PROJECTION (1): bits that are alike for inputs that are alike (locality-sensitive hashing).
//   hash float32 [functions, bits]: seeds    input [n, ...]    weight float32 [n] or absent
//   SPARSE: int32 [functions]: the bits of each function as a number, + function * 2^bits
//   DENSE:  int32 [functions * bits]: each 0 or 1
// A bit is 1 when the sum over i of weight[i] * fingerprint(seed, input[i]) is above 0, with the
// fingerprint a signed number of 64 bits of the seed's and the element's bytes (farm_hash.h).
// Strings count as the bytes of their tensor, cut into n equal parts.
#include <cstring>
#include <vector>

#include "core/ops/check.h"
#include "core/ops/farm_hash.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 2));
  ZEOLITE_TRY(require_rank(context, 1, 1, kMaxRank));
  const Shape& hash = context.input(0).shape;
  if (hash[1] > 32) return bad_input(std::to_string(hash[1]) + " bits do not fit an int32");
  if (context.has_input(2)) {
    ZEOLITE_TRY(require_rank(context, 2, 1));
    ZEOLITE_TRY(require_size(context, 2, 0, context.input(1).shape[0], "weights"));
  }
  switch (context.options<LSHProjectionOptions>().type) {
    case LSHProjectionType::kSparse: return context.set_output(0, TensorType::kInt32, {hash[0]});
    case LSHProjectionType::kDense: {
      ZEOLITE_ASSIGN(const int64_t count, element_count(hash));
      return context.set_output(0, TensorType::kInt32, {static_cast<int32_t>(count)});
    }
    default: return unsupported("a projection that is neither sparse nor dense");
  }
}

int32_t bit_of(EvalContext& context, float seed, std::vector<uint8_t>& key) {
  const Operand& input = context.input(1);
  const int64_t count = input.shape[0];
  const size_t bytes = count == 0 ? 0 : input.bytes / static_cast<uint64_t>(count);
  double score = 0;
  key.resize(sizeof(seed) + bytes);
  std::memcpy(key.data(), &seed, sizeof(seed));
  for (int64_t i = 0; i < count; ++i) {
    if (bytes > 0) std::memcpy(key.data() + sizeof(seed), input.data + i * bytes, bytes);
    const auto value = static_cast<double>(static_cast<int64_t>(farm_fingerprint64(key)));
    score += context.has_input(2) ? context.in<float>(2)[i] * value : value;
  }
  return score > 0 ? 1 : 0;
}

Status eval(EvalContext& context) {
  const Shape& hash = context.input(0).shape;
  const bool is_dense =
      context.options<LSHProjectionOptions>().type == LSHProjectionType::kDense;
  int32_t* to = context.out<int32_t>(0);
  std::vector<uint8_t> key;
  for (int64_t f = 0; f < hash[0]; ++f) {
    uint32_t number = 0;
    for (int64_t b = 0; b < hash[1]; ++b) {
      const int32_t bit = bit_of(context, context.in<float>(0)[f * hash[1] + b], key);
      if (is_dense) *to++ = bit;
      number = (number << 1) | static_cast<uint32_t>(bit);
    }
    if (is_dense) continue;
    const uint32_t first = hash[1] < 32 ? static_cast<uint32_t>(f) << hash[1] : 0;
    *to++ = static_cast<int32_t>(number + first);
  }
  return {};
}

}  // namespace

const OpKernel kLshProjectionOp = {infer, nullptr, eval};

}  // namespace zeolite
