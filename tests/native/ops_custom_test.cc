// Custom operators: cases that can be computed by hand, and options that no writer made.
#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "core/ops/custom_options.h"
#include "flatbuffers/flexbuffers.h"
#include "tests/native/support/model_builder.h"

namespace zeolite::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

constexpr TensorType kFloat = TensorType::kFloat32;

template <class Fill>
std::vector<uint8_t> options_of(const Fill& fill) {
  flexbuffers::Builder builder;
  builder.Map([&] { fill(builder); });
  builder.Finish();
  return builder.GetBuffer();
}

std::vector<uint8_t> struct_of(const std::vector<int32_t>& fields) {
  std::vector<uint8_t> bytes(fields.size() * 4);
  std::memcpy(bytes.data(), fields.data(), bytes.size());
  return bytes;
}

// One custom operator on float32 inputs (and others as `constants`, which follow them).
struct Custom {
  std::string name;
  std::vector<uint8_t> options;
  std::vector<Values<float>> inputs;
  int outputs = 1;
  int version = 1;
  std::vector<Values<int32_t>> constants = {};

  ModelBuilder build() const {
    ModelBuilder builder;
    std::vector<int32_t> tensors;
    for (const Values<float>& input : inputs) {
      tensors.push_back(builder.input(kFloat, input.shape));
    }
    for (const Values<int32_t>& constant : constants) {
      tensors.push_back(builder.constant<int32_t>(constant.shape, constant.data));
    }
    const int32_t first =
        builder.ops(BuiltinOperator::kCustom, tensors, kFloat, outputs, {}, version);
    Operator& op = builder.main().operators[0];
    op.custom_name = name;
    const uint32_t buffer =
        builder.model().add_buffer(std::move(Bytes::copy_of(options, "options")).value());
    op.custom_options = builder.model().buffers[buffer].data;
    for (int i = 0; i < outputs; ++i) builder.output(first + i);
    return builder;
  }

  std::vector<Values<float>> run() const {
    Result<std::unique_ptr<Interpreter>> made = build().interpreter();
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
    if (!made.ok()) return {};
    for (size_t i = 0; i < inputs.size(); ++i) set_input<float>(*made.value(), i, inputs[i]);
    const Status status = made.value()->run(0);
    EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    std::vector<Values<float>> results;
    for (int i = 0; i < outputs; ++i) results.push_back(output_values<float>(*made.value(), i));
    return results;
  }

  std::string error() const {
    Result<std::unique_ptr<Interpreter>> made = build().interpreter();
    if (!made.ok()) return made.error().message;
    for (size_t i = 0; i < inputs.size(); ++i) {
      Result<std::span<uint8_t>> target(std::span<uint8_t>{});
      if (!made.value()->prepare(0).ok()) break;
      target = made.value()->input_data(0, i);
      std::memcpy(target->data(), inputs[i].data.data(), target->size());
    }
    const Status status = made.value()->run(0);
    return status.ok() ? "" : status.error().message;
  }
};

Custom detection(bool regular) {
  Custom custom;
  custom.name = "TFLite_Detection_PostProcess";
  custom.outputs = 4;
  custom.options = options_of([&](flexbuffers::Builder& map) {
    map.Int("max_detections", 3);
    map.Int("max_classes_per_detection", 1);
    map.Int("detections_per_class", 2);
    map.Bool("use_regular_nms", regular);
    map.Float("nms_score_threshold", 0.1f);
    map.Float("nms_iou_threshold", 0.5f);
    map.Int("num_classes", 2);
    for (const char* key : {"y_scale", "x_scale"}) map.Float(key, 10);
    for (const char* key : {"h_scale", "w_scale"}) map.Float(key, 5);
  });
  // Boxes 0 and 1 are nearly the same, 2 is apart; the first column is the background.
  custom.inputs = {{{1, 3, 4}, std::vector<float>(12, 0)},
                   {{1, 3, 3}, {0, 0.9f, 0.2f, 0, 0.8f, 0.7f, 0, 0.3f, 0.05f}},
                   {{3, 4}, {1, 1, 2, 2, 1, 1.1f, 2, 2, 9, 9, 2, 2}}};
  return custom;
}

TEST(DetectionPostProcess, FastKeepsEachBoxsBestClassAndDropsOverlaps) {
  const std::vector<Values<float>> results = detection(false).run();
  ASSERT_EQ(results.size(), 4u);
  EXPECT_THAT(results[0].data, ElementsAre(0, 0, 2, 2, 8, 8, 10, 10, 0, 0, 0, 0));
  EXPECT_THAT(results[1].data, ElementsAre(0, 0, 0));
  EXPECT_THAT(results[2].data, ElementsAre(0.9f, 0.3f, 0));
  EXPECT_THAT(results[3].data, ElementsAre(2));
}

TEST(DetectionPostProcess, RegularLetsEachClassCompeteAlone) {
  const std::vector<Values<float>> results = detection(true).run();
  ASSERT_EQ(results.size(), 4u);
  EXPECT_THAT(results[1].data, ElementsAre(0, 1, 0));
  EXPECT_THAT(results[2].data, ElementsAre(0.9f, 0.7f, 0.3f));
  EXPECT_THAT(results[3].data, ElementsAre(3));
}

TEST(DetectionPostProcess, RefusesBoxesOfNegativeSizeAndOptionsThatDoNotFit) {
  Custom custom = detection(false);
  custom.inputs[2].data[2] = -1;
  EXPECT_THAT(custom.error(), HasSubstr("box 0 has a negative size"));
  custom = detection(false);
  custom.inputs[1] = {{1, 3, 5}, std::vector<float>(15, 0)};
  EXPECT_THAT(custom.error(), HasSubstr("scores have 5 classes"));
  custom.options.clear();
  EXPECT_THAT(custom.error(), HasSubstr("max_detections is absent"));
}

TEST(CustomOptions, RefusesOrReadsAnyBytes) {
  std::vector<uint8_t> sound = detection(false).options;
  std::mt19937 random(3);
  Operator op;
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> bytes = sound;
    for (int i = 0; i < 1 + round % 4; ++i) bytes[random() % bytes.size()] = random() & 255;
    if (round % 3 == 0) bytes.resize(random() % bytes.size());
    op.custom_options = bytes;
    const Result<CustomOptions> options = CustomOptions::read(op);
    if (!options.ok()) continue;
    for (const char* key : {"max_detections", "num_classes", "y_scale", "", "zzz"}) {
      options.value().integer(key);
      options.value().real(key);
      options.value().integers(key);
      options.value().text(key);
    }
  }
}

TEST(TransposeConvBias, AddsTheFilterAtEachStepAndTheBias) {
  Custom custom;
  custom.name = "Convolution2DTransposeBias";
  custom.options = struct_of({2, 2, 2});
  custom.inputs = {{{1, 1, 2, 1}, {1, 10}}, {{1, 2, 2, 1}, {1, 2, 3, 4}}, {{1}, {0.5f}}};
  std::vector<Values<float>> results = custom.run();
  EXPECT_THAT(results[0].shape, ElementsAre(1, 2, 4, 1));
  EXPECT_THAT(results[0].data,
              ElementsAre(1.5f, 2.5f, 10.5f, 20.5f, 3.5f, 4.5f, 30.5f, 40.5f));
  // SAME cuts a row off the end of an odd input, none off an even one.
  custom.options = struct_of({1, 2, 2});
  results = custom.run();
  EXPECT_THAT(results[0].shape, ElementsAre(1, 1, 4, 1));
  EXPECT_THAT(results[0].data, ElementsAre(1.5f, 2.5f, 10.5f, 20.5f));
  custom.options = struct_of({1, 0, 2});
  EXPECT_THAT(custom.error(), HasSubstr("strides"));
  custom.options = {1, 0};
  EXPECT_THAT(custom.error(), HasSubstr("custom options have 2 bytes"));
}

TEST(MaxPoolingWithArgmax, IsUndoneByMaxUnpooling) {
  Custom pool;
  pool.name = "MaxPoolingWithArgmax2D";
  pool.options = struct_of({2, 2, 2, 2, 2, 0});
  pool.outputs = 2;
  pool.inputs = {{{1, 2, 4, 1}, {1, 2, 7, 3, 5, 4, 6, 0}}};
  const std::vector<Values<float>> pooled = pool.run();
  EXPECT_THAT(pooled[0].data, ElementsAre(5, 7));
  EXPECT_THAT(pooled[1].data, ElementsAre(2.1f, 0.1f));
  Custom unpool;
  unpool.name = "MaxUnpooling2D";
  unpool.options = pool.options;
  unpool.inputs = {pooled[0], pooled[1]};
  EXPECT_THAT(unpool.run()[0].data, ElementsAre(0, 0, 7, 0, 5, 0, 0, 0));
  // A place that is none is left out.
  unpool.inputs[1].data = {-1e30f, 1e30f};
  EXPECT_THAT(unpool.run()[0].data, ElementsAre(0, 0, 0, 0, 0, 0, 0, 0));
}

Custom transform(int version, const std::vector<float>& matrix) {
  Custom custom;
  custom.name = "TransformTensorBilinear";
  custom.version = version;
  custom.options = options_of([](flexbuffers::Builder& map) {
    map.TypedVector("output_size", [&] {
      map.Int(2);
      map.Int(3);
    });
    map.String("mode", "bilinear");
  });
  custom.inputs = {{{1, 2, 3, 1}, {1, 2, 3, 4, 5, 6}}, {{1, 4, 4}, matrix}};
  return custom;
}

TEST(TransformTensor, MovesPixelsAndFillsWithZeros) {
  const std::vector<float> same = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  EXPECT_THAT(transform(1, same).run()[0].data, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(transform(2, same).run()[0].data, ElementsAre(1, 2, 3, 4, 5, 6));
  std::vector<float> moved = same;
  moved[3] = 0.5f;
  EXPECT_THAT(transform(1, moved).run()[0].data, ElementsAre(1.5f, 2.5f, 0, 4.5f, 5.5f, 0));
  std::vector<float> wild(16, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(transform(1, wild).run()[0].data, ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST(LandmarksToTransform, TakesTheOutputsMiddleToTheBoxsMiddle) {
  Custom custom;
  custom.name = "Landmarks2TransformMatrix";
  custom.version = 2;
  custom.options = options_of([](flexbuffers::Builder& map) {
    map.Int("left_rotation_idx", 0);
    map.Int("right_rotation_idx", 1);
    map.TypedVector("subset_idxs", [&] {
      map.Int(0);
      map.Int(1);
      map.Int(2);
    });
    map.Float("target_rotation_radians", 0);
    map.Int("output_height", 10);
    map.Int("output_width", 20);
    map.Float("scale_x", 1);
    map.Float("scale_y", 1);
  });
  // A level line of 40 and a point 20 below it: 2 pixels of the input for each of the output.
  custom.inputs = {{{1, 3, 3}, {10, 10, 0, 50, 10, 0, 30, 30, 0}}};
  EXPECT_THAT(custom.run()[0].data,
              Pointwise(FloatNear(1e-4f), {2, 0, 0, 10, 0, 2, 0, 10, 0, 0, 1, 0, 0, 0, 0, 1}));
  custom.inputs = {{{1, 2, 3}, std::vector<float>(6, 0)}};
  EXPECT_THAT(custom.error(), HasSubstr("name landmark 2 of 2"));
}

TEST(AudioSpectrogram, FindsAToneInItsBin) {
  Custom custom;
  custom.name = "AudioSpectrogram";
  custom.options = options_of([](flexbuffers::Builder& map) {
    map.Int("window_size", 8);
    map.Int("stride", 4);
    map.Bool("magnitude_squared", false);
  });
  std::vector<float> samples(12);
  for (int i = 0; i < 12; ++i) samples[i] = static_cast<float>(std::cos(2 * M_PI * 2 * i / 8));
  custom.inputs = {{{12, 1}, samples}};
  const std::vector<Values<float>> results = custom.run();
  EXPECT_THAT(results[0].shape, ElementsAre(1, 2, 5));
  // A Hann window gives half of 8 / 2 to the bin and a quarter to its neighbours.
  EXPECT_THAT(results[0].data,
              Pointwise(FloatNear(1e-5f), {0, 1, 2, 1, 0, 0, 1, 2, 1, 0}));
  custom.inputs = {{{7, 1}, std::vector<float>(7, 0)}};
  EXPECT_THAT(custom.run()[0].shape, ElementsAre(1, 0, 5));
}

TEST(Mfcc, GivesSilenceTheLeastLogarithm) {
  Custom custom;
  custom.name = "Mfcc";
  custom.options = options_of([](flexbuffers::Builder& map) {
    map.Int("upper_frequency_limit", 4000);
    map.Int("lower_frequency_limit", 20);
    map.Int("filterbank_channel_count", 4);
    map.Int("dct_coefficient_count", 2);
  });
  custom.inputs = {{{1, 1, 33}, std::vector<float>(33, 0)}};
  custom.constants = {{{1}, {16000}}};
  const auto first = static_cast<float>(std::sqrt(0.5) * 4 * std::log(1e-12));
  EXPECT_THAT(custom.run()[0].data, Pointwise(FloatNear(1e-4f), {first, 0.0f}));
  custom.constants = {{{1}, {0}}};
  EXPECT_THAT(custom.error(), HasSubstr("sample rate is 0"));
  custom.constants = {{{1}, {4000}}};
  EXPECT_THAT(custom.error(), HasSubstr("end below its upper_frequency_limit"));
}

}  // namespace
}  // namespace zeolite::testing
