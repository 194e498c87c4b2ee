#include "core/graph/write.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "core/base/checked.h"
#include "core/graph/schema.h"

namespace zeolite {
namespace {

constexpr uint64_t kMaxFileBytes = 0x7fffffff;  // Offsets inside a flatbuffer are 31 bits.
constexpr uint64_t kDataAlignment = 16;
// Operator codes above this live in `builtin_code` only; the older byte says "look there".
constexpr int32_t kPlaceholderCode = 127;

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

// The tables are built by FlatBufferBuilder, the constants behind them are laid out by hand: the
// builder would hold them twice while it grows, and models are mostly constants. An offset in a
// flatbuffer only points forward, so that data at the end of the file are reachable from anywhere.
class Writer {
 public:
  explicit Writer(const Model& model) : model_(model) {}

  Result<TfliteFile> write() {
    collect_buffers();
    collect_codes();
    std::vector<Offset<schema::SubGraph>> subgraphs;
    for (const Subgraph& subgraph : model_.subgraphs) subgraphs.push_back(write_subgraph(subgraph));
    std::vector<Offset<schema::SignatureDef>> signatures;
    for (const Signature& signature : model_.signatures) {
      signatures.push_back(schema::CreateSignatureDef(
          builder_, write_tensor_map(signature.inputs), write_tensor_map(signature.outputs),
          builder_.CreateSharedString(signature.key), static_cast<uint32_t>(signature.subgraph)));
    }
    std::vector<Offset<schema::Metadata>> metadata;
    for (const Metadata& entry : model_.metadata) {
      metadata.push_back(schema::CreateMetadata(
          builder_, builder_.CreateSharedString(entry.name), new_buffer_[entry.buffer]));
    }
    const auto codes = write_codes();
    const auto buffers = write_buffers();
    const auto subgraph_list = builder_.CreateVector(subgraphs);
    const auto description = builder_.CreateSharedString(model_.description);
    const auto signature_list =
        signatures.empty() ? 0 : builder_.CreateVector(signatures);
    const auto metadata_list = metadata.empty() ? 0 : builder_.CreateVector(metadata);
    schema::ModelBuilder root(builder_);
    root.add_version(3);
    root.add_operator_codes(codes);
    root.add_subgraphs(subgraph_list);
    root.add_description(description);
    root.add_buffers(buffers);
    root.add_metadata(metadata_list);
    root.add_signature_defs(signature_list);
    builder_.Finish(root.Finish(), schema::ModelIdentifier());
    return join();
  }

 private:
  using CodeKey = std::tuple<int32_t, std::string, int32_t>;

  // Gives each distinct constant that anything uses a place in the new file; 0 stays empty.
  void collect_buffers() {
    new_buffer_.assign(model_.buffers.size(), 0);
    used_.push_back({});
    std::unordered_map<size_t, std::vector<uint32_t>> by_hash;
    const auto use = [&](uint32_t buffer) {
      if (buffer == kNoBuffer || new_buffer_[buffer] != 0) return;
      const std::span<const uint8_t> data = model_.buffers[buffer].data;
      const size_t hash = std::hash<std::string_view>()(
          {reinterpret_cast<const char*>(data.data()), data.size()});
      for (uint32_t candidate : by_hash[hash]) {
        if (std::ranges::equal(used_[candidate], data)) {
          new_buffer_[buffer] = candidate;
          return;
        }
      }
      new_buffer_[buffer] = static_cast<uint32_t>(used_.size());
      by_hash[hash].push_back(new_buffer_[buffer]);
      used_.push_back(data);
    };
    for (const Subgraph& subgraph : model_.subgraphs) {
      for (const Tensor& tensor : subgraph.tensors) use(tensor.buffer);
    }
    for (const Metadata& entry : model_.metadata) use(entry.buffer);
  }

  static CodeKey code_of(const Operator& op) {
    return {static_cast<int32_t>(op.code), op.custom_name, op.version};
  }

  void collect_codes() {
    for (const Subgraph& subgraph : model_.subgraphs) {
      for (const Operator& op : subgraph.operators) {
        if (codes_.try_emplace(code_of(op), static_cast<uint32_t>(code_order_.size())).second) {
          code_order_.push_back(code_of(op));
        }
      }
    }
  }

  Offset<flatbuffers::Vector<Offset<schema::OperatorCode>>> write_codes() {
    std::vector<Offset<schema::OperatorCode>> codes;
    for (const auto& [code, custom_name, version] : code_order_) {
      const auto name = custom_name.empty() ? 0 : builder_.CreateSharedString(custom_name);
      codes.push_back(schema::CreateOperatorCode(
          builder_, static_cast<int8_t>(std::min(code, kPlaceholderCode)), name, version,
          static_cast<schema::BuiltinOperator>(code)));
    }
    return builder_.CreateVector(codes);
  }

  // Equal lists (shapes above all) are stored once.
  template <class T, class S = T>
  Offset<flatbuffers::Vector<S>> shared_list(const std::vector<T>& values) {
    static_assert(sizeof(T) == sizeof(S));
    std::string key(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    key += static_cast<char>('0' + sizeof(T));
    const auto [entry, is_new] = lists_.try_emplace(std::move(key), 0);
    if (is_new) entry->second = builder_.CreateVector(values).o;
    return Offset<flatbuffers::Vector<S>>(entry->second);
  }

  Offset<schema::SubGraph> write_subgraph(const Subgraph& subgraph) {
    std::vector<Offset<schema::Tensor>> tensors;
    for (const Tensor& tensor : subgraph.tensors) tensors.push_back(write_tensor(tensor));
    std::vector<Offset<schema::Operator>> operators;
    for (const Operator& op : subgraph.operators) operators.push_back(write_operator(op));
    const auto tensor_list = builder_.CreateVector(tensors);
    const auto inputs = shared_list(subgraph.inputs);
    const auto outputs = shared_list(subgraph.outputs);
    const auto operator_list = builder_.CreateVector(operators);
    const auto name = builder_.CreateSharedString(subgraph.name);
    return schema::CreateSubGraph(builder_, tensor_list, inputs, outputs, operator_list, name);
  }

  Offset<schema::Tensor> write_tensor(const Tensor& tensor) {
    const auto name = builder_.CreateSharedString(tensor.name);
    // Runtimes plan with a free dimension of 1 until a caller gives another size.
    Shape shape = tensor.shape;
    std::replace(shape.begin(), shape.end(), -1, 1);
    const bool is_free = shape != tensor.shape;
    const auto shape_list = shared_list(shape);
    const auto signature = is_free ? shared_list(tensor.shape) : 0;
    const auto quantization = tensor.quantization ? write_quantization(*tensor.quantization) : 0;
    const auto sparsity = tensor.sparsity ? write_sparsity(*tensor.sparsity) : 0;
    Offset<flatbuffers::Vector<Offset<schema::VariantSubType>>> variants = 0;
    if (tensor.variant_type) {
      const auto variant_shape = shared_list(tensor.variant_shape);
      variants = builder_.CreateVector({schema::CreateVariantSubType(
          builder_, variant_shape, static_cast<schema::TensorType>(*tensor.variant_type), true)});
    }
    schema::TensorBuilder table(builder_);
    table.add_shape(shape_list);
    table.add_type(static_cast<schema::TensorType>(tensor.type));
    table.add_buffer(new_buffer_[tensor.buffer]);
    table.add_name(name);
    table.add_quantization(quantization);
    table.add_is_variable(tensor.is_variable);
    table.add_sparsity(sparsity);
    table.add_shape_signature(signature);
    table.add_has_rank(tensor.has_rank);
    table.add_variant_tensors(variants);
    return table.Finish();
  }

  Offset<schema::QuantizationParameters> write_quantization(const Quantization& source) {
    const auto min = source.min.empty() ? 0 : shared_list(source.min);
    const auto max = source.max.empty() ? 0 : shared_list(source.max);
    const auto scale = source.scale.empty() ? 0 : shared_list(source.scale);
    const auto zero_point = source.zero_point.empty() ? 0 : shared_list(source.zero_point);
    Offset<void> details = 0;
    if (source.block_size > 0) {
      details = schema::CreateBlockwiseQuantization(builder_, source.block_scales,
                                                    std::max(0, source.block_zero_points),
                                                    source.block_size)
                    .Union();
    }
    return schema::CreateQuantizationParameters(
        builder_, min, max, scale, zero_point,
        source.block_size > 0 ? schema::QuantizationDetails::BlockwiseQuantization
                              : schema::QuantizationDetails::NONE,
        details, source.quantized_dimension);
  }

  // Indices in the narrowest of the three widths that the format has.
  std::pair<schema::SparseIndexVector, Offset<void>> write_indices(
      const std::vector<int32_t>& values) {
    const int32_t largest = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    if (largest <= 0xff) {
      std::vector<uint8_t> narrow(values.begin(), values.end());
      // Readers load these lists by machine words.
      builder_.ForceVectorAlignment(narrow.size(), sizeof(uint8_t), 4);
      const auto list = builder_.CreateVector(narrow);
      return {schema::SparseIndexVector::Uint8Vector,
              schema::CreateUint8Vector(builder_, list).Union()};
    }
    if (largest <= 0xffff) {
      std::vector<uint16_t> narrow(values.begin(), values.end());
      builder_.ForceVectorAlignment(narrow.size(), sizeof(uint16_t), 4);
      const auto list = builder_.CreateVector(narrow);
      return {schema::SparseIndexVector::Uint16Vector,
              schema::CreateUint16Vector(builder_, list).Union()};
    }
    const auto list = builder_.CreateVector(values);
    return {schema::SparseIndexVector::Int32Vector,
            schema::CreateInt32Vector(builder_, list).Union()};
  }

  Offset<schema::SparsityParameters> write_sparsity(const Sparsity& source) {
    std::vector<Offset<schema::DimensionMetadata>> dimensions;
    for (const SparseDimension& dimension : source.dimensions) {
      if (dimension.format == DimensionType::kDense) {
        dimensions.push_back(schema::CreateDimensionMetadata(builder_, schema::DimensionType::DENSE,
                                                             dimension.dense_size));
        continue;
      }
      const auto [segments_type, segments] = write_indices(dimension.segments);
      const auto [indices_type, indices] = write_indices(dimension.indices);
      dimensions.push_back(schema::CreateDimensionMetadata(
          builder_, schema::DimensionType::SPARSE_CSR, dimension.dense_size, segments_type,
          segments, indices_type, indices));
    }
    const auto traversal_order = shared_list(source.traversal_order);
    const auto block_map = source.block_map.empty() ? 0 : shared_list(source.block_map);
    const auto dimension_list = builder_.CreateVector(dimensions);
    return schema::CreateSparsityParameters(builder_, traversal_order, block_map, dimension_list);
  }

  Offset<schema::Operator> write_operator(const Operator& op) {
    const auto inputs = shared_list(op.inputs);
    const auto outputs = shared_list(op.outputs);
    const auto intermediates = op.intermediates.empty() ? 0 : shared_list(op.intermediates);
    const auto custom_options =
        op.custom_options.empty()
            ? 0
            : builder_.CreateVector(op.custom_options.data(), op.custom_options.size());
    const OptionsInfo* info = op.options.info();
    const Offset<void> options = info != nullptr ? write_options(*info, op.options.raw()) : 0;
    schema::OperatorBuilder table(builder_);
    table.add_opcode_index(codes_.at(code_of(op)));
    table.add_inputs(inputs);
    table.add_outputs(outputs);
    table.add_intermediates(intermediates);
    table.add_custom_options(custom_options);
    if (info != nullptr && info->union_index == 1) {
      table.add_builtin_options_type(static_cast<schema::BuiltinOptions>(info->type));
      table.add_builtin_options(options);
    } else if (info != nullptr) {
      table.add_builtin_options2_type(static_cast<schema::BuiltinOptions2>(info->type));
      table.add_builtin_options2(options);
    }
    return table.Finish();
  }

  // A list or string cannot be begun inside a table, so that they come first.
  Offset<void> write_options(const OptionsInfo& info, const void* options) {
    const auto* base = static_cast<const uint8_t*>(options);
    std::vector<flatbuffers::uoffset_t> children(info.fields.size(), 0);
    for (size_t i = 0; i < info.fields.size(); ++i) {
      children[i] = write_child(info.fields[i].kind, base + info.fields[i].offset);
    }
    const Options defaults = Options::defaults_of(info);
    const flatbuffers::uoffset_t start = builder_.StartTable();
    for (size_t i = 0; i < info.fields.size(); ++i) {
      const OptionField& field = info.fields[i];
      const auto slot = static_cast<flatbuffers::voffset_t>(4 + 2 * field.slot);
      if (children[i] != 0) {
        builder_.AddOffset(slot, Offset<void>(children[i]));
      } else {
        write_scalar(slot, field.kind, base + field.offset,
                     static_cast<const uint8_t*>(defaults.raw()) + field.offset);
      }
    }
    return Offset<void>(builder_.EndTable(start));
  }

  template <class T>
  flatbuffers::uoffset_t write_option_list(const void* member) {
    const auto& values = *static_cast<const std::vector<T>*>(member);
    return values.empty() ? 0 : shared_list(values).o;
  }

  // The offset of a list or string option; 0 for an empty one and for scalars.
  flatbuffers::uoffset_t write_child(FieldKind kind, const void* member) {
    switch (kind) {
      case FieldKind::kString: {
        const auto& value = *static_cast<const std::string*>(member);
        return value.empty() ? 0 : builder_.CreateSharedString(value).o;
      }
      case FieldKind::kInt32List: return write_option_list<int32_t>(member);
      case FieldKind::kUint32List: return write_option_list<uint32_t>(member);
      case FieldKind::kInt64List: return write_option_list<int64_t>(member);
      case FieldKind::kFloat32List: return write_option_list<float>(member);
      case FieldKind::kUint8List: return write_option_list<uint8_t>(member);
      default: return 0;
    }
  }

  template <class T>
  void write_element(flatbuffers::voffset_t slot, const void* member, const void* fallback) {
    builder_.AddElement<T>(slot, *static_cast<const T*>(member), *static_cast<const T*>(fallback));
  }

  void write_scalar(flatbuffers::voffset_t slot, FieldKind kind, const void* member,
                    const void* fallback) {
    switch (kind) {
      case FieldKind::kBool:
      case FieldKind::kUint8: write_element<uint8_t>(slot, member, fallback); break;
      case FieldKind::kInt8: write_element<int8_t>(slot, member, fallback); break;
      case FieldKind::kInt32: write_element<int32_t>(slot, member, fallback); break;
      case FieldKind::kUint32: write_element<uint32_t>(slot, member, fallback); break;
      case FieldKind::kInt64: write_element<int64_t>(slot, member, fallback); break;
      case FieldKind::kFloat32: write_element<float>(slot, member, fallback); break;
      default: break;
    }
  }

  Offset<flatbuffers::Vector<Offset<schema::TensorMap>>> write_tensor_map(
      const std::vector<SignatureTensor>& entries) {
    std::vector<Offset<schema::TensorMap>> result;
    for (const SignatureTensor& entry : entries) {
      result.push_back(schema::CreateTensorMap(builder_, builder_.CreateSharedString(entry.name),
                                               static_cast<uint32_t>(entry.tensor)));
    }
    return builder_.CreateVector(result);
  }

  // Each table with data gets an offset that join() turns towards the data behind the tables.
  Offset<flatbuffers::Vector<Offset<schema::Buffer>>> write_buffers() {
    const auto placeholder = builder_.CreateVector(std::vector<uint8_t>());
    std::vector<Offset<schema::Buffer>> buffers;
    for (const std::span<const uint8_t> data : used_) {
      buffers.push_back(data.empty() ? schema::CreateBuffer(builder_)
                                     : schema::CreateBuffer(builder_, placeholder));
    }
    return builder_.CreateVector(buffers);
  }

  Result<TfliteFile> join() {
    constexpr uint64_t kLengthBytes = sizeof(flatbuffers::uoffset_t);
    TfliteFile file;
    file.size = builder_.GetSize();
    // The length stands right before the aligned data. The lengths lie behind the tables here, each
    // a piece of its own.
    std::vector<uint64_t> positions;
    for (const std::span<const uint8_t> data : used_) {
      if (data.empty()) {
        positions.push_back(0);
        continue;
      }
      positions.push_back((file.size + kLengthBytes + kDataAlignment - 1) / kDataAlignment *
                          kDataAlignment);
      file.size = positions.back() + data.size();
    }
    if (file.size > kMaxFileBytes) {
      return unsupported("The model needs " + std::to_string(file.size) +
                         " bytes; a .tflite file holds at most 2 GB");
    }
    const size_t tables_size = builder_.GetSize();
    ZEOLITE_ASSIGN(file.tables, Bytes::allocate(tables_size + kLengthBytes * used_.size(),
                                                "the .tflite file"));
    std::memcpy(file.tables.data(), builder_.GetBufferPointer(), tables_size);
    file.pieces.push_back({0, file.tables.span().first(tables_size)});
    const auto& tables = *schema::GetModel(file.tables.data())->buffers();
    for (uint32_t i = 0; i < used_.size(); ++i) {
      const std::span<const uint8_t> data = used_[i];
      if (data.empty()) continue;
      uint8_t* length = file.tables.data() + tables_size + kLengthBytes * i;
      flatbuffers::WriteScalar(length, static_cast<flatbuffers::uoffset_t>(data.size()));
      file.pieces.push_back({positions[i] - kLengthBytes, {length, kLengthBytes}});
      file.pieces.push_back({positions[i], data});
      const auto* table = reinterpret_cast<const flatbuffers::Table*>(tables.Get(i));
      const uint8_t* field = table->GetAddressOf(schema::Buffer::VT_DATA);
      const uint64_t field_position = static_cast<uint64_t>(field - file.tables.data());
      flatbuffers::WriteScalar(
          file.tables.data() + field_position,
          static_cast<flatbuffers::uoffset_t>(positions[i] - kLengthBytes - field_position));
    }
    return file;
  }

  const Model& model_;
  FlatBufferBuilder builder_;
  std::map<CodeKey, uint32_t> codes_;
  std::vector<CodeKey> code_order_;
  std::vector<uint32_t> new_buffer_;                // By the model's buffer index.
  std::vector<std::span<const uint8_t>> used_;      // By the new file's buffer index.
  std::unordered_map<std::string, flatbuffers::uoffset_t> lists_;
};

}  // namespace

Result<TfliteFile> lay_out_tflite(const Model& model) { return Writer(model).write(); }

Result<Bytes> write_tflite(const Model& model) {
  ZEOLITE_ASSIGN(const TfliteFile file, lay_out_tflite(model));
  return put_together(file);
}

Result<Bytes> put_together(const TfliteFile& file) {
  ZEOLITE_ASSIGN(Bytes bytes, Bytes::allocate_zeroed(file.size, "the .tflite file"));
  for (const TfliteFile::Piece& piece : file.pieces) {
    std::memcpy(bytes.data() + piece.position, piece.bytes.data(), piece.bytes.size());
  }
  return bytes;
}

}  // namespace zeolite
