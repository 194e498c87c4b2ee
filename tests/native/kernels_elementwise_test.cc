#include <functional>

#include "core/kernels/f32_binary.h"
#include "core/kernels/f32_softmax.h"
#include "core/kernels/f32_unary.h"
#include "tests/native/support/kernel_testing.h"

namespace zeolite {
namespace {

using testing::Random;
using testing::expect_near;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> map(F32Unary function, const std::vector<float>& x,
                       const F32UnaryParameters& parameters = {}) {
  std::vector<float> y(x.size());
  f32_unary(function, parameters, x.data(), y.data(), x.size(), nullptr);
  return y;
}

struct UnaryCase {
  const char* name;
  F32Unary function;
  std::function<double(double)> wanted;
  float low;
  float high;
  double relative;  // Bound of |error| / max(|wanted|, floor).
  double floor;
};

const UnaryCase kUnaryCases[] = {
    {"exp", F32Unary::kExp, [](double x) { return std::exp(x); }, -87.0f, 88.7f, 3e-7, 0},
    {"log", F32Unary::kLog, [](double x) { return std::log(x); }, 1e-3f, 1e3f, 3e-7, 0},
    {"log of large", F32Unary::kLog, [](double x) { return std::log(x); }, 1.0f, 3e38f, 3e-7, 0},
    {"log near 1", F32Unary::kLog, [](double x) { return std::log(x); }, 0.9f, 1.1f, 4e-7, 0},
    {"tanh", F32Unary::kTanh, [](double x) { return std::tanh(x); }, -10.0f, 10.0f, 3e-7, 0},
    {"tanh near 0", F32Unary::kTanh, [](double x) { return std::tanh(x); }, -1e-3f, 1e-3f, 3e-7, 0},
    {"logistic", F32Unary::kLogistic, [](double x) { return 1 / (1 + std::exp(-x)); }, -80.0f,
     80.0f, 3e-7, 0},
    {"elu", F32Unary::kElu, [](double x) { return x >= 0 ? x : std::expm1(x); }, -20.0f, 5.0f, 3e-7,
     0},
    {"elu near 0", F32Unary::kElu, [](double x) { return x >= 0 ? x : std::expm1(x); }, -1e-2f,
     1e-2f, 3e-7, 0},
    {"gelu", F32Unary::kGelu, [](double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); },
     -8.0f, 8.0f, 1e-6, 1},
    {"gelu tanh", F32Unary::kGeluTanh,
     [](double x) {
       return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
     },
     -8.0f, 8.0f, 1e-6, 1},
    {"hard swish", F32Unary::kHardSwish,
     [](double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 6; }, -5.0f, 5.0f, 3e-7, 1},
    {"sqrt", F32Unary::kSqrt, [](double x) { return std::sqrt(x); }, 0.0f, 1e6f, 1e-7, 0},
    {"rsqrt", F32Unary::kRsqrt, [](double x) { return 1 / std::sqrt(x); }, 1e-6f, 1e6f, 2e-7, 0},
    {"square", F32Unary::kSquare, [](double x) { return x * x; }, -9.0f, 9.0f, 1e-7, 0},
    {"abs", F32Unary::kAbs, [](double x) { return std::abs(x); }, -9.0f, 9.0f, 0, 0},
    {"neg", F32Unary::kNeg, [](double x) { return -x; }, -9.0f, 9.0f, 0, 0},
    {"floor", F32Unary::kFloor, [](double x) { return std::floor(x); }, -9.0f, 9.0f, 0, 0},
    {"ceil", F32Unary::kCeil, [](double x) { return std::ceil(x); }, -9.0f, 9.0f, 0, 0},
    {"round", F32Unary::kRound, [](double x) { return std::nearbyint(x); }, -9.0f, 9.0f, 0, 0},
};

TEST(F32Unary, FunctionsAreAsExactAsTheirCommentSays) {
  Random random(1);
  for (const UnaryCase& one : kUnaryCases) {
    const auto x = random.reals(100003, one.low, one.high);
    const auto y = map(one.function, x);
    double worst = 0;
    float at = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double wanted = one.wanted(x[i]);
      const double error = std::abs(y[i] - wanted);
      const double relative = error == 0 ? 0 : error / std::max(std::abs(wanted), one.floor);
      if (!(relative <= worst)) {
        worst = relative;
        at = x[i];
      }
    }
    EXPECT_LE(worst, one.relative) << one.name << "(" << at << ")";
  }
}

TEST(F32Unary, TheEndsOfTheRangeAreThoseOfCmath) {
  const std::vector<float> ends = {-kInfinity, -200.0f, 0.0f, 200.0f, kInfinity, std::nanf("")};
  const float nan = std::nanf("");
  const auto same = [&](F32Unary function, const std::vector<float>& wanted) {
    const auto got = map(function, ends);
    for (size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_TRUE(got[i] == wanted[i] || (std::isnan(got[i]) && std::isnan(wanted[i])))
          << "function " << int(function) << " of " << ends[i] << " is " << got[i];
    }
  };
  same(F32Unary::kExp, {0.0f, 0.0f, 1.0f, kInfinity, kInfinity, nan});
  same(F32Unary::kTanh, {-1.0f, -1.0f, 0.0f, 1.0f, 1.0f, nan});
  same(F32Unary::kLogistic, {0.0f, 0.0f, 0.5f, 1.0f, 1.0f, nan});
  same(F32Unary::kElu, {-1.0f, -1.0f, 0.0f, 200.0f, kInfinity, nan});
  same(F32Unary::kGelu, {nan, 0.0f, 0.0f, 200.0f, kInfinity, nan});
  same(F32Unary::kGeluTanh, {nan, 0.0f, 0.0f, 200.0f, kInfinity, nan});
  same(F32Unary::kLog, {nan, nan, -kInfinity, std::log(200.0f), kInfinity, nan});
  EXPECT_NEAR(map(F32Unary::kLog, {1e-40f})[0], std::log(1e-40), 2e-5);
  EXPECT_EQ(map(F32Unary::kRound, {0.5f, 1.5f, -2.5f}), (std::vector<float>{0.0f, 2.0f, -2.0f}));
}

TEST(F32Unary, ClampAndLeakyReluTakeTheirParameters) {
  F32UnaryParameters parameters;
  parameters.clamp = kRelu6Clamp;
  EXPECT_EQ(map(F32Unary::kClamp, {-1.0f, 3.0f, 7.0f, 6.0f, 0.0f}, parameters),
            (std::vector<float>{0.0f, 3.0f, 6.0f, 6.0f, 0.0f}));
  parameters.alpha = 0.25f;
  EXPECT_EQ(map(F32Unary::kLeakyRelu, {-4.0f, 3.0f, 0.0f}, parameters),
            (std::vector<float>{-1.0f, 3.0f, 0.0f}));
}

TEST(F32Unary, LengthAndThreadsDontChangeAByte) {
  Random random(2);
  const auto x = random.reals(200001, -5.0f, 5.0f);
  ThreadPool pool(3);
  for (F32Unary function : {F32Unary::kTanh, F32Unary::kAbs}) {
    const auto wanted = map(function, x);
    auto in_place = x;
    f32_unary(function, {}, in_place.data(), in_place.data(), x.size(), &pool);
    EXPECT_EQ(in_place, wanted);
    for (size_t count = 0; count < 10; ++count) {
      const std::vector<float> few(x.begin(), x.begin() + count);
      EXPECT_EQ(map(function, few), std::vector<float>(wanted.begin(), wanted.begin() + count));
    }
  }
}

TEST(F32Prelu, EachChannelHasItsSlope) {
  const std::vector<float> x = {-1, 2, -3, -4, -5, -1, -2, 3, -4, 5};
  const std::vector<float> alpha = {1, 2, 3, 4, 5};
  std::vector<float> y(10);
  f32_prelu(2, 5, x.data(), alpha.data(), y.data(), nullptr);
  EXPECT_EQ(y, (std::vector<float>{-1, 2, -9, -16, -25, -1, -4, 3, -16, 5}));
}

TEST(Broadcast, EqualShapesAreOneRun) {
  BroadcastPlan plan;
  const std::vector<int32_t> shape = {2, 1, 3, 4};
  ASSERT_TRUE(make_broadcast_plan(shape, shape, &plan));
  EXPECT_EQ(plan.rank, 1);
  EXPECT_EQ(plan.dimensions[0], 24);
  EXPECT_EQ(plan.count, 24);
}

TEST(Broadcast, ShapesThatDontFitAreRefused) {
  BroadcastPlan plan;
  EXPECT_FALSE(make_broadcast_plan(std::vector<int32_t>{2}, std::vector<int32_t>{3}, &plan));
  const std::vector<int32_t> long_shape(kMaxBroadcastRank + 1, 1);
  EXPECT_FALSE(make_broadcast_plan(long_shape, std::vector<int32_t>{3}, &plan));
  EXPECT_FALSE(make_broadcast_plan(std::vector<int32_t>{-1}, std::vector<int32_t>{-1}, &plan));
}

int64_t broadcast_index(const std::vector<int32_t>& out, const std::vector<int32_t>& shape,
                        int64_t index) {
  int64_t offset = 0;
  int64_t stride = 1;
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t at = index % out[out.size() - 1 - i];
    index /= out[out.size() - 1 - i];
    if (i >= shape.size()) continue;
    const int32_t size = shape[shape.size() - 1 - i];
    if (size != 1) offset += at * stride;
    stride *= size;
  }
  return offset;
}

TEST(F32Binary, AnyBroadcastMatchesElementByElement) {
  Random random(3);
  ThreadPool pool(3);
  for (int round = 0; round < 300 && !::testing::Test::HasFailure(); ++round) {
    const int rank = random.integer(0, 5);
    std::vector<int32_t> out;
    std::vector<int32_t> a;
    std::vector<int32_t> b;
    for (int i = 0; i < rank; ++i) {
      const int size = random.integer(0, 20) == 0 ? 0 : random.size(4);
      const int kind = random.integer(0, 3);
      a.push_back(kind == 1 ? 1 : size);
      b.push_back(kind == 2 ? 1 : size);
      out.push_back(kind == 1 ? b.back() : a.back());
    }
    // Missing dimensions count as 1.
    while (!b.empty() && b.front() == 1 && random.integer(0, 1)) b.erase(b.begin());
    const auto product = [](const std::vector<int32_t>& shape) {
      int64_t count = 1;
      for (int32_t size : shape) count *= size;
      return count;
    };
    const auto x = random.reals(product(a), 0.5f, 2.0f);
    const auto y = random.reals(product(b), 0.5f, 2.0f);
    BroadcastPlan plan;
    ASSERT_TRUE(make_broadcast_plan(a, b, &plan));
    ASSERT_EQ(plan.count, product(out));
    const std::pair<F32Binary, float (*)(float, float)> functions[] = {
        {F32Binary::kAdd, [](float p, float q) { return p + q; }},
        {F32Binary::kSub, [](float p, float q) { return p - q; }},
        {F32Binary::kMul, [](float p, float q) { return p * q; }},
        {F32Binary::kDiv, [](float p, float q) { return p / q; }},
        {F32Binary::kMaximum, [](float p, float q) { return std::max(p, q); }},
        {F32Binary::kMinimum, [](float p, float q) { return std::min(p, q); }},
        {F32Binary::kSquaredDifference, [](float p, float q) { return (p - q) * (p - q); }},
    };
    const auto& [function, reference] = functions[round % 7];
    std::vector<float> wanted;
    for (int64_t i = 0; i < plan.count; ++i) {
      wanted.push_back(std::min(
          reference(x[broadcast_index(out, a, i)], y[broadcast_index(out, b, i)]), 1.0f));
    }
    std::vector<float> got(wanted.size());
    f32_binary(function, plan, x.data(), y.data(), got.data(), F32Clamp{-kInfinity, 1.0f}, &pool);
    EXPECT_EQ(got, wanted) << "round " << round;
  }
}

TEST(F32Binary, LargeTensorsAreSplitWithoutChangingAByte) {
  Random random(4);
  ThreadPool pool(3);
  const auto x = random.reals(300 * 1000);
  const auto row = random.reals(1000);
  for (const std::vector<int32_t>& b : {std::vector<int32_t>{300, 1000}, {1000}, {1}}) {
    BroadcastPlan plan;
    ASSERT_TRUE(make_broadcast_plan(std::vector<int32_t>{300, 1000}, b, &plan));
    const float* other = b.size() == 2 ? x.data() : row.data();
    std::vector<float> one(x.size());
    std::vector<float> three(x.size());
    f32_binary(F32Binary::kMul, plan, x.data(), other, one.data(), kNoClamp, nullptr);
    f32_binary(F32Binary::kMul, plan, x.data(), other, three.data(), kNoClamp, &pool);
    EXPECT_EQ(one, three);
  }
}

TEST(F32Binary, MaximumAndMinimumGiveTheSecondWhereEitherIsNan) {
  BroadcastPlan plan;
  ASSERT_TRUE(make_broadcast_plan(std::vector<int32_t>{2}, std::vector<int32_t>{2}, &plan));
  const float a[] = {std::nanf(""), 1.0f};
  const float b[] = {1.0f, std::nanf("")};
  for (F32Binary function : {F32Binary::kMaximum, F32Binary::kMinimum}) {
    float y[2] = {};
    f32_binary(function, plan, a, b, y, kNoClamp, nullptr);
    EXPECT_EQ(y[0], 1.0f);
    EXPECT_TRUE(std::isnan(y[1]));
  }
}

TEST(F32Softmax, RowsSumToOneAndMatchTheFormula) {
  Random random(5);
  ThreadPool pool(3);
  for (int depth : {1, 2, 3, 4, 5, 7, 8, 9, 1000, 5000}) {
    const int rows = 7;
    const auto x = random.reals(rows * depth, -20.0f, 20.0f);
    const float beta = 0.5f;
    std::vector<float> soft(x.size());
    std::vector<float> log(x.size());
    f32_softmax(rows, depth, beta, x.data(), soft.data(), &pool);
    f32_log_softmax(rows, depth, x.data(), log.data(), &pool);
    for (int row = 0; row < rows; ++row) {
      const float* in = x.data() + row * depth;
      const double most = *std::max_element(in, in + depth);
      double soft_sum = 0;
      double log_sum = 0;
      for (int i = 0; i < depth; ++i) {
        soft_sum += std::exp(beta * (in[i] - most));
        log_sum += std::exp(in[i] - most);
      }
      for (int i = 0; i < depth; ++i) {
        const double wanted = std::exp(beta * (in[i] - most)) / soft_sum;
        const double bound = 5e-7 + 1e-7 * beta * (most - in[i]);
        ASSERT_NEAR(soft[row * depth + i], wanted, bound * wanted) << depth;
        const double wanted_log = in[i] - most - std::log(log_sum);
        ASSERT_NEAR(log[row * depth + i], wanted_log, 2e-6 * (1 + std::abs(wanted_log))) << depth;
      }
    }
    auto in_place = x;
    f32_softmax(rows, depth, beta, in_place.data(), in_place.data(), nullptr);
    EXPECT_EQ(in_place, soft);
  }
}

TEST(F32Softmax, MaskedElementsGetNothing) {
  const std::vector<float> x = {1.0f, -1e9f, -kInfinity, 1.0f, 1.0f};
  std::vector<float> y(5);
  f32_softmax(1, 5, 1.0f, x.data(), y.data(), nullptr);
  EXPECT_FLOAT_EQ(y[0], 1.0f / 3.0f);
  EXPECT_EQ(y[1], 0.0f);
  EXPECT_EQ(y[2], 0.0f);
}

}  // namespace
}  // namespace zeolite
