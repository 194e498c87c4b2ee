#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/native/support/pass_testing.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;
using ::testing::ElementsAre;

int32_t batch_norm(TestGraph& g, int32_t x) {
  const int32_t channels = g.shape(x).back();
  const int32_t product = g.add(Op::kMul, {x, g.random({channels})}, MulOptions());
  return g.add(Op::kAdd, {product, g.random({channels})}, AddOptions());
}

TEST(FoldArithmetic, BatchNormGoesIntoTheConvolutionBefore) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              g.output(batch_norm(g, g.conv(g.input({1, 6, 6, 3}), {4, 3, 3, 3})), "out");
            }),
            "CONV_2D");
}

TEST(FoldArithmetic, BatchNormGoesIntoTheDepthwiseConvolutionBefore) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              g.output(batch_norm(g, g.depthwise(g.input({1, 6, 6, 3}), {1, 3, 3, 6})));
            }),
            "DEPTHWISE_CONV_2D");
}

TEST(FoldArithmetic, BatchNormGoesIntoFullyConnectedWithAndWithoutBias) {
  for (const bool has_bias : {true, false}) {
    EXPECT_EQ(optimized_operators([&](TestGraph& g) {
                g.output(batch_norm(g, g.fully_connected(g.input({2, 5}), 4, has_bias)));
              }),
              "FULLY_CONNECTED");
  }
}

TEST(FoldArithmetic, BatchNormGoesIntoTheTransposedConvolutionAndMakesItsBias) {
  const Model model = optimized([](TestGraph& g) {
    TransposeConvOptions options;
    options.stride_h = options.stride_w = 2;
    const int32_t filter = g.random({4, 3, 3, 2});
    const int32_t x = g.input({1, 3, 3, 2});
    g.output(batch_norm(g, g.add(Op::kTransposeConv, {g.ints({1, 6, 6, 4}), filter, x}, options)));
  });
  EXPECT_EQ(operators_of(model), "TRANSPOSE_CONV");
  EXPECT_EQ(model.subgraphs[0].operators[0].inputs.size(), 4u);
}

TEST(FoldArithmetic, EveryKindOfArithmeticGoesIntoTheConvolutionBefore) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              int32_t x = g.conv(g.input({1, 4, 4, 2}), {3, 1, 1, 2});
              x = g.add(Op::kDiv, {x, g.constant({3}, {2, -4, 0.5})}, DivOptions());
              x = g.add(Op::kSub, {x, g.constant({}, {0.75})}, SubOptions());
              x = g.add(Op::kSub, {g.constant({1, 1, 1, 3}, {1, 2, 3}), x}, SubOptions());
              x = g.add(Op::kMul, {g.constant({1}, {3}), x}, MulOptions());
              g.output(x);
            }),
            "CONV_2D");
}

TEST(FoldArithmetic, SourcesAreJoined) {
  const Model model = optimized([](TestGraph& g) {
    g.output(batch_norm(g, g.conv(g.input({1, 6, 6, 3}), {4, 3, 3, 3})));
  });
  EXPECT_THAT(model.subgraphs[0].operators[0].sources, ElementsAre(0, 1, 2));
}

TEST(FoldArithmetic, LooksBehindAReshapeThatKeepsTheChannels) {
  // A Conv1D: reshape, convolution, reshape.
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              int32_t x = g.reshape(g.input({1, 8, 3}), {1, 1, 8, 3});
              x = g.reshape(g.conv(x, {4, 1, 3, 3}), {1, 8, 4});
              g.output(g.add(Op::kRelu, {batch_norm(g, x)}));
            }),
            "RESHAPE CONV_2D RESHAPE");
}

TEST(FoldArithmetic, OneNumberForAllPassesAnyReshapeAndTranspose) {
  // The heads of an attention layer, scaled.
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              int32_t x = g.reshape(g.fully_connected(g.input({1, 5, 6}), 8), {1, 5, 2, 4});
              x = g.transpose(x, {0, 2, 1, 3});
              x = g.add(Op::kMul, {x, g.constant({}, {0.5})}, MulOptions());
              g.output(g.add(Op::kRelu, {x}));
            }),
            "FULLY_CONNECTED RESHAPE TRANSPOSE");
}

TEST(FoldArithmetic, StaysBehindAReshapeThatMixesTheChannels) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.reshape(g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3}), {1, 8, 8});
              g.output(g.add(Op::kMul, {x, g.random({8})}, MulOptions()));
            }),
            "CONV_2D RESHAPE MUL");
}

TEST(FoldArithmetic, StaysWhereSomeoneElseUsesTheConvolution) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3});
              g.output(g.add(Op::kMul, {x, g.random({4})}, MulOptions()));
              g.output(g.add(Op::kTanh, {x}));
            }),
            "CONV_2D MUL TANH");
}

TEST(FoldArithmetic, StaysWhereTheGraphGivesTheConvolutionOut) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3});
              g.output(x);
              g.output(g.add(Op::kMul, {x, g.random({4})}, MulOptions()));
            }),
            "CONV_2D MUL");
}

TEST(FoldArithmetic, StaysBehindAnActivation) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3});
              g.output(batch_norm(g, g.add(Op::kRelu, {x})));
            }),
            "CONV_2D MUL ADD");
}

TEST(FoldArithmetic, StaysWhereWeightsAreShared) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              Conv2DOptions options;
              options.stride_h = options.stride_w = 1;
              const int32_t filter = g.random({3, 1, 1, 3});
              const int32_t bias = g.random({3});
              int32_t x = g.add(Op::kConv2d, {g.input({1, 4, 4, 3}), filter, bias}, options);
              x = g.add(Op::kMul, {x, g.random({3})}, MulOptions());
              x = g.add(Op::kTanh, {x});
              g.output(g.add(Op::kConv2d, {x, filter, bias}, options));
            }),
            "CONV_2D MUL TANH CONV_2D");
}

TEST(FoldArithmetic, StaysWhereTheConstantIsNotByChannel) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3});
              g.output(g.add(Op::kMul, {x, g.random({1, 4, 1, 4})}, MulOptions()));
            }),
            "CONV_2D MUL");
}

TEST(FoldArithmetic, StaysWhereTheConstantMakesTheResultLarger) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.conv(g.input({1, 4, 4, 3}), {1, 3, 3, 3});
              g.output(g.add(Op::kMul, {x, g.random({4})}, MulOptions()));
            }),
            "CONV_2D MUL");
}

TEST(FoldArithmetic, StaysWhereNumbersWouldOverflow) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              int32_t x = g.conv(g.input({1, 4, 4, 3}), {2, 3, 3, 3});
              x = g.add(Op::kMul, {x, g.constant({}, {1e30f})}, MulOptions());
              x = g.add(Op::kMul, {x, g.constant({}, {1e30f})}, MulOptions());
              g.output(g.add(Op::kTanh, {x}));
            }),
            "CONV_2D MUL TANH");
}

TEST(FoldArithmetic, ProductsGoIntoTheConvolutionAfterEvenWithPadding) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.input({1, 5, 5, 3});
              const int32_t product = g.add(Op::kMul, {x, g.random({3})}, MulOptions());
              g.output(g.conv(product, {4, 3, 3, 3}));
            }),
            "CONV_2D");
}

TEST(FoldArithmetic, SumsGoIntoTheConvolutionAfterWithoutPaddingOnly) {
  const auto make = [](Padding padding, int32_t kernel) {
    return optimized_operators([=](TestGraph& g) {
      const int32_t x = g.input({1, 5, 5, 3});
      g.output(g.conv(batch_norm(g, x), {4, kernel, kernel, 3}, padding));
    });
  };
  EXPECT_EQ(make(Padding::kValid, 3), "CONV_2D");
  EXPECT_EQ(make(Padding::kSame, 1), "CONV_2D");
  EXPECT_EQ(make(Padding::kSame, 3), "MUL ADD CONV_2D");
}

TEST(FoldArithmetic, ArithmeticGoesIntoDepthwiseAndFullyConnectedAfter) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.input({1, 5, 5, 3});
              g.output(g.depthwise(batch_norm(g, x), {1, 3, 3, 6}, Padding::kValid));
            }),
            "DEPTHWISE_CONV_2D");
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              g.output(g.fully_connected(batch_norm(g, g.input({3, 5})), 4, false));
            }),
            "FULLY_CONNECTED");
}

TEST(FoldArithmetic, StaysBeforeAConvolutionWhereSomeoneElseUsesIt) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.add(Op::kMul, {g.input({1, 5, 5, 3}), g.random({3})},
                                      MulOptions());
              g.output(g.conv(x, {4, 3, 3, 3}));
              g.output(g.add(Op::kTanh, {x}));
            }),
            "MUL CONV_2D TANH");
}

TEST(FoldArithmetic, TwoOfAKindBecomeOne) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              int32_t x = g.input({2, 3});
              x = g.add(Op::kMul, {x, g.random({3})}, MulOptions());
              x = g.add(Op::kMul, {g.constant({}, {0.5}), x}, MulOptions());
              x = g.add(Op::kAdd, {x, g.random({3})}, AddOptions());
              x = g.add(Op::kSub, {x, g.random({3})}, SubOptions());
              g.output(x);
            }),
            "MUL ADD");
}

}  // namespace
}  // namespace zeolite
