// The discrete Fourier transform of a power of two of complex numbers, in float64, by Cooley and
// Tukey's algorithm.
#pragma once

#include <bit>
#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

namespace zeolite {

using Complex = std::complex<double>;

// The complex transform of a power of two.
class Fft {
 public:
  void resize(size_t size) {
    if (size == size_ && !order_.empty()) return;
    size_ = size;
    twiddles_.resize(size / 2);
    for (size_t i = 0; i < twiddles_.size(); ++i) {
      twiddles_[i] =
          std::polar(1.0, -2 * M_PI * static_cast<double>(i) / static_cast<double>(size));
    }
    order_.resize(size);
    const int bits = std::countr_zero(size);
    for (size_t i = 0; i < size; ++i) {
      size_t reversed = 0;
      for (int b = 0; b < bits; ++b) reversed |= ((i >> b) & 1) << (bits - 1 - b);
      order_[i] = static_cast<uint32_t>(reversed);
    }
  }

  // In place.
  void run(Complex* data) const {
    for (size_t i = 0; i < size_; ++i) {
      if (i < order_[i]) std::swap(data[i], data[order_[i]]);
    }
    for (size_t half = 1; half < size_; half *= 2) {
      const size_t step = size_ / (2 * half);
      for (size_t begin = 0; begin < size_; begin += 2 * half) {
        for (size_t k = 0; k < half; ++k) {
          const Complex a = data[begin + k];
          const Complex w = twiddles_[k * step];
          const Complex b = data[begin + k + half];
          // Spelled out: the operator looks for NaN.
          const Complex turned(b.real() * w.real() - b.imag() * w.imag(),
                               b.real() * w.imag() + b.imag() * w.real());
          data[begin + k] = a + turned;
          data[begin + k + half] = a - turned;
        }
      }
    }
  }

 private:
  size_t size_ = 0;
  std::vector<Complex> twiddles_;
  std::vector<uint32_t> order_;
};

}  // namespace zeolite
