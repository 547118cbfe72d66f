// SPDX-License-Identifier: Apache-2.0
// The same flows on the same fat tree, by SimGrid's fluid network model and by module flow: are finish times equal, and how long does each
// take? The platform is SimGrid's own fat tree with its own routing (destination modulo spines); the routes that it reports are the uses of
// our flows, so the problems are the same by construction. Method and settings: bench/README.md.
//   simgrid_flows all-to-all 16 16 [OPTIM]     256 hosts, 65,280 flows
//   simgrid_flows permutation 512 32 [OPTIM]   16,384 hosts, one flow each, all as long
//   simgrid_flows uneven 512 32 [OPTIM]        the same, of 50 to 150 MB
#include <simgrid/kernel/routing/NetPoint.hpp>
#include <simgrid/s4u.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../../tests/support/random.hpp"
#include "flow/simulation.hpp"

namespace {

namespace s4u = simgrid::s4u;
using namespace zettatwin;

constexpr double kCapacity = 1e9;  // of every link, bytes/s

struct Message {
  s4u::Host* from;
  s4u::Host* to;
  std::uint64_t bytes;
};

// Of processor time: both sides have one thread.
template <class Work>
double seconds_of(Work work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

std::vector<s4u::Host*> make_tree(unsigned leaves, unsigned hosts_per_leaf) {
  std::vector<s4u::Host*> hosts(leaves * hosts_per_leaf);
  const auto host = [&](s4u::NetZone* zone, const std::vector<unsigned long>&, unsigned long id) {
    hosts[id] = zone->create_host("h" + std::to_string(id), 1e9)->seal();
    return std::pair<simgrid::kernel::routing::NetPoint*, simgrid::kernel::routing::NetPoint*>(hosts[id]->get_netpoint(), nullptr);
  };
  const s4u::FatTreeParams shape(2, {hosts_per_leaf, leaves}, {1, hosts_per_leaf}, {1, 1});
  s4u::create_fatTree_zone("tree", nullptr, shape, s4u::ClusterCallbacks(host), kCapacity, 0, s4u::Link::SharingPolicy::SPLITDUPLEX)->seal();
  return hosts;
}

// Messages within a leaf are half as long, so that finishes are not all at once.
std::vector<Message> all_to_all(const std::vector<s4u::Host*>& hosts, unsigned hosts_per_leaf) {
  std::vector<Message> messages;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    for (std::size_t j = 0; j < hosts.size(); ++j) {
      if (i != j) messages.push_back({hosts[i], hosts[j], i / hosts_per_leaf == j / hosts_per_leaf ? 500'000U : 1'000'000U});
    }
  }
  return messages;
}

// Equal messages finish in few batches; of uneven ones each finishes alone.
std::vector<Message> permutation(const std::vector<s4u::Host*>& hosts, bool uneven) {
  test::Random random(7);
  std::vector<s4u::Host*> to = hosts;
  for (std::size_t i = to.size(); i > 1; --i) std::swap(to[i - 1], to[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(i) - 1))]);
  std::vector<Message> messages;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto bytes = static_cast<std::uint64_t>(uneven ? random.between(50'000'000, 150'000'000) : 100'000'000);
    if (hosts[i] != to[i]) messages.push_back({hosts[i], to[i], bytes});
  }
  return messages;
}

// One actor per host, a mailbox per message. Not Comm::sendto_async: it keeps all messages in one list, which is searched at each finish
// and takes ten times as long as all the rest.
class Exchange final {
 public:
  explicit Exchange(const std::vector<Message>& messages) : messages_(messages), comms_(messages.size()) {
    std::map<s4u::Host*, Duties> duties;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      duties[messages[i].from].sends.push_back(i);
      duties[messages[i].to].receives.push_back(i);
      boxes_.push_back(s4u::Mailbox::by_name(std::to_string(i)));
    }
    for (const auto& [host, of_host] : duties) s4u::Actor::create("host", host, [this, of_host = of_host] { act(of_host); });
  }
  [[nodiscard]] double finish(std::size_t message) const { return comms_[message]->get_finish_time(); }

 private:
  struct Duties {
    std::vector<std::size_t> sends;
    std::vector<std::size_t> receives;
  };
  void act(const Duties& duties) {
    std::vector<s4u::CommPtr> gets;
    for (const std::size_t i : duties.receives) gets.push_back(boxes_[i]->get_async<Exchange>(&received_));
    for (const std::size_t i : duties.sends) comms_[i] = boxes_[i]->put_async(this, messages_[i].bytes);
    for (const std::size_t i : duties.sends) comms_[i]->wait();
    for (const auto& get : gets) get->wait();
  }

  const std::vector<Message>& messages_;
  std::vector<s4u::Mailbox*> boxes_;
  std::vector<s4u::CommPtr> comms_;
  Exchange* received_ = nullptr;  // payloads are of no interest
};

// Our program with SimGrid's routes.
flow::FlowProgram same_flows(const std::vector<Message>& messages) {
  flow::FlowProgram program;
  std::map<s4u::Link*, flow::ResourceId> id_of;
  for (const Message& message : messages) {
    std::vector<s4u::Link*> route;
    double latency = 0;
    message.from->route_to(message.to, route, &latency);
    flow::FlowSpec spec{.bytes = units::Bytes::from_si(static_cast<double>(message.bytes))};
    for (s4u::Link* link : route) {
      const auto [at, is_new] = id_of.try_emplace(link, 0);
      if (is_new) at->second = program.add_resource(units::BytesPerSecond::from_si(link->get_bandwidth()));
      spec.uses.push_back({at->second, 1});
    }
    program.add_flow(spec);
  }
  return program;
}

// The all-to-all as two classes of flows (within and between leaves) and four of links: what one link sees of a class is counted once.
flow::FlowProgram folded_all_to_all(unsigned leaves, unsigned hosts_per_leaf) {
  flow::FlowProgram program;
  const auto capacity = units::BytesPerSecond::from_si(kCapacity);
  const auto [host_up, host_down, up, down] = std::array{program.add_resource(capacity), program.add_resource(capacity),
                                                         program.add_resource(capacity), program.add_resource(capacity)};
  const double within = hosts_per_leaf - 1;
  const double between = (leaves - 1.0) * hosts_per_leaf;
  program.add_flow({.bytes = units::Bytes::from_si(500'000), .uses = {{host_up, within}, {host_down, within}}});
  // A leaf has as many links up as hosts, and the modulo rule spreads its flows evenly over them.
  program.add_flow({.bytes = units::Bytes::from_si(1'000'000), .uses = {{host_up, between}, {host_down, between}, {up, between}, {down, between}}});
  return program;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "simgrid_flows all-to-all|permutation|uneven LEAVES HOSTS_PER_LEAF [Lazy|Full]\n"), 2;
  const std::string traffic = argv[1];
  const auto leaves = static_cast<unsigned>(std::stoul(argv[2]));
  const auto hosts_per_leaf = static_cast<unsigned>(std::stoul(argv[3]));
  s4u::Engine engine(&argc, argv);
  for (const char* setting : {"network/model:CM02", "network/crosstraffic:0", "network/TCP-gamma:0", "network/latency-factor:1",
                              "network/bandwidth-factor:1", "network/weight-S:0", "network/loopback-lat:0"}) {
    s4u::Engine::set_config(setting);
  }
  s4u::Engine::set_config(std::string("network/optim:") + (argc > 4 ? argv[4] : "Lazy"));

  const auto hosts = make_tree(leaves, hosts_per_leaf);
  const auto messages = traffic == "all-to-all" ? all_to_all(hosts, hosts_per_leaf) : permutation(hosts, traffic == "uneven");
  const flow::FlowProgram program = same_flows(messages);

  // Ours first: the first allocation after SimGrid's run would pay for sorting all that it has freed, some 10 ms.
  flow::SimulationResult result;
  const double ours = seconds_of([&] { result = flow::simulate(program); });

  const Exchange exchange(messages);
  const double peer = seconds_of([&] { engine.run(); });
  const double peer_end = s4u::Engine::get_clock();

  double worst = std::abs(result.end.seconds().si() / peer_end - 1);
  for (std::size_t i = 0; i < messages.size(); ++i) worst = std::max(worst, std::abs(result.flows[i].finish.seconds().si() / exchange.finish(i) - 1));
  std::printf("%s, %zu flows: SimGrid %.4f s, unfolded %.6f s (%lld solves): %.1fx; end %.9f s, largest relative difference of a finish %.1e\n",
              traffic.c_str(), messages.size(), peer, ours, static_cast<long long>(result.solves), peer / ours, peer_end, worst);
  bool equal = worst < 1e-6;

  if (traffic == "all-to-all") {
    constexpr int kRuns = 1000;
    flow::SimulationResult folded;
    const double each = seconds_of([&] {
                          for (int i = 0; i < kRuns; ++i) folded = flow::simulate(folded_all_to_all(leaves, hosts_per_leaf));
                        }) / kRuns;
    std::printf("%s folded: %.2e s: %.0fx; end %.9f s\n", traffic.c_str(), each, peer / each, folded.end.seconds().si());
    equal = equal && folded.end == result.end;
  }
  return equal ? 0 : 1;
}
