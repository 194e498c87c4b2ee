#include "core/kernels/f32_unary.h"

#include "core/kernels/f32_math.h"
#include "core/kernels/simd.h"
#include "core/kernels/split.h"

namespace zeolite {
namespace {

F32x4 splat(const float* table, int index) { return wasm_v128_load32_splat(table + index); }

struct Clamp {
  F32x4 low, high;
  explicit Clamp(const F32UnaryParameters& p)
      : low(wasm_f32x4_splat(p.clamp.min)), high(wasm_f32x4_splat(p.clamp.max)) {}
  F32x4 operator()(F32x4 x) const { return f32x4_clamp(x, low, high); }
};

struct LeakyRelu {
  F32x4 alpha;
  explicit LeakyRelu(const F32UnaryParameters& p) : alpha(wasm_f32x4_splat(p.alpha)) {}
  F32x4 operator()(F32x4 x) const {
    return wasm_v128_bitselect(wasm_f32x4_mul(x, alpha), x, wasm_f32x4_lt(x, f32x4_zero()));
  }
};

struct Elu {
  static constexpr float kTable[] = {-30.0f};
  ExpMath math;
  F32x4 lowest;
  explicit Elu(const F32UnaryParameters&) : lowest(splat(unknown_to_compiler(kTable), 0)) {}
  F32x4 operator()(F32x4 x) const {
    const F32x4 y = math.expm1(f32x4_clamp(x, lowest, f32x4_zero()));
    return wasm_v128_bitselect(y, x, wasm_f32x4_lt(x, f32x4_zero()));
  }
};

// tanh |x| = -y / (y + 2) with y = e^(-2 |x|) - 1.
struct Tanh {
  static constexpr float kTable[] = {-2.0f, -40.0f, 2.0f, -0.0f};
  ExpMath math;
  F32x4 minus_two, lowest, two, sign;
  explicit Tanh(const F32UnaryParameters&) {
    const float* table = unknown_to_compiler(kTable);
    minus_two = splat(table, 0);
    lowest = splat(table, 1);
    two = splat(table, 2);
    sign = splat(table, 3);
  }
  F32x4 operator()(F32x4 x) const {
    const F32x4 y = math.expm1(
        wasm_f32x4_pmax(wasm_f32x4_mul(wasm_f32x4_abs(x), minus_two), lowest));
    const F32x4 t = wasm_f32x4_div(y, wasm_f32x4_add(y, two));
    return wasm_v128_bitselect(x, t, sign);
  }
};

struct Logistic {
  ExpMath math;
  explicit Logistic(const F32UnaryParameters&) {}
  F32x4 operator()(F32x4 x) const {
    return wasm_f32x4_div(math.one(),
                          wasm_f32x4_add(math.one(), math.exp(wasm_f32x4_neg(x))));
  }
};

// With z = |x| / sqrt(2): erfc(z) = t * P(t) * e^(-z^2), t = 1 / (1 + 0.375 z); then x / 2 *
// erfc(z) is the answer for negative x and what x loses for positive x. P is a weighted
// least-squares fit for z up to 9.5, 6.4e-7 relative: near -3, where the real runtime's last digits
// count, an absolute 1.5e-7 (Abramowitz and Stegun, 7.1.26) is not enough. Minus infinity gives
// NaN, as 0 times it.
struct Gelu {
  static constexpr float kTable[] = {0.707106781f, 0.375f,        0.21133945f, 0.21568917f,
                                     0.16666459f,  0.28306151f,   -0.12959728f, 0.38793782f,
                                     -0.1350959f,  0.5f,          -20.0f,       20.0f};
  ExpMath math;
  F32x4 sqrt_half, p, a1, a2, a3, a4, a5, a6, a7, half, lowest, highest;
  explicit Gelu(const F32UnaryParameters&) {
    const float* table = unknown_to_compiler(kTable);
    sqrt_half = splat(table, 0);
    p = splat(table, 1);
    a1 = splat(table, 2);
    a2 = splat(table, 3);
    a3 = splat(table, 4);
    a4 = splat(table, 5);
    a5 = splat(table, 6);
    a6 = splat(table, 7);
    a7 = splat(table, 8);
    half = splat(table, 9);
    lowest = splat(table, 10);
    highest = splat(table, 11);
  }
  F32x4 operator()(F32x4 x) const {
    const F32x4 below = wasm_f32x4_pmin(x, highest);
    const F32x4 bounded = wasm_f32x4_pmax(below, lowest);
    const F32x4 z = wasm_f32x4_mul(wasm_f32x4_abs(bounded), sqrt_half);
    const F32x4 t = wasm_f32x4_div(math.one(), f32x4_madd(p, z, math.one()));
    F32x4 series = f32x4_madd(a7, t, a6);
    series = f32x4_madd(series, t, a5);
    series = f32x4_madd(series, t, a4);
    series = f32x4_madd(series, t, a3);
    series = f32x4_madd(series, t, a2);
    series = f32x4_madd(series, t, a1);
    const F32x4 erfc = wasm_f32x4_mul(wasm_f32x4_mul(series, t),
                                      math.exp(wasm_f32x4_neg(wasm_f32x4_mul(z, z))));
    const F32x4 tail = wasm_f32x4_mul(wasm_f32x4_mul(below, half), erfc);
    return wasm_v128_bitselect(tail, wasm_f32x4_sub(x, tail), wasm_f32x4_lt(x, f32x4_zero()));
  }
};

// 1 + tanh(u) = 2 / (1 + e^(-2u)). Far below zero e is infinite; minus infinity gives NaN, as by
// erf.
struct GeluTanh {
  static constexpr float kTable[] = {-1.5957691216f, 0.044715f, -20.0f, 20.0f};
  ExpMath math;
  F32x4 minus_two_sqrt_two_over_pi, cubic, lowest, highest;
  explicit GeluTanh(const F32UnaryParameters&) {
    const float* table = unknown_to_compiler(kTable);
    minus_two_sqrt_two_over_pi = splat(table, 0);
    cubic = splat(table, 1);
    lowest = splat(table, 2);
    highest = splat(table, 3);
  }
  F32x4 operator()(F32x4 x) const {
    const F32x4 bounded = f32x4_clamp(x, lowest, highest);
    const F32x4 u = wasm_f32x4_mul(
        bounded, f32x4_madd(wasm_f32x4_mul(bounded, bounded), cubic, math.one()));
    const F32x4 e = math.exp(wasm_f32x4_mul(u, minus_two_sqrt_two_over_pi));
    return wasm_f32x4_div(x, wasm_f32x4_add(math.one(), e));
  }
};

struct HardSwish {
  static constexpr float kTable[] = {3.0f, 6.0f, 1.0f / 6.0f};
  F32x4 three, six, sixth;
  explicit HardSwish(const F32UnaryParameters&) {
    const float* table = unknown_to_compiler(kTable);
    three = splat(table, 0);
    six = splat(table, 1);
    sixth = splat(table, 2);
  }
  F32x4 operator()(F32x4 x) const {
    const F32x4 gate = f32x4_clamp(wasm_f32x4_add(x, three), f32x4_zero(), six);
    return wasm_f32x4_mul(x, wasm_f32x4_mul(gate, sixth));
  }
};

struct Exp {
  ExpMath math;
  explicit Exp(const F32UnaryParameters&) {}
  F32x4 operator()(F32x4 x) const { return math.exp(x); }
};

struct Log {
  LogMath math;
  explicit Log(const F32UnaryParameters&) {}
  F32x4 operator()(F32x4 x) const { return math.log(x); }
};

struct Sqrt {
  explicit Sqrt(const F32UnaryParameters&) {}
  F32x4 operator()(F32x4 x) const { return wasm_f32x4_sqrt(x); }
};

struct Rsqrt {
  F32x4 one;
  explicit Rsqrt(const F32UnaryParameters&) : one(wasm_f32x4_splat(1.0f)) {}
  F32x4 operator()(F32x4 x) const { return wasm_f32x4_div(one, wasm_f32x4_sqrt(x)); }
};

struct Square {
  explicit Square(const F32UnaryParameters&) {}
  F32x4 operator()(F32x4 x) const { return wasm_f32x4_mul(x, x); }
};

struct Abs {
  explicit Abs(const F32UnaryParameters&) {}
  F32x4 operator()(F32x4 x) const { return wasm_f32x4_abs(x); }
};

struct Neg {
  explicit Neg(const F32UnaryParameters&) {}
  F32x4 operator()(F32x4 x) const { return wasm_f32x4_neg(x); }
};

struct Floor {
  explicit Floor(const F32UnaryParameters&) {}
  F32x4 operator()(F32x4 x) const { return wasm_f32x4_floor(x); }
};

struct Ceil {
  explicit Ceil(const F32UnaryParameters&) {}
  F32x4 operator()(F32x4 x) const { return wasm_f32x4_ceil(x); }
};

struct Round {
  explicit Round(const F32UnaryParameters&) {}
  F32x4 operator()(F32x4 x) const { return wasm_f32x4_nearest(x); }
};

template <class Function>
[[gnu::noinline]] void map(const F32UnaryParameters& parameters, const float* input, float* output,
                           size_t count) {
  const Function function(parameters);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    wasm_v128_store(output + i, function(wasm_v128_load(input + i)));
  }
  if (i < count) {
    const int rest = static_cast<int>(count - i);
    f32x4_store_partial(output + i, function(f32x4_load_partial(input + i, rest)), rest);
  }
}

struct Map {
  void (*run)(const F32UnaryParameters&, const float*, float*, size_t);
  int cost;  // Of an element, in multiply-accumulates that take as long.
};

Map choose(F32Unary function) {
  constexpr int kLight = 4;
  constexpr int kHeavy = 24;
  switch (function) {
    case F32Unary::kClamp:
      return {map<Clamp>, kLight};
    case F32Unary::kLeakyRelu:
      return {map<LeakyRelu>, kLight};
    case F32Unary::kElu:
      return {map<Elu>, kHeavy};
    case F32Unary::kGelu:
      return {map<Gelu>, kHeavy};
    case F32Unary::kGeluTanh:
      return {map<GeluTanh>, kHeavy};
    case F32Unary::kHardSwish:
      return {map<HardSwish>, kLight};
    case F32Unary::kLogistic:
      return {map<Logistic>, kHeavy};
    case F32Unary::kTanh:
      return {map<Tanh>, kHeavy};
    case F32Unary::kExp:
      return {map<Exp>, kHeavy};
    case F32Unary::kLog:
      return {map<Log>, kHeavy};
    case F32Unary::kSqrt:
      return {map<Sqrt>, kLight};
    case F32Unary::kRsqrt:
      return {map<Rsqrt>, kLight};
    case F32Unary::kSquare:
      return {map<Square>, kLight};
    case F32Unary::kAbs:
      return {map<Abs>, kLight};
    case F32Unary::kNeg:
      return {map<Neg>, kLight};
    case F32Unary::kFloor:
      return {map<Floor>, kLight};
    case F32Unary::kCeil:
      return {map<Ceil>, kLight};
    case F32Unary::kRound:
      return {map<Round>, kLight};
  }
  return {map<Clamp>, kLight};
}

}  // namespace

void f32_unary(F32Unary function, const F32UnaryParameters& parameters, const float* input,
               float* output, int64_t count, ThreadPool* pool) {
  const Map chosen = choose(function);
  const EvenSplit split(count, 16, chosen.cost, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    const int64_t begin = split.begin(task);
    chosen.run(parameters, input + begin, output + begin, split.end(task) - begin);
  });
}

namespace {

inline F32x4 prelu_vector(F32x4 x, F32x4 alpha) {
  return wasm_v128_bitselect(wasm_f32x4_mul(x, alpha), x, wasm_f32x4_lt(x, f32x4_zero()));
}

[[gnu::noinline]] void prelu_row(size_t channels, const float* input, const float* alpha,
                                 float* output) {
  size_t c = 0;
  for (; c + 4 <= channels; c += 4) {
    wasm_v128_store(output + c,
                    prelu_vector(wasm_v128_load(input + c), wasm_v128_load(alpha + c)));
  }
  if (c < channels) {
    const int rest = static_cast<int>(channels - c);
    const F32x4 y =
        prelu_vector(f32x4_load_partial(input + c, rest), f32x4_load_partial(alpha + c, rest));
    f32x4_store_partial(output + c, y, rest);
  }
}

}  // namespace

void f32_prelu(int64_t rows, int64_t channels, const float* input, const float* alpha,
               float* output, ThreadPool* pool) {
  const EvenSplit split(rows, 1, 4 * channels, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) {
      prelu_row(channels, input + row * channels, alpha, output + row * channels);
    }
  });
}

}  // namespace zeolite
