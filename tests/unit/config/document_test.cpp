// SPDX-License-Identifier: Apache-2.0
#include "config/document.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace zettatwin::config {
namespace {

std::string text_of(const Diagnostics& diagnostics) {
  std::string text;
  for (const auto& one : diagnostics.all()) text += one.text() + "\n";
  return text;
}
Node tree_of(const std::string& text) {
  Diagnostics diagnostics;
  auto root = parse_document(text, "file", diagnostics);
  EXPECT_TRUE(root && diagnostics.all().empty()) << text << "\n" << text_of(diagnostics);
  return root.value_or(Node{});
}
std::string refusal(const std::string& text, const DocumentLimits& limits = {}) {
  Diagnostics diagnostics;
  EXPECT_FALSE(parse_document(text, "file", diagnostics, limits)) << text;
  EXPECT_TRUE(diagnostics.has_errors()) << text;
  return text_of(diagnostics);
}

TEST(Document, KeepsPlacesOrderAndQuotes) {
  const auto root = tree_of("b: 12\na:\n  - x\n  - \"12\"\n  - null\n  -\nc: 'null'\n");
  ASSERT_EQ(root.entries.size(), 3u);
  EXPECT_EQ(root.entries[0].key, "b");
  EXPECT_EQ(root.find("b")->where.text(), "file:1:4");
  EXPECT_EQ(root.entries[1].where.text(), "file:2:1");
  const auto& list = root.find("a")->items;
  ASSERT_EQ(list.size(), 4u);
  EXPECT_FALSE(list[0].quoted);
  EXPECT_TRUE(list[1].quoted);
  EXPECT_EQ(list[2].kind, Node::Kind::null);
  EXPECT_EQ(list[3].kind, Node::Kind::null);
  EXPECT_EQ(root.find("c")->kind, Node::Kind::scalar);
  EXPECT_EQ(root.find("absent"), nullptr);
}

TEST(Document, ReadsJsonWithTabsEscapesAndCarriageReturns) {
  const auto root = tree_of(
      "{\r\n\t\"a\":\t1,\r\n\t\"b\": [\r\n\t\t1.5e3,\ttrue\r\n\t],\r\n\t\"c\": \"\\u00e9\\n\\ud83d\\ude00 "
      "\\\\ud83d\",\"d\":{}\r\n}");
  EXPECT_EQ(root.find("a")->text, "1");
  EXPECT_EQ(root.find("b")->items[0].text, "1.5e3");
  EXPECT_EQ(root.find("c")->text, "\xc3\xa9\n\xf0\x9f\x98\x80 \\ud83d");
  EXPECT_TRUE(root.find("d")->is_mapping());
  EXPECT_EQ(tree_of("\xef\xbb\xbf{\"a\": 1}").find("a")->text, "1");  // byte order mark
}

TEST(Document, DuplicateKeysAreErrorsAtEachPlace) {
  const auto text = refusal("a: 1\nb: {x: 1, x: 2}\na: {deep: 1}\n");
  EXPECT_NE(text.find("file:2:11: error: key 'x' is given twice (first at file:2:5)"), std::string::npos)
      << text;
  EXPECT_NE(text.find("file:3:1: error: key 'a' is given twice (first at file:1:1)"), std::string::npos)
      << text;
}

TEST(Document, TruncationIsNamedWithTheOpenBracket) {
  EXPECT_NE(refusal("{\"a\": 1").find("file:1:1: error: this bracket is never closed"), std::string::npos);
  EXPECT_NE(refusal("{\n  \"a\": [1, {\"b\": \"]}\"").find("file:2:12: error: this bracket is never closed"),
            std::string::npos);
  EXPECT_NE(refusal("{\"a\": \"unfinished").find("file:1:"), std::string::npos);
  const std::string whole = "{\"hidden_size\": 64, \"list\": [1, 2, {\"x\": null}], \"text\": \"a, b]\"}";
  tree_of(whole);
  for (std::size_t length = 1; length < whole.size(); ++length) refusal(whole.substr(0, length));
}

TEST(Document, NothingMayFollowTheDocument) {
  for (const auto* text :
       {"{\"a\": 1}garbage", "{\"a\": 1} {\"b\": 2}", "a: 1\n---\nb: 2\n", "{\"a\": 1}]", "{\"a\": 1}}"})
    refusal(text);
  tree_of("---\na: 1\n...\n");
  tree_of("a: 1  # a remark\n");
}

TEST(Document, RefusesAliasesAndOddKeys) {
  EXPECT_NE(refusal("a: &x [1]\nb: [*x, *x]\n").find("aliases are not supported"), std::string::npos);
  EXPECT_NE(refusal("? [1, 2]\n: 3\n").find("a key must be plain text"), std::string::npos);
  EXPECT_NE(refusal("{{}: 1}").find("a key must be plain text"), std::string::npos);
}

TEST(Document, RefusesEmptyAndBinaryInput) {
  for (const std::string& text :
       {std::string(""), std::string(" \n"), std::string("# remark"), std::string("\0", 1),
        std::string("a: \0b", 5), std::string("a: \xff"), std::string("a: \xc3("),
        std::string("a: \xed\xa0\x80"), std::string("a: \xf5\x80\x80\x80"), std::string("\xff\xfe{\0", 4),
        std::string("a: \xe2\x82")})
    refusal(text);
  EXPECT_NE(refusal("a: 1\nbc: \xff").find("file:2:5: error: the document is not text"), std::string::npos);
}

TEST(Document, LimitsHold) {
  EXPECT_NE(refusal("a: 123456", {.bytes = 8}).find("too large"), std::string::npos);
  EXPECT_NE(refusal("[1, 2, 3, 4]", {.nodes = 4}).find("too large"), std::string::npos);
  tree_of("[" + std::string(62, '[') + std::string(62, ']') + "]");
  EXPECT_NE(refusal(std::string(65, '[') + std::string(65, ']')).find("nested too deeply"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(1'000'000, '[')).find("error"), std::string::npos);
  EXPECT_NE(refusal(std::string(100'000, '{') + std::string(100'000, '}')).find("error"), std::string::npos);
}

TEST(Document, ManyKeysTakeLinearTime) {
  std::string text = "{";
  for (int i = 0; i < 90'000; ++i) text += "\"key" + std::to_string(i) + "\": 1,\n";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(tree_of(text + "\"end\": 0}").entries.size(), 90'001u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));  // quadratic: minutes
}

TEST(Merged, MapsMergeAndTheRestIsReplaced) {
  const auto base = tree_of("a: {x: 1, y: 2}\nb: [1, 2]\nc: 3\n");
  const auto result = merged(base, tree_of("\na: {y: 5, z: 6}\nb: [9]\n"));
  EXPECT_EQ(result.find("a")->find("x")->text, "1");
  EXPECT_EQ(result.find("a")->find("y")->text, "5");
  EXPECT_EQ(result.find("a")->find("y")->where.line, 2u);
  EXPECT_EQ(result.find("a")->find("z")->text, "6");
  EXPECT_EQ(result.find("b")->items.size(), 1u);
  EXPECT_EQ(result.find("c")->text, "3");
}

TEST(Nearest, FindsMisspellingsOnly) {
  const std::vector<std::string> keys{"bandwidth", "capacity", "kind"};
  EXPECT_EQ(nearest("bandwith", keys), "bandwidth");
  EXPECT_EQ(nearest("knid", keys), "kind");
  EXPECT_EQ(nearest("latency", keys), "");
  EXPECT_EQ(nearest("", {}), "");
  EXPECT_EQ(nearest(std::string(10'000, 'x'), keys), "");
}

}  // namespace
}  // namespace zettatwin::config
