// Equal constants and operators that compute the same.
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/graph/option_fields.h"
#include "core/ops/table.h"
#include "core/passes/passes.h"

namespace zeolite {
namespace {

// Constants are compared by content: only those whose bytes are the same size and hash alike.
uint64_t hash_of(std::span<const uint8_t> bytes) {
  // FNV-1a over eight bytes a step: one multiplication each.
  uint64_t hash = 0xcbf29ce484222325u;
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    hash = (hash ^ word) * 0x100000001b3u;
    hash ^= hash >> 32;
  }
  for (; i < bytes.size(); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

bool is_mergeable_constant(const Editor& editor, int32_t index) {
  const Tensor& tensor = editor.tensor(index);
  return editor.is_constant(index) && !editor.is_output(index) &&
         !editor.consumers(index).empty() && tensor.sparsity == nullptr &&
         tensor.quantization == nullptr && tensor.type != TensorType::kString &&
         tensor.type != TensorType::kResource && tensor.type != TensorType::kVariant;
}

void merge_constants(Editor* editor) {
  std::unordered_multimap<uint64_t, int32_t> seen;
  const auto count = static_cast<int32_t>(editor->graph().tensors.size());
  for (int32_t i = 0; i < count; ++i) {
    if (!is_mergeable_constant(*editor, i)) continue;
    const std::span<const uint8_t> data = editor->data(i);
    const uint64_t hash = hash_of(data);
    bool is_merged = false;
    const auto [begin, end] = seen.equal_range(hash);
    for (auto each = begin; each != end && !is_merged; ++each) {
      const Tensor& kept = editor->tensor(each->second);
      const std::span<const uint8_t> other = editor->data(each->second);
      if (kept.type == editor->tensor(i).type && kept.shape == editor->tensor(i).shape &&
          std::equal(data.begin(), data.end(), other.begin(), other.end())) {
        editor->replace_uses(i, each->second);
        is_merged = true;
      }
    }
    if (!is_merged) seen.emplace(hash, i);
  }
}

void append(std::string* key, const void* bytes, size_t size) {
  key->append(static_cast<const char*>(bytes), size);
}

template <class T>
void append_list(std::string* key, const void* member) {
  const auto& list = *static_cast<const std::vector<T>*>(member);
  const uint64_t size = list.size();
  append(key, &size, sizeof(size));
  append(key, list.data(), list.size() * sizeof(T));
}

void append_field(std::string* key, const OptionField& field, const void* options) {
  const void* member = static_cast<const char*>(options) + field.offset;
  switch (field.kind) {
    case FieldKind::kBool:
    case FieldKind::kInt8:
    case FieldKind::kUint8: append(key, member, 1); break;
    case FieldKind::kInt32:
    case FieldKind::kUint32:
    case FieldKind::kFloat32: append(key, member, 4); break;
    case FieldKind::kInt64: append(key, member, 8); break;
    case FieldKind::kString:
      *key += *static_cast<const std::string*>(member);
      *key += '\0';
      break;
    case FieldKind::kInt32List: append_list<int32_t>(key, member); break;
    case FieldKind::kUint32List: append_list<uint32_t>(key, member); break;
    case FieldKind::kInt64List: append_list<int64_t>(key, member); break;
    case FieldKind::kFloat32List: append_list<float>(key, member); break;
    case FieldKind::kUint8List: append_list<uint8_t>(key, member); break;
  }
}

// Equal for operators that compute the same. Absent options count as those of the defaults would
// not: such a pair stays, which costs nothing but a chance.
std::string key_of(const Editor& editor, const Operator& op) {
  std::string key;
  append(&key, &op.code, sizeof(op.code));
  for (int32_t input : op.inputs) append(&key, &input, sizeof(input));
  const uint64_t output_count = op.outputs.size();
  append(&key, &output_count, sizeof(output_count));
  for (int32_t output : op.outputs) {
    const Tensor& tensor = editor.tensor(output);
    append(&key, &tensor.type, sizeof(tensor.type));
    append(&key, tensor.shape.data(), tensor.shape.size() * sizeof(int32_t));
  }
  const OptionsInfo* info = op.options.info();
  append(&key, &info, sizeof(info));
  if (info != nullptr) {
    for (const OptionField& field : info->fields) append_field(&key, field, op.options.raw());
  }
  return key;
}

bool is_mergeable(const Editor& editor, const Operator& op) {
  const OpEntry* entry = find_operator(op);
  if (entry == nullptr || (entry->traits & kStateful) != 0 || op.outputs.empty() ||
      !op.intermediates.empty() || !op.custom_options.empty()) {
    return false;
  }
  for (int32_t tensor : op.inputs) {
    if (tensor != kNoTensor && editor.tensor(tensor).is_variable) return false;
  }
  return std::all_of(op.outputs.begin(), op.outputs.end(), [&](int32_t tensor) {
    return tensor != kNoTensor && editor.tensor(tensor).quantization == nullptr &&
           editor.tensor(tensor).has_rank;
  });
}

void merge_operators(Editor* editor) {
  std::unordered_map<std::string, int> seen;
  for (int i = 0; i < editor->operator_count(); ++i) {
    if (!editor->is_live(i) || !is_mergeable(*editor, editor->op(i))) continue;
    const auto [found, is_new] = seen.emplace(key_of(*editor, editor->op(i)), i);
    if (is_new) continue;
    const std::vector<int32_t> outputs = editor->op(i).outputs;
    // Each output of the graph keeps the tensor of its own name.
    if (std::any_of(outputs.begin(), outputs.end(),
                    [&](int32_t tensor) { return editor->is_output(tensor); })) {
      continue;
    }
    editor->join_sources(found->second, i);
    for (size_t k = 0; k < outputs.size(); ++k) {
      editor->replace_uses(outputs[k], editor->op(found->second).outputs[k]);
    }
    editor->remove(i);
  }
}

}  // namespace

Status merge_duplicates(Editor* editor) {
  merge_constants(editor);
  merge_operators(editor);
  return {};
}

}  // namespace zeolite
