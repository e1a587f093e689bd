// SPDX-License-Identifier: Apache-2.0
// Each operation and each edge of the value domain, through the whole engine.
#include <gmock/gmock.h>

#include "core/codec/event_codec.hpp"
#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using test::EngineTest;
using test::Made;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string model_of(const std::string& columns, const std::string& rules,
                     const std::string& head = "") {
  return "model = \"m\"\nversion = 1\n" + head +
         "\n[where]\ncategories = [\"machine\"]\n[table.t]\nkey = { gateway = \"$gateway\", name = "
         "\"$entity\" }\n[table.t.columns]\n" +
         columns + "\n" + rules;
}
const std::string kOn = "[[table.t.on]]\ntype = \"Reading\"\n";

class OperationsTest : public EngineTest {
 protected:
  // The one row, without its key, after these events.
  std::string after(const std::string& model, const std::vector<std::string>& events) {
    open(model);
    start_lane();
    for (const std::string& json : events) add_json(json);
    outcome_ = feed_.run(*engine_);
    const auto all = rows("t");
    return all.size() == 1 ? all[0].substr(all[0].find("press|") + 6) : std::to_string(all.size());
  }
  BatchOutcome outcome_;
};

TEST_F(OperationsTest, SetTakesTheLastAndKeepsWhatTheEventLacks) {
  EXPECT_EQ(after(model_of("a = \"int\"\nb = \"text\"", kOn + "set = { a = \".a\", b = \".b\" }"),
                  {R"({"a": 1, "b": "x"})", R"({"a": 2})"}),
            "2|x");
}

TEST_F(OperationsTest, SetOfNullSetsNull) {
  EXPECT_EQ(after(model_of("a = \"int\"", kOn + "set = { a = \".a\" }"),
                  {R"({"a": 1})", R"({"a": null})"}),
            "nil");
}

TEST_F(OperationsTest, SetTakesConstantsOfEveryType) {
  EXPECT_EQ(after(model_of("i = \"int\"\nr = \"real\"\nb = \"bool\"\ns = \"text\"\nt = \"time\"\n"
                           "x = \"bytes\"",
                           kOn + "set = { i = -3, r = 0.5, b = true, s = \"on\", t = "
                                 "\"1970-01-01T00:00:01Z\", x = \"aGk=\" }"),
                  {"{}"}),
            "-3|0.5|1|on|1000000000|bytes:hi");
}

TEST_F(OperationsTest, IncAddsToTheDefault) {
  EXPECT_EQ(after(model_of("n = { type = \"int\", default = 10 }\nr = { type = \"real\", default = "
                           "0.5 }\nm = \"int\"",
                           kOn + "inc = { n = \".n\", r = \".r\", m = -2 }"),
                  {R"({"n": 5, "r": 0.25})", R"({"n": 1})"}),
            "16|0.75|-4");
}

TEST_F(OperationsTest, MinAndMaxKeepTheExtremesPastNullAndDefault) {
  EXPECT_EQ(after(model_of("lo = \"int\"\nhi = { type = \"int\", default = 100 }\ns = \"text\"",
                           kOn + "min = { lo = \".v\", s = \".s\" }\nmax = { hi = \".v\" }"),
                  {R"({"v": 5, "s": "b"})", R"({"v": null, "s": "B"})", R"({"v": 120})",
                   R"({"v": -7, "s": "a"})"}),
            "-7|120|B");
}

TEST_F(OperationsTest, LatestGoesByTheEventsTimeNotByItsArrival) {
  open(model_of("v = \"int\"\nat = \"time\"", kOn + "latest = { v = \".v\", at = \"$time\" }"));
  start_lane();
  for (const auto& [time, value] : {std::pair{20, 2}, {30, 3}, {10, 1}}) {
    Made made;
    made.occurred_at_ns = time;
    made.json = "{\"v\": " + std::to_string(value) + "}";
    add(made);
  }
  feed_.run(*engine_);
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|press|3|30"));
}

TEST_F(OperationsTest, LatestBreaksTiesByTheLaterSeq) {
  open(model_of("v = \"int\"", kOn + "latest = { v = \".v\" }"));
  start_lane();
  for (const int value : {5, 9, 7}) {
    Made made;
    made.occurred_at_ns = 1000;
    made.json = "{\"v\": " + std::to_string(value) + "}";
    add(made);
  }
  feed_.run(*engine_);
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|press|7"));
}

TEST_F(OperationsTest, LatestTakesAllItsColumnsFromOneEvent) {
  EXPECT_EQ(after(model_of("a = \"int\"\nb = \"int\"", kOn + "latest = { a = \".a\", b = \".b\" }"),
                  {R"({"a": 1, "b": 1})", R"({"a": 2})"}),
            "2|nil");
}

TEST_F(OperationsTest, LatestOfDifferentEventTypesIsKeptApart) {
  open(model_of("a = \"int\"\nb = \"int\"",
                "[[table.t.on]]\ntype = \"A\"\nlatest = { a = \".v\" }\n"
                "[[table.t.on]]\ntype = \"B\"\nlatest = { b = \".v\" }"));
  start_lane();
  for (const auto& [type, time] : {std::pair{"A", 50}, {"B", 10}, {"A", 20}}) {
    Made made;
    made.type = type;
    made.occurred_at_ns = time;
    made.json = "{\"v\": " + std::to_string(time) + "}";
    add(made);
  }
  feed_.run(*engine_);
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|press|50|10"));
}

// Two gateways, one row: whatever the order of arrival, the same row.
TEST_F(OperationsTest, LatestInASharedTableDoesNotDependOnArrival) {
  const std::string toml =
      "model = \"m\"\nversion = 1\n[table.t]\nshared = true\nkey = { name = \"$entity\" }\n"
      "[table.t.columns]\nv = \"int\"\nby = \"text\"\n" +
      kOn + "latest = { v = \".v\", by = \"$gateway\" }\n";
  for (const bool turned : {false, true}) {
    open(toml);
    feed_ = test::Feed();
    const test::LaneMaker first(turned ? "b" : "a", 1);
    const test::LaneMaker second(turned ? "a" : "b", 1);
    for (const auto& lane : {first, second}) {
      feed_.add(lane.opened(0, 0));
      Made made = lane.base(2);
      made.occurred_at_ns = 77;
      made.json = "{\"v\": 1}";
      feed_.add(test::message(made));
    }
    feed_.run(*engine_);
    EXPECT_THAT(rows("t"), ElementsAre("press|1|b"));
  }
}

TEST_F(OperationsTest, DeleteRemovesTheRowAndALaterEventBeginsAnew) {
  const std::string model =
      model_of("n = { type = \"int\", default = 0 }",
               kOn + "inc = { n = 1 }\n[[table.t.on]]\ntype = \"Retired\"\ndelete = true\n");
  open(model);
  start_lane();
  add_json("{}");
  add_json("{}");
  add_json("{}", "Retired");
  feed_.run(*engine_);
  EXPECT_THAT(rows("t"), IsEmpty());
  add_json("{}");
  feed_.run(*engine_);
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|press|1"));
}

TEST_F(OperationsTest, WithoutCreateOnlyRowsThatExistChange) {
  const std::string model = model_of(
      "a = \"int\"\nb = { type = \"int\", default = 7 }",
      "[[table.t.on]]\ntype = \"Born\"\n[[table.t.on]]\ntype = \"Reading\"\ncreate = false\nset = "
      "{ "
      "a = \".a\" }\n[[table.t.on]]\ntype = \"Newest\"\ncreate = false\nmax = { b = \".a\" }");
  open(model);
  start_lane();
  add_json("{\"a\": 1}");
  feed_.run(*engine_);
  EXPECT_THAT(rows("t"), IsEmpty());
  add_json("{}", "Born");
  add_json("{\"a\": 2}");
  add_json("{\"a\": 9}", "Newest");
  add_json("{}");
  feed_.run(*engine_);
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|press|2|9"));
}

TEST_F(OperationsTest, KeysTakeDataFieldsAndEventFacts) {
  open(
      "model = \"m\"\nversion = 1\n[table.t]\nkey = { s = \"$stream\", k = { type = \"int\", from "
      "= "
      "\".a.b\" }, lane = \"$lane\", day = \"$day\", id = \"$id\", e = \"$epoch\", seq = \"$seq\", "
      "v = "
      "\"$version\" }\n[table.t.columns]\nn = \"int\"\n" +
      kOn + "inc = { n = 1 }");
  start_lane();
  Made made;
  made.json = R"({"a": {"b": 4}})";
  made.occurred_at_ns = -1;
  add(made);
  feed_.run(*engine_);
  EXPECT_THAT(rows("t"),
              ElementsAre("plant-7/machine/press|4|telemetry|-86400000000000|02000000-0000-"
                          "0000-0000-000000000001|0000000000000001|2|1|1"));
}

TEST_F(OperationsTest, AnEventWithoutItsKeyParks) {
  open(
      "model = \"m\"\nversion = 1\n[table.t]\nkey = { s = \"$stream\", k = { type = \"int\", from "
      "= "
      "\".k\" } }\n[table.t.columns]\nn = \"int\"\n" +
      kOn + "inc = { n = 1 }");
  start_lane();
  add_json("{}");
  feed_.run(*engine_);
  EXPECT_THAT((*engine_->parked(1))[0].why, HasSubstr("the key's field .k is missing"));
}

TEST_F(OperationsTest, IntSumsStopAtTheDomainsEdge) {
  const std::string model =
      model_of("n = { type = \"int\", default = 0 }", kOn + "inc = { n = \".n\" }");
  EXPECT_EQ(after(model, {R"({"n": 9223372036854775807})", R"({"n": 0})", R"({"n": 1})"}),
            "9223372036854775807");
  EXPECT_EQ(outcome_.parked, 1u);
  EXPECT_THAT((*engine_->parked(1))[0].why, HasSubstr("would leave its domain"));
}

TEST_F(OperationsTest, IntSumsStopAtTheLowerEdge) {
  const std::string model =
      model_of("n = { type = \"int\", default = 0 }", kOn + "inc = { n = \".n\" }");
  EXPECT_EQ(after(model, {R"({"n": -9223372036854775808})", R"({"n": -1})"}),
            "-9223372036854775808");
  EXPECT_EQ(outcome_.parked, 1u);
}

TEST_F(OperationsTest, ADefaultAndAFirstIncAreCheckedToo) {
  const std::string model =
      model_of("n = { type = \"int\", default = 9223372036854775807 }", kOn + "inc = { n = 1 }");
  EXPECT_EQ(after(model, {"{}"}), "0");  // no row
  EXPECT_EQ(outcome_.parked, 1u);
}

TEST_F(OperationsTest, RealSumsNeverBecomeInfinite) {
  const std::string model = model_of("r = \"real\"", kOn + "inc = { r = \".r\" }");
  EXPECT_EQ(after(model, {R"({"r": 1.5e308})", R"({"r": 1.5e308})"}), "1.5e+308");
  EXPECT_EQ(outcome_.parked, 1u);
}

// The first table's change is undone when the second one's sum leaves its domain.
TEST_F(OperationsTest, AnEventTakesEffectInAllTablesOrInNone) {
  open(model_of("n = { type = \"int\", default = 0 }", kOn + "inc = { n = 1 }") +
       "\n[table.u]\nkey = { gateway = \"$gateway\" }\n[table.u.columns]\nn = \"int\"\n" +
       "[[table.u.on]]\ntype = \"Reading\"\ninc = { n = \".n\" }\n");
  start_lane();
  add_json(R"({"n": 9223372036854775807})");
  add_json(R"({"n": 1})");
  feed_.run(*engine_);
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|press|1"));
  EXPECT_THAT(rows("u"), ElementsAre("plant-7|9223372036854775807"));
  EXPECT_EQ(engine_->parked(10)->size(), 1u);
}

struct Edge {
  const char* type;
  const char* json;  // the value of .v
  const char* cell;  // nullptr: parks
};

class ValueDomain : public OperationsTest, public testing::WithParamInterface<Edge> {};

TEST_P(ValueDomain, TakesOrParks) {
  const Edge& edge = GetParam();
  const std::string model =
      model_of("v = \"" + std::string(edge.type) + "\"", kOn + "set = { v = \".v\" }");
  const std::string row = after(model, {"{\"v\": " + std::string(edge.json) + "}"});
  EXPECT_EQ(row, edge.cell == nullptr ? "0" : edge.cell);
  EXPECT_EQ(outcome_.parked, edge.cell == nullptr ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Edges, ValueDomain,
    testing::Values(
        Edge{"int", "9223372036854775807", "9223372036854775807"},
        Edge{"int", "-9223372036854775808", "-9223372036854775808"},
        Edge{"int", "9223372036854775808", nullptr}, Edge{"int", "1.0", nullptr},
        Edge{"int", "\"1\"", nullptr}, Edge{"int", "true", nullptr}, Edge{"int", "[1]", nullptr},
        Edge{"real", "7", "7"}, Edge{"real", "9007199254740992", "9.0072e+15"},
        Edge{"real", "9007199254740993", nullptr}, Edge{"real", "9223372036854775808", nullptr},
        Edge{"real", "\"7\"", nullptr}, Edge{"bool", "true", "1"}, Edge{"bool", "0", nullptr},
        Edge{"text", "\"caf\\u00e9\"", "caf\u00e9"}, Edge{"text", "\"\"", ""},
        Edge{"text", "\"a\\u0000b\"", nullptr}, Edge{"text", "1", nullptr},
        Edge{"time", "1000", "1000"}, Edge{"time", "\"1970-01-01T00:00:00.5Z\"", "500000000"},
        Edge{"time", "\"yesterday\"", nullptr}, Edge{"time", "1.5", nullptr},
        Edge{"bytes", "{\"$bytes\": \"aGk=\"}", "bytes:hi"}, Edge{"bytes", "\"hi\"", nullptr},
        Edge{"text", "{\"a\": 1}", nullptr}));

}  // namespace
}  // namespace sluice::projection
