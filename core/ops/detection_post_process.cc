// TFLite_Detection_PostProcess: boxes from a detector's encodings, without those that overlap.
//   encodings [1, N, 4 or more]: y, x, h, w    scores [1, N, C or C + 1]: with a background class
//   first    anchors [N, 4]: y, x, h, w
//   box i: centre = encoding / scale * anchor size + anchor centre, size = e^(encoding / scale) *
//   anchor size
//   outputs boxes [1, M, 4]: top, left, bottom, right, classes [1, M], scores [1, M], count [1]
// Options (FlexBuffers): max_detections D, max_classes_per_detection K, detections_per_class,
// use_regular_nms, nms_score_threshold, nms_iou_threshold, num_classes C, y_scale, x_scale,
// h_scale, w_scale. M = D * K.
//   fast:    each box competes once, with its best class; the survivors' K best classes are given
//   regular: each class has its own competition; the D best of all are given
// Encodings, scores and anchors are float32, or uint8 with a scale. What no detection fills is 0.
#include <algorithm>
#include <cmath>

#include "core/ops/box.h"
#include "core/ops/check.h"
#include "core/ops/custom_options.h"
#include "core/ops/kernels.h"
#include "core/ops/quantization.h"

namespace zeolite {
namespace {

struct Settings {
  int32_t max_detections = 0;
  int32_t classes_per_detection = 0;
  int32_t detections_per_class = 0;
  int32_t classes = 0;
  bool is_regular = false;
  float score_threshold = 0;
  float overlap_threshold = 0;
  float scale[4] = {};  // y, x, h, w
};

struct Rival {
  float score;
  int32_t label;
  int32_t box;
};

struct State : OpState {
  Settings settings;
  std::vector<Box> boxes;
  std::vector<float> scores;
};

Result<Settings> settings_of(const OpContext& context) {
  constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
  ZEOLITE_ASSIGN(const CustomOptions options, CustomOptions::read(context.op()));
  Settings settings;
  ZEOLITE_ASSIGN(settings.max_detections, options.integer_in("max_detections", 0, kMost / 2));
  ZEOLITE_ASSIGN(settings.classes_per_detection,
                 options.integer_in("max_classes_per_detection", 0, kMost));
  ZEOLITE_ASSIGN(settings.classes, options.integer_in("num_classes", 1, kMost - 1));
  settings.detections_per_class = 100;
  if (options.has("detections_per_class")) {
    ZEOLITE_ASSIGN(settings.detections_per_class,
                   options.integer_in("detections_per_class", 0, kMost));
  }
  settings.is_regular = options.boolean("use_regular_nms");
  settings.score_threshold = static_cast<float>(options.real("nms_score_threshold"));
  settings.overlap_threshold = static_cast<float>(options.real("nms_iou_threshold"));
  const char* const names[] = {"y_scale", "x_scale", "h_scale", "w_scale"};
  for (int i = 0; i < 4; ++i) settings.scale[i] = static_cast<float>(options.real(names[i]));
  if (!(settings.overlap_threshold > 0 && settings.overlap_threshold <= 1)) {
    return bad_input("its option nms_iou_threshold must be above 0 and at most 1");
  }
  const int32_t needed =
      settings.is_regular ? settings.detections_per_class : settings.classes_per_detection;
  if (needed == 0) return bad_input("its options leave no detections");
  return settings;
}

Status infer(InferContext& context) {
  ZEOLITE_ASSIGN(const Settings settings, settings_of(context));
  ZEOLITE_TRY(require_rank(context, 0, 3));
  ZEOLITE_TRY(require_rank(context, 1, 3));
  ZEOLITE_TRY(require_rank(context, 2, 2));
  const Shape& encodings = context.input(0).shape;
  ZEOLITE_TRY(require_size(context, 0, 0, 1, "images"));
  ZEOLITE_TRY(require_size(context, 1, 0, 1, "images"));
  ZEOLITE_TRY(require_size(context, 1, 1, encodings[1], "boxes"));
  ZEOLITE_TRY(require_size(context, 2, 0, encodings[1], "anchors"));
  ZEOLITE_TRY(require_size(context, 2, 1, 4, "numbers"));
  if (encodings[2] >= 0 && encodings[2] < 4) return bad_input("a box has fewer than 4 numbers");
  const int32_t columns = context.input(1).shape[2];
  if (columns >= 0 && columns != settings.classes && columns != settings.classes + 1) {
    return bad_input("scores have " + std::to_string(columns) + " classes, expected " +
                     std::to_string(settings.classes) + ", or one more for the background");
  }
  if (context.input(0).type != context.input(2).type) {
    return bad_input("encodings and anchors have different types");
  }
  for (size_t i = 0; i < 3; ++i) {
    if (context.input(i).type == TensorType::kFloat32) continue;
    ZEOLITE_TRY(input_affine(context, i).take_status());
  }
  int32_t detections;
  if (__builtin_mul_overflow(settings.max_detections, settings.classes_per_detection,
                             &detections)) {
    return bad_input("too many detections");
  }
  // The regular competition fills max_detections rows.
  if (settings.is_regular && detections < settings.max_detections) {
    return bad_input("its option max_classes_per_detection must be 1 or more");
  }
  ZEOLITE_TRY(context.set_output(0, TensorType::kFloat32, {1, detections, 4}));
  ZEOLITE_TRY(context.set_output(1, TensorType::kFloat32, {1, detections}));
  ZEOLITE_TRY(context.set_output(2, TensorType::kFloat32, {1, detections}));
  return context.set_output(3, TensorType::kFloat32, {1});
}

Status prepare(PrepareContext& context) {
  State& state = context.state<State>();
  ZEOLITE_ASSIGN(state.settings, settings_of(context));
  return {};
}

// Element `i` of a float32 or uint8 input.
float real_of(const EvalContext& context, size_t input, int64_t i) {
  const Operand& operand = context.input(input);
  if (operand.type == TensorType::kFloat32) return context.in<float>(input)[i];
  return (static_cast<float>(operand.data[i]) -
          static_cast<float>(operand.quantization->zero_point[0])) *
         operand.quantization->scale[0];
}

Status decode_boxes(const EvalContext& context, State& state) {
  const Shape& shape = context.input(0).shape;
  state.boxes.resize(shape[1]);
  for (int64_t i = 0; i < shape[1]; ++i) {
    double encoding[4];
    double anchor[4];
    for (int k = 0; k < 4; ++k) {
      encoding[k] = static_cast<double>(real_of(context, 0, i * shape[2] + k)) /
                    static_cast<double>(state.settings.scale[k]);
      anchor[k] = real_of(context, 2, i * 4 + k);
    }
    const auto y = static_cast<float>(encoding[0] * anchor[2] + anchor[0]);
    const auto x = static_cast<float>(encoding[1] * anchor[3] + anchor[1]);
    const auto half_h = static_cast<float>(0.5 * std::exp(encoding[2]) * anchor[2]);
    const auto half_w = static_cast<float>(0.5 * std::exp(encoding[3]) * anchor[3]);
    const Box box = {y - half_h, x - half_w, y + half_h, x + half_w};
    if (box.top > box.bottom || box.left > box.right) {
      return bad_input("box " + std::to_string(i) + " has a negative size");
    }
    state.boxes[i] = box;
  }
  return {};
}

// By falling score; of equal ones the lower label, then the earlier box is first.
void sort_rivals(std::vector<Rival>& rivals) {
  std::ranges::sort(rivals, [](const Rival& a, const Rival& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.label != b.label ? a.label < b.label : a.box < b.box;
  });
}

// The best of `rivals`, up to `most`, without those below the threshold and those that overlap a
// better one.
std::vector<Rival> survivors(const State& state, std::vector<Rival> rivals, int64_t most) {
  std::erase_if(rivals, [&](const Rival& rival) {
    return !(rival.score >= state.settings.score_threshold);
  });
  sort_rivals(rivals);
  std::vector<Rival> kept;
  for (const Rival& rival : rivals) {
    if (static_cast<int64_t>(kept.size()) >= most) break;
    const bool is_out = std::ranges::any_of(kept, [&](const Rival& better) {
      return overlap(state.boxes[better.box], state.boxes[rival.box]) >
             state.settings.overlap_threshold;
    });
    if (!is_out) kept.push_back(rival);
  }
  return kept;
}

class Writer {
 public:
  explicit Writer(const EvalContext& context) : context_(context) {
    for (size_t i = 0; i < 4; ++i) {
      std::fill_n(context.out<uint8_t>(i), context.output(i).bytes, uint8_t{0});
    }
  }
  void write(int64_t row, const Box& box, int32_t label, float score) {
    const float corners[] = {box.top, box.left, box.bottom, box.right};
    std::copy_n(corners, 4, context_.out<float>(0) + 4 * row);
    context_.out<float>(1)[row] = static_cast<float>(label);
    context_.out<float>(2)[row] = score;
  }
  void finish(int64_t count) { *context_.out<float>(3) = static_cast<float>(count); }

 private:
  const EvalContext& context_;
};

void run_fast(const EvalContext& context, const State& state, int64_t columns,
              int64_t background) {
  const Settings& settings = state.settings;
  // A box's classes by falling score.
  const auto row_of = [&](size_t box) {
    std::vector<Rival> row(settings.classes);
    for (int32_t label = 0; label < settings.classes; ++label) {
      row[label] = {state.scores[box * columns + background + label], label,
                    static_cast<int32_t>(box)};
    }
    sort_rivals(row);
    return row;
  };
  std::vector<Rival> rivals(state.boxes.size());
  for (size_t box = 0; box < rivals.size(); ++box) {
    const float* scores = state.scores.data() + box * columns + background;
    rivals[box] = {*std::max_element(scores, scores + settings.classes), 0,
                   static_cast<int32_t>(box)};
  }
  const int32_t shown = std::min(settings.classes_per_detection, settings.classes);
  Writer writer(context);
  int64_t count = 0;
  for (const Rival& best : survivors(state, std::move(rivals), settings.max_detections)) {
    const std::vector<Rival> row = row_of(best.box);
    for (int32_t i = 0; i < shown; ++i) {
      writer.write(count * settings.classes_per_detection + i, state.boxes[best.box],
                   row[i].label, row[i].score);
    }
    ++count;
  }
  writer.finish(count);
}

void run_regular(const EvalContext& context, const State& state, int64_t columns,
                 int64_t background) {
  const Settings& settings = state.settings;
  const int64_t per_class = std::min(settings.detections_per_class, settings.max_detections);
  std::vector<Rival> best;
  for (int32_t label = 0; label < settings.classes; ++label) {
    std::vector<Rival> rivals(state.boxes.size());
    for (size_t box = 0; box < rivals.size(); ++box) {
      rivals[box] = {state.scores[box * columns + background + label], label,
                     static_cast<int32_t>(box)};
    }
    const std::vector<Rival> kept = survivors(state, std::move(rivals), per_class);
    best.insert(best.end(), kept.begin(), kept.end());
    sort_rivals(best);
    if (best.size() > static_cast<size_t>(settings.max_detections)) {
      best.resize(settings.max_detections);
    }
  }
  Writer writer(context);
  for (size_t i = 0; i < best.size(); ++i) {
    writer.write(static_cast<int64_t>(i), state.boxes[best[i].box], best[i].label, best[i].score);
  }
  writer.finish(static_cast<int64_t>(best.size()));
}

Status eval(EvalContext& context) {
  State& state = context.state<State>();
  ZEOLITE_TRY(decode_boxes(context, state));
  const int64_t columns = context.input(1).shape[2];
  state.scores.resize(state.boxes.size() * columns);
  for (size_t i = 0; i < state.scores.size(); ++i) {
    const float score = real_of(context, 1, i);
    // What is no number has no place in an order.
    state.scores[i] = std::isnan(score) ? -std::numeric_limits<float>::infinity() : score;
  }
  const int64_t background = columns - state.settings.classes;
  if (state.settings.is_regular) {
    run_regular(context, state, columns, background);
  } else {
    run_fast(context, state, columns, background);
  }
  return {};
}

}  // namespace

const OpKernel kDetectionPostProcessOp = {infer, prepare, eval};

}  // namespace zeolite
