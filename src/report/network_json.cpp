// SPDX-License-Identifier: Apache-2.0
// A machine's network as JSON: SI base units in the names, stable fields (docs/json.md).
#include <nlohmann/json.hpp>

#include "report/detail/network_facts.hpp"
#include "report/network.hpp"

namespace zettatwin::report {
namespace {

using Json = nlohmann::ordered_json;
using topology::LinkSort;

Json names_of(const topology::Survey& s, const std::vector<std::size_t>& levels) {
  Json names = Json::array();
  for (const auto i : levels) names.push_back(s.levels[i].level.name);
  return names;
}

Json cut_json(const topology::Cut& cut) {
  Json out{{"chips_per_half", cut.chips}, {"bandwidth_bytes_per_s", cut.bandwidth.si()}, {"achieved_bytes_per_s", cut.achieved.si()}};
  if (cut.at_least.si() > 0) out["at_least_bytes_per_s"] = cut.at_least.si();
  return out;
}

Json level_json(const topology::Survey& s, std::size_t i) {
  const auto& l = s.levels[i];
  const auto& n = l.level.network;
  Json out{{"name", l.level.name}, {"network", std::string(name_of(n.kind))}, {"units", l.units}, {"unit", i == 0 ? "chip" : s.levels[i - 1].level.name},
           {"chips", l.chips()}, {"count", l.count}, {"scale_out", l.level.scale_out}, {"shares_ports", l.shares_ports}};
  if (n.kind == hardware::NetworkKind::torus) out["torus"] = n.torus;
  if (l.graph) {
    const auto& rates = *n.rates;
    out["derived"] = {{"uniform_bytes_per_s", rates.uniform.si()}, {"neighbours_bytes_per_s", rates.neighbours.si()}, {"stream_bytes_per_s", rates.stream.si()}, {"cable_latency_s", rates.latency.si()}};
  } else if (!l.direct()) out["planes"] = n.planes, out["ports_per_chip"] = l.ports_per_chip(), out["tiers"] = l.tiers(), out["oversubscription"] = l.oversubscription();
  out["bandwidth_bytes_per_s"] = l.bandwidth().si();
  out["achieved_bytes_per_s"] = l.bandwidth().si() * l.efficiency().si();
  out["latency_s"] = n.latency.si();
  out["taper"] = topology::taper(s.levels, i);
  out["bisection"] = cut_json(s.unit_bisections[i]);
  return out;
}

// What a class of links is, as far as it names them.
Json link_name(const topology::Survey& s, const topology::LinkClass& c) {
  Json out{{"levels", names_of(s, c.levels)}, {"sort", std::string(topology::name_of(c.sort))}};
  if (c.sort == LinkSort::ring) out["dimension"] = c.part;
  if (c.sort == LinkSort::uplink) out["above_tier"] = c.part;
  if (c.sort == LinkSort::listed) out["name"] = c.name;
  return out;
}

Json links_json(const topology::Survey& s) {
  Json links = Json::array();
  for (const auto& c : s.links) {
    Json link = link_name(s, c);
    link.update({{"per_unit", c.per_unit}, {"count", c.count}, {"bandwidth_bytes_per_s", c.bandwidth.si()}});
    links.push_back(std::move(link));
  }
  return links;
}

Json ports_json(const NetworkSubject& subject) {
  const auto& s = subject.survey;
  const double chips = static_cast<double>(s.chips);
  Json out{{"scale_up_per_chip_bytes_per_s", s.scale_up_ports.si()}, {"scale_out_per_chip_bytes_per_s", s.scale_out_ports.si()}, {"scale_up_bytes_per_s", chips * s.scale_up_ports.si()},
           {"scale_out_bytes_per_s", chips * s.scale_out_ports.si()}, {"scale_up_chips", s.scale_up_chips}, {"headline_bytes_per_s", detail::headline(s).si()}};
  const auto& published = subject.machine.published.interconnect;
  if (published.present && subject.size_as_published) out["published_bytes_per_s"] = published.si();
  return out;
}

Json paths_json(const topology::Survey& s) {
  const auto& p = s.paths;
  Json classes = Json::array();
  for (const auto& path : p.classes) {
    Json hops_on = Json::object();
    for (std::size_t i = 0; i < path.hops_on.size(); ++i)
      if (path.hops_on[i] > 0) hops_on[s.levels[i].level.name] = path.hops_on[i];
    classes.push_back({{"hops", path.hops}, {"latency_s", path.latency.si()}, {"pairs", path.pairs}, {"hops_on", std::move(hops_on)}});
  }
  return {{"pairs", p.pairs}, {"mean_hops", p.mean_hops}, {"mean_latency_s", p.mean_latency.si()}, {"most_hops", p.most_hops}, {"most_latency_s", p.most_latency.si()}, {"classes", std::move(classes)}};
}

Json all_to_all_json(const NetworkSubject& subject) {
  const auto& s = subject.survey;
  const auto& traffic = s.all_to_all;
  Json links = Json::array();
  for (std::size_t c = 0; c < s.links.size(); ++c) {
    Json link = link_name(s, s.links[c]);
    link.update({{"busy_s", traffic.busy[c].si()}, {"utilisation", traffic.utilisation(c)}});
    links.push_back(std::move(link));
  }
  Json out{{"per_chip_bytes", traffic.bytes.si()}, {"wire_time_s", traffic.time.si()}, {"time_s", subject.all_to_all.time.seconds().si()}};
  if (!s.links.empty()) out["bottleneck"] = link_name(s, s.links[traffic.bottleneck]);
  out["links"] = std::move(links);
  return out;
}

Json inventory_json(const NetworkSubject& subject) {
  const auto parts = detail::parts_of(subject);
  Json items = Json::array();
  for (const auto& part : parts) {
    Json item{{"name", part.name}, {"kind", std::string(config::word_of(hardware::part_words(), part.kind))}, {"per", part.per}, {"count", part.count}};
    if (part.power) item["power_w"] = part.power->si();
    items.push_back(std::move(item));
  }
  return {{"switches", detail::count_of(parts, hardware::PartKind::network_switch)}, {"optical_modules", detail::count_of(parts, hardware::PartKind::optical_module)},
          {"cables", detail::count_of(parts, hardware::PartKind::cable)}, {"power_w", detail::power_of(parts).si()}, {"items", std::move(items)}};
}

Json figures_json(const NetworkSubject& s, config::Confidence confidence) {
  Json list = Json::array();
  for (const auto& input : detail::figures_of(s, confidence)) list.push_back({{"name", input.name}, {"value", input.value}, {"source", input.source}});
  return list;
}

}  // namespace

std::string json(const NetworkSubject& subject) {
  const auto& s = subject.survey;
  Json levels = Json::array();
  for (std::size_t i = 0; i < s.levels.size(); ++i) levels.push_back(level_json(s, i));
  Json results{{"levels", std::move(levels)}, {"links", links_json(s)}};
  if (s.bisection) {
    results["bisection"] = cut_json(*s.bisection);
    results["bisection"]["level"] = s.levels[s.bisection->level].level.name;
  }
  results["ports"] = ports_json(subject);
  results["paths"] = paths_json(s);
  results["all_to_all"] = all_to_all_json(subject);
  results["inventory"] = inventory_json(subject);
  results["rests_on"] = {{"estimated", figures_json(subject, config::Confidence::estimated)}, {"unverified", figures_json(subject, config::Confidence::unverified)}};
  return Json{{"schema", "zettatwin/network/1"},
              {"machine", {{"name", subject.machine.name}, {"title", subject.machine.title}, {"chip", subject.machine.chip.name}, {"chips", s.chips}}},
              {"results", std::move(results)}}.dump(2) + "\n";
}

}  // namespace zettatwin::report
