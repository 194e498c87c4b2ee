// Sums to stored numbers, four at a time, to the bit as scale_by and scale_sum_by round them.
#pragma once

#include "core/kernels/i8_panel.h"
#include "core/kernels/simd.h"

namespace zeolite {

// The constants of four columns.
struct Requantize4 {
  v128_t multiplier;
  v128_t sign_limit;
  v128_t rounding;
  v128_t factor;
  v128_t zero;
  v128_t half;

  Requantize4(const PanelHead& head, int first)
      : multiplier(wasm_v128_load(head.multiplier + first)),
        sign_limit(wasm_v128_load(head.sign_limit + first)),
        rounding(wasm_v128_load(head.rounding + first)),
        factor(wasm_v128_load(head.factor + first)),
        zero(wasm_v128_load(head.zero + first)),
        half(wasm_v128_load(head.half)) {}

  // round(round(x * multiplier / 2^31) / 2^e) + zero point; exact where head.is_plain.
  [[gnu::always_inline]] v128_t operator()(v128_t x) const {
    const v128_t low = wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(x, multiplier), half);
    const v128_t high = wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(x, multiplier), half);
    const v128_t product = wasm_i32x4_shuffle(wasm_u64x2_shr(low, 31), wasm_u64x2_shr(high, 31), 0,
                                              2, 4, 6);
    const v128_t moved = wasm_i32x4_add(wasm_i32x4_add(product, rounding),
                                        wasm_i32x4_lt(product, sign_limit));
    const v128_t shifted =
        wasm_i32x4_shuffle(wasm_u64x2_extmul_low_u32x4(moved, factor),
                           wasm_u64x2_extmul_high_u32x4(moved, factor), 1, 3, 5, 7);
    return wasm_i32x4_add(shifted, zero);
  }
  [[gnu::always_inline]] v128_t of_sum(v128_t sum) const { return (*this)(sum); }
};

// The same through float32, at half the cost, for sums below 2^22 / scale that are given as floats.
// Rounding twice is rounding once with the threshold moved: from a half to a half - 2^-(e + 1),
// since the first rounding takes what is that near up to it. So y = x * scale is moved away from
// zero by as much (up, where halves go up) and rounded. Only where it then lies so near to a half
// that the errors of float32 count, once in some thousand numbers, must Requantize4 decide.
struct QuickRequantize4 {
  v128_t scale;
  v128_t away;
  v128_t sign;
  v128_t magic;
  v128_t magic_bits;
  v128_t magnitude;
  v128_t farthest;  // From the number that it was rounded to.

  QuickRequantize4(const PanelHead& head, int first)
      : scale(wasm_v128_load(head.quick_scale + first)),
        away(wasm_v128_load(head.quick_away + first)),
        sign(wasm_v128_load(head.sign + first)),
        magic(wasm_v128_load(head.magic)),
        magic_bits(wasm_v128_load(head.magic_bits)),
        magnitude(wasm_v128_load(head.magnitude)),
        farthest(f32x4_zero()) {}

  [[gnu::always_inline]] v128_t of_sum(v128_t sum) {
    return (*this)(wasm_f32x4_convert_i32x4(sum));
  }

  [[gnu::always_inline]] v128_t operator()(v128_t x) {
    const v128_t y = wasm_f32x4_mul(x, scale);
    const v128_t moved = wasm_f32x4_add(y, wasm_v128_or(wasm_v128_and(y, sign), away));
    const v128_t rounded = wasm_f32x4_add(moved, magic);
    const v128_t rest = wasm_f32x4_sub(moved, wasm_f32x4_sub(rounded, magic));
    farthest = wasm_f32x4_pmax(farthest, wasm_v128_and(rest, magnitude));
    return wasm_i32x4_sub(rounded, magic_bits);
  }

  static bool are_sure(const PanelHead& head, const QuickRequantize4& a,
                       const QuickRequantize4& b) {
    return !wasm_v128_any_true(
        wasm_f32x4_gt(wasm_f32x4_pmax(a.farthest, b.farthest), wasm_v128_load(head.sure)));
  }
};

// The same in five instructions, where i8_set_quick found that no number of 8 bits comes out wrong.
struct ProvenRequantize4 {
  v128_t scale;
  v128_t away;
  v128_t magic;
  v128_t magic_bits;

  ProvenRequantize4(const PanelHead& head, int first)
      : scale(wasm_v128_load(head.quick_scale + first)),
        away(wasm_v128_load(head.quick_away + first)),
        magic(wasm_v128_load(head.magic)),
        magic_bits(wasm_v128_load(head.magic_bits)) {}

  [[gnu::always_inline]] v128_t of_sum(v128_t sum) const {
    const v128_t y = f32x4_madd(wasm_f32x4_convert_i32x4(sum), scale, away);
    return wasm_i32x4_sub(wasm_f32x4_add(y, magic), magic_bits);
  }
};

// Fills the members for QuickRequantize4 or, where it can be proven, ProvenRequantize4, if either
// can be used: for a head that is plain, with outputs of 8 bits.
void i8_set_quick(const SumStage& stage, int64_t columns, int64_t largest_sum, PanelHead* head);

// Eight sums of a row to floats.
struct FloatStore {
  const PanelHead& head;
  v128_t min;
  v128_t max;

  FloatStore(const SumStage& stage, const PanelHead& head)
      : head(head),
        min(wasm_f32x4_splat(stage.clamp.min)),
        max(wasm_f32x4_splat(stage.clamp.max)) {}

  [[gnu::always_inline]] void operator()(v128_t low, v128_t high, float row_scale,
                                         float* out) const {
    const v128_t row = wasm_f32x4_splat(row_scale);
    const v128_t sums[2] = {low, high};
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const v128_t scale = wasm_f32x4_mul(wasm_v128_load(head.scale + 4 * half), row);
      const v128_t y = wasm_f32x4_add(wasm_f32x4_mul(wasm_f32x4_convert_i32x4(sums[half]), scale),
                                      wasm_v128_load(head.float_bias + 4 * half));
      wasm_v128_store(out + 4 * half, f32x4_clamp(y, min, max));
    }
  }
};

// Numbers of 16 bits to stored ones of 8.
struct Store8 {
  v128_t min;
  v128_t max;
  v128_t flip;

  explicit Store8(const PanelHead& head)
      : min(wasm_v128_load(head.min)),
        max(wasm_v128_load(head.max)),
        flip(wasm_v128_load(head.flip)) {}

  // 16 numbers in two vectors.
  [[gnu::always_inline]] v128_t operator()(v128_t a, v128_t b) const {
    const v128_t narrow = wasm_i8x16_narrow_i16x8(a, b);
    return wasm_v128_xor(wasm_i8x16_min(wasm_i8x16_max(narrow, min), max), flip);
  }
};

}  // namespace zeolite
