#include "core/kernels/quantized_softmax.h"

#include <bit>
#include <cmath>

#include "core/base/wrapping.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

// Calls body(row) for all rows.
template <class Body>
void for_each_row(int64_t rows, int64_t depth, ThreadPool* pool, const Body& body) {
  const EvenSplit split(rows, 1, 12 * depth, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) body(row);
  });
}

// int8 is read as uint8 with the top bit turned over, which keeps the order: one loop for both.
uint8_t flip_of(SmallInteger type) { return type == SmallInteger::kInt8 ? 0x80 : 0; }

uint8_t largest(const uint8_t* row, int64_t depth, uint8_t flip) {
  uint8_t most = 0;
  int64_t i = 0;
  if (depth >= 16) {
    const v128_t turned = wasm_i8x16_splat(static_cast<int8_t>(flip));
    v128_t lanes = wasm_i8x16_splat(0);
    for (; i + 16 <= depth; i += 16) {
      lanes = wasm_u8x16_max(lanes, wasm_v128_xor(wasm_v128_load(row + i), turned));
    }
    alignas(16) uint8_t bytes[16];
    wasm_v128_store(bytes, lanes);
    most = *std::max_element(bytes, bytes + 16);
  }
  for (; i < depth; ++i) most = std::max(most, static_cast<uint8_t>(row[i] ^ flip));
  return most;
}

// Where the exponentials of a row's elements are, and their sum.
struct RowSum {
  int32_t most = 0;
  const float* at;  // at[x ^ flip] belongs to element x.
  float sum = 0;
};

// Of neighbouring rows. Each sum is added up in order; four at once hide an addition's latency.
template <int Rows>
std::array<RowSum, Rows> sum_rows(const ExponentialTable& table, const uint8_t* first,
                                  int64_t depth, uint8_t flip) {
  std::array<RowSum, Rows> rows;
  for (int r = 0; r < Rows; ++r) {
    rows[r].most = largest(first + r * depth, depth, flip);
    rows[r].at = table.data() + 255 - rows[r].most;
  }
  std::array<float, Rows> sums = {};
  for (int64_t i = 0; i < depth; ++i) {
    for (int r = 0; r < Rows; ++r) sums[r] += rows[r].at[first[r * depth + i] ^ flip];
  }
  for (int r = 0; r < Rows; ++r) rows[r].sum = sums[r];
  return rows;
}

// Probabilities to stored numbers: rounded to the nearest, halves up; or, as TFLite's uint8 kernel
// does, 0.5 added (which rounds too) and what is behind the point cut off.
struct SoftmaxOutput {
  float scale;
  F32x4 added;
  F32x4 threshold;  // From the nearest number, where the next one is taken.
  F32x4 magic;      // 1.5 * 2^23: adding it rounds and leaves a whole number in the low bits.
  v128_t base;      // What the nearest number's bits have more than the result.

  SoftmaxOutput(Affine affine, bool cuts_sums)
      : scale(affine.scale),
        added(f32x4_kept(cuts_sums ? 0.5f : 0.0f)),
        threshold(f32x4_kept(cuts_sums ? 0.0f : 0.5f)),
        magic(f32x4_kept(kRoundingMagic)),
        base(wasm_i32x4_splat(kRoundingBits + (cuts_sums ? 1 : 0) - affine.zero_point)) {}

  [[gnu::always_inline]] v128_t operator()(F32x4 exponentials, F32x4 factor) const {
    const F32x4 x = wasm_f32x4_add(wasm_f32x4_mul(exponentials, factor), added);
    const F32x4 nearest = wasm_f32x4_add(x, magic);
    const F32x4 rest = wasm_f32x4_sub(x, wasm_f32x4_sub(nearest, magic));
    return wasm_i32x4_sub(wasm_i32x4_sub(nearest, base), wasm_f32x4_ge(rest, threshold));
  }
};

void store_sixteen(v128_t low, v128_t high, int8_t* to) {
  wasm_v128_store(to, wasm_i8x16_narrow_i16x8(low, high));
}
void store_sixteen(v128_t low, v128_t high, uint8_t* to) {
  wasm_v128_store(to, wasm_u8x16_narrow_i16x8(low, high));
}
void store_sixteen(v128_t low, v128_t high, int16_t* to) {
  wasm_v128_store(to, low);
  wasm_v128_store(to + 8, high);
}

template <class Out>
void softmax_row(const RowSum& sum, int64_t depth, const uint8_t* row, uint8_t flip,
                 const SoftmaxOutput& stored, Out* output) {
  const F32x4 factor = wasm_f32x4_splat(1.0f / (sum.sum * stored.scale));
  const auto sixteen = [&](const uint8_t* from, Out* to) {
    const auto eight = [&](const uint8_t* x) {
      const auto four = [&](const uint8_t* y) {
        return stored(wasm_f32x4_make(sum.at[y[0] ^ flip], sum.at[y[1] ^ flip],
                                      sum.at[y[2] ^ flip], sum.at[y[3] ^ flip]),
                      factor);
      };
      return wasm_i16x8_narrow_i32x4(four(x), four(x + 4));
    };
    const v128_t low = eight(from);
    store_sixteen(low, eight(from + 8), to);
  };
  int64_t i = 0;
  for (; i + 16 <= depth; i += 16) sixteen(row + i, output + i);
  if (i == depth) return;
  uint8_t from[16];
  Out to[16];
  std::fill_n(from, 16, row[i]);
  std::copy(row + i, row + depth, from);
  sixteen(from, to);
  std::copy_n(to, depth - i, output + i);
}

template <class Out>
void softmax_rows(const ExponentialTable& table, int64_t rows, int64_t depth, const uint8_t* input,
                  uint8_t flip, const SoftmaxOutput& stored, Out* output, ThreadPool* pool) {
  const EvenSplit split(rows, 4, 8 * depth, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    int64_t row = split.begin(task);
    const auto some = [&](const auto& sums) {
      for (const RowSum& sum : sums) {
        softmax_row(sum, depth, input + row * depth, flip, stored, output + row * depth);
        ++row;
      }
    };
    while (row + 4 <= split.end(task)) some(sum_rows<4>(table, input + row * depth, depth, flip));
    while (row < split.end(task)) some(sum_rows<1>(table, input + row * depth, depth, flip));
  });
}

}  // namespace

void fill_exponentials(float scale, float beta, ExponentialTable* table) {
  const float factor = -scale * beta;
  for (int d = 0; d < 256; ++d) {
    (*table)[255 - d] = static_cast<float>(std::exp(double{factor * static_cast<float>(d)}));
  }
}

void quantized_softmax(const ExponentialTable& table, int64_t rows, int64_t depth,
                       SmallInteger input_type, const void* input, Affine affine,
                       SmallInteger output_type, void* output, ThreadPool* pool) {
  const auto apply = [&](auto* to) {
    softmax_rows(table, rows, depth, static_cast<const uint8_t*>(input), flip_of(input_type),
                 SoftmaxOutput(affine, output_type == SmallInteger::kUint8), to, pool);
  };
  switch (output_type) {
    case SmallInteger::kInt8: return apply(static_cast<int8_t*>(output));
    case SmallInteger::kUint8: return apply(static_cast<uint8_t*>(output));
    case SmallInteger::kInt16: return apply(static_cast<int16_t*>(output));
  }
}

void quantized_log_softmax(const ExponentialTable& table, int64_t rows, int64_t depth,
                           SmallInteger type, const void* input, float input_scale, Affine affine,
                           void* output, ThreadPool* pool) {
  const uint8_t flip = flip_of(type);
  const int32_t bias = flip;  // Of a number with its top bit turned over.
  const float low = type == SmallInteger::kInt8 ? -128.0f : 0.0f;
  const float scale = input_scale / affine.scale;
  for_each_row(rows, depth, pool, [&](int64_t row) {
    const uint8_t* from = static_cast<const uint8_t*>(input) + row * depth;
    uint8_t* to = static_cast<uint8_t*>(output) + row * depth;
    const RowSum exponentials = sum_rows<1>(table, from, depth, flip)[0];
    const auto logarithm = static_cast<float>(std::log(double{exponentials.sum}));
    const float shift =
        (input_scale * static_cast<float>(exponentials.most - bias) + logarithm) / affine.scale;
    for (int64_t i = 0; i < depth; ++i) {
      const int32_t x = (from[i] ^ flip) - bias;
      const float result = std::rint(scale * static_cast<float>(x) - shift) +
                           static_cast<float>(affine.zero_point);
      to[i] = static_cast<uint8_t>(static_cast<int32_t>(std::clamp(result, low, low + 255.0f)));
    }
  });
}

void fill_softmax_points(SoftmaxPoints* points) {
  fill_points(-10.0, 0.0, 32768.0, [](double x) { return std::exp(x); }, points->exponential);
  fill_points(0.0, 1.0, 32768.0, [](double x) { return 1.0 / (1.0 + x); }, points->inverse);
}

void int16_softmax(const SoftmaxPoints& points, int64_t rows, int64_t depth,
                   FixedPointFactor factor, const int16_t* input, int16_t* output,
                   ThreadPool* pool) {
  for_each_row(rows, depth, pool, [&](int64_t row) {
    const int16_t* from = input + row * depth;
    int16_t* to = output + row * depth;
    const int32_t most = *std::max_element(from, from + depth);
    int32_t sum = 0;
    for (int64_t i = 0; i < depth; ++i) {
      const int32_t place = std::clamp(scale_by(from[i] - most, factor), -65535, 0) + 32767;
      to[i] = interpolate(points.exponential, place);
      sum = wrapping_add(sum, int32_t{to[i]});
    }
    if (sum <= 0) {  // Too many for 16 bits before the point.
      std::fill_n(to, depth, int16_t{0});
      return;
    }
    // sum = (1 + x) * 2^e, and 1 / (1 + x) by its points.
    const int headroom = std::countl_zero(static_cast<uint32_t>(sum));
    const auto shifted =
        static_cast<int32_t>(((int64_t{sum} << (headroom - 1)) + (1 << 13)) >> 14);
    const int32_t place = shifted - ((1 << 15) + (1 << 16));
    const int32_t inverse = interpolate(points.inverse, std::clamp(place, -32768, 32767));
    const int right = 31 - headroom;
    const int64_t rounding = right > 0 ? int64_t{1} << (right - 1) : 0;
    for (int64_t i = 0; i < depth; ++i) {
      const int64_t product = (int64_t{to[i]} * inverse + rounding) >> right;
      to[i] = static_cast<int16_t>(std::clamp<int64_t>(product, 0, 32767));
    }
  });
}

}  // namespace zeolite
