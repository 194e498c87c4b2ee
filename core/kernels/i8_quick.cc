// When sums may be scaled in float32 though the result is whole numbers to the bit.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels/i8_requantize.h"
#include "core/kernels/quick_rounding.h"

namespace zeolite {
namespace {

constexpr int kColumns = kI8TileColumns;

// QuickRequantize4's own errors are below 256 * 4 * 2^-24: what is nearer to a half is not sure.
constexpr float kSure = 0.5f - 6.5e-5f;

// A proof takes a microsecond a column and saves a quarter of a nanosecond a number.
constexpr int64_t kNumbersWorthProving = 700;

// Below this the steps of float32 are too coarse for any column.
constexpr double kLeastProvableScale = 2.5e-4;

void set_all(PanelHead* head, int32_t zero_point) {
  for (int lane = 0; lane < 4; ++lane) {
    head->magic[lane] = kRoundingMagic;
    head->magic_bits[lane] = kRoundingBits - zero_point;
    head->magnitude[lane] = 0x7fffffff;
    head->sure[lane] = kSure;
  }
  for (uint32_t c = 0; c < kColumns; ++c) head->sign[c] = c < head->halves_up ? 0 : 0x80000000;
}

double scale_of(const PanelHead& head, int c) {
  return real_of({head.multiplier[c], head.shift[c]});
}

// Where the numbers of a column begin, but for its lowest: the least sum of each, in order, and the
// number itself. Filled up to whole vectors with the last one.
struct Beginnings {
  alignas(16) int32_t sum[256];
  alignas(16) int32_t number[256];
  int count = 0;

  // `low` and `high`: of the numbers without zero point; those beyond are clamped. `moved` is added
  // to sums, zero_point to numbers.
  Beginnings(const FirstOfResult& first, int32_t low, int32_t high, int32_t zero_point,
             int32_t moved) {
    for (int32_t result = low + 1; result <= high; ++result, ++count) {
      sum[count] = static_cast<int32_t>(first(result)) + moved;
      number[count] = result + zero_point;
    }
    for (; count % 4 != 0; ++count) {
      sum[count] = sum[count - 1];
      number[count] = number[count - 1];
    }
  }
};

// What may be added to sums times `scale` so that the numbers begin where they should, were it not
// for float32's rounding: from `least` to below `most`, if that is more.
struct AwayRange {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();

  AwayRange(const Beginnings& beginnings, double scale) {
    for (int i = 0; i < beginnings.count; ++i) {
      const double at_sum = beginnings.number[i] - 0.5 - beginnings.sum[i] * scale;
      least = std::max(least, at_sum);
      most = std::min(most, at_sum + scale);
    }
  }
};

// Whether ProvenRequantize4 gives what Requantize4 does.
bool is_proven(const Beginnings& beginnings, float scale, float away) {
  const auto made = [&](v128_t sum) {
    const v128_t y = f32x4_madd(wasm_f32x4_convert_i32x4(sum), wasm_f32x4_splat(scale),
                                wasm_f32x4_splat(away));
    return wasm_i32x4_sub(wasm_f32x4_add(y, wasm_f32x4_splat(kRoundingMagic)),
                          wasm_i32x4_splat(kRoundingBits));
  };
  for (int i = 0; i < beginnings.count; i += 4) {
    const v128_t sum = wasm_v128_load(beginnings.sum + i);
    const v128_t number = wasm_v128_load(beginnings.number + i);
    const v128_t before = wasm_i32x4_sub(sum, wasm_i32x4_splat(1));
    if (wasm_v128_any_true(wasm_v128_or(wasm_i32x4_ge(made(before), number),
                                        wasm_i32x4_lt(made(sum), number)))) {
      return false;
    }
  }
  return true;
}

// The numbers around zero are the finest of float32: so sums are moved by the zero point.
bool prove(int64_t columns, int32_t zero_point, PanelHead* head) {
  const int32_t low = head->min[0] - zero_point;
  const int32_t high = head->max[0] - zero_point;
  float scales[kColumns] = {};
  float aways[kColumns] = {};
  int32_t moved[kColumns] = {};
  for (int c = 0; c < columns; ++c) {
    const double scale = scale_of(*head, c);
    if (!(scale >= kLeastProvableScale)) return false;
    moved[c] = static_cast<int32_t>(std::lround(zero_point / scale));
    const FirstOfResult first({head->multiplier[c], head->shift[c]},
                              static_cast<uint32_t>(c) < head->halves_up ? Halves::kUp
                                                                         : Halves::kAway);
    const Beginnings beginnings(first, low, high, zero_point, moved[c]);
    scales[c] = agreeing_scale(scale, [&](float candidate) {
      const AwayRange range(beginnings, candidate);
      if (!(range.least < range.most)) return false;
      // From the middle, where rounding has the most room.
      for (const double part : {0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8}) {
        aways[c] = static_cast<float>(range.least + part * (range.most - range.least));
        if (is_proven(beginnings, candidate, aways[c])) return true;
      }
      return false;
    });
    if (scales[c] == 0) return false;
  }
  for (int c = 0; c < kColumns; ++c) {
    head->quick_scale[c] = scales[c];
    head->quick_away[c] = aways[c];
    head->bias[c] += moved[c];
  }
  return true;
}

}  // namespace

void i8_set_quick(const SumStage& stage, int64_t columns, int64_t largest_sum, PanelHead* head) {
  const int32_t zero_point =
      stage.output == SumOutput::kUint8 ? stage.zero_point - 128 : stage.zero_point;
  // Results must stay below 2^22.
  head->is_quick = 1;
  for (int c = 0; c < kColumns; ++c) {
    const double scale = scale_of(*head, c);
    head->quick_scale[c] = static_cast<float>(scale);
    head->quick_away[c] = head->shift[c] == 0 ? 0.0f : std::ldexp(1.0f, head->shift[c] - 1);
    if (scale * static_cast<double>(largest_sum) > (1 << 21)) head->is_quick = 0;
  }
  head->is_proven = head->is_quick != 0 && stage.numbers_each >= kNumbersWorthProving &&
                            prove(columns, zero_point, head)
                        ? 1
                        : 0;
  set_all(head, head->is_proven != 0 ? 0 : zero_point);
}

}  // namespace zeolite
