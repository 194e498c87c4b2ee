#include "core/kernels/quantized_pool_2d.h"

#include <limits>

#include "core/kernels/pool_windows.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

// n / count, rounded with halves away from zero.
int32_t rounded_quotient(int64_t n, int64_t count) {
  if (count == 0) return 0;
  return static_cast<int32_t>(n > 0 ? (n + count / 2) / count : (n - count / 2) / count);
}

// The same of four sums, |sum| + count below 2^24: then float32 division never rounds up to the
// next integer, as what is missing to it is at least 1 / count.
v128_t rounded_quotients(v128_t sums, int32_t count) {
  const v128_t negative = wasm_i32x4_shr(sums, 31);
  const v128_t half = wasm_i32x4_splat(count / 2);
  const v128_t nudged = wasm_i32x4_add(wasm_i32x4_abs(sums), half);
  const v128_t quotient = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_div(
      wasm_f32x4_convert_i32x4(nudged), wasm_f32x4_splat(static_cast<float>(count))));
  return wasm_i32x4_sub(wasm_v128_xor(quotient, negative), negative);
}

constexpr int64_t kMostForFloats = 1 << 16;

// Adds up 16 channels of a window's bytes, `first` the first one's, each less `less` (0 or 128:
// uint8 as int8 with the top bit turned over): in 16 bits as long as they hold the sums, then in
// 32.
[[gnu::noinline]] void sum_16(const PoolWindow& window, const uint8_t* first, int64_t channels,
                              int32_t less, v128_t (&sums)[4]) {
  const v128_t flip = wasm_i8x16_splat(static_cast<int8_t>(less));
  v128_t a = wasm_i16x8_splat(0);
  v128_t b = wasm_i16x8_splat(0);
  int pending = 0;
  for (v128_t& sum : sums) sum = wasm_i32x4_splat(0);
  const auto flush = [&] {
    sums[0] = wasm_i32x4_add(sums[0], wasm_i32x4_extend_low_i16x8(a));
    sums[1] = wasm_i32x4_add(sums[1], wasm_i32x4_extend_high_i16x8(a));
    sums[2] = wasm_i32x4_add(sums[2], wasm_i32x4_extend_low_i16x8(b));
    sums[3] = wasm_i32x4_add(sums[3], wasm_i32x4_extend_high_i16x8(b));
    a = b = wasm_i16x8_splat(0);
    pending = 0;
  };
  for (int64_t y = 0; y < window.rows; ++y) {
    const uint8_t* from = first + y * window.row_step;
    for (int64_t x = 0; x < window.columns; ++x, from += channels) {
      const v128_t sixteen = wasm_v128_xor(wasm_v128_load(from), flip);
      a = wasm_i16x8_add(a, wasm_i16x8_extend_low_i8x16(sixteen));
      b = wasm_i16x8_add(b, wasm_i16x8_extend_high_i8x16(sixteen));
      if (++pending == 255) flush();
    }
  }
  flush();
  const v128_t back = wasm_i32x4_splat(static_cast<int32_t>(less * window.count()));
  for (v128_t& sum : sums) sum = wasm_i32x4_add(sum, back);
}

template <class T>
[[gnu::noinline]] int64_t sum_one(const PoolWindow& window, const T* first, int64_t channels) {
  int64_t sum = 0;
  for (int64_t y = 0; y < window.rows; ++y) {
    const T* from = first + y * window.row_step;
    for (int64_t x = 0; x < window.columns; ++x) sum += from[x * channels];
  }
  return sum;
}

template <class T>
void sum_bytes(const PoolWindow& window, const T* first, int64_t channels, v128_t (&sums)[4]) {
  sum_16(window, reinterpret_cast<const uint8_t*>(first), channels, std::is_signed_v<T> ? 0 : 128,
         sums);
}

template <class T>
void average(const Pool2DShape& shape, const T* input, int32_t min, int32_t max, T* output,
             ThreadPool* pool) {
  const int64_t channels = shape.channels;
  const v128_t low = wasm_i32x4_splat(min);
  const v128_t high = wasm_i32x4_splat(max);
  for_each_pool_window(shape, (channels + 3) / 4, pool, [&](const PoolWindow& window, int64_t at) {
    const T* first = input + window.first;
    const int64_t count = window.count();
    int64_t c = 0;
    if constexpr (sizeof(T) == 1) {
      for (; c + 16 <= channels && count > 0 && count <= kMostForFloats; c += 16) {
        v128_t sums[4];
        sum_bytes(window, first + c, channels, sums);
        for (v128_t& sum : sums) {
          sum = rounded_quotients(sum, static_cast<int32_t>(count));
          sum = wasm_i32x4_min(wasm_i32x4_max(sum, low), high);
        }
        const v128_t a = wasm_i16x8_narrow_i32x4(sums[0], sums[1]);
        const v128_t b = wasm_i16x8_narrow_i32x4(sums[2], sums[3]);
        wasm_v128_store(output + at + c, std::is_signed_v<T> ? wasm_i8x16_narrow_i16x8(a, b)
                                                             : wasm_u8x16_narrow_i16x8(a, b));
      }
    }
    for (; c < channels; ++c) {
      const int32_t mean = rounded_quotient(sum_one(window, first + c, channels), count);
      output[at + c] = static_cast<T>(std::clamp(mean, min, max));
    }
  });
}

template <class T>
void largest(const Pool2DShape& shape, const T* input, int32_t min, int32_t max, T* output,
             ThreadPool* pool) {
  const int64_t channels = shape.channels;
  const auto splat = [](int32_t x) {
    return sizeof(T) == 1 ? wasm_i8x16_splat(static_cast<int8_t>(x))
                          : wasm_i16x8_splat(static_cast<int16_t>(x));
  };
  const auto larger = [](v128_t a, v128_t b) {
    if constexpr (sizeof(T) == 2) return wasm_i16x8_max(a, b);
    return std::is_signed_v<T> ? wasm_i8x16_max(a, b) : wasm_u8x16_max(a, b);
  };
  const auto smaller = [](v128_t a, v128_t b) {
    if constexpr (sizeof(T) == 2) return wasm_i16x8_min(a, b);
    return std::is_signed_v<T> ? wasm_i8x16_min(a, b) : wasm_u8x16_min(a, b);
  };
  const v128_t low = splat(min);
  const v128_t high = splat(max);
  constexpr int64_t kLanes = 16 / sizeof(T);
  for_each_pool_window(shape, (channels + 3) / 4, pool, [&](const PoolWindow& window, int64_t at) {
    const T* first = input + window.first;
    int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) {
      v128_t most = low;
      for (int64_t y = 0; y < window.rows; ++y) {
        const T* from = first + y * window.row_step + c;
        for (int64_t x = 0; x < window.columns; ++x) {
          most = larger(most, wasm_v128_load(from + x * channels));
        }
      }
      wasm_v128_store(output + at + c, smaller(most, high));
    }
    for (; c < channels; ++c) {
      int32_t most = min;
      for (int64_t y = 0; y < window.rows; ++y) {
        const T* from = first + y * window.row_step + c;
        for (int64_t x = 0; x < window.columns; ++x) {
          most = std::max<int32_t>(most, from[x * channels]);
        }
      }
      output[at + c] = static_cast<T>(std::min(most, max));
    }
  });
}

template <class T>
void sum_rows(int64_t batch, int64_t rows, int64_t channels, const T* input, int64_t* sums,
              ThreadPool* pool) {
  const EvenSplit split(batch * ((channels + 15) / 16), 1, 4 * rows, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    const int64_t groups = (channels + 15) / 16;
    for (int64_t group = split.begin(task); group < split.end(task); ++group) {
      const int64_t image = group / groups;
      int64_t c = group % groups * 16;
      const T* first = input + image * rows * channels;
      const PoolWindow window = {0, rows, 1, channels};
      const int64_t end = std::min(c + 16, channels);
      if constexpr (sizeof(T) == 1) {
        if (c + 16 <= channels) {
          v128_t four[4];
          sum_bytes(window, first + c, channels, four);
          int32_t lanes[16];
          for (int i = 0; i < 4; ++i) wasm_v128_store(lanes + 4 * i, four[i]);
          for (int i = 0; i < 16; ++i) sums[image * channels + c + i] = lanes[i];
          continue;
        }
      }
      for (; c < end; ++c) sums[image * channels + c] = sum_one(window, first + c, channels);
    }
  });
}

}  // namespace

void quantized_average_pool_2d(const Pool2DShape& shape, SmallInteger type, const void* input,
                               int32_t min, int32_t max, void* output, ThreadPool* pool) {
  switch (type) {
    case SmallInteger::kInt8:
      average(shape, static_cast<const int8_t*>(input), min, max, static_cast<int8_t*>(output),
              pool);
      break;
    case SmallInteger::kUint8:
      average(shape, static_cast<const uint8_t*>(input), min, max, static_cast<uint8_t*>(output),
              pool);
      break;
    case SmallInteger::kInt16:
      average(shape, static_cast<const int16_t*>(input), min, max, static_cast<int16_t*>(output),
              pool);
      break;
  }
}

void quantized_max_pool_2d(const Pool2DShape& shape, SmallInteger type, const void* input,
                           int32_t min, int32_t max, void* output, ThreadPool* pool) {
  switch (type) {
    case SmallInteger::kInt8:
      largest(shape, static_cast<const int8_t*>(input), min, max, static_cast<int8_t*>(output),
              pool);
      break;
    case SmallInteger::kUint8:
      largest(shape, static_cast<const uint8_t*>(input), min, max, static_cast<uint8_t*>(output),
              pool);
      break;
    case SmallInteger::kInt16:
      largest(shape, static_cast<const int16_t*>(input), min, max, static_cast<int16_t*>(output),
              pool);
      break;
  }
}

void integer_sum_rows(SmallInteger type, int64_t batch, int64_t rows, int64_t channels,
                      const void* input, int64_t* sums, ThreadPool* pool) {
  switch (type) {
    case SmallInteger::kInt8:
      sum_rows(batch, rows, channels, static_cast<const int8_t*>(input), sums, pool);
      break;
    case SmallInteger::kUint8:
      sum_rows(batch, rows, channels, static_cast<const uint8_t*>(input), sums, pool);
      break;
    case SmallInteger::kInt16:
      sum_rows(batch, rows, channels, static_cast<const int16_t*>(input), sums, pool);
      break;
  }
}

void integer_sum_last(SmallInteger type, int64_t rows, int64_t depth, const void* input,
                      int64_t* sums, ThreadPool* pool) {
  const bool is_wide = type == SmallInteger::kInt16;
  const int bytes = bytes_of(type);
  // int8 as uint8 with the top bit turned over.
  const int flip = type == SmallInteger::kInt8 ? 0x80 : 0;
  const v128_t turned = wasm_i8x16_splat(static_cast<int8_t>(flip));
  const EvenSplit split(rows, 1, depth / 4, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) {
      const auto* from = static_cast<const uint8_t*>(input) + row * depth * bytes;
      v128_t lanes = wasm_i32x4_splat(0);
      int64_t i = 0;
      for (; i + 16 <= depth * bytes; i += 16) {
        const v128_t x = wasm_v128_xor(wasm_v128_load(from + i), turned);
        const v128_t pairs = is_wide ? wasm_i32x4_extadd_pairwise_i16x8(x)
                                     : wasm_u32x4_extadd_pairwise_u16x8(
                                           wasm_u16x8_extadd_pairwise_u8x16(x));
        lanes = wasm_i32x4_add(lanes, pairs);
      }
      int32_t four[4];
      wasm_v128_store(four, lanes);
      int64_t sum = int64_t{four[0]} + four[1] + four[2] + four[3];
      if (is_wide) {
        const auto* wide = reinterpret_cast<const int16_t*>(from);
        for (i /= 2; i < depth; ++i) sum += wide[i];
      } else {
        for (; i < depth; ++i) sum += from[i] ^ flip;
      }
      sums[row] = sum - flip * depth;
    }
  });
}

}  // namespace zeolite
