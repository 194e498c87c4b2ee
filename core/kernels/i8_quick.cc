// When sums may be scaled in float32 though the result is whole numbers to the bit.
#include <cmath>

#include "core/kernels/i8_requantize.h"
#include "core/kernels/quick_rounding.h"

namespace zeolite {
namespace {

constexpr int kColumns = kI8TileColumns;

// QuickRequantize4's own errors are below 256 * 4 * 2^-24: what is nearer to a half is not sure.
constexpr float kSure = 0.5f - 6.5e-5f;

// A proof takes some microseconds a column and saves a quarter of a nanosecond a number.
constexpr int64_t kNumbersWorthProving = 700;

// Below this the steps of float32 are too coarse for any column.
constexpr double kLeastProvableScale = 1e-3;

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

// Whether ProvenRequantize4 gives what Requantize4 does. `low` and `high`: of the numbers without zero
// point; those beyond are clamped.
bool is_proven(const FirstOfResult& first, int32_t low, int32_t high, int32_t zero_point,
               int32_t moved, float scale, float away) {
  const v128_t scales = wasm_f32x4_splat(scale);
  const v128_t aways = wasm_f32x4_splat(away);
  const v128_t magic = wasm_f32x4_splat(kRoundingMagic);
  return rounds_alike(first, low, high, [&](int32_t result, int64_t begin) {
    const auto x = static_cast<int32_t>(begin) + moved;
    const v128_t y = f32x4_madd(wasm_f32x4_convert_i32x4(wasm_i32x4_make(x - 1, x, x, x)), scales,
                                aways);
    const v128_t made = wasm_f32x4_add(y, magic);
    const int32_t bits = kRoundingBits + result + zero_point;
    return wasm_i32x4_extract_lane(made, 0) < bits && wasm_i32x4_extract_lane(made, 1) >= bits;
  });
}

// The numbers around zero are the finest of float32: so sums are moved by the zero point.
bool prove(int64_t columns, int32_t zero_point, PanelHead* head) {
  const int32_t low = head->min[0] - zero_point;
  const int32_t high = head->max[0] - zero_point;
  // Halves away from zero are halves up where nothing negative is left.
  if (head->halves_up < columns && low < 0) return false;
  float scales[kColumns] = {};
  float aways[kColumns] = {};
  int32_t moved[kColumns] = {};
  for (int c = 0; c < columns; ++c) {
    const double scale = scale_of(*head, c);
    if (!(scale >= kLeastProvableScale)) return false;
    moved[c] = static_cast<int32_t>(std::lround(zero_point / scale));
    aways[c] = static_cast<float>((head->shift[c] == 0 ? 0 : std::ldexp(1.0, head->shift[c] - 1)) +
                                  zero_point - moved[c] * scale);
    const FirstOfResult first({head->multiplier[c], head->shift[c]}, Halves::kUp);
    scales[c] = agreeing_scale(scale, [&](float candidate) {
      return is_proven(first, low, high, zero_point, moved[c], candidate, aways[c]);
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
