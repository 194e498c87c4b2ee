// Models of several subgraphs: control flow, and what lives beside the tensors.
#include <gmock/gmock.h>

#include "core/ops/resources.h"
#include "core/ops/user_operators.h"
#include "tests/native/support/model_builder.h"

namespace zeolite::testing {
namespace {

using Code = BuiltinOperator;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

constexpr TensorType kFloat = TensorType::kFloat32;
constexpr TensorType kInt = TensorType::kInt32;
constexpr TensorType kBool = TensorType::kBool;

// The first subgraph is the main one: the others are put behind it and named by the number that
// begin_subgraph will give them.
constexpr int32_t kSecond = 1;
constexpr int32_t kThird = 2;

std::unique_ptr<Interpreter> ready(ModelBuilder& builder) {
  Result<std::unique_ptr<Interpreter>> interpreter = builder.interpreter();
  EXPECT_TRUE(interpreter.ok()) << interpreter.error().message;
  return interpreter.ok() ? std::move(interpreter).value() : nullptr;
}

std::string words_of(ModelBuilder& builder) {
  Result<std::unique_ptr<Interpreter>> interpreter = builder.interpreter();
  return interpreter.ok() ? "" : interpreter.error().message;
}

void expect_run(Interpreter& interpreter) {
  Status status = interpreter.run(0);
  ASSERT_TRUE(status.ok()) << status.error().message;
}

WhileOptions loop_of(int32_t cond, int32_t body) {
  WhileOptions options;
  options.cond_subgraph_index = cond;
  options.body_subgraph_index = body;
  return options;
}

// counter < 5, of a counter and `others`.
void add_condition(ModelBuilder& builder, const std::vector<Shape>& others) {
  builder.begin_subgraph();
  const int32_t counter = builder.input(kInt, {});
  for (const Shape& shape : others) builder.input(kFloat, shape);
  builder.output(builder.op(Code::kLess, {counter, builder.constant<int32_t>({}, {5})}, kBool,
                            LessOptions()));
}

TEST(While, RunsTheBodyAsLongAsTheConditionHolds) {
  ModelBuilder builder;
  const int32_t counter = builder.input(kInt, {});
  const int32_t value = builder.input(kFloat, {2});
  const int32_t loop =
      builder.ops(Code::kWhile, {counter, value}, kInt, 2, loop_of(kSecond, kThird));
  builder.main().tensors[loop + 1].type = kFloat;
  builder.output(loop);
  builder.output(loop + 1);
  add_condition(builder, {{2}});
  builder.begin_subgraph();
  const int32_t i = builder.input(kInt, {});
  const int32_t x = builder.input(kFloat, {2});
  builder.output(
      builder.op(Code::kAdd, {i, builder.constant<int32_t>({}, {1})}, kInt, AddOptions()));
  builder.output(builder.op(Code::kAdd, {x, x}, kFloat, AddOptions()));
  const auto interpreter = ready(builder);
  set_input<int32_t>(*interpreter, 0, {{}, {2}});
  set_input<float>(*interpreter, 1, {{2}, {1, 3}});
  expect_run(*interpreter);
  EXPECT_THAT(output_values<int32_t>(*interpreter, 0).data, ElementsAre(5));
  EXPECT_THAT(output_values<float>(*interpreter, 1).data, ElementsAre(8, 24));
  // Not once: the inputs come out.
  set_input<int32_t>(*interpreter, 0, {{}, {9}});
  expect_run(*interpreter);
  EXPECT_THAT(output_values<float>(*interpreter, 1).data, ElementsAre(1, 3));
}

TEST(While, HandsOnTensorsThatChangePlaces) {
  ModelBuilder builder;
  const int32_t counter = builder.input(kInt, {});
  const int32_t a = builder.input(kFloat, {2});
  const int32_t b = builder.input(kFloat, {2});
  const int32_t loop =
      builder.ops(Code::kWhile, {counter, a, b}, kInt, 3, loop_of(kSecond, kThird));
  for (int k = 1; k < 3; ++k) builder.main().tensors[loop + k].type = kFloat;
  for (int k = 0; k < 3; ++k) builder.output(loop + k);
  add_condition(builder, {{2}, {2}});
  builder.begin_subgraph();
  const int32_t i = builder.input(kInt, {});
  const int32_t x = builder.input(kFloat, {2});
  const int32_t y = builder.input(kFloat, {2});
  builder.output(
      builder.op(Code::kAdd, {i, builder.constant<int32_t>({}, {1})}, kInt, AddOptions()));
  builder.output(y);
  builder.output(x);
  const auto interpreter = ready(builder);
  set_input<int32_t>(*interpreter, 0, {{}, {0}});
  set_input<float>(*interpreter, 1, {{2}, {1, 2}});
  set_input<float>(*interpreter, 2, {{2}, {3, 4}});
  expect_run(*interpreter);  // Five turns: an odd number of changes.
  EXPECT_THAT(output_values<float>(*interpreter, 1).data, ElementsAre(3, 4));
  EXPECT_THAT(output_values<float>(*interpreter, 2).data, ElementsAre(1, 2));
}

TEST(While, LetsATensorGrow) {
  ModelBuilder builder;
  const int32_t counter = builder.input(kInt, {});
  const int32_t list = builder.input(kFloat, {-1});
  const int32_t loop =
      builder.ops(Code::kWhile, {counter, list}, kInt, 2, loop_of(kSecond, kThird));
  builder.main().tensors[loop + 1].type = kFloat;
  const int32_t twice = builder.op(Code::kAdd, {loop + 1, loop + 1}, kFloat, AddOptions());
  builder.output(twice);
  add_condition(builder, {{-1}});
  builder.begin_subgraph();
  const int32_t i = builder.input(kInt, {});
  const int32_t x = builder.input(kFloat, {-1});
  builder.output(
      builder.op(Code::kAdd, {i, builder.constant<int32_t>({}, {1})}, kInt, AddOptions()));
  builder.output(builder.op(Code::kConcatenation, {x, builder.constant<float>({1}, {7})}, kFloat,
                            ConcatenationOptions()));
  const auto interpreter = ready(builder);
  set_input<int32_t>(*interpreter, 0, {{}, {3}});
  set_input<float>(*interpreter, 1, {{1}, {1}});
  for (int run = 0; run < 2; ++run) {
    expect_run(*interpreter);
    EXPECT_THAT(output_values<float>(*interpreter).data, ElementsAre(2, 14, 14));
  }
}

ModelBuilder two_branches(const Shape& of_else) {
  ModelBuilder builder;
  const int32_t choice = builder.input(kBool, {1});
  const int32_t x = builder.input(kFloat, {2});
  IfOptions options;
  options.then_subgraph_index = kSecond;
  options.else_subgraph_index = kThird;
  const int32_t result = builder.op(Code::kIf, {choice, x}, kFloat, options);
  builder.output(builder.op(Code::kNeg, {result}, kFloat, NegOptions()));
  builder.begin_subgraph();
  builder.output(builder.op(Code::kRelu, {builder.input(kFloat, {2})}, kFloat));
  builder.begin_subgraph();
  builder.input(kFloat, {2});
  int64_t count = 1;
  for (int32_t size : of_else) count *= size;
  builder.output(builder.constant<float>(of_else, std::vector<float>(count, 5.0f)));
  return builder;
}

TEST(If, TakesTheBranchThatTheDataChoose) {
  for (const Shape& of_else : {Shape{2}, Shape{3}}) {
    ModelBuilder builder = two_branches(of_else);
    const auto interpreter = ready(builder);
    set_input<float>(*interpreter, 1, {{2}, {-1, 2}});
    set_input<uint8_t>(*interpreter, 0, {{1}, {1}});
    expect_run(*interpreter);
    EXPECT_THAT(output_values<float>(*interpreter).data, ElementsAre(0, -2));
    set_input<uint8_t>(*interpreter, 0, {{1}, {0}});
    expect_run(*interpreter);
    EXPECT_THAT(output_values<float>(*interpreter).shape, of_else);
    EXPECT_THAT(output_values<float>(*interpreter).data, ::testing::Each(-5));
  }
}

TEST(Subgraphs, RefusesOnesThatComeToCallThemselves) {
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, {2});
  StableHLOCompositeOptions options;
  options.name = "a";
  options.decomposition_subgraph_index = kSecond;
  builder.output(builder.op(Code::kStablehloComposite, {x}, kFloat, options));
  builder.begin_subgraph();
  const int32_t y = builder.input(kFloat, {2});
  builder.output(builder.op(Code::kStablehloComposite, {y}, kFloat, options));
  EXPECT_THAT(words_of(builder), HasSubstr("comes to call itself"));
}

TEST(Subgraphs, RefusesCallsThatNestTooDeep) {
  ModelBuilder builder;
  for (int32_t i = 0; i < 200; ++i) {
    if (i > 0) builder.begin_subgraph();
    const int32_t x = builder.input(kFloat, {2});
    StableHLOCompositeOptions options;
    options.decomposition_subgraph_index = i + 1;
    builder.output(i < 199 ? builder.op(Code::kStablehloComposite, {x}, kFloat, options) : x);
  }
  EXPECT_THAT(words_of(builder), HasSubstr("deep"));
}

TEST(Subgraphs, RefusesOneThatDoesNotExist) {
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, {2});
  StableHLOCompositeOptions options;
  options.decomposition_subgraph_index = 7;
  builder.output(builder.op(Code::kStablehloComposite, {x}, kFloat, options));
  EXPECT_THAT(words_of(builder), HasSubstr("there is no subgraph 7"));
}

// CALL_ONCE sets the variable to 1; each run gives it and adds the input to it.
ModelBuilder counter_model() {
  ModelBuilder builder;
  const int32_t step = builder.input(kFloat, {1});
  CallOnceOptions once;
  once.init_subgraph_index = kSecond;
  VarHandleOptions name;
  name.shared_name = "sum";
  Operator call;
  call.code = Code::kCallOnce;
  call.options = once;
  builder.main().operators.push_back(std::move(call));
  const auto assign = [&](int32_t handle, int32_t value) {
    Operator op;
    op.code = Code::kAssignVariable;
    op.inputs = {handle, value};
    op.options = AssignVariableOptions();
    builder.main().operators.push_back(std::move(op));
  };
  const int32_t handle = builder.op(Code::kVarHandle, {}, TensorType::kResource, name);
  const int32_t before =
      builder.op(Code::kReadVariable, {handle}, kFloat, ReadVariableOptions());
  assign(handle, builder.op(Code::kAdd, {before, step}, kFloat, AddOptions()));
  builder.output(before);
  builder.begin_subgraph();
  assign(builder.op(Code::kVarHandle, {}, TensorType::kResource, name),
         builder.constant<float>({1}, {1}));
  return builder;
}

TEST(Variables, KeepTheirValueFromRunToRunUntilAReset) {
  ModelBuilder builder = counter_model();
  const auto interpreter = ready(builder);
  set_input<float>(*interpreter, 0, {{1}, {10}});
  for (const float expected : {1.0f, 11.0f, 21.0f}) {
    expect_run(*interpreter);
    EXPECT_THAT(output_values<float>(*interpreter).data, ElementsAre(expected));
  }
  interpreter->reset();
  expect_run(*interpreter);
  EXPECT_THAT(output_values<float>(*interpreter).data, ElementsAre(1));
}

TEST(Variables, BelongToOneInterpreter) {
  ModelBuilder first = counter_model();
  ModelBuilder second = counter_model();
  const auto a = ready(first);
  const auto b = ready(second);
  set_input<float>(*a, 0, {{1}, {10}});
  set_input<float>(*b, 0, {{1}, {10}});
  expect_run(*a);
  expect_run(*a);
  expect_run(*b);
  EXPECT_THAT(output_values<float>(*a).data, ElementsAre(11));
  EXPECT_THAT(output_values<float>(*b).data, ElementsAre(1));
}

TEST(Variables, AreToldApartByBothNames) {
  Resources resources;
  const int32_t first = resources.variable_handle("a", "bc");
  EXPECT_EQ(resources.variable_handle("a", "bc"), first);
  for (const auto& [container, name] :
       {std::pair<std::string, std::string>{"ab", "c"}, {"", "abc"}, {std::string("a\0b", 3), "c"},
        {"a", std::string("b\0c", 3)}, {"1 a", "bc"}}) {
    EXPECT_NE(resources.variable_handle(container, name), first) << container << " " << name;
  }
  EXPECT_NE(resources.variable_handle(std::string("a\0b", 3), "c"),
            resources.variable_handle("a", std::string("b\0c", 3)));
}

TEST(Variables, AnswerWithAnErrorWhenTheyHaveNoValue) {
  ModelBuilder builder;
  const int32_t handle =
      builder.op(Code::kVarHandle, {}, TensorType::kResource, VarHandleOptions());
  builder.output(builder.op(Code::kReadVariable, {handle}, kFloat, ReadVariableOptions()));
  const auto interpreter = ready(builder);
  const Status status = interpreter->run(0);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("the variable has no value yet"));
}

TEST(Variables, RefuseAHandleThatIsMadeUp) {
  ModelBuilder builder;
  const int32_t handle = builder.constant<int32_t>({1}, {1234});
  builder.main().tensors[handle].type = TensorType::kResource;
  builder.output(builder.op(Code::kReadVariable, {handle}, kFloat, ReadVariableOptions()));
  const auto interpreter = ready(builder);
  const Status status = interpreter->run(0);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("there is no variable 1234"));
}

// A subgraph's input that is a variable too, which its subgraph hands out.
ModelBuilder state_as_input() {
  ModelBuilder builder;
  const int32_t state = builder.input(kFloat, {2});
  builder.main().tensors[state].is_variable = true;
  builder.output(builder.op(Code::kNeg, {state}, kFloat, NegOptions()));
  return builder;
}

TEST(VariableTensors, KeepTheirShapeWhenTheyAreInputs) {
  ModelBuilder builder = state_as_input();
  const auto interpreter = ready(builder);
  const Status status = interpreter->resize_input(0, 0, {1000});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("is a variable of shape [2]"));
  set_input<float>(*interpreter, 0, {{2}, {3, 4}});
  expect_run(*interpreter);
  EXPECT_THAT(output_values<float>(*interpreter).data, ElementsAre(-3, -4));
}

TEST(VariableTensors, AreNoStateWhereAnOperatorWritesThem) {
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, {2});
  const int32_t y = builder.op(Code::kNeg, {x}, kFloat, NegOptions());
  builder.main().tensors[y].is_variable = true;
  builder.main().tensors[y].shape = {2};
  builder.output(y);
  const auto interpreter = ready(builder);
  ASSERT_TRUE(interpreter->resize_input(0, 0, {300}).ok());
  ASSERT_TRUE(interpreter->prepare(0).ok());
  set_input<float>(*interpreter, 0, {{300}, std::vector<float>(300, 1.0f)});
  expect_run(*interpreter);
  EXPECT_THAT(output_values<float>(*interpreter).data,
              ElementsAreArray(std::vector<float>(300, -1.0f)));
}

TEST(VariableTensors, KeepTheirShapeWhenASubgraphIsCalledWithAnother) {
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, {1000});
  StableHLOCompositeOptions options;
  options.decomposition_subgraph_index = kSecond;
  builder.output(builder.op(Code::kStablehloComposite, {x}, kFloat, options));
  builder.begin_subgraph();
  ModelBuilder called = state_as_input();
  builder.main() = std::move(called.main());
  const auto interpreter = ready(builder);
  const Status status = interpreter->run(0);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("is a variable of shape [2]"));
}

// The stored ones of a vector of `size` elements, every other one.
std::unique_ptr<Sparsity> every_other(int32_t size) {
  auto sparsity = std::make_unique<Sparsity>();
  sparsity->traversal_order = {0};
  SparseDimension& dimension = sparsity->dimensions.emplace_back();
  dimension.format = DimensionType::kSparseCsr;
  dimension.segments = {0, size / 2};
  for (int32_t i = 0; i < size; i += 2) dimension.indices.push_back(i);
  return sparsity;
}

TEST(Composite, ReadsAllElementsOfASparseResult) {
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, {64});
  StableHLOCompositeOptions options;
  options.decomposition_subgraph_index = kSecond;
  const int32_t called = builder.op(Code::kStablehloComposite, {x}, kFloat, options);
  builder.output(builder.op(Code::kAdd, {called, x}, kFloat, AddOptions()));
  builder.begin_subgraph();
  builder.input(kFloat, {64});
  const int32_t sparse = builder.constant<float>({64}, std::vector<float>(32, 2.0f));
  builder.main().tensors[sparse].sparsity = every_other(64);
  builder.output(sparse);
  const auto interpreter = ready(builder);
  set_input<float>(*interpreter, 0, {{64}, std::vector<float>(64, 1.0f)});
  expect_run(*interpreter);
  const std::vector<float> sum = output_values<float>(*interpreter).data;
  EXPECT_THAT(std::vector<float>(sum.end() - 2, sum.end()), ElementsAre(3, 1));
}

TEST(Sparse, TensorsWithoutStoredValuesAreDense) {
  ModelBuilder builder;
  const int32_t x = builder.input(kFloat, {4});
  builder.main().tensors[x].sparsity = every_other(4);
  const int32_t y = builder.op(Code::kDensify, {x}, kFloat, DensifyOptions());
  builder.main().tensors[y].sparsity = every_other(4);
  builder.output(builder.op(Code::kNeg, {y}, kFloat, NegOptions()));
  const auto interpreter = ready(builder);
  set_input<float>(*interpreter, 0, {{4}, {1, 2, 3, 4}});
  expect_run(*interpreter);
  EXPECT_THAT(output_values<float>(*interpreter).data, ElementsAre(-1, -2, -3, -4));
}

// A loop whose condition calls subgraph `called` too: what the body gave would be lost on the way.
ModelBuilder loop_whose_condition_calls(int32_t called) {
  ModelBuilder builder;
  const int32_t x = builder.input(kBool, {1});
  builder.output(builder.ops(Code::kWhile, {x}, kBool, 1, loop_of(kSecond, kThird)));
  builder.begin_subgraph();
  StableHLOCompositeOptions options;
  options.decomposition_subgraph_index = called;
  builder.output(
      builder.op(Code::kStablehloComposite, {builder.input(kBool, {1})}, kBool, options));
  for (int i = 0; i < 2; ++i) {
    builder.begin_subgraph();
    builder.output(builder.op(Code::kLogicalNot, {builder.input(kBool, {1})}, kBool,
                              LogicalNotOptions()));
  }
  return builder;
}

TEST(While, RefusesAConditionThatRunsTheBody) {
  ModelBuilder builder = loop_whose_condition_calls(kThird);
  EXPECT_THAT(words_of(builder), HasSubstr("its condition comes to run its body"));
  ModelBuilder other = loop_whose_condition_calls(kThird + 1);
  EXPECT_EQ(words_of(other), "");
}

// Gives what the test tells it, whatever was expected.
class Liar : public UserOperators {
 public:
  bool has(std::string_view) const override { return true; }
  Status infer(InferContext& context) override {
    return inferred.empty() ? context.set_output_unknown(0, kFloat)
                            : context.set_output(0, kFloat, inferred);
  }
  Status eval(EvalContext& context) override {
    if (bytes == 0) return {};
    ZEOLITE_TRY(context.host().resize_output(0, shape, bytes));
    std::memset(context.out<uint8_t>(0), 0, bytes);
    return {};
  }

  Shape inferred;
  Shape shape;
  uint64_t bytes = 0;
};

TEST(OpHost, HoldsAnOperatorToTheShapesThatItSaid) {
  struct Lie {
    Shape inferred;
    Shape shape;
    uint64_t bytes;
    const char* answer;
  };
  const Lie lies[] = {
      {{8}, {2}, 8, "has the shape [2], but [8] was expected"},
      {{}, {8}, 8, "has 8 bytes for the shape [8]"},
      {{}, {-1, -8}, 32, "has a free dimension"},
      {{}, Shape(17, 1), 4, "is too long"},
      {{}, {}, 0, "was given no value"},
  };
  for (const Lie& lie : lies) {
    ModelBuilder builder;
    const int32_t x = builder.input(kFloat, {8});
    const int32_t y = builder.op(Code::kCustom, {x}, kFloat);
    builder.main().operators[0].custom_name = "Liar";
    builder.output(builder.op(Code::kNeg, {y}, kFloat, NegOptions()));
    const auto liar = std::make_shared<Liar>();
    liar->inferred = lie.inferred;
    liar->shape = lie.shape;
    liar->bytes = lie.bytes;
    InterpreterOptions options;
    options.user_operators = liar;
    const auto interpreter = builder.interpreter(std::move(options));
    ASSERT_TRUE(interpreter.ok()) << interpreter.error().message;
    const Status status = interpreter.value()->run(0);
    ASSERT_FALSE(status.ok()) << lie.answer;
    EXPECT_THAT(status.error().message, HasSubstr(lie.answer));
  }
}

void set_strings(Interpreter& interpreter, const std::vector<uint8_t>& tensor) {
  Result<std::span<uint8_t>> target = interpreter.resize_input_data(0, 0, tensor.size());
  ASSERT_TRUE(target.ok()) << target.error().message;
  std::memcpy(target->data(), tensor.data(), tensor.size());
}

TEST(Strings, AreCheckedBeforeTheyAreRead) {
  ModelBuilder builder;
  const int32_t text = builder.input(TensorType::kString, {1});
  SkipGramOptions options;
  options.ngram_size = 1;
  builder.output(builder.op(Code::kSkipGram, {text}, TensorType::kString, options));
  const auto interpreter = ready(builder);
  // Nothing was given yet.
  EXPECT_FALSE(interpreter->run(0).ok());
  // One string of "ab"; then its end beyond the tensor, its begin before the characters, two
  // strings.
  const std::vector<uint8_t> good = {1, 0, 0, 0, 12, 0, 0, 0, 14, 0, 0, 0, 'a', 'b'};
  set_strings(*interpreter, good);
  expect_run(*interpreter);
  EXPECT_THAT(interpreter->output(0, 0).shape, ElementsAre(1));
  for (const auto& [at, value] : {std::pair{8, 200}, {4, 4}, {0, 2}, {0, 255}}) {
    std::vector<uint8_t> bad = good;
    bad[at] = static_cast<uint8_t>(value);
    set_strings(*interpreter, bad);
    const Status status = interpreter->run(0);
    EXPECT_FALSE(status.ok()) << at << " " << value;
  }
  set_strings(*interpreter, good);
  expect_run(*interpreter);
}

}  // namespace
}  // namespace zeolite::testing
