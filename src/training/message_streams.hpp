// SPDX-License-Identifier: Apache-2.0
// The two communication streams of a rank, activations and parameters. On one stream messages follow one another; a message of each that run at the same
// time share the ports that both use (footprint.hpp). Exact in picoseconds where nothing is shared.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "training/footprint.hpp"

namespace zettatwin::training {

class MessageStreams final {
 public:
  struct Id {
    bool parameters = false;
    std::size_t index = 0;
  };

  // Behind the messages sent on its stream before, at `release` at the earliest. `alone`: its time with the ports for itself.
  Id send(bool parameters, units::Picoseconds release, Traffic message);
  // Messages sent later can only delay it.
  [[nodiscard]] units::Picoseconds finish(Id id) const { return streams_[id.parameters ? 1 : 0][id.index].finish; }
  [[nodiscard]] units::Picoseconds start(Id id) const { return streams_[id.parameters ? 1 : 0][id.index].start; }
  // When all messages of the stream so far have finished.
  [[nodiscard]] units::Picoseconds free(bool parameters) const;
  [[nodiscard]] bool contended() const { return contended_; }

 private:
  struct Message {
    const Footprint* ports = nullptr;
    units::Picoseconds start, finish;
  };
  using Stream = std::vector<Message>;

  [[nodiscard]] units::Picoseconds share(Stream& others, units::Picoseconds start, Traffic message);

  std::array<Stream, 2> streams_;
  bool contended_ = false;
};

}  // namespace zettatwin::training
