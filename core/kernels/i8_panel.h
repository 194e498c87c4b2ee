// The inner loops of all integer products: tiles of 4 rows by 8 columns.
//
// Where a dot product of 8 bits is one exact instruction (has_fast_dot4: VNNI), activations are
// bytes and are multiplied four at a time. Elsewhere they are widened to 16 bits minus their zero
// point (i8_activations.h), so that padding is 0 and nothing need be corrected afterwards, and go
// through i32x4.dot_i16x8_s. Weights are packed in panels of 8 columns: a head with the columns'
// bias and factors, then for each four or pair of k the 8 columns' weights, in 8 bits (widened
// while loading) or, where a zero point leaves no room, in 16.
//
// GMAC/s, packed, M = N = 96, K = 256 (AMD EPYC Zen 3, Node 24, 2026-11): pairs 39.4 with weights
// in 16 bits and 36.8 in 8; products of 8 bits by extmul and pairwise sums 13; the relaxed dot of 8
// bits 37.9, exact only for numbers of 7 bits there. In the layers of MobileNet-V2 (Intel Xeon with
// VNNI, Chromium 156): fours 80 to 88, pairs 35 to 40. All sums are taken modulo 2^32, as the real
// runtime takes them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/kernels/quantized.h"
#include "core/kernels/shapes.h"

namespace zeolite {

inline constexpr int kI8TileRows = 4;
// Of products of quads: two of these begin in a cycle and take five (Intel's cores since Ice Lake),
// so that eight sums wait for each other. More rows than this do not fit 15 registers.
inline constexpr int kI8QuadTileRows = 6;
inline constexpr int kI8TileColumns = 8;

// What becomes of the sums of products.
enum class SumOutput : uint8_t {
  kInt8,     // (sum + bias) * factor, rounded, + zero point, between min and max.
  kUint8,
  kInt16,
  kInt32,    // sum + bias.
  kFloat32,  // sum * row's scale * column's scale + bias, clamped.
};

// How sums times their column's factor are rounded.
enum class SumRounding : uint8_t {
  kTwice,     // scale_by.
  kHalvesUp,  // scale_sum_by, for sums of 32 bits.
  kBlocks,    // kHalvesUp in whole blocks of 8 columns, kTwice in those left.
  kOnce,      // With the whole multiplier, for sums of 64 bits.
};

struct SumStage {
  SumOutput output = SumOutput::kInt8;
  SumRounding rounding = SumRounding::kTwice;
  bool wide = false;  // Sums of 64 bits, for activations of 16; only with kInt16.
  int32_t zero_point = 0;
  int32_t min = -128;
  int32_t max = 127;
  F32Clamp clamp;
  int64_t numbers_each = 0;  // Of a column in a run: what it pays to prepare for.

  int element_bytes() const {
    return output == SumOutput::kInt32 || output == SumOutput::kFloat32 ? 4
           : output == SumOutput::kInt16                               ? 2
                                                                       : 1;
  }
};

// What each column needs; the arrays that the stage has no use for are null.
struct SumColumns {
  const FixedPointFactor* factors = nullptr;
  const float* scales = nullptr;
  int64_t count = 0;           // Of all columns, for kBlocks.
  const void* bias = nullptr;  // Null: zeros. int32, float for kFloat32, int64 when bias_is_wide.
  bool bias_is_wide = false;
};

// Whether i32x4_dot4_add is exact here, and whether it is one instruction. Found by trying at the
// first call: never kept for another machine.
bool has_exact_dot4();
bool has_fast_dot4();

// The form of packed weights: `taps` runs of k weights for each of n columns.
struct PanelForm {
  int64_t taps = 1;
  int64_t k = 0;
  bool wide = false;  // 16 bits each.
  // The activations are unsigned numbers of 8 bits that are `offset` too large, multiplied four at
  // a time (has_fast_dot4); what is too much is taken from the bias. Of floats each row has its
  // offset.
  bool quads = false;
  int32_t offset = 0;

  int64_t step() const { return quads ? 4 : 2; }  // Of k.
  int tile_rows() const { return quads ? kI8QuadTileRows : kI8TileRows; }
  int64_t groups() const { return (k + step() - 1) / step(); }
  int64_t group_bytes() const { return wide || quads ? 32 : 16; }
  uint64_t panel_bytes() const;
};

inline int64_t i8_panel_count(int64_t n) { return (n + kI8TileColumns - 1) / kI8TileColumns; }
inline uint64_t i8_packed_bytes(const PanelForm& form, int64_t n) {
  return static_cast<uint64_t>(i8_panel_count(n)) * form.panel_bytes();
}

// The head of a panel; which of its members count is said by the stage.
struct alignas(16) PanelHead {
  union {
    int32_t bias[kI8TileColumns];
    float float_bias[kI8TileColumns];
  };
  union {
    int32_t multiplier[kI8TileColumns];
    float scale[kI8TileColumns];
  };
  // A shift to the right by e of vectors that can only be shifted by one number for all: rounding
  // moves x up to 2^31 + x + 2^(e - 1), where factor 2^(32 - e) makes the high half of the product
  // the shifted number, and `zero` takes 2^(31 - e) away again and adds the output's zero point.
  int32_t sign_limit[kI8TileColumns];
  int32_t rounding[kI8TileColumns];
  uint32_t factor[kI8TileColumns];
  union {
    int32_t zero[kI8TileColumns];
    int32_t weight_sum[kI8TileColumns];  // For kFloat32, where activations have an offset.
  };
  int64_t wide_bias[kI8TileColumns];
  int32_t shift[kI8TileColumns];
  // The quick ways through float32 (QuickRequantize4, ProvenRequantize4).
  float quick_scale[kI8TileColumns];
  float quick_away[kI8TileColumns];
  // Constants of its: in memory, since some engines build those in the code anew at each use.
  float magic[4];
  int32_t magic_bits[4];  // Minus the zero point.
  uint32_t sign[kI8TileColumns];
  uint32_t magnitude[4];
  float sure[4];
  int64_t half[2];
  // Bounds of 8-bit outputs. uint8 is made as int8 with the top bit turned over at the end.
  int8_t min[16];
  int8_t max[16];
  int8_t flip[16];
  uint32_t is_plain;   // Requantize4 is exact for these columns.
  uint32_t is_quick;   // QuickRequantize4 knows when it is.
  uint32_t is_proven;  // ProvenRequantize4 is, with the bias of this head.
  uint32_t halves_up;  // How many columns round halves up: the first ones.
};

inline uint64_t PanelForm::panel_bytes() const {
  return sizeof(PanelHead) + static_cast<uint64_t>(taps * groups() * group_bytes());
}

// Fills the head for columns [first, first + columns). `largest_sum` bounds the sums' magnitude.
void i8_panel_head(const SumStage& stage, const SumColumns& all, int64_t first, int64_t columns,
                   int64_t largest_sum, PanelHead* head);

// Packs n columns; weight(column, tap, i) gives the number minus its zero point. Returns the end.
template <class Weight>
uint8_t* i8_pack_panels(const PanelForm& form, const SumStage& stage, const SumColumns& columns,
                        int64_t first_column, int64_t n, const Weight& weight, uint8_t* packed) {
  // Activations minus their zero point are below 2^8, weights below 2^8 or, for 16 bits, unbounded.
  const int64_t largest_sum = form.taps * form.k * (form.wide ? 255 * 1152 : 255 * 128);
  for (int64_t first = 0; first < n; first += kI8TileColumns) {
    const int64_t count = std::min<int64_t>(kI8TileColumns, n - first);
    auto* const head = reinterpret_cast<PanelHead*>(packed);
    i8_panel_head(stage, columns, first_column + first, count, largest_sum, head);
    packed += sizeof(PanelHead);
    const int64_t step = form.step();
    const int64_t bytes = form.taps * form.groups() * form.group_bytes();
    std::memset(packed, 0, static_cast<size_t>(bytes));
    for (int64_t c = 0; c < count; ++c) {
      uint8_t* group = packed;
      int64_t sum = 0;
      for (int64_t tap = 0; tap < form.taps; ++tap) {
        for (int64_t i = 0; i < form.k; ++i) {
          const int32_t value = weight(first + c, tap, i);
          const int64_t at = i / step * step * kI8TileColumns + c * step + i % step;
          sum += value;
          if (form.wide) {
            reinterpret_cast<int16_t*>(group)[at] = static_cast<int16_t>(value);
          } else {
            reinterpret_cast<int8_t*>(group)[at] = static_cast<int8_t>(value);
          }
        }
        group += form.groups() * form.group_bytes();
      }
      if (!form.quads) continue;
      if (stage.output == SumOutput::kFloat32) {
        head->weight_sum[c] = static_cast<int32_t>(sum);
      } else {
        head->bias[c] =
            static_cast<int32_t>(static_cast<uint32_t>(head->bias[c] - sum * form.offset));
      }
    }
    packed += bytes;
  }
  return packed;
}

// Of one row of float activations: the scale, and with form.quads what its numbers are too large
// by.
struct PanelRow {
  float scale = 1;
  int32_t offset = 0;
};

// One panel times `rows` rows: row r of tile t (of form.tile_rows() rows) and tap i use
// pointers[(t * taps + i) * tile_rows + r], moved by a_offset elements; the last tile's pointers
// must all be there, those beyond `rows` are only read. Each row has form.k elements (bytes with
// form.quads) and up to 3 more that may be read. Writes the first `columns` (1 to 8) columns;
// out_stride is in elements. row_scales: for kFloat32, of each row and those that fill its tile.
void i8_panel(const SumStage& stage, const PanelForm& form, int64_t rows,
              const int16_t* const* pointers, size_t a_offset, const uint8_t* panel,
              const PanelRow* row_scales, void* out, size_t out_stride, size_t columns);

// sum -> what the stage stores, one by one: for sums that are not made by i8_panel.
int32_t i8_stored(const SumStage& stage, const PanelHead& head, size_t column, int32_t sum);
int32_t i8_stored(const SumStage& stage, const PanelHead& head, size_t column, int64_t sum);

}  // namespace zeolite
