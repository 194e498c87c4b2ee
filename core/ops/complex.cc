// REAL, IMAG, COMPLEX_ABS (1): the real part, the imaginary part, the absolute value.
//   input complex64 or complex128 of any shape    output float32 or float64 of the same shape
#include <cmath>
#include <complex>
#include <limits>

#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

Status infer(InferContext& context) {
  const bool is_double = context.input(0).type == TensorType::kComplex128;
  return context.set_output(0, is_double ? TensorType::kFloat64 : TensorType::kFloat32,
                            context.input(0).shape);
}

// Double precision has room for the squares of floats.
float absolute(std::complex<float> x) {
  const double sum = double{x.real()} * x.real() + double{x.imag()} * x.imag();
  const bool is_finite = sum < std::numeric_limits<double>::infinity();
  return is_finite ? static_cast<float>(std::sqrt(sum)) : std::abs(x);
}
double absolute(std::complex<double> x) { return std::abs(x); }

template <class T>
void compute(EvalContext& context) {
  const auto* from = context.in<std::complex<T>>(0);
  T* to = context.out<T>(0);
  const int64_t count = product(context.output(0).shape);
  for (int64_t i = 0; i < count; ++i) {
    switch (context.code()) {
      case BuiltinOperator::kReal: to[i] = from[i].real(); break;
      case BuiltinOperator::kImag: to[i] = from[i].imag(); break;
      default: to[i] = absolute(from[i]); break;
    }
  }
}

Status eval(EvalContext& context) {
  if (context.input(0).type == TensorType::kComplex128) {
    compute<double>(context);
  } else {
    compute<float>(context);
  }
  return {};
}

}  // namespace

const OpKernel kComplexOp = {infer, nullptr, eval};

}  // namespace zeolite
