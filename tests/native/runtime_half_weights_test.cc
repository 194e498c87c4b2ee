// Weights that the file stores as float16, with a DEQUANTIZE between them and their operator.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/half.h"
#include "core/ops/check.h"
#include "tests/native/support/kernel_testing.h"
#include "tests/native/support/model_builder.h"

namespace zeolite::testing {
namespace {

using Code = BuiltinOperator;
constexpr TensorType kFloat = TensorType::kFloat32;

enum class Stored { kFloat, kHalf, kHalfReadTwice };

// Constant weights, widened by a DEQUANTIZE unless they are floats; read twice they are an output
// too.
int32_t weights_of(ModelBuilder& builder, const Shape& shape, const std::vector<uint16_t>& halves,
                   Stored stored) {
  if (stored == Stored::kFloat) {
    std::vector<float> floats;
    for (uint16_t half : halves) floats.push_back(half_to_float(half));
    return builder.constant<float>(shape, floats);
  }
  return builder.op(Code::kDequantize, {builder.constant<uint16_t>(shape, halves)}, kFloat,
                    DequantizeOptions());
}

std::vector<uint16_t> random_halves(int64_t count) {
  Random random(7);
  std::vector<uint16_t> halves;
  for (float x : random.reals(count)) halves.push_back(float_to_half(x));
  halves[0] = 1;       // The least subnormal.
  halves[1] = 0x83ff;  // A negative one.
  halves[2] = 0x7bff;  // The largest.
  return halves;
}

struct Ran {
  std::vector<float> output;
  uint64_t own_bytes = 0;
};

Ran run(ModelBuilder& builder, int32_t weights, int32_t output, const Shape& input_shape,
        Stored stored) {
  builder.output(output);
  if (stored == Stored::kHalfReadTwice) builder.output(weights);
  auto interpreter = builder.interpreter();
  EXPECT_TRUE(interpreter.ok()) << interpreter.error().message;
  Random random(8);
  set_input<float>(*interpreter.value(), 0, {input_shape, random.reals(product(input_shape))});
  const Status status = interpreter.value()->run(0);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return {output_values<float>(*interpreter.value()).data,
          interpreter.value()->memory().own_bytes};
}

Ran run_fully_connected(Stored stored, int32_t rows, const std::vector<uint16_t>& halves) {
  ModelBuilder builder;
  const Shape shape = {rows, 70};
  const int32_t x = builder.input(kFloat, shape);
  const int32_t w = weights_of(builder, {30, 70}, halves, stored);
  const int32_t bias = builder.constant<float>({30}, std::vector<float>(30, 0.5f));
  return run(builder, w, builder.op(Code::kFullyConnected, {x, w, bias}, kFloat,
                                    FullyConnectedOptions()),
             shape, stored);
}

Ran run_convolution(Code code, Stored stored) {
  ModelBuilder builder;
  const Shape shape = {1, 9, 9, 8};
  const int32_t x = builder.input(kFloat, shape);
  const bool is_depthwise = code == Code::kDepthwiseConv2d;
  const Shape filter = is_depthwise ? Shape{1, 3, 3, 8} : Shape{8, 3, 3, 8};
  const int32_t w = weights_of(builder, filter, random_halves(product(filter)), stored);
  // A bias of 16 bits as well, as converters write it.
  const int32_t bias = weights_of(builder, {8}, random_halves(8), stored);
  if (is_depthwise) {
    DepthwiseConv2DOptions options;
    options.stride_w = options.stride_h = options.depth_multiplier = 1;
    return run(builder, w, builder.op(code, {x, w, bias}, kFloat, options), shape, stored);
  }
  if (code == Code::kTransposeConv) {
    TransposeConvOptions options;
    options.stride_w = options.stride_h = 1;
    const int32_t size = builder.constant<int32_t>({4}, {1, 9, 9, 8});
    return run(builder, w, builder.ops(code, {size, w, x, bias}, kFloat, 1, options, 3), shape,
               stored);
  }
  Conv2DOptions options;
  options.stride_w = options.stride_h = 1;
  return run(builder, w, builder.op(code, {x, w, bias}, kFloat, options), shape, stored);
}

Ran run_batch_matmul(Stored stored, const Shape& x_shape, const Shape& y_shape, bool adj_x,
                     bool adj_y, const std::vector<uint16_t>& halves) {
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, x_shape);
  const int32_t y = weights_of(builder, y_shape, halves, stored);
  BatchMatMulOptions options;
  options.adj_x = adj_x;
  options.adj_y = adj_y;
  return run(builder, y, builder.op(Code::kBatchMatmul, {x, y}, kFloat, options), x_shape, stored);
}

// The words at some positions of a table of 40 by 6.
Ran run_gather(Stored stored) {
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, {1, 6});
  const int32_t table = weights_of(builder, {40, 6}, random_halves(240), stored);
  const int32_t positions = builder.constant<int32_t>({2, 3}, {39, 0, 0, 7, 21, 1});
  GatherOptions options;
  const int32_t words = builder.op(Code::kGather, {table, positions}, kFloat, options);
  return run(builder, table, builder.op(Code::kAdd, {words, x}, kFloat, AddOptions()), {1, 6},
             stored);
}

TEST(HalfWeights, AreAConstantMatrixOfAProduct) {
  struct Case {
    Shape x;
    Shape y;
    bool adj_x = false;
    bool adj_y = false;
  };
  const Case cases[] = {{{1, 2, 70}, {30, 70}, false, true},   // Few rows, read as they are.
                        {{5, 2, 70}, {30, 70}, false, true},   // All rows by one matrix.
                        {{2, 3, 70}, {2, 70, 30}},             // A matrix for each batch.
                        {{2, 70, 3}, {2, 30, 70}, true, true},
                        {{2, 2, 2, 70}, {2, 1, 70, 30}},
                        {{1, 70}, {70, 30}}};
  for (const Case& c : cases) {
    std::vector<uint16_t> halves = random_halves(product(c.y));
    const auto ran = [&](Stored stored) {
      return run_batch_matmul(stored, c.x, c.y, c.adj_x, c.adj_y, halves).output;
    };
    EXPECT_EQ(ran(Stored::kHalf), ran(Stored::kFloat));
    EXPECT_EQ(ran(Stored::kHalfReadTwice), ran(Stored::kFloat));
    // Kernels that take finite numbers only are not used for others.
    halves[71] = 0x7c00;
    const std::vector<float> output = ran(Stored::kHalf);
    EXPECT_EQ(std::ranges::count_if(output, [](float y) { return std::isinf(y); }),
              std::ranges::count_if(ran(Stored::kFloat), [](float y) { return std::isinf(y); }));
  }
}

TEST(HalfWeights, AreATableToPickFrom) {
  const Ran floats = run_gather(Stored::kFloat);
  EXPECT_EQ(run_gather(Stored::kHalf).output, floats.output);
  EXPECT_EQ(run_gather(Stored::kHalfReadTwice).output, floats.output);
}

TEST(HalfWeights, GiveWhatTheSameFloatsGive) {
  for (int32_t rows : {1, 2, 3, 5}) {
    const std::vector<uint16_t> halves = random_halves(30 * 70);
    const Ran floats = run_fully_connected(Stored::kFloat, rows, halves);
    EXPECT_EQ(run_fully_connected(Stored::kHalf, rows, halves).output, floats.output) << rows;
    EXPECT_EQ(run_fully_connected(Stored::kHalfReadTwice, rows, halves).output, floats.output);
  }
  for (Code code : {Code::kConv2d, Code::kDepthwiseConv2d, Code::kTransposeConv}) {
    const Ran floats = run_convolution(code, Stored::kFloat);
    EXPECT_EQ(run_convolution(code, Stored::kHalf).output, floats.output);
    EXPECT_EQ(run_convolution(code, Stored::kHalfReadTwice).output, floats.output);
  }
}

TEST(HalfWeights, AreNotKeptAsFloatsToo) {
  const std::vector<uint16_t> halves = random_halves(30 * 70);
  const uint64_t kept = run_fully_connected(Stored::kHalf, 1, halves).own_bytes;
  EXPECT_EQ(run_fully_connected(Stored::kHalfReadTwice, 1, halves).own_bytes, kept + 30 * 70 * 4);
  EXPECT_EQ(run_gather(Stored::kHalfReadTwice).own_bytes,
            run_gather(Stored::kHalf).own_bytes + 240 * 4);
  const auto product_bytes = [&](Stored stored) {
    return run_batch_matmul(stored, {1, 70}, {30, 70}, false, true, halves).own_bytes;
  };
  EXPECT_EQ(product_bytes(Stored::kHalfReadTwice), product_bytes(Stored::kHalf) + 30 * 70 * 4);
}

TEST(HalfWeights, MayBeInfinite) {
  std::vector<uint16_t> halves = random_halves(30 * 70);
  halves[71] = 0x7c00;
  const Ran ran = run_fully_connected(Stored::kHalf, 1, halves);
  EXPECT_EQ(std::abs(ran.output[1]), std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace zeolite::testing
