// How the work of an operator is cut into tasks for the thread pool.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/thread_pool.h"
#include "core/kernels/f32_tile.h"

namespace zeolite {

// Below this many multiply-accumulates (about 10 us of one core) a task does not pay for waking a
// thread.
inline constexpr int64_t kMinTaskMacs = 1 << 18;

// Tasks for each thread, so that one that is held up leaves its share to the others.
inline constexpr int64_t kTasksPerThread = 4;

inline constexpr uint64_t align_up(uint64_t bytes) { return (bytes + 63) & ~uint64_t{63}; }

// [0, count) in parts of a multiple of `grain` each (but the last), of cost_each for one element,
// in multiply-accumulates or what takes as long. `pool` is null when splitting does not pay.
struct EvenSplit {
  ThreadPool* pool = nullptr;
  int64_t count;
  int64_t part;

  EvenSplit(int64_t count, int64_t grain, int64_t cost_each, ThreadPool* pool)
      : count(count), part(std::max<int64_t>(count, 1)) {
    if (pool == nullptr || pool->threads() == 1 || count <= grain) return;
    const int64_t by_cost = kMinTaskMacs / std::max<int64_t>(cost_each, 1);
    const int64_t by_threads = count / (pool->threads() * kTasksPerThread);
    const int64_t wanted = std::max<int64_t>({by_cost, by_threads, 1});
    part = (wanted + grain - 1) / grain * grain;
    if (part < count) this->pool = pool;
  }

  int64_t tasks() const { return (count + part - 1) / part; }
  int64_t begin(int64_t task) const { return task * part; }
  int64_t end(int64_t task) const { return std::min(count, (task + 1) * part); }
};

// The tiles of an output of `rows` by n columns, in blocks of rows and, when these would be too few
// or too small for all threads, of panels. row_macs is the cost of one row over all columns.
struct TileSplit {
  // Rows that go through all panels of a task before the next block: enough that the weights are
  // seldom read again, few enough that the rows stay in L2. 48 and 24 rows are within 2 % of 96 on
  // MobileNet-V2's layers, 12 and 6 up to 5 and 11 % slower.
  static constexpr int64_t kMaxBlockRows = 96;

  ThreadPool* pool = nullptr;
  int64_t rows;
  int64_t panels;
  int64_t block_rows;
  int64_t block_panels;

  struct Part {
    int64_t row;
    int64_t rows;
    int64_t first_panel;
    int64_t last_panel;
  };

  TileSplit(int64_t rows, int64_t n, int64_t row_macs, ThreadPool* pool)
      : rows(rows), panels(f32_panel_count(n)), block_rows(kMaxBlockRows), block_panels(panels) {
    if (pool == nullptr || pool->threads() == 1 || rows == 0 || n == 0) return;
    const int64_t wanted = std::min<int64_t>(pool->threads() * kTasksPerThread,
                                             rows * std::max<int64_t>(row_macs, 1) / kMinTaskMacs);
    if (wanted <= 1) return;
    this->pool = pool;
    // Each block of rows reads all weights, each block of panels all rows: the fewer are divided
    // last. Rows are halved down to 12.
    const int64_t row_share = n > rows ? (wanted + panels - 1) / panels : wanted;
    while (block_rows > 16 && (rows + block_rows - 1) / block_rows < row_share) block_rows /= 2;
    const int64_t row_blocks = (rows + block_rows - 1) / block_rows;
    const int64_t panel_blocks = std::min(panels, (wanted + row_blocks - 1) / row_blocks);
    block_panels = (panels + panel_blocks - 1) / panel_blocks;
  }

  int64_t panel_blocks() const {
    return block_panels == 0 ? 0 : (panels + block_panels - 1) / block_panels;
  }
  int64_t tasks() const { return (rows + block_rows - 1) / block_rows * panel_blocks(); }
  Part part(int64_t task) const {
    const int64_t row = task / panel_blocks() * block_rows;
    const int64_t first_panel = task % panel_blocks() * block_panels;
    return {row, std::min(block_rows, rows - row), first_panel,
            std::min(panels, first_panel + block_panels)};
  }
};

}  // namespace zeolite
