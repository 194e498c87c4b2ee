// Graph -> graph: makes a model smaller and faster without changing what it computes beyond float
// rounding. Inputs and outputs of the graph keep their names, operators their sources (those of
// merged operators are joined). Running a pass again changes nothing.
#pragma once

#include <vector>

#include "core/graph/graph.h"
#include "core/passes/editor.h"

namespace zeolite {

struct PassOptions {
  // Each can be left out, to look at what it does.
  bool fold_constants = true;
  bool fold_arithmetic = true;    // MUL, ADD, SUB and DIV by constants into convolutions and FC.
  bool fuse_activations = true;
  bool move_transposes = true;
};

// All passes until none finds anything, for every subgraph; then drops what nothing uses. Step by
// step, so that others get their turn in between.
class ConversionPasses {
 public:
  // `model` must outlive this, and is complete only when all is done.
  explicit ConversionPasses(Model* model, const PassOptions& options = {});

  // One pass over one subgraph. Errors: kOutOfMemory.
  Status step();
  bool is_done() const { return subgraph_ == model_->subgraphs.size(); }
  // Steps so far, and how many there will be as far as that is known: it grows with each round that
  // finds something.
  size_t done() const { return done_; }
  size_t total() const;

 private:
  using Pass = Status (*)(Editor*);

  Model* model_;
  std::vector<Pass> passes_;
  size_t subgraph_ = 0;
  int round_ = 0;
  size_t next_ = 0;  // Of `passes_`, in this round.
  bool has_changed_ = false;
  size_t done_ = 0;
};

// All steps at once.
Status run_conversion_passes(Model* model, const PassOptions& options = {});

// The passes. Each says in `editor` whether it changed anything.

// Evaluates operators whose inputs are all constant, unless the result is much larger than they.
// Operators that keep a constant small (DEQUANTIZE, DENSIFY) stay.
Status fold_constants(Editor* editor);
// Removes what gives its input again: reshapes to the same shape, transposes in the same order,
// pads by nothing, slices of everything, casts to the same type, + 0, * 1, clamps of what is within
// the bounds already; joins reshapes of reshapes and transposes of transposes.
Status remove_identities(Editor* editor);
// MUL, DIV, ADD and SUB by a constant for each channel go into the convolution or FC before, also
// across reshapes in between; MUL, and where nothing is padded ADD and SUB, into the one after.
// Two of one kind become one.
Status fold_arithmetic(Editor* editor);
// RELU, RELU6 and RELU_N1_TO_1 become the activation of the operator before.
Status fuse_activations(Editor* editor);
// PAD before a convolution without padding becomes the convolution's own padding, where that is the
// same.
Status fuse_pads(Editor* editor);
// Chains that one operator computes: clamps, hard swish.
Status recognize_patterns(Editor* editor);
// Turns the operators between transposes around, where that leaves fewer transposes; lets
// reductions and flattened fully connected layers take them up.
Status move_transposes(Editor* editor);
// Of operators that compute the same from the same, and of equal constants, one stays.
Status merge_duplicates(Editor* editor);
// Removes operators whose results nobody uses.
Status remove_dead(Editor* editor);

// Drops tensors and buffers that nothing refers to. Indices change.
void drop_unused(Model* model);

}  // namespace zeolite
