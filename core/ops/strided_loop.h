// Loops over several tensors at once, each with its own distances between neighbours: the way that
// everything that slices, repeats, reverses or reorders elements runs.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace zeolite {

// Twice the largest rank: TILE and blocks split each dimension in two.
inline constexpr int kMaxLoopRank = 32;

// A loop nest over `sizes` in order, with the offset in each of kCount tensors.
template <int kCount>
class StridedLoop {
 public:
  // Adds a dimension inside of those before, `strides` in elements of each tensor.
  void add(int64_t size, const std::array<int64_t, kCount>& strides) {
    count_ *= size;
    if (size == 1 || count_ == 0) return;
    // A dimension that continues the one before is part of it.
    if (rank_ > 0) {
      bool continues = true;
      for (int t = 0; t < kCount; ++t) {
        continues = continues && strides_[rank_ - 1][t] == strides[t] * size;
      }
      if (continues) {
        sizes_[rank_ - 1] *= size;
        strides_[rank_ - 1] = strides;
        return;
      }
    }
    sizes_[rank_] = size;
    strides_[rank_] = strides;
    ++rank_;
  }

  int64_t count() const { return count_; }
  // Makes it a loop that does nothing: for tensors without elements, whose strides mean nothing.
  void clear() { count_ = 0; }

  // Calls body(offsets, run, strides) for each run of the innermost dimension, in order.
  template <class Body>
  void for_each_run(const std::array<int64_t, kCount>& start, const Body& body) const {
    if (count_ == 0) return;
    std::array<int64_t, kCount> offsets = start;
    if (rank_ == 0) {
      body(offsets, int64_t{1}, std::array<int64_t, kCount>{});
      return;
    }
    const int last = rank_ - 1;
    const int64_t runs = count_ / sizes_[last];
    std::array<int64_t, kMaxLoopRank> index = {};
    for (int64_t run = 0; run < runs; ++run) {
      body(offsets, sizes_[last], strides_[last]);
      for (int axis = last - 1; axis >= 0; --axis) {
        for (int t = 0; t < kCount; ++t) offsets[t] += strides_[axis][t];
        if (++index[axis] < sizes_[axis]) break;
        for (int t = 0; t < kCount; ++t) offsets[t] -= strides_[axis][t] * sizes_[axis];
        index[axis] = 0;
      }
    }
  }

 private:
  int rank_ = 0;
  int64_t count_ = 1;
  std::array<int64_t, kMaxLoopRank> sizes_ = {};
  std::array<std::array<int64_t, kCount>, kMaxLoopRank> strides_ = {};
};

// Copies from[...] to to[...] over a loop of two tensors: target first, source second.
template <class T>
void copy_strided(const StridedLoop<2>& loop, T* to, int64_t to_start, const T* from,
                  int64_t from_start) {
  loop.for_each_run({to_start, from_start}, [&](const auto& at, int64_t run, const auto& stride) {
    T* target = to + at[0];
    const T* source = from + at[1];
    // Below some 32 bytes a call takes longer than the loop.
    if (stride[0] == 1 && stride[1] == 1 && run * int64_t{sizeof(T)} >= 32) {
      std::memcpy(target, source, static_cast<size_t>(run) * sizeof(T));
    } else if (stride[0] == 1 && stride[1] == 1) {
      for (int64_t i = 0; i < run; ++i) target[i] = source[i];
    } else if (stride[0] == 1 && stride[1] == 0) {
      const T value = *source;
      for (int64_t i = 0; i < run; ++i) target[i] = value;
    } else {
      for (int64_t i = 0; i < run; ++i) target[i * stride[0]] = source[i * stride[1]];
    }
  });
}

// Distances between neighbours of each dimension in a dense tensor; in one without elements they
// may have wrapped around.
inline std::array<int64_t, kMaxLoopRank> dense_strides(std::span<const int32_t> shape) {
  std::array<int64_t, kMaxLoopRank> strides = {};
  uint64_t next = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = static_cast<int64_t>(next);
    next *= static_cast<uint64_t>(shape[i]);
  }
  return strides;
}

// The same for a tensor that broadcasts to a result of `rank` dimensions: 0 where it is repeated.
inline std::array<int64_t, kMaxLoopRank> broadcast_strides(std::span<const int32_t> shape,
                                                           size_t rank) {
  const std::array<int64_t, kMaxLoopRank> dense = dense_strides(shape);
  std::array<int64_t, kMaxLoopRank> strides = {};
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != 1) strides[i + rank - shape.size()] = dense[i];
  }
  return strides;
}

}  // namespace zeolite
