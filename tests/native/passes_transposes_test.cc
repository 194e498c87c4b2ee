#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/native/support/pass_testing.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;

const std::vector<int32_t> kToNhwc = {0, 2, 3, 1};
const std::vector<int32_t> kToNchw = {0, 3, 1, 2};

// A convolution whose input and output have their channels first.
int32_t conv_nchw(TestGraph& g, int32_t x, int32_t outputs, int32_t kernel = 3) {
  const int32_t channels = g.shape(x)[1];
  const int32_t y = g.conv(g.transpose(x, kToNhwc), {outputs, kernel, kernel, channels});
  return g.transpose(y, kToNchw);
}

TEST(MoveTransposes, NothingStaysBetweenTwoConvolutions) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              int32_t x = conv_nchw(g, g.input({1, 3, 6, 6}), 4);
              x = g.add(Op::kMul, {x, g.random({1, 4, 1, 1})}, MulOptions());
              x = g.add(Op::kAdd, {x, g.random({4, 1, 1})}, AddOptions());
              x = g.add(Op::kRelu, {x});
              g.output(conv_nchw(g, x, 5));
            }),
            "TRANSPOSE CONV_2D CONV_2D TRANSPOSE");
}

TEST(MoveTransposes, ResidualBlocksTurnAroundAsAWhole) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = conv_nchw(g, g.input({1, 3, 6, 6}), 4);
              const int32_t y = g.add(Op::kTanh, {conv_nchw(g, x, 4)});
              const int32_t sum = g.add(Op::kAdd, {x, y}, AddOptions());
              const int32_t pads = g.ints({4, 2}, {0, 0, 0, 1, 1, 1, 2, 0});
              const int32_t padded = g.add(Op::kPad, {sum, pads}, PadOptions());
              g.output(conv_nchw(g, padded, 2));
            }),
            "TRANSPOSE CONV_2D CONV_2D TANH ADD PAD CONV_2D TRANSPOSE");
}

TEST(MoveTransposes, ConcatenationAlongChannelsTurns) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.input({1, 3, 6, 6});
              ConcatenationOptions options;
              options.axis = 1;
              const int32_t a = conv_nchw(g, x, 4);
              const int32_t b = conv_nchw(g, x, 2, 1);
              const int32_t c = g.random({1, 1, 6, 6});
              g.output(conv_nchw(g, g.add(Op::kConcatenation, {a, b, c}, options), 2));
            }),
            "TRANSPOSE CONV_2D CONV_2D CONCATENATION CONV_2D TRANSPOSE");
}

TEST(MoveTransposes, SqueezeAndExcitationTurns) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = conv_nchw(g, g.input({1, 3, 6, 6}), 4);
              int32_t s = g.reduce(Op::kMean, x, {2, 3}, false);
              s = conv_nchw(g, g.reshape(s, {1, 4, 1, 1}), 4, 1);
              s = g.add(Op::kLogistic, {s});
              g.output(conv_nchw(g, g.add(Op::kMul, {x, s}, MulOptions()), 2));
            }),
            "TRANSPOSE CONV_2D MEAN RESHAPE CONV_2D LOGISTIC MUL CONV_2D TRANSPOSE");
}

TEST(MoveTransposes, GlobalPoolingTakesTheTransposeUp) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.add(Op::kTanh, {conv_nchw(g, g.input({2, 3, 6, 5}), 4)});
              g.output(g.fully_connected(g.reduce(Op::kMean, x, {2, 3}, false), 3));
            }),
            "TRANSPOSE CONV_2D TANH MEAN FULLY_CONNECTED");
}

TEST(MoveTransposes, AReductionThatWouldSwapItsAxesKeepsTheTranspose) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = conv_nchw(g, g.input({1, 3, 6, 5}), 4);
              g.output(g.reduce(Op::kMean, x, {2}, false));
            }),
            "TRANSPOSE CONV_2D TRANSPOSE MEAN");
}

TEST(MoveTransposes, AReductionThatKeepsItsAxesTurns) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = conv_nchw(g, g.input({1, 3, 6, 5}), 4);
              const int32_t mean = g.reduce(Op::kMean, x, {-2, 3}, true);
              const int32_t rest = g.add(Op::kSub, {x, mean}, SubOptions());
              g.output(conv_nchw(g, rest, 2));
            }),
            "TRANSPOSE CONV_2D MEAN SUB CONV_2D TRANSPOSE");
}

TEST(MoveTransposes, FlattenedDenseWeightsTakeTheTransposeUp) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = conv_nchw(g, g.input({2, 3, 4, 5}), 6);
              g.output(g.fully_connected(g.reshape(x, {2, 120}), 3));
            }),
            "TRANSPOSE CONV_2D RESHAPE FULLY_CONNECTED");
}

TEST(MoveTransposes, AFlattenThatTheGraphGivesOutKeepsTheTranspose) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = conv_nchw(g, g.input({2, 3, 4, 5}), 6);
              const int32_t flat = g.reshape(x, {2, 120});
              g.output(flat);
              g.output(g.fully_connected(flat, 3));
            }),
            "TRANSPOSE CONV_2D TRANSPOSE RESHAPE FULLY_CONNECTED");
}

TEST(MoveTransposes, AnOutputInTheMiddleGetsOneOfItsOwn) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.add(Op::kTanh, {conv_nchw(g, g.input({1, 3, 6, 6}), 4)});
              g.output(x, "middle");
              g.output(conv_nchw(g, x, 5), "end");
            }),
            "TRANSPOSE CONV_2D TANH TRANSPOSE CONV_2D TRANSPOSE");
}

TEST(MoveTransposes, WhereNothingIsGainedNothingMoves) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              g.output(g.add(Op::kTanh, {conv_nchw(g, g.input({1, 3, 6, 6}), 4)}));
            }),
            "TRANSPOSE CONV_2D TRANSPOSE TANH");
}

TEST(MoveTransposes, PreluAndSelectTurnTheirConstants) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = conv_nchw(g, g.input({1, 3, 6, 6}), 4);
              const int32_t y = g.add(Op::kPrelu, {x, g.random({4, 6, 1})});
              const int32_t positive = g.add(Op::kGreater, {y, g.random({4, 1, 6})});
              g.output(conv_nchw(g, g.add(Op::kSelectV2, {positive, y, x}), 2));
            }),
            "TRANSPOSE CONV_2D PRELU GREATER SELECT_V2 CONV_2D TRANSPOSE");
}

TEST(MoveTransposes, FreeBatchesTurnTheSame) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.add(Op::kTanh, {conv_nchw(g, g.input({-1, 3, 6, 6}), 4)});
              g.output(conv_nchw(g, x, 5));
            }),
            "TRANSPOSE CONV_2D TANH CONV_2D TRANSPOSE");
}

}  // namespace
}  // namespace zeolite
