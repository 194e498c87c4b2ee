#include "core/kernels/i8_store.h"

#include "core/kernels/i8_requantize.h"

namespace zeolite {
namespace {

constexpr int kRows = kI8QuadTileRows;
constexpr int kColumns = kI8TileColumns;

// Copies the part of a tile that exists.
template <class T>
void copy_tile(const T (&whole)[kRows][kColumns], const TileTarget& target) {
  for (int r = 0; r < target.count; ++r) {
    if (target.rows[r] != nullptr) {
      std::memcpy(target.rows[r], whole[r], target.columns * sizeof(T));
    }
  }
}

// In pairs.
int even_rows(const TileTarget& target) { return (target.count + 1) & ~1; }

template <class Requantize>
void narrow_sums(const TileSums& sums, int count, Requantize& low, Requantize& high,
                 v128_t (&narrow)[kRows]) {
  for (int r = 0; r < count; ++r) {
    narrow[r] = wasm_i16x8_narrow_i32x4(low.of_sum(wasm_v128_load(sums.at[r])),
                                        high.of_sum(wasm_v128_load(sums.at[r] + 4)));
  }
}

bool quick_numbers(const PanelHead& head, const TileSums& sums, int count,
                   v128_t (&narrow)[kRows]) {
  QuickRequantize4 low(head, 0);
  QuickRequantize4 high(head, 4);
  narrow_sums(sums, count, low, high, narrow);
  return QuickRequantize4::are_sure(head, low, high);
}

void store_8(const PanelHead& head, const TileSums& sums, const TileTarget& target) {
  const int count = even_rows(target);
  v128_t narrow[kRows];
  if (head.is_proven != 0) {
    const ProvenRequantize4 low(head, 0);
    const ProvenRequantize4 high(head, 4);
    narrow_sums(sums, count, low, high, narrow);
  } else if (head.is_quick == 0 || !quick_numbers(head, sums, count, narrow)) {
    const Requantize4 low(head, 0);
    const Requantize4 high(head, 4);
    narrow_sums(sums, count, low, high, narrow);
  }
  const Store8 store(head);
  uint8_t whole[kRows][kColumns];
  for (int r = 0; r < count; r += 2) {
    const v128_t bytes = store(narrow[r], narrow[r + 1]);
    wasm_v128_store64_lane(target.is_whole ? target.rows[r] : whole[r], bytes, 0);
    wasm_v128_store64_lane(target.is_whole ? target.rows[r + 1] : whole[r + 1], bytes, 1);
  }
  if (!target.is_whole) copy_tile(whole, target);
}

void store_float(const SumStage& stage, const PanelHead& head, const TileSums& sums,
                 const TileTarget& target) {
  const FloatStore store(stage, head);
  float whole[kRows][kColumns];
  for (int r = 0; r < target.count; ++r) {
    if (target.rows[r] == nullptr) continue;
    store(wasm_v128_load(sums.at[r]), wasm_v128_load(sums.at[r] + 4), target.row_scales[r],
          target.is_whole ? static_cast<float*>(target.rows[r]) : whole[r]);
  }
  if (!target.is_whole) copy_tile(whole, target);
}

void store_one_by_one(const SumStage& stage, const PanelHead& head, const TileSums& sums,
                      const TileTarget& target) {
  for (int r = 0; r < target.count; ++r) {
    if (target.rows[r] == nullptr) continue;
    for (size_t c = 0; c < target.columns; ++c) {
      const int32_t stored = i8_stored(stage, head, c, sums.at[r][c]);
      if (stage.output == SumOutput::kInt16) {
        static_cast<int16_t*>(target.rows[r])[c] = static_cast<int16_t>(stored);
      } else {
        static_cast<uint8_t*>(target.rows[r])[c] = static_cast<uint8_t>(stored);
      }
    }
  }
}

}  // namespace

void i8_store_tile(const SumStage& stage, const PanelHead& head, const TileSums& sums,
                   const TileTarget& target) {
  switch (stage.output) {
    case SumOutput::kFloat32: return store_float(stage, head, sums, target);
    case SumOutput::kInt32: return copy_tile(sums.at, target);
    default:
      if (head.is_plain != 0 && stage.element_bytes() == 1) return store_8(head, sums, target);
      return store_one_by_one(stage, head, sums, target);
  }
}

}  // namespace zeolite
