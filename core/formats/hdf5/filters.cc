#include "core/formats/hdf5/filters.h"

#include <algorithm>

#include "core/formats/inflate.h"

namespace zeolite::hdf5 {
namespace {

enum : uint16_t {
  kDeflate = 1, kShuffle = 2, kFletcher32 = 3, kSzip = 4, kNbit = 5, kScaleOffset = 6,
  kLzf = 32000,
};

constexpr uint64_t kChecksumBytes = 4;
// LZF gives at most 264 bytes for three.
constexpr uint64_t kMaxLzfRatio = 88;

std::string filter_words(const Filter& filter) {
  switch (filter.id) {
    case kSzip: return "szip";
    case kNbit: return "n-bit";
    case kScaleOffset: return "scale-offset";
    default:
      return (filter.name.empty() ? "number" : filter.name) + " " + std::to_string(filter.id);
  }
}

// All first bytes of the elements, then all second bytes, ... -> elements. What is left over after
// the last whole element stays at the end.
Result<Content> unshuffle(std::span<const uint8_t> stored, uint64_t element_bytes) {
  if (element_bytes <= 1) return Content::view_of(stored);
  ZEOLITE_ASSIGN(Bytes bytes, Bytes::allocate(stored.size(), "a chunk of the HDF5 file"));
  const size_t size = static_cast<size_t>(element_bytes);
  const size_t count = stored.size() / size;
  for (size_t byte = 0; byte < size && count > 0; ++byte) {
    const uint8_t* from = stored.data() + byte * count;
    uint8_t* to = bytes.data() + byte;
    for (size_t i = 0; i < count; ++i) to[i * size] = from[i];
  }
  const std::span<const uint8_t> rest = stored.subspan(count * size);
  std::copy(rest.begin(), rest.end(), bytes.data() + count * size);
  return Content::of(std::move(bytes));
}

// Fletcher's sums over big-endian 16-bit words, as the HDF5 library computes them.
uint32_t fletcher32(std::span<const uint8_t> bytes) {
  uint32_t low = 0;
  uint32_t high = 0;
  constexpr size_t kWordsPerFold = 360;  // As many as leave the sums below 32 bits.
  size_t i = 0;
  while (i + 1 < bytes.size()) {
    const size_t end = std::min(bytes.size() - 1, i + 2 * kWordsPerFold);
    for (; i < end; i += 2) {
      low += static_cast<uint32_t>(bytes[i] << 8 | bytes[i + 1]);
      high += low;
    }
    low = (low & 0xFFFF) + (low >> 16);
    high = (high & 0xFFFF) + (high >> 16);
  }
  if (i < bytes.size()) {
    low += static_cast<uint32_t>(bytes[i] << 8);
    high += low;
    low = (low & 0xFFFF) + (low >> 16);
    high = (high & 0xFFFF) + (high >> 16);
  }
  low = (low & 0xFFFF) + (low >> 16);
  high = (high & 0xFFFF) + (high >> 16);
  return high << 16 | low;
}

Result<Content> check_fletcher32(std::span<const uint8_t> stored) {
  if (stored.size() < kChecksumBytes) return damaged("a chunk is too small for its checksum");
  const std::span<const uint8_t> bytes = stored.first(stored.size() - kChecksumBytes);
  const uint32_t wanted = load_little_endian<uint32_t>(stored.data() + bytes.size());
  const uint32_t sum = fletcher32(bytes);
  // Old libraries on little-endian machines swapped the bytes of each half.
  const uint32_t swapped = (sum & 0x00FF00FF) << 8 | (sum >> 8 & 0x00FF00FF);
  if (wanted != sum && wanted != swapped) return damaged("the checksum of a chunk is wrong");
  return Content::view_of(bytes);
}

Status wrong_lzf() { return damaged("a chunk compressed by LZF is wrong"); }

// LZF (LibLZF): a control byte below 32 begins that many + 1 literals; any other one a copy, with
// the length in its upper three bits and the distance in the rest and the next byte.
Result<Content> unpack_lzf(std::span<const uint8_t> stored, uint64_t limit) {
  if (limit / kMaxLzfRatio > stored.size()) {
    return damaged("a chunk declares more than its compressed bytes can give");
  }
  ZEOLITE_ASSIGN(Bytes output, Bytes::allocate(limit, "a chunk of the HDF5 file"));
  size_t written = 0;
  for (size_t i = 0; i < stored.size();) {
    const size_t control = stored[i++];
    if (control < 32) {
      const size_t count = control + 1;
      if (count > stored.size() - i || count > output.size() - written) {
        return wrong_lzf();
      }
      std::copy_n(stored.data() + i, count, output.data() + written);
      i += count;
      written += count;
      continue;
    }
    size_t length = control >> 5;
    if (length == 7 && i < stored.size()) length += stored[i++];
    length += 2;
    if (i >= stored.size()) return wrong_lzf();
    const size_t distance = ((control & 31) << 8 | stored[i++]) + 1;
    if (distance > written || length > output.size() - written) {
      return wrong_lzf();
    }
    uint8_t* to = output.data() + written;
    for (size_t k = 0; k < length; ++k) to[k] = to[k - distance];
    written += length;
  }
  if (written != limit) return damaged("a compressed chunk has the wrong size");
  return Content::of(std::move(output));
}

Result<Content> unpack_deflate(std::span<const uint8_t> stored, uint64_t limit) {
  if (limit / kMaxInflateRatio > stored.size()) {
    return damaged("a chunk declares more than its compressed bytes can give");
  }
  ZEOLITE_ASSIGN(Bytes output, Bytes::allocate(limit, "a chunk of the HDF5 file"));
  ZEOLITE_ASSIGN(const InflateResult result, inflate_zlib(stored, output.span()));
  if (result.written != limit) return damaged("a compressed chunk has the wrong size");
  return Content::of(std::move(output));
}

bool is_compressor(const Filter& filter) { return filter.id == kDeflate || filter.id == kLzf; }

}  // namespace

Result<FilterPipeline> parse_filter_pipeline(const FileBytes& file,
                                             std::span<const uint8_t> message) {
  FilterPipeline pipeline;
  Cursor cursor = file.cursor(message);
  const uint8_t version = cursor.u8();
  const uint8_t count = cursor.u8();
  if (version == 1) cursor.skip(6);
  for (int i = 0; i < count && cursor.ok(); ++i) {
    Filter filter;
    filter.id = cursor.u16();
    const bool has_name = version == 1 || filter.id >= 256;
    const uint16_t name_bytes = has_name ? cursor.u16() : uint16_t{0};
    cursor.skip(2);  // Whether the filter may be left out.
    const uint16_t parameter_count = cursor.u16();
    const uint64_t padding = version == 1 ? (8 - name_bytes % 8) % 8 : 0;
    const std::span<const uint8_t> name = cursor.take(name_bytes);
    filter.name.assign(name.begin(), std::find(name.begin(), name.end(), 0));
    cursor.skip(padding);
    for (int k = 0; k < parameter_count && cursor.ok(); ++k) {
      const uint32_t parameter = cursor.u32();
      if (k == 0) filter.first_parameter = parameter;
    }
    if (version == 1 && parameter_count % 2 == 1) cursor.skip(4);
    pipeline.filters.push_back(std::move(filter));
  }
  if (!cursor.ok() || version == 0 || version > 2) return damaged("a filter pipeline is cut off");
  if (pipeline.filters.size() > 32) return damaged("a chunk has more than 32 filters");
  return pipeline;
}

Result<Content> undo_filters(const FilterPipeline& pipeline, uint32_t skipped,
                             std::span<const uint8_t> stored, uint64_t chunk_bytes) {
  Content content = Content::view_of(stored);
  for (size_t i = pipeline.filters.size(); i > 0; --i) {
    if ((skipped >> (i - 1) & 1) != 0) continue;
    const Filter& filter = pipeline.filters[i - 1];
    // The bytes before this filter: checksums of earlier ones belong to them.
    uint64_t bytes_before = chunk_bytes;
    for (size_t k = 0; k + 1 < i; ++k) {
      if ((skipped >> k & 1) != 0) continue;
      if (pipeline.filters[k].id == kFletcher32) bytes_before += kChecksumBytes;
      if (is_compressor(pipeline.filters[k]) && is_compressor(filter)) {
        return unsupported("The HDF5 dataset is compressed twice, which is not read");
      }
    }
    const std::shared_ptr<const Bytes> kept = content.owned;
    switch (filter.id) {
      case kDeflate: {
        ZEOLITE_ASSIGN(content, unpack_deflate(content.data, bytes_before));
        break;
      }
      case kLzf: {
        ZEOLITE_ASSIGN(content, unpack_lzf(content.data, bytes_before));
        break;
      }
      case kShuffle: {
        ZEOLITE_ASSIGN(content, unshuffle(content.data, filter.first_parameter));
        break;
      }
      case kFletcher32: {
        ZEOLITE_ASSIGN(content, check_fletcher32(content.data));
        break;
      }
      default:
        return unsupported("The HDF5 dataset is stored with the filter " + filter_words(filter) +
                           ", which is not read; write it with gzip or uncompressed");
    }
    // Where a filter only looked at the bytes, they still belong to the one before.
    if (content.owned == nullptr) content.owned = kept;
  }
  if (content.data.size() != chunk_bytes) return damaged("a chunk has the wrong size");
  return content;
}

}  // namespace zeolite::hdf5
