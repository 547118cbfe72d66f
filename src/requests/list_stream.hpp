// SPDX-License-Identifier: Apache-2.0
// Requests held in memory: traces that were read, and cases made by hand. 40 bytes per request and 8 per block.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "requests/stream.hpp"

namespace zettatwin::requests {

// A trace. Shared by all streams over it, and not changed while they live.
class RequestList final {
 public:
  // `block_tokens`: of the blocks that requests name; 0 if they name none.
  explicit RequestList(std::int64_t block_tokens = 0) : block_tokens_(block_tokens) {}

  // Expects an arrival that is not before the last one's, lengths of at least 1, and no blocks if there are none here.
  void add(const Request& request);
  // Request number i, counted from 0.
  void get(std::size_t i, Request& request) const;

  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  [[nodiscard]] std::int64_t block_tokens() const { return block_tokens_; }
  [[nodiscard]] Means means() const;

 private:
  struct Row {
    units::Picoseconds arrival;
    std::int32_t input = 0, output = 0, model = 0;
    std::uint64_t session = 0;
    std::uint64_t blocks_end = 0;  // in blocks_; they begin where those of the row before end
  };
  std::int64_t block_tokens_;
  std::vector<Row> rows_;
  std::vector<std::uint64_t> blocks_;
  double input_sum_ = 0, output_sum_ = 0;
};

class ListStream final : public Stream {
 public:
  explicit ListStream(std::shared_ptr<const RequestList> list) : ListStream(std::move(list), 0, 1) {}

  bool next(Request& request) override;
  std::unique_ptr<Stream> fresh() const override { return std::unique_ptr<Stream>(new ListStream(list_, first_, step_)); }
  // Without a look at the requests of others: under round robin, and by families once the list is made.
  std::unique_ptr<Stream> part(Part part) const override;
  std::optional<std::int64_t> size() const override;
  std::int64_t block_tokens() const override { return list_->block_tokens(); }
  Means means() const override;

 private:
  ListStream(std::shared_ptr<const RequestList> list, std::size_t first, std::size_t step) : list_(std::move(list)), first_(first), step_(step), at_(first) {}
  [[nodiscard]] std::shared_ptr<const RequestList> of_families(const Part& part) const;

  std::shared_ptr<const RequestList> list_;
  std::size_t first_, step_, at_;  // requests first, first + step, ...
};

}  // namespace zettatwin::requests
