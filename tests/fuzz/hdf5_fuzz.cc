#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/formats/hdf5.h"
#include "tests/native/support/piecewise_source.h"

namespace {

using namespace zeolite;
using namespace zeolite::hdf5;

// Walks all that the links lead to and reads every attribute and dataset. Gives the datasets' bytes
// that could be read.
uint64_t walk(const Result<File>& file) {
  if (!file.ok()) return 0;
  uint64_t bytes = 0;
  std::vector<Object> pending = {file->root()};
  std::set<uint64_t> seen;
  while (!pending.empty() && seen.size() < 100) {
    const Object object = pending.back();
    pending.pop_back();
    if (!seen.insert(object.address()).second) continue;
    if (Result<std::vector<std::string>> names = object.attribute_names(); names.ok()) {
      for (const std::string& name : names.value()) (void)object.attribute(name).ok();
    }
    if (object.is_dataset()) {
      Result<Array> array = object.read();
      if (array.ok()) bytes += array->content.data.size();
      if (array.ok() && array->as_doubles().size() > array->element_count) __builtin_trap();
    }
    Result<std::vector<Link>> links = object.links();
    if (!links.ok()) continue;
    for (const Link& link : links.value()) {
      Result<Object> child = object.find(link.name);
      if (child.ok()) pending.push_back(std::move(child).value());
    }
  }
  return bytes;
}

}  // namespace

// In memory and in pieces a file reads the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const uint64_t whole = walk(File::open({data, size}));
  const uint64_t pieces =
      walk(File::open(std::make_shared<PiecewiseSource>(std::span(data, size))));
  if (whole != pieces) __builtin_trap();
  return 0;
}
