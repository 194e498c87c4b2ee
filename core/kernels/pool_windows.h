// The walk of a pooling window over an input, which all pooling kernels share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/shapes.h"
#include "core/kernels/split.h"

namespace zeolite {

// The pixels of one window that lie inside the input: rows x columns of them, none when the window
// lies in the padding only. Offsets and steps are in elements.
struct PoolWindow {
  int64_t first;     // Of the first pixel, from the input's first element.
  int64_t rows;
  int64_t columns;
  int64_t row_step;  // From a pixel to the one below it.

  int64_t count() const { return rows * columns; }
};

// Calls body(window, output) for each output pixel, where `output` is the offset of its first
// channel; rows of the output are shared among the threads. pixel_cost is what one pixel of a
// window costs for all channels, in multiply-accumulates.
template <class Body>
void for_each_pool_window(const Pool2DShape& shape, int64_t pixel_cost, ThreadPool* pool,
                          const Body& body) {
  const Window2D& window = shape.window;
  const int64_t channels = shape.channels;
  const int64_t input_row = shape.input_width * channels;
  const EvenSplit split(
      int64_t{shape.batch} * shape.output_height, 1,
      pixel_cost * shape.output_width * window.kernel_height * window.kernel_width, pool);
  parallel_for(split.pool, split.tasks(), [&](int64_t task) {
    for (int64_t row = split.begin(task); row < split.end(task); ++row) {
      const int64_t image = row / shape.output_height;
      const int64_t top = row % shape.output_height * window.stride_height - window.pad_top;
      const int64_t y_begin = std::max<int64_t>(top, 0);
      const int64_t y_end = std::min<int64_t>(top + window.kernel_height, shape.input_height);
      const int64_t first_row = (image * shape.input_height + y_begin) * input_row;
      for (int64_t x = 0; x < shape.output_width; ++x) {
        const int64_t left = x * window.stride_width - window.pad_left;
        const int64_t x_begin = std::max<int64_t>(left, 0);
        const int64_t x_end = std::min<int64_t>(left + window.kernel_width, shape.input_width);
        const PoolWindow part = {first_row + x_begin * channels,
                                 std::max<int64_t>(y_end - y_begin, 0),
                                 std::max<int64_t>(x_end - x_begin, 0), input_row};
        body(part, (row * shape.output_width + x) * channels);
      }
    }
  });
}

}  // namespace zeolite
