#include "core/graph/read.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "core/base/checked.h"
#include "core/graph/external_buffers.h"
#include "core/graph/schema.h"
#include "core/graph/verify.h"

namespace zeolite {
namespace {

// Depth of tables in a sound file: model, subgraph, operator, options. The count bounds what a
// small file that points at one table again and again can make us read.
constexpr size_t kMaxTableDepth = 16;
constexpr size_t kMaxTables = 4'000'000;

// A file may point at one string or list from many places. What is copied out of it may not
// exceed this many times its size.
constexpr uint64_t kMaxAmplification = 16;

constexpr size_t kConstantAlignment = 8;

Status check_container(std::span<const uint8_t> file) {
  if (!looks_like_tflite(file)) {
    return not_a_model("The bytes are no .tflite file: the identifier TFL3 is missing");
  }
  flatbuffers::Verifier::Options options;
  options.max_depth = kMaxTableDepth;
  options.max_tables = kMaxTables;
  flatbuffers::Verifier verifier(file.data(), file.size(), options);
  if (!schema::VerifyModelBuffer(verifier)) {
    return corrupt("The .tflite file is damaged or cut off: its tables point outside of it");
  }
  return {};
}

class Reader {
 public:
  Reader(std::shared_ptr<const Bytes> file, const ReadOptions& options)
      : file_(std::move(file)), options_(options) {
    uint64_t bytes = file_->size();
    for (const auto& [name, external] : options_.external_files) bytes += external->size();
    copy_budget_ = kMaxAmplification * bytes + (1 << 16);
  }

  Result<Model> read() {
    ZEOLITE_TRY(check_container(file_->span()));
    const schema::Model& source = *schema::GetModel(file_->data());
    if (source.version() != 3) {
      return unsupported("The file has version " + std::to_string(source.version()) +
                         " of the TFLite schema; only version 3 is known");
    }
    model_.file = file_;
    model_.description = text(source.description());
    ZEOLITE_TRY(read_buffers(source));
    ZEOLITE_TRY(external_.read(source, options_.external_files, options_.places != nullptr));
    ZEOLITE_TRY(read_subgraphs(source));
    ZEOLITE_TRY(read_signatures(source));
    ZEOLITE_TRY(read_metadata(source));
    if (over_budget_) return corrupt("The file repeats its parts far beyond its size");
    ZEOLITE_TRY(verify_model(model_, places_));
    if (options_.places != nullptr) *options_.places = std::move(places_);
    return std::move(model_);
  }

 private:
  // Counts bytes that are about to be copied; false when the file has used up what it may.
  bool spend(uint64_t bytes) {
    if (bytes > copy_budget_) {
      over_budget_ = true;
      return false;
    }
    copy_budget_ -= bytes;
    return true;
  }

  std::string text(const flatbuffers::String* source) {
    if (source == nullptr || !spend(source->size())) return {};
    return std::string(source->data(), source->size());
  }

  template <class T, class S>
  std::vector<T> list(const flatbuffers::Vector<S>* source) {
    if (source == nullptr || !spend(source->size() * sizeof(T))) return {};
    std::vector<T> result(source->size());
    for (uint32_t i = 0; i < source->size(); ++i) result[i] = static_cast<T>(source->Get(i));
    return result;
  }

  Status read_buffers(const schema::Model& source) {
    const auto* buffers = source.buffers();
    if (buffers == nullptr || buffers->size() == 0) return {};
    model_.buffers.resize(buffers->size());
    for (uint32_t i = 0; i < buffers->size(); ++i) {
      const schema::Buffer& buffer = *buffers->Get(i);
      std::span<const uint8_t> data;
      // Offsets 0 and 1 mean "inside the flatbuffer": writers put 1 as a placeholder.
      if (buffer.offset() > 1) {
        if (!range_within(buffer.offset(), buffer.size(), file_->size())) {
          return corrupt("buffer " + std::to_string(i) + " lies outside of the file");
        }
        data = file_->span().subspan(static_cast<size_t>(buffer.offset()),
                                     static_cast<size_t>(buffer.size()));
      } else if (buffer.data() != nullptr) {
        data = {buffer.data()->data(), buffer.data()->size()};
      }
      model_.buffers[i].data = data;
      ZEOLITE_TRY(align(&model_.buffers[i]));
    }
    buffers_in_file_ = model_.buffers.size();
    if (!model_.buffers[kNoBuffer].data.empty()) {
      return corrupt("buffer 0 must be empty: it stands for tensors without values");
    }
    return {};
  }

  // Kernels read whole elements: data that don't start at a multiple of them are copied.
  Status align(Buffer* buffer) {
    if (reinterpret_cast<uintptr_t>(buffer->data.data()) % kConstantAlignment == 0) return {};
    if (!spend(buffer->data.size())) return {};
    ZEOLITE_ASSIGN(Bytes aligned, Bytes::copy_of(buffer->data, "an unaligned constant"));
    buffer->owned = std::make_shared<const Bytes>(std::move(aligned));
    buffer->data = buffer->owned->span();
    return {};
  }

  // A buffer of the model with the tensor's values, which lie in a file beside it.
  Status read_external(uint32_t id, Tensor* target) {
    if (!model_.buffers[target->buffer].data.empty()) {
      return corrupt("tensor " + target->name +
                     " has values both in the model and in external buffer " + std::to_string(id));
    }
    const ExternalBuffers::Slice* slice = external_.find(id);
    if (slice == nullptr) {
      return corrupt("tensor " + target->name + " points at external buffer " + std::to_string(id) +
                     ", which does not exist");
    }
    // A slice may be longer than what it holds: writers round it up.
    uint64_t bytes = slice->bytes;
    if (!target->sparsity && bits_per_element(target->type) != 0 && is_static(target->shape)) {
      const Result<uint64_t> needed = byte_size(target->type, target->shape);
      if (needed.ok()) bytes = std::min(bytes, needed.value());
    }
    const auto [known, is_new] = external_indices_.try_emplace(
        {id, bytes}, static_cast<uint32_t>(model_.buffers.size()));
    target->buffer = known->second;
    if (!is_new) return {};
    Buffer& buffer = model_.buffers.emplace_back();
    buffer.owned = slice->file;
    if (slice->file != nullptr) buffer.data = slice->data.first(static_cast<size_t>(bytes));
    if (!spend(slice->file_name.size())) return {};
    places_[target->buffer] = {std::string(slice->file_name), slice->offset, bytes,
                               slice->file == nullptr};
    return align(&buffer);
  }

  Status read_subgraphs(const schema::Model& source) {
    const auto* subgraphs = source.subgraphs();
    if (subgraphs == nullptr || subgraphs->size() == 0) {
      return corrupt("The model has no subgraph");
    }
    for (const schema::SubGraph* subgraph : *subgraphs) {
      Subgraph& target = model_.subgraphs.emplace_back();
      target.name = text(subgraph->name());
      target.inputs = list<int32_t>(subgraph->inputs());
      target.outputs = list<int32_t>(subgraph->outputs());
      if (subgraph->tensors() != nullptr) {
        if (!spend(subgraph->tensors()->size() * sizeof(Tensor))) return {};
        target.tensors.reserve(subgraph->tensors()->size());
        for (const schema::Tensor* tensor : *subgraph->tensors()) {
          ZEOLITE_TRY(read_tensor(*tensor, &target.tensors.emplace_back()));
        }
      }
      if (subgraph->operators() != nullptr) {
        if (!spend(subgraph->operators()->size() * sizeof(Operator))) return {};
        target.operators.reserve(subgraph->operators()->size());
        for (const schema::Operator* op : *subgraph->operators()) {
          ZEOLITE_TRY(read_operator(source, *op, target.operators.size(),
                                    &target.operators.emplace_back()));
        }
      }
    }
    return {};
  }

  Status read_tensor(const schema::Tensor& source, Tensor* target) {
    target->name = text(source.name());
    target->type = static_cast<TensorType>(source.type());
    target->shape = list<int32_t>(source.shape());
    if (source.buffer() >= buffers_in_file_) {
      return corrupt("tensor " + target->name + " points at buffer " +
                     std::to_string(source.buffer()) + " of " + std::to_string(buffers_in_file_));
    }
    if (source.sparsity() != nullptr) read_sparsity(*source.sparsity(), target);
    target->buffer = source.buffer();
    if (source.external_buffer() != 0) ZEOLITE_TRY(read_external(source.external_buffer(), target));
    // Real files give tensors without values a buffer of their own, with nothing in it.
    const bool has_values =
        source.external_buffer() != 0 || !model_.buffers[source.buffer()].data.empty() ||
        (source.buffer() != kNoBuffer && std::count(target->shape.begin(), target->shape.end(), 0));
    if (!has_values) target->buffer = kNoBuffer;
    target->is_variable = source.is_variable();
    target->has_rank = source.has_rank() || !target->shape.empty() || has_values;
    const auto* signature = source.shape_signature();
    if (!has_values && signature != nullptr && signature->size() == target->shape.size()) {
      for (uint32_t i = 0; i < signature->size(); ++i) {
        if (signature->Get(i) == -1) target->shape[i] = -1;
      }
    }
    if (source.quantization() != nullptr) read_quantization(*source.quantization(), target);
    const auto* variants = source.variant_tensors();
    if (variants != nullptr && variants->size() > 0) {
      target->variant_type = static_cast<TensorType>(variants->Get(0)->type());
      target->variant_shape = list<int32_t>(variants->Get(0)->shape());
    }
    return {};
  }

  void read_quantization(const schema::QuantizationParameters& source, Tensor* target) {
    auto quantization = std::make_unique<Quantization>();
    quantization->scale = list<float>(source.scale());
    quantization->zero_point = list<int64_t>(source.zero_point());
    quantization->min = list<float>(source.min());
    quantization->max = list<float>(source.max());
    quantization->quantized_dimension = source.quantized_dimension();
    if (const auto* blocks = source.details_as_BlockwiseQuantization()) {
      quantization->block_scales = blocks->scales();
      // 0 is the schema's default and, as scales come before, no tensor of zero points.
      quantization->block_zero_points =
          blocks->zero_points() > 0 ? blocks->zero_points() : kNoTensor;
      quantization->block_size = blocks->block_size();
    }
    const bool says_something = !quantization->scale.empty() || !quantization->min.empty() ||
                                !quantization->max.empty() || quantization->block_size > 0;
    if (says_something) target->quantization = std::move(quantization);
  }

  std::vector<int32_t> sparse_indices(schema::SparseIndexVector type, const void* source) {
    switch (type) {
      case schema::SparseIndexVector::Int32Vector:
        return list<int32_t>(static_cast<const schema::Int32Vector*>(source)->values());
      case schema::SparseIndexVector::Uint16Vector:
        return list<int32_t>(static_cast<const schema::Uint16Vector*>(source)->values());
      case schema::SparseIndexVector::Uint8Vector:
        return list<int32_t>(static_cast<const schema::Uint8Vector*>(source)->values());
      case schema::SparseIndexVector::NONE: break;
    }
    return {};
  }

  void read_sparsity(const schema::SparsityParameters& source, Tensor* target) {
    auto sparsity = std::make_unique<Sparsity>();
    sparsity->traversal_order = list<int32_t>(source.traversal_order());
    sparsity->block_map = list<int32_t>(source.block_map());
    if (source.dim_metadata() != nullptr &&
        spend(source.dim_metadata()->size() * sizeof(SparseDimension))) {
      for (const schema::DimensionMetadata* dimension : *source.dim_metadata()) {
        SparseDimension& entry = sparsity->dimensions.emplace_back();
        entry.format = static_cast<DimensionType>(dimension->format());
        entry.dense_size = dimension->dense_size();
        if (entry.format == DimensionType::kDense) continue;
        entry.segments =
            sparse_indices(dimension->array_segments_type(), dimension->array_segments());
        entry.indices = sparse_indices(dimension->array_indices_type(), dimension->array_indices());
      }
    }
    target->sparsity = std::move(sparsity);
  }

  Status read_operator(const schema::Model& model, const schema::Operator& source, size_t index,
                       Operator* target) {
    const auto* codes = model.operator_codes();
    if (codes == nullptr || source.opcode_index() >= codes->size()) {
      return corrupt("operator " + std::to_string(index) + " points at operator code " +
                     std::to_string(source.opcode_index()) + ", which does not exist");
    }
    const schema::OperatorCode& code = *codes->Get(source.opcode_index());
    // Writers before schema 3a know only the byte; newer ones set both, with 127 for large codes.
    target->code = static_cast<BuiltinOperator>(std::max<int32_t>(
        static_cast<int32_t>(code.builtin_code()), code.deprecated_builtin_code()));
    target->version = code.version();
    if (target->code == BuiltinOperator::kCustom) target->custom_name = text(code.custom_code());
    target->inputs = list<int32_t>(source.inputs());
    target->outputs = list<int32_t>(source.outputs());
    target->intermediates = list<int32_t>(source.intermediates());
    if (source.large_custom_options_offset() > 1) {
      if (!range_within(source.large_custom_options_offset(), source.large_custom_options_size(),
                        file_->size())) {
        return corrupt("the custom options of operator " + std::to_string(index) +
                       " lie outside of the file");
      }
      target->custom_options =
          file_->span().subspan(static_cast<size_t>(source.large_custom_options_offset()),
                                static_cast<size_t>(source.large_custom_options_size()));
    } else if (source.custom_options() != nullptr) {
      target->custom_options = {source.custom_options()->data(), source.custom_options()->size()};
    }
    if (source.builtin_options() != nullptr) {
      read_options(1, static_cast<size_t>(source.builtin_options_type()), source.builtin_options(),
                   target);
    } else if (source.builtin_options2() != nullptr) {
      read_options(2, static_cast<size_t>(source.builtin_options2_type()),
                   source.builtin_options2(), target);
    }
    return {};
  }

  void read_options(int union_index, size_t type, const void* source, Operator* target) {
    const auto infos = builtin_options_table(union_index);
    // A type that this schema does not know carries nothing that we could use.
    if (type == 0 || type >= infos.size()) return;
    const auto& table = *static_cast<const flatbuffers::Table*>(source);
    target->options = Options::defaults_of(*infos[type]);
    for (const OptionField& field : infos[type]->fields) {
      read_field(table, field, static_cast<uint8_t*>(target->options.raw()) + field.offset);
    }
  }

  template <class T>
  void read_scalar(const flatbuffers::Table& table, flatbuffers::voffset_t slot, void* member) {
    T* value = static_cast<T*>(member);
    *value = table.GetField<T>(slot, *value);
  }
  template <class T>
  void read_list(const flatbuffers::Table& table, flatbuffers::voffset_t slot, void* member) {
    *static_cast<std::vector<T>*>(member) =
        list<T>(table.GetPointer<const flatbuffers::Vector<T>*>(slot));
  }

  void read_field(const flatbuffers::Table& table, const OptionField& field, void* member) {
    const auto slot = static_cast<flatbuffers::voffset_t>(4 + 2 * field.slot);
    switch (field.kind) {
      case FieldKind::kBool:
        *static_cast<bool*>(member) =
            table.GetField<uint8_t>(slot, *static_cast<bool*>(member) ? 1 : 0) != 0;
        break;
      case FieldKind::kInt8: read_scalar<int8_t>(table, slot, member); break;
      case FieldKind::kUint8: read_scalar<uint8_t>(table, slot, member); break;
      case FieldKind::kInt32: read_scalar<int32_t>(table, slot, member); break;
      case FieldKind::kUint32: read_scalar<uint32_t>(table, slot, member); break;
      case FieldKind::kInt64: read_scalar<int64_t>(table, slot, member); break;
      case FieldKind::kFloat32: read_scalar<float>(table, slot, member); break;
      case FieldKind::kString:
        *static_cast<std::string*>(member) =
            text(table.GetPointer<const flatbuffers::String*>(slot));
        break;
      case FieldKind::kInt32List: read_list<int32_t>(table, slot, member); break;
      case FieldKind::kUint32List: read_list<uint32_t>(table, slot, member); break;
      case FieldKind::kInt64List: read_list<int64_t>(table, slot, member); break;
      case FieldKind::kFloat32List: read_list<float>(table, slot, member); break;
      case FieldKind::kUint8List: read_list<uint8_t>(table, slot, member); break;
    }
  }

  std::vector<SignatureTensor> read_tensor_map(
      const flatbuffers::Vector<flatbuffers::Offset<schema::TensorMap>>* source) {
    std::vector<SignatureTensor> result;
    if (source == nullptr || !spend(source->size() * sizeof(SignatureTensor))) return result;
    for (const schema::TensorMap* entry : *source) {
      result.push_back({text(entry->name()), static_cast<int32_t>(entry->tensor_index())});
    }
    return result;
  }

  Status read_signatures(const schema::Model& source) {
    if (source.signature_defs() == nullptr) return {};
    for (const schema::SignatureDef* signature : *source.signature_defs()) {
      if (!spend(sizeof(Signature))) return {};
      Signature& target = model_.signatures.emplace_back();
      target.key = text(signature->signature_key());
      target.inputs = read_tensor_map(signature->inputs());
      target.outputs = read_tensor_map(signature->outputs());
      target.subgraph = static_cast<int32_t>(signature->subgraph_index());
    }
    return {};
  }

  Status read_metadata(const schema::Model& source) {
    if (source.metadata() == nullptr) return {};
    for (const schema::Metadata* entry : *source.metadata()) {
      if (!spend(sizeof(Metadata))) return {};
      if (entry->buffer() >= buffers_in_file_) {
        return corrupt("metadata " + text(entry->name()) + " points at buffer " +
                       std::to_string(entry->buffer()) + " of " + std::to_string(buffers_in_file_));
      }
      model_.metadata.push_back({text(entry->name()), entry->buffer()});
    }
    return {};
  }

  std::shared_ptr<const Bytes> file_;
  const ReadOptions& options_;
  Model model_;
  // Those of model_.buffers that the file numbers; behind them come those of external data.
  size_t buffers_in_file_ = 1;
  ExternalBuffers external_;
  // Id and bytes of an external buffer -> its place in model_.buffers.
  std::map<std::pair<uint32_t, uint64_t>, uint32_t> external_indices_;
  ExternalPlaces places_;
  uint64_t copy_budget_ = 0;
  bool over_budget_ = false;
};

}  // namespace

bool looks_like_tflite(std::span<const uint8_t> bytes) {
  return bytes.size() >= 8 && std::memcmp(bytes.data() + 4, "TFL3", 4) == 0;
}

Result<Model> read_tflite(std::shared_ptr<const Bytes> file, const ReadOptions& options) {
  return Reader(std::move(file), options).read();
}

std::vector<std::string> external_file_names(std::span<const uint8_t> file) {
  if (!check_container(file).ok()) return {};
  return external_file_names(*schema::GetModel(file.data()));
}

}  // namespace zeolite
