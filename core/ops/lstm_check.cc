// What an LSTM's tensors must be, against each other.
#include "core/ops/check.h"
#include "core/ops/lstm_layer.h"
#include "core/ops/quantization.h"

namespace zeolite {
namespace {

class Checker {
 public:
  Checker(const OpContext& context, const LstmRoles& roles, const LstmSettings& settings,
          int32_t batch)
      : context_(context), roles_(roles), settings_(settings), batch_(batch) {}

  Result<LstmSizes> run() {
    ZEOLITE_TRY(read_sizes());
    ZEOLITE_TRY(check_gates());
    ZEOLITE_TRY(check_peephole());
    ZEOLITE_TRY(check_projection());
    ZEOLITE_TRY(check_layer_norm());
    const bool is_integer = sizes_.arithmetic == LstmArithmetic::kInteger;
    ZEOLITE_TRY(require_state(context_, roles_.output_state, context_.input(roles_.input).type,
                              batch_, sizes_.outputs, "output state"));
    ZEOLITE_TRY(require_state(context_, roles_.cell_state,
                              is_integer ? TensorType::kInt16 : TensorType::kFloat32, batch_,
                              sizes_.cells, "cell state"));
    if (!(settings_.cell_clip >= 0) || !(settings_.proj_clip >= 0)) {
      return bad_input("cell_clip and proj_clip must be 0 or more");
    }
    if (!RecurrentActivation::is_supported(settings_.activation)) {
      return unsupported("its activation function");
    }
    return sizes_;
  }

 private:
  bool has(size_t index) const { return context_.has_input(index); }

  Status require(size_t index, std::string_view what) const {
    if (has(index)) return {};
    return bad_input("input " + std::to_string(index) + ", the " + std::string(what) +
                     ", is absent");
  }

  Status require_type(size_t index, TensorType type) const {
    if (context_.input(index).type == type) return {};
    return bad_input(input_text(context_, index) + ": expected " +
                     std::string(tensor_type_name(type)));
  }

  Status matrix(size_t index, int32_t rows, int32_t columns, TensorType type) const {
    ZEOLITE_TRY(require(index, "weights"));
    ZEOLITE_TRY(require_type(index, type));
    ZEOLITE_TRY(require_rank(context_, index, 2));
    ZEOLITE_TRY(require_size(context_, index, 0, rows, "rows"));
    ZEOLITE_TRY(require_size(context_, index, 1, columns, "columns"));
    if (sizes_.arithmetic == LstmArithmetic::kFloat) return {};
    return scaled(index);
  }

  Status scaled(size_t index) const {
    return input_affine(context_, index).take_status();
  }

  Status vector(size_t index, int32_t count, TensorType type, std::string_view what) const {
    ZEOLITE_TRY(require(index, what));
    ZEOLITE_TRY(require_type(index, type));
    ZEOLITE_TRY(require_rank(context_, index, 1));
    return require_size(context_, index, 0, count, "elements");
  }

  Status read_sizes() {
    const size_t input_weights = roles_.input_weights + kOutputGate;
    const size_t recurrent_weights = roles_.recurrent_weights + kOutputGate;
    ZEOLITE_TRY(require(input_weights, "weights of the output gate"));
    ZEOLITE_TRY(require(recurrent_weights, "recurrent weights of the output gate"));
    const Operand& input = context_.input(roles_.input);
    weight_type_ = context_.input(input_weights).type;
    if (input.type == TensorType::kInt8) {
      sizes_.arithmetic = LstmArithmetic::kInteger;
    } else if (weight_type_ != TensorType::kFloat32) {
      sizes_.arithmetic = LstmArithmetic::kHybrid;
    }
    ZEOLITE_TRY(require_rank(context_, input_weights, 2));
    sizes_.input = input.shape.back();
    sizes_.cells = context_.input(input_weights).shape[0];
    const Shape& recurrent = context_.input(recurrent_weights).shape;
    is_diagonal_ = settings_.diagonal_recurrent && recurrent.size() == 1;
    if (!is_diagonal_) ZEOLITE_TRY(require_rank(context_, recurrent_weights, 2));
    sizes_.outputs = recurrent.back();
    if (is_diagonal_ && sizes_.arithmetic == LstmArithmetic::kInteger) {
      return unsupported("diagonal recurrent weights of an integer LSTM");
    }
    if (has(roles_.aux_input) && has(roles_.aux_weights + kOutputGate)) {
      sizes_.aux = context_.input(roles_.aux_input).shape.back();
    }
    return {};
  }

  TensorType bias_type() const {
    return sizes_.arithmetic == LstmArithmetic::kInteger ? TensorType::kInt32
                                                         : TensorType::kFloat32;
  }

  Status check_gates() {
    const bool is_coupled = !has(roles_.input_weights);
    if (is_coupled != !has(roles_.recurrent_weights)) {
      return bad_input("the input gate has only one of its two matrices of weights");
    }
    if (is_coupled && has(roles_.bias)) {
      return bad_input("there is a bias of the input gate, but none of its weights");
    }
    const bool has_aux = has(roles_.aux_input) && has(roles_.aux_weights + kOutputGate);
    for (size_t gate = is_coupled ? kForgetGate : kInputGate; gate < kLstmGates; ++gate) {
      ZEOLITE_TRY(matrix(roles_.input_weights + gate, sizes_.cells, sizes_.input, weight_type_));
      const size_t recurrent = roles_.recurrent_weights + gate;
      if (is_diagonal_) {
        ZEOLITE_TRY(vector(recurrent, sizes_.cells, TensorType::kFloat32, "recurrent weights"));
      } else {
        ZEOLITE_TRY(matrix(recurrent, sizes_.cells, sizes_.outputs, weight_type_));
      }
      ZEOLITE_TRY(vector(roles_.bias + gate, sizes_.cells, bias_type(), "bias of a gate"));
      if (has_aux) {
        ZEOLITE_TRY(matrix(roles_.aux_weights + gate, sizes_.cells, sizes_.aux, weight_type_));
      }
    }
    if (has_aux && is_coupled && has(roles_.aux_weights)) {
      return bad_input("there are auxiliary weights of an input gate that is not there");
    }
    return {};
  }

  Status check_peephole() {
    const size_t forget = roles_.peephole + 1;
    const size_t output = roles_.peephole + 2;
    const bool is_coupled = !has(roles_.input_weights);
    const bool is_any = has(roles_.peephole) || has(forget) || has(output);
    if (!is_any) return {};
    const TensorType type = sizes_.arithmetic == LstmArithmetic::kInteger ? TensorType::kInt16
                                                                          : weight_type_;
    for (size_t index : {roles_.peephole, forget, output}) {
      if (index == roles_.peephole && is_coupled && !has(index)) continue;
      ZEOLITE_TRY(vector(index, sizes_.cells, type, "peephole weights"));
      if (type != TensorType::kFloat32) ZEOLITE_TRY(scaled(index));
    }
    return {};
  }

  Status check_projection() {
    if (!has(roles_.projection)) {
      if (has(roles_.projection_bias)) {
        return bad_input("there is a bias of the projection, but none of its weights");
      }
      if (sizes_.outputs >= 0 && sizes_.cells >= 0 && sizes_.outputs != sizes_.cells) {
        return bad_input("without a projection " + std::to_string(sizes_.cells) +
                         " cells can't give " + std::to_string(sizes_.outputs) + " outputs");
      }
      return {};
    }
    ZEOLITE_TRY(matrix(roles_.projection, sizes_.outputs, sizes_.cells, weight_type_));
    if (!has(roles_.projection_bias)) return {};
    return vector(roles_.projection_bias, sizes_.outputs, bias_type(), "bias of the projection");
  }

  Status check_layer_norm() {
    if (roles_.layer_norm == kNoInput || !has(roles_.layer_norm + kForgetGate)) return {};
    const bool is_coupled = !has(roles_.input_weights);
    if (is_coupled && has(roles_.layer_norm)) {
      return bad_input("there are layer norm coefficients of an input gate that is not there");
    }
    const bool is_integer = sizes_.arithmetic == LstmArithmetic::kInteger;
    for (size_t gate = is_coupled ? kForgetGate : kInputGate; gate < kLstmGates; ++gate) {
      const size_t index = roles_.layer_norm + gate;
      ZEOLITE_TRY(vector(index, sizes_.cells,
                         is_integer ? TensorType::kInt16 : TensorType::kFloat32,
                         "layer norm coefficients"));
      if (is_integer) ZEOLITE_TRY(scaled(index));
    }
    return {};
  }

  const OpContext& context_;
  const LstmRoles& roles_;
  const LstmSettings& settings_;
  const int32_t batch_;
  LstmSizes sizes_;
  TensorType weight_type_ = TensorType::kFloat32;
  bool is_diagonal_ = false;
};

}  // namespace

Result<LstmSizes> check_lstm(const OpContext& context, const LstmRoles& roles,
                             const LstmSettings& settings, int32_t batch) {
  return Checker(context, roles, settings, batch).run();
}

}  // namespace zeolite
