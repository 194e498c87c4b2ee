#include "core/inspect/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/half.h"

namespace zeolite {
namespace {

// Reads element after element as the number that is stored.
class Elements {
 public:
  Elements(TensorType type, std::span<const uint8_t> data) : type_(type), data_(data) {
    const int bits = bits_per_element(type);
    count_ = bits == 0 ? 0 : static_cast<int64_t>(data.size() * 8 / static_cast<size_t>(bits));
  }

  int64_t count() const { return count_; }

  double at(int64_t index) const {
    switch (type_) {
      case TensorType::kFloat32: return load<float>(index);
      case TensorType::kFloat64: return load<double>(index);
      case TensorType::kFloat16: return half_to_float(load<uint16_t>(index));
      case TensorType::kBfloat16: return bfloat16_to_float(load<uint16_t>(index));
      case TensorType::kInt8: return load<int8_t>(index);
      case TensorType::kUint8: return load<uint8_t>(index);
      case TensorType::kBool: return load<uint8_t>(index) != 0 ? 1 : 0;
      case TensorType::kInt16: return load<int16_t>(index);
      case TensorType::kUint16: return load<uint16_t>(index);
      case TensorType::kInt32: return load<int32_t>(index);
      case TensorType::kUint32: return load<uint32_t>(index);
      case TensorType::kInt64: return static_cast<double>(load<int64_t>(index));
      case TensorType::kUint64: return static_cast<double>(load<uint64_t>(index));
      case TensorType::kUint4: return nibble(index);
      case TensorType::kInt4: return (nibble(index) ^ 8) - 8;
      case TensorType::kInt2: return (((data_[index / 4] >> (index % 4 * 2)) & 3) ^ 2) - 2;
      default: return 0;
    }
  }

  static bool are_numbers(TensorType type) {
    return is_integer(type) || type == TensorType::kBool || type == TensorType::kFloat16 ||
           type == TensorType::kBfloat16 || type == TensorType::kFloat32 ||
           type == TensorType::kFloat64;
  }

 private:
  template <class T>
  T load(int64_t index) const {
    T value;
    std::memcpy(&value, data_.data() + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return value;
  }
  int nibble(int64_t index) const { return (data_[index / 2] >> (index % 2 * 4)) & 15; }

  TensorType type_;
  std::span<const uint8_t> data_;
  int64_t count_ = 0;
};

// The real value of a stored number, by the scale of the element's index along the quantized
// dimension.
class Dequantizer {
 public:
  Dequantizer(const Quantization* quantization, std::span<const int32_t> shape) {
    if (quantization == nullptr || quantization->scale.empty() ||
        quantization->scale.size() != quantization->zero_point.size()) {
      return;
    }
    quantization_ = quantization;
    const auto dimension = static_cast<size_t>(quantization->quantized_dimension);
    if (quantization->scale.size() == 1 || dimension >= shape.size()) return;
    for (size_t i = dimension + 1; i < shape.size(); ++i) inner_ *= std::max(1, shape[i]);
    channels_ = static_cast<int64_t>(quantization->scale.size());
  }

  double real(double stored, int64_t index) const {
    if (quantization_ == nullptr) return stored;
    const auto channel = static_cast<size_t>(index / inner_ % channels_);
    return static_cast<double>(quantization_->scale[channel]) *
           (stored - static_cast<double>(quantization_->zero_point[channel]));
  }

 private:
  const Quantization* quantization_ = nullptr;
  int64_t inner_ = 1;
  int64_t channels_ = 1;
};

}  // namespace

int64_t count_zeros(TensorType type, std::span<const uint8_t> data, std::span<const int32_t> shape,
                    const Quantization* quantization) {
  if (!Elements::are_numbers(type)) return 0;
  const Elements elements(type, data);
  const Dequantizer dequantizer(quantization, shape);
  int64_t zeros = 0;
  for (int64_t i = 0; i < elements.count(); ++i) {
    zeros += dequantizer.real(elements.at(i), i) == 0;
  }
  return zeros;
}

Result<TensorStats> data_stats(TensorType type, std::span<const uint8_t> data,
                               std::span<const int32_t> shape, const Quantization* quantization,
                               int64_t extra_zeros) {
  if (!Elements::are_numbers(type)) {
    return unsupported("There are no statistics of " + std::string(tensor_type_name(type)) +
                       " values");
  }
  const Elements elements(type, data);
  const Dequantizer dequantizer(quantization, shape);
  TensorStats stats;
  stats.count = elements.count() + extra_zeros;
  stats.zeros = extra_zeros;
  int64_t finite = extra_zeros;
  double sum = 0;
  bool first = extra_zeros == 0;
  for (int64_t i = 0; i < elements.count(); ++i) {
    const double value = dequantizer.real(elements.at(i), i);
    if (!std::isfinite(value)) continue;
    ++finite;
    sum += value;
    stats.zeros += value == 0;
    stats.min = first ? value : std::min(stats.min, value);
    stats.max = first ? value : std::max(stats.max, value);
    first = false;
  }
  stats.histogram.assign(kHistogramBins, 0);
  if (finite == 0) return stats;
  stats.mean = sum / static_cast<double>(finite);
  const double step = (stats.max - stats.min) / kHistogramBins;
  const auto bin_of = [&](double value) {
    if (!(step > 0)) return 0;
    return std::clamp(static_cast<int>((value - stats.min) / step), 0, kHistogramBins - 1);
  };
  double squares = static_cast<double>(extra_zeros) * stats.mean * stats.mean;
  if (extra_zeros > 0) stats.histogram[static_cast<size_t>(bin_of(0))] += extra_zeros;
  for (int64_t i = 0; i < elements.count(); ++i) {
    const double value = dequantizer.real(elements.at(i), i);
    if (!std::isfinite(value)) continue;
    squares += (value - stats.mean) * (value - stats.mean);
    ++stats.histogram[static_cast<size_t>(bin_of(value))];
  }
  stats.std = std::sqrt(squares / static_cast<double>(finite));
  return stats;
}

Result<TensorStats> tensor_stats(const Model& model, size_t subgraph, size_t tensor,
                                 const ExternalPlaces& places) {
  if (subgraph >= model.subgraphs.size() ||
      tensor >= model.subgraphs[subgraph].tensors.size()) {
    return bad_input("There is no tensor " + std::to_string(tensor) + " in graph " +
                     std::to_string(subgraph));
  }
  const Tensor& source = model.subgraphs[subgraph].tensors[tensor];
  if (!source.is_constant()) {
    return bad_input("Tensor " + source.name + " has no values of its own: it is not constant");
  }
  const auto place = places.find(source.buffer);
  if (place != places.end() && place->second.is_missing) {
    return Status(ErrorCode::kEnvironment, "The values of tensor " + source.name +
                                               " lie in the file \"" + place->second.file +
                                               "\", which is missing");
  }
  const std::span<const uint8_t> data = model.data(source);
  int64_t extra_zeros = 0;
  const int bits = bits_per_element(source.type);
  if (source.sparsity && bits > 0) {
    ZEOLITE_ASSIGN(const int64_t count, element_count(source.shape));
    extra_zeros = std::max<int64_t>(0, count - static_cast<int64_t>(data.size() * 8 / bits));
  }
  return data_stats(source.type, data, source.shape, source.quantization.get(), extra_zeros);
}

json::Value stats_json(const TensorStats& stats) {
  json::Value result = json::Value::object();
  result.set("min", stats.min);
  result.set("max", stats.max);
  result.set("mean", stats.mean);
  result.set("std", stats.std);
  result.set("zeros", stats.zeros);
  json::Value histogram = json::Value::array();
  for (int64_t bin : stats.histogram) histogram.push(bin);
  result.set("histogram", std::move(histogram));
  return result;
}

}  // namespace zeolite
