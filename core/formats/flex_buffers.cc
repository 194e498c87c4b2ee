#include "core/formats/flex_buffers.h"

#include <bit>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/checked.h"

namespace zeolite {
namespace {

constexpr int kMaxDepth = 32;
// Vectors may share their elements, so that a few bytes can stand for any number of values. Of
// texts, so many characters count as a value.
constexpr int64_t kMaxValues = 1 << 16;
constexpr uint64_t kTextUnit = 64;

// What a value is; the numbers are the format's.
enum Type : uint8_t {
  kNull = 0,
  kInt = 1,
  kUint = 2,
  kFloat = 3,
  kKey = 4,
  kString = 5,
  kIndirectInt = 6,
  kIndirectFloat = 8,
  kMap = 9,
  kVector = 10,
  kVectorOfInt = 11,     // One size for all elements, as of uint, float, key and string.
  kVectorOfString = 15,
  kTwoInts = 16,         // No size: then of uint and float, and the same of three and of four.
  kFourFloats = 24,
  kBlob = 25,
  kBool = 26,
  kVectorOfBool = 36,
};

// Where a value stands: `width` bytes, which are the number itself or how far before them the value
// begins, whose own numbers have `inner` bytes.
struct Place {
  uint64_t at = 0;
  uint64_t width = 0;
  uint8_t type = kNull;
  uint64_t inner = 1;
};

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> data) : data_(data) {}

  // The buffer ends with the root, its type, and the root's width.
  Result<json::Value> read() {
    const uint64_t size = data_.size();
    const uint64_t width = size < 3 ? 0 : data_[size - 1];
    json::Value value;
    if (!is_width(width) || width + 2 > size) {
      is_broken_ = true;
    } else {
      value = read(packed({size - 2 - width, width}, data_[size - 2]), kMaxDepth);
    }
    if (is_broken_) return corrupt("the options are no sound FlexBuffer");
    if (left_ <= 0) return unsupported("the options hold too many values");
    if (is_deep_) return unsupported("the options are nested too deep");
    return value;
  }

 private:
  static bool is_width(uint64_t width) { return std::has_single_bit(width) && width <= 8; }

  // `place` with the type and the inner width that a byte holds.
  static Place packed(Place place, uint64_t byte) {
    place.type = static_cast<uint8_t>(byte >> 2);
    place.inner = uint64_t{1} << (byte & 3);
    return place;
  }

  // The number of `width` bytes at `at`; what lies outside is noted and read as 0. Differences
  // below 0 have wrapped around and lie outside, too.
  uint64_t load(uint64_t at, uint64_t width) {
    if (!range_within(at, width, data_.size())) {
      is_broken_ = true;
      return 0;
    }
    uint64_t number = 0;
    for (uint64_t i = 0; i < width; ++i) number |= uint64_t{data_[at + i]} << (8 * i);
    return number;
  }

  // What an offset leads to.
  uint64_t target(uint64_t at, uint64_t width) { return at - load(at, width); }

  // The number of elements, which stands before the first one; each takes a byte or more.
  uint64_t count_before(uint64_t at, uint64_t width) {
    const uint64_t count = load(at - width, width);
    if (count <= data_.size()) return count;
    is_broken_ = true;
    return 0;
  }

  json::Value number(uint64_t at, uint64_t width, int type) {
    const uint64_t bits = load(at, width);
    if (type == kInt) {
      const int unused = static_cast<int>(64 - 8 * width);
      return json::Value(static_cast<int64_t>(bits << unused) >> unused);
    }
    if (type == kUint) return json::Value(static_cast<int64_t>(bits));
    if (width == 8) return json::Value(std::bit_cast<double>(bits));
    if (width == 4) {
      return json::Value(double{std::bit_cast<float>(static_cast<uint32_t>(bits))});
    }
    is_broken_ = true;
    return {};
  }

  // The characters before the zero that ends them.
  std::string_view text(uint64_t at) {
    uint64_t end = at;
    while (load(end, 1) != 0) ++end;
    return text(at, end - at);
  }

  std::string_view text(uint64_t at, uint64_t size) {
    if (!range_within(at, size, data_.size())) {
      is_broken_ = true;
      return {};
    }
    left_ -= static_cast<int64_t>(size / kTextUnit);
    return {reinterpret_cast<const char*>(data_.data()) + at, static_cast<size_t>(size)};
  }

  json::Value read(const Place& place, int depth) {
    if (is_broken_ || --left_ <= 0) return {};
    const auto [from, width, type, inner] = place;
    if (type == kNull) return {};
    if (type == kBool) return json::Value(load(from, width) != 0);
    if (type <= kFloat) return number(from, width, type);
    const uint64_t at = target(from, width);
    if (type >= kIndirectInt && type <= kIndirectFloat) {
      return number(at, inner, type - kIndirectInt + kInt);
    }
    if (type == kKey) return json::Value(text(at));
    if (type == kString) return json::Value(text(at, count_before(at, inner)));
    if (depth == 0) {
      is_deep_ = true;
      return {};
    }
    if (type == kMap) return read_map(at, inner, depth - 1);
    // The elements of a vector of one type have no inner width: strings in it count in one byte.
    Place element = {at, inner, kUint, 1};
    if (type == kVector) {
      element.type = kVector;
      return read_elements(element, count_before(at, inner), depth - 1);
    }
    if (type == kBlob) {
      element.width = 1;
      return read_elements(element, count_before(at, inner), depth - 1);
    }
    if (type >= kTwoInts && type <= kFourFloats) {
      element.type = static_cast<uint8_t>((type - kTwoInts) % 3 + kInt);
      return read_elements(element, static_cast<uint64_t>((type - kTwoInts) / 3 + 2), depth - 1);
    }
    if (type == kVectorOfBool || (type >= kVectorOfInt && type <= kVectorOfString)) {
      element.type = type == kVectorOfBool ? uint8_t{kBool}
                                           : static_cast<uint8_t>(type - kVectorOfInt + kInt);
      return read_elements(element, count_before(at, inner), depth - 1);
    }
    is_broken_ = true;
    return {};
  }

  // `count` values from `first` on, all of its type; those of kVector have a type each, behind all.
  json::Value read_elements(const Place& first, uint64_t count, int depth) {
    json::Value array = json::Value::array();
    for (uint64_t i = 0; i < count && !is_broken_ && left_ > 0; ++i) {
      Place element = first;
      element.at += i * first.width;
      if (first.type == kVector) {
        element = packed(element, load(first.at + count * first.width + i, 1));
      }
      array.push(read(element, depth));
    }
    return array;
  }

  // Values as in a vector; before them the width of the keys, and how far before that the keys are.
  json::Value read_map(uint64_t at, uint64_t width, int depth) {
    const uint64_t count = count_before(at, width);
    const uint64_t keys_width = load(at - 2 * width, width);
    const uint64_t keys = target(at - 3 * width, width);
    if (!is_width(keys_width)) is_broken_ = true;
    std::vector<json::Member> members;
    for (uint64_t i = 0; i < count && !is_broken_ && left_ > 0; ++i) {
      const std::string_view key = text(target(keys + i * keys_width, keys_width));
      const Place value = {at + i * width, width};
      members.push_back({std::string(key),
                         read(packed(value, load(at + count * width + i, 1)), depth)});
    }
    return json::Value(std::move(members));
  }

  std::span<const uint8_t> data_;
  int64_t left_ = kMaxValues;
  bool is_broken_ = false;
  bool is_deep_ = false;
};

}  // namespace

Result<json::Value> read_flex_buffer(std::span<const uint8_t> data) { return Reader(data).read(); }

}  // namespace zeolite
