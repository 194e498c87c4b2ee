// What a model keeps beyond a run, outside its tensors: variables, hash tables, and which subgraphs
// CALL_ONCE has run. One for all subgraphs of an interpreter.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/base/bytes.h"
#include "core/graph/types.h"

namespace zeolite {

// What VAR_HANDLE names.
struct Variable {
  bool is_assigned = false;
  TensorType type = TensorType::kFloat32;
  Shape shape;
  Bytes data;
};

// What HASHTABLE names. Keys and values are kept as bytes: eight of an int64, those of a string.
struct HashTable {
  TensorType key_type = TensorType::kString;
  TensorType value_type = TensorType::kInt64;
  bool is_filled = false;  // HASHTABLE_IMPORT fills a table once.
  std::unordered_map<std::string, std::string> entries;
};

// A resource tensor holds one handle, an int32. Handles come from data: find_* must be asked.
class Resources {
 public:
  // The handle of the variable of this name, made where there is none yet.
  int32_t variable_handle(std::string_view container, std::string_view shared_name);
  // The handle of the table with this number.
  int32_t table_handle(int32_t table_id, TensorType key_type, TensorType value_type);

  // Null when `handle` is no variable or no table.
  Variable* find_variable(int32_t handle);
  HashTable* find_table(int32_t handle);

  // Whether this is the first call of CALL_ONCE for `subgraph`.
  bool is_first_call(int32_t subgraph) { return called_.insert(subgraph).second; }

  // Bytes that the variables hold.
  uint64_t bytes() const;
  // Forgets everything.
  void clear();

 private:
  struct Entry {
    std::unique_ptr<Variable> variable;
    std::unique_ptr<HashTable> table;
  };
  std::vector<Entry> entries_;  // By handle.
  std::unordered_map<std::string, int32_t> handles_;
  std::unordered_set<int32_t> called_;
};

}  // namespace zeolite
