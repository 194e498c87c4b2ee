// What the loops of integer products share at their end: 4 rows by 8 columns of sums to the numbers
// that the stage stores.
#pragma once

#include "core/kernels/i8_panel.h"

namespace zeolite {

// The sums of a tile, row by row.
struct alignas(16) TileSums {
  int32_t at[kI8TileRows][kI8TileColumns];
};

// Where a tile goes.
struct TileTarget {
  void* rows[kI8TileRows] = {};        // Null: not stored.
  float row_scales[kI8TileRows] = {};  // For kFloat32.
  size_t columns = kI8TileColumns;
  bool is_whole = false;  // All 4 rows and 8 columns.
};

// Not part of the loops' functions: sums in memory cost them a twentieth with the fewest channels,
// and each would hold a copy of 5 KB.
void i8_store_tile(const SumStage& stage, const PanelHead& head, const TileSums& sums,
                   const TileTarget& target);

}  // namespace zeolite
