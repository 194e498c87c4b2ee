#include "core/runtime/arena_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/base/bytes.h"
#include "tests/native/support/kernel_testing.h"

namespace zeolite {
namespace {

bool overlap(const ArenaRequest& a, const ArenaRequest& b) {
  const bool in_time = a.first <= b.last && b.first <= a.last;
  const bool in_space = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
  return in_time && in_space && a.bytes > 0 && b.bytes > 0;
}

TEST(ArenaPlan, WhatLivesAtTheSameTimeDoesNotOverlapAndEverythingIsAligned) {
  testing::Random random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<ArenaRequest> requests(static_cast<size_t>(random.integer(0, 40)));
    uint64_t sum = 0;
    for (ArenaRequest& request : requests) {
      request.first = random.integer(0, 20);
      request.last = request.first + random.integer(0, 5);
      request.bytes = static_cast<uint64_t>(random.integer(0, 1000));
      sum += request.bytes + kBufferAlignment;
    }
    const uint64_t total = plan_arena(requests);
    EXPECT_LE(total, sum);
    for (size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(requests[i].offset % kBufferAlignment, 0u);
      EXPECT_LE(requests[i].offset + requests[i].bytes, total);
      for (size_t k = 0; k < i; ++k) EXPECT_FALSE(overlap(requests[i], requests[k])) << round;
    }
  }
}

TEST(ArenaPlan, AChainNeedsTwoPlacesAndAShortcutAThird) {
  std::vector<ArenaRequest> chain;
  for (int i = 0; i < 10; ++i) chain.push_back({640, i, i + 1, 0});
  EXPECT_EQ(plan_arena(chain), 2u * 640);
  chain.push_back({640, 2, 6, 0});
  EXPECT_EQ(plan_arena(chain), 3u * 640);
}

}  // namespace
}  // namespace zeolite
