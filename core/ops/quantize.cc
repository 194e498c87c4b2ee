// Between real numbers and the stored ones that stand for them: real = scale * (stored - zero
// point).
//   QUANTIZE (1 to 6):   float32 -> int4, int8, uint8, int16: divided by the scale and rounded,
//     halves away from zero; or from one scale and integer type to another: int8, uint8 -> int8,
//     uint8, int16; int16 -> int8, int16, int32; int32 -> int8, int16
//   DEQUANTIZE (1 to 9): int2, int4, uint4, int8, uint8, int16 -> float32; float16 -> float32
//   input any shape    output the same
// The quantized tensor may have a scale for each index of one dimension. Results that the type
// can't hold become its nearest.
#include <algorithm>
#include <cmath>

#include "core/base/half.h"
#include "core/base/wrapping.h"
#include "core/kernels/lookup.h"
#include "core/kernels/quantize.h"
#include "core/kernels/sub_byte.h"
#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/quantization.h"
#include "core/ops/quantized_binary.h"

namespace zeolite {
namespace {

// The scales of a tensor: one, or one for each index of a dimension.
struct Scales {
  std::vector<Affine> affine;
  int64_t run = 0;  // Neighbouring elements of one scale.
};

struct State : OpState {
  Scales scales;
  FixedPointFactor factor;  // From one scale to another.
  Affine input;
  Affine output;
  ByteFunction bytes;  // From bytes to bytes.
};

Result<Scales> scales_of(const Operand& operand, std::string_view role) {
  Scales scales;
  const Quantization* quantization = operand.quantization;
  scales.run = product(operand.shape);
  if (quantization == nullptr || quantization->scale.size() <= 1) {
    ZEOLITE_ASSIGN(const Affine affine, affine_of(operand, role));
    scales.affine.push_back(affine);
    return scales;
  }
  const int axis = quantization->quantized_dimension;
  const size_t count = quantization->scale.size();
  const size_t zeros = quantization->zero_point.size();
  if (axis < 0 || axis >= operand.rank() || operand.shape[axis] != static_cast<int64_t>(count) ||
      (zeros != count && zeros > 1)) {
    return bad_input(std::string(role) + " (" + std::string(operand.name) + ") has " +
                     std::to_string(count) + " scales and " + std::to_string(zeros) +
                     " zero points along dimension " + std::to_string(axis));
  }
  const StoredRange range = stored_range(operand.type);
  for (size_t i = 0; i < count; ++i) {
    const float scale = quantization->scale[i];
    const int64_t zero = zeros == 0 ? 0 : quantization->zero_point[zeros == 1 ? 0 : i];
    if (!(scale > 0) || !std::isfinite(scale) || zero < range.min || zero > range.max) {
      return bad_input(
          std::string(role) + " (" + std::string(operand.name) +
          ") has a scale that is not above 0 or a zero point that its type can't hold");
    }
    scales.affine.push_back({scale, static_cast<int32_t>(zero)});
  }
  scales.run = product(operand.shape, axis + 1, operand.shape.size());
  return scales;
}

// Calls body(at, count, affine) for the runs of one scale.
template <class Body>
void for_each_run(const Scales& scales, int64_t count, const Body& body) {
  size_t channel = 0;
  for (int64_t at = 0; at < count; at += scales.run) {
    body(at, scales.run, scales.affine[channel]);
    if (++channel == scales.affine.size()) channel = 0;
  }
}

bool is_requantizing(const OpContext& context) {
  return context.input(0).type != TensorType::kFloat32;
}

bool is_byte(TensorType type) { return type == TensorType::kInt8 || type == TensorType::kUint8; }

bool is_bytes_to_bytes(const OpContext& context) {
  return is_byte(context.input(0).type) && is_byte(context.output(0).type);
}

Status infer_quantize(InferContext& context) {
  return context.set_output(0, context.output(0).type, context.input(0).shape);
}

Status prepare_quantize(PrepareContext& context) {
  State& state = context.state<State>();
  if (is_requantizing(context)) {
    ZEOLITE_ASSIGN(state.input, input_affine(context, 0));
    ZEOLITE_ASSIGN(state.output, output_affine(context, 0));
    const double slope = double{state.input.scale} / double{state.output.scale};
    state.factor = fixed_point_factor(slope);
    if (is_bytes_to_bytes(context)) {
      const bool is_input_signed = context.input(0).type == TensorType::kInt8;
      const StoredRange range = stored_range(context.output(0).type);
      for (int bits = 0; bits < 256; ++bits) {
        const int32_t x = is_input_signed ? static_cast<int8_t>(bits) : bits;
        const int32_t y = wrapping_add(scale_sum_by(x - state.input.zero_point, state.factor),
                                       state.output.zero_point);
        state.bytes.results[bits] = static_cast<uint8_t>(std::clamp(y, range.min, range.max));
      }
      state.bytes.find_line(slope, is_input_signed, context.output(0).type == TensorType::kInt8);
    }
  } else {
    ZEOLITE_ASSIGN(state.scales, scales_of(context.output(0), "output 0"));
  }
  context.choose("quantize");
  return {};
}

// int32 on one side: no block of small integers.
Status requantize_32(EvalContext& context, const State& state, int64_t count) {
  const TensorType type = context.output(0).type;
  const StoredRange range = stored_range(type);
  for (int64_t i = 0; i < count; ++i) {
    const int32_t x = context.input(0).type == TensorType::kInt32
                          ? context.in<int32_t>(0)[i]
                          : int32_t{context.in<int16_t>(0)[i]};
    const int32_t scaled = scale_by(wrapping_sub(x, state.input.zero_point), state.factor);
    const int32_t y =
        std::clamp(wrapping_add(scaled, state.output.zero_point), range.min, range.max);
    switch (type) {
      case TensorType::kInt8: context.out<int8_t>(0)[i] = static_cast<int8_t>(y); break;
      case TensorType::kInt16: context.out<int16_t>(0)[i] = static_cast<int16_t>(y); break;
      default: context.out<int32_t>(0)[i] = y;
    }
  }
  return {};
}

Status eval_quantize(EvalContext& context) {
  const State& state = context.state<State>();
  const Operand& input = context.input(0);
  const Operand& output = context.output(0);
  const int64_t count = product(output.shape);
  const StoredRange range = stored_range(output.type);
  if (is_requantizing(context)) {
    if (input.type == TensorType::kInt32 || output.type == TensorType::kInt32) {
      return requantize_32(context, state, count);
    }
    // The default kernel's halves go up in whole blocks of 16 bytes, and away from 0 behind them.
    const int64_t looked_up = is_bytes_to_bytes(context) ? count / 16 * 16 : 0;
    lookup(state.bytes, input.data, looked_up, output.writable, context.threads());
    const int input_bytes = bits_per_element(input.type) / 8;
    const int output_bytes = bits_per_element(output.type) / 8;
    requantize(small_integer(input.type), input.data + looked_up * input_bytes, count - looked_up,
               state.input.zero_point, state.factor, state.output.zero_point, range.min, range.max,
               small_integer(output.type), output.writable + looked_up * output_bytes,
               context.threads());
    return {};
  }
  const float* from = context.in<float>(0);
  if (output.type == TensorType::kInt4) {
    // Two elements a byte: by way of a byte each, a few at a time.
    constexpr int64_t kChunk = 256;
    int8_t chunk[kChunk];
    const auto stored = [&](int64_t i) {
      const auto& affine = state.scales.affine;
      const Affine& one = affine[static_cast<size_t>(i / state.scales.run) % affine.size()];
      return static_cast<int8_t>(quantize_one(from[i], one, range.min, range.max));
    };
    for (int64_t at = 0; at < count; at += kChunk) {
      const int64_t size = std::min(kChunk, count - at);
      for (int64_t i = 0; i < size; ++i) chunk[i] = stored(at + i);
      pack_sub_byte(chunk, 4, size, output.writable + at / 2);
    }
    return {};
  }
  const SmallInteger type = small_integer(output.type);
  const int bytes = bytes_of(type);
  if (state.scales.affine.size() == 1) {
    quantize(from, count, state.scales.affine[0], range.min, range.max, type, output.writable,
             context.threads());
    return {};
  }
  for_each_run(state.scales, count, [&](int64_t at, int64_t size, const Affine& affine) {
    quantize_one_by_one(from + at, size, affine, range.min, range.max, type,
                        output.writable + at * bytes);
  });
  return {};
}

Status infer_dequantize(InferContext& context) {
  return context.set_output(0, TensorType::kFloat32, context.input(0).shape);
}

bool is_sub_byte(TensorType type) { return bits_per_element(type) < 8; }

Status prepare_dequantize(PrepareContext& context) {
  const Operand& input = context.input(0);
  context.choose("dequantize");
  if (input.type == TensorType::kFloat16) return {};
  ZEOLITE_ASSIGN(context.state<State>().scales, scales_of(input, "input 0"));
  if (is_sub_byte(input.type)) {
    context.request_scratch(static_cast<uint64_t>(product(input.shape)));
  }
  return {};
}

Status eval_dequantize(EvalContext& context) {
  const Operand& input = context.input(0);
  const int64_t count = product(input.shape);
  float* to = context.out<float>(0);
  if (input.type == TensorType::kFloat16) {
    const uint16_t* from = context.in<uint16_t>(0);
    widen_halves(from, count, to);
    return {};
  }
  const Scales& scales = context.state<State>().scales;
  SmallInteger type = small_integer(input.type);
  const uint8_t* from = input.data;
  if (is_sub_byte(input.type)) {
    auto* bytes = reinterpret_cast<int8_t*>(context.scratch(0));
    unpack_sub_byte(input.data, bits_per_element(input.type), input.type != TensorType::kUint4, 0,
                    count, bytes);
    from = context.scratch(0);
    type = SmallInteger::kInt8;
  }
  const int bytes = bytes_of(type);
  for_each_run(scales, count, [&](int64_t at, int64_t size, const Affine& affine) {
    dequantize(type, from + at * bytes, size, affine, to + at, context.threads());
  });
  return {};
}

}  // namespace

const OpKernel kQuantizeOp = {infer_quantize, prepare_quantize, eval_quantize};
const OpKernel kDequantizeOp = {infer_dequantize, prepare_dequantize, eval_dequantize};

}  // namespace zeolite
