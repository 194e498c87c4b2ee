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
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      sum[r][0] = low;
      sum[r][1] = high;
    }
  }
};

// The commonest ends without a way through memory, which costs layers of few channels a tenth.
template <int Rows, class Requantize>
[[gnu::always_inline]] inline void narrow_tile(const I8Tile<Rows>& tile, Requantize& low,
                                               Requantize& high, v128_t (&narrow)[Rows]) {
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
    narrow[r] = wasm_i16x8_narrow_i32x4(low.of_sum(tile.sum[r][0]), high.of_sum(tile.sum[r][1]));
  }
}

// From the registers to the tile's `rows`, of which those that are not to be stored are null;
// all_rows: all are. `Quick`: with fast ends. row_scales: of each row, for kFloat32.
template <int Rows, bool Quick>
[[gnu::always_inline]] inline void finish_tile(const SumStage& stage, const PanelHead& head,
                                               const I8Tile<Rows>& tile,
                                               uint8_t* const (&rows)[Rows], bool all_rows,
                                               size_t columns, const PanelRow* row_scales) {
  if (all_rows && columns == kI8TileColumns) {
    v128_t narrow[Rows];
    bool is_done = false;
    if (Quick && head.is_proven != 0) {
      const ProvenRequantize4 low(head, 0);
      const ProvenRequantize4 high(head, 4);
      narrow_tile(tile, low, high, narrow);
      is_done = true;
    } else if (Quick && head.is_quick != 0) {
      QuickRequantize4 low(head, 0);
      QuickRequantize4 high(head, 4);
      narrow_tile(tile, low, high, narrow);
      is_done = QuickRequantize4::are_sure(head, low, high);
    } else if (Quick && stage.output == SumOutput::kFloat32) {
      const FloatStore store(stage, head);
#pragma GCC unroll 6
      for (int r = 0; r < Rows; ++r) {
        store(tile.sum[r][0], tile.sum[r][1], row_scales[r].scale,
              reinterpret_cast<float*>(rows[r]));
      }
      return;
    } else if (!Quick && stage.output == SumOutput::kInt32) {
#pragma GCC unroll 6
      for (int r = 0; r < Rows; ++r) {
        wasm_v128_store(rows[r], tile.sum[r][0]);
        wasm_v128_store(rows[r] + 16, tile.sum[r][1]);
      }
      return;
    }
    if (is_done) {
      const Store8 store(head);
#pragma GCC unroll 6
      for (int r = 0; r < Rows; r += 2) {
        const v128_t bytes = store(narrow[r], narrow[Rows > 1 ? r + 1 : r]);
        wasm_v128_store64_lane(rows[r], bytes, 0);
        if (Rows > 1) wasm_v128_store64_lane(rows[r + 1], bytes, 1);
      }
      return;
    }
  }
  static_assert(Rows == 1 || Rows % 2 == 0);
  TileSums sums;
  TileTarget target;
  target.count = Rows;
  if (Rows == 1) std::fill_n(sums.at[1], kI8TileColumns, 0);
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
    wasm_v128_store(sums.at[r], tile.sum[r][0]);
    wasm_v128_store(sums.at[r] + 4, tile.sum[r][1]);
    target.rows[r] = rows[r];
    if (row_scales != nullptr && rows[r] != nullptr) {
      target.row_scales[r] = row_scales[r].scale;
    }
  }
  target.columns = columns;
  target.is_whole = Rows > 1 && all_rows && columns == kI8TileColumns;
  i8_store_tile(stage, head, sums, target);
}

}  // namespace zeolite
