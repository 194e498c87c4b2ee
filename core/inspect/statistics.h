// What a viewer tells about the values of a constant.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/formats/json.h"
#include "core/graph/external_files.h"
#include "core/graph/graph.h"

namespace zeolite {

inline constexpr int kHistogramBins = 64;

// Over all finite elements, as real values: quantized ones are scale * (stored - zero point).
struct TensorStats {
  int64_t count = 0;
  int64_t zeros = 0;  // Elements that are exactly zero.
  double min = 0;
  double max = 0;
  double mean = 0;
  double std = 0;  // Of the population.
  std::vector<int64_t> histogram;  // kHistogramBins equal steps from min to max.
};

// Statistics of dense little-endian `data` of `type`; `quantization` may be null. `extra_zeros`
// are elements that a sparse encoding leaves out. Errors: kUnsupported for types without numbers.
Result<TensorStats> data_stats(TensorType type, std::span<const uint8_t> data,
                               std::span<const int32_t> shape, const Quantization* quantization,
                               int64_t extra_zeros = 0);

// Statistics of a constant of `model`. Errors: kBadInput when the tensor is none, kEnvironment when
// `places` says that its values are missing.
Result<TensorStats> tensor_stats(const Model& model, size_t subgraph, size_t tensor,
                                 const ExternalPlaces& places = {});

// How many elements of dense `data` are exactly zero (of quantized ones: at the zero point).
int64_t count_zeros(TensorType type, std::span<const uint8_t> data, std::span<const int32_t> shape,
                    const Quantization* quantization);

json::Value stats_json(const TensorStats& stats);

}  // namespace zeolite
