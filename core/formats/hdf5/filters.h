// The filter pipeline that chunks went through when they were written.
#pragma once

#include <string>
#include <vector>

#include "core/formats/content.h"
#include "core/formats/hdf5/file_bytes.h"

namespace zeolite::hdf5 {

struct Filter {
  uint16_t id = 0;
  std::string name;
  uint32_t first_parameter = 0;  // Of shuffle: the bytes of an element.
};

// In the order of writing.
struct FilterPipeline {
  std::vector<Filter> filters;
};

Result<FilterPipeline> parse_filter_pipeline(const FileBytes& file,
                                             std::span<const uint8_t> message);

// Undoes the filters, except those whose bit in `skipped` is set, and gives the `chunk_bytes` that
// the chunk had before; a view of `stored` where there is nothing to undo.
Result<Content> undo_filters(const FilterPipeline& pipeline, uint32_t skipped,
                             std::span<const uint8_t> stored, uint64_t chunk_bytes);

}  // namespace zeolite::hdf5
