// SPDX-License-Identifier: Apache-2.0
// A program may ask from several threads at once, each with its own question: there is no state behind the answers. What the thread sanitizer watches.
#include <array>
#include <nlohmann/json.hpp>
#include <thread>

#include "../../support/ask.hpp"
#include "../../support/trace_files.hpp"
#include "api/fault_sweep.hpp"
#include "api/network.hpp"
#include "api/serve.hpp"

namespace zettatwin::api {
namespace {

const std::string kTrain = "machine: dgx-h100\nmodel: mixtral-8x7b\nchips: 64\n";
const std::string kServe = "machine: dgx-h200\nchips: 16\nmodel: llama-3.1-8b\ndeployment: {tp: 1, instances: 4}\n"
                           "traffic: {rate: 20 requests/s, input: {mean: 300, cv: 1}, output: {mean: 40, cv: 0.5}}\nduration: 10 s\n";
const std::string kFaults = kTrain + "plan: {tp: 8, ep: 8}\nglobal_batch: 64\n";
const std::string kNetwork = "machine: dgx-h100\nchips: 256\n";
const std::string kWrong = "machine: dgx-h101\nmodel: lama\nplan: {tp: x}\n";

// The document's answer as JSON, or what is wrong with it.
template <class Answer>
std::string told(const std::string& document, Answer answer) {
  config::Diagnostics diagnostics;
  const auto node = config::parse_document(document, "question.yaml", diagnostics);
  auto text = node ? answer(*node, diagnostics) : std::string();
  return text.empty() ? test::text_of(diagnostics) : text;
}

std::string trained(const std::string& document) {
  return told(document, [](const config::Node& node, config::Diagnostics& d) {
    const auto a = train(node, test::CatalogFiles{}, {}, d);
    return a ? report::json(a->subject()) : "";
  });
}

std::string served(const std::string& document) {
  return told(document, [](const config::Node& node, config::Diagnostics& d) {
    const auto a = serve(node, test::CatalogFiles{}, test::TraceTexts({}), {}, d);
    return a ? report::json(a->subject) : "";
  });
}

std::string swept(const std::string& document) {
  return told(document, [](const config::Node& node, config::Diagnostics& d) {
    const auto a = sweep_faults(node, test::CatalogFiles{}, 0.5, {}, d);
    return a ? json(*a) : "";
  });
}

std::string surveyed(const std::string& document) {
  return told(document, [](const config::Node& node, config::Diagnostics& d) {
    const auto a = network(node, test::CatalogFiles{}, d);
    return a ? report::json(a->subject()) : "";
  });
}

using Answers = std::array<std::string, 5>;

Answers all_answers() { return {trained(kTrain), served(kServe), swept(kFaults), surveyed(kNetwork), trained(kWrong)}; }

TEST(Threads, AnswersDoNotKnowOfEachOther) {
  std::array<Answers, 3> answers;
  {
    std::vector<std::thread> threads;
    for (auto& a : answers) threads.emplace_back([&a] { a = all_answers(); });
    for (auto& t : threads) t.join();
  }
  const auto alone = all_answers();
  for (std::size_t question = 0; question + 1 < alone.size(); ++question)
    EXPECT_TRUE(nlohmann::json::accept(alone[question])) << "question " << question << " has an answer\n" << alone[question];
  EXPECT_NE(alone.back().find("dgx-h101"), std::string::npos) << "and the last is wrong";
  for (const auto& a : answers) EXPECT_EQ(a, alone);
}

}  // namespace
}  // namespace zettatwin::api
