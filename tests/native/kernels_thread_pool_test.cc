#include "core/base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace zeolite {
namespace {

TEST(ThreadPool, EveryIndexRunsExactlyOnce) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int count : {0, 1, 2, 3, 100, 1000}) {
      std::vector<std::atomic<int>> runs(count);
      pool.parallel_for(count, [&](int64_t index) { ++runs[index]; });
      for (const std::atomic<int>& run : runs) EXPECT_EQ(run, 1);
    }
  }
}

TEST(ThreadPool, NoTwoBodiesShareAThreadNumberAtATime) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> inside(pool.threads());
  std::atomic<int> clashes{0};
  for (int round = 0; round < 200; ++round) {
    pool.parallel_for(20, [&](int64_t, int thread) {
      if (++inside[thread] != 1) ++clashes;
      --inside[thread];
    });
  }
  EXPECT_EQ(clashes, 0);
}

TEST(ThreadPool, LoopsOneAfterTheOtherSeeEachOthersWrites) {
  ThreadPool pool(3);
  std::vector<int> values(64, 0);
  for (int round = 0; round < 3000; ++round) {
    pool.parallel_for(64, [&](int64_t index) { values[index] = values[index] + 1; });
  }
  for (int value : values) EXPECT_EQ(value, 3000);
}

TEST(ThreadPool, ALoopWithoutAPoolRunsInOrderOnTheCallingThread) {
  std::vector<int64_t> order;
  parallel_for(nullptr, 4, [&](int64_t index, int thread) {
    EXPECT_EQ(thread, 0);
    order.push_back(index);
  });
  EXPECT_EQ(order, (std::vector<int64_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace zeolite
