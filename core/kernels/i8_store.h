// What the loops of integer products share at their end: a tile's sums to the numbers that the
// stage stores.
#pragma once

#include "core/kernels/i8_panel.h"

namespace zeolite {

// The sums of a tile, row by row.
struct alignas(16) TileSums {
  int32_t at[kI8QuadTileRows][kI8TileColumns];
};

// Where a tile goes.
struct TileTarget {
  int count = kI8TileRows;                 // Of rows.
  void* rows[kI8QuadTileRows] = {};        // Null: not stored.
  float row_scales[kI8QuadTileRows] = {};  // For kFloat32.
  size_t columns = kI8TileColumns;
  bool is_whole = false;  // All rows and 8 columns.
};

// Not part of the loops' functions: sums in memory cost them a twentieth with the fewest channels,
// and each would hold a copy of 5 KB. The sums hold the bias, but where it has 64 bits
// (stage.wide); then they must be below 2^30. An odd count takes the sums of one more row, of any
// value.
void i8_store_tile(const SumStage& stage, const PanelHead& head, const TileSums& sums,
                   const TileTarget& target);

}  // namespace zeolite
