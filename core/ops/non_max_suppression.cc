// NON_MAX_SUPPRESSION_V4 (1), _V5 (1): the best boxes that do not overlap too much.
//   boxes float32 [n, 4]: y1, x1, y2, x2 of two opposite corners    scores float32 [n]
//   count int32, overlap float32, least score float32, V5: sigma float32 (of soft suppression)
//   -> indices int32 [count]; V5: their scores float32 [count]; how many there are int32
// What is left of the outputs is 0. The overlap of two boxes is the area of both over the area of
// either. With sigma > 0 (Bodla et al., "Soft-NMS", ICCV 2017) a box loses score by
// exp(-overlap^2 / (2 sigma)) for each chosen one, and none is dropped for its overlap.
#include <algorithm>
#include <cmath>
#include <queue>
#include <vector>

#include "core/ops/box.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

bool is_soft(const OpContext& context) {
  return context.code() == BuiltinOperator::kNonMaxSuppressionV5;
}

Status infer(InferContext& context) {
  ZEOLITE_TRY(require_rank(context, 0, 2));
  ZEOLITE_TRY(require_size(context, 0, 1, 4, "numbers for a box"));
  ZEOLITE_TRY(require_rank(context, 1, 1));
  ZEOLITE_TRY(require_size(context, 1, 0, context.input(0).shape[0], "scores"));
  for (size_t i = 2; i < context.input_count(); ++i) {
    ZEOLITE_TRY(require_one(context, i, "number"));
  }
  const size_t last = is_soft(context) ? 2 : 1;
  ZEOLITE_TRY(context.set_output(last, TensorType::kInt32, {}));
  if (!context.input(2).has_data) {
    if (is_soft(context)) ZEOLITE_TRY(context.set_output_unknown(1, TensorType::kFloat32));
    return context.set_output_unknown(0, TensorType::kInt32);
  }
  ZEOLITE_ASSIGN(const int64_t count, integer_of(context, 2));
  if (count < 0) return bad_input("the count of boxes is " + std::to_string(count));
  const Shape shape = {static_cast<int32_t>(count)};
  if (is_soft(context)) ZEOLITE_TRY(context.set_output(1, TensorType::kFloat32, shape));
  return context.set_output(0, TensorType::kInt32, shape);
}

Box box_at(const float* boxes, int32_t index) {
  const float* corners = boxes + static_cast<int64_t>(index) * 4;
  return {std::min(corners[0], corners[2]), std::min(corners[1], corners[3]),
          std::max(corners[0], corners[2]), std::max(corners[1], corners[3])};
}

struct Candidate {
  int32_t index;
  float score;
  size_t seen;  // Of the chosen boxes those that it was compared with.

  // The best is taken first; of equal ones the first of the input.
  bool operator<(const Candidate& other) const {
    return score < other.score || (score == other.score && index > other.index);
  }
};

Status eval(EvalContext& context) {
  const float* boxes = context.in<float>(0);
  const float* scores = context.in<float>(1);
  const auto count = static_cast<size_t>(std::max(*context.in<int32_t>(2), 0));
  const float most_overlap = *context.in<float>(3);
  const float least_score = *context.in<float>(4);
  const float sigma = is_soft(context) ? *context.in<float>(5) : 0.0f;
  const float scale = sigma > 0 ? -0.5f / sigma : 0.0f;

  std::priority_queue<Candidate> candidates;
  for (int32_t i = 0; i < context.input(1).shape[0]; ++i) {
    if (scores[i] > least_score) candidates.push({i, scores[i], 0});
  }
  std::vector<Candidate> chosen;
  while (chosen.size() < count && !candidates.empty()) {
    Candidate next = candidates.top();
    candidates.pop();
    const float before = next.score;
    bool is_dropped = false;
    // The last chosen ones overlap most likely.
    for (size_t k = chosen.size(); k-- > next.seen && !is_dropped;) {
      const float common = overlap(box_at(boxes, next.index), box_at(boxes, chosen[k].index));
      if (sigma > 0) next.score *= std::exp(scale * common * common);
      if (sigma <= 0 && common > most_overlap) is_dropped = true;
      if (sigma > 0 && common > most_overlap) next.score = 0;
      if (next.score <= least_score) is_dropped = true;
    }
    next.seen = chosen.size();
    if (is_dropped) continue;
    if (next.score == before) {
      chosen.push_back(next);
    } else {
      candidates.push(next);
    }
  }
  const size_t total = product(context.output(0).shape);
  for (size_t i = 0; i < total; ++i) {
    const bool is_one = i < chosen.size();
    context.out<int32_t>(0)[i] = is_one ? chosen[i].index : 0;
    if (is_soft(context)) context.out<float>(1)[i] = is_one ? chosen[i].score : 0;
  }
  *context.out<int32_t>(is_soft(context) ? 2 : 1) = static_cast<int32_t>(chosen.size());
  return {};
}

}  // namespace

const OpKernel kNonMaxSuppressionOp = {infer, nullptr, eval};

}  // namespace zeolite
