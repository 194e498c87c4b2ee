// What the loops of integer products share at their end: up to 4 rows by 8 columns of sums, in
// registers, to the numbers that the stage stores.
#pragma once

#include "core/kernels/i8_requantize.h"

namespace zeolite {

template <int Rows>
struct TileSums {
  v128_t at[Rows][2];
};

// Where a tile goes.
struct TileTarget {
  void* rows[kI8TileRows];             // Null: not stored.
  float row_scales[kI8TileRows] = {};  // For kFloat32.
  size_t columns = kI8TileColumns;
  bool is_whole = false;  // All 4 rows and 8 columns.
};

// Sums that no vectors are worth: 16-bit outputs, factors above 1.
void i8_store_seldom(const SumStage& stage, const PanelHead& head,
                     const int32_t (&sums)[kI8TileRows][kI8TileColumns],
                     const TileTarget& target);

// Copies the part of a tile that exists.
template <class T>
inline void copy_tile(const T (&whole)[kI8TileRows][kI8TileColumns], const TileTarget& target) {
  for (int r = 0; r < kI8TileRows; ++r) {
    if (target.rows[r] != nullptr) {
      std::memcpy(target.rows[r], whole[r], target.columns * sizeof(T));
    }
  }
}

template <int Rows>
[[gnu::always_inline]] inline bool quick_numbers(const PanelHead& head, const TileSums<Rows>& sums,
                                                 v128_t (&narrow)[Rows]) {
  if (head.is_quick == 0) return false;
  QuickRequantize4 low(head, 0);
  QuickRequantize4 high(head, 4);
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
    narrow[r] = wasm_i16x8_narrow_i32x4(low(wasm_f32x4_convert_i32x4(sums.at[r][0])),
                                        high(wasm_f32x4_convert_i32x4(sums.at[r][1])));
  }
  return QuickRequantize4::are_sure(head, low, high);
}

template <int Rows>
[[gnu::always_inline]] inline void exact_numbers(const PanelHead& head, const TileSums<Rows>& sums,
                                                 v128_t (&narrow)[Rows]) {
  const Requantize4 low(head, 0);
  const Requantize4 high(head, 4);
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
    narrow[r] = wasm_i16x8_narrow_i32x4(low(sums.at[r][0]), high(sums.at[r][1]));
  }
}

template <int Rows>
[[gnu::always_inline]] inline void store_8(const SumStage& stage, const PanelHead& head,
                                           const TileSums<Rows>& sums, const TileTarget& target) {
  v128_t narrow[Rows];
  if (!quick_numbers(head, sums, narrow)) exact_numbers(head, sums, narrow);
  const Store8 store(stage);
  if (Rows == kI8TileRows && target.is_whole) {
#pragma GCC unroll 4
    for (int r = 0; r < Rows; r += 2) {
      const v128_t bytes = store(narrow[r], narrow[Rows > 1 ? r + 1 : r]);
      wasm_v128_store64_lane(target.rows[r], bytes, 0);
      wasm_v128_store64_lane(target.rows[Rows > 1 ? r + 1 : r], bytes, 1);
    }
    return;
  }
  uint8_t whole[kI8TileRows][kI8TileColumns];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
    wasm_v128_store64_lane(whole[r], store(narrow[r], narrow[r]), 0);
  }
  copy_tile(whole, target);
}

// Vectors of 32 bits as they are.
template <class T, int Rows>
[[gnu::always_inline]] inline void store_32(const TileSums<Rows>& values,
                                            const TileTarget& target) {
  T whole[kI8TileRows][kI8TileColumns];
  const bool direct = Rows == kI8TileRows && target.is_whole;
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
    T* const to = direct ? static_cast<T*>(target.rows[r]) : whole[r];
    wasm_v128_store(to, values.at[r][0]);
    wasm_v128_store(to + 4, values.at[r][1]);
  }
  if (!direct) copy_tile(whole, target);
}

template <int Rows>
[[gnu::always_inline]] inline void store_float(const SumStage& stage, const PanelHead& head,
                                               const TileSums<Rows>& sums,
                                               const TileTarget& target) {
  const v128_t low = wasm_f32x4_splat(stage.clamp.min);
  const v128_t high = wasm_f32x4_splat(stage.clamp.max);
  TileSums<Rows> values;
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
    const v128_t row_scale = wasm_f32x4_splat(target.row_scales[r]);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const v128_t scale = wasm_f32x4_mul(wasm_v128_load(head.scale + 4 * half), row_scale);
      const v128_t y =
          wasm_f32x4_add(wasm_f32x4_mul(wasm_f32x4_convert_i32x4(sums.at[r][half]), scale),
                         wasm_v128_load(head.float_bias + 4 * half));
      values.at[r][half] = f32x4_clamp(y, low, high);
    }
  }
  store_32<float>(values, target);
}

// Any of the above.
template <int Rows>
[[gnu::always_inline]] inline void store_sums(const SumStage& stage, const PanelHead& head,
                                              const TileSums<Rows>& sums,
                                              const TileTarget& target) {
  if (stage.output == SumOutput::kFloat32) {
    store_float(stage, head, sums, target);
  } else if (stage.output == SumOutput::kInt32) {
    store_32<int32_t>(sums, target);
  } else if (stage.element_bytes() == 1 && head.is_plain != 0) {
    store_8(stage, head, sums, target);
  } else {
    int32_t all[kI8TileRows][kI8TileColumns] = {};
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
      wasm_v128_store(all[r], sums.at[r][0]);
      wasm_v128_store(all[r] + 4, sums.at[r][1]);
    }
    i8_store_seldom(stage, head, all, target);
  }
}

}  // namespace zeolite
