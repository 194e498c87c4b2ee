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

// Sums of 32 bits and a bias of 64, together below 2^31, by the multiplier of 16 bits that scale_by
// takes for such: it is moved up so that the high half of the product is the number.
class ShortRequantize4 {
 public:
  ShortRequantize4(const PanelHead& head, int first) : bias_(wasm_v128_load(head.bias + first)) {
    const v128_t rounded =
        wasm_i32x4_add(wasm_v128_load(head.multiplier + first), wasm_i32x4_splat(1 << 15));
    const v128_t upper = wasm_i32x4_min(wasm_u32x4_shr(rounded, 16), wasm_i32x4_splat(0x7fff));
    // Times 2^(17 + shift), which is exact in float32.
    const v128_t exponent = wasm_i32x4_add(wasm_v128_load(head.shift + first),
                                           wasm_i32x4_splat(17 + 127));
    multiplier_ = wasm_i32x4_trunc_sat_f32x4(
        wasm_f32x4_mul(wasm_f32x4_convert_i32x4(upper), wasm_i32x4_shl(exponent, 23)));
  }

  static constexpr int kLeastShift = -17;
  static constexpr int kMostShift = -1;

  v128_t of_sum(v128_t sum) const {
    const v128_t x = wasm_i32x4_add(sum, bias_);
    const v128_t half = wasm_i64x2_splat(int64_t{1} << 31);
    return wasm_i32x4_shuffle(wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(x, multiplier_), half),
                              wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(x, multiplier_), half),
                              1, 3, 5, 7);
  }

 private:
  v128_t bias_;
  v128_t multiplier_;
};

// The same by the whole multiplier, rounded once (kOnce): first the high half of the product, then
// the rest of the shift as Requantize4 has it, whose constants serve.
class OnceRequantize4 {
 public:
  OnceRequantize4(const PanelHead& head, int first)
      : bias_(wasm_v128_load(head.bias + first)),
        multiplier_(wasm_v128_load(head.multiplier + first)),
        above_(wasm_v128_load(head.factor + first)),  // 2^(32 - e) for a shift of -e.
        factor_(wasm_i32x4_shl(above_, 1)) {
    // 2^31 + 2^(e - 2) for its 2^31 + 2^(e - 1).
    const v128_t top = wasm_i32x4_splat(INT32_MIN);
    const v128_t rounding = wasm_v128_load(head.rounding + first);
    rounding_ = wasm_v128_or(wasm_i32x4_shr(wasm_v128_xor(rounding, top), 1), top);
  }

  static constexpr int kLeastShift = -30;
  static constexpr int kMostShift = -2;

  v128_t of_sum(v128_t sum) const {
    const v128_t x = wasm_i32x4_add(sum, bias_);
    const v128_t high =
        wasm_i32x4_shuffle(wasm_i64x2_extmul_low_i32x4(x, multiplier_),
                           wasm_i64x2_extmul_high_i32x4(x, multiplier_), 1, 3, 5, 7);
    const v128_t moved = wasm_i32x4_add(high, rounding_);
    const v128_t shifted =
        wasm_i32x4_shuffle(wasm_u64x2_extmul_low_u32x4(moved, factor_),
                           wasm_u64x2_extmul_high_u32x4(moved, factor_), 1, 3, 5, 7);
    return wasm_i32x4_sub(shifted, above_);
  }

 private:
  v128_t bias_;
  v128_t multiplier_;
  v128_t above_;
  v128_t factor_;
  v128_t rounding_;
};

// Whether all biases are below 2^30 and the factors' shifts between those.
bool fits_wide(const PanelHead& head, int least_shift, int most_shift) {
  const v128_t zero = wasm_i32x4_splat(0);
  v128_t is_out = zero;
  for (int c = 0; c < kColumns; c += 4) {
    const v128_t shift = wasm_v128_load(head.shift + c);
    const v128_t is_beyond = wasm_v128_or(wasm_i32x4_lt(shift, wasm_i32x4_splat(least_shift)),
                                          wasm_i32x4_gt(shift, wasm_i32x4_splat(most_shift)));
    const v128_t is_unused = wasm_i32x4_eq(wasm_v128_load(head.multiplier + c), zero);
    // The two upper bits of a small bias are the same, and it is that of 64 bits.
    const v128_t bias = wasm_v128_load(head.bias + c);
    const v128_t is_large =
        wasm_i32x4_shr(wasm_v128_xor(bias, wasm_i32x4_shl(bias, 1)), 31);
    const v128_t is_cut =
        wasm_v128_or(wasm_v128_xor(wasm_i64x2_extend_low_i32x4(bias),
                                   wasm_v128_load(head.wide_bias + c)),
                     wasm_v128_xor(wasm_i64x2_extend_high_i32x4(bias),
                                   wasm_v128_load(head.wide_bias + c + 2)));
    is_out = wasm_v128_or(is_out, wasm_v128_or(wasm_v128_andnot(is_beyond, is_unused),
                                               wasm_v128_or(is_large, is_cut)));
  }
  return !wasm_v128_any_true(is_out);
}

// Whether Requantize4 is exact for the columns' factors, and for sums of less than 2^30 each.
bool can_requantize(const PanelHead& head, const TileSums& sums, int count) {
  v128_t is_large = wasm_i32x4_splat(0);
  for (int r = 0; r < count; ++r) {
    for (int half = 0; half < kColumns; half += 4) {
      const v128_t sum = wasm_v128_load(sums.at[r] + half);
      is_large = wasm_v128_or(is_large, wasm_v128_xor(sum, wasm_i32x4_shl(sum, 1)));
    }
  }
  const v128_t shift =
      wasm_i32x4_max(wasm_v128_load(head.shift), wasm_v128_load(head.shift + 4));
  const v128_t zero = wasm_i32x4_splat(0);
  return !wasm_v128_any_true(
      wasm_v128_or(wasm_i32x4_lt(is_large, zero), wasm_i32x4_gt(shift, zero)));
}

// False when the sums must be stored one by one.
bool store_16(const SumStage& stage, const PanelHead& head, const TileSums& sums,
              const TileTarget& target) {
  v128_t narrow[kRows];
  const int count = target.count;
  const auto narrow_wide = [&]<class Requantize>(Requantize low, Requantize high) {
    if (!fits_wide(head, Requantize::kLeastShift, Requantize::kMostShift)) return false;
    narrow_sums(sums, count, low, high, narrow);
    return true;
  };
  if (stage.wide) {
    const bool fits = stage.rounding == SumRounding::kOnce
                          ? narrow_wide(OnceRequantize4(head, 0), OnceRequantize4(head, 4))
                          : narrow_wide(ShortRequantize4(head, 0), ShortRequantize4(head, 4));
    if (!fits) return false;
  } else {
    if (!can_requantize(head, sums, count)) return false;
    const Requantize4 low(head, 0);
    const Requantize4 high(head, 4);
    narrow_sums(sums, count, low, high, narrow);
  }
  const v128_t min = wasm_i16x8_splat(static_cast<int16_t>(stage.min));
  const v128_t max = wasm_i16x8_splat(static_cast<int16_t>(stage.max));
  int16_t whole[kRows][kColumns];
  for (int r = 0; r < count; ++r) {
    wasm_v128_store(target.is_whole ? target.rows[r] : whole[r],
                    wasm_i16x8_min(wasm_i16x8_max(narrow[r], min), max));
  }
  if (!target.is_whole) copy_tile(whole, target);
  return true;
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
      const int32_t stored =
          stage.wide ? i8_stored(stage, head, c, sums.at[r][c] + head.wide_bias[c])
                     : i8_stored(stage, head, c, sums.at[r][c]);
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
      if (stage.output == SumOutput::kInt16 && store_16(stage, head, sums, target)) return;
      return store_one_by_one(stage, head, sums, target);
  }
}

}  // namespace zeolite
