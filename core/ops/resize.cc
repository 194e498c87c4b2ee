// RESIZE_BILINEAR (1 to 4), RESIZE_NEAREST_NEIGHBOR (1 to 4): another height and width.
//   input [N,H,W,C]    size int32 [2]: height and width, 1 or more    output [N,size[0],size[1],C]
// The source of output row y is y * scale; with half_pixel_centers (y + 0.5) * scale - 0.5; scale
// is H / size[0], or with align_corners (H - 1) / (size[0] - 1). Both together are an error
// of RESIZE_BILINEAR.
// RESIZE_BILINEAR takes float32, int8, uint8 and int16; scales play no part. int8 and int16 are
// mixed with weights of 10 bits, uint8 in float32.
#include "core/kernels/resize_2d.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/quantized_binary.h"

namespace zeolite {
namespace {

bool is_bilinear(const OpContext& context) {
  return context.code() == BuiltinOperator::kResizeBilinear;
}

Resize2DShape options_of(const OpContext& context) {
  Resize2DShape shape;
  const auto read = [&](const auto& options) {
    shape.align_corners = options.align_corners;
    shape.half_pixel_centers = options.half_pixel_centers;
  };
  if (is_bilinear(context)) {
    read(context.options<ResizeBilinearOptions>());
  } else {
    read(context.options<ResizeNearestNeighborOptions>());
  }
  return shape;
}

Status infer(InferContext& context) {
  const Operand& input = context.input(0);
  ZEOLITE_TRY(require_rank(context, 0, 4));
  ZEOLITE_TRY(require_rank(context, 1, 1));
  ZEOLITE_TRY(require_size(context, 1, 0, 2, "sizes"));
  const Resize2DShape options = options_of(context);
  if (is_bilinear(context) && options.align_corners && options.half_pixel_centers) {
    return bad_input("align_corners and half_pixel_centers exclude each other");
  }
  if (!context.input(1).has_data) return context.set_output_unknown(0, input.type);
  ZEOLITE_ASSIGN(const Shape size, shape_of_integers(context, 1));
  if (size[0] < 1 || size[1] < 1) {
    return bad_input("the new size " + shape_text(size) + " is empty");
  }
  if (input.shape[1] == 0 || input.shape[2] == 0) return bad_input("the input has no pixels");
  return context.set_output(0, input.type, {input.shape[0], size[0], size[1], input.shape[3]});
}

struct State : OpState {
  Resize2DShape shape;
};

Status prepare(PrepareContext& context) {
  Resize2DShape shape = options_of(context);
  const Shape& input = context.input(0).shape;
  const Shape& output = context.output(0).shape;
  shape.batch = input[0];
  shape.input_height = input[1];
  shape.input_width = input[2];
  shape.channels = input[3];
  shape.output_height = output[1];
  shape.output_width = output[2];
  context.state<State>().shape = shape;
  const bool is_float = context.input(0).type == TensorType::kFloat32;
  context.choose(!is_bilinear(context) ? "resize_nearest"
                 : is_float            ? "f32_resize_bilinear"
                                       : "integer_resize_bilinear");
  return {};
}

Status eval(EvalContext& context) {
  const Resize2DShape& shape = context.state<State>().shape;
  if (context.output(0).bytes == 0) return {};
  const TensorType type = context.input(0).type;
  if (is_bilinear(context) && type == TensorType::kUint8) {
    u8_resize_bilinear(shape, context.in<uint8_t>(0), context.out<uint8_t>(0), context.threads());
  } else if (is_bilinear(context) && type != TensorType::kFloat32) {
    integer_resize_bilinear(shape, small_integer(type), context.input(0).data,
                            context.output(0).writable, context.threads());
  } else if (is_bilinear(context)) {
    f32_resize_bilinear(shape, context.in<float>(0), context.out<float>(0), context.threads());
  } else {
    resize_nearest(shape, bits_per_element(context.input(0).type) / 8, context.input(0).data,
                   context.output(0).writable, context.threads());
  }
  return {};
}

}  // namespace

const OpKernel kResizeOp = {infer, prepare, eval};

}  // namespace zeolite
