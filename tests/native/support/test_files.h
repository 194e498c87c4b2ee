// The files under tests/data.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace zeolite {

// The content of tests/data/`name`; a failed test and no bytes when there is no such file.
inline std::vector<uint8_t> read_test_file(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(ZEOLITE_TEST_DATA) / name;
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << "cannot open " << path;
  return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
}

}  // namespace zeolite
