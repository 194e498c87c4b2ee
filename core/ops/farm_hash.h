// FarmHash's 64-bit fingerprint (G. Pike, https://github.com/google/farmhash), by which
// LSH_PROJECTION is defined.
#pragma once

#include <cstdint>
#include <span>

namespace zeolite {

uint64_t farm_fingerprint64(std::span<const uint8_t> data);

}  // namespace zeolite
