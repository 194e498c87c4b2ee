#include "core/passes/passes.h"

#include <algorithm>

namespace zeolite {
namespace {

// Each round finds what the one before made possible; graphs settle after three or four. The bound
// only guards against passes that undo each other.
constexpr int kMaxRounds = 16;

Result<bool> run_pass(Model* model, size_t subgraph, Status (*pass)(Editor*)) {
  Editor editor(model, subgraph);
  ZEOLITE_TRY(pass(&editor));
  const bool has_changed = editor.take_changed();
  editor.apply();
  return has_changed;
}

}  // namespace

ConversionPasses::ConversionPasses(Model* model, const PassOptions& options) : model_(model) {
  passes_ = {remove_dead, remove_identities};
  if (options.fold_constants) passes_.push_back(fold_constants);
  if (options.move_transposes) passes_.push_back(move_transposes);
  passes_.push_back(recognize_patterns);
  if (options.fold_arithmetic) passes_.push_back(fold_arithmetic);
  passes_.push_back(fuse_pads);
  if (options.fuse_activations) passes_.push_back(fuse_activations);
  passes_.push_back(merge_duplicates);
  passes_.push_back(remove_dead);
}

size_t ConversionPasses::total() const {
  if (is_done()) return done_;
  const size_t later = has_changed_ ? 1 : 0;
  const size_t subgraphs = model_->subgraphs.size() - subgraph_ - 1;
  return done_ + passes_.size() - next_ + (later + subgraphs) * passes_.size();
}

Status ConversionPasses::step() {
  if (is_done()) return {};
  ZEOLITE_ASSIGN(const bool changed_now, run_pass(model_, subgraph_, passes_[next_]));
  has_changed_ |= changed_now;
  ++done_;
  if (++next_ < passes_.size()) return {};
  next_ = 0;
  if (!has_changed_ || ++round_ == kMaxRounds) {
    ++subgraph_;
    round_ = 0;
  }
  has_changed_ = false;
  if (is_done()) drop_unused(model_);
  return {};
}

Status run_conversion_passes(Model* model, const PassOptions& options) {
  ConversionPasses passes(model, options);
  while (!passes.is_done()) ZEOLITE_TRY(passes.step());
  return {};
}

void drop_unused(Model* model) {
  for (size_t index = 0; index < model->subgraphs.size(); ++index) {
    Subgraph& graph = model->subgraphs[index];
    std::vector<bool> is_used(graph.tensors.size());
    const auto use = [&](int32_t tensor) {
      if (tensor != kNoTensor) is_used[static_cast<size_t>(tensor)] = true;
    };
    for (const Operator& op : graph.operators) {
      for (const auto* list : {&op.inputs, &op.outputs, &op.intermediates}) {
        for (int32_t tensor : *list) use(tensor);
      }
    }
    for (const auto* list : {&graph.inputs, &graph.outputs}) {
      for (int32_t tensor : *list) use(tensor);
    }
    for (Signature& signature : model->signatures) {
      if (signature.subgraph != static_cast<int32_t>(index)) continue;
      for (const auto* list : {&signature.inputs, &signature.outputs}) {
        for (const SignatureTensor& each : *list) use(each.tensor);
      }
    }
    for (const Tensor& tensor : graph.tensors) {
      if (tensor.quantization == nullptr) continue;
      use(tensor.quantization->block_scales);
      use(tensor.quantization->block_zero_points);
    }
    std::vector<int32_t> place(graph.tensors.size(), kNoTensor);
    std::vector<Tensor> kept;
    for (size_t i = 0; i < graph.tensors.size(); ++i) {
      if (!is_used[i]) continue;
      place[i] = static_cast<int32_t>(kept.size());
      kept.push_back(std::move(graph.tensors[i]));
    }
    graph.tensors = std::move(kept);
    const auto move = [&](int32_t& tensor) {
      if (tensor != kNoTensor) tensor = place[static_cast<size_t>(tensor)];
    };
    for (Operator& op : graph.operators) {
      for (auto* list : {&op.inputs, &op.outputs, &op.intermediates}) {
        for (int32_t& tensor : *list) move(tensor);
      }
    }
    for (auto* list : {&graph.inputs, &graph.outputs}) {
      for (int32_t& tensor : *list) move(tensor);
    }
    for (Signature& signature : model->signatures) {
      if (signature.subgraph != static_cast<int32_t>(index)) continue;
      for (auto* list : {&signature.inputs, &signature.outputs}) {
        for (SignatureTensor& each : *list) move(each.tensor);
      }
    }
    for (Tensor& tensor : graph.tensors) {
      if (tensor.quantization == nullptr) continue;
      move(tensor.quantization->block_scales);
      move(tensor.quantization->block_zero_points);
    }
  }

  std::vector<bool> is_used(model->buffers.size());
  is_used[kNoBuffer] = true;
  for (const Subgraph& graph : model->subgraphs) {
    for (const Tensor& tensor : graph.tensors) is_used[tensor.buffer] = true;
    for (const Operator& op : graph.operators) {
      // Options of custom operators may lie in a buffer.
      const uint8_t* options = op.custom_options.data();
      for (size_t i = 0; options != nullptr && i < model->buffers.size(); ++i) {
        const std::span<const uint8_t> data = model->buffers[i].data;
        if (options >= data.data() && options < data.data() + data.size()) is_used[i] = true;
      }
    }
  }
  for (const Metadata& metadata : model->metadata) is_used[metadata.buffer] = true;
  std::vector<uint32_t> place(model->buffers.size(), kNoBuffer);
  std::vector<Buffer> kept;
  for (size_t i = 0; i < model->buffers.size(); ++i) {
    if (!is_used[i]) continue;
    place[i] = static_cast<uint32_t>(kept.size());
    kept.push_back(std::move(model->buffers[i]));
  }
  model->buffers = std::move(kept);
  for (Subgraph& graph : model->subgraphs) {
    for (Tensor& tensor : graph.tensors) tensor.buffer = place[tensor.buffer];
  }
  for (Metadata& metadata : model->metadata) metadata.buffer = place[metadata.buffer];
}

}  // namespace zeolite
