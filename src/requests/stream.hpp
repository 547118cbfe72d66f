// SPDX-License-Identifier: Apache-2.0
// Requests in order of arrival, pulled one by one: whoever serves them holds those in flight, never the whole trace. A stream is its own position;
// fresh() is the same stream at its start, with the same bits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "requests/request.hpp"
#include "units/quantity.hpp"

namespace zettatwin::requests {

class CommonContent;  // families.hpp

// One instance's share of a stream that a router spreads over `of` alike instances without looking at their state.
enum class Split {
  round_robin,  // the requests number i, i + of, i + 2 of, ... counted from 0
  random,       // each request independently with probability 1/of; the shares of all instances are the whole stream
  families,     // likewise, but requests that share other content than the common one stay together: no router's share, but a sample of the traffic
};
struct Part {
  std::int64_t instance = 0;  // i, from 0
  std::int64_t of = 1;
  Split split = Split::round_robin;
  std::uint64_t seed = 0;     // of the split, if it is not in turn; the same for all instances
  std::shared_ptr<const CommonContent> common;  // for families; null: nothing is common
};

// What a stream tells of itself without being read. NaN where it cannot know.
struct Means {
  units::Hertz rate;  // requests per second between the first and the last; of a closed loop: 0
  double input = 0;   // tokens of a prompt
  double output = 0;  // tokens of an answer
};

class Stream {
 public:
  virtual ~Stream() = default;

  // Puts the next request into `request`, whose memory is reused; false after the last.
  [[nodiscard]] virtual bool next(Request& request) = 0;
  [[nodiscard]] virtual std::unique_ptr<Stream> fresh() const = 0;
  // Expects 0 <= instance < of. Distributed as the share of this stream; streams whose law allows it draw no request of the others, and then the
  // arrivals are another sample of the same law. The default passes over what belongs to others.
  [[nodiscard]] virtual std::unique_ptr<Stream> part(Part part) const;

  // Requests from start to end, where known without reading them.
  [[nodiscard]] virtual std::optional<std::int64_t> size() const { return std::nullopt; }
  // Tokens of a block of Request::blocks; 0: requests name no blocks.
  [[nodiscard]] virtual std::int64_t block_tokens() const { return 0; }
  // 0: an open loop, requests come when they come. N > 0: a closed loop as benchmark harnesses run it; N requests are in the system from the start
  // until the stream ends, so the next is pulled when one finishes, and `arrival` is 0 throughout.
  [[nodiscard]] virtual std::int64_t concurrency() const { return 0; }
  [[nodiscard]] virtual Means means() const = 0;

 protected:
  Stream() = default;
  Stream(const Stream&) = default;
  Stream& operator=(const Stream&) = default;
};

}  // namespace zettatwin::requests
