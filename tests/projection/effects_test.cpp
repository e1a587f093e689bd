// SPDX-License-Identifier: Apache-2.0
// Lists, counts, conditions, lookups, windows and SQL of one's own, through the whole engine.
#include <gmock/gmock.h>

#include <algorithm>

#include "core/text.hpp"
#include "projection/model/list_cell.hpp"
#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using test::EngineTest;
using test::Made;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kHead = "model = \"m\"\nversion = 1\n[where]\ncategories = [\"machine\"]\n";

std::string table(const std::string& name, const std::string& columns, const std::string& rules,
                  const std::string& more_key = "", const std::string& more = "") {
  return "[table." + name + "]\nkey = { gateway = \"$gateway\", name = \"$entity\"" + more_key +
         " }\n" + more + "[table." + name + ".columns]\n" + columns + "\n" + rules;
}
std::string on(const std::string& name, const std::string& what,
               const std::string& type = "Reading") {
  return "[[table." + name + ".on]]\ntype = \"" + type + "\"\n" + what + "\n";
}

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNoon = 1'790'000'000LL * kSecond / (3600 * kSecond) * (3600 * kSecond);

class EffectsTest : public EngineTest {
 protected:
  void start(const std::string& model) {
    open(model);
    start_lane();
  }
  void at(std::int64_t seconds, const std::string& json, const std::string& type = "Reading") {
    Made made;
    made.type = type;
    made.occurred_at_ns = kNoon + seconds * kSecond;
    made.wall_ns = kNoon + 3600 * kSecond;
    made.json = json;
    add(made);
  }
  void run() { outcome_ = feed_.run(*engine_); }
  std::string why() {
    const auto parked = engine_->parked(1);
    return parked && !parked->empty() ? parked->front().kind + ": " + parked->front().why : "";
  }
  // The rows after these events, as texts without the key.
  std::vector<std::string> after(const std::string& model, const std::vector<std::string>& events) {
    start(model);
    for (const std::string& json : events) add_json(json);
    run();
    return rows("t");
  }
  BatchOutcome outcome_;
};

TEST_F(EffectsTest, DecAndCountBeginAtZero) {
  EXPECT_THAT(after(kHead + table("t", "d = \"int\"\nr = \"real\"\nn = \"int\"\nv = \"int\"",
                                  on("t",
                                     "dec = { d = \".v\", r = 0.5 }\ncount = { n = 1, v = "
                                     "\".v\" }")),
                    {"{\"v\": 3}", "{\"v\": null}", "{}"}),
              ElementsAre("plant-7|press|-3|-1.5|3|1"));
}

TEST_F(EffectsTest, CountTakesWhateverTheFieldHolds) {
  EXPECT_THAT(after(kHead + table("t", "n = \"int\"", on("t", "count = { n = \".v\" }")),
                    {"{\"v\": \"x\"}", "{\"v\": [1]}", "{\"v\": false}", "{}"}),
              ElementsAre("plant-7|press|3"));
}

TEST_F(EffectsTest, DecStopsAtTheLowerEdge) {
  EXPECT_THAT(after(kHead + table("t", "n = \"int\"", on("t", "dec = { n = \".v\" }")),
                    {"{\"v\": 9223372036854775807}", "{\"v\": 2}"}),
              ElementsAre("plant-7|press|-9223372036854775807"));
  EXPECT_THAT(why(), HasSubstr("column n would leave its domain"));
}

TEST_F(EffectsTest, AListKeepsTheNewestByTimeInWhateverOrderTheyCome) {
  const std::string model = kHead + table("t", "l = { type = \"list\", of = \"int\", limit = 3 }",
                                          on("t", "append = { l = \".v\" }"));
  std::vector<int> order = {1, 2, 3, 4, 5};
  do {
    feed_ = test::Feed();
    start(model);
    for (const int v : order) at(v, "{\"v\": " + std::to_string(v) + "}");
    run();
    EXPECT_THAT(rows("t"), ElementsAre("plant-7|press|[3,4,5]"));
    engine_.reset();
    std::filesystem::remove(file());
  } while (std::next_permutation(order.begin(), order.begin() + 3));
}

TEST_F(EffectsTest, AListMayHoldSeveralValuesOfEachEvent) {
  start(kHead + table("t",
                      "l = { type = \"list\", of = { at = \"time\", text = \"text\", on = "
                      "\"bool\", r = \"real\" }, limit = 9 }",
                      on("t",
                         "append = { l = { at = \"$time\", text = \".s\", on = \".b\", r = "
                         "\".r\" } }")));
  at(0, R"({"s": "a \"b\"", "b": true, "r": 2.5})");
  at(1, R"({})");
  run();
  reopen();
  EXPECT_THAT(rows("t"),
              ElementsAre("plant-7|press|[{\"at\":\"" + core::format_time(kNoon) +
                          "\",\"text\":\"a \\\"b\\\"\",\"on\":true,\"r\":2.5},{\"at\":\"" +
                          core::format_time(kNoon + kSecond) +
                          "\",\"text\":null,\"on\":null,\"r\":null}]"));
}

TEST_F(EffectsTest, AListTakesNoPartInWhatIsNotThereAndParksWhatIsTooLong) {
  EXPECT_THAT(after(kHead + table("t", "l = { type = \"list\", of = \"text\", limit = 3 }",
                                  on("t", "append = { l = \".v\" }")),
                    {"{}", "{\"v\": null}", "{\"v\": \"x\"}",
                     "{\"v\": \"" + std::string(kListItemBytesMax, 'y') + "\"}"}),
              ElementsAre("plant-7|press|[\"x\"]"));
  EXPECT_EQ(outcome_.parked, 1u);
}

// One event is refused whole: its list is as it was.
TEST_F(EffectsTest, AParkedEventLeavesNoTraceInAList) {
  EXPECT_THAT(
      after(kHead + table("t", "l = { type = \"list\", of = \"int\", limit = 3 }\nn = \"int\"",
                          on("t", "append = { l = \".v\" }\ninc = { n = \".v\" }")),
            {"{\"v\": 9223372036854775807}", "{\"v\": 1}"}),
      ElementsAre("plant-7|press|[9223372036854775807]|9223372036854775807"));
}

// One value domain: PostgreSQL's index takes no longer ones.
TEST_F(EffectsTest, AKeyAboveTwoThousandBytesParks) {
  const std::string model = kHead + table("t", "n = \"int\"", on("t", "count = \"n\""),
                                          ", k = { type = \"text\", from = \".k\" }");
  const std::string fits(2000 - std::string("plant-7press").size(), 'k');
  EXPECT_EQ(after(model, {"{\"k\": \"" + fits + "\"}", "{\"k\": \"" + fits + "k\"}"}).size(), 1u);
  EXPECT_THAT(why(), HasSubstr("the key is longer than 2000 bytes"));
}

struct Asked {
  const char* when;
  const char* json;
  const char* count;  // "1" or "0"; "parks"
};
class WhenTest : public EffectsTest, public testing::WithParamInterface<Asked> {};

TEST_P(WhenTest, Answers) {
  const auto found =
      after(kHead + table("t", "n = { type = \"int\", default = 0 }",
                          on("t", "", "Born") +
                              on("t", "count = \"n\"\nwhen = " + std::string(GetParam().when))),
            {GetParam().json});
  const std::string count = found.empty() ? "0" : found[0].substr(found[0].rfind('|') + 1);
  EXPECT_EQ(outcome_.parked == 0 ? count : "parks", GetParam().count) << why();
}

INSTANTIATE_TEST_SUITE_P(
    All, WhenTest,
    testing::Values(
        Asked{"{ \".v\" = { gt = 90 } }", "{\"v\": 90.5}", "1"},
        Asked{"{ \".v\" = { gt = 90 } }", "{\"v\": 90}", "0"},
        Asked{"{ \".v\" = { ge = 90, lt = 100.5 } }", "{\"v\": 100}", "1"},
        Asked{"{ \".v\" = { lt = 9007199254740993.0 } }", "{\"v\": 9007199254740993}", "0"},
        Asked{"{ \".v\" = { gt = 9007199254740992.0 } }", "{\"v\": 9007199254740993}", "1"},
        Asked{"{ \".v\" = { lt = 1e300 } }", "{\"v\": 9223372036854775807}", "1"},
        Asked{"{ \".v\" = { gt = -0.5 } }", "{\"v\": 0}", "1"},
        Asked{"{ \".v\" = { gt = 90 } }", "{}", "0"},
        Asked{"{ \".v\" = { ne = 90 } }", "{\"v\": null}", "0"},
        Asked{"{ not = { \".v\" = 90 } }", "{}", "1"},
        Asked{"{ \".v\" = { gt = 90 } }", "{\"v\": \"91\"}", "parks"},
        Asked{"{ \".v\" = 1 }", "{\"v\": true}", "parks"},
        Asked{"{ \".v\" = true }", "{\"v\": true}", "1"},
        Asked{"{ \".v\" = \"on\" }", "{\"v\": \"on\"}", "1"},
        Asked{"{ \".v\" = { in = [\"on\", \"off\"] } }", "{\"v\": \"off\"}", "1"},
        Asked{"{ \".v\" = { in = [1, 2] } }", "{\"v\": 3}", "0"},
        Asked{"{ \".v\" = { exists = true } }", "{\"v\": [1]}", "1"},
        Asked{"{ \".v\" = { exists = false } }", "{\"v\": null}", "1"},
        Asked{"{ \".v\" = { gt = \".w\" } }", "{\"v\": 2, \"w\": 1.5}", "1"},
        Asked{"{ \".v\" = { gt = \".w\" } }", "{\"v\": 2}", "0"},
        Asked{"{ \".v\" = { lt = \"$time\" } }", "{\"v\": \"1970-01-01T00:00:01Z\"}", "1"},
        Asked{"{ \".v\" = { type = \"time\", gt = \"2020-01-01T00:00:00Z\" } }", "{\"v\": 1}", "0"},
        Asked{"{ \"$lane\" = \"telemetry\" }", "{}", "1"},
        Asked{"{ any = [{ \".a\" = 1 }, { \".b\" = 1 }] }", "{\"b\": 1}", "1"},
        Asked{"{ any = [{ \".a\" = 1 }, { \".b\" = 1 }] }", "{\"b\": 2}", "0"},
        Asked{"{ all = [{ \".a\" = 1 }, { \".b\" = 1 }] }", "{\"a\": 1, \"b\": 1}", "1"}));

// Not even the key is read of an event that a condition leaves out.
TEST_F(EffectsTest, AConditionIsAskedBeforeAnyValueIsRead) {
  EXPECT_THAT(after(kHead + table("t", "v = \"int\"",
                                  on("t", "set = { v = \".v\" }\nwhen = { \".ok\" = true }"),
                                  ", k = { type = \"int\", from = \".k\" }"),
                    {"{\"ok\": false, \"v\": \"x\"}", "{\"ok\": true, \"k\": 1, \"v\": 2}"}),
              ElementsAre("plant-7|press|1|2"));
  EXPECT_EQ(outcome_.parked, 0u);
}

TEST_F(EffectsTest, AConditionMayAskTheRowAsItIs) {
  EXPECT_THAT(
      after(kHead + table("t", "n = { type = \"int\", default = 0 }\nover = \"bool\"",
                          on("t", "inc = { n = 1 }\nwhen = { row.n = { lt = 2 } }") +
                              on("t", "set = { over = true }\nwhen = { row.n = { ge = 2 } }")),
            {"{}", "{}", "{}"}),
      ElementsAre("plant-7|press|2|1"));
}

class LookupTest : public EffectsTest {
 protected:
  static std::string model(const std::string& missing) {
    return kHead +
           table("machine", "site = \"text\"",
                 on("machine", "set = { site = \".site\" }", "Moved")) +
           "[table.site]\nkey = { gateway = \"$gateway\", site = { lookup = \"machine.site\", "
           "missing = " +
           missing + " } }\n[table.site.columns]\nn = \"int\"\n" +
           on("site", "count = \"n\"", "Reading") + on("site", "count = \"n\"", "Moved");
  }
  void feed(const std::string& missing) {
    start(model(missing));
    add_json("{}");
    add_json("{\"site\": \"a\"}", "Moved");
    add_json("{}");
    add_json("{\"site\": \"a long name of a site, longer than any text within a row\"}", "Moved");
    add_json("{}");
    run();
  }
};

// An event that changes the row which it looks up finds it as it was before.
TEST_F(LookupTest, FindsTheRowAsItWasBeforeTheEvent) {
  feed("\"skip\"");
  EXPECT_THAT(rows("site"),
              ElementsAre("plant-7|a|2",
                          "plant-7|a long name of a site, longer than any text within a row|1"));
}

TEST_F(LookupTest, MayNameAValueForWhatIsNotThere) {
  feed("{ value = \"none\" }");
  EXPECT_THAT(rows("site"),
              ElementsAre("plant-7|a|2",
                          "plant-7|a long name of a site, longer than any text within a row|1",
                          "plant-7|none|2"));
}

TEST_F(LookupTest, ParksWhatIsNotThereIfToldSo) {
  feed("\"park\"");
  EXPECT_THAT(rows("site"), IsEmpty());
  EXPECT_THAT(why(), HasSubstr("poison: table site: there is no row of table machine to look up"));
}

TEST_F(LookupTest, GivesAValueOrNullToAnOperation) {
  start(
      kHead +
      table("machine", "site = \"text\"", on("machine", "set = { site = \".site\" }", "Moved")) +
      table(
          "t", "site = \"text\"\nn = \"int\"",
          on("t",
             "count = \"n\"\nset = { site = { lookup = \"machine.site\", missing = \"null\" } }")));
  add_json("{}");
  run();
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|press|nil|1"));
  add_json("{\"site\": \"a\"}", "Moved");
  add_json("{}");
  run();
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|press|a|2"));
}

class WindowTest : public EffectsTest {
 protected:
  static std::string model(const std::string& window) {
    return kHead + table("t", "n = \"int\"\nlate = \"int\"", on("t", "count = \"n\""),
                         ", start = \"$window\"", "window = { size = \"5m\"" + window + " }\n");
  }
  static std::string row(std::int64_t seconds, const std::string& cells) {
    return "plant-7|press|" + std::to_string(kNoon + seconds * kSecond) + "|" + cells;
  }
};

TEST_F(WindowTest, EachEventFallsIntoOne) {
  start(model(""));
  for (const int s : {0, 299, 300, 601, 10}) at(s, "{}");
  run();
  EXPECT_THAT(rows("t"), ElementsAre(row(0, "3|nil"), row(300, "1|nil"), row(600, "1|nil")));
}

TEST_F(WindowTest, WhatIsLaterThanTheBoundIsIgnoredCountedOrParked) {
  const std::pair<const char*, std::vector<std::string>> all[] = {
      {"\"ignore\"", {row(300, "2|nil"), row(900, "1|nil")}},
      {"{ count = \"late\" }", {row(0, "0|1"), row(300, "2|0"), row(900, "1|0")}},
      {"\"park\"", {row(300, "2|nil"), row(900, "1|nil")}}};
  for (const auto& [beyond, expected] : all) {
    feed_ = test::Feed();
    start(model(", late = \"10m\", beyond = " + std::string(beyond)));
    at(301, "{}");
    at(900, "{}");
    at(300, "{}");  // just within
    at(299, "{}");  // beyond
    run();
    EXPECT_EQ(rows("t"), expected) << beyond;
    EXPECT_EQ(outcome_.parked, std::string(beyond) == "\"park\"" ? 1u : 0u);
    at(902, "{}");  // its stream does not wait
    run();
    EXPECT_EQ(outcome_.applied, 1u);
    engine_.reset();
    std::filesystem::remove(file());
  }
}

// The watermark is in the database, and is undone with an event that parks.
TEST_F(WindowTest, TheWatermarkOutlivesARestart) {
  start(model(", late = \"1s\", beyond = \"ignore\""));
  at(900, "{}");
  run();
  reopen();
  at(10, "{}");
  run();
  EXPECT_THAT(rows("t"), ElementsAre(row(900, "1|nil")));
}

// A device that lives in 2099 must not close the windows of all others.
TEST_F(WindowTest, TheWatermarkNeverRunsAheadOfTheGatewaysClock) {
  start(model(", late = \"1h\", beyond = \"ignore\""));
  at(90'000'000, "{}");
  at(0, "{}");
  run();
  EXPECT_EQ(rows("t").size(), 2u);
  at(-300, "{}");  // the clock said 3600: an hour behind it is still taken, more is not
  run();
  EXPECT_EQ(rows("t").size(), 2u);
}

// What a gateway held back for long is on time: only its own lane's order counts.
TEST_F(WindowTest, AnotherLanesEventsCloseNothing) {
  start(model(", late = \"1s\", beyond = \"ignore\""));
  at(3000, "{}");
  const test::LaneMaker other("plant-8", 1);
  feed_.add(other.opened(0, 0));
  Made made = other.base(2);
  made.occurred_at_ns = kNoon;
  feed_.add(test::message(made));
  run();
  EXPECT_EQ(rows("t").size(), 2u);
}

class SqlTest : public EffectsTest {
 protected:
  static std::string model() {
    return kHead +
           table("t", "n = { type = \"int\", default = 0 }\nv = \"real\"",
                 on("t", "inc = { n = \".n\" }")) +
           "[[on]]\ntype = \"Reading\"\nwhen = { \".add\" = { exists = true } }\ntouches = \"t\"\n"
           "args = { add = { type = \"int\", from = \".add\" }, v = { type = \"real\", from = "
           "\".v\" } }\n"
           "sql = \"UPDATE t SET n = n + :add, v = :v WHERE n < 100\"\n";
  }
};

TEST_F(SqlTest, SeesTheRowsOfTheEventAndOfThoseBefore) {
  start(model());
  add_json("{\"n\": 1}");
  add_json("{\"n\": 2, \"add\": 10}");
  add_json("{\"n\": 4}");
  add_json("{\"n\": 8, \"add\": 20, \"v\": 1.5}");
  run();
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|press|45|1.5"));
  EXPECT_EQ(outcome_.parked, 0u);
}

// n + add leaves the 64 bits in SQL: STRICT refuses what it becomes.
TEST_F(SqlTest, AStatementThatFailsParksTheWholeEvent) {
  start(model());
  add_json("{\"n\": 1}");
  add_json("{\"n\": 2, \"add\": 9223372036854775807}");
  run();
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|press|1|nil"));
  EXPECT_THAT(why(), HasSubstr("poison: SQL of line"));
}

// The event is not at fault: the model stands still and says why, and whoever waits for it goes on.
TEST_F(SqlTest, AStatementWithoutEndIsInterruptedOnSqlite) {
  std::string endless = model();
  const std::string from = "n = n + :add, v = :v WHERE n < 100\"";
  endless.replace(endless.find("\"UPDATE t SET " + from), from.size() + 14,
                  "{ postgres = \"UPDATE t SET n = :add, v = :v\", sqlite = \"UPDATE t SET v = :v, "
                  "n = (WITH RECURSIVE c(x) AS (SELECT :add UNION ALL SELECT x + 1 FROM c) SELECT "
                  "count(*) FROM c)\" }");
  start(endless);
  add_json("{\"n\": 2, \"add\": 10}");
  const auto outcome =
      engine_->apply(feed_.hub(), std::vector<Incoming>{feed_.incoming(0), feed_.incoming(1)});
  if (outcome) return;  // PostgreSQL has a time limit of its own
  EXPECT_EQ(outcome.error().code, core::Errc::kLimit);
  EXPECT_THAT(rows("t"), IsEmpty());
}

TEST_F(SqlTest, TellsWhichTablesItTouched) {
  settings_.report_changes = true;
  start(model());
  add_json("{\"n\": 2, \"add\": 10}");
  const auto outcome =
      engine_->apply(feed_.hub(), std::vector<Incoming>{feed_.incoming(0), feed_.incoming(1)});
  ASSERT_TRUE(outcome);
  EXPECT_THAT(outcome->touched_tables, ElementsAre("t"));
  EXPECT_EQ(outcome->changes.size(), 1u);
}

}  // namespace
}  // namespace sluice::projection
