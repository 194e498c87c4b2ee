#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "tests/native/support/pass_testing.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST(FuseActivations, ReluGoesIntoTheOperatorBefore) {
  const std::pair<Op, ActivationFunctionType> kCases[] = {
      {Op::kRelu, ActivationFunctionType::kRelu},
      {Op::kRelu6, ActivationFunctionType::kRelu6},
      {Op::kReluN1To1, ActivationFunctionType::kReluN1To1}};
  for (const auto& [code, activation] : kCases) {
    const Model model = optimized([code = code](TestGraph& g) {
      g.output(g.add(code, {g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3})}), "out");
    });
    EXPECT_EQ(operators_of(model), "CONV_2D");
    EXPECT_EQ(activation_of_operator(model, 0), activation);
    EXPECT_THAT(model.subgraphs[0].operators[0].sources, ElementsAre(0, 1));
  }
}

TEST(FuseActivations, EveryOperatorWithAnActivationTakesIt) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.input({1, 4, 4, 3});
              const auto relu = [&](int32_t y) { return g.add(Op::kRelu, {y}); };
              const int32_t a = relu(g.add(Op::kAdd, {x, x}, AddOptions()));
              const int32_t b = relu(g.add(Op::kSub, {a, x}, SubOptions()));
              const int32_t c = relu(g.add(Op::kMul, {b, x}, MulOptions()));
              Pool2DOptions pool;
              pool.stride_h = pool.stride_w = pool.filter_height = pool.filter_width = 2;
              const int32_t d = relu(g.add(Op::kAveragePool2d, {c}, pool));
              g.output(relu(g.fully_connected(g.reshape(d, {1, 12}), 3)));
            }),
            "ADD SUB MUL AVERAGE_POOL_2D RESHAPE FULLY_CONNECTED");
}

TEST(FuseActivations, StaysWhereSomeoneElseUsesTheOperatorBefore) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3});
              g.output(g.add(Op::kRelu, {x}));
              g.output(g.add(Op::kTanh, {x}));
            }),
            "CONV_2D RELU TANH");
}

TEST(FuseActivations, StaysWhereTheGraphGivesTheOperatorBeforeOut) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3});
              g.output(x);
              g.output(g.add(Op::kRelu, {x}));
            }),
            "CONV_2D RELU");
}

TEST(FuseActivations, OthersAndOperatorsWithoutActivationStayApart) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3});
              g.output(g.add(Op::kRelu, {g.add(Op::kTanh, {x})}));
            }),
            "CONV_2D TANH RELU");
}

TEST(FuseActivations, TwoBecomeOneWhereTheyCan) {
  const Model both = optimized([](TestGraph& g) {
    const int32_t x = g.add(Op::kRelu, {g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3})});
    g.output(g.add(Op::kRelu6, {x}));
  });
  EXPECT_EQ(operators_of(both), "CONV_2D");
  EXPECT_EQ(activation_of_operator(both, 0), ActivationFunctionType::kRelu6);
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.add(Op::kRelu, {g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3})});
              g.output(g.add(Op::kReluN1To1, {x}));
            }),
            "CONV_2D RELU_N1_TO_1");
}

std::string padded_conv(int32_t size, int32_t before, int32_t after, int32_t kernel,
                        int32_t stride) {
  return optimized_operators([=](TestGraph& g) {
    const int32_t pads = g.ints({4, 2}, {0, 0, before, after, before, after, 0, 0});
    const int32_t x = g.add(Op::kPad, {g.input({1, size, size, 2}), pads}, PadOptions());
    g.output(g.conv(x, {3, kernel, kernel, 2}, Padding::kValid, stride));
  });
}

TEST(FusePads, APadThatIsWhatSameWouldAddGoes) {
  EXPECT_EQ(padded_conv(8, 1, 1, 3, 1), "CONV_2D");
  EXPECT_EQ(padded_conv(8, 0, 1, 3, 2), "CONV_2D");
  EXPECT_EQ(padded_conv(7, 1, 1, 3, 2), "CONV_2D");
  EXPECT_EQ(padded_conv(9, 3, 3, 7, 1), "CONV_2D");
}

TEST(FusePads, AnyOtherPadStays) {
  EXPECT_EQ(padded_conv(8, 1, 1, 3, 2), "PAD CONV_2D");
  EXPECT_EQ(padded_conv(8, 1, 0, 3, 2), "PAD CONV_2D");
  EXPECT_EQ(padded_conv(8, 2, 2, 3, 1), "PAD CONV_2D");
  EXPECT_EQ(padded_conv(8, 0, 2, 3, 1), "PAD CONV_2D");
}

TEST(FusePads, APadOfChannelsOrOfAnotherValueStays) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t pads = g.ints({4, 2}, {0, 0, 1, 1, 1, 1, 0, 1});
              const int32_t x = g.add(Op::kPad, {g.input({1, 4, 4, 2}), pads}, PadOptions());
              g.output(g.conv(x, {3, 3, 3, 3}, Padding::kValid));
            }),
            "PAD CONV_2D");
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t pads = g.ints({4, 2}, {0, 0, 1, 1, 1, 1, 0, 0});
              const int32_t x = g.add(
                  Op::kPadv2, {g.input({1, 4, 4, 2}), pads, g.constant({1}, {1})}, PadV2Options());
              g.output(g.conv(x, {3, 3, 3, 2}, Padding::kValid));
            }),
            "PADV2 CONV_2D");
}

TEST(FusePads, APadThatOthersUseStaysForThem) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t pads = g.ints({4, 2}, {0, 0, 1, 1, 1, 1, 0, 0});
              const int32_t x = g.add(Op::kPad, {g.input({1, 4, 4, 2}), pads}, PadOptions());
              g.output(g.conv(x, {3, 3, 3, 2}, Padding::kValid));
              g.output(g.add(Op::kTanh, {x}));
            }),
            "PAD CONV_2D TANH");
}

TEST(RemoveIdentities, WhatGivesItsInputAgainGoes) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              int32_t x = g.add(Op::kTanh, {g.input({2, 3, 4})});
              x = g.reshape(x, {2, 3, 4});
              x = g.transpose(x, {0, 1, 2});
              x = g.add(Op::kPad, {x, g.ints({3, 2}, {0, 0, 0, 0, 0, 0})}, PadOptions());
              x = g.add(Op::kMul, {x, g.constant({}, {1})}, MulOptions());
              x = g.add(Op::kAdd, {g.constant({4}, {0, 0, 0, 0}), x}, AddOptions());
              x = g.add(Op::kSlice, {x, g.ints({0, 0, 0}), g.ints({2, 3, 4})}, SliceOptions());
              g.output(x, "out");
            }),
            "TANH");
}

TEST(RemoveIdentities, WhatChangesTheScaleStays) {
  TestGraph g;
  ConcatenationOptions concatenation;
  concatenation.axis = 1;
  const int32_t x = g.input({2, 3});
  const int32_t y = g.add(Op::kConcatenation, {g.add(Op::kTanh, {x})}, concatenation);
  g.output(y);
  for (const int32_t tensor : {g.graph().operators[0].outputs[0], y}) {
    auto quantization = std::make_unique<Quantization>();
    quantization->scale = {tensor == y ? 0.5f : 0.25f};
    quantization->zero_point = {0};
    g.graph().tensors[static_cast<size_t>(tensor)].quantization = std::move(quantization);
  }
  Model model = g.take();
  ASSERT_TRUE(run_conversion_passes(&model).ok());
  EXPECT_EQ(operators_of(model), "TANH CONCATENATION");
}

TEST(RemoveIdentities, AReluOfWhatIsNotNegativeGoesWhoeverElseUsesIt) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.add(Op::kRelu, {g.conv(g.input({1, 4, 4, 3}), {4, 3, 3, 3})});
              g.output(g.add(Op::kTanh, {x}));
              g.output(g.add(Op::kExp, {g.add(Op::kRelu, {g.reshape(x, {4, 16})})}));
              g.output(g.add(Op::kAbs, {g.add(Op::kRelu6, {x})}));
            }),
            "CONV_2D TANH RESHAPE EXP RELU6 ABS");
}

TEST(RemoveIdentities, BetweenInputAndOutputSomethingMustStay) {
  EXPECT_EQ(optimized_operators(
                [](TestGraph& g) { g.output(g.reshape(g.input({2, 3}), {2, 3}), "out"); }),
            "RESHAPE");
}

TEST(RemoveIdentities, AdditionThatBroadcastsStays) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              g.output(g.add(Op::kAdd, {g.input({1, 3}), g.constant({2, 3}, {0, 0, 0, 0, 0, 0})},
                             AddOptions()));
            }),
            "ADD");
}

TEST(RemoveIdentities, ReshapesAndTransposesInARowBecomeOneOrNone) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              int32_t x = g.input({2, 3, 4});
              x = g.reshape(g.reshape(g.reshape(x, {6, 4}), {24}), {4, 6});
              g.output(x);
            }),
            "RESHAPE");
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.add(Op::kTanh, {g.input({2, 3, 4})});
              const int32_t y = g.transpose(g.transpose(x, {1, 2, 0}), {2, 0, 1});
              const int32_t z = g.transpose(g.transpose(x, {1, 2, 0}), {0, 2, 1});
              g.output(g.add(Op::kExp, {y}));
              g.output(z);
            }),
            "TANH TRANSPOSE EXP");
}

TEST(RemoveIdentities, ATransposeThatOnlyMovesUnitAxesIsAReshape) {
  EXPECT_EQ(optimized_operators(
                [](TestGraph& g) { g.output(g.transpose(g.input({1, 5, 1, 3}), {1, 0, 3, 2})); }),
            "RESHAPE");
}

TEST(RemoveIdentities, FreeDimensionsAreNotTakenForEqualOnes) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.add(Op::kTanh, {g.input({-1, 4})});
              g.output(g.add(Op::kExp, {g.reshape(x, {-1, 4})}));
              g.output(g.reshape(x, {-1, 2}));
            }),
            "TANH EXP RESHAPE");
}

TEST(FoldConstants, WhatDependsOnConstantsOnlyIsComputed) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t c = g.add(Op::kExp, {g.random({3})});
              const int32_t d = g.add(Op::kAdd, {c, g.random({3})}, AddOptions());
              g.output(g.add(Op::kMaximum, {g.input({2, 3}), d}));
            }),
            "MAXIMUM");
}

TEST(FoldConstants, ShapesOfFixedTensorsAreConstants) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.input({2, 3});
              ShapeOptions options;
              options.out_type = TensorType::kInt32;
              const int32_t other = g.input({3, 2});
              const int32_t shape = g.add(Op::kShape, {other}, options, TensorType::kInt32);
              g.output(g.add(Op::kReshape, {x, shape}, ReshapeOptions()));
            }),
            "RESHAPE");
}

TEST(FoldConstants, WhatWouldMakeTheFileMuchLargerStays) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t large =
                  g.add(Op::kTile, {g.random({1, 4}), g.ints({4096, 1})}, TileOptions());
              g.output(g.add(Op::kMaximum, {g.input({4096, 4}), large}));
            }),
            "TILE MAXIMUM");
}

TEST(MergeDuplicates, EqualOperatorsAndConstantsBecomeOne) {
  const Model model = optimized([](TestGraph& g) {
    const int32_t x = g.input({2, 3});
    const int32_t a = g.add(Op::kMaximum, {x, g.constant({3}, {1, 2, 3})});
    const int32_t b = g.add(Op::kMaximum, {x, g.constant({3}, {1, 2, 3})});
    g.output(g.add(Op::kMul, {g.add(Op::kTanh, {a}), b}, MulOptions()));
  });
  EXPECT_EQ(operators_of(model), "MAXIMUM TANH MUL");
  EXPECT_EQ(model.buffers.size(), 2u);
  EXPECT_THAT(model.subgraphs[0].operators[0].sources, UnorderedElementsAre(0, 1));
}

TEST(MergeDuplicates, OptionsAndOutputsOfTheGraphKeepOperatorsApart) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.input({2, 3});
              LeakyReluOptions a;
              a.alpha = 0.1f;
              LeakyReluOptions b;
              b.alpha = 0.2f;
              const int32_t first = g.add(Op::kLeakyRelu, {x}, a);
              const int32_t second = g.add(Op::kLeakyRelu, {x}, b);
              g.output(g.add(Op::kMul, {first, second}, MulOptions()));
              g.output(g.add(Op::kTanh, {x}));
              g.output(g.add(Op::kTanh, {x}));
            }),
            "LEAKY_RELU LEAKY_RELU MUL TANH TANH");
}

TEST(RemoveDead, WhatNobodyUsesGoes) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.input({2, 3});
              g.add(Op::kExp, {g.add(Op::kTanh, {x})});
              g.output(g.add(Op::kAbs, {x}));
            }),
            "ABS");
}

TEST(RecognizePatterns, ClampsBecomeRelus) {
  const auto clamp = [](Op first, float a, Op second, float b) {
    return optimized_operators([=](TestGraph& g) {
      const int32_t x = g.add(first, {g.input({2, 3}), g.constant({}, {a})});
      g.output(g.add(second, {g.constant({}, {b}), x}));
    });
  };
  EXPECT_EQ(clamp(Op::kMaximum, 0, Op::kMinimum, 6), "RELU6");
  EXPECT_EQ(clamp(Op::kMinimum, 6, Op::kMaximum, 0), "RELU6");
  EXPECT_EQ(clamp(Op::kMaximum, -1, Op::kMinimum, 1), "RELU_N1_TO_1");
  EXPECT_EQ(clamp(Op::kMinimum, 1, Op::kMaximum, -1), "RELU_N1_TO_1");
  EXPECT_EQ(clamp(Op::kMaximum, 0, Op::kMinimum, 5), "RELU MINIMUM");
  EXPECT_EQ(clamp(Op::kMaximum, -2, Op::kMinimum, 1), "MAXIMUM MINIMUM");
}

TEST(RecognizePatterns, HardSwishInEveryFormBecomesOneOperator) {
  for (const bool divides : {false, true}) {
    for (const bool inner_first : {false, true}) {
      EXPECT_EQ(optimized_operators([&](TestGraph& g) {
                  const int32_t x = g.conv(g.input({1, 4, 4, 2}), {3, 1, 1, 2});
                  const auto sixth = [&](int32_t y) {
                    return divides ? g.add(Op::kDiv, {y, g.constant({}, {6})}, DivOptions())
                                   : g.add(Op::kMul, {y, g.constant({}, {1.0f / 6})}, MulOptions());
                  };
                  int32_t y = g.add(Op::kAdd, {x, g.constant({}, {3})}, AddOptions());
                  y = g.add(Op::kRelu6, {y});
                  if (inner_first) {
                    g.output(g.add(Op::kMul, {x, sixth(y)}, MulOptions()));
                  } else {
                    g.output(sixth(g.add(Op::kMul, {y, x}, MulOptions())));
                  }
                }),
                "CONV_2D HARD_SWISH");
    }
  }
}

TEST(RecognizePatterns, WhatOnlyLooksLikeHardSwishStays) {
  EXPECT_EQ(optimized_operators([](TestGraph& g) {
              const int32_t x = g.input({2, 3});
              int32_t y = g.add(Op::kAdd, {x, g.constant({}, {2})}, AddOptions());
              y = g.add(Op::kRelu6, {y});
              y = g.add(Op::kMul, {y, g.constant({}, {1.0f / 6})}, MulOptions());
              g.output(g.add(Op::kMul, {x, y}, MulOptions()));
            }),
            "ADD MUL MUL");
}

}  // namespace
}  // namespace zeolite
