// RFFT2D (1): the discrete Fourier transform of real images, only the half of it that says all.
//   input float32 [..., H, W]    lengths int32 [2]: h, w    output complex64 [..., h, w / 2 + 1]
//   output[y, x] = sum over v < h, u < w of input[v, u] * exp(-2 pi i (y v / h + x u / w))
// h and w are powers of two; the input is cut off or filled up with zeros to them. Computed in
// float64 by Cooley and Tukey's algorithm; a row of w real numbers is w / 2 complex ones.
#include <cmath>
#include <vector>

#include "core/ops/check.h"
#include "core/ops/fft.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

struct State : OpState {
  Fft rows;
  Fft columns;
  std::vector<Complex> turns;  // exp(-2 pi i x / w), which parts even from odd elements of a row.
  std::vector<Complex> image;
  std::vector<Complex> line;
};

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 2, kMaxRank));
  if (context.input(1).shape != Shape{2}) {
    return bad_input(input_text(context, 1) + ": expected two lengths");
  }
  if (!context.input(1).has_data) return context.set_output_unknown(0, TensorType::kComplex64);
  ZEOLITE_ASSIGN(const std::vector<int64_t> lengths, integers_of(context, 1, 2));
  for (int64_t length : lengths) {
    if (length < 1 || length > (1 << 28) || !std::has_single_bit(static_cast<uint64_t>(length))) {
      return bad_input("the length " + std::to_string(length) + " is no power of two");
    }
  }
  Shape shape = context.input(0).shape;
  shape[shape.size() - 2] = static_cast<int32_t>(lengths[0]);
  shape[shape.size() - 1] = static_cast<int32_t>(lengths[1] / 2 + 1);
  return context.set_output(0, TensorType::kComplex64, std::move(shape));
}

// One row of `width` real numbers -> width / 2 + 1.
void transform_row(State& state, const float* from, int64_t given, int64_t width, Complex* to) {
  const auto at = [&](int64_t i) { return i < given ? static_cast<double>(from[i]) : 0.0; };
  if (width == 1) {
    to[0] = at(0);
    return;
  }
  const int64_t half = width / 2;
  std::vector<Complex>& line = state.line;
  for (int64_t i = 0; i < half; ++i) line[i] = {at(2 * i), at(2 * i + 1)};
  state.rows.run(line.data());
  for (int64_t x = 0; x <= half; ++x) {
    const Complex a = line[x % half];
    const Complex b = std::conj(line[(half - x) % half]);
    const Complex even = (a + b) * 0.5;
    const Complex odd = Complex(0, -0.5) * (a - b);
    to[x] = even + state.turns[x] * odd;
  }
}

Status eval(EvalContext& context) {
  State& state = context.state<State>();
  const Shape& in = context.input(0).shape;
  const Shape& out = context.output(0).shape;
  const size_t rank = in.size();
  const int64_t height = out[rank - 2];
  const int64_t columns = out[rank - 1];
  const int64_t width = context.in<int32_t>(1)[1];
  const int64_t given_height = std::min<int64_t>(in[rank - 2], height);
  const int64_t given_width = std::min<int64_t>(in[rank - 1], width);
  state.rows.resize(static_cast<size_t>(std::max<int64_t>(width / 2, 1)));
  state.columns.resize(static_cast<size_t>(height));
  state.turns.resize(static_cast<size_t>(columns));
  for (int64_t x = 0; x < columns; ++x) {
    state.turns[x] =
        std::polar(1.0, -2 * M_PI * static_cast<double>(x) / static_cast<double>(width));
  }
  state.image.assign(static_cast<size_t>(height * columns), Complex());
  state.line.resize(static_cast<size_t>(std::max(width / 2, height)));
  const int64_t images = product(in, 0, rank - 2);
  for (int64_t n = 0; n < images; ++n) {
    const float* from = context.in<float>(0) + n * in[rank - 2] * in[rank - 1];
    for (int64_t y = 0; y < height; ++y) {
      transform_row(state, from + y * in[rank - 1], y < given_height ? given_width : 0, width,
                    state.image.data() + y * columns);
    }
    auto* to = context.out<std::complex<float>>(0) + n * height * columns;
    for (int64_t x = 0; x < columns; ++x) {
      if (height > 1) {
        for (int64_t y = 0; y < height; ++y) state.line[y] = state.image[y * columns + x];
        state.columns.run(state.line.data());
        for (int64_t y = 0; y < height; ++y) state.image[y * columns + x] = state.line[y];
      }
      for (int64_t y = 0; y < height; ++y) {
        to[y * columns + x] = std::complex<float>(state.image[y * columns + x]);
      }
    }
  }
  return {};
}

Status prepare(PrepareContext& context) {
  context.state<State>();
  return {};
}

}  // namespace

const OpKernel kRfft2dOp = {infer, prepare, eval};

}  // namespace zeolite
