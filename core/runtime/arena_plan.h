// Where each tensor lies in one block of memory that they share over time.
#pragma once

#include <cstdint>
#include <span>

namespace zeolite {

// A piece of memory that is needed from step `first` to step `last`, both included.
struct ArenaRequest {
  uint64_t bytes = 0;
  int32_t first = 0;
  int32_t last = 0;
  uint64_t offset = 0;  // The answer: a multiple of kBufferAlignment.
};

// Requests of more are refused before planning, so that sums can't overflow.
inline constexpr uint64_t kMaxArenaRequest = uint64_t{1} << 40;

// Sets the offsets so that requests that live at the same time do not overlap, and returns the size
// of the whole. Largest first, each into the lowest gap that holds it: on networks that branch
// little this reaches the lower bound, the largest sum of what lives at one time.
uint64_t plan_arena(std::span<ArenaRequest> requests);

}  // namespace zeolite
