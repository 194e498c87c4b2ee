// Reader of the operator corpus: small models with inputs and the real runtime's outputs, one gzip
// file an operator (`ZOPACK1`, u32 length of the JSON, JSON, blob).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace zeolite {

struct PackTensor {
  std::string dtype;
  std::vector<int32_t> shape;
  std::vector<uint8_t> data;  // As it lies in the runtime's memory.
};

struct PackStep {
  std::map<size_t, std::vector<int32_t>> resize;  // By input position.
  std::vector<PackTensor> inputs;
  std::vector<std::vector<PackTensor>> accepted;  // Outputs: the golden, then its alternatives.
};

struct PackCase {
  std::string id;
  bool is_valid = false;    // Else an error is expected at some stage,
  bool is_lenient = false;  // ... or any result, as long as nothing crashes.
  std::string message;      // Of the real runtime, for an invalid case.
  std::vector<uint8_t> model;
  std::vector<PackStep> steps;
  struct Tolerance {
    double absolute = 0;
    double relative = 0;
  };
  std::vector<Tolerance> tolerances;  // By output.
};

// All cases of one pack; a failed test where it can't be read.
std::vector<PackCase> read_operator_pack(const std::filesystem::path& path);

// Why `data` is not close enough to `golden`; empty when it is. Integers and bools must be equal;
// of floats NaN and infinities must be the same.
std::string difference(const PackTensor& golden, const std::vector<uint8_t>& data,
                       PackCase::Tolerance tolerance);

}  // namespace zeolite
