// SPDX-License-Identifier: Apache-2.0
// Clients as ServeGen publishes them (Xiang et al., NSDI 2026): a folder with two files per client N.
//   chunk-N-trace.csv     no title line; per window: start (s), rate (1/s), cv, Gamma | Weibull | nothing, shape, scale
//   chunk-N-dataset.json  {"start": {"input_tokens": "{45: 0.0097, ...}", "output_tokens": "{...}", ...}, ...}: probabilities of lengths
// A client is a renewal process of its window's shape, stretched to its window's rate (arrival_law.hpp); as ServeGen does, cv and scale are not used,
// since the shape and the rate say it. Where a window names no shape it is Poisson. A gap keeps the shape of the window in which it begins, and the
// process goes on over the ends of windows. Lengths are those of the dataset window that holds the arrival, or else the nearest that has any.
// Other fields (reason_ratio, images) are not read. A client without lengths cannot be used: it is reported, with its share of the requests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/diagnostic.hpp"
#include "requests/arrival_law.hpp"
#include "requests/length_law.hpp"
#include "requests/text_source.hpp"

namespace zettatwin::requests {

struct Client {
  std::int64_t number = 0;                   // N of its files
  std::vector<double> rates;                 // per second, by window
  std::vector<GapLaw> gaps;                  // by window
  struct Lengths { LengthLaw input, output; };
  std::vector<Lengths> lengths;
  std::vector<std::uint32_t> lengths_of;     // index into lengths, by window

  [[nodiscard]] double mean_rate() const;
};

struct ClientPool {
  units::Picoseconds window;
  std::vector<Client> clients;               // in order of their numbers
  std::vector<std::int64_t> without_lengths;  // numbers of the clients left out
  double share_left_out = 0;                 // of the requests

  [[nodiscard]] std::size_t windows() const { return clients.empty() ? 0 : clients[0].rates.size(); }
};

// Nothing if any file is broken or no client can be used; clients left out are warnings. `folder` names it in diagnostics too.
[[nodiscard]] std::shared_ptr<const ClientPool> read_servegen(const TraceFiles& files, const std::string& folder, config::Diagnostics& diagnostics);

struct ClientOptions {
  double rate_scale = 1;      // that many times as many requests, with the same burstiness
  std::int64_t first_window = 0;
  std::int64_t windows = 0;   // 0: to the end
  std::int64_t seed = 1;
};
// All clients together. Memory: one entry per client beside the pool. Expects windows that the pool has.
[[nodiscard]] std::unique_ptr<Stream> client_stream(std::shared_ptr<const ClientPool> pool, const ClientOptions& options);

}  // namespace zettatwin::requests
