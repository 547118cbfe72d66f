// SPDX-License-Identifier: Apache-2.0
#include "requests/list_stream.hpp"

#include <limits>
#include <string>

#include "base/contract.hpp"
#include "requests/families.hpp"

namespace zettatwin::requests {

void RequestList::add(const Request& request) {
  ZT_EXPECT(rows_.empty() || request.arrival >= rows_.back().arrival, "arrival at " + std::to_string(request.arrival.count()) + " ps, before the last");
  ZT_EXPECT(request.input >= 1 && request.output >= 1, std::to_string(request.input) + " tokens in, " + std::to_string(request.output) + " out");
  ZT_EXPECT(request.blocks.empty() || block_tokens_ > 0, std::to_string(request.blocks.size()) + " blocks of no size");
  blocks_.insert(blocks_.end(), request.blocks.begin(), request.blocks.end());
  rows_.push_back({request.arrival, request.input, request.output, request.model, request.session, blocks_.size()});
  input_sum_ += request.input;
  output_sum_ += request.output;
}

void RequestList::get(std::size_t i, Request& request) const {
  ZT_EXPECT(i < rows_.size(), std::to_string(i) + " of " + std::to_string(rows_.size()));
  const Row& row = rows_[i];
  request.arrival = row.arrival;
  request.input = row.input;
  request.output = row.output;
  request.model = row.model;
  request.session = row.session;
  const auto begin = i == 0 ? 0 : rows_[i - 1].blocks_end;
  request.blocks.assign(blocks_.begin() + static_cast<std::ptrdiff_t>(begin), blocks_.begin() + static_cast<std::ptrdiff_t>(row.blocks_end));
}

Means RequestList::means() const {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  if (rows_.empty()) return {units::Hertz::from_si(kUnknown), kUnknown, kUnknown};
  const auto count = static_cast<double>(rows_.size());
  const double span = (rows_.back().arrival - rows_.front().arrival).seconds().si();
  return {units::Hertz::from_si(span > 0 ? (count - 1) / span : kUnknown), input_sum_ / count, output_sum_ / count};
}

bool ListStream::next(Request& request) {
  if (at_ >= list_->size()) return false;
  list_->get(at_, request);
  at_ += step_;
  return true;
}

std::unique_ptr<Stream> ListStream::part(Part part) const {
  if (part.split == Split::random) return Stream::part(part);
  ZT_EXPECT(part.of >= 1 && part.instance >= 0 && part.instance < part.of, std::to_string(part.instance) + " of " + std::to_string(part.of));
  if (part.split == Split::families) return std::make_unique<ListStream>(of_families(part));
  return std::unique_ptr<Stream>(new ListStream(list_, first_ + step_ * static_cast<std::size_t>(part.instance), step_ * static_cast<std::size_t>(part.of)));
}

// A list of its own, so that it need not be searched for each time that it is read.
std::shared_ptr<const RequestList> ListStream::of_families(const Part& part) const {
  auto list = std::make_shared<RequestList>(list_->block_tokens());
  Request request;
  std::uint64_t number = 0;
  for (std::size_t i = first_; i < list_->size(); i += step_, ++number) {
    list_->get(i, request);
    if (is_of(part, request, number)) list->add(request);
  }
  return list;
}

std::optional<std::int64_t> ListStream::size() const {
  const auto all = list_->size();
  return static_cast<std::int64_t>(all <= first_ ? 0 : (all - first_ - 1) / step_ + 1);
}

Means ListStream::means() const {
  auto means = list_->means();
  means.rate = means.rate / static_cast<double>(step_);
  return means;
}

}  // namespace zettatwin::requests
