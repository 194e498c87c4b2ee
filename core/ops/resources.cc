#include "core/ops/resources.h"

namespace zeolite {

int32_t Resources::variable_handle(std::string_view container, std::string_view shared_name) {
  // Names may hold any character: only with its length is the first one told from the second.
  std::string key = "variable " + std::to_string(container.size()) + " ";
  key.append(container).append(shared_name);
  const auto [found, is_new] = handles_.try_emplace(key, static_cast<int32_t>(entries_.size()));
  if (is_new) entries_.push_back({std::make_unique<Variable>(), nullptr});
  return found->second;
}

int32_t Resources::table_handle(int32_t table_id, TensorType key_type, TensorType value_type) {
  const std::string key = "table" + std::to_string(table_id);
  const auto [found, is_new] = handles_.try_emplace(key, static_cast<int32_t>(entries_.size()));
  if (is_new) {
    entries_.push_back({nullptr, std::make_unique<HashTable>()});
    entries_.back().table->key_type = key_type;
    entries_.back().table->value_type = value_type;
  }
  return found->second;
}

Variable* Resources::find_variable(int32_t handle) {
  const bool is_known = handle >= 0 && static_cast<size_t>(handle) < entries_.size();
  return is_known ? entries_[handle].variable.get() : nullptr;
}

HashTable* Resources::find_table(int32_t handle) {
  const bool is_known = handle >= 0 && static_cast<size_t>(handle) < entries_.size();
  return is_known ? entries_[handle].table.get() : nullptr;
}

uint64_t Resources::bytes() const {
  uint64_t total = 0;
  for (const Entry& entry : entries_) {
    if (entry.variable != nullptr) total += entry.variable->data.size();
  }
  return total;
}

void Resources::clear() {
  entries_.clear();
  handles_.clear();
  called_.clear();
}

}  // namespace zeolite
