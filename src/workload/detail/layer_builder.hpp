// SPDX-License-Identifier: Apache-2.0
// Collects the operations of a layer. Forward operations are added in order, each with the backward operations that it causes; finish()
// lays those out in reverse, as a backward pass runs them.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "workload/operations.hpp"

namespace zettatwin::workload::detail {

class LayerBuilder final {
 public:
  LayerBuilder(const plan::Plan& plan, const MicrobatchShape& shape, const software::Profile& software);

  [[nodiscard]] double tokens() const { return tokens_; }              // of this rank's part of the sequence
  [[nodiscard]] double norm_tokens() const { return tokens_ / sp_; }   // where norms and residuals are sharded
  [[nodiscard]] std::int64_t tp() const { return plan_.tp; }
  [[nodiscard]] const plan::Plan& plan() const { return plan_; }
  [[nodiscard]] const MicrobatchShape& shape() const { return shape_; }
  [[nodiscard]] const software::Profile& software() const { return software_; }
  [[nodiscard]] const RecipePrecisions& precisions() const { return precisions_; }
  [[nodiscard]] bool chooses_keys(const model::Attention& a) const { return workload::chooses_keys(a, static_cast<double>(shape_.sequence_length)); }

  // A linear layer of `rows` tokens: y[rows, out] = x[rows, in] W. Casts x (forward) and dy (backward) under quantised recipes.
  struct Linear {
    std::string_view name;
    double rows = 0;
    std::int64_t out = 0, in = 0;
    bool high_precision = false;  // stays in bf16 (router, output projection)
    bool recomputed_selectively = false;
    bool gathered_input = false;     // of all tensor-parallel ranks' parts of the sequence, if it is sharded
    bool gathered_gradient = false;  // of its output
    bool detached = false;           // its input takes no gradient
  };
  void linear(const Linear& layer);
  // A linear layer of its own per head, in bf16: `heads` products of `rows` tokens.
  void headwise(std::string_view name, std::int64_t heads, double rows, std::int64_t out, std::int64_t in, bool recomputed_selectively = false);
  // Expert linear layers: `rows` tokens over `experts` experts.
  void grouped_linear(std::string_view name, std::int64_t experts, double rows, std::int64_t out, std::int64_t in);
  // Memory-bound kernels over so many elements, as the software moves them; under selective recomputation they run again if `module` does.
  void memory(std::string_view name, double elements, const software::Moved& moved, std::optional<software::Module> module = {}, std::int64_t kernels = 1);
  // The same with the bytes given.
  void stream(std::string_view name, double forward_bytes, double backward_bytes, bool recomputed_selectively = false, std::int64_t kernels = 1);
  void forward_only(Operation op) { forward(std::move(op), {}); }
  void forward(Operation op, std::vector<Operation> backward);
  void weight_gradient(Operation op) { if (!plan_.frozen_weights) weights_.push_back(std::move(op)); }

  // Tensor parallelism around a column-parallel (enter) and a row-parallel (leave) linear layer of `width` features. What is gathered for a quantised product
  // travels cast.
  void enter_tensor_parallel(std::int64_t width, bool high_precision = false);
  void leave_tensor_parallel(std::int64_t width, bool high_precision = false);

  [[nodiscard]] LayerOperations finish();

 private:
  [[nodiscard]] Operation tensor_communication(std::string_view name, network::Collective op, std::int64_t width, Hiding hiding, double element = 2) const;
  [[nodiscard]] double gathered_bytes(bool high_precision) const;  // per element
  void quantise(std::vector<Operation>& into, std::string_view name, double elements, int copies = 2) const;
  // What of a gathered tensor this rank casts.
  [[nodiscard]] double cast_share(bool gathered) const { return gathered && software_.quantised_gather ? 1 / sp_ : 1; }
  // Parts that arrive behind one another are brought in the tensor's order, or into that of their receivers.
  [[nodiscard]] std::optional<Operation> collective_copy(std::int64_t width, double element) const;
  // What came in chunks beside a product is one part of each rank, added up at the end.
  [[nodiscard]] std::optional<Operation> partial_sum(std::int64_t width) const;
  [[nodiscard]] std::vector<Operation> exchange(Operation op, std::int64_t width, double element) const;
  // A kernel of its own where the product does not add to the accumulated gradients.
  void accumulate(std::string_view product, double parameters);

  const plan::Plan& plan_;
  MicrobatchShape shape_;
  const software::Profile& software_;
  RecipePrecisions precisions_;
  double tokens_;
  double sp_;
  LayerOperations operations_;
  std::vector<std::vector<Operation>> backward_;  // per forward operation
  std::vector<Operation> weights_;
  std::optional<Operation> gather_for_weights_;  // of the input just entered; the next linear layer runs it beside its input gradient
};

void attention(LayerBuilder& builder, const model::Architecture& architecture, const model::Attention& attention);
void feed_forward(LayerBuilder& builder, const model::Architecture& architecture, std::int64_t intermediate, bool gated);
void experts(LayerBuilder& builder, const model::Architecture& architecture, const model::MixtureOfExperts& moe);
void norm_and_residual(LayerBuilder& builder, const model::Architecture& architecture);

}  // namespace zettatwin::workload::detail
