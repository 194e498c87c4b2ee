#include "core/kernels/i8_panel.h"

#include <cstdlib>
#include <limits>

#include "core/kernels/i8_tile.h"

namespace zeolite {
namespace {

constexpr int kColumns = kI8TileColumns;

// Sums beyond this may leave 32 bits on their way through Requantize4.
constexpr int64_t kLargestPlainSum = int64_t{1} << 30;

// x * factor, rounded once, halves up.
int32_t scale_once(int64_t x, FixedPointFactor factor) {
  const int shift = 31 - factor.shift;
  if (shift < 1 || shift > 62) return 0;
  const uint64_t product = static_cast<uint64_t>(x) * static_cast<uint64_t>(factor.multiplier) +
                           (uint64_t{1} << (shift - 1));
  const int64_t scaled = static_cast<int64_t>(product) >> shift;
  return static_cast<int32_t>(std::clamp<int64_t>(scaled, std::numeric_limits<int32_t>::min(),
                                                  std::numeric_limits<int32_t>::max()));
}

// The ways to multiply: two numbers of 16 bits at a time with weights of 8 or 16, or four of 8.
enum class Way { kPairs8, kPairs16, kQuads };

// Adds rows[r][0..k) times w for `groups` of k; returns the end of w.
template <Way kWay, int Rows>
[[gnu::always_inline]] inline const uint8_t* add_groups(size_t groups,
                                                        const uint8_t* const (&rows)[Rows],
                                                        const uint8_t* w, I8Tile<Rows>* tile) {
  const uint8_t* at[Rows];
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) at[r] = rows[r];
  const auto step = [&](int i) __attribute__((always_inline)) {
    constexpr int kBytes = kWay == Way::kPairs8 ? 16 : 32;
    const uint8_t* const v = w + i * kBytes;
    const v128_t low = kWay == Way::kPairs8 ? wasm_i16x8_load8x8(v) : wasm_v128_load(v);
    const v128_t high = kWay == Way::kPairs8 ? wasm_i16x8_load8x8(v + 8) : wasm_v128_load(v + 16);
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      const v128_t x = wasm_v128_load32_splat(at[r] + 4 * i);
      v128_t* const sum = tile->sum[r];
      if (kWay == Way::kQuads) {
        sum[0] = i32x4_dot4_add(low, x, sum[0]);
        sum[1] = i32x4_dot4_add(high, x, sum[1]);
      } else {
        sum[0] = wasm_i32x4_add(sum[0], wasm_i32x4_dot_i16x8(x, low));
        sum[1] = wasm_i32x4_add(sum[1], wasm_i32x4_dot_i16x8(x, high));
      }
    }
  };
  const auto advance = [&](int by) __attribute__((always_inline)) {
    w += by * (kWay == Way::kPairs8 ? 16 : 32);
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      at[r] += 4 * by;
      asm("" : "+r"(at[r]));
    }
  };
  if constexpr (Rows > kI8TileRows) {
    // One by one: compilers read ahead for a second step, and sums leave the registers.
#pragma GCC unroll 1
    for (; groups > 0; --groups, advance(1)) step(0);
    return w;
  }
  // Two at once share their addresses.
  for (; groups >= 2; groups -= 2, advance(2)) {
    step(0);
    step(1);
  }
  if (groups > 0) {
    step(0);
    advance(1);
  }
  return w;
}

// The same for one row of bytes. Four sums at once do not wait for each other.
[[gnu::always_inline]] inline const uint8_t* add_row_quads(size_t groups, const uint8_t* row,
                                                           const uint8_t* w, I8Tile<1>* tile) {
  v128_t sum[4][2] = {};
  for (; groups >= 4; groups -= 4, row += 16, w += 128) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const v128_t x = wasm_v128_load32_splat(row + 4 * i);
      sum[i][0] = i32x4_dot4_add(wasm_v128_load(w + 32 * i), x, sum[i][0]);
      sum[i][1] = i32x4_dot4_add(wasm_v128_load(w + 32 * i + 16), x, sum[i][1]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    tile->sum[0][0] = wasm_i32x4_add(tile->sum[0][0], sum[i][0]);
    tile->sum[0][1] = wasm_i32x4_add(tile->sum[0][1], sum[i][1]);
  }
  const uint8_t* const rows[1] = {row};
  return add_groups<Way::kQuads, 1>(groups, rows, w, tile);
}

// Where a panel's product goes.
struct PanelTarget {
  uint8_t* out;
  size_t row_bytes;
  size_t columns;
  const PanelRow* row_scales;  // Or null.
};

// All tiles of a panel. Not inlined, as f32_tile.cc says.
template <Way kWay, int Rows>
[[gnu::noinline]] void multiply_tiles(const SumStage& stage, const PanelForm& form, int64_t count,
                                      const int16_t* const* pointers, size_t a_offset,
                                      const uint8_t* panel, PanelTarget to) {
  const PanelHead& head = *reinterpret_cast<const PanelHead*>(panel);
  constexpr int kTileRows = kWay == Way::kQuads ? kI8QuadTileRows : kI8TileRows;
  const size_t groups = static_cast<size_t>(form.groups());
  const size_t taps = static_cast<size_t>(form.taps);
  const size_t offset_bytes = a_offset * (kWay == Way::kQuads ? 1 : sizeof(int16_t));
  const bool is_float = stage.output == SumOutput::kFloat32;
  for (; count > 0; count -= Rows) {
    I8Tile<Rows> tile;
    if (is_float) {
      tile.start(wasm_i32x4_splat(0), wasm_i32x4_splat(0));
      if (kWay == Way::kQuads) {
#pragma GCC unroll 6
        for (int r = 0; r < Rows; ++r) {
          const v128_t offset = wasm_i32x4_splat(-to.row_scales[r].offset);
          tile.sum[r][0] = wasm_i32x4_mul(wasm_v128_load(head.weight_sum), offset);
          tile.sum[r][1] = wasm_i32x4_mul(wasm_v128_load(head.weight_sum + 4), offset);
        }
      }
    } else {
      tile.start(wasm_v128_load(head.bias), wasm_v128_load(head.bias + 4));
    }
    const uint8_t* w = panel + sizeof(PanelHead);
    for (size_t tap = 0; tap < taps; ++tap, pointers += kTileRows) {
      const uint8_t* rows[Rows];
#pragma GCC unroll 6
      for (int r = 0; r < Rows; ++r) {
        rows[r] = reinterpret_cast<const uint8_t*>(pointers[r]) + offset_bytes;
      }
      if constexpr (kWay == Way::kQuads && Rows == 1) {
        w = add_row_quads(groups, rows[0], w, &tile);
      } else {
        w = add_groups<kWay, Rows>(groups, rows, w, &tile);
      }
    }
    uint8_t* rows[Rows];
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) rows[r] = to.out + r * to.row_bytes;
    if (count < Rows) {
      for (int64_t r = count; r < Rows; ++r) rows[r] = nullptr;
    }
    finish_tile<Rows, kWay != Way::kPairs16>(stage, head, tile, rows, count >= Rows, to.columns,
                                             to.row_scales);
    to.out += Rows * to.row_bytes;
    if (is_float) to.row_scales += Rows;
  }
}

// Sums of 64 bits of a tile of `rows` rows.
struct WideSums {
  int rows;
  int64_t at[kI8TileRows][kColumns];
};

[[gnu::noinline]] void add_tile(const TileSums& sums, WideSums* all) {
  for (int i = 0; i < all->rows * kColumns; ++i) {
    all->at[i / kColumns][i % kColumns] += sums.at[i / kColumns][i % kColumns];
  }
}

// Of sums below 2^30.
[[gnu::noinline]] void store_narrow(const SumStage& stage, const PanelHead& head,
                                    const TileSums& sums, int rows, int64_t count,
                                    const PanelTarget& to) {
  TileTarget target;
  target.columns = to.columns;
  target.count = rows;
  target.is_whole = count >= rows && to.columns == kColumns;
  for (int r = 0; r < rows && r < count; ++r) target.rows[r] = to.out + r * to.row_bytes;
  i8_store_tile(stage, head, sums, target);
}

[[gnu::noinline]] void store_wide(const SumStage& stage, const PanelHead& head,
                                  const WideSums& all, int64_t count, const PanelTarget& to) {
  TileSums sums;
  bool fits = true;
  for (int i = 0; i < all.rows * kColumns; ++i) {
    const int64_t sum = all.at[i / kColumns][i % kColumns];
    fits = fits && std::abs(sum) < (1 << 30);
    sums.at[i / kColumns][i % kColumns] = static_cast<int32_t>(sum);
  }
  if (fits) return store_narrow(stage, head, sums, all.rows, count, to);
  for (int r = 0; r < all.rows && r < count; ++r) {
    auto* const out = reinterpret_cast<int16_t*>(to.out + r * to.row_bytes);
    for (size_t c = 0; c < to.columns; ++c) {
      out[c] = static_cast<int16_t>(
          i8_stored(stage, head, c, all.at[r][c] + head.wide_bias[c]));
    }
  }
}

// Activations of 16 bits with weights of 8, summed up in 32 bits for as many groups as cannot leave
// 30, then in 64.
constexpr int64_t kWideGroups = 127;

template <int Rows>
[[gnu::noinline]] void multiply_wide_tiles(const SumStage& stage, const PanelForm& form,
                                           int64_t count, const int16_t* const* pointers,
                                           size_t a_offset, const uint8_t* panel, PanelTarget to) {
  const PanelHead& head = *reinterpret_cast<const PanelHead*>(panel);
  for (; count > 0; count -= Rows, to.out += Rows * to.row_bytes) {
    WideSums all;
    bool is_wide = false;
    TileSums sums;
    I8Tile<Rows> tile;
    tile.start(f32x4_zero(), f32x4_zero());
    const auto take_sums = [&]() __attribute__((always_inline)) {
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) {
        wasm_v128_store(sums.at[r], tile.sum[r][0]);
        wasm_v128_store(sums.at[r] + 4, tile.sum[r][1]);
      }
      tile.start(f32x4_zero(), f32x4_zero());
    };
    const uint8_t* w = panel + sizeof(PanelHead);
    int64_t room = kWideGroups;
    for (int64_t tap = 0; tap < form.taps; ++tap, pointers += kI8TileRows) {
      const uint8_t* rows[Rows];
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) {
        rows[r] = reinterpret_cast<const uint8_t*>(pointers[r] + a_offset);
      }
      for (int64_t left = form.groups(); left > 0;) {
        const int64_t groups = std::min(left, room);
        w = add_groups<Way::kPairs8, Rows>(static_cast<size_t>(groups), rows, w, &tile);
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) rows[r] += 4 * groups;
        left -= groups;
        room -= groups;
        if (room > 0) continue;
        take_sums();
        if (!is_wide) all = {Rows, {}};
        add_tile(sums, &all);
        is_wide = true;
        room = kWideGroups;
      }
    }
    take_sums();
    if (is_wide) {
      add_tile(sums, &all);
      store_wide(stage, head, all, count, to);
    } else {
      store_narrow(stage, head, sums, Rows, count, to);
    }
  }
}

// The same with weights of 16 bits.
void multiply_wide(const SumStage& stage, const PanelForm& form, int64_t count,
                   const int16_t* const* pointers, size_t a_offset, const uint8_t* panel,
                   const PanelTarget& to) {
  const PanelHead& head = *reinterpret_cast<const PanelHead*>(panel);
  for (int64_t row = 0; row < count; ++row) {
    const int16_t* const* const tile =
        pointers + row / kI8TileRows * form.taps * kI8TileRows + row % kI8TileRows;
    auto* const out = reinterpret_cast<int16_t*>(to.out + row * to.row_bytes);
    int64_t sums[kColumns];
    std::memcpy(sums, head.wide_bias, sizeof(sums));
    const auto* w = reinterpret_cast<const int16_t*>(panel + sizeof(PanelHead));
    for (int64_t tap = 0; tap < form.taps; ++tap) {
      const int16_t* const a = tile[tap * kI8TileRows] + a_offset;
      for (int64_t i = 0; i < form.k; ++i) {
        const int16_t* const weights = w + i / 2 * 2 * kColumns + i % 2;
        for (int c = 0; c < kColumns; ++c) sums[c] += int32_t{a[i]} * weights[2 * c];
      }
      w += form.groups() * 2 * kColumns;
    }
    for (size_t c = 0; c < to.columns; ++c) {
      out[c] = static_cast<int16_t>(
          i8_stored(stage, head, c, sums[c]));
    }
  }
}

#if defined(__wasm_relaxed_simd__)
// The specification lets `x` be signed or unsigned where its top bit is set, and sums of two
// products saturate at 16 bits.
bool try_dot4() {
  const auto gives = [](int8_t w, uint8_t x, int32_t start, int32_t expected) {
    volatile int8_t unknown_w = w;  // Not for the compiler to compute.
    volatile uint8_t unknown_x = x;
    const v128_t sum = i32x4_dot4_add(wasm_i8x16_splat(unknown_w),
                                      wasm_i8x16_splat(static_cast<int8_t>(unknown_x)),
                                      wasm_i32x4_splat(start));
    return wasm_i32x4_extract_lane(sum, 0) == expected &&
           wasm_i32x4_extract_lane(sum, 3) == expected;
  };
  return gives(-1, 255, 0, -1020) && gives(127, 255, 0, 129540) && gives(-128, 255, 7, -130553) &&
         gives(-128, 127, 0, -65024) && gives(127, 128, 0, 65024) &&
         gives(127, 255, std::numeric_limits<int32_t>::max(), -2147354109);
}
#endif

}  // namespace

bool has_exact_dot4() {
#if defined(__wasm_relaxed_simd__)
  static const bool is_exact = try_dot4();
  return is_exact;
#else
  return true;
#endif
}

bool has_fast_dot4() {
#if defined(__wasm_relaxed_simd__)
  return has_exact_dot4();
#else
  return false;
#endif
}

int32_t i8_stored(const SumStage& stage, const PanelHead& head, size_t column, int32_t sum) {
  const FixedPointFactor factor = {head.multiplier[column], head.shift[column]};
  const int32_t scaled =
      column < head.halves_up ? scale_sum_by(sum, factor) : scale_by(sum, factor);
  return std::clamp(wrapping_add(scaled, stage.zero_point), stage.min, stage.max);
}

int32_t i8_stored(const SumStage& stage, const PanelHead& head, size_t column, int64_t sum) {
  const FixedPointFactor factor = {head.multiplier[column], head.shift[column]};
  const int32_t scaled = stage.rounding == SumRounding::kOnce ? scale_once(sum, factor)
                                                              : scale_by(sum, factor);
  return std::clamp(wrapping_add(scaled, stage.zero_point), stage.min, stage.max);
}

void i8_panel_head(const SumStage& stage, const SumColumns& all, int64_t first, int64_t columns,
                   int64_t largest_sum, PanelHead* head) {
  *head = PanelHead{};
  head->half[0] = head->half[1] = int64_t{1} << 30;
  bool is_plain = largest_sum < kLargestPlainSum;
  int64_t largest_total = largest_sum;
  const int64_t zero_point = stage.output == SumOutput::kUint8 ? stage.zero_point - 128
                                                               : stage.zero_point;
  const int64_t halves_up = stage.rounding == SumRounding::kHalvesUp ? kColumns
                            : stage.rounding == SumRounding::kBlocks ? all.count / 8 * 8 - first
                                                                     : 0;
  head->halves_up = static_cast<uint32_t>(std::clamp<int64_t>(halves_up, 0, kColumns));
  for (int64_t c = 0; c < columns; ++c) {
    const int64_t column = first + c;
    if (stage.output == SumOutput::kFloat32) {
      head->scale[c] = all.scales[column];
      if (all.bias != nullptr) head->float_bias[c] = static_cast<const float*>(all.bias)[column];
      continue;
    }
    if (all.bias != nullptr) {
      const int64_t bias = all.bias_is_wide ? static_cast<const int64_t*>(all.bias)[column]
                                            : static_cast<const int32_t*>(all.bias)[column];
      head->wide_bias[c] = bias;
      head->bias[c] = static_cast<int32_t>(bias);
      largest_total = std::max(largest_total, largest_sum + std::abs(bias));
      is_plain = is_plain && bias < kLargestPlainSum - largest_sum &&
                 bias > largest_sum - kLargestPlainSum;
    }
    if (all.factors == nullptr) continue;
    const FixedPointFactor factor = all.factors[column];
    head->multiplier[c] = factor.multiplier;
    head->shift[c] = factor.shift;
    if (factor.shift > 0) {
      is_plain = false;
      continue;
    }
    const int e = -factor.shift;
    const int64_t top = int64_t{1} << 31;
    const auto wrap = [](int64_t value) {
      return static_cast<int32_t>(static_cast<uint32_t>(value));
    };
    if (e == 0) {
      // 2^32 is no factor: 2^32 - 1 gives one less.
      head->sign_limit[c] = std::numeric_limits<int32_t>::min();
      head->rounding[c] = wrap(top);
      head->factor[c] = 0xffffffff;
      head->zero[c] = wrap(zero_point - top + 1);
    } else {
      if (c < head->halves_up) {
        head->sign_limit[c] = std::numeric_limits<int32_t>::min();
      }
      head->rounding[c] = wrap(top + (int64_t{1} << (e - 1)));
      head->factor[c] = uint32_t{1} << (32 - e);
      head->zero[c] = wrap(zero_point - (top >> e));
    }
  }
  head->is_plain = is_plain ? 1 : 0;
  if (stage.element_bytes() != 1) return;
  const int offset = stage.output == SumOutput::kUint8 ? 128 : 0;
  std::fill_n(head->min, 16, static_cast<int8_t>(stage.min - offset));
  std::fill_n(head->max, 16, static_cast<int8_t>(stage.max - offset));
  std::fill_n(head->flip, 16, static_cast<int8_t>(offset));
  if (is_plain && all.factors != nullptr) i8_set_quick(stage, columns, largest_total, head);
}

void i8_panel(const SumStage& stage, const PanelForm& form, int64_t rows,
              const int16_t* const* pointers, size_t a_offset, const uint8_t* panel,
              const PanelRow* row_scales, void* out, size_t out_stride, size_t columns) {
  const PanelTarget target = {static_cast<uint8_t*>(out),
                              out_stride * static_cast<size_t>(stage.element_bytes()), columns,
                              row_scales};
  if (stage.wide && form.wide) {
    multiply_wide(stage, form, rows, pointers, a_offset, panel, target);
    return;
  }
  const auto run = [&](auto* multiply, int64_t first, int64_t count) {
    PanelTarget part = target;
    part.out += first * part.row_bytes;
    if (row_scales != nullptr) part.row_scales += first;
    multiply(stage, form, count, pointers + first * form.taps, a_offset, panel, part);
  };
  if (stage.wide) {
    return run(rows == 1 ? multiply_wide_tiles<1> : multiply_wide_tiles<kI8TileRows>, 0, rows);
  }
  if (form.wide) return run(multiply_tiles<Way::kPairs16, kI8TileRows>, 0, rows);
  // A few rows that are left do not go as a whole tile.
  const int64_t left = rows % form.tile_rows();
  const bool apart = left == 1 || (form.quads && left > 0 && left <= 4);
  const int64_t tiled = apart ? rows - left : rows;
  if (tiled > 0) {
    run(form.quads ? multiply_tiles<Way::kQuads, kI8QuadTileRows>
                   : multiply_tiles<Way::kPairs8, kI8TileRows>,
        0, tiled);
  }
  if (!apart) return;
  run(!form.quads ? multiply_tiles<Way::kPairs8, 1>
      : left == 1 ? multiply_tiles<Way::kQuads, 1>
                  : multiply_tiles<Way::kQuads, 4>,
      tiled, left);
}

}  // namespace zeolite
