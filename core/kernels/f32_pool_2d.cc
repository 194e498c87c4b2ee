#include "core/kernels/f32_pool_2d.h"

#include <algorithm>
#include <limits>

#include "core/kernels/pool_windows.h"
#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

struct Max {
  static F32x4 start() { return wasm_f32x4_splat(-std::numeric_limits<float>::infinity()); }
  // The larger, and never NaN, as std::max(sum, x). f32x4.max is a long sequence on x64.
  static F32x4 add(F32x4 sum, F32x4 x) { return wasm_f32x4_pmax(sum, x); }
  static F32x4 finish(F32x4 sum, F32x4) { return sum; }
};

struct Average {
  static F32x4 start() { return f32x4_zero(); }
  static F32x4 add(F32x4 sum, F32x4 x) { return wasm_f32x4_add(sum, x); }
  static F32x4 finish(F32x4 sum, F32x4 count) { return wasm_f32x4_div(sum, count); }
};

template <class Function>
[[gnu::noinline]] void pool_pixel(const PoolWindow& window, const float* first, size_t channels,
                                  float* out, const F32Clamp& clamp) {
  const F32x4 low = wasm_f32x4_splat(clamp.min);
  const F32x4 high = wasm_f32x4_splat(clamp.max);
  const F32x4 count = wasm_f32x4_splat(static_cast<float>(window.count()));
  const auto rows = static_cast<size_t>(window.rows);
  const auto columns = static_cast<size_t>(window.columns);
  const auto row_step = static_cast<size_t>(window.row_step);
  const int lanes = channels < 4 ? static_cast<int>(channels) : 4;
  for (size_t group = 0; group < channels; group += 4) {
    // The last vector overlaps the one before.
    const size_t c = group + 4 <= channels || channels < 4 ? group : channels - 4;
    F32x4 sum = Function::start();
    const float* row = first + c;
    for (size_t y = 0; y < rows; ++y, row += row_step) {
      const float* pixel = row;
      for (size_t x = 0; x < columns; ++x, pixel += channels) {
        sum = Function::add(
            sum, lanes == 4 ? wasm_v128_load(pixel) : f32x4_load_partial(pixel, lanes));
      }
    }
    f32x4_store_partial(out + c, f32x4_clamp(Function::finish(sum, count), low, high), lanes);
  }
}

template <class Function>
void pool_2d(const Pool2DShape& shape, const float* input, float* output, const F32Clamp& clamp,
             ThreadPool* pool) {
  for_each_pool_window(shape, shape.channels, pool, [&](const PoolWindow& window, int64_t at) {
    pool_pixel<Function>(window, input + window.first, shape.channels, output + at, clamp);
  });
}

// Rows that are summed before their sum joins the total: rounding errors grow with the longest
// chain of sums, so two short chains are better than one long one.
constexpr size_t kBlockRows = 128;

// Adds up 4 channels (the first `lanes` of them) of rows that lie `channels` elements apart.
F32x4 sum_vector(size_t rows, size_t channels, const float* source, int lanes) {
  F32x4 total = f32x4_zero();
  for (size_t first = 0; first < rows; first += kBlockRows) {
    const size_t count = std::min(kBlockRows, rows - first);
    F32x4 even = f32x4_zero();
    F32x4 odd = f32x4_zero();
    size_t row = 0;
    for (; row + 2 <= count; row += 2, source += 2 * channels) {
      if (lanes == 4) {
        even = wasm_f32x4_add(even, wasm_v128_load(source));
        odd = wasm_f32x4_add(odd, wasm_v128_load(source + channels));
      } else {
        even = wasm_f32x4_add(even, f32x4_load_partial(source, lanes));
        odd = wasm_f32x4_add(odd, f32x4_load_partial(source + channels, lanes));
      }
    }
    if (row < count) {
      even = wasm_f32x4_add(even, f32x4_load_partial(source, lanes));
      source += channels;
    }
    total = wasm_f32x4_add(total, wasm_f32x4_add(even, odd));
  }
  return total;
}

void reduce_rows(int64_t batch, int64_t rows, int64_t channels, const float* input, float* output,
                 bool mean, ThreadPool* pool) {
  const int64_t vectors = (channels + 3) / 4;
  const EvenSplit split(batch * vectors, 4, 4 * rows, pool);
  const F32x4 divisor = wasm_f32x4_splat(mean ? static_cast<float>(rows) : 1.0f);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t i = split.begin(task); i < split.end(task); ++i) {
      const int64_t image = i / vectors;
      const int64_t c = i % vectors * 4;
      const int lanes = static_cast<int>(std::min<int64_t>(4, channels - c));
      const F32x4 sum = sum_vector(rows, channels, input + image * rows * channels + c, lanes);
      f32x4_store_partial(output + image * channels + c, wasm_f32x4_div(sum, divisor), lanes);
    }
  });
}

}  // namespace

void f32_average_pool_2d(const Pool2DShape& shape, const float* input, float* output,
                         F32Clamp clamp, ThreadPool* pool) {
  pool_2d<Average>(shape, input, output, clamp, pool);
}

void f32_max_pool_2d(const Pool2DShape& shape, const float* input, float* output, F32Clamp clamp,
                     ThreadPool* pool) {
  pool_2d<Max>(shape, input, output, clamp, pool);
}

void f32_mean_rows(int64_t batch, int64_t rows, int64_t channels, const float* input,
                   float* output, ThreadPool* pool) {
  reduce_rows(batch, rows, channels, input, output, true, pool);
}

void f32_sum_rows(int64_t batch, int64_t rows, int64_t channels, const float* input, float* output,
                  ThreadPool* pool) {
  reduce_rows(batch, rows, channels, input, output, false, pool);
}

void f32_sum_last(int64_t rows, int64_t depth, const float* input, float* output,
                  ThreadPool* pool) {
  const EvenSplit split(rows, 1, depth, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) {
      const float* source = input + row * depth;
      // Vectors of the row are rows of four channels.
      F32x4 sum = sum_vector(depth / 4, 4, source, 4);
      if (depth % 4 != 0) {
        sum = wasm_f32x4_add(
            sum, f32x4_load_partial(source + depth / 4 * 4, static_cast<int>(depth % 4)));
      }
      output[row] = f32x4_sum(sum);
    }
  });
}

}  // namespace zeolite
