// An own decoder of some 200 lines and not zlib's: it builds from this source natively and to
// WebAssembly alike, without a download, and adds a few kilobytes.
#include "core/formats/inflate.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace zeolite {
namespace {

constexpr int kMaxCodeBits = 15;
constexpr int kFastBits = 10;
constexpr int kLiteralCodes = 288;
constexpr int kDistanceCodes = 30;
constexpr int kEndOfBlock = 256;

Status wrong_stream(std::string_view what) {
  return corrupt("Compressed data are damaged: " + std::string(what));
}

// Takes bits from the least significant end. Past the end of the input it gives zeros and counts
// them, so that a look ahead needs no check; `overran` says whether any of them was taken.
class BitReader {
 public:
  explicit BitReader(std::span<const uint8_t> input) : input_(input) {}

  // Makes at least 48 bits available.
  void refill() {
    while (count_ <= 56) {
      if (position_ < input_.size()) {
        bits_ |= static_cast<uint64_t>(input_[position_]) << count_;
      }
      ++position_;
      count_ += 8;
    }
  }
  uint32_t peek(int count) const {
    return static_cast<uint32_t>(bits_ & ((uint64_t{1} << count) - 1));
  }
  void drop(int count) {
    bits_ >>= count;
    count_ -= count;
  }
  uint32_t take(int count) {
    const uint32_t value = peek(count);
    drop(count);
    return value;
  }
  bool overran() const { return consumed() > input_.size(); }
  // Whole bytes of which any bit was taken.
  uint64_t consumed() const { return position_ - static_cast<uint64_t>(count_ / 8); }

  // Goes on at the next whole byte; the bytes from there on.
  std::span<const uint8_t> align() {
    const uint64_t start = std::min<uint64_t>(consumed(), input_.size());
    position_ = start;
    bits_ = 0;
    count_ = 0;
    return input_.subspan(static_cast<size_t>(start));
  }
  void skip_bytes(size_t count) { position_ += count; }

 private:
  std::span<const uint8_t> input_;
  uint64_t position_ = 0;
  uint64_t bits_ = 0;
  int count_ = 0;
};

// A canonical Huffman code: short codes by a table, long ones by counting.
class HuffmanCode {
 public:
  // `lengths[symbol]` is the length of its code, 0 for none. False when they are no prefix code. An
  // incomplete one is only allowed with `may_be_single`: one code of one bit, or none at all.
  bool build(std::span<const uint8_t> lengths, bool may_be_single) {
    counts_.fill(0);
    fast_.fill(0);
    for (uint8_t length : lengths) ++counts_[length];
    const int used = static_cast<int>(lengths.size()) - counts_[0];
    counts_[0] = 0;
    int free = 1;
    for (int length = 1; length <= kMaxCodeBits; ++length) {
      free = free * 2 - counts_[length];
      if (free < 0) return false;
    }
    if (free > 0 && !(may_be_single && (used == 0 || (used == 1 && counts_[1] == 1)))) return false;

    std::array<uint16_t, kMaxCodeBits + 2> next_index{};
    std::array<uint16_t, kMaxCodeBits + 2> next_code{};
    for (int length = 1; length <= kMaxCodeBits; ++length) {
      next_index[length + 1] = static_cast<uint16_t>(next_index[length] + counts_[length]);
      next_code[length + 1] = static_cast<uint16_t>((next_code[length] + counts_[length]) << 1);
    }
    for (size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      const int length = lengths[symbol];
      if (length == 0) continue;
      symbols_[next_index[length]++] = static_cast<uint16_t>(symbol);
      const uint32_t code = next_code[length]++;
      if (length > kFastBits) continue;
      uint32_t reversed = 0;
      for (int bit = 0; bit < length; ++bit) reversed |= (code >> bit & 1) << (length - 1 - bit);
      const uint16_t entry = static_cast<uint16_t>(symbol << 4 | static_cast<size_t>(length));
      for (uint32_t i = reversed; i < fast_.size(); i += 1u << length) fast_[i] = entry;
    }
    return true;
  }

  // The next symbol, or -1 when the bits are no code. The reader must hold kMaxCodeBits bits.
  int decode(BitReader* reader) const {
    const uint16_t entry = fast_[reader->peek(kFastBits)];
    if (entry != 0) {
      reader->drop(entry & 15);
      return entry >> 4;
    }
    const uint32_t bits = reader->peek(kMaxCodeBits);
    int code = 0;
    int first = 0;  // The first code of this length.
    int index = 0;  // The index of its symbol.
    for (int length = 1; length <= kMaxCodeBits; ++length) {
      code |= static_cast<int>(bits >> (length - 1) & 1);
      if (code - first < counts_[length]) {
        reader->drop(length);
        return symbols_[index + code - first];
      }
      index += counts_[length];
      first = (first + counts_[length]) << 1;
      code <<= 1;
    }
    return -1;
  }

 private:
  std::array<uint16_t, 1 << kFastBits> fast_;  // symbol << 4 | length, or 0.
  std::array<int, kMaxCodeBits + 1> counts_;
  std::array<uint16_t, kLiteralCodes> symbols_;
};

constexpr std::array<uint16_t, 29> kLengthBase = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,
                                                  15, 17, 19, 23, 27, 31, 35, 43, 51,  59,
                                                  67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::array<uint8_t, 29> kLengthExtra = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                  2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::array<uint16_t, 30> kDistanceBase = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr std::array<uint8_t, 30> kDistanceExtra = {0, 0, 0,  0,  1,  1,  2,  2,  3,  3,
                                                    4, 4, 5,  5,  6,  6,  7,  7,  8,  8,
                                                    9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

class Inflater {
 public:
  Inflater(std::span<const uint8_t> input, std::span<uint8_t> output)
      : reader_(input), output_(output) {}

  Result<InflateResult> run() {
    bool is_last = false;
    while (!is_last) {
      reader_.refill();
      is_last = reader_.take(1) == 1;
      switch (reader_.take(2)) {
        case 0: ZEOLITE_TRY(stored_block()); break;
        case 1: ZEOLITE_TRY(fixed_block()); break;
        case 2: ZEOLITE_TRY(dynamic_block()); break;
        default: return wrong_stream("unknown type of block");
      }
      if (reader_.overran()) return wrong_stream("they end early");
    }
    return InflateResult{reader_.consumed(), written_};
  }

 private:
  Status stored_block() {
    const std::span<const uint8_t> rest = reader_.align();
    if (rest.size() < 4) return wrong_stream("they end early");
    const size_t length = rest[0] | rest[1] << 8;
    const size_t complement = rest[2] | rest[3] << 8;
    if (length != (~complement & 0xFFFF)) return wrong_stream("the length of a block is wrong");
    if (length > rest.size() - 4) return wrong_stream("they end early");
    if (length > output_.size() - written_) return too_long();
    if (length > 0) std::memcpy(output_.data() + written_, rest.data() + 4, length);
    written_ += length;
    reader_.skip_bytes(4 + length);
    return {};
  }

  Status fixed_block() {
    std::array<uint8_t, kLiteralCodes> lengths;
    std::fill(lengths.begin(), lengths.begin() + 144, 8);
    std::fill(lengths.begin() + 144, lengths.begin() + 256, 9);
    std::fill(lengths.begin() + 256, lengths.begin() + 280, 7);
    std::fill(lengths.begin() + 280, lengths.end(), 8);
    // Two more distances than exist keep the code complete; decoding them is an error.
    std::array<uint8_t, kDistanceCodes + 2> distances;
    distances.fill(5);
    literals_.build(lengths, false);
    distances_.build(distances, false);
    return compressed_data();
  }

  Status dynamic_block() {
    reader_.refill();
    const size_t literal_count = reader_.take(5) + 257;
    const size_t distance_count = reader_.take(5) + 1;
    const size_t length_count = reader_.take(4) + 4;
    if (literal_count > 286 || distance_count > kDistanceCodes) {
      return wrong_stream("too many codes in a block");
    }
    constexpr std::array<uint8_t, 19> kOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                11, 4,  12, 3, 13, 2, 14, 1, 15};
    std::array<uint8_t, 19> code_lengths{};
    for (size_t i = 0; i < length_count; ++i) {
      reader_.refill();
      code_lengths[kOrder[i]] = static_cast<uint8_t>(reader_.take(3));
    }
    if (!literals_.build(code_lengths, false)) return wrong_stream("the code lengths are no code");

    std::array<uint8_t, 286 + kDistanceCodes> lengths{};
    const size_t total = literal_count + distance_count;
    for (size_t i = 0; i < total;) {
      reader_.refill();
      const int symbol = literals_.decode(&reader_);
      if (symbol < 0 || reader_.overran()) return wrong_stream("they end within a code");
      if (symbol < 16) {
        lengths[i++] = static_cast<uint8_t>(symbol);
        continue;
      }
      uint8_t repeated = 0;
      size_t count = 0;
      if (symbol == 16) {
        if (i == 0) return wrong_stream("nothing to repeat");
        repeated = lengths[i - 1];
        count = 3 + reader_.take(2);
      } else {
        count = symbol == 17 ? 3 + reader_.take(3) : 11 + reader_.take(7);
      }
      if (count > total - i) return wrong_stream("too many code lengths");
      std::fill_n(lengths.begin() + static_cast<ptrdiff_t>(i), count, repeated);
      i += count;
    }
    if (lengths[kEndOfBlock] == 0) return wrong_stream("a block cannot end");
    const std::span<const uint8_t> all(lengths);
    if (!literals_.build(all.first(literal_count), false) ||
        !distances_.build(all.subspan(literal_count, distance_count), true)) {
      return wrong_stream("the code lengths are no code");
    }
    return compressed_data();
  }

  Status compressed_data() {
    while (true) {
      // One round takes 15 + 5 + 15 + 13 bits at most.
      reader_.refill();
      const int symbol = literals_.decode(&reader_);
      if (symbol < 0) return wrong_stream("unknown code");
      if (symbol < kEndOfBlock) {
        if (written_ >= output_.size()) return too_long();
        output_[written_++] = static_cast<uint8_t>(symbol);
        continue;
      }
      if (symbol == kEndOfBlock) return {};
      const size_t length_code = static_cast<size_t>(symbol - kEndOfBlock - 1);
      if (length_code >= kLengthBase.size()) return wrong_stream("unknown length");
      const size_t length = kLengthBase[length_code] + reader_.take(kLengthExtra[length_code]);
      const int distance_code = distances_.decode(&reader_);
      if (distance_code < 0 || distance_code >= kDistanceCodes) {
        return wrong_stream("unknown distance");
      }
      const size_t d = static_cast<size_t>(distance_code);
      const size_t distance = kDistanceBase[d] + reader_.take(kDistanceExtra[d]);
      if (distance > written_) return wrong_stream("a distance reaches before the start");
      if (length > output_.size() - written_) return too_long();
      copy_back(distance, length);
      if (reader_.overran()) return wrong_stream("they end early");
    }
  }

  void copy_back(size_t distance, size_t length) {
    uint8_t* to = output_.data() + written_;
    const uint8_t* from = to - distance;
    if (distance >= length) {
      std::memcpy(to, from, length);
    } else {
      for (size_t i = 0; i < length; ++i) to[i] = from[i];
    }
    written_ += length;
  }

  Status too_long() const {
    return wrong_stream(reader_.overran() ? "they end early" : "they hold more than was declared");
  }

  BitReader reader_;
  std::span<uint8_t> output_;
  size_t written_ = 0;
  HuffmanCode literals_;
  HuffmanCode distances_;
};

uint32_t adler32(std::span<const uint8_t> bytes) {
  constexpr uint32_t kModulus = 65521;
  constexpr size_t kBlock = 5552;  // As many sums as fit 32 bits.
  uint32_t low = 1;
  uint32_t high = 0;
  while (!bytes.empty()) {
    const std::span<const uint8_t> block = bytes.first(std::min(bytes.size(), kBlock));
    for (uint8_t byte : block) {
      low += byte;
      high += low;
    }
    low %= kModulus;
    high %= kModulus;
    bytes = bytes.subspan(block.size());
  }
  return high << 16 | low;
}

}  // namespace

Result<InflateResult> inflate_raw(std::span<const uint8_t> deflated, std::span<uint8_t> output) {
  return Inflater(deflated, output).run();
}

Result<InflateResult> inflate_zlib(std::span<const uint8_t> deflated, std::span<uint8_t> output) {
  if (deflated.size() < 2) return wrong_stream("they end early");
  if ((deflated[0] & 0xF) != 8 || (deflated[0] << 8 | deflated[1]) % 31 != 0) {
    return wrong_stream("they do not begin like a zlib stream");
  }
  if ((deflated[1] & 0x20) != 0) return wrong_stream("they need a preset dictionary");
  ZEOLITE_ASSIGN(InflateResult result, inflate_raw(deflated.subspan(2), output));
  const std::span<const uint8_t> rest = deflated.subspan(2 + static_cast<size_t>(result.read));
  if (rest.size() < 4) return wrong_stream("they end early");
  const uint32_t stored =
      static_cast<uint32_t>(rest[0]) << 24 | rest[1] << 16 | rest[2] << 8 | rest[3];
  if (stored != adler32(output.first(static_cast<size_t>(result.written)))) {
    return wrong_stream("the checksum is wrong");
  }
  result.read += 6;
  return result;
}

}  // namespace zeolite
