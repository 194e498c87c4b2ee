// Runs a fuzz target without libFuzzer: on every file below the given folders, as it is and with
// seeded changes (bytes set, copied, cut off), so that an ordinary test run meets hostile input
// too.
//   some_fuzz FOLDER_OR_FILE... [--rounds=N] [--seed=N]
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kMaxFileBytes = 1 << 20;  // Larger seeds would take the time of many small ones.

Bytes read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

Bytes changed(Bytes bytes, std::mt19937& random) {
  auto below = [&](size_t limit) { return limit == 0 ? 0 : random() % limit; };
  static constexpr uint8_t kTelling[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
  for (size_t change = 0, changes = 1 + below(4); change < changes && !bytes.empty(); ++change) {
    const size_t at = below(bytes.size());
    switch (below(5)) {
      case 0:
        bytes[at] = static_cast<uint8_t>(random());
        break;
      case 1:
        bytes[at] = kTelling[below(std::size(kTelling))];
        break;
      case 2:  // A whole number, as sizes and offsets are.
        for (size_t i = at; i < bytes.size() && i < at + 4; ++i) {
          bytes[i] = kTelling[below(std::size(kTelling))];
        }
        break;
      case 3: {
        const size_t from = below(bytes.size());
        for (size_t i = 0; i < below(64) && at + i < bytes.size() && from + i < bytes.size(); ++i) {
          bytes[at + i] = bytes[from + i];
        }
        break;
      }
      default:
        bytes.resize(at);
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  unsigned rounds = 20, seed = 1;
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--rounds=")) {
      rounds = static_cast<unsigned>(std::atoi(argv[i] + 9));
    } else if (argument.starts_with("--seed=")) {
      seed = static_cast<unsigned>(std::atoi(argv[i] + 7));
    } else if (std::filesystem::is_directory(argument)) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(argument)) {
        if (entry.is_regular_file() && entry.file_size() <= kMaxFileBytes) {
          files.push_back(entry.path());
        }
      }
    } else {
      files.emplace_back(argument);
    }
  }
  if (files.empty()) {
    std::fprintf(stderr, "usage: %s FOLDER_OR_FILE... [--rounds=N] [--seed=N]\n", argv[0]);
    return 2;
  }
  size_t runs = 0;
  for (const auto& file : files) {
    const Bytes bytes = read(file);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    // Seeded by the name alone, so that a failure comes back whatever else is in the folder.
    std::mt19937 random(seed ^ static_cast<unsigned>(
                                   std::hash<std::string>{}(file.filename().string())));
    for (unsigned round = 0; round < rounds; ++round) {
      const Bytes input = changed(bytes, random);
      LLVMFuzzerTestOneInput(input.data(), input.size());
      ++runs;
    }
  }
  std::printf("%zu files, %zu changed inputs\n", files.size(), runs);
}
