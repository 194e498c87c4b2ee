// The schema's tables as flatc wrote them, for the reader and the writer alone.
#pragma once

// Some systems' limits.h, which FlatBuffers includes, defines a macro of an operator's name.
#include <climits>
#undef ARG_MAX

#include "flatbuffers/flatbuffers.h"
#include "schema/tflite_generated.h"
