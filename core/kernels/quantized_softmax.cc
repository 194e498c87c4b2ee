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

// Where the exponentials of a row's elements are, and their sum.
struct RowSum {
  int32_t most = 0;
  const float* at;  // at[x ^ flip] belongs to element x.
  float sum = 0;

  RowSum(const ExponentialTable& table, const uint8_t* row, int64_t depth, uint8_t flip) {
    uint8_t highest = 0;
    for (int64_t i = 0; i < depth; ++i) {
      highest = std::max(highest, static_cast<uint8_t>(row[i] ^ flip));
    }
    most = highest;
    at = table.data() + 255 - most;
    for (int64_t i = 0; i < depth; ++i) sum += at[row[i] ^ flip];
  }
};

struct SoftmaxOutput {
  float scale;
  int32_t zero_point;
  int32_t min;
  int32_t max;
  bool rounds_sums;  // Adds 0.5 and cuts, as TFLite's kernel of uint8 does.

  int32_t operator()(float exponential, float factor) const {
    const float probability = exponential * factor;
    if (rounds_sums) return std::min(static_cast<int32_t>(probability + 0.5f), max);
    // To the nearest, halves up; adding 0.5 first would round the sum too.
    const auto whole = static_cast<int32_t>(probability);
    const int32_t up = probability - static_cast<float>(whole) >= 0.5f ? 1 : 0;
    return std::clamp(whole + up + zero_point, min, max);
  }
};

template <class Out>
void softmax_row(const ExponentialTable& table, int64_t depth, const uint8_t* row, uint8_t flip,
                 const SoftmaxOutput& stored, Out* output) {
  const RowSum exponentials(table, row, depth, flip);
  const float factor = 1.0f / (exponentials.sum * stored.scale);
  // Long rows hold each number many times.
  constexpr int64_t kLongRow = 384;
  if (depth < kLongRow) {
    for (int64_t i = 0; i < depth; ++i) {
      output[i] = static_cast<Out>(stored(exponentials.at[row[i] ^ flip], factor));
    }
    return;
  }
  std::array<Out, 256> results;
  for (size_t i = 0; i < results.size(); ++i) {
    results[i] = static_cast<Out>(stored(table[i], factor));
  }
  const Out* const at = results.data() + 255 - exponentials.most;
  for (int64_t i = 0; i < depth; ++i) output[i] = at[row[i] ^ flip];
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
  const uint8_t* from = static_cast<const uint8_t*>(input);
  const uint8_t flip = flip_of(input_type);
  const bool is_unsigned = output_type == SmallInteger::kUint8;
  const bool is_wide = output_type == SmallInteger::kInt16;
  const SoftmaxOutput stored = {affine.scale, affine.zero_point,
                                is_unsigned ? 0
                                : is_wide   ? -32768
                                            : -128,
                                is_unsigned ? 255
                                : is_wide   ? 32767
                                            : 127,
                                is_unsigned};
  for_each_row(rows, depth, pool, [&](int64_t row) {
    if (is_wide) {
      softmax_row(table, depth, from + row * depth, flip, stored,
                  static_cast<int16_t*>(output) + row * depth);
    } else {
      softmax_row(table, depth, from + row * depth, flip, stored,
                  static_cast<uint8_t*>(output) + row * depth);
    }
  });
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
    const RowSum exponentials(table, from, depth, flip);
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
