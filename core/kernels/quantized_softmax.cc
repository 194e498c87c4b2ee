#include "core/kernels/quantized_softmax.h"

#include <bit>
#include <cmath>
#include <limits>

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

// Calls body with null pointers of the C++ types.
template <class Body>
void with_8_bits(SmallInteger type, const Body& body) {
  if (type == SmallInteger::kUint8) {
    body(static_cast<const uint8_t*>(nullptr));
  } else {
    body(static_cast<const int8_t*>(nullptr));
  }
}

template <class T>
int32_t row_max(const T* row, int64_t depth) {
  T most = std::numeric_limits<T>::lowest();
  for (int64_t i = 0; i < depth; ++i) most = std::max(most, row[i]);
  return most;
}

// Where the exponentials of a row's elements are, and their sum.
template <class T>
struct RowSum {
  int32_t most;
  const float* at;  // at[x] belongs to element x.
  float sum = 0;

  RowSum(const ExponentialTable& table, const T* row, int64_t depth)
      : most(row_max(row, depth)), at(table.data() + 255 - most) {
    for (int64_t i = 0; i < depth; ++i) sum += at[row[i]];
  }
};

template <class In, class Out>
void softmax_row(const ExponentialTable& table, int64_t depth, const In* row, Affine affine,
                 Out* output) {
  using Limits = std::numeric_limits<Out>;
  const RowSum<In> exponentials(table, row, depth);
  const float factor = 1.0f / (exponentials.sum * affine.scale);
  const auto result = [&](float exponential) {
    const float probability = exponential * factor;
    int32_t stored;
    if constexpr (std::is_same_v<Out, uint8_t>) {
      stored = static_cast<int32_t>(probability + 0.5f);
    } else {
      // To the nearest, halves up; adding 0.5 first would round the sum too.
      const auto whole = static_cast<int32_t>(probability);
      stored = whole + (probability - static_cast<float>(whole) >= 0.5f ? 1 : 0) +
               affine.zero_point;
    }
    return static_cast<Out>(std::clamp<int32_t>(stored, Limits::lowest(), Limits::max()));
  };
  // Long rows hold each number many times.
  constexpr int64_t kLongRow = 384;
  if (depth < kLongRow) {
    for (int64_t i = 0; i < depth; ++i) output[i] = result(exponentials.at[row[i]]);
    return;
  }
  std::array<Out, 256> results;
  for (size_t i = 0; i < results.size(); ++i) results[i] = result(table[i]);
  const Out* const at = results.data() + 255 - exponentials.most;
  for (int64_t i = 0; i < depth; ++i) output[i] = at[row[i]];
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
  with_8_bits(input_type, [&]<class In>(const In*) {
    const In* from = static_cast<const In*>(input);
    for_each_row(rows, depth, pool, [&](int64_t row) {
      if (output_type == SmallInteger::kInt16) {
        softmax_row(table, depth, from + row * depth, affine,
                    static_cast<int16_t*>(output) + row * depth);
      } else {
        softmax_row(table, depth, from + row * depth, affine,
                    static_cast<In*>(output) + row * depth);
      }
    });
  });
}

void quantized_log_softmax(const ExponentialTable& table, int64_t rows, int64_t depth,
                           SmallInteger type, const void* input, float input_scale, Affine affine,
                           void* output, ThreadPool* pool) {
  with_8_bits(type, [&]<class T>(const T*) {
    using Limits = std::numeric_limits<T>;
    const float scale = input_scale / affine.scale;
    for_each_row(rows, depth, pool, [&](int64_t row) {
      const T* from = static_cast<const T*>(input) + row * depth;
      T* to = static_cast<T*>(output) + row * depth;
      const RowSum<T> exponentials(table, from, depth);
      const auto logarithm = static_cast<float>(std::log(double{exponentials.sum}));
      const float shift =
          (input_scale * static_cast<float>(exponentials.most) + logarithm) / affine.scale;
      for (int64_t i = 0; i < depth; ++i) {
        const float result = std::rint(scale * static_cast<float>(from[i]) - shift) +
                             static_cast<float>(affine.zero_point);
        to[i] = static_cast<T>(std::clamp<float>(result, Limits::lowest(), Limits::max()));
      }
    });
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
    const int32_t most = row_max(from, depth);
    int32_t sum = 0;
    for (int64_t i = 0; i < depth; ++i) {
      const int32_t place = std::clamp(scale_by(from[i] - most, factor), -65535, 0) + 32767;
      to[i] = interpolate(points.exponential, place);
      sum = static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(to[i]));
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
