// Tables from int64 to string or from string to int64:
//   HASHTABLE (1)         nothing -> the handle of a table
//   HASHTABLE_IMPORT (1)  handle, keys, values of the same shape -> nothing; a table is filled once
//   HASHTABLE_FIND (1)    handle, keys of any shape, default value -> values of the keys' shape
//   HASHTABLE_SIZE (1)    handle -> [1] int64
#include <cstring>
#include <string>
#include <vector>

#include "core/ops/check.h"
#include "core/ops/kernels.h"
#include "core/ops/resources.h"
#include "core/ops/strings.h"

namespace zeolite {
namespace {

Status infer_table(InferContext& context) {
  const auto& options = context.options<HashtableOptions>();
  const auto is_pair = [&](TensorType key, TensorType value) {
    return options.key_dtype == key && options.value_dtype == value;
  };
  if (!is_pair(TensorType::kInt64, TensorType::kString) &&
      !is_pair(TensorType::kString, TensorType::kInt64)) {
    return unsupported("a table from " + std::string(tensor_type_name(options.key_dtype)) + " to " +
                       std::string(tensor_type_name(options.value_dtype)) +
                       "; tables are from int64 to string or from string to int64");
  }
  return context.set_output(0, TensorType::kResource, {1});
}

Status eval_table(EvalContext& context) {
  const auto& options = context.options<HashtableOptions>();
  *context.out<int32_t>(0) = context.host().resources().table_handle(
      options.table_id, options.key_dtype, options.value_dtype);
  return {};
}

Result<HashTable*> table_of(EvalContext& context) {
  const int32_t handle = *context.in<int32_t>(0);
  HashTable* table = context.host().resources().find_table(handle);
  if (table == nullptr) return bad_input("there is no table " + std::to_string(handle));
  return table;
}

Status check_entry_types(const HashTable& table, TensorType key, TensorType value) {
  if (table.key_type == key && table.value_type == value) return {};
  return bad_input("the table is from " + std::string(tensor_type_name(table.key_type)) + " to " +
                   std::string(tensor_type_name(table.value_type)));
}

// Element `index` of an int64 or a string tensor as the table keeps it.
std::string_view element(const Operand& operand, int64_t index) {
  if (operand.type == TensorType::kString) return strings_of(operand)[index];
  return {reinterpret_cast<const char*>(operand.data) + index * sizeof(int64_t), sizeof(int64_t)};
}

Status infer_import(InferContext& context) {
  ZEOLITE_TRY(require_one(context, 0, "handle"));
  if (context.input(1).shape == context.input(2).shape) return {};
  return bad_input(input_text(context, 1) + " and " + input_text(context, 2) +
                   " have different shapes");
}

Status eval_import(EvalContext& context) {
  ZEOLITE_ASSIGN(HashTable* table, table_of(context));
  const Operand& keys = context.input(1);
  const Operand& values = context.input(2);
  ZEOLITE_TRY(check_entry_types(*table, keys.type, values.type));
  if (table->is_filled) return {};
  const int64_t count = product(keys.shape);
  // The last value of a key counts.
  for (int64_t i = 0; i < count; ++i) {
    table->entries.insert_or_assign(std::string(element(keys, i)), std::string(element(values, i)));
  }
  table->is_filled = true;
  return {};
}

Status infer_find(InferContext& context) {
  ZEOLITE_TRY(require_one(context, 0, "handle"));
  ZEOLITE_TRY(require_one(context, 2, "value"));
  if (context.output(0).type != context.input(2).type) {
    return bad_input(input_text(context, 2) + ": expected the type of the output");
  }
  return context.set_output(0, context.input(2).type, context.input(1).shape);
}

Status eval_find(EvalContext& context) {
  ZEOLITE_ASSIGN(const HashTable* table, table_of(context));
  const Operand& keys = context.input(1);
  const Operand& fallback = context.input(2);
  ZEOLITE_TRY(check_entry_types(*table, keys.type, fallback.type));
  const int64_t count = product(keys.shape);
  std::vector<std::string_view> found;
  for (int64_t i = 0; i < count; ++i) {
    const auto entry = table->entries.find(std::string(element(keys, i)));
    found.push_back(entry != table->entries.end() ? std::string_view(entry->second)
                                                  : element(fallback, 0));
  }
  if (fallback.type == TensorType::kString) return set_strings(context, 0, keys.shape, found);
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(context.out<int64_t>(0) + i, found[i].data(), sizeof(int64_t));
  }
  return {};
}

Status infer_size(InferContext& context) {
  ZEOLITE_TRY(require_one(context, 0, "handle"));
  return context.set_output(0, TensorType::kInt64, {1});
}

Status eval_size(EvalContext& context) {
  ZEOLITE_ASSIGN(const HashTable* table, table_of(context));
  *context.out<int64_t>(0) = static_cast<int64_t>(table->entries.size());
  return {};
}

}  // namespace

const OpKernel kHashtableOp = {infer_table, nullptr, eval_table};
const OpKernel kHashtableImportOp = {infer_import, nullptr, eval_import};
const OpKernel kHashtableFindOp = {infer_find, nullptr, eval_find};
const OpKernel kHashtableSizeOp = {infer_size, nullptr, eval_size};

}  // namespace zeolite
