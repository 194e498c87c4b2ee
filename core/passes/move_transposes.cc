// Fewer transposes: regions of operators that compute the same in any order of axes are turned
// around as a whole, where more transposes at their edges go than come.
#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "core/passes/linear.h"
#include "core/passes/passes.h"

namespace zeolite {
namespace {

using Op = BuiltinOperator;
using Order = std::vector<int32_t>;  // Axis i of the result is axis order[i] of the input.

Order inverse(const Order& order) {
  Order result(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    result[static_cast<size_t>(order[i])] = static_cast<int32_t>(i);
  }
  return result;
}

Shape permuted(const Shape& shape, const Order& order) {
  Shape result;
  for (int32_t axis : order) result.push_back(shape[static_cast<size_t>(axis)]);
  return result;
}

// The order of a TRANSPOSE; empty for other operators and orders that are no constants.
Order order_of(const Editor& editor, int index) {
  if (index < 0 || editor.op(index).code != Op::kTranspose) return {};
  Order order = editor.ints(editor.input(index, 1));
  std::vector<bool> is_seen(order.size());
  for (int32_t& axis : order) {
    if (axis < 0) axis += static_cast<int32_t>(order.size());
    const auto place = static_cast<size_t>(axis);
    if (axis < 0 || place >= order.size() || is_seen[place]) return {};
    is_seen[place] = true;
  }
  return editor.shape(editor.op(index).inputs[0]).size() == order.size() ? order : Order();
}

// Whether the transpose leaves every element where it is: only axes of size 1 move.
bool moves_nothing(const Shape& shape, const Order& order) {
  int32_t last = -1;
  for (int32_t axis : order) {
    if (shape[static_cast<size_t>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

enum class Kind : uint8_t {
  kFixed,        // Depends on the order of axes.
  kElementwise,  // All operands broadcast against each other.
  kPad,
  kConcatenation,
  kReduction,    // With keep_dims.
};

bool is_reduction(Op code) {
  switch (code) {
    case Op::kMean: case Op::kSum: case Op::kReduceMax: case Op::kReduceMin:
    case Op::kReduceProd: case Op::kReduceAny: case Op::kReduceAll: return true;
    default: return false;
  }
}

Kind kind_of(const Operator& op) {
  switch (op.code) {
    case Op::kAbs: case Op::kAdd: case Op::kCast: case Op::kCeil: case Op::kCos: case Op::kDiv:
    case Op::kElu: case Op::kEqual: case Op::kExp: case Op::kFloor: case Op::kFloorDiv:
    case Op::kFloorMod: case Op::kGelu: case Op::kGreater: case Op::kGreaterEqual:
    case Op::kHardSwish: case Op::kLeakyRelu: case Op::kLess: case Op::kLessEqual: case Op::kLog:
    case Op::kLogicalAnd: case Op::kLogicalNot: case Op::kLogicalOr: case Op::kLogistic:
    case Op::kMaximum: case Op::kMinimum: case Op::kMul: case Op::kNeg: case Op::kNotEqual:
    case Op::kPow: case Op::kPrelu: case Op::kRelu: case Op::kRelu0To1: case Op::kRelu6:
    case Op::kReluN1To1: case Op::kRound: case Op::kRsqrt: case Op::kSelectV2: case Op::kSign:
    case Op::kSin: case Op::kSqrt: case Op::kSquare: case Op::kSquaredDifference: case Op::kSub:
    case Op::kTanh: return Kind::kElementwise;
    case Op::kPad: case Op::kPadv2: case Op::kMirrorPad: return Kind::kPad;
    case Op::kConcatenation: return Kind::kConcatenation;
    default:
      return is_reduction(op.code) && op.options.value_or_default<ReducerOptions>().keep_dims
                 ? Kind::kReduction
                 : Kind::kFixed;
  }
}

// How many of the operator's operands are data (the rest say pads or axes).
size_t data_count(const Operator& op, Kind kind) {
  return kind == Kind::kPad || kind == Kind::kReduction ? 1 : op.inputs.size();
}

// A reduction that drops its axes takes any order in which those that it keeps stay in theirs.
bool can_absorb(const Editor& editor, int user, const Order& order) {
  const Operator& op = editor.op(user);
  if (!is_reduction(op.code) || kind_of(op) == Kind::kReduction) return false;
  const std::vector<int32_t> axes = editor.ints(editor.input(user, 1));
  if (axes.empty() || order.empty()) return false;
  std::vector<bool> is_dropped(order.size());
  for (int32_t axis : axes) {
    if (axis < 0) axis += static_cast<int32_t>(order.size());
    if (axis < 0 || static_cast<size_t>(axis) >= order.size()) return false;
    is_dropped[static_cast<size_t>(axis)] = true;
  }
  int32_t last = -1;
  for (size_t i = 0; i < order.size(); ++i) {
    if (is_dropped[i]) continue;
    if (order[i] < last) return false;
    last = order[i];
  }
  return true;
}

void turn_axes(const Order& order, std::vector<int32_t>* axes) {
  for (int32_t& axis : *axes) {
    if (axis < 0) axis += static_cast<int32_t>(order.size());
    axis = order[static_cast<size_t>(axis)];
  }
  std::sort(axes->begin(), axes->end());
}

// Lets the reduction `user` read `input`, of which it read a transpose in `order`.
Status absorb(Editor* editor, int user, const Order& order, int32_t input) {
  const int32_t axes = editor->input(user, 1);
  std::vector<int32_t> values = editor->ints(axes);
  turn_axes(order, &values);
  ZEOLITE_ASSIGN(const int32_t constant,
                 editor->add_ints(editor->tensor(axes).name, editor->shape(axes), values));
  editor->set_input(user, 1, constant);
  editor->set_input(user, 0, input);
  return {};
}

class Region {
 public:
  Region(Editor* editor, std::vector<int> members)
      : editor_(*editor), members_(std::move(members)), is_member_(count(editor)) {
    for (int member : members_) is_member_[static_cast<size_t>(member)] = true;
  }

  // Orders that the transposes at the edges suggest: tensors of the region are transposes, in that
  // order, of what they would be.
  std::vector<Order> candidates() const {
    std::vector<Order> orders;
    const auto add = [&](const Order& order) {
      if (!order.empty() && std::find(orders.begin(), orders.end(), order) == orders.end()) {
        orders.push_back(order);
      }
    };
    for (int member : members_) {
      for (int32_t tensor : data_inputs(member)) add(order_of(editor_, editor_.producer(tensor)));
      for (int user : editor_.consumers(output(member))) {
        const Order order = order_of(editor_, user);
        if (!order.empty()) add(inverse(order));
      }
    }
    return orders;
  }

  // How many transposes fewer there are when the region is turned around.
  int gain(const Order& order) const {
    int gain = 0;
    for (int32_t tensor : edge_inputs()) {
      if (editor_.shape(tensor).size() != order.size()) return 0;
      const int maker = editor_.producer(tensor);
      if (order_of(editor_, maker) == order) {
        gain += is_used_inside_only(tensor) ? 1 : 0;
      } else if (!moves_nothing(editor_.shape(tensor), inverse(order))) {
        --gain;
      }
    }
    for (int member : members_) {
      const int32_t tensor = output(member);
      bool needs_transpose = editor_.is_output(tensor);
      for (int user : editor_.consumers(tensor)) {
        if (is_inside(user) || can_absorb(editor_, user, order)) continue;
        if (order_of(editor_, user) == inverse(order)) {
          ++gain;
        } else {
          needs_transpose = true;
        }
      }
      if (needs_transpose && !moves_nothing(editor_.shape(tensor), inverse(order))) --gain;
    }
    return gain;
  }

  Status turn(const Order& order) {
    const Order back = inverse(order);
    std::map<int32_t, int32_t> turned;  // Old tensor -> the new one.
    for (int32_t tensor : edge_inputs()) {
      const int maker = editor_.producer(tensor);
      if (order_of(editor_, maker) == order) {
        turned[tensor] = editor_.op(maker).inputs[0];
      } else {
        ZEOLITE_ASSIGN(turned[tensor], add_transpose(tensor, back, first_user(tensor), true));
      }
    }
    for (int member : members_) {
      const int32_t old = output(member);
      turned[old] = editor_.add_tensor(editor_.tensor(old).name + "/transposed",
                                       editor_.tensor(old).type,
                                       permuted(editor_.shape(old), back));
    }
    for (int member : members_) ZEOLITE_TRY(turn_member(member, order, turned));
    return {};
  }

 private:
  static size_t count(Editor* editor) { return static_cast<size_t>(editor->operator_count()); }
  bool is_inside(int op) const {
    return static_cast<size_t>(op) < is_member_.size() && is_member_[static_cast<size_t>(op)];
  }
  int32_t output(int member) const { return editor_.op(member).outputs[0]; }

  // The operands that are data and no constants.
  std::vector<int32_t> data_inputs(int member) const {
    const Operator& op = editor_.op(member);
    std::vector<int32_t> tensors;
    for (size_t i = 0; i < data_count(op, kind_of(op)); ++i) {
      if (!editor_.is_constant(op.inputs[i])) tensors.push_back(op.inputs[i]);
    }
    return tensors;
  }

  // What comes from outside, each once.
  std::vector<int32_t> edge_inputs() const {
    std::vector<int32_t> tensors;
    for (int member : members_) {
      for (int32_t tensor : data_inputs(member)) {
        const int maker = editor_.producer(tensor);
        if (maker >= 0 && is_inside(maker)) continue;
        if (std::find(tensors.begin(), tensors.end(), tensor) == tensors.end()) {
          tensors.push_back(tensor);
        }
      }
    }
    return tensors;
  }

  bool is_used_inside_only(int32_t tensor) const {
    const std::span<const int> users = editor_.consumers(tensor);
    return !editor_.is_output(tensor) &&
           std::all_of(users.begin(), users.end(), [&](int user) { return is_inside(user); });
  }

  int first_user(int32_t tensor) const {
    int first = editor_.operator_count();
    for (int user : editor_.consumers(tensor)) {
      if (is_inside(user)) first = std::min(first, user);
    }
    return first;
  }

  Result<int32_t> add_transpose(int32_t tensor, const Order& order, int anchor, bool is_before) {
    const std::string name = editor_.tensor(tensor).name;
    ZEOLITE_ASSIGN(const int32_t permutation,
                   editor_.add_ints(name + "/permutation",
                                    {static_cast<int32_t>(order.size())}, order));
    const int32_t result = editor_.add_tensor(name + "/transposed", editor_.tensor(tensor).type,
                                              permuted(editor_.shape(tensor), order));
    add_transpose_to(tensor, permutation, result, anchor, is_before);
    return result;
  }

  void add_transpose_to(int32_t from, int32_t permutation, int32_t to, int anchor, bool is_before) {
    Operator op;
    op.code = Op::kTranspose;
    op.options = TransposeOptions();
    op.inputs = {from, permutation};
    op.outputs = {to};
    op.sources = editor_.op(anchor).sources;
    if (is_before) {
      editor_.insert_before(anchor, std::move(op));
    } else {
      editor_.insert_after(anchor, std::move(op));
    }
  }

  Status turn_member(int member, const Order& order, const std::map<int32_t, int32_t>& turned) {
    const Kind kind = kind_of(editor_.op(member));
    const size_t data = data_count(editor_.op(member), kind);
    for (size_t i = 0; i < editor_.op(member).inputs.size(); ++i) {
      const int32_t input = editor_.op(member).inputs[i];
      if (i >= data) {
        if (i == 1) ZEOLITE_TRY(turn_parameter(member, kind, order));
      } else if (editor_.is_constant(input)) {
        ZEOLITE_TRY(turn_constant(member, i, order));
      } else {
        editor_.set_input(member, i, turned.at(input));
      }
    }
    if (kind == Kind::kConcatenation) {
      auto options = editor_.op(member).options.value_or_default<ConcatenationOptions>();
      const int32_t axis =
          options.axis < 0 ? options.axis + static_cast<int32_t>(order.size()) : options.axis;
      options.axis = order[static_cast<size_t>(axis)];
      editor_.op(member).options = options;
    }
    return turn_output(member, order, turned);
  }

  // Pads by axis, or a list of axes.
  Status turn_parameter(int member, Kind kind, const Order& order) {
    const int32_t old = editor_.input(member, 1);
    const std::vector<int32_t> values = editor_.ints(old);
    std::vector<int32_t> result = values;
    if (kind == Kind::kPad) {
      for (size_t i = 0; i < order.size(); ++i) {
        const auto to = static_cast<size_t>(order[i]);
        result[2 * to] = values[2 * i];
        result[2 * to + 1] = values[2 * i + 1];
      }
    } else {
      turn_axes(order, &result);
    }
    ZEOLITE_ASSIGN(const int32_t constant,
                   editor_.add_ints(editor_.tensor(old).name, editor_.shape(old), result));
    editor_.set_input(member, 1, constant);
    return {};
  }

  // A constant operand of an elementwise operator or a concatenation, in the new order.
  Status turn_constant(int member, size_t slot, const Order& order) {
    const int32_t old = editor_.op(member).inputs[slot];
    const Shape shape = editor_.shape(old);
    ZEOLITE_ASSIGN(const int64_t count, element_count(shape));
    if (count == 1) return {};  // Any order will do.
    Shape full(order.size() - shape.size(), 1);
    full.insert(full.end(), shape.begin(), shape.end());
    const Shape to = permuted(full, inverse(order));
    const std::span<const uint8_t> from = editor_.data(old);
    const size_t size = from.size() / static_cast<size_t>(count);
    ZEOLITE_ASSIGN(Bytes bytes, Bytes::allocate(from.size(), "a constant in another order"));
    // Steps in the old order along the axes of the new one.
    std::vector<int64_t> old_steps(full.size(), 1);
    for (size_t i = full.size() - 1; i > 0; --i) old_steps[i - 1] = old_steps[i] * full[i];
    const Order back = inverse(order);
    std::vector<int32_t> position(to.size());
    for (int64_t i = 0; i < count; ++i) {
      int64_t source = 0;
      for (size_t axis = 0; axis < to.size(); ++axis) {
        source += position[axis] * old_steps[static_cast<size_t>(back[axis])];
      }
      std::copy_n(from.data() + static_cast<size_t>(source) * size, size,
                  bytes.data() + static_cast<size_t>(i) * size);
      for (size_t axis = to.size(); axis > 0; --axis) {
        if (++position[axis - 1] < to[axis - 1]) break;
        position[axis - 1] = 0;
      }
    }
    const int32_t constant = editor_.add_constant(
        editor_.tensor(old).name, editor_.tensor(old).type, to, std::move(bytes));
    editor_.set_input(member, slot, constant);
    return {};
  }

  // The member gives the new tensor; who is outside gets the old one from a transpose, unless it
  // can do without.
  Status turn_output(int member, const Order& order, const std::map<int32_t, int32_t>& turned) {
    const int32_t old = output(member);
    const int32_t result = turned.at(old);
    editor_.set_output(member, 0, result);
    const std::vector<int> users(editor_.consumers(old).begin(), editor_.consumers(old).end());
    bool needs_transpose = editor_.is_output(old);
    for (int user : users) {
      if (is_inside(user)) continue;  // Turned on its own.
      if (can_absorb(editor_, user, order)) {
        ZEOLITE_TRY(absorb(&editor_, user, order, result));
      } else {
        needs_transpose = true;  // One that becomes nothing is joined and removed later.
      }
    }
    if (!needs_transpose) return {};
    ZEOLITE_ASSIGN(const int32_t permutation,
                   editor_.add_ints(editor_.tensor(old).name + "/permutation",
                                    {static_cast<int32_t>(order.size())}, order));
    add_transpose_to(result, permutation, old, member, false);
    return {};
  }

  Editor& editor_;
  std::vector<int> members_;
  std::vector<bool> is_member_;
};

// Whether the operator may be in a region of tensors of its own rank.
bool is_flexible(const Editor& editor, int index) {
  if (index < 0 || !editor.is_live(index)) return false;
  const Operator& op = editor.op(index);
  const Kind kind = kind_of(op);
  if (kind == Kind::kFixed || op.outputs.size() != 1) return false;
  const Tensor& output = editor.tensor(op.outputs[0]);
  const size_t rank = output.shape.size();
  if (!output.has_rank || rank < 2 || output.quantization != nullptr) return false;
  const size_t data = data_count(op, kind);
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (op.inputs[i] == kNoTensor) return false;
    const Tensor& input = editor.tensor(op.inputs[i]);
    if (input.quantization != nullptr || input.sparsity != nullptr || !input.has_rank) return false;
    if (i >= data) {
      if (i == 1 && editor.ints(op.inputs[i]).empty()) return false;
      continue;
    }
    const bool is_constant = editor.is_constant(op.inputs[i]);
    const int bits = bits_per_element(input.type);
    if (is_constant && (bits == 0 || bits % 8 != 0)) return false;
    const bool needs_rank = !is_constant || kind != Kind::kElementwise;
    if (needs_rank ? input.shape.size() != rank : input.shape.size() > rank) return false;
  }
  if (kind == Kind::kPad && editor.ints(op.inputs[1]).size() != 2 * rank) return false;
  if (kind == Kind::kReduction) {
    for (int32_t axis : editor.ints(op.inputs[1])) {
      if (axis < -static_cast<int32_t>(rank) || axis >= static_cast<int32_t>(rank)) return false;
    }
  }
  if (kind == Kind::kConcatenation) {
    const int32_t axis = op.options.value_or_default<ConcatenationOptions>().axis;
    if (axis < -static_cast<int32_t>(rank) || axis >= static_cast<int32_t>(rank)) return false;
  }
  return true;
}

// All flexible operators that are linked with `start` by tensors of one rank.
std::vector<int> region_around(const Editor& editor, int start, std::vector<bool>* is_visited) {
  std::vector<int> members;
  std::vector<int> pending = {start};
  (*is_visited)[static_cast<size_t>(start)] = true;
  const size_t rank = editor.shape(editor.op(start).outputs[0]).size();
  const auto visit = [&](int index) {
    if (index < 0 || (*is_visited)[static_cast<size_t>(index)] || !is_flexible(editor, index) ||
        editor.shape(editor.op(index).outputs[0]).size() != rank) {
      return;
    }
    (*is_visited)[static_cast<size_t>(index)] = true;
    pending.push_back(index);
  };
  while (!pending.empty()) {
    const int index = pending.back();
    pending.pop_back();
    members.push_back(index);
    for (int32_t input : editor.op(index).inputs) visit(editor.producer(input));
    for (int user : editor.consumers(editor.op(index).outputs[0])) visit(user);
  }
  std::sort(members.begin(), members.end());
  return members;
}

// FC(flatten(transpose(x))) = FC'(flatten(x)), where the weights' columns change places instead.
Status absorb_in_weights(Editor* editor, int index) {
  if (editor->op(index).code != Op::kFullyConnected) return {};
  const std::optional<LinearOperator> linear = linear_operator(*editor, index);
  if (!linear) return {};
  const int reshape = editor->producer(editor->op(index).inputs[0]);
  if (reshape < 0 || editor->op(reshape).code != Op::kReshape ||
      !editor->is_only_use(editor->op(index).inputs[0], index)) {
    return {};
  }
  const int transpose = editor->producer(editor->op(reshape).inputs[0]);
  const Order order = order_of(*editor, transpose);
  if (order.empty() || order[0] != 0 ||
      !editor->is_only_use(editor->op(reshape).inputs[0], reshape)) {
    return {};
  }
  const Shape from = editor->shape(editor->op(transpose).inputs[0]);
  const Shape flat = editor->shape(editor->op(index).inputs[0]);
  // A row for each item of the batch, all other axes in the columns.
  const Shape inner(from.begin() + 1, from.end());
  if (flat.size() != 2 || !is_static(inner) || flat[0] != from[0]) return {};
  ZEOLITE_ASSIGN(const int64_t columns, element_count(inner));
  if (columns != flat[1] || columns != linear->input_channels || columns == 0) return {};
  std::vector<int64_t> steps(inner.size(), 1);
  for (size_t i = inner.size() - 1; i > 0; --i) steps[i - 1] = steps[i] * inner[i];
  std::vector<size_t> column_of(static_cast<size_t>(columns));  // New place of an old column.
  std::vector<int32_t> position(inner.size());
  for (size_t old = 0; old < column_of.size(); ++old) {
    int64_t column = 0;
    for (size_t i = 0; i < inner.size(); ++i) {
      column += position[i] * steps[static_cast<size_t>(order[i + 1] - 1)];
    }
    column_of[old] = static_cast<size_t>(column);
    for (size_t i = inner.size(); i > 0; --i) {
      if (++position[i - 1] < inner[static_cast<size_t>(order[i] - 1)]) break;
      position[i - 1] = 0;
    }
  }
  const int32_t filter = editor->op(index).inputs[1];
  const std::vector<float> weights = editor->floats(filter);
  std::vector<float> result(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    const size_t row = i / column_of.size() * column_of.size();
    result[row + column_of[i - row]] = weights[i];
  }
  ZEOLITE_ASSIGN(const int32_t constant,
                 editor->add_floats(editor->tensor(filter).name, editor->shape(filter), result));
  editor->set_input(index, 1, constant);
  editor->join_sources(reshape, transpose);
  editor->set_input(reshape, 0, editor->op(transpose).inputs[0]);
  return {};
}

}  // namespace

Status move_transposes(Editor* editor) {
  const int count = editor->operator_count();
  for (int i = 0; i < count; ++i) {
    if (!editor->is_live(i) || editor->op(i).inputs.empty()) continue;
    ZEOLITE_TRY(absorb_in_weights(editor, i));
    const int maker = editor->producer(editor->op(i).inputs[0]);
    if (const Order order = order_of(*editor, maker); can_absorb(*editor, i, order)) {
      ZEOLITE_TRY(absorb(editor, i, order, editor->op(maker).inputs[0]));
    }
  }
  std::vector<bool> is_visited(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    if (is_visited[static_cast<size_t>(i)] || !is_flexible(*editor, i)) continue;
    Region region(editor, region_around(*editor, i, &is_visited));
    Order best;
    int best_gain = 0;
    for (const Order& order : region.candidates()) {
      const int gain = region.gain(order);
      if (gain > best_gain) {
        best_gain = gain;
        best = order;
      }
    }
    if (best_gain > 0) ZEOLITE_TRY(region.turn(best));
  }
  return {};
}

}  // namespace zeolite
