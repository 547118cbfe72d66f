// SPDX-License-Identifier: Apache-2.0
#include "report/detail/step_json.hpp"

#include <nlohmann/json.hpp>

namespace zettatwin::report::detail {

using Json = nlohmann::ordered_json;

Json links_json(const training::TrainingResult& result) {
  Json links = Json::array();
  for (const auto& load : result.links) {
    Json by = Json::array();
    for (const auto& share : load.shares) by.push_back({{"dimension", share.dimension}, {"bytes", share.bytes.si()}, {"busy_s", share.busy.si()}});
    links.push_back({{"level", load.level}, {"kind", load.kind}, {"pipeline_rank", load.pipeline_rank}, {"bytes", load.bytes.si()}, {"busy_s", load.busy.si()},
                     {"utilisation", load.utilisation}, {"by_dimension", std::move(by)}});
  }
  return links;
}

Json path_json(const training::TrainingResult& result) {
  Json path = Json::array();
  for (const auto& part : result.critical_path) {
    Json one{{"phase", part.phase}, {"what", part.what}, {"pipeline_rank", part.pipeline_rank}, {"count", part.count}, {"time_s", part.time.seconds().si()}};
    Json operations = Json::array();
    for (const auto& share : part.shares) operations.push_back({{"group", share.group}, {"name", share.name}, {"time_s", share.time.seconds().si()}});
    if (!operations.empty()) one["operations"] = std::move(operations);
    path.push_back(std::move(one));
  }
  return path;
}

Json faults_json(const training::TrainingResult& r) {
  Json faults = Json::array();
  for (const auto& f : r.faults) {
    Json one{{"fault", f.fault}, {"feasible", f.impossible.empty()}, {"mechanism", f.mechanism}, {"part", f.part}};
    if (f.impossible.empty()) {
      one["step_time_s"] = f.step_time.seconds().si();
      one["cost_s"] = f.cost.seconds().si();
      one["cost"] = f.cost.seconds().si() / r.healthy_step_time.seconds().si();
      Json slowed = Json::array();
      for (const auto& leaf : f.slowed) slowed.push_back({{"leaf", leaf.leaf}, {"cost_s", leaf.cost.seconds().si()}});
      one["slowed"] = std::move(slowed);
    } else one["reason"] = f.impossible;
    one["waits"] = f.waits;
    faults.push_back(std::move(one));
  }
  return faults;
}

Json chip_json(const training::TrainingResult& result) {
  const auto& chip = *result.unfolded;
  Json coordinates = Json::array(), faults = Json::array(), memory = Json::object(), instructions = Json::array(), operations = Json::array();
  for (const auto& c : chip.coordinates) coordinates.push_back({{"dimension", c.dimension}, {"index", c.index}, {"size", c.size}, {"peers", c.peers}});
  for (const auto& f : chip.faults) faults.push_back({{"fault", f.fault}, {"felt", f.how}});
  for (const auto& part : result.memory[static_cast<std::size_t>(chip.pipeline_rank)].parts) memory[std::string(part.name)] = part.bytes.si();
  for (const auto& i : chip.instructions) instructions.push_back({{"name", i.name}, {"start_s", i.start.seconds().si()}, {"finish_s", i.finish.seconds().si()}});
  for (const auto& op : chip.operations) {
    Json one{{"stream", std::string(name_of(op.stream))}, {"name", op.name}, {"group", op.group}, {"start_s", op.start.seconds().si()}, {"finish_s", op.finish.seconds().si()}};
    if (op.waiting) one["waiting"] = true;
    if (op.instruction >= 0) one["instruction"] = op.instruction;
    operations.push_back(std::move(one));
  }
  return {{"rank", chip.rank}, {"place", chip.place}, {"pipeline_rank", chip.pipeline_rank}, {"cluster", chip.cluster}, {"cluster_ranks", chip.cluster_ranks},
          {"coordinates", std::move(coordinates)}, {"faults", std::move(faults)}, {"memory_bytes", std::move(memory)}, {"instructions", std::move(instructions)},
          {"instructions_left_out", chip.instructions_left_out}, {"operations", std::move(operations)}};
}

}  // namespace zettatwin::report::detail
