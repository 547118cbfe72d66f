// SPDX-License-Identifier: Apache-2.0
// Requests in the system. Memory: the most that were there at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/contract.hpp"
#include "requests/request.hpp"
#include "serving/instance.hpp"
#include "units/picoseconds.hpp"

namespace zettatwin::fleet {

enum class Stage : std::uint8_t {
  homeless,      // no instance takes requests
  unreserved,    // waits for blocks of a decode instance before its prompt is computed
  computing,     // on `instance`: prompt, and output tokens if there is no hand-off
  blocked,       // the prompt is done and held; waits for blocks of a decode instance
  transferring,  // to `decode_instance`
  decoding,      // on `decode_instance`
  retrying,      // its instance failed
};

struct alignas(64) Flight {
  // What every request needs, in one cache line.
  units::Picoseconds arrival;
  units::Picoseconds scheduled{-1};
  units::Picoseconds first_token{-1};
  std::uint64_t id = 0;                     // of jobs; 0: free
  std::uint64_t number = 0;
  std::int32_t input = 0, output = 0;
  std::int32_t cached = 0;
  std::int32_t instance = -1;
  std::int32_t model = 0;
  Stage stage = Stage::homeless;
  bool measured = false;
  bool held = false;                        // on `instance`, until its cache has left
  bool cancelled = false;                   // asked to be: its client is gone
  // The rest.
  bool reserved = false;                    // blocks of decode_instance
  bool moving = false;                      // `transfer` is under way
  std::int32_t generated = 0;               // tokens that the client had when it was last sent to compute its prompt
  std::int32_t retries = 0;
  std::int32_t decode_instance = -1;
  std::int32_t source = 0;
  units::Picoseconds computing_since{-1};   // its prompt, this time
  units::Picoseconds prompt_done{-1};       // for transfers
  units::Picoseconds transfer_start{-1};
  double hidden_bytes = 0;                  // that moved while the prompt was computed
  std::uint32_t transfer = 0;
  std::uint32_t epoch = 0;                  // of its transfer; planned beginnings of earlier ones are stale
  std::vector<std::uint64_t> blocks;

  [[nodiscard]] std::int32_t cache_tokens() const { return input + generated; }  // after its prompt was computed
};

class FlightTable final {
 public:
  // Of a request that no other has the number of.
  Flight& open(std::uint64_t number) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    Flight& flight = slots_[slot];
    flight = Flight{};
    flight.id = ((number + 1) << 32) | slot;  // wraps the upper half after 4 G requests, long after a slot's last use
    return flight;
  }
  void close(Flight& flight) {
    free_.push_back(static_cast<std::uint32_t>(flight.id));
    flight.id = 0;
  }
  // None if it is no longer here.
  [[nodiscard]] Flight* find(std::uint64_t id) {
    Flight& flight = slots_[static_cast<std::uint32_t>(id)];
    return flight.id == id ? &flight : nullptr;
  }
  [[nodiscard]] Flight& at(std::uint64_t id) {
    Flight* flight = find(id);
    ZT_ASSERT(flight != nullptr, "request " + std::to_string(id) + " is not in the system");
    return *flight;
  }
  [[nodiscard]] std::size_t count() const { return slots_.size() - free_.size(); }
  template <class F>
  void for_each(F&& f) {
    for (Flight& flight : slots_)
      if (flight.id != 0) f(flight);
  }

 private:
  std::vector<Flight> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace zettatwin::fleet
