// What becomes of a tile's sums while they are in registers.
#pragma once

#include "core/kernels/i8_requantize.h"
#include "core/kernels/i8_store.h"
#include "core/kernels/simd.h"

namespace zeolite {

// The sums of one tile, in registers: so its functions must be inlined (f32_tile.cc).
template <int Rows>
struct I8Tile {
  v128_t sum[Rows][2];

  [[gnu::always_inline]] void start(v128_t low, v128_t high) {
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
      sum[r][0] = low;
      sum[r][1] = high;
    }
  }
};

// The commonest end without a way through memory, which costs layers of few channels a tenth.
// False: not all numbers are sure, nothing is stored.
template <int Rows>
[[gnu::always_inline]] inline bool store_tile_quick(const SumStage& stage, const PanelHead& head,
                                               const I8Tile<Rows>& tile,
                                               const TileTarget& target) {
  QuickRequantize4 low(head, 0);
  QuickRequantize4 high(head, 4);
  v128_t narrow[Rows];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
    narrow[r] = wasm_i16x8_narrow_i32x4(low(wasm_f32x4_convert_i32x4(tile.sum[r][0])),
                                        high(wasm_f32x4_convert_i32x4(tile.sum[r][1])));
  }
  if (!QuickRequantize4::are_sure(head, low, high)) return false;
  const Store8 store(stage);
#pragma GCC unroll 4
  for (int r = 0; r < Rows; r += 2) {
    const v128_t bytes = store(narrow[r], narrow[Rows > 1 ? r + 1 : r]);
    wasm_v128_store64_lane(target.rows[r], bytes, 0);
    if (Rows > 1) wasm_v128_store64_lane(target.rows[r + 1], bytes, 1);
  }
  return true;
}

// From the registers to where the sums go.
template <int Rows>
[[gnu::always_inline]] inline void finish_tile(const SumStage& stage, const PanelHead& head,
                                               const I8Tile<Rows>& tile,
                                               const TileTarget& target) {
  if (Rows == kI8TileRows && stage.output == SumOutput::kInt32 && target.is_whole) {
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
      wasm_v128_store(target.rows[r], tile.sum[r][0]);
      wasm_v128_store(static_cast<int32_t*>(target.rows[r]) + 4, tile.sum[r][1]);
    }
    return;
  }
  if (Rows == kI8TileRows && head.is_quick != 0 && target.is_whole &&
      store_tile_quick(stage, head, tile, target)) {
    return;
  }
  TileSums sums;
#pragma GCC unroll 4
  for (int r = 0; r < kI8TileRows; ++r) {
    wasm_v128_store(sums.at[r], tile.sum[r < Rows ? r : 0][0]);
    wasm_v128_store(sums.at[r] + 4, tile.sum[r < Rows ? r : 0][1]);
  }
  i8_store_tile(stage, head, sums, target);
}

}  // namespace zeolite
