// Custom operators of MediaPipe's models that cut a turned part out of an image.
//
// TransformTensorBilinear (1, 2; TransformTensor: 1): output pixel (x, y) is the input at
// matrix . (x, y, 0, 1), bilinearly; 0 where that lies outside. Version 2 takes the middles of
// pixels: (x + 1/2, y + 1/2), and 1/2 less of the result.
//   input float32 [1, H, W, C], matrix float32 with 16 elements    output [1, h, w, C]
//   Options (FlexBuffers): output_size [h, w]; mode "bilinear"
//
// Landmarks2TransformMatrix (1, 2): that matrix, for the box around some landmarks, turned so that
// the line between two of them is level (1) or has a given angle (2).
//   landmarks float32, x, y, z each    output [1, 4, 4]
//   Options (FlexBuffers): left_rotation_idx, right_rotation_idx; 1: subset, input_hw, output_hw,
//   dimensions (3), landmarks_range, bbox_size_multiplier; 2: subset_idxs, target_rotation_radians,
//   output_width, output_height, scale_x, scale_y
#include <algorithm>
#include <array>
#include <cmath>

#include "core/ops/check.h"
#include "core/ops/custom_options.h"
#include "core/ops/kernels.h"

namespace zeolite {
namespace {

constexpr int32_t kMost = std::numeric_limits<int32_t>::max();

// Two sizes, each above 0.
Result<std::array<int32_t, 2>> sizes_of(const CustomOptions& options, const char* key) {
  const std::vector<int64_t> sizes = options.integers(key);
  if (sizes.size() != 2 || sizes[0] < 1 || sizes[1] < 1 || sizes[0] > kMost || sizes[1] > kMost) {
    return bad_input("its option " + std::string(key) + " is no height and width above 0");
  }
  return std::array<int32_t, 2>{static_cast<int32_t>(sizes[0]), static_cast<int32_t>(sizes[1])};
}

Status infer_transform(InferContext& context) {
  ZEOLITE_ASSIGN(const CustomOptions options, CustomOptions::read(context.op()));
  ZEOLITE_TRY(require_rank(context, 0, 4));
  ZEOLITE_TRY(require_size(context, 0, 0, 1, "images"));
  const int64_t elements = product(context.input(1).shape);
  if (elements >= 0 && elements != 16) return bad_input("its matrix is not 4 by 4");
  if (options.has("mode") && options.text("mode") != "bilinear") {
    return unsupported("mode " + options.text("mode") + ", only bilinear");
  }
  ZEOLITE_ASSIGN(const auto size, sizes_of(options, "output_size"));
  return context.set_output(0, TensorType::kFloat32,
                            {1, size[0], size[1], context.input(0).shape[3]});
}

Status eval_transform(EvalContext& context) {
  const float* matrix = context.in<float>(1);
  std::array<float, 3> to_x = {matrix[0], matrix[1], matrix[3]};
  std::array<float, 3> to_y = {matrix[4], matrix[5], matrix[7]};
  if (context.op().version >= 2) {
    to_x[2] += to_x[0] * 0.5f + to_x[1] * 0.5f - 0.5f;
    to_y[2] += to_y[0] * 0.5f + to_y[1] * 0.5f - 0.5f;
  }
  const Shape& input = context.input(0).shape;
  const Shape& output = context.output(0).shape;
  const int64_t height = input[1];
  const int64_t width = input[2];
  const int64_t channels = input[3];
  const float* image = context.in<float>(0);
  float* out = context.out<float>(0);
  for (int32_t row = 0; row < output[1]; ++row) {
    for (int32_t column = 0; column < output[2]; ++column, out += channels) {
      const float x = to_x[0] * static_cast<float>(column) + to_x[1] * static_cast<float>(row) +
                      to_x[2];
      const float y = to_y[0] * static_cast<float>(column) + to_y[1] * static_cast<float>(row) +
                      to_y[2];
      // NaN is outside too.
      const bool is_inside = x >= 0 && x <= static_cast<float>(width - 1) && y >= 0 &&
                             y <= static_cast<float>(height - 1);
      if (!is_inside) {
        std::fill_n(out, channels, 0.0f);
        continue;
      }
      // Sizes beyond 2^24 may round up to the edge.
      const int64_t left = std::min(static_cast<int64_t>(x), width - 1);
      const int64_t top = std::min(static_cast<int64_t>(y), height - 1);
      const float right_share = x - std::floor(x);
      const float lower_share = y - std::floor(y);
      const auto at = [&](int64_t v, int64_t u, int64_t c) {
        return v < height && u < width ? image[(v * width + u) * channels + c] : 0.0f;
      };
      for (int64_t c = 0; c < channels; ++c) {
        const float upper = (1.0f - right_share) * at(top, left, c) +
                            right_share * at(top, left + 1, c);
        const float lower = (1.0f - right_share) * at(top + 1, left, c) +
                            right_share * at(top + 1, left + 1, c);
        out[c] = lower_share * lower + (1.0f - lower_share) * upper;
      }
    }
  }
  return {};
}

struct LandmarkOptions {
  std::vector<int64_t> subset;
  int32_t left = 0;
  int32_t right = 0;
  std::array<int32_t, 2> input_size = {1, 1};   // Height, width.
  std::array<int32_t, 2> output_size = {1, 1};
  float range = 1;
  float scale_x = 1;
  float scale_y = 1;
  float angle = 0;
};

Result<LandmarkOptions> landmark_options(const OpContext& context) {
  ZEOLITE_ASSIGN(const CustomOptions options, CustomOptions::read(context.op()));
  const bool is_first = context.op().version == 1;
  LandmarkOptions result;
  ZEOLITE_ASSIGN(result.left, options.integer_in("left_rotation_idx", 0, kMost));
  ZEOLITE_ASSIGN(result.right, options.integer_in("right_rotation_idx", 0, kMost));
  result.subset = options.integers(is_first ? "subset" : "subset_idxs");
  if (result.subset.empty()) return bad_input("its options name no landmarks");
  if (is_first) {
    ZEOLITE_TRY(options.integer_in("dimensions", 3, 3).take_status());
    ZEOLITE_ASSIGN(result.input_size, sizes_of(options, "input_hw"));
    ZEOLITE_ASSIGN(result.output_size, sizes_of(options, "output_hw"));
    ZEOLITE_ASSIGN(const int32_t range, options.integer_in("landmarks_range", 1, kMost));
    result.range = static_cast<float>(range);
    result.scale_x = result.scale_y = static_cast<float>(options.real("bbox_size_multiplier"));
    if (result.scale_x == 0) return bad_input("its option bbox_size_multiplier is 0");
    return result;
  }
  ZEOLITE_ASSIGN(result.output_size[0], options.integer_in("output_height", 1, kMost));
  ZEOLITE_ASSIGN(result.output_size[1], options.integer_in("output_width", 1, kMost));
  result.angle = static_cast<float>(options.real("target_rotation_radians"));
  result.scale_x = static_cast<float>(options.real("scale_x"));
  result.scale_y = static_cast<float>(options.real("scale_y"));
  if (!(result.scale_x > 0) || !(result.scale_y > 0)) {
    return bad_input("its options scale_x and scale_y must be above 0");
  }
  return result;
}

Status infer_landmarks(InferContext& context) {
  ZEOLITE_ASSIGN(const LandmarkOptions options, landmark_options(context));
  const int64_t landmarks = product(context.input(0).shape) / 3;
  int64_t last = std::max(options.left, options.right);
  for (int64_t index : options.subset) {
    if (index < 0) return bad_input("its options name landmark " + std::to_string(index));
    last = std::max(last, index);
  }
  if (product(context.input(0).shape) >= 0 && last >= landmarks) {
    return bad_input("its options name landmark " + std::to_string(last) + " of " +
                     std::to_string(landmarks));
  }
  return context.set_output(0, TensorType::kFloat32, {1, 4, 4});
}

struct Point {
  float x = 0;
  float y = 0;

  Point turned(float angle) const {
    return {x * std::cos(angle) - y * std::sin(angle), x * std::sin(angle) + y * std::cos(angle)};
  }
};

Status eval_landmarks(EvalContext& context) {
  ZEOLITE_ASSIGN(const LandmarkOptions options, landmark_options(context));
  const bool is_first = context.op().version == 1;
  const float* landmarks = context.in<float>(0);
  const auto point = [&](int64_t index) {
    return Point{landmarks[3 * index], landmarks[3 * index + 1]};
  };
  const Point left = point(options.left);
  const Point right = point(options.right);
  const float angle = is_first ? -std::atan((right.y - left.y) / (right.x - left.x))
                               : options.angle - std::atan2(right.y - left.y, right.x - left.x);
  // The box around the turned landmarks.
  Point low = point(options.subset[0]).turned(angle);
  Point high = low;
  for (int64_t index : options.subset) {
    const Point turned = point(index).turned(angle);
    low = {std::min(low.x, turned.x), std::min(low.y, turned.y)};
    high = {std::max(high.x, turned.x), std::max(high.y, turned.y)};
  }
  const Point middle = Point{(low.x + high.x) / 2, (low.y + high.y) / 2}.turned(-angle);
  const float cosine = std::cos(-angle);
  const float sine = std::sin(-angle);
  const auto out_h = static_cast<float>(options.output_size[0]);
  const auto out_w = static_cast<float>(options.output_size[1]);
  float width = (high.x - low.x) * options.scale_x;
  float height = (high.y - low.y) * options.scale_y;
  // Pixels of the output, from its middle, by scale, turn and shift to those of the input.
  float x_per_x, x_per_y, y_per_x, y_per_y, shift_x, shift_y;
  if (is_first) {
    // Landmarks lie in [0, range]; pixels of both images count from edge to edge.
    const float to_x = (static_cast<float>(options.input_size[1]) - 1.0f) / 2.0f;
    const float to_y = (static_cast<float>(options.input_size[0]) - 1.0f) / 2.0f;
    const float from_x = 2.0f / (out_w - 1.0f);
    const float from_y = 2.0f / (out_h - 1.0f);
    width /= options.range;
    height /= options.range;
    x_per_x = to_x * cosine * width * from_x;
    x_per_y = to_x * -sine * height * from_y;
    y_per_x = to_y * sine * width * from_x;
    y_per_y = to_y * cosine * height * from_y;
    const float middle_x = middle.x / options.range * 2.0f - 1.0f;
    const float middle_y = middle.y / options.range * 2.0f - 1.0f;
    shift_x = to_x * (-cosine * width + sine * height + middle_x) + to_x;
    shift_y = to_y * (-sine * width - cosine * height + middle_y) + to_y;
  } else {
    x_per_x = cosine * width / out_w;
    x_per_y = -sine * height / out_h;
    y_per_x = sine * width / out_w;
    y_per_y = cosine * height / out_h;
    shift_x = middle.x - x_per_x * out_w / 2 - x_per_y * out_h / 2;
    shift_y = middle.y - y_per_x * out_w / 2 - y_per_y * out_h / 2;
  }
  const float matrix[] = {x_per_x, x_per_y, 0, shift_x, y_per_x, y_per_y, 0, shift_y,
                          0,       0,       1, 0,       0,       0,       0, 1};
  std::copy_n(matrix, 16, context.out<float>(0));
  return {};
}

}  // namespace

const OpKernel kTransformTensorOp = {infer_transform, nullptr, eval_transform};
const OpKernel kLandmarksToTransformOp = {infer_landmarks, nullptr, eval_landmarks};

}  // namespace zeolite
