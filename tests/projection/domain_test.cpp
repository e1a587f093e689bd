// SPDX-License-Identifier: Apache-2.0
// What SQL of the user's own makes that no column of a model can hold, and what a database has no
// room for: the event parks, or the value reads as NULL; nothing stands still.
#include <gmock/gmock.h>

#include "core/text.hpp"
#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using test::EngineTest;
using test::Made;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kHead = "model = \"m\"\nversion = 1\n[where]\ncategories = [\"machine\"]\n";

const std::string kTable = R"(
[table.t]
key = { gateway = "$gateway", name = "$entity" }
[table.t.columns]
r = "real"
s = "text"
ok = "bool"
l = { type = "list", of = "int", limit = 2 }
[[table.t.on]]
type = ["Reading", "Written"]
set = { r = ".r", s = ".s" }
)";

std::string written(const std::string& sqlite, const std::string& postgres) {
  return "[[on]]\ntype = \"Written\"\ntouches = \"t\"\nargs = { name = \"$entity\" }\n"
         "sql = { sqlite = \"\"\"" +
         sqlite + " WHERE name = :name\"\"\", postgres = \"\"\"" + postgres +
         " WHERE name = :name\"\"\" }\n";
}

class DomainTest : public EngineTest {
 protected:
  void add_of(const std::string& entity, const std::string& json, const std::string& type) {
    Made made;
    made.entity = entity;
    made.json = json;
    made.type = type;
    add(made);
  }
  // A statement of one event between two others.
  void write(const std::string& sqlite, const std::string& postgres) {
    open(kHead + kTable + written(sqlite, postgres));
    start_lane();
    add_of("a", "{\"r\": 1.5, \"s\": \"x\"}", "Reading");
    add_of("b", "{\"r\": 2.5, \"s\": \"y\"}", "Written");
    add_of("c", "{\"r\": 3.5, \"s\": \"z\"}", "Reading");
    outcome_ = feed_.run(*engine_);
  }
  std::string why() {
    const auto parked = engine_->parked(1);
    return parked && !parked->empty() ? parked->front().kind + ": " + parked->front().why : "";
  }
  void expect_parked() {
    EXPECT_EQ(outcome_.parked, 1u);
    EXPECT_THAT(why(), StartsWith("poison: SQL of line "));
    EXPECT_THAT(rows("t"), ElementsAre("plant-7|a|1.5|x|nil|[]", "plant-7|c|3.5|z|nil|[]"));
  }
  BatchOutcome outcome_;
};

TEST_F(DomainTest, WhatAViewCalculatesBeyondTheDomainIsNull) {
  open(kHead + kTable +
       "[view.v]\nsql = { sqlite = \"\"\"SELECT name, r * 10 AS ten, -r * 10 AS minus, "
       "s || char(0) AS nul, CAST(x'ff80' AS TEXT) AS bytes, r FROM t\"\"\", postgres = "
       "\"\"\"SELECT name, 'Infinity'::float8 AS ten, '-Infinity'::float8 AS minus, "
       "'NaN'::float8 AS nul, repeat('9', 400)::numeric AS bytes, r FROM t\"\"\" }\n");
  start_lane();
  add_of("a", "{\"r\": 1.79e308, \"s\": \"x\"}", "Reading");
  add_of("b", "{\"r\": 2.5}", "Reading");
  feed_.run(*engine_);
  EXPECT_EQ(rows("t").size(), 2u);
  const auto page = query()->run({"v", {}, {}, {}, 1, ""}, std::chrono::seconds(10));
  ASSERT_TRUE(page) << core::to_string(page.error());
  const std::vector<Cell>& row = page->rows.at(0);
  EXPECT_EQ(row[0], Cell(std::string("a")));
  for (const std::size_t at : {1, 2, 3, 4}) EXPECT_EQ(row[at], Cell()) << page->columns[at].name;
  EXPECT_EQ(row[5], Cell(1.79e308));
}

TEST_F(DomainTest, AnInfiniteRealWrittenBySqlParks) {
  write("UPDATE t SET r = 9e999", "UPDATE t SET r = '-Infinity'");
  expect_parked();
}

TEST_F(DomainTest, TextWithANulWrittenBySqlParks) {
  write("UPDATE t SET s = 'a' || char(0) || 'b'", "UPDATE t SET s = 'a' || chr(length(name) - 1)");
  expect_parked();
}

TEST_F(DomainTest, AListThatIsNoneWrittenBySqlParks) {
  write("UPDATE t SET l = '[1, '", "UPDATE t SET l = '[1, '");
  expect_parked();
}

TEST_F(DomainTest, ABoolThatIsNoneWrittenBySqlParks) {
  write("UPDATE t SET ok = 7", "UPDATE t SET ok = (s || 'x')::boolean");
  expect_parked();
}

// SQLite cannot tell it in a CHECK.
TEST_F(DomainTest, TextThatIsNoUtf8WrittenBySqlReadsAsNull) {
  write("UPDATE t SET s = CAST(x'ff80' AS TEXT)", "UPDATE t SET s = NULL");
  EXPECT_EQ(outcome_.parked, 0u);
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|a|1.5|x|nil|[]", "plant-7|b|2.5|nil|nil|[]",
                                     "plant-7|c|3.5|z|nil|[]"));
}

TEST_F(DomainTest, ARowThatHasNoRoomInTheIndexParksItsEvent) {
  write("UPDATE t SET name = NULL",
        "UPDATE t SET name = (SELECT string_agg(md5(i::text), '') FROM "
        "generate_series(1, 400) AS g(i))");
  expect_parked();
}

// The lint does not see that it is the present time.
TEST_F(DomainTest, WhereEventsAreAppliedThereIsNoPresentTime) {
  write("UPDATE t SET s = datetime('n' || 'ow')", "UPDATE t SET s = NULL");
  EXPECT_EQ(outcome_.parked, 0u);
  EXPECT_EQ(rows("t").at(1), "plant-7|b|2.5|nil|nil|[]");
}

// No SQL of the user's own: rows are written at the end of the batch, all together.
TEST_F(DomainTest, ARowThatHasNoRoomInATableParksItsEventAlone) {
  std::string columns;
  for (int i = 0; i < 1100; ++i)
    columns += "c" + std::to_string(i) + " = { type = \"real\", default = 1.5 }\n";
  open(kHead + kTable +
       "[table.wide]\nkey = { gateway = \"$gateway\", name = \"$entity\" }\n"
       "[table.wide.columns]\n" +
       columns + "[[table.wide.on]]\ntype = \"Wide\"\nset = { c0 = \".r\" }\n");
  start_lane();
  add_of("a", "{\"r\": 1.5, \"s\": \"x\"}", "Reading");
  add_of("b", "{\"r\": 2.5}", "Wide");
  add_of("b", "{\"r\": 2.5, \"s\": \"behind\"}", "Reading");
  add_of("c", "{\"r\": 3.5, \"s\": \"z\"}", "Reading");
  const auto outcome = feed_.run(*engine_);
  add_of("d", "{\"r\": 4.5, \"s\": \"later\"}", "Reading");
  feed_.run(*engine_);
  if (!test::on_postgres()) {
    EXPECT_EQ(outcome.parked, 0u);
    EXPECT_EQ(rows("wide").size(), 1u);
    return;
  }
  EXPECT_EQ(outcome.parked, 2u) << "and what follows it in its stream";
  EXPECT_THAT(why(), HasSubstr("over a limit of the read database"));
  EXPECT_EQ(rows("wide").size(), 0u);
  EXPECT_THAT(rows("t"), ElementsAre("plant-7|a|1.5|x|nil|[]", "plant-7|c|3.5|z|nil|[]",
                                     "plant-7|d|4.5|later|nil|[]"));
  // An operator's word: the event behind it follows.
  const auto heads = engine_->parked_heads(2);
  ASSERT_TRUE(heads);
  ASSERT_EQ(heads->size(), 1u);
  const ParkedEvent& head = heads->front();
  const core::Identity event{head.gateway, head.epoch, head.lane, head.seq};
  const auto again = engine_->retry_parked(event);
  ASSERT_TRUE(again) << core::to_string(again.error());
  EXPECT_FALSE(again->settled);
  const auto skipped = engine_->skip_parked(event, "too wide");
  ASSERT_TRUE(skipped) << core::to_string(skipped.error());
  EXPECT_EQ(skipped->applied, 1u);
  EXPECT_EQ(rows("t").size(), 4u);
}

class PgTextTest : public DomainTest {
 protected:
  // Why the engine does not open; always opens upon SQLite, whose text does nothing.
  std::string why_not(const std::string& postgres) {
    const std::string text =
        kHead + kTable +
        "[table.u]\nkey = { gateway = \"$gateway\" }\n[table.u.columns]\nn = \"int\"\n"
        "[[table.u.on]]\ntype = \"Reading\"\nlatest = { n = \"$seq\" }\n" +
        written("UPDATE t SET r = 1", postgres);
    const auto model = Model::parse(text, "m.model.toml");
    EXPECT_TRUE(model) << (model ? "" : model.error().message);
    if (!model) return "";
    const auto engine =
        Engine::open(*model, test::scratch_place(dir_.path(), **model), clock_, log_);
    if (!engine) {
      EXPECT_EQ(engine.error().code, core::Errc::kConfig);
    }
    return engine ? "" : engine.error().message;
  }
  void expect_refused(const std::string& postgres, const std::string& why) {
    const std::string said = why_not(postgres);
    if (test::on_postgres()) {
      EXPECT_THAT(said, StartsWith("m.model.toml:")) << postgres;
      EXPECT_THAT(said, HasSubstr(why)) << postgres;
    } else {
      EXPECT_EQ(said, "");
    }
  }
};

TEST_F(PgTextTest, ATextThatChangesWhatItDoesNotTouchIsRefused) {
  expect_refused("WITH y AS (INSERT INTO u (gateway) VALUES ('g') RETURNING 1) UPDATE t SET r = 1",
                 "SQL: it changes 'u', which 'touches' does not name");
}

TEST_F(PgTextTest, ATextThatLeavesItsSchemaIsRefused) {
  expect_refused("UPDATE t SET r = (SELECT count(*) FROM pg_catalog.pg_class)",
                 "'pg_catalog.pg_class' is no table of this model");
  expect_refused(R"(UPDATE t SET r = (SELECT count(*) FROM U&"\\005fsluice_gate"))",
                 "is the engine's own");
}

TEST_F(PgTextTest, ATextThatCallsAVolatileFunctionIsRefused) {
  expect_refused("UPDATE t SET r = lo_creat(0)::bigint", "is volatile");
}

TEST_F(PgTextTest, ATextThatIsNoChangeIsRefused) {
  expect_refused("SELECT name FROM t", "SQL: ");
}

TEST_F(PgTextTest, AnOrdinaryTextIsTaken) {
  EXPECT_EQ(why_not("UPDATE t SET r = greatest(r, (SELECT max(n) FROM u)), s = format('%s', 'x')"),
            "");
  EXPECT_EQ(why_not("WITH x AS (SELECT name AS n, r FROM t) UPDATE t SET r = 7"), "");
}

}  // namespace
}  // namespace sluice::projection
