// SPDX-License-Identifier: Apache-2.0
// A machine's network for a terminal.
#include <fmt/format.h>

#include <cmath>

#include "report/detail/network_facts.hpp"
#include "report/detail/table.hpp"
#include "units/text.hpp"

namespace zettatwin::report {
namespace {

using detail::Table;
using topology::LinkSort;
using units::grouped;
using units::human;

constexpr std::size_t kPathRows = 40;

std::string percent(double share) { return share > 0 && share < 5e-5 ? fmt::format("{:.1e} %", 100 * share) : fmt::format("{:.2f} %", 100 * share); }

std::string count_text(double count) { return count == std::floor(count) ? grouped(std::llround(count)) : fmt::format("{:.4g}", count); }

const std::string& name_of_level(const topology::Survey& s, std::size_t i) { return s.levels[i].level.name; }

// "8 boards"
std::string joined(const topology::Survey& s, std::size_t i) {
  return fmt::format("{} {}s", grouped(s.levels[i].units), i == 0 ? "chip" : name_of_level(s, i - 1));
}

// "torus 16 x 24 x 24", "switched, 8 planes", "clos, 2 planes, 3 tiers"
std::string network_text(const topology::LevelInUse& used) {
  const auto& n = used.level.network;
  std::string text(name_of(n.kind));
  for (std::size_t d = 0; d < n.torus.size(); ++d) text += fmt::format("{}{}", d == 0 ? " " : " x ", n.torus[d]);
  if (n.graph.dragonfly) text += fmt::format(", {} groups of {} routers, {} units each", n.graph.dragonfly->groups, n.graph.dragonfly->routers_per_group, n.graph.dragonfly->units_per_router);
  if (used.direct() || used.graph) return text;
  const auto counted = [&](std::int64_t count, const char* what) { text += fmt::format(", {} {}{}", count, what, count == 1 ? "" : "s"); };
  counted(n.planes, "plane");
  if (used.ports_per_chip() != n.planes) text += used.ports_per_chip() == 1 ? " (rails)" : fmt::format(" ({} per chip)", used.ports_per_chip());
  counted(used.tiers(), "tier");
  return text + (used.shares_ports ? ", same ports" : "");
}

std::string link_text(const topology::Survey& s, const topology::LinkClass& c) {
  switch (c.sort) {
    case LinkSort::mesh: return "chip to chip";
    case LinkSort::ring: return fmt::format("chip to chip, rings of {}", s.levels[c.levels.front()].level.network.torus[static_cast<std::size_t>(c.part - 1)]);
    case LinkSort::chip_port: return "chip to switch";
    case LinkSort::uplink: return fmt::format("switch, tier {} to {}", c.part, c.part + 1);
    case LinkSort::listed: return c.name;
  }
  return "";
}

std::string levels_of(const topology::Survey& s, const std::vector<std::size_t>& levels) {
  std::string text;
  for (const auto i : levels) text += (text.empty() ? "" : " + ") + name_of_level(s, i);
  return text;
}

void heading(std::string& out, const NetworkSubject& s) {
  const auto& m = s.machine;
  out += fmt::format("machine  {} ({} chip{} of {})\n", m.title.empty() ? m.name : m.title, grouped(s.survey.chips), s.survey.chips == 1 ? "" : "s", m.chip.title);
  std::string unused;
  for (const auto& level : m.levels)
    if (level.size < 2) unused += fmt::format("{}{}", unused.empty() ? "" : ", ", level.name);
  if (!unused.empty()) out += fmt::format("unused   {}: one unit at this size\n", unused);
}

void levels(std::string& out, const topology::Survey& s) {
  out += "\nlevels: bandwidth of one chip into each, one direction; achieved by long messages\n";
  Table table("lllrrrrr", {"level", "joins", "network", "datasheet", "achieved", "latency", "oversubscribed", "narrower"});
  for (std::size_t i = 0; i < s.levels.size(); ++i) {
    const auto& l = s.levels[i];
    table.row({l.level.name, joined(s, i), network_text(l), human(l.bandwidth(), 4), human(l.bandwidth() * l.efficiency().si(), 4), human(l.level.network.latency.value),
               l.direct() || l.graph ? "-" : fmt::format("{:.3g} : 1", l.oversubscription()), i == 0 ? "-" : fmt::format("{:.2f} x", topology::taper(s.levels, i))});
  }
  out += table.text();
}

void links(std::string& out, const topology::Survey& s) {
  out += fmt::format("\nlinks: cables, each with its bandwidth in both directions; load when every chip sends {} evenly to all\n", human(s.all_to_all.bytes));
  Table table("llrrrrr", {"level", "link", "in one unit", "in the machine", "one direction", "busy", "load"});
  for (std::size_t c = 0; c < s.links.size(); ++c) {
    const auto& link = s.links[c];
    table.row({levels_of(s, link.levels), link_text(s, link), grouped(link.per_unit), grouped(link.count), human(link.bandwidth, 4), human(s.all_to_all.busy[c], 4),
               percent(s.all_to_all.utilisation(c))});
  }
  out += table.text();
}

void all_to_all(std::string& out, const NetworkSubject& s) {
  const auto& traffic = s.survey.all_to_all;
  const auto& link = s.survey.links[traffic.bottleneck];
  out += fmt::format("  bottleneck: {}, {}; {} on the wire, {} with launch, latencies and message gaps\n", levels_of(s.survey, link.levels), link_text(s.survey, link), human(traffic.time, 4),
                     human(s.all_to_all.time, 4));
}

void bisections(std::string& out, const topology::Survey& s) {
  out += "\nbisection: between halves of the units, one direction\n";
  Table table("lrrrr", {"halves of", "chips in each", "datasheet", "achieved", "per chip"});
  const auto row = [&](std::string name, const topology::Cut& cut) {
    table.row({std::move(name), grouped(cut.chips), (cut.at_least.si() > 0 ? human(cut.at_least, 4) + " to " : "") + human(cut.bandwidth, 4), human(cut.achieved, 4), human(cut.bandwidth / static_cast<double>(cut.chips), 4)});
  };
  for (std::size_t i = 0; i < s.levels.size(); ++i) row(fmt::format("one {}: {}", name_of_level(s, i), joined(s, i)), s.unit_bisections[i]);
  row(fmt::format("the machine, along {}", name_of_level(s, s.bisection->level)), *s.bisection);
  out += table.text();
}

void ports(std::string& out, const NetworkSubject& subject) {
  const auto& s = subject.survey;
  const auto& published = subject.machine.published.interconnect;
  const auto line = [&](std::string_view name, units::BytesPerSecond value, const std::string& note) { out += fmt::format("  {:<24}{:>14}   {}\n", name, human(value, 4), note); };
  out += "\nports: the sum over all chips, one direction\n";
  const auto all = [&](std::string_view name, units::BytesPerSecond each) {
    if (each.si() > 0) line(name, static_cast<double>(s.chips) * each, fmt::format("{} per chip", human(each, 4)));
  };
  all("memory fabric", s.scale_up_ports);
  all("scale-out", s.scale_out_ports);
  if (s.scale_up_chips < 2) return;
  line("as vendors count", detail::headline(s), fmt::format("both directions, memory fabric of {} chips", grouped(s.scale_up_chips)));
  if (published.present && subject.size_as_published)
    line("published", published.value, fmt::format("{:.3f} of that [{}: {}]{}", published.value / detail::headline(s), config::name_of(published.provenance.confidence), published.provenance.source,
                                                   published.provenance.note.empty() ? "" : " " + published.provenance.note));
}

void paths(std::string& out, const topology::Survey& s) {
  const auto& p = s.paths;
  out += fmt::format("\npaths: {} ordered pairs of chips; on average {:.4g} links and {}, at most {} and {}\n", grouped(p.pairs), p.mean_hops, human(p.mean_latency), p.most_hops, human(p.most_latency));
  Table table("lrrrr", {"across", "links", "latency", "pairs", "share"});
  for (std::size_t c = 0; c < std::min(kPathRows, p.classes.size()); ++c) {
    const auto& path = p.classes[c];
    std::vector<std::size_t> crossed;
    for (std::size_t i = 0; i < path.hops_on.size(); ++i)
      if (path.hops_on[i] > 0) crossed.push_back(i);
    table.row({levels_of(s, crossed), std::to_string(path.hops), human(path.latency), grouped(path.pairs), percent(static_cast<double>(path.pairs) / static_cast<double>(p.pairs))});
  }
  out += table.text();
  if (p.classes.size() > kPathRows) out += fmt::format("  and {} longer ones: --json has all\n", p.classes.size() - kPathRows);
}

void parts(std::string& out, const NetworkSubject& s) {
  const auto all = detail::parts_of(s);
  if (all.empty()) return;
  out += "\nparts: as the catalog counts them\n";
  Table table("llrr", {"part", "per", "in the machine", "power"});
  for (const auto& part : all) table.row({part.name, part.per, count_text(part.count), part.power ? human(*part.power, 4) : "not known"});
  const auto total = [&](const char* name, hardware::PartKind kind) {
    const double count = detail::count_of(all, kind);
    if (count > 0) table.row({name, "", count_text(count), ""});
  };
  total("all switches", hardware::PartKind::network_switch);
  total("all optical modules", hardware::PartKind::optical_module);
  total("all cables", hardware::PartKind::cable);
  if (const auto power = detail::power_of(all); power.si() > 0) table.row({"power of those known", "", "", human(power, 4)});
  out += table.text();
}

}  // namespace

std::string text(const NetworkSubject& s) {
  std::string out;
  heading(out, s);
  if (s.survey.levels.empty()) return out + "\none chip has no network\n";
  levels(out, s.survey);
  links(out, s.survey);
  all_to_all(out, s);
  bisections(out, s.survey);
  ports(out, s);
  paths(out, s.survey);
  parts(out, s);
  out += fmt::format("\nrests on {} estimated and {} unverified figures: --json names them, zettatwin catalog show {} has all sources\n",
                     detail::figures_of(s, config::Confidence::estimated).size(), detail::figures_of(s, config::Confidence::unverified).size(), s.machine.name);
  return out;
}

}  // namespace zettatwin::report
