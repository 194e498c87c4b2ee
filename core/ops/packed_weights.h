// Constant weights in the order that a kernel wants: packed once at load, kept when shapes change.
#pragma once

#include <algorithm>
#include <span>

#include "core/ops/op.h"

namespace zeolite {

// The data of an input, or null where it is absent.
template <class T>
const T* data_or_null(const OpContext& context, size_t index) {
  return context.has_input(index) ? reinterpret_cast<const T*>(context.input(index).data) : nullptr;
}

// Part of an operator's state. Weights and bias that are not known before eval are packed by each
// eval, into the scratch memory of the last request.
class PackedWeights {
 public:
  // Calls pack(to) with `bytes` of memory when the weights and the bias (which may be absent) are
  // known, unless they are packed already in the `same_form`. Asks for scratch memory otherwise: so
  // this must be the last request.
  template <class Pack>
  Status prepare(PrepareContext& context, size_t weights, size_t bias, uint64_t bytes,
                 bool same_form, const Pack& pack) {
    const size_t sources[] = {weights, bias};
    return prepare(context, sources, bytes, same_form, pack);
  }

  // The same for any number of inputs, each of which may be absent.
  template <class Pack>
  Status prepare(PrepareContext& context, std::span<const size_t> sources, uint64_t bytes,
                 bool same_form, const Pack& pack) {
    const auto all = [&](auto member) {
      return std::ranges::all_of(sources, [&](size_t input) {
        return !context.has_input(input) || context.input(input).*member;
      });
    };
    const bool is_constant = all(&Operand::is_constant);
    if (is_packed_ && is_constant && same_form && bytes_.size() == bytes) {
      context.keep_packed(bytes);
      return {};
    }
    bytes_ = Bytes();
    is_packed_ = false;
    if (!all(&Operand::has_data)) {
      context.request_scratch(bytes);
      return {};
    }
    ZEOLITE_ASSIGN(bytes_, context.allocate_packed(bytes));
    pack(bytes_.data());
    is_packed_ = true;
    return {};
  }

  // Where they were known to prepare.
  const uint8_t* packed() const { return bytes_.data(); }

  // The packed weights; `request` is the number of the scratch request.
  template <class Pack>
  const uint8_t* get(EvalContext& context, size_t request, const Pack& pack) const {
    if (is_packed_) return bytes_.data();
    pack(context.scratch(request));
    return context.scratch(request);
  }

 private:
  Bytes bytes_;
  bool is_packed_ = false;
};

}  // namespace zeolite
