// TFLite_Detection_PostProcess: boxes from a detector's encodings, without those that overlap.
//   encodings [1, N, 4 or more]: y, x, h, w    scores [1, N, C or C + 1]: with a background class
//   first    anchors [N, 4]: y, x, h, w
//   box i: centre = encoding / scale * anchor size + anchor centre, size = e^(encoding / scale) *
//   anchor size
//   outputs boxes [1, M, 4]: top, left, bottom, right, classes [1, M], scores [1, M], count [1]
// Options (FlexBuffers): max_detections D, max_classes_per_detection K, detections_per_class,
// use_regular_nms, nms_score_threshold, nms_iou_threshold, num_classes C, y_scale, x_scale, h_scale,
// w_scale. M = D * K.
//   fast:    each box competes once, with its best class; the survivors' K best classes are given
//   regular: each class has its own competition; the D best of all are given
// Encodings, scores and anchors are float32, or uint8 with a scale. What no detection fills is 0.
#include <algorithm>
#include <cmath>
#include <numeric>

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

struct Box {
  float top, left, bottom, right;
};

struct Detection {
  int64_t box;
  int32_t label;
  float score;
};

struct State : OpState {
  Settings settings;
  std::vector<Box> boxes;
  std::vector<float> scores;
  std::vector<int64_t> order;
  std::vector<uint8_t> is_out;
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

float overlap(const Box& a, const Box& b) {
  const float area_a = (a.bottom - a.top) * (a.right - a.left);
  const float area_b = (b.bottom - b.top) * (b.right - b.left);
  if (area_a <= 0 || area_b <= 0) return 0;
  const float height = std::max(std::min(a.bottom, b.bottom) - std::max(a.top, b.top), 0.0f);
  const float width = std::max(std::min(a.right, b.right) - std::max(a.left, b.left), 0.0f);
  const float both = height * width;
  return both / (area_a + area_b - both);
}

// Calls keep(box) for up to `most` boxes by falling score, without those that overlap a kept one.
template <class Score, class Keep>
void compete(State& state, int64_t most, const Score& score, const Keep& keep) {
  state.order.clear();
  for (size_t i = 0; i < state.boxes.size(); ++i) {
    if (score(i) >= state.settings.score_threshold) state.order.push_back(i);
  }
  std::ranges::stable_sort(state.order, [&](int64_t a, int64_t b) { return score(a) > score(b); });
  state.is_out.assign(state.order.size(), 0);
  int64_t kept = 0;
  for (size_t i = 0; i < state.order.size() && kept < most; ++i) {
    if (state.is_out[i]) continue;
    keep(state.order[i]);
    ++kept;
    for (size_t k = i + 1; k < state.order.size(); ++k) {
      if (!state.is_out[k] && overlap(state.boxes[state.order[i]], state.boxes[state.order[k]]) >
                                  state.settings.overlap_threshold) {
        state.is_out[k] = 1;
      }
    }
  }
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

void run_fast(const EvalContext& context, State& state, int64_t columns, int64_t background) {
  const Settings& settings = state.settings;
  const float* scores = state.scores.data() + background;
  const auto best = [&](int64_t box) {
    return *std::max_element(scores + box * columns, scores + box * columns + settings.classes);
  };
  std::vector<float> best_scores(state.boxes.size());
  for (size_t i = 0; i < best_scores.size(); ++i) best_scores[i] = best(i);
  const int32_t shown = std::min(settings.classes_per_detection, settings.classes);
  std::vector<int32_t> labels(settings.classes);
  Writer writer(context);
  int64_t count = 0;
  compete(
      state, settings.max_detections, [&](int64_t box) { return best_scores[box]; },
      [&](int64_t box) {
        const float* row = scores + box * columns;
        std::iota(labels.begin(), labels.end(), 0);
        std::ranges::stable_sort(labels, [&](int32_t a, int32_t b) { return row[a] > row[b]; });
        for (int32_t i = 0; i < shown; ++i) {
          writer.write(count * settings.classes_per_detection + i, state.boxes[box], labels[i],
                       row[labels[i]]);
        }
        ++count;
      });
  writer.finish(count);
}

void run_regular(const EvalContext& context, State& state, int64_t columns, int64_t background) {
  const Settings& settings = state.settings;
  const int64_t per_class = std::min(settings.detections_per_class, settings.max_detections);
  std::vector<Detection> best;
  for (int32_t label = 0; label < settings.classes; ++label) {
    const float* scores = state.scores.data() + background + label;
    const auto middle = static_cast<std::ptrdiff_t>(best.size());
    compete(
        state, per_class, [&](int64_t box) { return scores[box * columns]; },
        [&](int64_t box) { best.push_back({box, label, scores[box * columns]}); });
    std::inplace_merge(best.begin(), best.begin() + middle, best.end(),
                       [](const Detection& a, const Detection& b) { return a.score > b.score; });
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
  for (size_t i = 0; i < state.scores.size(); ++i) state.scores[i] = real_of(context, 1, i);
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
