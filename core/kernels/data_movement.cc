#include "core/kernels/data_movement.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

// A transposition after merging: output dimensions with the distance of their elements in the
// input, in elements. An element may be a block of several of the tensor's.
struct Nest {
  int rank = 0;
  std::array<int64_t, kMaxTransposeRank> sizes = {};
  std::array<int64_t, kMaxTransposeRank> strides = {};
  int64_t element_bytes = 1;
};

// Leaves out dimensions of size 1, merges output neighbours that are neighbours in the input, and
// makes one element of what stays together at the end.
Nest make_nest(std::span<const int32_t> dimensions, std::span<const int32_t> permutation,
               int64_t element_bytes) {
  const int rank = static_cast<int>(dimensions.size());
  std::array<int64_t, kMaxTransposeRank> input_strides = {};
  int64_t stride = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    input_strides[axis] = stride;
    stride *= dimensions[axis];
  }
  Nest nest;
  nest.element_bytes = element_bytes;
  for (int i = 0; i < rank; ++i) {
    const int64_t size = dimensions[permutation[i]];
    const int64_t step = input_strides[permutation[i]];
    if (size == 1) continue;
    if (nest.rank > 0 && nest.strides[nest.rank - 1] == size * step) {
      nest.sizes[nest.rank - 1] *= size;
      nest.strides[nest.rank - 1] = step;
      continue;
    }
    nest.sizes[nest.rank] = size;
    nest.strides[nest.rank] = step;
    ++nest.rank;
  }
  if (nest.rank > 0 && nest.strides[nest.rank - 1] == 1) {
    --nest.rank;
    const int64_t block = nest.sizes[nest.rank];
    nest.element_bytes *= block;
    for (int i = 0; i < nest.rank; ++i) nest.strides[i] /= block;
  }
  return nest;
}

// target[i][j] = source[j][i] for a square that fits registers; strides in elements.
template <class T>
inline constexpr size_t kSquare = 1;
template <>
inline constexpr size_t kSquare<uint8_t> = 8;
template <>
inline constexpr size_t kSquare<uint16_t> = 8;
template <>
inline constexpr size_t kSquare<uint32_t> = 4;

[[gnu::always_inline]] inline void transpose_square(const uint8_t* source, size_t source_stride,
                                                    uint8_t* target, size_t target_stride) {
  v128_t x[4];
  for (size_t i = 0; i < 4; ++i) {
    const uint8_t* from = source + 2 * i * source_stride;
    x[i] = wasm_v128_load64_lane(from + source_stride, wasm_v128_load64_zero(from), 1);
  }
  // An element's place has 6 bits: each round turns them by one.
  for (int round = 0; round < 3; ++round) {
    const v128_t y[4] = {x[0], x[1], x[2], x[3]};
    for (size_t i = 0; i < 2; ++i) {
      x[2 * i] = wasm_i8x16_shuffle(y[i], y[i + 2], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22,
                                    7, 23);
      x[2 * i + 1] = wasm_i8x16_shuffle(y[i], y[i + 2], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
                                        29, 14, 30, 15, 31);
    }
  }
  for (size_t i = 0; i < 4; ++i) {
    uint8_t* const to = target + 2 * i * target_stride;
    wasm_v128_store64_lane(to, x[i], 0);
    wasm_v128_store64_lane(to + target_stride, x[i], 1);
  }
}

[[gnu::always_inline]] inline void transpose_square(const uint16_t* source, size_t source_stride,
                                                    uint16_t* target, size_t target_stride) {
  v128_t x[8];
  for (size_t i = 0; i < 8; ++i) x[i] = wasm_v128_load(source + i * source_stride);
  for (int round = 0; round < 3; ++round) {
    v128_t y[8];
    for (size_t i = 0; i < 8; ++i) y[i] = x[i];
    for (size_t i = 0; i < 4; ++i) {
      x[2 * i] = wasm_i16x8_shuffle(y[i], y[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
      x[2 * i + 1] = wasm_i16x8_shuffle(y[i], y[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
  }
  for (size_t i = 0; i < 8; ++i) wasm_v128_store(target + i * target_stride, x[i]);
}

[[gnu::always_inline]] inline void transpose_square(const uint32_t* source, size_t source_stride,
                                                    uint32_t* target, size_t target_stride) {
  v128_t rows[4];
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) rows[r] = wasm_v128_load(source + r * source_stride);
  i32x4_transpose(rows);
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) wasm_v128_store(target + r * target_stride, rows[r]);
}

// target[row][column] = source[column][row]: rows x columns of the output; strides in elements.
template <class T>
[[gnu::noinline]] void transpose_plane(size_t rows, size_t columns, const T* source,
                                       size_t source_stride, T* target, size_t target_stride) {
  // Blocks whose lines of both sides fit L1; the source's lines whole.
  constexpr size_t kRows = 64 / sizeof(T);
  constexpr size_t kColumns = 16;
  constexpr size_t kSide = kSquare<T>;
  for (size_t row = 0; row < rows; row += kRows) {
    const size_t row_end = std::min(rows, row + kRows);
    for (size_t column = 0; column < columns; column += kColumns) {
      const size_t column_end = std::min(columns, column + kColumns);
      size_t r = row;
      if constexpr (kSide > 1) {
        for (; r + kSide <= row_end; r += kSide) {
          size_t c = column;
          for (; c + kSide <= column_end; c += kSide) {
            transpose_square(source + c * source_stride + r, source_stride,
                             target + r * target_stride + c, target_stride);
          }
          for (; c < column_end; ++c) {
            for (size_t i = 0; i < kSide; ++i) {
              target[(r + i) * target_stride + c] = source[c * source_stride + r + i];
            }
          }
        }
      }
      for (; r < row_end; ++r) {
        for (size_t c = column; c < column_end; ++c) {
          target[r * target_stride + c] = source[c * source_stride + r];
        }
      }
    }
  }
}

// Walks the dimensions of a nest but two (or one), calling body(source, target) in elements.
struct Outer {
  int rank = 0;
  std::array<int64_t, kMaxTransposeRank> sizes = {};
  std::array<int64_t, kMaxTransposeRank> source_strides = {};
  std::array<int64_t, kMaxTransposeRank> target_strides = {};

  void add(int64_t size, int64_t source_stride, int64_t target_stride) {
    sizes[rank] = size;
    source_strides[rank] = source_stride;
    target_strides[rank] = target_stride;
    ++rank;
  }
  int64_t count() const {
    int64_t product = 1;
    for (int i = 0; i < rank; ++i) product *= sizes[i];
    return product;
  }
  void locate(int64_t index, int64_t* source, int64_t* target) const {
    *source = 0;
    *target = 0;
    for (int i = rank - 1; i >= 0; --i) {
      *source += index % sizes[i] * source_strides[i];
      *target += index % sizes[i] * target_strides[i];
      index /= sizes[i];
    }
  }
};

// An element of 1, 2, 4 or 8 bytes: planes of the input's and the output's fastest dimensions.
template <class T>
void transpose_elements(const Nest& nest, const T* source, T* target, ThreadPool* pool) {
  std::array<int64_t, kMaxTransposeRank> target_strides = {};
  int64_t stride = 1;
  int fastest = 0;  // The output dimension that is the input's last.
  for (int i = nest.rank - 1; i >= 0; --i) {
    target_strides[i] = stride;
    stride *= nest.sizes[i];
    if (nest.strides[i] == 1) fastest = i;
  }
  const int last = nest.rank - 1;
  Outer outer;
  for (int i = 0; i < last; ++i) {
    if (i != fastest) outer.add(nest.sizes[i], nest.strides[i], target_strides[i]);
  }
  const int64_t rows = nest.sizes[fastest];
  const int64_t columns = nest.sizes[last];
  const EvenSplit planes(outer.count(), 1, 2 * rows * columns, pool);
  // One plane is split over its rows, many are shared out.
  const EvenSplit part(rows, 16, 2 * columns, outer.count() == 1 ? pool : nullptr);
  parallel_for(planes.pool, planes.tasks(), [&](int64_t task) {
    for (int64_t i = planes.begin(task); i < planes.end(task); ++i) {
      int64_t from;
      int64_t to;
      outer.locate(i, &from, &to);
      parallel_for(part.pool, part.tasks(), [&](int64_t piece) {
        const int64_t row = part.begin(piece);
        transpose_plane<T>(part.end(piece) - row, columns, source + from + row,
                           nest.strides[last], target + to + row * target_strides[fastest],
                           target_strides[fastest]);
      });
    }
  });
}

// Blocks of bytes that stay together.
void transpose_blocks(const Nest& nest, const uint8_t* source, uint8_t* target,
                      ThreadPool* pool) {
  Outer outer;
  int64_t stride = 1;
  std::array<int64_t, kMaxTransposeRank> target_strides = {};
  for (int i = nest.rank - 1; i >= 0; --i) {
    target_strides[i] = stride;
    stride *= nest.sizes[i];
  }
  for (int i = 0; i < nest.rank; ++i) outer.add(nest.sizes[i], nest.strides[i], target_strides[i]);
  const int64_t bytes = nest.element_bytes;
  const EvenSplit split(outer.count(), 1, bytes / 2 + 8, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t i = split.begin(task); i < split.end(task); ++i) {
      int64_t from;
      int64_t to;
      outer.locate(i, &from, &to);
      std::memcpy(target + to * bytes, source + from * bytes, bytes);
    }
  });
}

}  // namespace

void transpose(std::span<const int32_t> dimensions, std::span<const int32_t> permutation,
               int64_t element_bytes, const void* input, void* output, ThreadPool* pool) {
  for (int32_t size : dimensions) {
    if (size == 0) return;
  }
  const Nest nest = make_nest(dimensions, permutation, element_bytes);
  const bool one_by_one = nest.rank > 0 && nest.element_bytes == element_bytes;
  const auto as = [&]<class T>(T) {
    transpose_elements(nest, static_cast<const T*>(input), static_cast<T*>(output), pool);
  };
  if (one_by_one && element_bytes == 1) return as(uint8_t{});
  if (one_by_one && element_bytes == 2) return as(uint16_t{});
  if (one_by_one && element_bytes == 4) return as(uint32_t{});
  if (one_by_one && element_bytes == 8) return as(uint64_t{});
  transpose_blocks(nest, static_cast<const uint8_t*>(input), static_cast<uint8_t*>(output), pool);
}

void copy_blocks(int64_t count, int64_t block_bytes, const void* source, int64_t source_stride,
                 void* target, int64_t target_stride) {
  if (block_bytes == 0) return;
  const uint8_t* from = static_cast<const uint8_t*>(source);
  uint8_t* to = static_cast<uint8_t*>(target);
  if (source_stride == block_bytes && target_stride == block_bytes && count > 0) {
    std::memcpy(to, from, static_cast<size_t>(count * block_bytes));
    return;
  }
  for (int64_t i = 0; i < count; ++i, from += source_stride, to += target_stride) {
    std::memcpy(to, from, static_cast<size_t>(block_bytes));
  }
}

}  // namespace zeolite
