// SPDX-License-Identifier: Apache-2.0
// Where the operators of a pass are added up: seconds by part, and, if asked for, every operator with its share for explanations.
#pragma once

#include <string>
#include <vector>

#include "compute/kernel_times.hpp"
#include "compute/operator_time.hpp"
#include "inference/exchange.hpp"
#include "inference/timer.hpp"

namespace zettatwin::inference::detail {

struct Entry {
  Part part = Part::projections;
  std::string name;      // "qkv projection"
  double count = 0;      // times in the pass
  double seconds = 0;    // all of them
  std::string formula;
  std::vector<result::Input> inputs;
  compute::KernelFamily family = {};  // whose residual describes it; none of what is no kernel of the chip
};

// A share that a formula names, as --explain prints it.
[[nodiscard]] result::Input share_input(std::string name, const config::Figure<units::Ratio>& figure);

class Ledger final {
 public:
  explicit Ledger(const hardware::Chip& chip, bool keeps_entries = false) : chip_(chip), keeps_(keeps_entries) {}

  // `count` times an operator, whose kernels take `factor` times what the chip's figures say.
  void add(Part part, std::string_view name, double count, const compute::Gemm& op, double factor = 1);
  // The product within a kernel that another entry launches.
  void add_within(Part part, std::string_view name, double count, const compute::Gemm& op, double factor = 1);
  void add(Part part, std::string_view name, double count, const compute::ServedExperts& op, double factor = 1);
  void add(Part part, std::string_view name, double count, const compute::ExpertLayer& op, double factor = 1);
  void add(Part part, std::string_view name, double count, const compute::AttentionOp& op, double factor = 1);   // prefill
  void add_decoding(std::string_view name, double count, const compute::AttentionOp& op, double factor = 1);
  void add(Part part, std::string_view name, double count, const compute::LatentDecode& op, double factor = 1);
  void add(Part part, std::string_view name, double count, const compute::IndexScores& op, double factor = 1);
  void add(Part part, std::string_view name, double count, const compute::MemoryOp& op, double factor = 1);
  void add(Part part, std::string_view name, double count, const compute::Quantise& op, double factor = 1);
  void add(Part part, std::string_view name, double count, const compute::WideGemm& op, double factor = 1);
  void add(Part part, std::string_view name, double count, const MessageTime& message, double bytes);
  // A figure of the software.
  void add(Part part, std::string_view name, double count, const config::Figure<units::Seconds>& figure);
  // The entry added last depends on this figure too.
  void rest_on(std::string_view name, const config::Figure<units::Seconds>& figure);
  void rest_on(std::string_view of, const compute::AttentionOp& op);  // `of`, if it was added last: on the chip's figures of such attention
  // What the entry `of`, if it was added last, takes for granted and nobody has measured; estimated inputs of the answer.
  void assume(std::string_view of, std::string_view name, std::string_view value, std::string_view why);
  void add_seconds(Part part, std::string_view name, double count, double seconds, const std::string& formula, const compute::KernelFamily& family = {});

  [[nodiscard]] const Parts& parts() const { return parts_; }
  [[nodiscard]] double operator[](Part part) const { return parts_[static_cast<std::size_t>(part)]; }
  [[nodiscard]] double total() const;
  [[nodiscard]] bool keeps() const { return keeps_; }
  [[nodiscard]] std::vector<Entry>& entries() { return entries_; }

 private:
  template <class Op>
  void add_explained(Part part, std::string_view name, double count, const Op& op, double factor);
  void charge(Part part, double seconds) { parts_[static_cast<std::size_t>(part)] += seconds; }

  const hardware::Chip& chip_;
  bool keeps_;
  Parts parts_{};
  std::vector<Entry> entries_;
};

}  // namespace zettatwin::inference::detail
