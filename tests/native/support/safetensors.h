// Reader of safetensors files (u64 length, JSON header, little-endian data), for goldens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace zeolite {

struct GoldenTensor {
  std::string dtype;  // F32, I32, BOOL ... as the file says.
  std::vector<int32_t> shape;
  std::vector<uint8_t> data;

  // The values as float64; F16 and BF16 decoded, I64 rounded.
  std::vector<double> values() const;
};

// By name; empty when the file can't be read, with a failed test.
std::map<std::string, GoldenTensor> read_safetensors(const std::filesystem::path& path);

// A file's bytes; empty with a failed test when it can't be read.
std::vector<uint8_t> read_bytes(const std::filesystem::path& path);

}  // namespace zeolite
