// TRANSPOSE_CONV computed from the output's side: output pixels whose position has the same rest
// modulo the strides, a phase, see the same taps, so each phase is a convolution with stride 1 and
// weights of its own. Nothing is scattered, and no output is added to twice.
#pragma once

#include "core/kernels/shapes.h"

namespace zeolite {

// Along one axis: tap = phase + i * stride for i in [0, count) meets input pixel (position +
// padding - phase) / stride - i.
inline int64_t phase_taps(int64_t kernel, int64_t stride, int64_t phase) {
  return phase < kernel ? (kernel - phase + stride - 1) / stride : 0;
}

// The taps of a phase, and which of the kernel they are.
struct Phase {
  int64_t y;
  int64_t x;
  int64_t taps_y;
  int64_t taps_x;

  Phase(const Window2D& w, int64_t y, int64_t x)
      : y(y),
        x(x),
        taps_y(phase_taps(w.kernel_height, w.stride_height, y)),
        taps_x(phase_taps(w.kernel_width, w.stride_width, x)) {}

  int64_t taps() const { return taps_y * taps_x; }
  // The number of tap `tap` among all of the kernel.
  int64_t kernel_tap(const Window2D& w, int64_t tap) const {
    const int64_t ky = y + tap / taps_x * w.stride_height;
    const int64_t kx = x + tap % taps_x * w.stride_width;
    return ky * w.kernel_width + kx;
  }
};

// The pixels of one phase in row oy of the output.
struct PhaseRow {
  int64_t top;     // Input row that the first tap meets.
  int64_t first;   // Output column of the first pixel; the others are stride_width apart.
  int64_t left;    // Input column that its first tap meets.
  int64_t pixels;

  PhaseRow(const TransposeConvShape& shape, int64_t oy, int64_t phase_x) {
    const Window2D& w = shape.window;
    top = (oy + w.pad_top) / w.stride_height;
    first = (phase_x - w.pad_left % w.stride_width + w.stride_width) % w.stride_width;
    left = (first + w.pad_left) / w.stride_width;
    pixels = first < shape.output_width ? (shape.output_width - first - 1) / w.stride_width + 1 : 0;
  }

  // The pointers to the input's channels, or to `zeros` outside: tiles of tile_rows pixels, of each
  // all taps, of each all pixels. The last pixel is repeated up to `count` pixels.
  template <class T>
  void fill_table(const TransposeConvShape& shape, const Phase& phase, const T* image,
                  const T* zeros, int64_t tile_rows, int64_t count, const T** table) const {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t pixel = i < pixels ? i : pixels - 1;
      const T** target = table + i / tile_rows * phase.taps() * tile_rows + i % tile_rows;
      for (int64_t ty = 0; ty < phase.taps_y; ++ty) {
        const int64_t y = top - ty;
        for (int64_t tx = 0; tx < phase.taps_x; ++tx, target += tile_rows) {
          const int64_t x = left + pixel - tx;
          const bool inside = y >= 0 && y < shape.input_height && x >= 0 && x < shape.input_width;
          *target = inside ? image + (y * shape.input_width + x) * shape.input_channels : zeros;
        }
      }
    }
  }
};

}  // namespace zeolite
