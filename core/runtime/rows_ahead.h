// The part of a loop that does not wait for the turn before: in the body of a recurrent network the
// input's product, FULLY_CONNECTED of one element after the other (GATHER by a counter) of a
// sequence that the loop hands on unchanged. Computed for many turns at once, the weights are read
// once for them all.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/graph/graph.h"
#include "core/ops/op.h"
#include "core/ops/table.h"

namespace zeolite {

// For each operator of a loop's body that is such a product, the GATHER of its input; null for the
// others. Shapes and constants are RowsAhead's to look at.
std::vector<const Operator*> row_gathers(const Subgraph& subgraph);

// One such operator's results of the turns to come.
class RowsAhead {
 public:
  // `inputs` and `output` are the operator's own. All must outlive this.
  RowsAhead(const Operator& op, const OpKernel& kernel, std::span<const Operand* const> inputs,
            const Operand& output, const Operand& sequence, const Operand& position);
  RowsAhead(const RowsAhead&) = delete;
  RowsAhead& operator=(const RowsAhead&) = delete;

  // Once the shapes of its operands are known; forgets all results.
  Status prepare(int threads);
  // Whether it is worth it for these shapes. Only then the following may be called.
  bool is_used() const { return steps_ > 0; }
  // The sequence's data are others now.
  void forget();
  const Operand& sequence() const { return sequence_; }
  const Operand& position() const { return position_; }
  // Writes the result for the position where it is there, or the position goes on by one, which
  // computes the next ones. Positions are checked already, by the GATHER.
  Status give(OpHost& host, uint8_t* output);
  // Whether the last call of give() wrote the result; if not, it is the operator's to compute.
  bool has_given() const { return has_given_; }
  // For the profile: how results are computed, and the operations of the last give().
  const char* kernel() const { return record_.kernel; }
  double flops() const { return flops_; }

  uint64_t packed_bytes() const { return record_.packed_bytes; }
  uint64_t own_bytes() const { return memory_.size(); }

 private:
  const Operator& op_;
  const OpKernel& kernel_;
  const Operand& input_;   // Of one turn.
  const Operand& output_;  // Of one turn.
  const Operand& sequence_;
  const Operand& position_;
  Operand rows_;     // The input of many turns: in the sequence itself.
  Operand results_;  // Their outputs.
  std::vector<const Operand*> inputs_;
  OpRecord record_;
  Bytes memory_;
  int64_t steps_ = 0;   // Turns at once.
  int64_t first_ = -1;  // Of the results; -1: there are none.
  int64_t last_ = -1;   // Position asked for; -1: none.
  bool has_given_ = false;
  double flops_ = 0;
};

}  // namespace zeolite
