// Layers that do nothing when a model is not being trained.
#include "core/convert/lower/layers.h"

namespace zeolite {

Status lower_identity(LayerContext& layer) {
  ZEOLITE_TRY(layer.expect_inputs(1));
  layer.set_output(layer.value(0));
  return Status();
}

}  // namespace zeolite
