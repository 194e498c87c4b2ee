// Dense: FULLY_CONNECTED along the last axis.
#include <algorithm>
#include <utility>

#include "core/convert/lower/activations.h"
#include "core/convert/lower/convolution_shapes.h"
#include "core/convert/lower/layers.h"

namespace zeolite {

Status lower_dense(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  ZEOLITE_ASSIGN(const int32_t input, layer.input());
  GraphBuilder& builder = layer.builder();
  Shape shape = builder.shape(input);
  if (shape.size() < 2) return refuse("its input has no axis beside the batch");
  ZEOLITE_ASSIGN(const int32_t units, layer.size("units"));
  ZEOLITE_ASSIGN(const SourceWeight* kernel, layer.weight("kernel", Shape{shape.back(), units}));
  const int32_t inputs = kernel->shape[0];
  const int32_t outputs = kernel->shape[1];
  ZEOLITE_ASSIGN(const SourceWeight* bias, read_bias(layer, outputs));
  const int32_t weights =
      builder.floats("kernel", {outputs, inputs}, [&](std::span<float> values) {
        for (int64_t o = 0; o < outputs; ++o) {
          for (int64_t i = 0; i < inputs; ++i) {
            values[static_cast<size_t>(o * inputs + i)] = weight_value(*kernel, i * outputs + o);
          }
        }
      });
  FullyConnectedOptions options;
  options.keep_num_dims = shape.size() > 2;
  shape.back() = outputs;
  const int32_t bias_tensor =
      bias == nullptr ? kNoTensor : bias_constant(layer, outputs, bias);
  const int32_t result =
      builder.add(BuiltinOperator::kFullyConnected, options, {input, weights, bias_tensor},
                  builder.type(input), shape);
  ZEOLITE_ASSIGN(Value output,
                 apply_activation(layer, layer.config()["activation"], Value{result, {}}));
  layer.set_output(std::move(output));
  return Status();
}

}  // namespace zeolite
