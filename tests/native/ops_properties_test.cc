// The shared machinery (broadcasting, reducing, strided loops) against loops over all indices, for
// random shapes with sizes of 0 and 1 among them.
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>

#include "tests/native/support/kernel_testing.h"
#include "tests/native/support/model_builder.h"

namespace zeolite::testing {
namespace {

using Code = BuiltinOperator;
using Index = std::vector<int32_t>;

constexpr TensorType kInt = TensorType::kInt32;
constexpr int kRounds = 60;

struct Ints {
  Shape shape;
  std::vector<int32_t> data;

  // Counting from the last dimension, missing and single sizes are repeated.
  int32_t at(const Index& index) const {
    int64_t offset = 0;
    for (size_t i = 0; i < shape.size(); ++i) {
      const int32_t place = index[index.size() - shape.size() + i];
      offset = offset * shape[i] + (shape[i] == 1 ? 0 : place);
    }
    return data[static_cast<size_t>(offset)];
  }
};

void for_each_index(const Shape& shape, const std::function<void(const Index&)>& body) {
  Index index(shape.size(), 0);
  if (std::ranges::count(shape, 0) > 0) return;
  while (true) {
    body(index);
    int axis = static_cast<int>(shape.size()) - 1;
    while (axis >= 0 && ++index[axis] == shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

Ints made_by(Shape shape, const std::function<int32_t(const Index&)>& value) {
  Ints result{std::move(shape), {}};
  for_each_index(result.shape, [&](const Index& index) { result.data.push_back(value(index)); });
  return result;
}

Ints random_ints(Random& random, Shape shape) {
  return made_by(std::move(shape), [&](const Index&) { return random.integer(-9, 9); });
}

Shape random_shape(Random& random, int least, int most) {
  Shape shape(static_cast<size_t>(random.integer(least, most)));
  for (int32_t& size : shape) {
    const int pick = random.integer(0, 9);
    size = pick == 0 ? 0 : pick < 4 ? 1 : random.integer(2, 4);
  }
  return shape;
}

// Runs one operator on `x` and constants; the other inputs follow x.
Ints run(Code code, const Ints& x, const std::vector<Ints>& constants, Options options) {
  ModelBuilder builder;
  std::vector<int32_t> inputs = {builder.input(kInt, x.shape)};
  for (const Ints& value : constants) {
    inputs.push_back(builder.constant<int32_t>(value.shape, value.data));
  }
  builder.output(builder.op(code, inputs, kInt, std::move(options)));
  Result<std::unique_ptr<Interpreter>> interpreter = builder.interpreter();
  if (!interpreter.ok()) {
    ADD_FAILURE() << interpreter.error().message;
    return {};
  }
  set_input<int32_t>(*interpreter.value(), 0, {x.shape, x.data});
  const Status status = interpreter.value()->run(0);
  EXPECT_TRUE(status.ok()) << status.error().message;
  Values<int32_t> values = output_values<int32_t>(*interpreter.value());
  return {std::move(values.shape), std::move(values.data)};
}

void expect_same(const Ints& got, const Ints& wanted, int round) {
  EXPECT_EQ(got.shape, wanted.shape) << "round " << round;
  EXPECT_EQ(got.data, wanted.data) << "round " << round;
}

TEST(OperatorProperties, BinaryOperatorsReadWhatTheBroadcastIndexSays) {
  Random random(1);
  for (int round = 0; round < kRounds; ++round) {
    const Shape whole = random_shape(random, 0, 6);
    // Each side drops leading dimensions and shrinks others to 1; one side stays whole.
    const auto part = [&] {
      Shape shape(whole.begin() + random.integer(0, static_cast<int>(whole.size())), whole.end());
      for (int32_t& size : shape) size = random.integer(0, 1) != 0 ? size : 1;
      return shape;
    };
    const bool swaps = random.integer(0, 1) != 0;
    const Ints a = random_ints(random, swaps ? part() : whole);
    const Ints b = random_ints(random, swaps ? whole : part());
    const Ints wanted =
        made_by(whole, [&](const Index& index) { return a.at(index) - b.at(index); });
    expect_same(run(Code::kSub, a, {b}, SubOptions()), wanted, round);
  }
}

TEST(OperatorProperties, ReductionsTakeAnySetOfAxes) {
  Random random(2);
  for (int round = 0; round < kRounds; ++round) {
    const Ints x = random_ints(random, random_shape(random, 1, 6));
    const int rank = static_cast<int>(x.shape.size());
    uint32_t mask = 0;
    Ints axes{{0}, {}};
    for (int i = random.integer(0, rank); i > 0; --i) {
      const int axis = random.integer(0, rank - 1);
      mask |= 1u << axis;
      axes.data.push_back(random.integer(0, 1) != 0 ? axis : axis - rank);
      ++axes.shape[0];
    }
    ReducerOptions options;
    options.keep_dims = true;
    Ints wanted{x.shape, {}};
    for (int i = 0; i < rank; ++i) {
      if ((mask >> i & 1) != 0) wanted.shape[i] = 1;
    }
    wanted = made_by(wanted.shape, [](const Index&) { return 0; });
    for_each_index(x.shape, [&](const Index& index) {
      int64_t offset = 0;
      for (int i = 0; i < rank; ++i) {
        offset = offset * wanted.shape[i] + (wanted.shape[i] == 1 ? 0 : index[i]);
      }
      wanted.data[static_cast<size_t>(offset)] += x.at(index);
    });
    expect_same(run(Code::kSum, x, {axes}, options), wanted, round);
  }
}

TEST(OperatorProperties, StridedSlicesAreTheirIndexFormula) {
  Random random(3);
  for (int round = 0; round < kRounds; ++round) {
    const Ints x = random_ints(random, random_shape(random, 1, 5));
    const int32_t rank = static_cast<int32_t>(x.shape.size());
    Ints begin{{rank}, {}}, end{{rank}, {}}, strides{{rank}, {}};
    Shape shape;
    for (int32_t size : x.shape) {
      // A range that lies inside, so that the formula needs no rule for what is cut off.
      int32_t step = random.integer(1, 2);
      int32_t count = size == 0 ? 0 : random.integer(0, (size + step - 1) / step);
      int32_t first = size == 0 ? 0 : random.integer(0, std::max(0, size - 1 - (count - 1) * step));
      if (count > 0 && first + (count - 1) * step >= size) count = (size - first + step - 1) / step;
      begin.data.push_back(first);
      end.data.push_back(count == 0 ? first : first + (count - 1) * step + 1);
      strides.data.push_back(step);
      shape.push_back(count);
    }
    const Ints wanted = made_by(shape, [&](Index index) {
      for (size_t i = 0; i < index.size(); ++i) {
        index[i] = begin.data[i] + index[i] * strides.data[i];
      }
      return x.at(index);
    });
    expect_same(run(Code::kStridedSlice, x, {begin, end, strides}, StridedSliceOptions()), wanted,
                round);
  }
}

TEST(OperatorProperties, TilesPadsAndTransposesMoveEachElementToItsPlace) {
  Random random(4);
  for (int round = 0; round < kRounds; ++round) {
    const Ints x = random_ints(random, random_shape(random, 1, 5));
    const int32_t rank = static_cast<int32_t>(x.shape.size());
    Ints multiples{{rank}, {}}, paddings{{rank, 2}, {}}, permutation{{rank}, {}};
    Shape tiled, padded, transposed;
    for (int32_t i = 0; i < rank; ++i) {
      multiples.data.push_back(random.integer(0, 3));
      tiled.push_back(x.shape[i] * multiples.data.back());
      const int32_t before = random.integer(0, 2), after = random.integer(0, 2);
      paddings.data.insert(paddings.data.end(), {before, after});
      padded.push_back(x.shape[i] + before + after);
      permutation.data.insert(permutation.data.begin() + random.integer(0, i), i);
    }
    for (int32_t axis : permutation.data) transposed.push_back(x.shape[axis]);
    const auto element = [&](const Index& index) { return x.at(index); };
    expect_same(run(Code::kTile, x, {multiples}, TileOptions()), made_by(tiled, [&](Index index) {
                  for (size_t i = 0; i < index.size(); ++i) index[i] %= x.shape[i];
                  return element(index);
                }),
                round);
    expect_same(run(Code::kPad, x, {paddings}, PadOptions()), made_by(padded, [&](Index index) {
                  for (size_t i = 0; i < index.size(); ++i) {
                    index[i] -= paddings.data[2 * i];
                    if (index[i] < 0 || index[i] >= x.shape[i]) return 0;
                  }
                  return element(index);
                }),
                round);
    expect_same(run(Code::kTranspose, x, {permutation}, TransposeOptions()),
                made_by(transposed, [&](const Index& index) {
                  Index source(index.size());
                  for (size_t i = 0; i < index.size(); ++i) source[permutation.data[i]] = index[i];
                  return element(source);
                }),
                round);
  }
}

}  // namespace
}  // namespace zeolite::testing
