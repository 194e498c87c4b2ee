#include "core/graph/verify.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "core/base/checked.h"
#include "core/graph/string_tensor.h"

namespace zeolite {
namespace {

// A broken file can hold a fault at every index; more than these help nobody.
constexpr size_t kMaxIssues = 50;
constexpr int32_t kLastTensorType = static_cast<int32_t>(TensorType::kFloat8E5m2);

class Verifier {
 public:
  Verifier(const Model& model, const ExternalPlaces& places) : model_(model), places_(places) {}

  Status verify() {
    for (size_t i = 0; i < model_.subgraphs.size(); ++i) verify_subgraph(i);
    for (const Signature& signature : model_.signatures) verify_signature(signature);
    for (const Metadata& entry : model_.metadata) {
      if (entry.buffer >= model_.buffers.size()) {
        add({}, "metadata " + entry.name + " points at a buffer that does not exist");
      }
    }
    if (issues_.empty()) return {};
    std::string message = "The model contradicts itself: " + issues_.front().reason;
    if (issues_.size() > 1) {
      message += " (and " + std::to_string(issues_.size() - 1) + " more reasons)";
    }
    return Status(Error{ErrorCode::kCorrupt, std::move(message), std::move(issues_)});
  }

 private:
  void add(Issue issue, std::string reason) {
    if (issues_.size() >= kMaxIssues) return;
    issue.reason = std::move(reason);
    issues_.push_back(std::move(issue));
  }

  void verify_subgraph(size_t index) {
    const Subgraph& subgraph = model_.subgraphs[index];
    prefix_ = model_.subgraphs.size() > 1 ? "subgraph " + std::to_string(index) + ", " : "";
    for (size_t i = 0; i < subgraph.tensors.size(); ++i) verify_tensor(subgraph, i);
    const int32_t count = static_cast<int32_t>(subgraph.tensors.size());
    const auto check_list = [&](const std::vector<int32_t>& list, const char* what) {
      for (int32_t tensor : list) {
        if (tensor < 0 || tensor >= count) {
          add({}, prefix_ + what + " " + std::to_string(tensor) + " does not exist");
        }
      }
    };
    check_list(subgraph.inputs, "input tensor");
    check_list(subgraph.outputs, "output tensor");
    std::vector<int32_t> inputs = subgraph.inputs;
    std::ranges::sort(inputs);
    // Two shapes would hold for the memory of one tensor.
    if (const auto twice = std::ranges::adjacent_find(inputs); twice != inputs.end()) {
      add({}, prefix_ + "input tensor " + std::to_string(*twice) + " is listed twice");
    }
    bool indices_hold = true;
    for (size_t i = 0; i < subgraph.operators.size(); ++i) {
      indices_hold &= verify_operator(subgraph, i);
    }
    if (indices_hold && issues_.empty()) verify_order(subgraph);
  }

  void verify_tensor(const Subgraph& subgraph, size_t index) {
    const Tensor& tensor = subgraph.tensors[index];
    const std::string what = prefix_ + "tensor " + std::to_string(index) + " (" + tensor.name + ")";
    if (static_cast<int32_t>(tensor.type) < 0 ||
        static_cast<int32_t>(tensor.type) > kLastTensorType) {
      add({}, what + " has type " + std::to_string(static_cast<int32_t>(tensor.type)) +
                  ", which the format does not know");
      return;
    }
    for (int32_t size : tensor.shape) {
      if (size < -1) {
        add({}, what + " has the impossible shape " + shape_text(tensor.shape));
        return;
      }
    }
    if (is_static(tensor.shape) && bits_per_element(tensor.type) != 0) {
      const Result<uint64_t> size = byte_size(tensor.type, tensor.shape);
      if (!size.ok()) {
        add({}, what + ": " + size.error().message);
        return;
      }
    }
    if (tensor.quantization) verify_quantization(subgraph, tensor, what);
    if (tensor.is_constant()) verify_constant(tensor, what);
  }

  void verify_quantization(const Subgraph& subgraph, const Tensor& tensor,
                           const std::string& what) {
    const Quantization& q = *tensor.quantization;
    if (!q.scale.empty() && q.scale.size() != q.zero_point.size()) {
      add({}, what + " has " + std::to_string(q.scale.size()) + " scales and " +
                  std::to_string(q.zero_point.size()) + " zero points");
      return;
    }
    if (q.scale.size() > 1) {
      const int32_t dimension = q.quantized_dimension;
      if (dimension < 0 || dimension >= static_cast<int32_t>(tensor.shape.size())) {
        add({}, what + " is quantized along dimension " + std::to_string(dimension) + " of shape " +
                    shape_text(tensor.shape));
      } else if (tensor.shape[dimension] >= 0 &&
                 static_cast<size_t>(tensor.shape[dimension]) != q.scale.size()) {
        add({}, what + " has " + std::to_string(q.scale.size()) + " scales for dimension " +
                    std::to_string(dimension) + " of shape " + shape_text(tensor.shape));
      }
    }
    const int32_t count = static_cast<int32_t>(subgraph.tensors.size());
    if (q.block_size < 0 || q.block_scales >= count || q.block_scales < kNoTensor ||
        q.block_zero_points >= count || q.block_zero_points < kNoTensor) {
      add({}, what + " has blockwise quantization that points at tensors that do not exist");
    }
  }

  void verify_constant(const Tensor& tensor, const std::string& what) {
    if (tensor.buffer >= model_.buffers.size()) {
      add({}, what + " points at a buffer that does not exist");
      return;
    }
    const std::span<const uint8_t> data = model_.data(tensor);
    const auto place = places_.find(tensor.buffer);
    const bool is_missing = place != places_.end() && place->second.is_missing;
    const uint64_t stored = is_missing ? place->second.bytes : data.size();
    if (!is_static(tensor.shape)) {
      add({}, what + " is a constant with the free shape " + shape_text(tensor.shape));
      return;
    }
    // How many values a sparse constant stores is checked where it is decoded.
    if (tensor.sparsity) return;
    if (tensor.type == TensorType::kString) {
      if (!is_missing) verify_strings(tensor, data, what);
      return;
    }
    if (bits_per_element(tensor.type) == 0) return;
    const Result<uint64_t> size = byte_size(tensor.type, tensor.shape);
    if (size.ok() && size.value() != stored) {
      add({}, what + " of type " + std::string(tensor_type_name(tensor.type)) + " and shape " +
                  shape_text(tensor.shape) + " needs " + std::to_string(size.value()) +
                  " bytes, the file holds " + std::to_string(stored));
    }
  }

  void verify_strings(const Tensor& tensor, std::span<const uint8_t> data,
                      const std::string& what) {
    const Result<int64_t> count = element_count(tensor.shape);
    const Status status = count.ok() ? check_strings(data, count.value()) : Status();
    if (!count.ok()) add({}, what + ": " + count.error().message);
    if (!status.ok()) add({}, what + ": " + status.error().message);
  }

  static Issue issue_of(const Subgraph& subgraph, size_t index) {
    const Operator& op = subgraph.operators[index];
    Issue issue;
    issue.subject = Issue::Subject::kOperator;
    issue.index = static_cast<int32_t>(index);
    issue.type = operator_name(op);
    if (!op.outputs.empty() && op.outputs[0] >= 0 &&
        static_cast<size_t>(op.outputs[0]) < subgraph.tensors.size()) {
      issue.name = subgraph.tensors[op.outputs[0]].name;
    }
    return issue;
  }

  bool verify_operator(const Subgraph& subgraph, size_t index) {
    const Operator& op = subgraph.operators[index];
    const int32_t count = static_cast<int32_t>(subgraph.tensors.size());
    bool sound = true;
    const auto check = [&](const std::vector<int32_t>& list, const char* role, int32_t least) {
      for (size_t i = 0; i < list.size(); ++i) {
        if (list[i] < least || list[i] >= count) {
          add(issue_of(subgraph, index), prefix_ + "operator " + std::to_string(index) + " " +
                                             operator_name(op) + ": " + role + " " +
                                             std::to_string(i) + " is tensor " +
                                             std::to_string(list[i]) + ", which does not exist");
          sound = false;
        }
      }
    };
    check(op.inputs, "input", kNoTensor);
    check(op.outputs, "output", 0);
    check(op.intermediates, "intermediate", kNoTensor);
    return sound;
  }

  // Operators run as they stand in the file: none may read what a later one writes, and each tensor
  // gets its shape and its value in one place.
  void verify_order(const Subgraph& subgraph) {
    constexpr int32_t kNever = -1;
    std::vector<int32_t> writer(subgraph.tensors.size(), kNever);
    std::vector<bool> has_value(subgraph.tensors.size(), false);
    for (int32_t input : subgraph.inputs) has_value[input] = true;
    for (size_t i = 0; i < subgraph.operators.size(); ++i) {
      for (int32_t output : subgraph.operators[i].outputs) {
        const Tensor& tensor = subgraph.tensors[output];
        const char* kind = tensor.is_constant() ? "constant tensor"
                           : has_value[output]  ? "subgraph's input"
                                                : nullptr;
        if (kind != nullptr) {
          add(issue_of(subgraph, i), prefix_ + "operator " + std::to_string(i) + " " +
                                         operator_name(subgraph.operators[i]) + " writes the " +
                                         kind + " " + tensor.name);
        }
        if (writer[output] != kNever) {
          add(issue_of(subgraph, i), prefix_ + "operators " + std::to_string(writer[output]) +
                                         " and " + std::to_string(i) + " both write tensor " +
                                         subgraph.tensors[output].name);
        }
        writer[output] = static_cast<int32_t>(i);
      }
    }
    for (size_t t = 0; t < subgraph.tensors.size(); ++t) {
      const Tensor& tensor = subgraph.tensors[t];
      has_value[t] = has_value[t] || writer[t] != kNever || tensor.is_constant() ||
                     tensor.is_variable ||
                     (is_static(tensor.shape) && std::ranges::count(tensor.shape, 0) > 0);
    }
    for (int32_t output : subgraph.outputs) {
      if (has_value[output]) continue;
      add({}, prefix_ + "nothing gives the output " + subgraph.tensors[output].name + " a value");
    }
    for (size_t i = 0; i < subgraph.operators.size(); ++i) {
      for (int32_t input : subgraph.operators[i].inputs) {
        if (input == kNoTensor) continue;
        if (!has_value[input]) {
          add(issue_of(subgraph, i), prefix_ + "operator " + std::to_string(i) + " " +
                                         operator_name(subgraph.operators[i]) + " reads tensor " +
                                         subgraph.tensors[input].name +
                                         ", which nothing gives a value");
        }
        if (writer[input] < static_cast<int32_t>(i)) continue;
        add(issue_of(subgraph, i), prefix_ + "operator " + std::to_string(i) + " " +
                                       operator_name(subgraph.operators[i]) + " reads tensor " +
                                       subgraph.tensors[input].name + " before operator " +
                                       std::to_string(writer[input]) + " writes it");
      }
    }
  }

  void verify_signature(const Signature& signature) {
    if (signature.subgraph < 0 ||
        static_cast<size_t>(signature.subgraph) >= model_.subgraphs.size()) {
      add({}, "signature " + signature.key + " names subgraph " +
                  std::to_string(signature.subgraph) + ", which does not exist");
      return;
    }
    const size_t count = model_.subgraphs[signature.subgraph].tensors.size();
    for (const auto* list : {&signature.inputs, &signature.outputs}) {
      for (const SignatureTensor& entry : *list) {
        if (entry.tensor < 0 || static_cast<size_t>(entry.tensor) >= count) {
          add({}, "signature " + signature.key + ": " + entry.name +
                      " is a tensor that does not exist");
        }
      }
    }
  }

  const Model& model_;
  const ExternalPlaces& places_;
  std::string prefix_;
  std::vector<Issue> issues_;
};

}  // namespace

Status verify_model(const Model& model, const ExternalPlaces& places) {
  return Verifier(model, places).verify();
}

}  // namespace zeolite
