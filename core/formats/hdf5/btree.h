// The two B-trees of HDF5: version 1 (old groups and chunks) and version 2.
#pragma once

#include <functional>

#include "core/formats/hdf5/file_bytes.h"

namespace zeolite::hdf5 {

enum class TreeType : uint8_t { kGroup = 0, kChunks = 1 };

// Calls `visit` for each child of the leaves of the version 1 tree at `address`, in order, with a
// cursor at the child's key (of `key_bytes`) and the child's address.
Status walk_tree_v1(const FileBytes& file, uint64_t address, TreeType type, uint64_t key_bytes,
                    const std::function<Status(Cursor key, uint64_t child)>& visit);

// Calls `visit` with each record of the version 2 tree at `address`, in order. The type is that of
// the tree: what a record holds depends on it.
Status walk_tree_v2(
    const FileBytes& file, uint64_t address,
    const std::function<Status(uint8_t type, std::span<const uint8_t> record)>& visit);

}  // namespace zeolite::hdf5
