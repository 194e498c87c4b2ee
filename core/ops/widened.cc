#include "core/ops/widened.h"

#include "core/base/half.h"
#include "core/kernels/sub_byte.h"
#include "core/ops/check.h"
#include "core/ops/strings.h"

namespace zeolite {
namespace {

TensorType wide_type(TensorType type) {
  switch (type) {
    case TensorType::kInt2:
    case TensorType::kInt4: return TensorType::kInt8;
    case TensorType::kUint4: return TensorType::kUint8;
    case TensorType::kString: return TensorType::kInt64;
    case TensorType::kFloat16:
    case TensorType::kBfloat16: return TensorType::kFloat32;
    default: return type;
  }
}

bool has_narrow(const OpContext& context, TypeSet narrow) {
  for (size_t i = 0; i < context.input_count(); ++i) {
    if (context.has_input(i) && contains(narrow, context.input(i).type)) return true;
  }
  for (size_t i = 0; i < context.output_count(); ++i) {
    if (contains(narrow, context.output(i).type)) return true;
  }
  return false;
}

// An operator's operands with the narrow ones replaced; these have no data yet.
struct WideOperands {
  std::vector<Operand> operands;
  std::vector<const Operand*> inputs;
  std::vector<Operand*> outputs;
  std::vector<Operand*> replaced;  // Inputs first.

  WideOperands(const OpContext& context, TypeSet narrow) {
    operands.reserve(context.input_count() + context.output_count());
    const auto add = [&](const Operand& operand) {
      Operand& wide = operands.emplace_back(operand);
      if (!contains(narrow, operand.type)) return &wide;
      wide.type = wide_type(operand.type);
      wide.bytes = static_cast<uint64_t>(product(operand.shape)) * bits_per_element(wide.type) / 8;
      wide.data = wide.writable = nullptr;
      wide.has_data = wide.is_constant = false;
      replaced.push_back(&wide);
      return &wide;
    };
    for (size_t i = 0; i < context.input_count(); ++i) {
      inputs.push_back(context.has_input(i) ? add(context.input(i)) : nullptr);
    }
    for (size_t i = 0; i < context.output_count(); ++i) outputs.push_back(add(context.output(i)));
  }
};

// A string's number holds the input that it is in and its place there.
constexpr int kPlaceBits = 32;

void load(const Operand& operand, size_t index, const Operand& wide) {
  const int64_t count = product(operand.shape);
  if (operand.type == TensorType::kString) {
    auto* to = reinterpret_cast<int64_t*>(wide.writable);
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<int64_t>(index) << kPlaceBits | i;
  } else if (wide.type == TensorType::kFloat32) {
    const auto* from = reinterpret_cast<const uint16_t*>(operand.data);
    auto* to = reinterpret_cast<float*>(wide.writable);
    const bool is_half = operand.type == TensorType::kFloat16;
    for (int64_t i = 0; i < count; ++i) {
      to[i] = is_half ? half_to_float(from[i]) : bfloat16_to_float(from[i]);
    }
  } else {
    unpack_sub_byte(operand.data, bits_per_element(operand.type),
                    operand.type != TensorType::kUint4, 0, count,
                    reinterpret_cast<int8_t*>(wide.writable));
  }
}

Status store_strings(EvalContext& context, size_t index, const Operand& wide) {
  const auto* numbers = reinterpret_cast<const int64_t*>(wide.data);
  std::vector<std::string_view> strings(static_cast<size_t>(product(wide.shape)));
  for (size_t i = 0; i < strings.size(); ++i) {
    strings[i] = strings_of(context.input(static_cast<size_t>(numbers[i] >> kPlaceBits)))
        [numbers[i] & ((int64_t{1} << kPlaceBits) - 1)];
  }
  return set_strings(context, index, wide.shape, strings);
}

void store(const Operand& wide, const Operand& operand) {
  const int64_t count = product(operand.shape);
  if (wide.type == TensorType::kFloat32) {
    const auto* from = reinterpret_cast<const float*>(wide.data);
    auto* to = reinterpret_cast<uint16_t*>(operand.writable);
    const bool is_half = operand.type == TensorType::kFloat16;
    for (int64_t i = 0; i < count; ++i) {
      to[i] = is_half ? float_to_half(from[i]) : float_to_bfloat16(from[i]);
    }
  } else {
    pack_sub_byte(reinterpret_cast<const int8_t*>(wide.data), bits_per_element(operand.type), count,
                  operand.writable);
  }
}

}  // namespace

Status prepare_widened(PrepareContext& context, TypeSet narrow, PrepareFunction prepare) {
  if (!has_narrow(context, narrow)) return prepare != nullptr ? prepare(context) : Status();
  WideOperands wide(context, narrow);
  if (prepare != nullptr) {
    PrepareContext inner(context.op(), wide.inputs, wide.outputs, context.record(),
                         context.thread_count());
    ZEOLITE_TRY(prepare(inner));
  }
  // Behind the operator's own requests.
  for (const Operand* operand : wide.replaced) context.request_scratch(operand->bytes);
  return {};
}

Status eval_widened(EvalContext& context, TypeSet narrow, EvalFunction eval) {
  if (!has_narrow(context, narrow)) return eval(context);
  WideOperands wide(context, narrow);
  size_t request = context.record().scratch.size() - wide.replaced.size();
  for (Operand* operand : wide.replaced) {
    operand->data = operand->writable = context.scratch(request++);
  }
  for (size_t i = 0; i < wide.inputs.size(); ++i) {
    if (wide.inputs[i] != nullptr && contains(narrow, context.input(i).type)) {
      load(context.input(i), i, *wide.inputs[i]);
    }
  }
  EvalContext inner(context.op(), wide.inputs, wide.outputs, context.record(), context.host());
  ZEOLITE_TRY(eval(inner));
  for (size_t i = 0; i < wide.outputs.size(); ++i) {
    const Operand& output = context.output(i);
    if (!contains(narrow, output.type)) continue;
    if (output.type == TensorType::kString) {
      ZEOLITE_TRY(store_strings(context, i, *wide.outputs[i]));
    } else {
      store(*wide.outputs[i], output);
    }
  }
  return {};
}

}  // namespace zeolite
