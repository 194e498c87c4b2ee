// The SIMD instructions: WebAssembly's in a wasm build, SIMDe's imitation of them natively, so that
// tests and sanitizers see the code that ships. All that differs between the plain and the relaxed
// build is here.
#pragma once

#include <cstdint>

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#else
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>
#endif

namespace zeolite {

using F32x4 = v128_t;

// 1.5 * 2^23: added to a number below 2^22 it rounds that to a whole number, ties to even, which is
// what the sum's bits have above kRoundingBits.
inline constexpr float kRoundingMagic = 12582912.0f;
inline constexpr int32_t kRoundingBits = 0x4b400000;

inline F32x4 f32x4_zero() { return wasm_f32x4_splat(0.0f); }

// A constant for a loop, made before it: some engines build one that they know anew at each use.
inline v128_t i32x4_kept(int32_t x) {
  volatile int32_t unknown_to_compiler = x;
  return wasm_i32x4_splat(unknown_to_compiler);
}
inline F32x4 f32x4_kept(float x) {
  volatile float unknown_to_compiler = x;
  return wasm_f32x4_splat(unknown_to_compiler);
}

// a * b + c; whether the product is rounded before the sum depends on the build and the engine.
inline F32x4 f32x4_madd(F32x4 a, F32x4 b, F32x4 c) {
#if defined(__wasm_relaxed_simd__)
  return wasm_f32x4_relaxed_madd(a, b, c);
#else
  return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
#endif
}

// c - a * b, with the same freedom.
inline F32x4 f32x4_nmadd(F32x4 a, F32x4 b, F32x4 c) {
#if defined(__wasm_relaxed_simd__)
  return wasm_f32x4_relaxed_nmadd(a, b, c);
#else
  return wasm_f32x4_sub(c, wasm_f32x4_mul(a, b));
#endif
}

// sum + the dot product of 4 numbers of 8 bits in each lane, `w` signed and `x` unsigned. In the
// relaxed build exact only where has_exact_dot4() (i8_panel.h) says so.
inline v128_t i32x4_dot4_add(v128_t w, v128_t x, v128_t sum) {
#if defined(__wasm_relaxed_simd__)
  return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(w, x, sum);
#else
  const v128_t low = wasm_i32x4_extadd_pairwise_i16x8(
      wasm_i16x8_mul(wasm_i16x8_extend_low_i8x16(w), wasm_u16x8_extend_low_u8x16(x)));
  const v128_t high = wasm_i32x4_extadd_pairwise_i16x8(
      wasm_i16x8_mul(wasm_i16x8_extend_high_i8x16(w), wasm_u16x8_extend_high_u8x16(x)));
  return wasm_i32x4_add(sum, wasm_i32x4_add(wasm_i32x4_shuffle(low, high, 0, 2, 4, 6),
                                            wasm_i32x4_shuffle(low, high, 1, 3, 5, 7)));
#endif
}

// min(max(x, low), high); NaN stays NaN. pmin and pmax are one instruction each on x64, where
// f32x4.min and max are sequences.
inline F32x4 f32x4_clamp(F32x4 x, F32x4 low, F32x4 high) {
  return wasm_f32x4_pmin(wasm_f32x4_pmax(x, low), high);
}

// The first `count` (1 to 4) floats at `source`, zeros behind; reads no further.
inline F32x4 f32x4_load_partial(const float* source, int count) {
  switch (count) {
    case 1:
      return wasm_v128_load32_zero(source);
    case 2:
      return wasm_v128_load64_zero(source);
    case 3:
      return wasm_v128_load32_lane(source + 2, wasm_v128_load64_zero(source), 2);
    default:
      return wasm_v128_load(source);
  }
}

// Writes the first `count` (1 to 4) lanes.
inline void f32x4_store_partial(float* target, F32x4 x, int count) {
  switch (count) {
    case 1:
      wasm_v128_store32_lane(target, x, 0);
      return;
    case 2:
      wasm_v128_store64_lane(target, x, 0);
      return;
    case 3:
      wasm_v128_store64_lane(target, x, 0);
      wasm_v128_store32_lane(target + 2, x, 2);
      return;
    default:
      wasm_v128_store(target, x);
  }
}

// Turns four rows of four lanes into columns.
inline void i32x4_transpose(v128_t (&rows)[4]) {
  const v128_t low01 = wasm_i32x4_shuffle(rows[0], rows[1], 0, 4, 1, 5);
  const v128_t high01 = wasm_i32x4_shuffle(rows[0], rows[1], 2, 6, 3, 7);
  const v128_t low23 = wasm_i32x4_shuffle(rows[2], rows[3], 0, 4, 1, 5);
  const v128_t high23 = wasm_i32x4_shuffle(rows[2], rows[3], 2, 6, 3, 7);
  rows[0] = wasm_i32x4_shuffle(low01, low23, 0, 1, 4, 5);
  rows[1] = wasm_i32x4_shuffle(low01, low23, 2, 3, 6, 7);
  rows[2] = wasm_i32x4_shuffle(high01, high23, 0, 1, 4, 5);
  rows[3] = wasm_i32x4_shuffle(high01, high23, 2, 3, 6, 7);
}

// The sum of the lanes, (0 + 2) + (1 + 3).
inline float f32x4_sum(F32x4 x) {
  x = wasm_f32x4_add(x, wasm_i32x4_shuffle(x, x, 2, 3, 2, 3));
  return wasm_f32x4_extract_lane(x, 0) + wasm_f32x4_extract_lane(x, 1);
}

// The sums of the lanes of four vectors, each in that order.
inline F32x4 f32x4_sums(F32x4 a, F32x4 b, F32x4 c, F32x4 d) {
  const F32x4 ab = wasm_f32x4_add(wasm_i32x4_shuffle(a, b, 0, 4, 1, 5),
                                  wasm_i32x4_shuffle(a, b, 2, 6, 3, 7));
  const F32x4 cd = wasm_f32x4_add(wasm_i32x4_shuffle(c, d, 0, 4, 1, 5),
                                  wasm_i32x4_shuffle(c, d, 2, 6, 3, 7));
  return wasm_f32x4_add(wasm_i32x4_shuffle(ab, cd, 0, 1, 4, 5),
                        wasm_i32x4_shuffle(ab, cd, 2, 3, 6, 7));
}

}  // namespace zeolite
