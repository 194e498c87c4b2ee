// exp, log and what is made of them, four at a time.
//
// Constants are loaded from memory: V8 13.6 (Node 24) builds a v128.const anew at each use, which
// doubled the time of an exp loop (2.09 against 1.21 ns an element); V8 of Chromium 156 does not.
// The optimizers would turn a plain table into constants again, so it is reached through a volatile
// pointer. Make one of these structs before a loop, not in it.
#pragma once

#include <limits>

#include "core/kernels/simd.h"

namespace zeolite {

// Read-only memory whose content the compiler does not know.
inline const float* unknown_to_compiler(const float* table) {
  const float* volatile pointer = table;
  return pointer;
}

class ExpMath {
 public:
  ExpMath() {
    const float* table = unknown_to_compiler(kTable);
    log2_e_ = wasm_v128_load32_splat(table);
    ln2_high_ = wasm_v128_load32_splat(table + 1);
    ln2_low_ = wasm_v128_load32_splat(table + 2);
    c2_ = wasm_v128_load32_splat(table + 3);
    c3_ = wasm_v128_load32_splat(table + 4);
    c4_ = wasm_v128_load32_splat(table + 5);
    c5_ = wasm_v128_load32_splat(table + 6);
    c6_ = wasm_v128_load32_splat(table + 7);
    one_ = wasm_v128_load32_splat(table + 8);
    lowest_ = wasm_v128_load32_splat(table + 9);
    highest_ = wasm_v128_load32_splat(table + 10);
  }

  F32x4 one() const { return one_; }

  // e^x: 0 from about -104 down, infinity from about 88.73 up, NaN of NaN.
  F32x4 exp(F32x4 x) const {
    x = f32x4_clamp(x, lowest_, highest_);
    F32x4 n;
    const F32x4 y = wasm_f32x4_add(one_, reduced_expm1(x, &n));
    // 2^n in two steps: n = 128 and n < -126 have no exponent of their own.
    const F32x4 exponent = wasm_i32x4_trunc_sat_f32x4(n);
    const F32x4 half = wasm_i32x4_shr(exponent, 1);
    return wasm_f32x4_mul(wasm_f32x4_mul(y, power_of_two(half)),
                          power_of_two(wasm_i32x4_sub(exponent, half)));
  }

  // e^x - 1 for x in [-87, 88] without cancellation near 0.
  F32x4 expm1(F32x4 x) const {
    F32x4 n;
    const F32x4 y = reduced_expm1(x, &n);
    const F32x4 scale = power_of_two(wasm_i32x4_trunc_sat_f32x4(n));
    return f32x4_madd(y, scale, wasm_f32x4_sub(scale, one_));
  }

 private:
  // 1 / ln 2; ln 2 in two parts, the first with so few bits that n times it is exact; the
  // polynomial (e^r - 1 - r) / r^2 interpolated at Chebyshev's points of |r| <= ln(2) / 2 (error
  // 1e-8); 1; the range beyond which results are 0 and infinity.
  static constexpr float kTable[] = {
      1.44269504f,  0.693145751953125f, 1.428606765330187e-06f, 0.5f,
      0.16666576f,  0.041666556f,       0.0083632031f,          0.0013926213f,
      1.0f,         -104.0f,            89.0f,
  };

  // e^r - 1 where x = n ln 2 + r, n whole, |r| <= ln(2) / 2.
  F32x4 reduced_expm1(F32x4 x, F32x4* n) const {
    *n = wasm_f32x4_nearest(wasm_f32x4_mul(x, log2_e_));
    const F32x4 r = f32x4_nmadd(*n, ln2_low_, f32x4_nmadd(*n, ln2_high_, x));
    F32x4 q = f32x4_madd(c6_, r, c5_);
    q = f32x4_madd(q, r, c4_);
    q = f32x4_madd(q, r, c3_);
    q = f32x4_madd(q, r, c2_);
    return f32x4_madd(wasm_f32x4_mul(r, r), q, r);
  }

  // Through the exponent bits: 2^n = n << 23 beside the bits of 1.
  F32x4 power_of_two(F32x4 n) const { return wasm_i32x4_add(wasm_i32x4_shl(n, 23), one_); }

  F32x4 log2_e_, ln2_high_, ln2_low_, c2_, c3_, c4_, c5_, c6_, one_, lowest_, highest_;
};

class LogMath {
 public:
  LogMath() {
    const float* table = unknown_to_compiler(kTable);
    smallest_normal_ = wasm_v128_load32_splat(table);
    denormal_scale_ = wasm_v128_load32_splat(table + 1);
    denormal_shift_ = wasm_v128_load32_splat(table + 2);
    sqrt_half_ = wasm_v128_load32_splat(table + 3);
    ln2_high_ = wasm_v128_load32_splat(table + 4);
    ln2_low_ = wasm_v128_load32_splat(table + 5);
    c1_ = wasm_v128_load32_splat(table + 6);
    c3_ = wasm_v128_load32_splat(table + 7);
    c5_ = wasm_v128_load32_splat(table + 8);
    c7_ = wasm_v128_load32_splat(table + 9);
    c9_ = wasm_v128_load32_splat(table + 10);
    one_ = wasm_v128_load32_splat(table + 11);
    infinity_ = wasm_v128_load32_splat(table + 12);
  }

  // ln x: -infinity of 0, NaN of negative numbers.
  F32x4 log(F32x4 x) const {
    const F32x4 zero = f32x4_zero();
    const F32x4 small = wasm_f32x4_lt(x, smallest_normal_);
    const F32x4 scaled =
        wasm_v128_bitselect(wasm_f32x4_mul(x, denormal_scale_), x, small);
    // x = m 2^n with m in [sqrt(1/2), sqrt(2)).
    const F32x4 bits = wasm_i32x4_sub(scaled, sqrt_half_);
    const F32x4 exponent = wasm_i32x4_shr(bits, 23);
    const F32x4 m = wasm_i32x4_sub(scaled, wasm_i32x4_shl(exponent, 23));
    const F32x4 n = wasm_f32x4_sub(wasm_f32x4_convert_i32x4(exponent),
                                   wasm_v128_and(denormal_shift_, small));
    // ln m = 2 artanh(s), s = (m - 1) / (m + 1): 2 s (1 + s^2 / 3 + s^4 / 5 + ...); the first term
    // left out is 2e-9 of the whole.
    const F32x4 s = wasm_f32x4_div(wasm_f32x4_sub(m, one_), wasm_f32x4_add(m, one_));
    const F32x4 square = wasm_f32x4_mul(s, s);
    F32x4 p = f32x4_madd(c9_, square, c7_);
    p = f32x4_madd(p, square, c5_);
    p = f32x4_madd(p, square, c3_);
    const F32x4 tail = wasm_f32x4_mul(wasm_f32x4_mul(s, square), p);
    const F32x4 low = f32x4_madd(n, ln2_low_, tail);
    F32x4 y = f32x4_madd(n, ln2_high_, f32x4_madd(s, c1_, low));
    y = wasm_v128_bitselect(x, y, wasm_f32x4_ge(x, infinity_));
    y = wasm_v128_bitselect(wasm_f32x4_neg(infinity_), y, wasm_f32x4_eq(x, zero));
    // The square root of a negative number is NaN.
    return wasm_v128_bitselect(wasm_f32x4_sqrt(x), y,
                               wasm_v128_or(wasm_f32x4_lt(x, zero), wasm_f32x4_ne(x, x)));
  }

 private:
  static constexpr float kTable[] = {
      1.17549435e-38f,
      8388608.0f,
      23.0f,
      0.707106781f,
      0.693145751953125f,
      1.428606765330187e-06f,
      2.0f,
      2.0f / 3.0f,
      2.0f / 5.0f,
      2.0f / 7.0f,
      2.0f / 9.0f,
      1.0f,
      std::numeric_limits<float>::infinity(),
  };

  F32x4 smallest_normal_, denormal_scale_, denormal_shift_, sqrt_half_, ln2_high_, ln2_low_, c1_,
      c3_, c5_, c7_, c9_, one_, infinity_;
};

}  // namespace zeolite
