// SPDX-License-Identifier: Apache-2.0
#include "core/config_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <string>

namespace sluice::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

struct Settings {
  std::string name = "default";
  bool on = false;
  std::int64_t count = 7;
  std::vector<std::string> urls = {"a"};
  milliseconds interval{250};
  std::uint64_t quota = 1024;
  std::vector<std::pair<std::string, std::string>> lanes;
  std::string inner = "inner";
};

void visit(Settings& s, SettingsVisitor& v) {
  v.section("test");
  v.field("name", s.name);
  v.field("on", s.on);
  v.field("count", s.count, 1, 10);
  v.field("urls", s.urls);
  v.field("interval", s.interval, milliseconds{0}, std::chrono::hours{1});
  v.bytes("quota", s.quota, 512, 1u << 30);
  v.map("lanes", s.lanes);
  v.section("test.deep");
  v.field("inner", s.inner);
}

Result<Settings> read(std::string_view text) {
  auto reader = ConfigReader::parse(text, "box.toml");
  if (!reader) return reader.error();
  Settings settings;
  visit(settings, *reader);
  SLUICE_TRY(reader->finish());
  return settings;
}

std::string error_of(std::string_view text) {
  const auto settings = read(text);
  if (settings) return "it was accepted";
  EXPECT_EQ(settings.error().code, Errc::kConfig);
  return settings.error().message;
}

TEST(ConfigReader, KeepsDefaultsForWhatIsNotThere) {
  const auto settings = read("");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->name, "default");
  EXPECT_EQ(settings->interval, milliseconds{250});
}

TEST(ConfigReader, ReadsEveryKind) {
  const auto settings = read(R"(
[test]
name = "box"
on = true
count = 10
urls = ["x", "y"]
interval = "2min"
quota = "3MiB"
[test.lanes]
pump = "alarm"
[test.deep]
inner = "i"
)");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->name, "box");
  EXPECT_TRUE(settings->on);
  EXPECT_EQ(settings->count, 10);
  EXPECT_EQ(settings->urls, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(settings->interval, seconds{120});
  EXPECT_EQ(settings->quota, 3u << 20);
  ASSERT_EQ(settings->lanes.size(), 1u);
  EXPECT_EQ(settings->lanes[0].second, "alarm");
  EXPECT_EQ(settings->inner, "i");
}

TEST(ConfigReader, NamesFileLineAndKeyOfEachError) {
  const std::string message = error_of("[test]\nname = 5\ncount = 11\nnmae = \"x\"\n");
  EXPECT_THAT(message, HasSubstr("box.toml:2: test.name: must be text"));
  EXPECT_THAT(message, HasSubstr("box.toml:3: test.count: must be a whole number from 1 to 10"));
  EXPECT_THAT(message, HasSubstr("box.toml:4: test.nmae: unknown key"));
}

TEST(ConfigReader, RefusesUnknownSections) {
  EXPECT_THAT(error_of("[tset]\nname = \"x\"\n"), HasSubstr("box.toml:1: tset: unknown section"));
  EXPECT_THAT(error_of("[test.depe]\ninner = \"x\"\n"),
              HasSubstr("box.toml:1: test.depe: unknown section"));
  EXPECT_THAT(error_of("name = \"x\"\n"), HasSubstr("box.toml:1: name: unknown key"));
}

TEST(ConfigReader, RefusesWrongTypesAndUnits) {
  const std::pair<const char*, const char*> cases[] = {
      {"on = 1", "test.on: must be true or false"},
      {"on = \"true\"", "test.on: must be true or false"},
      {"count = 1.0", "test.count"},
      {"count = 0", "test.count"},
      {"urls = \"x\"", "test.urls: must be a list of texts"},
      {"urls = [\"x\", 1]", "test.urls: must be a list of texts"},
      {"interval = 5", "test.interval: must be a duration from \"0ms\" to \"1h\""},
      {"interval = \"5\"", "test.interval"},
      {"interval = \"5 s\"", "test.interval"},
      {"interval = \"-5s\"", "test.interval"},
      {"interval = \"1.5s\"", "test.interval"},
      {"interval = \"2h\"", "test.interval"},
      {"interval = \"99999999999999d\"", "test.interval"},
      {"quota = \"1KB\"", "test.quota: must be a size from \"512B\" to \"1GiB\""},
      {"quota = -1", "test.quota"},
      {"quota = \"2GiB\"", "test.quota"},
      {"lanes = \"x\"", "test.lanes: must be a section"},
      {"lanes = { pump = 3 }", "test.lanes.pump: must be text"},
      {"deep = 3", "test.deep: must be a section"}};
  for (const auto& [line, expected] : cases) {
    const std::string message = error_of(std::string("[test]\n") + line + "\n");
    EXPECT_THAT(message, HasSubstr(expected)) << line;
    EXPECT_THAT(message, HasSubstr("box.toml:2: ")) << line;
  }
}

TEST(ConfigReader, NamesTheLineOfASyntaxError) {
  EXPECT_THAT(error_of("[test]\nname = \n"), HasSubstr("box.toml:2: "));
}

TEST(ConfigReader, RefusesAKeyGivenTwice) {
  EXPECT_THAT(error_of("[test]\nname = \"a\"\nname = \"b\"\n"), HasSubstr("box.toml:3: "));
}

TEST(ConfigReader, LeavesAnotherProgramsSectionAlone) {
  auto reader = ConfigReader::parse("[uplink]\nurls = [\"x\"]\n[uplink.tls]\nca = \"f\"\n", "f");
  ASSERT_TRUE(reader);
  reader->leave("uplink");
  EXPECT_TRUE(reader->finish());
}

TEST(ConfigReader, ReportsTheModulesOwnFindingWithItsLine) {
  auto reader = ConfigReader::parse("[test]\nname = \"Box\"\n", "f.toml");
  ASSERT_TRUE(reader);
  Settings settings;
  visit(settings, *reader);
  reader->section("test");
  reader->reject("name", "must be lower case");
  reader->reject("count", "must be given");
  const auto finished = reader->finish();
  ASSERT_FALSE(finished);
  EXPECT_THAT(finished.error().message, HasSubstr("f.toml:2: test.name: must be lower case"));
  EXPECT_THAT(finished.error().message, HasSubstr("f.toml: test.count: must be given"));
}

TEST(ConfigReader, SaysThatAFileCannotBeRead) {
  for (const char* path : {"/nonexistent/sluice.toml", "/"}) {
    const auto reader = ConfigReader::load(path);
    ASSERT_FALSE(reader) << path;
    EXPECT_EQ(reader.error().code, Errc::kConfig);
    EXPECT_THAT(reader.error().message, HasSubstr(path));
  }
}

TEST(ConfigReader, NoTextEndsTheProgram) {
  for (const char* text :
       {"[", "[[", "[[[", "[.a]", "[[.a]]", "[=]", "[#", "[\n]", "a = [", "a = {"})
    EXPECT_FALSE(read(text)) << text;
  constexpr std::string_view pieces[] = {
      "[",      "]",          "{",        "}",
      ".",      "=",          "\"",       "'",
      "\"\"\"", "'''",        ",",        "#",
      "\n",     "\r\n",       " ",        "\t",
      "a",      "1",          "-",        "+",
      "_",      ":",          "inf",      "nan",
      "0x",     "1e",         "\\u",      "\\",
      "\\U00",  "T",          "Z",        "true",
      "\xff",   "\xc3",       "\x7f",     "x=",
      "[a]",    "=1",         "0b",       "=[",
      "={",     "1979-05-27", "07:32:00", std::string_view("\0", 1)};
  std::mt19937 random(4);
  for (int run = 0; run < 30'000; ++run) {
    std::string text;
    for (std::size_t left = 1 + random() % 12; left > 0; --left)
      text += pieces[random() % std::size(pieces)];
    (void)read(text);
  }
}

TEST(ConfigReader, SurvivesANestingBomb) {
  EXPECT_FALSE(read("a = " + std::string(100'000, '[')));
}

TEST(ConfigPrinter, PrintsWhatTheReaderReadsBack) {
  Settings before;
  before.name = "quote \" back \\ tab \t line \n ''' \xc3\xa4 \x01";
  before.on = true;
  before.urls = {};
  before.interval = milliseconds{90'000};
  before.quota = (1u << 20) + 1;
  before.lanes = {{"pump house", "alarm"}, {"x.y", "bulk"}};
  ConfigPrinter printer;
  visit(before, printer);
  const auto after = read(printer.text());
  ASSERT_TRUE(after) << after.error().message << "\n" << printer.text();
  EXPECT_EQ(after->name, before.name);
  EXPECT_EQ(after->on, before.on);
  EXPECT_EQ(after->urls, before.urls);
  EXPECT_EQ(after->interval, before.interval);
  EXPECT_EQ(after->quota, before.quota);
  EXPECT_EQ(after->lanes, before.lanes);
  EXPECT_THAT(printer.text(), HasSubstr("interval = \"90s\""));
  EXPECT_THAT(printer.text(), Not(HasSubstr("90000ms")));
}

}  // namespace
}  // namespace sluice::core
