// The graph -> a .tflite file.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/graph/graph.h"

namespace zeolite {

// A .tflite file that is not put together yet: its tables, and the constants where the model has
// them. What is large need not be in memory twice.
struct TfliteFile {
  struct Piece {
    uint64_t position;  // In the file. Between pieces, which come in order, there are zeros.
    std::span<const uint8_t> bytes;
  };

  uint64_t size = 0;
  Bytes tables;  // The first piece points at them.
  std::vector<Piece> pieces;
};

// The file of `model`, whose constants must stay where they are while it is used. For the rest see
// write_tflite().
Result<TfliteFile> lay_out_tflite(const Model& model);

// Bytes of the model as a .tflite file (schema version 3, identifier TFL3, buffers aligned to 16
// bytes; equal constants are stored once). Operator versions are written as they stand: see
// ops/versions.h. Errors: kUnsupported over 2 GB, kOutOfMemory.
Result<Bytes> write_tflite(const Model& model);

// All of the file in one block.
Result<Bytes> put_together(const TfliteFile& file);

}  // namespace zeolite
