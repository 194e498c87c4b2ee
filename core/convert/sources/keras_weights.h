// Weights from Keras' two HDF5 layouts into the layers of an architecture.
#pragma once

#include "core/base/status.h"
#include "core/convert/sources/keras_model.h"
#include "core/formats/hdf5.h"

namespace zeolite::keras {

// The layout of Keras 1, 2 and of Keras 3's .h5: `group` has the attribute layer_names, and a group
// a layer with the attribute weight_names. A nested model's weights lie flat in one list, those
// that training changes first.
Status assign_listed_weights(const hdf5::Object& group, Model* model);

// The layout of .keras and .weights.h5: "layers/<class>/vars/<number>" below `root`.
Status assign_stored_weights(const hdf5::Object& root, Model* model);

// Which of the two `root` is (of a model .h5: what is below its model_weights).
bool has_listed_weights(const hdf5::Object& root);
Result<bool> has_stored_weights(const hdf5::Object& root);

// Whether `group` has that link; an error, and not false, when its links cannot be read.
Result<bool> has_link(const hdf5::Object& group, std::string_view name);

}  // namespace zeolite::keras
