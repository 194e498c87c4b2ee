// Activations for integer products: 16 bits each, minus their zero point, or unsigned bytes.
#pragma once

#include <cstdint>

namespace zeolite {

enum class ActivationType : uint8_t { kInt8, kUint8, kInt16, kFloat32 };

struct ActivationForm {
  ActivationType type = ActivationType::kInt8;
  int32_t zero_point = 0;
  // kFloat32: each batch is quantized by its own range to 8 bits, with a zero point or without.
  bool asymmetric = false;

  int element_bytes() const {
    return type == ActivationType::kFloat32 ? 4 : type == ActivationType::kInt16 ? 2 : 1;
  }
  // What unsigned numbers of 8 bits (flip_activations) are too large by.
  int32_t unsigned_offset() const {
    return zero_point + (type == ActivationType::kInt8 ? 128 : 0);
  }
};

// How one batch of floats is quantized: stored = round(x * inverse) + zero_point in
// [min, 127].
struct BatchScale {
  float scale = 1;
  float inverse = 0;  // 0: all are zero.
  int32_t zero_point = 0;
  int32_t min = -127;
};

// Symmetric: the scale takes the largest magnitude to 127. Asymmetric: lowest to -128 and highest
// to 127, with 0 among them exactly.
BatchScale batch_scale_of(const float* values, int64_t count, bool asymmetric);

// `count` elements of `source`, as `form` says, to target; `scale` is for kFloat32.
void widen_activations(const ActivationForm& form, const BatchScale& scale, const void* source,
                       int64_t count, int16_t* target);

// Floats as unsigned numbers that are scale.zero_point + 128 too large.
void quantize_activations(const BatchScale& scale, const float* source, int64_t count,
                          uint8_t* target);

// 8-bit integers as unsigned ones: int8 with 128 added.
void flip_activations(const ActivationForm& form, const uint8_t* source, int64_t count,
                      uint8_t* target);

}  // namespace zeolite
