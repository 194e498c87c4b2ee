#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/formats/hdf5.h"

// Walks all that the links lead to and reads every attribute and dataset.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zeolite;
  using namespace zeolite::hdf5;
  Result<File> file = File::open({data, size});
  if (!file.ok()) return 0;
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
      if (array.ok() && array->as_doubles().size() > array->element_count) __builtin_trap();
    }
    Result<std::vector<Link>> links = object.links();
    if (!links.ok()) continue;
    for (const Link& link : links.value()) {
      Result<Object> child = object.find(link.name);
      if (child.ok()) pending.push_back(std::move(child).value());
    }
  }
  return 0;
}
