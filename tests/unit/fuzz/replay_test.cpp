// SPDX-License-Identifier: Apache-2.0
// Runs one fuzzer's function over the seeds and over small damage to them, so that every test run and every
// sanitizer sees hostile input without libFuzzer. The fuzzer aborts the process when a law is broken.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../../support/places.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::string> seeds() {
  std::vector<std::filesystem::path> paths;
  for (const auto& file : std::filesystem::directory_iterator(zettatwin::test::source_dir() / "tests/fuzz/seeds"))
    if (file.is_regular_file()) paths.push_back(file.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return texts;
}
void run(const std::string& text) {
  EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), 0);
}

TEST(Replay, Seeds) {
  const auto texts = seeds();
  ASSERT_GE(texts.size(), 10u);
  for (const auto& text : texts) run(text);
}

TEST(Replay, TruncatedAnywhere) {
  for (const auto& text : seeds())
    for (std::size_t length = 0; length < text.size(); length += 1 + text.size() / 200)
      run(text.substr(0, length));
}

TEST(Replay, OneByteReplaced) {
  constexpr std::array kBytes{'\0', '{',  '}',  '[',  ']', '"', ',', ':',   '-',
                              '9',  '\\', '\t', '\n', '&', '*', '#', '\xff'};
  std::size_t turn = 0;
  for (const auto& text : seeds())
    for (std::size_t at = 0; at < text.size(); at += 1 + text.size() / 300) {
      auto damaged = text;
      damaged[at] = kBytes[turn++ % kBytes.size()];
      run(damaged);
    }
}

TEST(Replay, DoubledAndReversed) {
  for (const auto& text : seeds()) {
    run(text + text);
    run(std::string(text.rbegin(), text.rend()));
  }
}

}  // namespace
