// Random numbers by Philox (kernels/philox.h), the same as the real runtime's for the same seeds:
//   RANDOM_UNIFORM (1)          shape int32 [rank] -> float32 in [0, 1)
//   RANDOM_STANDARD_NORMAL (1)  shape int32 [rank] -> float32, by Box and Muller
//   MULTINOMIAL (1)             logits float32 [batch, classes], samples int32 -> classes
//                               [batch, samples] int32 or int64
// Options: seed, seed2. Each run goes on where the last one ended; MULTINOMIAL behind a share that
// is set apart for it, which is larger than what it uses. With both seeds 0 the numbers differ from
// model to model.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "core/kernels/philox.h"
#include "core/ops/check.h"
#include "core/ops/dispatch.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

struct State : OpState {
  std::unique_ptr<PhiloxStream> stream;
};

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  if (state.stream != nullptr) return {};
  auto seed = static_cast<uint64_t>(context.options<RandomOptions>().seed);
  auto seed2 = static_cast<uint64_t>(context.options<RandomOptions>().seed2);
  if (seed == 0 && seed2 == 0) {
    std::random_device device;
    seed = (static_cast<uint64_t>(device()) << 32) | device();
    seed2 = (static_cast<uint64_t>(device()) << 32) | device();
  }
  state.stream = std::make_unique<PhiloxStream>(seed, seed2);
  return {};
}

Status infer_shaped(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 1));
  if (!context.input(0).has_data) return context.set_output_unknown(0, TensorType::kFloat32);
  ZEOLITE_ASSIGN(Shape shape, shape_of_integers(context, 0));
  return context.set_output(0, TensorType::kFloat32, std::move(shape));
}

void fill_uniform(const Philox4x32& bits, float* numbers) {
  for (int i = 0; i < 4; ++i) numbers[i] = unit_float(bits[i]);
}

void fill_normal(const Philox4x32& bits, float* numbers) {
  constexpr double kTwoPi = 6.283185307179586;
  for (int i = 0; i < 4; i += 2) {
    const float u = std::max(unit_float(bits[i]), 1.0e-7f);
    const auto angle = static_cast<float>(kTwoPi * unit_float(bits[i + 1]));
    const float radius = std::sqrt(-2.0f * std::log(u));
    numbers[i] = std::sin(angle) * radius;
    numbers[i + 1] = std::cos(angle) * radius;
  }
}

Status eval_shaped(EvalContext& context) {
  PhiloxStream& stream = *context.state<State>().stream;
  const auto fill =
      context.code() == BuiltinOperator::kRandomUniform ? fill_uniform : fill_normal;
  float* to = context.out<float>(0);
  const int64_t count = product(context.output(0).shape);
  for (int64_t i = 0; i < count; i += 4) {
    float numbers[4];
    fill(stream.next(), numbers);
    std::copy_n(numbers, std::min<int64_t>(4, count - i), to + i);
  }
  return {};
}

Status infer_multinomial(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 2));
  ZEOLITE_TRY(require_one(context, 1, "number of samples"));
  const TensorType type = context.output(0).type;
  if (!context.input(1).has_data) return context.set_output_unknown(0, type);
  ZEOLITE_ASSIGN(const int64_t samples, integer_of(context, 1));
  if (samples < 0) return bad_input("there can't be " + std::to_string(samples) + " samples");
  if (context.input(0).shape[1] == 0) return bad_input("there are no classes to draw from");
  return context.set_output(0, type,
                            {context.input(0).shape[0], static_cast<int32_t>(samples)});
}

// Two numbers of 52 bits from each call of the generator.
class UnitDoubles {
 public:
  explicit UnitDoubles(const PhiloxStream& stream) : stream_(stream) {}

  double next() {
    if (used_ == 2) {
      bits_ = stream_.next();
      used_ = 0;
    }
    const double number = unit_double(bits_[2 * used_], bits_[2 * used_ + 1]);
    ++used_;
    return number;
  }

 private:
  PhiloxStream stream_;
  Philox4x32 bits_ = {};
  int used_ = 2;
};

template <class T>
void draw(const float* logits, int64_t classes, int64_t samples, UnitDoubles& numbers, T* to) {
  float highest = std::numeric_limits<float>::lowest();
  for (int64_t i = 0; i < classes; ++i) {
    if (std::isfinite(logits[i])) highest = std::max(highest, logits[i]);
  }
  std::vector<double> cumulative(static_cast<size_t>(classes));
  double total = 0;
  for (int64_t i = 0; i < classes; ++i) {
    if (std::isfinite(logits[i])) {
      total += std::exp(static_cast<double>(logits[i]) - static_cast<double>(highest));
    }
    cumulative[i] = total;
  }
  for (int64_t i = 0; i < samples; ++i) {
    const auto found =
        std::upper_bound(cumulative.begin(), cumulative.end(), numbers.next() * total);
    to[i] = static_cast<T>(found - cumulative.begin());
  }
}

Status eval_multinomial(EvalContext& context) {
  const Shape& shape = context.output(0).shape;
  const int64_t classes = context.input(0).shape[1];
  PhiloxStream& stream = *context.state<State>().stream;
  UnitDoubles numbers(stream);
  // As TensorFlow reserves them: 256 calls for each sample, counted in fours, twice for doubles.
  stream.skip(static_cast<uint64_t>(shape[0]) * static_cast<uint64_t>((shape[1] + 3) / 4 * 4) *
              512);
  return dispatch<kI32 | kI64>(context.output(0).type, [&]<class T>() -> Status {
    for (int64_t b = 0; b < shape[0]; ++b) {
      draw(context.in<float>(0) + b * classes, classes, shape[1], numbers,
           context.out<T>(0) + b * shape[1]);
    }
    return {};
  });
}

}  // namespace

const OpKernel kRandomOp = {infer_shaped, prepare, eval_shaped};
const OpKernel kMultinomialOp = {infer_multinomial, prepare, eval_multinomial};

}  // namespace zeolite
