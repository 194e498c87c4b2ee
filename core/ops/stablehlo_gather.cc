// STABLEHLO_GATHER (1): slices of a tensor, from places that another tensor lists.
//   operand [...]    starts int32 or int64 [..., n, ...] with n at index_vector_dim (n = 1 where
//   that is the rank)    output: the dimensions `offset_dims` run through a slice, the others
//   through the starts
// A slice has slice_sizes, of which the collapsed_slice_dims (of size 1) are left out. Number k of
// a start is for dimension start_index_map[k]; slices beyond the edge are moved inside.
// STABLEHLO_SCATTER (1): the way back: updates join slices of a tensor.
//   operand, starts, updates -> operand's shape; `update_window_dims` of the updates run through a
//   slice, whose inserted_window_dims have size 1; number k of a start is for dimension
//   scatter_dims_to_operand_dims[k]; what is beyond the edge is left out. The function is a
//   subgraph (reducer.h).
//   https://openxla.org/stablehlo/spec#gather
#include <algorithm>
#include <cstring>

#include "core/ops/dispatch.h"
#include "core/ops/index_loop.h"
#include "core/ops/kernels.h"
#include "core/ops/reducer.h"

namespace zeolite {
namespace {

// The dimensions of a tensor of `rank` that `list` does not name, in order.
std::vector<int64_t> others(const std::vector<int64_t>& list, int64_t rank) {
  std::vector<int64_t> rest;
  for (int64_t d = 0; d < rank; ++d) {
    if (!is_in(list, d)) rest.push_back(d);
  }
  return rest;
}

// The starts of slices.
class Starts {
 public:
  Starts(const Operand& operand, int64_t vector_dim) : operand_(operand), vector_dim_(vector_dim) {}

  Status check(size_t numbers) const {
    const auto rank = static_cast<int64_t>(operand_.shape.size());
    if (vector_dim_ < 0 || vector_dim_ > rank) {
      return bad_input("index_vector_dim is " + std::to_string(vector_dim_));
    }
    const int32_t stored = vector_dim_ == rank ? 1 : operand_.shape[vector_dim_];
    if (stored == static_cast<int32_t>(numbers) || stored == kFree) return {};
    return bad_input("starts of " + std::to_string(stored) + " numbers, expected " +
                     std::to_string(numbers));
  }

  // The dimensions that run through the starts.
  Shape batch() const {
    Shape shape = operand_.shape;
    if (vector_dim_ < static_cast<int64_t>(shape.size())) shape.erase(shape.begin() + vector_dim_);
    return shape;
  }

  // Number `k` of the start at `place` of batch().
  int64_t at(const Index& place, size_t k) const {
    int64_t offset = 0;
    size_t next = 0;
    for (size_t d = 0; d < operand_.shape.size(); ++d) {
      const bool is_vector = static_cast<int64_t>(d) == vector_dim_;
      offset = offset * operand_.shape[d] + (is_vector ? static_cast<int64_t>(k) : place[next++]);
    }
    return operand_.type == TensorType::kInt32
               ? reinterpret_cast<const int32_t*>(operand_.data)[offset]
               : reinterpret_cast<const int64_t*>(operand_.data)[offset];
  }

 private:
  const Operand& operand_;
  int64_t vector_dim_;
};

Status infer_gather(InferContext& context) {
  const auto& options = context.options<StablehloGatherOptions>();
  const Shape& operand = context.input(0).shape;
  const auto rank = static_cast<int64_t>(operand.size());
  if (!is_static(operand) || !is_static(context.input(1).shape)) {
    return context.set_output_unknown(0, context.input(0).type);
  }
  const Starts starts(context.input(1), options.index_vector_dim);
  ZEOLITE_TRY(starts.check(options.start_index_map.size()));
  ZEOLITE_TRY(check_dimensions(options.start_index_map, rank, "start_index_map"));
  ZEOLITE_TRY(check_dimensions(options.collapsed_slice_dims, rank, "collapsed_slice_dims"));
  if (static_cast<int64_t>(options.slice_sizes.size()) != rank) {
    return bad_input("slice_sizes does not fit " + input_text(context, 0));
  }
  for (int64_t d = 0; d < rank; ++d) {
    const int64_t size = options.slice_sizes[d];
    const bool is_collapsed = is_in(options.collapsed_slice_dims, d);
    if (size < 0 || size > operand[d] || (is_collapsed && size > 1)) {
      return bad_input("a slice of " + std::to_string(size) + " in dimension " +
                       std::to_string(d) + " of " + shape_text(operand));
    }
  }
  const std::vector<int64_t> kept = others(options.collapsed_slice_dims, rank);
  const Shape batch = starts.batch();
  const auto output_rank = static_cast<int64_t>(batch.size() + kept.size());
  ZEOLITE_TRY(check_dimensions(options.offset_dims, output_rank, "offset_dims"));
  if (options.offset_dims.size() != kept.size()) {
    return bad_input("offset_dims names " + std::to_string(options.offset_dims.size()) +
                     " dimensions, a slice has " + std::to_string(kept.size()));
  }
  Shape shape;
  size_t next_batch = 0;
  size_t next_kept = 0;
  for (int64_t d = 0; d < output_rank; ++d) {
    shape.push_back(is_in(options.offset_dims, d)
                        ? static_cast<int32_t>(options.slice_sizes[kept[next_kept++]])
                        : batch[next_batch++]);
  }
  return context.set_output(0, context.input(0).type, std::move(shape));
}

Status eval_gather(EvalContext& context) {
  const auto& options = context.options<StablehloGatherOptions>();
  const Shape& operand = context.input(0).shape;
  const Shape& output = context.output(0).shape;
  const Starts starts(context.input(1), options.index_vector_dim);
  const std::vector<int64_t> kept =
      others(options.collapsed_slice_dims, static_cast<int64_t>(operand.size()));
  return dispatch_width(context.input(0).type, [&]<class T>() -> Status {
    T* to = context.out<T>(0);
    return for_each_index(output, [&](const Index& place) -> Status {
      Index batch;
      Index element(operand.size());
      size_t next_kept = 0;
      for (size_t d = 0; d < output.size(); ++d) {
        if (is_in(options.offset_dims, static_cast<int64_t>(d))) {
          element[kept[next_kept++]] = place[d];
        } else {
          batch.push_back(place[d]);
        }
      }
      for (size_t k = 0; k < options.start_index_map.size(); ++k) {
        const int64_t d = options.start_index_map[k];
        element[d] +=
            std::clamp<int64_t>(starts.at(batch, k), 0, operand[d] - options.slice_sizes[d]);
      }
      int64_t at = 0;
      for (size_t d = 0; d < operand.size(); ++d) at = at * operand[d] + element[d];
      *to++ = context.in<T>(0)[at];
      return {};
    });
  });
}

Status infer_scatter(InferContext& context) {
  const auto& options = context.options<StablehloScatterOptions>();
  ZEOLITE_TRY(require_same_type(context, 0, 2));
  ZEOLITE_TRY(
      reducer_of(context.model(), options.update_computation_subgraph_index).take_status());
  const Shape& operand = context.input(0).shape;
  const Shape& updates = context.input(2).shape;
  const auto rank = static_cast<int64_t>(operand.size());
  const Starts starts(context.input(1), options.index_vector_dim);
  ZEOLITE_TRY(starts.check(options.scatter_dims_to_operand_dims.size()));
  ZEOLITE_TRY(check_dimensions(options.scatter_dims_to_operand_dims, rank,
                               "scatter_dims_to_operand_dims"));
  ZEOLITE_TRY(check_dimensions(options.inserted_window_dims, rank, "inserted_window_dims"));
  ZEOLITE_TRY(check_dimensions(options.update_window_dims, static_cast<int64_t>(updates.size()),
                               "update_window_dims"));
  const std::vector<int64_t> window = others(options.inserted_window_dims, rank);
  const Shape batch = starts.batch();
  if (options.update_window_dims.size() != window.size() ||
      updates.size() != window.size() + batch.size()) {
    return bad_input(input_text(context, 2) + " does not fit " + input_text(context, 0) + " and " +
                     input_text(context, 1));
  }
  size_t next_batch = 0;
  for (size_t d = 0; d < updates.size(); ++d) {
    if (is_in(options.update_window_dims, static_cast<int64_t>(d))) continue;
    ZEOLITE_TRY(require_size(context, 2, static_cast<int>(d), batch[next_batch++], "updates"));
  }
  return context.set_output(0, context.input(0).type, operand);
}

Status eval_scatter(EvalContext& context) {
  const auto& options = context.options<StablehloScatterOptions>();
  const Operand& operand = context.input(0);
  const Shape& updates = context.input(2).shape;
  const Starts starts(context.input(1), options.index_vector_dim);
  const std::vector<int64_t> window =
      others(options.inserted_window_dims, static_cast<int64_t>(operand.shape.size()));
  ZEOLITE_ASSIGN(const Reducer reducer, reducer_of(context.host().model(),
                                                   options.update_computation_subgraph_index));
  if (operand.bytes > 0) std::memcpy(context.out<uint8_t>(0), operand.data, operand.bytes);
  return dispatch<kF32 | kI32 | kI64>(operand.type, [&]<class T>() -> Status {
    const T* from = context.in<T>(2);
    return for_each_index(updates, [&](const Index& place) -> Status {
      Index batch;
      Index element(operand.shape.size());
      size_t next_window = 0;
      for (size_t d = 0; d < updates.size(); ++d) {
        if (is_in(options.update_window_dims, static_cast<int64_t>(d))) {
          element[window[next_window++]] = place[d];
        } else {
          batch.push_back(place[d]);
        }
      }
      const T update = *from++;
      for (size_t k = 0; k < options.scatter_dims_to_operand_dims.size(); ++k) {
        const int64_t d = options.scatter_dims_to_operand_dims[k];
        const int64_t start = starts.at(batch, k);
        if (start < 0 || start > operand.shape[d]) return {};
        element[d] += start;
      }
      int64_t at = 0;
      for (size_t d = 0; d < element.size(); ++d) {
        if (element[d] >= operand.shape[d]) return {};
        at = at * operand.shape[d] + element[d];
      }
      T& target = context.out<T>(0)[at];
      target = reduce_pair(reducer, target, update);
      return {};
    });
  });
}

}  // namespace

const OpKernel kStablehloGatherOp = {infer_gather, nullptr, eval_gather};
const OpKernel kStablehloScatterOp = {infer_scatter, nullptr, eval_scatter};

}  // namespace zeolite
